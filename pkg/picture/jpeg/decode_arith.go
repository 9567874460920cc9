package jpeg

import "math/bits"

// arithBlock decodes a block of a sequential arithmetic-coded scan (T.81 F.2.4) of
// the i-th component of the scan, and calls set for each coefficient that is not zero,
// the first always.
func (sc *scanner) arithBlock(i int, set func(k int, v int32)) error {
	slots := sc.s.slots[i]
	d, err := sc.arith.difference(i, slots>>4)
	if err != nil {
		return err
	}
	sc.pred[i] += d
	set(0, legalDC(sc.pred[i], 0))
	return sc.arith.band(slots&15, 1, 63, set)
}

// arithBlock gathers a block of a sequential scan.
func (m *decoder) arithBlock(i, ci, at int) error {
	c := &m.coefs[ci]
	return m.sc.arithBlock(i, func(k int, v int32) {
		if v != 0 {
			c.set(at, k, v)
		}
	})
}

// arithFirst decodes the first bits of a band of a block, T.81 G.1.3.2.
func (m *decoder) arithFirst(_, ci, at int) error {
	c, s := &m.coefs[ci], m.sc.s
	return m.sc.arith.band(s.slots[0]&15, s.ss, s.se, func(k int, v int32) { c.set(at, k, v<<s.al) })
}

// arithRefine decodes one more bit of a band of a block, T.81 G.1.3.3. A coefficient that
// is nonzero gets a correction bit. Decisions on the end of the block come only after
// the last of those.
func (m *decoder) arithRefine(_, ci, at int) error {
	a, c, s := m.sc.arith, &m.coefs[ci], m.sc.s
	slot := s.slots[0] & 15
	t := a.ac[slot][:]
	nz := c.nz[at]
	last := bits.Len64(nz&(1<<s.se<<1-1)) - 1
	for k := s.ss; k <= s.se; k++ {
		if k > last && a.decide(&t[3*(k-1)]) != 0 { // end of block
			return nil
		}
		for {
			if nz>>k&1 != 0 {
				if a.decide(&t[3*(k-1)+2]) != 0 {
					c.enlarge(at, k, s.al)
				}
				break
			}
			if a.decide(&t[3*(k-1)+1]) != 0 {
				c.set(at, k, signed(1<<s.al, a.decide(&a.even)))
				break
			}
			if k++; k > s.se {
				return errArith
			}
		}
	}
	return nil
}

// arithSamples decodes a block of the i-th part into the coefficients of the at-th block
// of g.
func (m *decoder) arithSamples(i int, g *group, at uint) error {
	g.used[at] = 1
	return m.sc.arithBlock(i, func(k int, v int32) {
		g.v[at*blockStep+uint(k)*groupStep] = int16(v)
		g.used[at] = uint8(k + 1)
	})
}

// arithMCU decodes an MCU, the x-th of eight, after nextMCU.
func (m *decoder) arithMCU(x int) error {
	sc := m.sc
	for i := range m.parts {
		p := &m.parts[i]
		for b := range p.h * p.v {
			if !sc.e.ready() {
				return sc.cut()
			}
			at := uint(x*p.h + b%p.h)
			g := &p.groups[uint(b/p.h*p.h)+at/groupBlocks]
			if err := m.arithSamples(i, g, at%groupBlocks); err != nil {
				return sc.fail(err)
			}
		}
	}
	return nil
}
