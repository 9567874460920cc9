package jpeg

import (
	"encoding/binary"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/meta"
)

// Markers, T.81 table B.1.
const (
	mSOF0  = 0xC0 // baseline
	mSOF1  = 0xC1 // extended sequential, Huffman
	mSOF2  = 0xC2 // progressive, Huffman
	mDHT   = 0xC4
	mJPG   = 0xC8
	mDAC   = 0xCC
	mSOF15 = 0xCF
	mRST0  = 0xD0
	mRST7  = 0xD7
	mSOI   = 0xD8
	mEOI   = 0xD9
	mSOS   = 0xDA
	mDQT   = 0xDB
	mDNL   = 0xDC
	mDRI   = 0xDD
	mDHP   = 0xDE
	mEXP   = 0xDF
	mAPP0  = 0xE0
	mAPP1  = 0xE1
	mAPP2  = 0xE2
	mAPP14 = 0xEE
	mTEM   = 0x01
)

// notDone names the frames that are understood and not read, T.81 table B.1.
var notDone = map[byte]string{
	0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical progressive", 0xC7: "hierarchical lossless",
	0xC9: "arithmetic-coded", 0xCA: "arithmetic-coded progressive", 0xCB: "arithmetic-coded lossless",
	0xCD: "arithmetic-coded hierarchical", 0xCE: "arithmetic-coded hierarchical progressive",
	0xCF: "arithmetic-coded hierarchical lossless", mDHP: "hierarchical", mEXP: "hierarchical", mDAC: "arithmetic-coded",
}

// quantTable is a quantization table in zig-zag order.
type quantTable struct {
	q    [64]uint16
	set  bool
	wide bool // it was stored in 16 bits
}

// component of a frame, T.81 B.2.2.
type component struct {
	id   byte
	h, v int // sampling factors, 1..4
	tq   byte
	// quant is the table as it stood at the component's first scan.
	quant *quantTable

	bw, bh int // blocks a row and a column that hold all samples
	mw, mh int // the same filled up to whole MCUs of an interleaved scan
}

// frame header and what it says of sizes.
type frame struct {
	sof        byte
	w, h       int
	comps      []component
	hmax, vmax int
	mcux, mcuy int // MCUs of a scan of all components
}

func (f *frame) progressive() bool { return f.sof == mSOF2 }

// scan header, T.81 B.2.3.
type scan struct {
	comps  []int // indexes into frame.comps
	dc, ac []*huffman
	slots  []byte // of their tables: DC << 4 | AC
	ss, se int
	ah, al uint
	ri     int // restart interval in MCUs; 0: none
}

// nextMarker passes over anything up to the next marker, as all readers do, and
// returns it; 0 at the end of the file.
func (r *Reader) nextMarker() byte {
	for {
		b, ok := r.src.next()
		for ok && b == 0xFF {
			if b, ok = r.src.next(); ok && b != 0xFF && b != 0 {
				return b
			}
		}
		if !ok {
			return 0
		}
	}
}

// headers reads segments up to and with the next SOS, given the marker that
// comes first (0 for the next one in the file). done: the picture ended, by EOI or
// by the end of the file, and there is no other scan; eoi tells which.
func (r *Reader) headers(m byte) (s *scan, eoi bool, err error) {
	for ; ; m = 0 {
		if m == 0 {
			m = r.nextMarker()
		}
		switch {
		case m == 0:
			return nil, false, r.src.err
		case m == mEOI:
			return nil, true, nil
		case m == mTEM || m == mSOI || m >= mRST0 && m <= mRST7:
			if m != mTEM {
				return nil, false, fault.New(fault.Format, "marker FF%02X out of place", m)
			}
			continue
		case notDone[m] != "":
			return nil, false, fault.New(fault.Unsupported, "%s JPEG is not read", notDone[m])
		}
		n, err := r.length(m)
		if err != nil {
			return nil, false, err
		}
		switch m {
		case mSOS:
			s, err := r.readSOS(n)
			return s, false, err
		case mSOF0, mSOF1, mSOF2:
			err = r.readSOF(m, n)
		case mDHT:
			err = r.readDHT(n)
		case mDQT:
			err = r.readDQT(n)
		case mDRI:
			err = r.readDRI(n)
		case mDNL:
			err = fault.New(fault.Unsupported, "JPEG with a DNL marker is not read")
		case mAPP0, mAPP1, mAPP2, mAPP14:
			err = r.readAPP(m, n)
		default:
			if !r.src.skip(n) {
				err = r.short(m)
			}
		}
		if err != nil {
			return nil, false, err
		}
	}
}

