package vp8

import "math"

// chromaCoder is the work space of the predictions of chroma. Lanes 0 to 7 are the blocks
// of Cb and Cr in one mode, lanes 8 to 15 in another.
type chromaCoder struct {
	edges  edges
	pred   lanes
	coefs  lanes
	levels lanes

	best struct {
		mode         mode
		base         int // 0 or 8: the lanes of the mode
		score        int64
		pred, levels lanes
		coded        uint32 // bit b: the block of lane b has levels
	}
}

// chooseChroma finds the best mode of chroma and rebuilds it.
func (e *encoder) chooseChroma() {
	t, mb := &e.chroma, &e.mb
	s := &e.segments[mb.segment]
	for i := range 2 {
		above, left := e.aboveChroma[i][8*e.mbx:][:8], e.leftChroma[i][:]
		inAbove, inLeft := above, left
		if e.mby == 0 {
			inAbove = nil
		}
		if e.mbx == 0 {
			inLeft = nil
		}
		t.edges.setChroma(4*i, above, left, e.cornerChroma[i], meanOf(inAbove, inLeft))
	}
	coded, left := uint32(e.aboveCoded[e.mbx])>>4, uint32(e.leftCoded)>>4
	best := &t.best
	best.score = math.MaxInt64
	lumaBits := e.lumaModeBits()
	for _, pair := range [2][2]mode{{modeDC, modeTM}, {modeV, modeH}} {
		if !e.tried.chroma.has(pair[0]) && !e.tried.chroma.has(pair[1]) {
			continue
		}
		// A fast encoder leaves out the second pair where the first is most often the better
		// one, as with luma by 4×4, or good enough, as it leaves no levels.
		if e.fast && pair[0] == modeV && (mb.mode == mode4x4 || best.coded>>best.base&0xff == 0) {
			break
		}
		t.edges.predict(&t.pred, pair[0], 0, 8)
		t.edges.predict(&t.pred, pair[1], 8, 16)
		subtract(&t.coefs, &mb.chroma, &t.pred)
		forward(&t.coefs)
		var dist [16]int32
		nz := quantize(&t.levels, &t.coefs, &s.chroma, 0, &dist)
		var ctx [16]uint8
		for b := 0; b < 16; b += 4 {
			at := b & 4 >> 1
			chromaContexts(ctx[b:b+4], nz>>b, coded>>at, left>>at)
		}
		var rate [16]uint16
		rateLanes(&t.levels, &e.costs[typeChroma].lanes, 0, &ctx, &rate)
		for i, m := range pair {
			bits := chromaModeCost[m]
			if !e.tried.chroma.has(m) || m != modeDC && !e.modes.allows(lumaBits+bits) {
				continue
			}
			d, r := 0, bits/laneUnit
			for b := 8 * i; b < 8*i+8; b++ {
				d += int(dist[b])
				r += int(rate[b])
			}
			if score := s.score(d, r); score < best.score {
				best.score, best.mode, best.base = score, m, 8*i
				best.pred, best.levels, best.coded = t.pred, t.levels, nz
			}
		}
	}
	e.useChroma(s)
}

// chromaContexts sets the contexts of the four blocks of a plane.
func chromaContexts(ctx []uint8, nz, above, left uint32) {
	ctx[0] = uint8(above&1 + left&1)
	ctx[1] = uint8(above>>1&1 + nz&1)
	ctx[2] = uint8(nz&1 + left>>1&1)
	ctx[3] = uint8(nz>>1&1 + nz>>2&1)
}

// useChroma makes the best mode that of the macroblock.
func (e *encoder) useChroma(s *segment) {
	t, mb := &e.chroma, &e.mb
	best := &t.best
	mb.chromaMode = best.mode
	mb.coded |= best.coded >> best.base & 0xff << 16
	for b := range 8 {
		for k := 0; k < 16 && best.coded>>(best.base+b)&1 != 0; k++ {
			mb.levels[16+b][k] = best.levels[zigzag[k]][best.base+b]
		}
	}
	d := &t.coefs
	*d = best.levels
	dequantize(d, &s.chroma, 0)
	inverse(d)
	var pix [256]uint8
	rebuild(&pix, &best.pred, d)
	splitChroma(&mb.rebuiltC, &pix, best.base/4*4)
}
