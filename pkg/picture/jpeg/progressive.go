package jpeg

import (
	"math/bits"

	"imgtools/pkg/fault"
)

// coefficients of one component, gathered from several scans: of each block the
// n × n lowest, and of all 64 whether they are zero, which is what a refining scan
// must know of those that are not kept.
type coefficients struct {
	n     int
	place *[64]int8 // where among n × n each position of the zig-zag order is; -1: not kept
	v     []int16   // n*n of each block, rows of n; blocks in rows of mw
	nz    []uint64  // of each block: bit k is set when coefficient k, in zig-zag order, is not zero
	sent  [64]int8  // the bit position that each is known down to; -1: not at all
}

// places has coefficients.place for each n.
var places = func() (p [9][64]int8) {
	for n := range p {
		for k, at := range unzig[:64] {
			p[n][k] = -1
			if u, v := int(at&7), int(at>>3); u < n && v < n {
				p[n][k] = int8(v*n + u)
			}
		}
	}
	return
}()

func (c *coefficients) set(block, k int, v int32) {
	if p := c.place[k]; p >= 0 {
		c.v[block*c.n*c.n+int(p)] = int16(v)
	}
	c.nz[block] |= 1 << k
}

// scanner walks the blocks of the scans of a picture that has several.
type scanner struct {
	*mcus
	s      *scan
	eobrun int32 // T.81 G.1.2.2: blocks, this one included, that are at their end
}

// gather reads all scans into coefs.
func (m *mcus) gather() error {
	r, f := m.r, m.f
	var bytes int64
	for i, c := range f.comps {
		bytes += int64(c.mw) * int64(c.mh) * int64(2*m.n[i]*m.n[i]+8)
	}
	if err := r.lim.CheckMem(bytes); err != nil {
		return err
	}
	m.coefs = make([]coefficients, len(f.comps))
	for i, c := range f.comps {
		n := m.n[i]
		m.coefs[i] = coefficients{n: n, place: &places[n], v: make([]int16, c.mw*c.mh*n*n), nz: make([]uint64, c.mw*c.mh)}
		for k := range m.coefs[i].sent {
			m.coefs[i].sent[k] = -1
		}
	}
	eoi := false
	for s := m.s; s != nil; {
		rows, err := m.scan(s)
		if err != nil {
			return err
		}
		if m.e.marker == 0 && m.e.over() {
			return r.cut(m.e, rows)
		}
		m.e.finish()
		if m.e.marker == 0 {
			break
		}
		if s, eoi, err = r.headers(m.e.marker); err != nil {
			return err
		}
	}
	if r.src.err != nil {
		return r.src.err
	}
	for i := range m.coefs {
		if m.n[i] == 0 {
			continue
		}
		c := &m.coefs[i]
		if c.sent[0] < 0 {
			if !eoi {
				return r.cut(m.e, 0)
			}
			return fault.New(fault.Format, "no scan of component %d", f.comps[i].id)
		}
		for _, bit := range c.sent {
			if !eoi && bit != 0 { // more scans were to come
				return r.cut(m.e, 0)
			}
		}
	}
	return nil
}

// scan reads one scan.
func (m *mcus) scan(s *scan) (rows int, err error) {
	for _, i := range s.comps {
		if err := m.coefs[i].send(s); err != nil {
			return 0, err
		}
	}
	sc := &scanner{mcus: m, s: s}
	for i := range s.comps {
		if s.dc[i] != nil {
			s.dc[i].valueTable()
		}
		if s.ac[i] != nil && s.se > 0 {
			s.ac[i].valueTable()
			s.ac[i].skipTable()
		}
	}
	m.e.begin()
	m.restarts(s)
	return sc.walk()
}

