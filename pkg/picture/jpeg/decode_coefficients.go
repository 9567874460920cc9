package jpeg

import (
	"math/bits"

	"imgtools/pkg/fault"
)

// coefficients holds those of one component while scans add to them: of each block the
// n × n lowest, and for all 64 whether they are zero, because a refining scan depends on
// those that are not kept, too.
type coefficients struct {
	n     int
	place *[64]int8 // places of the zig-zag positions among n × n; -1: not kept
	v     []int16   // n*n of each block, in rows of n; blocks in rows of mw
	nz    []uint64  // of each block; bit k is set if coefficient k, in zig-zag order, is not 0
}

// places[n] is coefficients.place for n.
var places = func() (p [9][64]int8) {
	for n := range p {
		for k, at := range unzig {
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

// gatherBytes returns the memory that gather takes.
func (m *decoder) gatherBytes() (bytes int64) {
	for i, c := range m.f.comps {
		bytes += int64(c.mw) * int64(c.mh) * int64(2*m.n[i]*m.n[i]+8)
	}
	return bytes
}

// gather reads all scans into coefs. With Limits.Lenient, what a damaged file lacks
// stays as it is: coefficients that were not sent are 0, so that a block without any is
// mid gray, and coefficients of a progressive picture stay as coarse as they are.
func (m *decoder) gather(s *scan) error {
	r, f := m.r, m.f
	if err := r.lim.CheckMem(m.gatherBytes()); err != nil {
		return err
	}
	m.coefs = make([]coefficients, len(f.comps))
	for i, c := range f.comps {
		n := m.n[i]
		m.coefs[i] = coefficients{n: n, place: &places[n], v: make([]int16, c.mw*c.mh*n*n), nz: make([]uint64, c.mw*c.mh)}
	}
	var scanned [4]bool
	err := m.sc.eachScan(s, func(s *scan) error {
		for _, i := range s.comps {
			if scanned[i] && !f.progressive() { // the last scan of a component counts
				clear(m.coefs[i].v)
				clear(m.coefs[i].nz)
			}
			scanned[i] = true
		}
		return m.sc.eachBlock(m.blockDecoder(s))
	})
	if err != nil && !r.forgives(err) {
		return err
	}
	for i := range f.comps {
		if c := &f.comps[i]; c.quant == nil { // its scan is missing
			c.quant = &quantTable{q: ones}
		}
		m.inverse[i] = newInverse(m.n[i], &f.comps[i].quant.q)
	}
	return nil
}

// forgives reports whether an error is one of damage that the caller accepts, and notes
// it.
func (r *Reader) forgives(err error) bool {
	if !r.lim.Lenient || r.src.err != nil || fault.Of(err) != fault.Format {
		return false
	}
	r.Note("%v", err)
	return true
}

// blockDecoder returns the function that decodes a block of the scan. Its arguments are
// those of eachBlock.
func (m *decoder) blockDecoder(s *scan) func(i, c, block int) error {
	arithmetic := m.f.arithmetic()
	switch {
	case !m.f.progressive() && arithmetic:
		return m.arithBlock
	case !m.f.progressive():
		m.sc.skipTables()
		for i := range s.comps {
			m.pairsFor(i, 8)
		}
		return m.sequentialBlock
	case s.ss == 0 && s.ah == 0:
		return m.dcFirst
	case s.ss == 0:
		return m.dcRefine
	case s.ah == 0 && arithmetic:
		return m.arithFirst
	case s.ah == 0:
		s.ac[0].valueTable()
		return m.acFirst
	case arithmetic:
		return m.arithRefine
	}
	return m.acRefine
}

var ones = func() (q [64]uint16) {
	for i := range q {
		q[i] = 1
	}
	return
}()

// sequentialBlock decodes a block of a sequential scan.
func (m *decoder) sequentialBlock(i, ci, at int) error {
	sc, g := m.sc, &m.work
	if _, err := sc.blocks([]blockPlace{{m.pairs[i], (*laneValues)(g.v[:]), &g.used[0], &sc.pred[i]}}); err != nil {
		*g = group{}
		return err
	}
	c := &m.coefs[ci]
	for k := range int(g.used[0]) {
		if v := &g.v[k*groupStep]; *v != 0 {
			c.set(at, k, int32(*v))
			*v = 0
		}
	}
	return nil
}

// dcFirst decodes the DC of a block, without its low bits, T.81 G.1.2.1.
func (m *decoder) dcFirst(i, ci, at int) error {
	sc := m.sc
	d, err := sc.difference(i)
	if err != nil {
		return err
	}
	sc.pred[i] += d
	if dc := legalDC(sc.pred[i], sc.s.al); dc != 0 {
		m.coefs[ci].set(at, 0, dc<<sc.s.al)
	}
	return nil
}

// difference decodes a DC difference of the i-th component of the scan.
func (sc *scanner) difference(i int) (int32, error) {
	if sc.arith != nil {
		return sc.arith.difference(i, sc.s.slots[i]>>4)
	}
	return sc.e.diff(sc.s.dc[i])
}

// dcRefine decodes one more bit of the DC of a block, T.81 G.1.2.1.
func (m *decoder) dcRefine(_, ci, at int) error {
	sc := m.sc
	if sc.arith != nil && sc.arith.decide(&sc.arith.even) != 0 || sc.arith == nil && sc.e.bits(1) != 0 {
		c := &m.coefs[ci]
		if c.n > 0 {
			c.v[at*c.n*c.n] |= 1 << sc.s.al
		}
		c.nz[at] |= 1
	}
	return nil
}

// acFirst decodes the first bits of a band of a block, T.81 G.1.2.2 and figure G.3.
func (m *decoder) acFirst(i, ci, at int) error {
	sc := m.sc
	if sc.eobrun > 0 {
		sc.eobrun--
		return nil
	}
	e, s, c := sc.e, sc.s, &m.coefs[ci]
	ac := s.ac[i]
	for k := s.ss; k <= s.se; k++ {
		if e.n < 32 {
			e.refill()
		}
		if t := ac.value[e.acc>>(64-lookBits)]; t>>16 != 0 {
			l := uint(t & 31)
			e.acc <<= l
			e.n -= l
			if k += int(t >> 8 & 127); k > s.se {
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

// acRefine decodes one more bit of a band of a block, T.81 G.1.2.3 and figure G.7.
func (m *decoder) acRefine(i, ci, at int) error {
	sc := m.sc
	e, s, c := sc.e, sc.s, &m.coefs[ci]
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
				return errRefine
			case run < 15:
				sc.eobrun = 1<<run + e.bits(uint(run))
			}
			if sc.eobrun > 0 {
				break
			}
			k = m.correct(c, at, k, run)
			if v != 0 {
				if k > s.se {
					return errRun
				}
				c.set(at, k, v)
			}
		}
	}
	if sc.eobrun > 0 {
		m.correct(c, at, k, 64)
		sc.eobrun--
	}
	return nil
}

// correct takes a correction bit for each nonzero coefficient from k on, up to the zero
// coefficient that comes after run zero ones. It returns the position of that one.
func (m *decoder) correct(c *coefficients, at, k, run int) int {
	sc := m.sc
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
		c.enlarge(at, k, s.al)
	}
	return k
}

// enlarge adds a bit to the size of a coefficient, which is not zero.
func (c *coefficients) enlarge(block, k int, al uint) {
	p := c.place[k]
	if p < 0 {
		return
	}
	v := &c.v[block*c.n*c.n+int(p)]
	if bit := int16(1) << al; *v >= 0 {
		*v += bit
	} else {
		*v -= bit
	}
}

// transform computes the samples of the next row of MCUs from the gathered coefficients.
func (m *decoder) transform() {
	for i, c := range m.f.comps {
		n := m.n[i]
		if n == 0 {
			continue
		}
		t := &m.inverse[i]
		for by := range c.v {
			row := (m.row*c.v + by) * c.mw
			for bx := 0; bx < c.mw; bx += groupBlocks {
				count := min(groupBlocks, c.mw-bx)
				m.coefs[i].load(&m.work, row+bx, count)
				t.transform(&m.work, count, m.pix[i][(by*m.stride[i]+bx)*n:], m.stride[i])
				m.work.clear(n)
			}
		}
	}
}

// load sets g to count blocks.
func (c *coefficients) load(g *group, block, count int) {
	for i := range count {
		v := c.v[(block+i)*c.n*c.n : (block+i+1)*c.n*c.n]
		at := i * blockStep
		g.v[at] = v[0]
		nz := c.nz[block+i] &^ 1
		for g.used[i] = 1; nz != 0; nz &= nz - 1 {
			k := bits.TrailingZeros64(nz)
			if p := c.place[k]; p >= 0 {
				g.v[at+k*groupStep] = v[p]
				g.used[i] = uint8(k + 1)
			}
		}
	}
}