// length reads the length of a segment and returns how many bytes follow it.
func (r *Reader) length(m byte) (int, error) {
	var p [2]byte
	if !r.src.full(p[:]) {
		return 0, r.short(m)
	}
	n := int(binary.BigEndian.Uint16(p[:])) - 2
	if n < 0 {
		return 0, fault.New(fault.Format, "segment FF%02X of length %d", m, n+2)
	}
	return n, nil
}

func (r *Reader) short(m byte) error {
	if r.src.err != nil {
		return r.src.err
	}
	return fault.New(fault.Format, "truncated in segment FF%02X", m)
}

// payload reads a segment of at most max bytes into the reader's buffer.
func (r *Reader) payload(m byte, n, max int) ([]byte, error) {
	if n > max {
		return nil, fault.New(fault.Format, "segment FF%02X of %d bytes", m, n)
	}
	if cap(r.seg) < n {
		r.seg = make([]byte, n)
	}
	p := r.seg[:n]
	if !r.src.full(p) {
		return nil, r.short(m)
	}
	return p, nil
}

func (r *Reader) readSOF(m byte, n int) error {
	if r.frame != nil {
		return fault.New(fault.Format, "second frame header")
	}
	p, err := r.payload(m, n, 6+3*255)
	if err != nil {
		return err
	}
	if len(p) < 6 || len(p) != 6+3*int(p[5]) {
		return fault.New(fault.Format, "frame header of %d bytes", n)
	}
	f := &frame{sof: m, h: int(binary.BigEndian.Uint16(p[1:])), w: int(binary.BigEndian.Uint16(p[3:]))}
	if p[0] != 8 {
		return fault.New(fault.Unsupported, "JPEG of %d bits a sample is not read", p[0])
	}
	if f.h == 0 && f.w != 0 {
		return fault.New(fault.Unsupported, "JPEG whose height comes after its first scan (DNL) is not read")
	}
	if err := r.lim.CheckSize(int64(f.w), int64(f.h), 1); err != nil {
		return err
	}
	switch p[5] {
	case 1, 3, 4:
	default:
		return fault.New(fault.Unsupported, "JPEG of %d components is not read", p[5])
	}
	for q := p[6:]; len(q) > 0; q = q[3:] {
		c := component{id: q[0], h: int(q[1] >> 4), v: int(q[1] & 15), tq: q[2]}
		for _, o := range f.comps {
			if o.id == c.id {
				return fault.New(fault.Format, "two components of id %d", c.id)
			}
		}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 {
			return fault.New(fault.Format, "sampling factors %dx%d", c.h, c.v)
		}
		if c.tq > 3 {
			return fault.New(fault.Format, "quantization table %d", c.tq)
		}
		f.comps = append(f.comps, c)
	}
	if len(f.comps) == 1 { // its factors say nothing, T.81 A.2.2
		f.comps[0].h, f.comps[0].v = 1, 1
	}
	f.layOut()
	r.frame = f
	return nil
}

