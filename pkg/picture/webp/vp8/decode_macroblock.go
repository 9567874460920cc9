package vp8

import "encoding/binary"

// decodeMacroblock reads the modes and the tokens of the macroblock in column x of the
// current row and makes its pixels.
func (d *Decoder) decodeMacroblock(x int, tokens *boolReader) {
	b, above := d.modes, &d.above[x]
	if d.h.mapped {
		d.segment = b.leaf(segmentTree, d.h.treeProbs[:])
	}
	skip := d.h.skips && b.bit(d.h.skipProb)
	lumaMode := b.leaf(lumaModeTree, lumaModeProbs[:])
	var blockModes [16]mode
	if lumaMode == mode4x4 {
		d.readBlockModes(&blockModes, above)
	} else {
		for i := range 4 {
			above.modes[i], d.left.modes[i] = lumaMode, lumaMode
		}
	}
	chromaMode := b.leaf(chromaModeTree, chromaModeProbs[:])

	coded := false
	d.counts = [24]uint8{}
	if skip {
		above.tokens, d.left.tokens = [8]uint8{}, [8]uint8{}
		if lumaMode != mode4x4 {
			above.y2, d.left.y2 = 0, 0
		}
	} else {
		coded = d.readTokens(tokens, lumaMode != mode4x4, above)
	}
	by4x4 := 0
	if lumaMode == mode4x4 {
		by4x4 = 1
		d.make4x4(x, &blockModes)
	} else {
		d.make16x16(x, lumaMode)
	}
	if !d.lumaOnly {
		d.makeChroma(x, chromaMode)
	} else if coded {
		clear(d.blocks[16:])
	}
	d.filters[x] = macroblockFilter{&d.h.strengths[d.segment][by4x4], coded || by4x4 == 1}
}

// readBlockModes reads the modes of the 16 blocks of luma. The probabilities depend on
// the modes of the blocks above and to the left.
func (d *Decoder) readBlockModes(m *[16]mode, above *neighbour) {
	for y := range 4 {
		left := d.left.modes[y]
		for x := range 4 {
			left = d.modes.blockMode(&blockModeProbs[above.modes[x]][left])
			above.modes[x], m[4*y+x] = left, left
		}
		d.left.modes[y] = left
	}
}

// readTokens reads the coefficients of a macroblock and reports whether there are any.
func (d *Decoder) readTokens(b *boolReader, hasY2 bool, above *neighbour) (coded bool) {
	s, left := &d.h.steps[d.segment], &d.left
	t, first := &d.h.probs[typeLuma], 0
	if hasY2 {
		n := b.readBlock(&d.h.probs[typeY2], int(above.y2+left.y2), 0, &s.y2, &d.y2)
		above.y2, left.y2 = 0, 0
		if n > 0 {
			above.y2, left.y2 = 1, 1
			inverseWHT(&d.y2, &d.blocks)
			d.y2 = [16]int16{}
		}
		t, first = &d.h.probs[typeLumaAC], 1
	}
	any := uint8(0)
	for y := range 4 {
		l := left.tokens[y]
		for x := range 4 {
			i := 4*y + x
			block := &d.blocks[i]
			n := b.readBlock(t, int(above.tokens[x]+l), first, &s.luma, block)
			l = 0
			if n > first {
				l = 1
			} else if n = 0; block[0] != 0 {
				n = 1
			}
			above.tokens[x] = l
			d.counts[i] = uint8(n)
			any |= uint8(n)
		}
		left.tokens[y] = l
	}
	t = &d.h.probs[typeChroma]
	for i := 16; i < 24; i++ {
		k := 4 + (i-16)>>2*2 // of the plane in tokens
		a, l := &above.tokens[k+i&1], &left.tokens[k+i>>1&1]
		n := b.readBlock(t, int(*a+*l), 0, &s.chroma, &d.blocks[i])
		v := uint8(0)
		if n > 0 {
			v = 1
		}
		*a, *l = v, v
		d.counts[i] = uint8(n)
		any |= uint8(n)
	}
	return any != 0
}

// add adds the residue of block i, 0 to 23, to the pixels at pix[at].
func (d *Decoder) add(i int, pix []uint8, at, stride int) {
	c := &d.blocks[i]
	switch d.counts[i] {
	case 0:
		return
	case 1:
		addDC(pix[at:], stride, c[0])
		c[0] = 0
	case 2, 3:
		addFirst3(pix[at:], stride, c)
		c[0], c[1], c[4] = 0, 0, 0
	default:
		addDCT(pix[at:], stride, c)
		*c = [16]int16{}
	}
}

// make16x16 makes the luma of a macroblock with one mode.
func (d *Decoder) make16x16(x int, m mode) {
	p := &d.luma
	at := p.at(16*x, 0)
	predict(m, p.pix, at, p.stride, 16, p.top[left+16*x-1:], d.row > 0, x > 0)
	for i := range 16 {
		d.add(i, p.pix, at+i>>2*4*p.stride+i&3*4, p.stride)
	}
}

// make4x4 makes the luma of a macroblock whose blocks have modes of their own. The
// samples above and to the right of the blocks in the last column are those of the row
// above the macroblock for all four of them, since the macroblock to the right of it is
// not yet there.
func (d *Decoder) make4x4(x int, modes *[16]mode) {
	p := &d.luma
	start := p.at(16*x, 0)
	top := p.top[left+16*x-1:]
	last := binary.LittleEndian.Uint32(top[17:])
	for i, m := range modes {
		at := start + i>>2*4*p.stride + i&3*4
		above := top[i&3*4:]
		if i >= 4 {
			above = p.pix[at-p.stride-1:]
		}
		right := last
		if i&3 < 3 {
			right = binary.LittleEndian.Uint32(above[5:])
		}
		predict4x4(m, p.pix, at, p.stride, above, right)
		d.add(i, p.pix, at, p.stride)
	}
}

// makeChroma makes the chroma of a macroblock.
func (d *Decoder) makeChroma(x int, m mode) {
	for k := range d.chroma {
		p := &d.chroma[k]
		at := p.at(8*x, 0)
		predict(m, p.pix, at, p.stride, 8, p.top[left+8*x-1:], d.row > 0, x > 0)
		for i := range 4 {
			d.add(16+4*k+i, p.pix, at+i>>1*4*p.stride+i&1*4, p.stride)
		}
	}
}