// send notes that s sends its coefficients, each of which must come first with
// all its high bits and then bit by bit (T.81 G.1.1.1.2), DC before any AC. So a
// coefficient is never sent more than 14 times, whatever a hostile file says.
func (c *coefficients) send(s *scan) error {
	for k := s.ss; k <= s.se; k++ {
		if s.ah == 0 && c.sent[k] >= 0 || s.ah > 0 && c.sent[k] != int8(s.ah) || k > 0 && s.ss > 0 && c.sent[0] < 0 {
			return fault.New(fault.Format, "scan sends coefficient %d, bits %d to %d, out of turn", k, s.ah, s.al)
		}
		c.sent[k] = int8(s.al)
	}
	return nil
}

// walk calls the decoder of the scan's kind for each block, T.81 A.2. It returns
// how many rows of the picture that is, if it is cut short.
func (sc *scanner) walk() (int, error) {
	f, s, e := sc.f, sc.s, sc.e
	decode := sc.decoder()
	cols, lines := f.mcux, f.mcuy
	single := len(s.comps) == 1
	if single {
		cols, lines = f.comps[s.comps[0]].bw, f.comps[s.comps[0]].bh
	}
	for y := range lines {
		rows := min(f.h, y*8*f.vmax)
		for x := range cols {
			if sc.left == 0 {
				sc.row = y
				if err := sc.restart(s); err != nil {
					return 0, err
				}
				sc.eobrun = 0
			}
			sc.left--
			if single {
				c := s.comps[0]
				rows = min(f.h, y*8*f.vmax/f.comps[c].v)
				if !e.ready() {
					return rows, sc.r.cut(e, rows)
				}
				if err := decode(0, c, y*f.comps[c].mw+x); err != nil {
					return rows, err
				}
				continue
			}
			for i, ci := range s.comps {
				c := &f.comps[ci]
				for by := range c.v {
					for bx := range c.h {
						if !e.ready() {
							return rows, sc.r.cut(e, rows)
						}
						if err := decode(i, ci, (y*c.v+by)*c.mw+x*c.h+bx); err != nil {
							return rows, err
						}
					}
				}
			}
		}
	}
	sc.row = 0
	if e.over() {
		return f.h, sc.r.cut(e, f.h)
	}
	return f.h, nil
}

// decoder returns the function that decodes a block of component c, the i-th of
// the scan, with the given index.
func (sc *scanner) decoder() func(i, c, block int) error {
	switch s := sc.s; {
	case !sc.f.progressive():
		return sc.whole
	case s.ss == 0 && s.ah == 0:
		return sc.dcFirst
	case s.ss == 0:
		return sc.dcRefine
	case s.ah == 0:
		return sc.acFirst
	}
	return sc.acRefine
}

var ones = func() (q [64]uint16) {
	for i := range q {
		q[i] = 1
	}
	return
}()

// whole decodes a block of a sequential scan.
func (sc *scanner) whole(i, ci, at int) error {
	d, err := sc.e.diff(sc.s.dc[i])
	if err != nil {
		return err
	}
	sc.pred[i] += d
	var b block
	b[0] = sc.pred[i]
	if err := sc.e.block(&b, sc.s.ac[i], &ones, 63); err != nil {
		return err
	}
	c := &sc.coefs[ci]
	for k, p := range unzig[:64] {
		if b[p] != 0 {
			c.set(at, k, b[p])
		}
	}
	return nil
}

func (sc *scanner) dcFirst(i, ci, at int) error {
	d, err := sc.e.diff(sc.s.dc[i])
	if err != nil {
		return err
	}
	sc.pred[i] += d
	if sc.pred[i] != 0 {
		sc.coefs[ci].set(at, 0, sc.pred[i]<<sc.s.al)
	}
	return nil
}

// dcRefine: one bit a block, T.81 G.1.2.1.
func (sc *scanner) dcRefine(_, ci, at int) error {
	if sc.e.bits(1) != 0 {
		c := &sc.coefs[ci]
		if c.n > 0 {
			c.v[at*c.n*c.n] |= 1 << sc.s.al
		}
		c.nz[at] |= 1
	}
	return nil
}