// layOut computes the sizes that follow from the sampling factors, T.81 A.1.1, A.2.
func (f *frame) layOut() {
	for _, c := range f.comps {
		f.hmax, f.vmax = max(f.hmax, c.h), max(f.vmax, c.v)
	}
	f.mcux, f.mcuy = ceilDiv(f.w, 8*f.hmax), ceilDiv(f.h, 8*f.vmax)
	for i := range f.comps {
		c := &f.comps[i]
		c.bw, c.bh = ceilDiv(ceilDiv(f.w*c.h, f.hmax), 8), ceilDiv(ceilDiv(f.h*c.v, f.vmax), 8)
		c.mw, c.mh = f.mcux*c.h, f.mcuy*c.v
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func (r *Reader) readDHT(n int) error {
	p, err := r.payload(mDHT, n, 1<<16)
	if err != nil {
		return err
	}
	for len(p) > 0 {
		if len(p) < 17 {
			return fault.New(fault.Format, "Huffman table cut short")
		}
		class, slot := p[0]>>4, p[0]&15
		if class > 1 || slot > 3 {
			return fault.New(fault.Format, "Huffman table class %d slot %d", class, slot)
		}
		var counts [17]uint8
		sum := 0
		for l := 1; l <= 16; l++ {
			counts[l] = p[l]
			sum += int(p[l])
		}
		if sum == 0 || sum > 256 || len(p) < 17+sum {
			return fault.New(fault.Format, "Huffman table of %d symbols", sum)
		}
		h, err := newHuffman(&counts, p[17:17+sum])
		if err != nil {
			return err
		}
		r.huff[class][slot] = h
		p = p[17+sum:]
	}
	return nil
}

func (r *Reader) readDQT(n int) error {
	p, err := r.payload(mDQT, n, 1<<16)
	if err != nil {
		return err
	}
	for len(p) > 0 {
		wide, slot := p[0]>>4, p[0]&15
		size := 64 * (1 + int(wide))
		if wide > 1 || slot > 3 || len(p) < 1+size {
			return fault.New(fault.Format, "quantization table %d of %d bytes", slot, len(p))
		}
		t := &quantTable{set: true, wide: wide == 1}
		for i := range t.q {
			if t.wide {
				t.q[i] = binary.BigEndian.Uint16(p[1+2*i:])
			} else {
				t.q[i] = uint16(p[1+i])
			}
			if t.q[i] == 0 {
				return fault.New(fault.Format, "quantization table %d has a zero", slot)
			}
		}
		r.quant[slot] = t
		p = p[1+size:]
	}
	return nil
}

func (r *Reader) readDRI(n int) error {
	p, err := r.payload(mDRI, n, 2)
	if err != nil {
		return err
	}
	if len(p) != 2 {
		return fault.New(fault.Format, "DRI of %d bytes", n)
	}
	r.ri = int(binary.BigEndian.Uint16(p))
	return nil
}

// readAPP takes what decides how the picture is shown, and drops the rest.
func (r *Reader) readAPP(m byte, n int) error {
	p, err := r.payload(m, n, 1<<16)
	if err != nil {
		return err
	}
	has := func(prefix string) bool { return len(p) >= len(prefix) && string(p[:len(prefix)]) == prefix }
	switch {
	case m == mAPP0 && has("JFIF\x00"):
		r.jfif = true
	case m == mAPP1 && has("Exif\x00\x00") && r.hdr.Orientation <= 1:
		r.hdr.Orientation = meta.Orientation(p)
	case m == mAPP14 && has("Adobe") && len(p) >= 12:
		r.adobe, r.transform = true, p[11]
	case m == mAPP2 && has("ICC_PROFILE\x00") && len(p) >= 14:
		r.icc.add(p[12], p[13], p[14:])
	}
	return nil
}

// iccChunks gathers an ICC profile that stands in several APP2 segments (ICC.1,
// annex B.4). Chunks that do not make a profile are no reason to refuse a picture.
type iccChunks struct {
	chunks map[byte][]byte
	of     byte
}

func (c *iccChunks) add(seq, of byte, p []byte) {
	if seq == 0 || seq > of || c.of != 0 && c.of != of || c.chunks[seq] != nil {
		return
	}
	if c.chunks == nil {
		c.chunks = map[byte][]byte{}
	}
	c.of = of
	c.chunks[seq] = append([]byte{}, p...)
}

// profile returns the whole profile if it is one of the given colour space.
func (c *iccChunks) profile(space string) []byte {
	var p []byte
	for i := 1; i <= int(c.of); i++ {
		if c.chunks[byte(i)] == nil {
			return nil
		}
		p = append(p, c.chunks[byte(i)]...)
	}
	if meta.ICCSpace(p) != space {
		return nil
	}
	return p
}

func (r *Reader) readSOS(n int) (*scan, error) {
	p, err := r.payload(mSOS, n, 4+2*4)
	if err != nil {
		return nil, err
	}
	f := r.frame
	if f == nil {
		return nil, fault.New(fault.Format, "scan before the frame header")
	}
	if len(p) < 1 || p[0] < 1 || p[0] > 4 || len(p) != 4+2*int(p[0]) {
		return nil, fault.New(fault.Format, "scan header of %d bytes", n)
	}
	if r.scans++; r.scans > maxScans {
		return nil, fault.New(fault.Format, "more than %d scans", maxScans)
	}
	q := p[1+2*int(p[0]):]
	s := &scan{ss: int(q[0]), se: int(q[1]), ah: uint(q[2] >> 4), al: uint(q[2] & 15), ri: r.ri}
	if !f.progressive() { // some writers put other numbers here; nobody reads them
		s.ss, s.se, s.ah, s.al = 0, 63, 0, 0
	} else if err := s.checkBand(int(p[0])); err != nil {
		return nil, err
	}
	blocks, last := 0, -1
	for q := p[1 : 1+2*int(p[0])]; len(q) > 0; q = q[2:] {
		i := f.index(q[0])
		if i <= last {
			return nil, fault.New(fault.Format, "scan of component %d, not there or out of order", q[0])
		}
		last = i
		c := &f.comps[i]
		blocks += c.h * c.v
		if c.quant == nil {
			if r.quant[c.tq] == nil {
				return nil, fault.New(fault.Format, "no quantization table %d", c.tq)
			}
			c.quant = r.quant[c.tq]
		}
		td, ta := q[1]>>4, q[1]&15
		if td > 3 || ta > 3 {
			return nil, fault.New(fault.Format, "Huffman tables %d, %d", td, ta)
		}
		dc, ac := r.huff[0][td], r.huff[1][ta]
		if s.ss == 0 && s.ah == 0 && dc == nil {
			return nil, fault.New(fault.Format, "no DC table %d", td)
		}
		if s.se > 0 && ac == nil {
			return nil, fault.New(fault.Format, "no AC table %d", ta)
		}
		s.comps = append(s.comps, i)
		s.dc = append(s.dc, dc)
		s.ac = append(s.ac, ac)
		s.slots = append(s.slots, q[1])
	}
	if len(s.comps) > 1 && blocks > 10 {
		return nil, fault.New(fault.Format, "%d blocks in an MCU", blocks)
	}
	return s, nil
}

// maxScans is more than any sane picture has: a script of 64 coefficients and 3
// components that sends each bit by itself has more, and is refused.
const maxScans = 500

// checkBand checks the parameters of a progressive scan, T.81 G.1.1.1.
func (s *scan) checkBand(comps int) error {
	ok := s.ss <= s.se && s.se <= 63 && s.al <= 13 && (s.ah == 0 || s.ah == s.al+1)
	if s.ss == 0 {
		ok = ok && s.se == 0
	} else {
		ok = ok && comps == 1
	}
	if !ok {
		return fault.New(fault.Format, "progressive scan of coefficients %d to %d, bits %d to %d, %d components", s.ss, s.se, s.ah, s.al, comps)
	}
	return nil
}

// index returns which component has an id, or -1.
func (f *frame) index(id byte) int {
	for i := range f.comps {
		if f.comps[i].id == id {
			return i
		}
	}
	return -1
}
