package jpeg

import (
	"encoding/binary"

	"imgtools/pkg/fault"
)

// component of a frame, T.81 B.2.2.
type component struct {
	id   byte // unique in the frame; see readSOF
	said byte // the id in the file, which scans name
	h, v int  // sampling factors, 1 to 4
	tq   byte
	// quant is the table in slot tq at the component's first scan.
	quant *quantTable

	bw, bh int // blocks in a row and in a column that hold all samples
	mw, mh int // the same, rounded up to whole MCUs of an interleaved scan
}

// frame is a frame header, with the sizes that follow from it.
type frame struct {
	sof        byte
	w, h       int
	comps      []component
	hmax, vmax int
	mcux, mcuy int // MCUs of a scan of all components
}

func (f *frame) progressive() bool { return f.sof == mSOF2 || f.sof == mSOF10 }

// arithmetic reports whether scans are coded by T.81 annex D instead of Huffman codes.
func (f *frame) arithmetic() bool { return f.sof >= mSOF9 }

// readSOF reads the frame header, T.81 B.2.2.
//
// Some writers give two components one id. Then, as in libjpeg, the later one gets the
// largest id so far plus 1, and scans that name an id several times mean the components
// in order.
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
		if f.h = r.findDNL(); f.h == 0 {
			return fault.New(fault.Format, "height 0 in the frame header, and no DNL after the first scan")
		}
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
		c := component{id: q[0], said: q[0], h: int(q[1] >> 4), v: int(q[1] & 15), tq: q[2]}
		most := byte(0)
		for _, o := range f.comps {
			most = max(most, o.id)
		}
		for _, o := range f.comps {
			if o.id == c.id {
				c.id = most + 1
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

// findDNL returns the height of a picture whose frame header has none: it is in a DNL
// segment after the first scan (T.81 B.2.5). It reads ahead by a window of its own. The
// result is 0 if there is no such segment.
func (r *Reader) findDNL() int {
	ahead := Reader{src: r.src.fork()}
	seen := false // the first SOS
	for {
		m, _ := ahead.nextMarker()
		switch {
		case m == 0 || m == mEOI:
			return 0
		case m == mTEM || m == mSOI || isRST(m):
			continue
		}
		n, err := ahead.length(m)
		if err != nil {
			return 0
		}
		switch {
		case m == mDNL && seen:
			p, err := ahead.payload(m, n, 2)
			if err != nil || len(p) != 2 {
				return 0
			}
			return int(binary.BigEndian.Uint16(p))
		case seen: // only the very next segment can be it
			return 0
		case m == mSOS:
			seen = true
		}
		if !ahead.src.skip(n) {
			return 0
		}
	}
}

// scan is a scan header, T.81 B.2.3, with the tables that it names.
type scan struct {
	comps  []int // indexes into frame.comps, rising
	dc, ac []*huffman
	slots  []byte // of the tables: DC << 4 | AC
	ss, se int    // band of coefficients, in zig-zag order
	ah, al uint   // bit position of the scan before, and of this one
	ri     int    // restart interval in MCUs; 0: none
	cond   arithConditioning
}

// maxScans is more than any sane picture has. A script that sends each bit of each of
// 64 coefficients and 3 components by itself has more, and is refused.
const maxScans = 500

// readSOS reads a scan header, T.81 B.2.3.
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
	s := &scan{ss: int(q[0]), se: int(q[1]), ah: uint(q[2] >> 4), al: uint(q[2] & 15), ri: r.ri, cond: r.cond}
	if !f.progressive() { // some writers have other numbers here; no reader looks at them
		s.ss, s.se, s.ah, s.al = 0, 63, 0, 0
	} else if err := s.checkBand(int(p[0])); err != nil {
		return nil, err
	}
	blocks, last := 0, -1
	for q := p[1 : 1+2*int(p[0])]; len(q) > 0; q = q[2:] {
		i := f.index(q[0], last)
		if i < 0 {
			return nil, fault.New(fault.Format, "scan of component %d, which is missing or out of order", q[0])
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
			return nil, fault.New(fault.Format, "entropy coding tables %d, %d", td, ta)
		}
		var dc, ac *huffman
		if s.ss == 0 && s.ah == 0 && !f.arithmetic() {
			if dc, err = r.table(0, td); err != nil {
				return nil, err
			}
		}
		if s.se > 0 && !f.arithmetic() {
			if ac, err = r.table(1, ta); err != nil {
				return nil, err
			}
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

// index returns the first component after the last one of a scan that the file gives
// an id, or -1. Where ids are unique, that is the component, unless it is out of order.
func (f *frame) index(id byte, last int) int {
	for i := last + 1; i < len(f.comps); i++ {
		if f.comps[i].said == id {
			return i
		}
	}
	return -1
}