// acFirst: T.81 G.1.2.2, figure G.3.
func (sc *scanner) acFirst(i, ci, at int) error {
	if sc.eobrun > 0 {
		sc.eobrun--
		return nil
	}
	e, s, c := sc.e, sc.s, &sc.coefs[ci]
	ac := s.ac[i]
	for k := s.ss; k <= s.se; k++ {
		if e.n < 32 {
			e.refill()
		}
		if t := ac.value[e.acc>>(64-lookBits)]; t>>16 != 0 {
			l := uint(t & 31)
			e.acc <<= l
			e.n -= l
			if k += int(t >> 8 & 15); k > s.se {
				return errRun
			}
			c.set(at, k, int32(t)>>16<<s.al)
			continue
		}
		symbol, ok := ac.symbol(e)
		if !ok {
			return errCode
		}
		run, size := int(symbol>>4), uint(symbol&15)
		if size == 0 {
			if run < 15 {
				sc.eobrun = 1<<run + e.bits(uint(run)) - 1
				return nil
			}
			k += 15
			continue
		}
		v := extend(e.bits(size), size)
		if k += run; k > s.se {
			return errRun
		}
		c.set(at, k, v<<s.al)
	}
	return nil
}

// acRefine: T.81 G.1.2.3, figure G.7.
func (sc *scanner) acRefine(i, ci, at int) error {
	e, s, c := sc.e, sc.s, &sc.coefs[ci]
	k := s.ss
	if sc.eobrun == 0 {
		for ; k <= s.se; k++ {
			symbol, ok := s.ac[i].symbol(e)
			if !ok {
				return errCode
			}
			run, size := int(symbol>>4), symbol&15
			v := int32(0)
			switch {
			case size == 1:
				v = 1 << s.al
				if e.bits(1) == 0 {
					v = -v
				}
			case size != 0:
				return fault.New(fault.Format, "refinement by %d bits at once", size)
			case run < 15:
				sc.eobrun = 1<<run + e.bits(uint(run))
			}
			if sc.eobrun > 0 {
				break
			}
			k = sc.correct(c, at, k, run)
			if v != 0 {
				if k > s.se {
					return errRun
				}
				c.set(at, k, v)
			}
		}
	}
	if sc.eobrun > 0 {
		sc.correct(c, at, k, 64)
		sc.eobrun--
	}
	return nil
}

// correct takes a correction bit for each coefficient from k on that is not zero,
// until it comes to a zero one after passing run of them. It returns where.
func (sc *scanner) correct(c *coefficients, at, k, run int) int {
	s := sc.s
	nz := c.nz[at]
	for ; k <= s.se; k++ {
		if nz>>k&1 == 0 {
			if run == 0 {
				break
			}
			run--
			continue
		}
		if sc.e.bits(1) == 0 {
			continue
		}
		if p := c.place[k]; p >= 0 {
			v := &c.v[at*c.n*c.n+int(p)]
			if bit := int16(1) << s.al; *v >= 0 {
				*v += bit
			} else {
				*v -= bit
			}
		}
	}
	return k
}

// transform makes samples of the next row of MCUs from the gathered coefficients.
func (m *mcus) transform() {
	var b block
	for i, c := range m.f.comps {
		n := m.n[i]
		if n == 0 {
			continue
		}
		q := &c.quant.q
		cs := &m.coefs[i]
		for by := range c.v {
			row := (m.row*c.v + by) * c.mw
			for bx := range c.mw {
				v := cs.v[(row+bx)*n*n : (row+bx+1)*n*n]
				for nz := cs.nz[row+bx]; nz != 0; nz &= nz - 1 {
					k := bits.TrailingZeros64(nz)
					if p := cs.place[k]; p >= 0 {
						b[unzig[k]] = saturate(int32(v[p]) * int32(q[k]))
					}
				}
				idct(n, &b, m.pix[i][by*n*m.stride[i]+bx*n:], m.stride[i])
				clear(b[:])
			}
		}
	}
}
