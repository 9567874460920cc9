package heif

// bits reads bits, the most significant first. Beyond the end it reads zeros and remembers
// it.
type bits struct {
	b     []byte
	at    int // bits read
	short bool
}

func (r *bits) get(n int) (v int) {
	for range n {
		v <<= 1
		if i := r.at / 8; i < len(r.b) {
			v |= int(r.b[i]>>(7-r.at%8)) & 1
		} else {
			r.short = true
		}
		r.at++
	}
	return v
}

func (r *bits) flag() bool { return r.get(1) == 1 }

// Types of AV1's units of data (AV1 specification, 6.2.2).
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
)

// sequenceColours returns what the sequence header at the beginning of a coded picture says
// of the colours: primaries, transfer, matrix and full range. An AVIF without a box colr
// has it only there (AV1-AVIF, 2.1). ok is false if there is no such header, or one for
// video with timing. It is read as far as its colours (AV1 specification, 5.5.1 and 5.5.2).
func sequenceColours(data []byte) (cicp [4]byte, ok bool) {
	r := &bits{b: data}
	kind := r.unit()
	if kind == obuTemporalDelimiter { // which is empty
		kind = r.unit()
	}
	if kind != obuSequenceHeader {
		return cicp, false
	}
	profile := r.get(3)
	r.get(1)
	reduced := r.flag()
	if reduced {
		r.get(5)
	} else if !r.operatingPoints() {
		return cicp, false
	}
	w, h := r.get(4)+1, r.get(4)+1
	r.get(w)
	r.get(h)
	if !reduced && r.flag() {
		r.get(4 + 3)
	}
	r.get(3)
	if !reduced {
		r.tools()
	}
	r.get(3)
	deep := r.flag()
	if profile == 2 && deep {
		r.get(1)
	}
	mono := profile != 1 && r.flag()
	cicp = [4]byte{2, 2, 2, 0} // unspecified
	if r.flag() {
		for i := range 3 {
			cicp[i] = byte(r.get(8))
		}
	}
	if !mono && cicp == [4]byte{1, 13, 0, 0} || r.flag() {
		cicp[3] = 1
	}
	return cicp, !r.short
}

// unit reads the header of a unit and returns its type (AV1 specification, 5.3).
func (r *bits) unit() (kind int) {
	r.get(1)
	kind = r.get(4)
	extension, sized := r.flag(), r.flag()
	r.get(1)
	if extension {
		r.get(8)
	}
	if sized { // groups of 7 bits, of which all but the last have a bit of 1 before them
		for r.flag() && !r.short {
			r.get(7)
		}
		r.get(7)
	}
	return kind
}

// operatingPoints passes over the layers that a decoder may choose from. It returns false if
// there is a model of timing.
func (r *bits) operatingPoints() bool {
	if r.flag() {
		return false
	}
	delay := r.flag()
	for range r.get(5) + 1 {
		r.get(12)
		if r.get(5) > 7 {
			r.get(1)
		}
		if delay && r.flag() {
			r.get(4)
		}
	}
	return true
}

// tools passes over the coding tools of a sequence of frames.
func (r *bits) tools() {
	r.get(4)
	order := r.flag()
	if order {
		r.get(2)
	}
	screen := true // the encoder chooses for each frame
	if !r.flag() {
		screen = r.flag()
	}
	if screen && !r.flag() {
		r.get(1)
	}
	if order {
		r.get(3)
	}
}
