package jpeg

// Decoding at 2/8 needs four coefficients of a block: 0, 1, 2 and 4 of the zig-zag
// order. The scan is walked first (see blockIndex), so that where each block begins is
// known, and the first symbols of two blocks can be decoded side by side: most of the
// time of one is waiting for its own previous step.

// quarterPlan lists the blocks of one or two MCUs that are decoded at 2/8.
type quarterPlan struct {
	blocks []quarterBlock
	pairs  []quarterPair
}

type quarterBlock struct {
	p   *part
	i   int // place among the blocks of the MCUs
	off int // offset of its samples from those of the first MCU
}

// quarterPair is two blocks with the same tables that are decoded side by side. A block
// without a partner is paired with itself.
type quarterPair struct {
	dc, ac *huffman
	a, b   int // places in quarterPlan.blocks
}

// newQuarterPlan lists and pairs the blocks of n MCUs.
func newQuarterPlan(parts []part, n int) *quarterPlan {
	c := new(quarterPlan)
	i := 0
	for mx := range n {
		for j := range parts {
			p := &parts[j]
			for b := range p.h * p.v {
				if p.n == 2 {
					c.blocks = append(c.blocks, quarterBlock{p, i, b/p.h*2*p.stride + (mx*p.h+b%p.h)*2})
				}
				i++
			}
		}
	}
	for b := 0; b < len(c.blocks); b++ {
		p := c.blocks[b].p
		pair := quarterPair{p.dc, p.ac, b, b}
		if b+1 < len(c.blocks) {
			if next := c.blocks[b+1].p; next.dc == p.dc && next.ac == p.ac {
				b++
				pair.b = b
			}
		}
		c.pairs = append(c.pairs, pair)
	}
	return c
}

// quarterMCUs walks the MCUs of c, the first of them the mx-th of a row, and decodes them
// at 2/8.
func (m *decoder) quarterMCUs(c *quarterPlan, mx int) error {
	sc := m.sc
	n := int(sc.index.mcu)
	if c == m.two {
		n *= 2
	}
	if err := sc.takeBlocks(n); err != nil {
		return err
	}
	var v [maxRun][2]uint64 // DC differences, other coefficients
	sound := true
	buf := sc.e.clean()
	for i := range c.pairs {
		p := &c.pairs[i]
		a, b := sc.ends[c.blocks[p.a].i], sc.ends[c.blocks[p.b].i]
		sound = quarter(buf, p.dc, p.ac, uint(a), uint(b), &v[p.a%maxRun], &v[p.b%maxRun]) && sound
	}
	for i := range c.blocks {
		w := &c.blocks[i]
		p := w.p
		dst := p.pix[mx*p.h*2+w.off:]
		if sound {
			pred, c, q := &sc.pred[p.i&3], v[i%maxRun][1], p.q
			*pred += int32(v[i%maxRun][0])
			idct2(saturate(legalDC(*pred, 0)*int32(q[0])), int32(int16(c))*int32(q[1]), int32(int16(c>>16))*int32(q[2]), int32(int64(c)>>48)*int32(q[4]), dst, p.stride)
			continue
		}
		if err := m.blockAt(p, uint(sc.ends[w.i]), dst); err != nil {
			return err
		}
	}
	return nil
}

// blockAt decodes the block at bit at, symbol by symbol where the tables cannot.
func (m *decoder) blockAt(p *part, at uint, dst []uint8) error {
	e := m.sc.e
	end := e.at()
	e.seek(at)
	g := &p.groups[0]
	c := (*laneValues)(g.v[:])
	if p.pairs == nil {
		p.pairs = m.pairsFor(p.i, p.n)
	}
	used, err := e.block(c, p.pairs)
	if err != nil {
		return err
	}
	e.seek(end)
	g.used[0] = uint8(used)
	pred := &m.sc.pred[p.i&3]
	*pred += int32(c[0])
	c[0] = int16(legalDC(*pred, 0))
	p.transformWords(g, 1, dst, p.stride)
	g.clear(2)
	return nil
}

// quarter decodes the first coefficients of two valid blocks, at bits p and r. It sets
// v[0] and u[0] to the DC differences, and the four 16-bit parts of v[1] and u[1] to the
// coefficients at positions 1 to 4 of the zig-zag order.
//
// It always decodes four AC symbols. A symbol moves a bit offset, at, to the part of its
// coefficient; after an end of block at is 64 or more, and shifting by 64 or more gives
// 0, so that further symbols have no effect. So no branch depends on the bits, except for
// a code longer than lookBits: then it returns false.
func quarter(buf *buffer, dc, ac *huffman, p, r uint, v, u *[2]uint64) bool {
	const look = 64 - lookBits
	w, x := buf.load(p), buf.load(r)
	c, d := uint(dc.code[w>>look]), uint(dc.code[x>>look])
	if c == 0 || d == 0 {
		return false
	}
	v[0], u[0] = uint64(amplitude(w, c)), uint64(amplitude(x, d))
	// A code in the table and its value take at most 27 bits, so two fit in the 57 loaded.
	c, d = c>>8+c&15, d>>8+d&15
	p, r = p+c, r+d
	w, x = w<<(c&63), x<<(d&63)
	var at, bt uint // offsets of the next coefficients in vs and us
	var vs, us uint64
	for i := range 4 {
		c, d = uint(ac.code[w>>look]), uint(ac.code[x>>look])
		if c == 0 && at < 64 || d == 0 && bt < 64 {
			return false
		}
		at += c&0xf0 + (c&15-1)>>57&64 // the run times 16; size 0: to the end
		bt += d&0xf0 + (d&15-1)>>57&64
		vs |= uint64(uint16(amplitude(w, c))) << at
		us |= uint64(uint16(amplitude(x, d))) << bt
		at, bt = at+16, bt+16
		c, d = c>>8+c&15, d>>8+d&15
		p, r = p+c, r+d
		if i&1 == 0 {
			w, x = buf.load(p), buf.load(r)
		} else {
			w, x = w<<(c&63), x<<(d&63)
		}
	}
	v[1], u[1] = vs, us
	return true
}
