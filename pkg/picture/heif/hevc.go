package heif

// typeSPS is the type of a sequence parameter set among HEVC's units of data (ISO/IEC
// 23008-2, table 7-1).
const typeSPS = 33

// Bounds of ISO/IEC 23008-2 on numbers in a sequence parameter set.
const (
	maxSets     = 64 // of reference pictures
	maxSetSize  = 16 // pictures of a set
	maxLongTerm = 32 // pictures
)

// parameterColours returns what the sequence parameter set in a decoder configuration says
// of the colours: primaries, transfer, matrix and full range. A HEIC without a box colr has
// it only there. ok is false if there is no such set or it says nothing of the signal.
//
// The configuration has 22 bytes and then arrays of units, each of a type, with a number and
// the length of each unit (ISO/IEC 14496-15, 8.3.3.1).
func parameterColours(hvcC []byte) (cicp [4]byte, ok bool) {
	b := fields{b: hvcC}
	b.take(22)
	for range b.uint(1) {
		kind := b.uint(1) & 63
		for range b.uint(2) {
			unit := b.take(int(b.uint(2)))
			if kind == typeSPS || b.short {
				return setColours(unit)
			}
		}
	}
	return cicp, false
}

// setColours reads a sequence parameter set as far as the colours (ISO/IEC 23008-2, 7.3.2.2
// and E.2.1).
func setColours(unit []byte) (cicp [4]byte, ok bool) {
	r := &bits{b: unescape(unit)}
	r.get(16) // header of the unit
	r.get(4)
	layers := r.get(3) // less 1
	r.get(1)
	r.profile(layers)
	r.golomb()
	if r.golomb() == 3 { // 4:4:4
		r.get(1)
	}
	r.golombs(2)
	if r.flag() { // cut
		r.golombs(4)
	}
	r.golombs(2)
	order := r.golomb() + 4 // bits of a picture's place in the order
	if r.flag() {
		r.golombs(3 * layers)
	}
	r.golombs(3)
	r.golombs(6)
	if r.flag() && r.flag() {
		r.scalingLists()
	}
	r.get(2)
	if r.flag() { // samples that are not coded
		r.get(8)
		r.golombs(2)
		r.get(1)
	}
	if !r.referenceSets() {
		return cicp, false
	}
	if r.flag() {
		n := r.golomb()
		if n > maxLongTerm || order > 16 {
			return cicp, false
		}
		r.get(n * (order + 1))
	}
	r.get(2)
	if !r.flag() { // no usability information
		return cicp, false
	}
	if r.flag() && r.get(8) == 255 {
		r.get(32)
	}
	if r.flag() {
		r.get(1)
	}
	if !r.flag() { // nothing of the signal
		return cicp, false
	}
	r.get(3)
	cicp = [4]byte{2, 2, 2, byte(r.get(1))} // unspecified
	if r.flag() {
		for i := range 3 {
			cicp[i] = byte(r.get(8))
		}
	}
	return cicp, !r.short
}

// unescape returns a unit without the bytes 3 that keep its zeros from looking like the
// start of another unit: 0 0 3 stands for 0 0 (ISO/IEC 23008-2, 7.3.1.1).
func unescape(unit []byte) []byte {
	plain := make([]byte, 0, len(unit))
	zeros := 0
	for _, c := range unit {
		if zeros >= 2 && c == 3 {
			zeros = 0
			continue
		}
		if zeros++; c != 0 {
			zeros = 0
		}
		plain = append(plain, c)
	}
	return plain
}

// golomb reads a number in Exp-Golomb code: as many zeros as there are bits after the
// first 1, of which it is the value less 1 (ISO/IEC 23008-2, 9.2). 1 is 0, 010 is 1, 011 is
// 2, 00100 is 3.
func (r *bits) golomb() int {
	zeros := 0
	for !r.flag() {
		if zeros++; zeros > 30 || r.short {
			r.short = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.get(zeros)
}

func (r *bits) golombs(n int) {
	for range n {
		r.golomb()
	}
}

// profile passes over profile and level, and those of sub-layers.
func (r *bits) profile(layers int) {
	r.get(96)
	if layers == 0 {
		return
	}
	var present [8][2]bool
	for i := range 8 {
		present[i] = [2]bool{r.flag(), r.flag()}
	}
	for i := range layers {
		if present[i][0] {
			r.get(88)
		}
		if present[i][1] {
			r.get(8)
		}
	}
}

// scalingLists passes over tables of quantization, of 16 or 64 factors each.
func (r *bits) scalingLists() {
	for size := range 4 {
		lists := 6
		if size == 3 {
			lists = 2
		}
		for range lists {
			switch factors := min(64, 16<<(2*size)); {
			case !r.flag():
				r.golomb()
			case size > 1:
				r.golombs(factors + 1)
			default:
				r.golombs(factors)
			}
		}
	}
}

// referenceSets passes over sets of reference pictures. It returns false for one that is
// given by its difference from another: no still picture needs it.
func (r *bits) referenceSets() bool {
	sets := r.golomb()
	if sets > maxSets {
		return false
	}
	for i := range sets {
		if i > 0 && r.flag() {
			return false
		}
		n := r.golomb() + r.golomb()
		if n > maxSetSize {
			return false
		}
		for range n {
			r.golomb()
			r.get(1)
		}
	}
	return true
}
