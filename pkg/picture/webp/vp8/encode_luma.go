package vp8

import "math"

// luma16 is the work space of predictions by 16×16.
type luma16 struct {
	edges edges
	tries [len(squareModes)]struct {
		pred, coefs lanes
		error       int // the square error of pred
	}
	y2, y2Levels lanes // lane i: block Y2 of tries[i]
	levels       lanes

	best struct {
		try    int
		mode   mode
		score  int64
		levels lanes  // position 0 unused
		coded  uint32 // bit b: block b has levels from position 1 on
	}
}

// choose16 finds the best mode by 16×16, and returns its score.
func (e *encoder) choose16() int64 {
	t, mb := &e.luma16, &e.mb
	s := &e.segments[mb.segment]
	above := e.aboveLuma[16*e.mbx:][:16]
	inAbove, inLeft := above, e.leftLuma[:]
	if e.mby == 0 {
		inAbove = nil
	}
	if e.mbx == 0 {
		inLeft = nil
	}
	t.edges.setLuma(above, e.leftLuma[:], e.cornerLuma, meanOf(inAbove, inLeft))
	for i, m := range squareModes {
		t.edges.predict(&t.tries[i].pred, m, 0, 16)
	}
	tried := e.worth16(s)
	for i, m := range squareModes {
		if !tried.has(m) {
			continue
		}
		try := &t.tries[i]
		subtract(&try.coefs, &mb.luma, &try.pred)
		forward(&try.coefs)
		forwardY2(&t.y2, i, &try.coefs[0])
	}
	coded := e.aboveCoded[e.mbx]
	var distY2, dist [16]int32
	var rateY2, rate [16]uint16
	var ctx [16]uint8
	quantize(&t.y2Levels, &t.y2, &s.y2, 0, &distY2)
	for i := range t.tries {
		ctx[i] = uint8(coded>>8&1 + e.leftCoded>>8&1)
	}
	rateLanes(&t.y2Levels, &e.costs[typeY2].lanes, 0, &ctx, &rateY2)

	best := &t.best
	best.score = math.MaxInt64
	for i, m := range squareModes {
		if !tried.has(m) {
			continue
		}
		bits := lumaModeCost[m]
		nz := quantize(&t.levels, &t.tries[i].coefs, &s.luma, 1, &dist)
		contextsOf(&ctx, nz, uint32(coded)&15, uint32(e.leftCoded)&15)
		rateLanes(&t.levels, &e.costs[typeLumaAC].lanes, 1, &ctx, &rate)
		// A squared coefficient of Y2 is four of DC, as both transforms double.
		d, r := int(distY2[i])/4, int(rateY2[i])+bits/laneUnit
		for b := range 16 {
			d += int(dist[b])
			r += int(rate[b])
		}
		if score := s.score(d, r); score < best.score {
			best.try, best.mode, best.score = i, m, score
			best.levels, best.coded = t.levels, nz
		}
	}
	return best.score
}

// A macroblock whose nearest prediction by 16×16 has a larger square error than so many bits
// are worth will most likely be predicted by 4×4. So by 16×16 it is tried in that mode alone.
const (
	oneTryBits     = 200
	oneTryBitsFast = 100
)

// worth16 returns the modes by 16×16 that are worth a try.
func (e *encoder) worth16(s *segment) (tried modeSet) {
	t := &e.luma16
	var nearest modeSet
	least := math.MaxInt32
	for i, m := range squareModes {
		if !e.tried.luma.has(m) || !e.modes.allows(lumaModeCost[m]) && m != modeDC {
			continue
		}
		tried |= 1 << m
		try := &t.tries[i]
		try.error = squareError(&e.mb.luma, &try.pred)
		if try.error < least {
			nearest, least = 1<<m, try.error
		}
	}
	bits := oneTryBits
	if e.fast {
		bits = oneTryBitsFast
	}
	// A squared difference of pixels is four of coefficients, as the transform doubles.
	if int64(4*least) > s.score(0, bits*256/laneUnit)>>8 {
		return nearest
	}
	return tried
}

// forwardY2 sets a lane to the transform of the DCs of 16 blocks: twice the orthonormal
// Walsh-Hadamard transform.
func forwardY2(y2 *lanes, lane int, dc *[16]int16) {
	var c [16]int32
	for i := 0; i < 16; i += 4 {
		x0, x1, x2, x3 := int32(dc[i]), int32(dc[i+1]), int32(dc[i+2]), int32(dc[i+3])
		s, t, d, u := x0+x3, x1+x2, x0-x3, x1-x2
		c[i], c[i+1], c[i+2], c[i+3] = s+t, d+u, s-t, d-u
	}
	for i := range 4 {
		x0, x1, x2, x3 := c[i], c[i+4], c[i+8], c[i+12]
		s, t, d, u := x0+x3, x1+x2, x0-x3, x1-x2
		y2[i][lane&15], y2[i+4][lane&15] = int16((s+t+1)>>1), int16((d+u+1)>>1)
		y2[i+8][lane&15], y2[i+12][lane&15] = int16((s-t+1)>>1), int16((d-u+1)>>1)
	}
}

// inverseY2 sets the DCs of 16 blocks, to the bit as a decoder does it (RFC 6386 section
// 14.3).
func inverseY2(dc *[16]int16, c *[16]int32) {
	var m [16]int32
	for i := range 4 {
		s, t := c[i]+c[12+i], c[4+i]+c[8+i]
		d, u := c[i]-c[12+i], c[4+i]-c[8+i]
		m[i], m[4+i], m[8+i], m[12+i] = s+t, d+u, s-t, d-u
	}
	for i := 0; i < 16; i += 4 {
		s, t := m[i]+m[i+3]+3, m[i+1]+m[i+2]
		d, u := m[i]-m[i+3]+3, m[i+1]-m[i+2]
		dc[i], dc[i+1], dc[i+2], dc[i+3] = int16((s+t)>>3), int16((d+u)>>3), int16((s-t)>>3), int16((d-u)>>3)
	}
}

// contextsOf sets the context of each block of luma from the blocks that have tokens: bit
// b of nz is block b, above and left have four bits each.
func contextsOf(ctx *[16]uint8, nz, above, left uint32) {
	fromAbove := nz<<4 | above
	fromLeft := nz<<1&0xeeee | left&1 | left&2<<3 | left&4<<6 | left&8<<9
	for b := range 16 {
		ctx[b] = uint8(fromAbove>>b&1 + fromLeft>>b&1)
	}
}

// use16 makes the best mode by 16×16 that of the macroblock.
func (e *encoder) use16() {
	t, mb := &e.luma16, &e.mb
	s := &e.segments[mb.segment]
	mb.mode = t.best.mode
	mb.coded = t.best.coded
	var c [16]int32
	for k, p := range zigzag {
		l := t.y2Levels[p][t.best.try]
		mb.levels[blockY2][k] = l
		c[p] = int32(l) * int32(s.y2.step[p])
		if l != 0 {
			mb.coded |= 1 << blockY2
		}
	}
	for b := range 16 {
		for k := 1; k < 16 && t.best.coded>>b&1 != 0; k++ {
			mb.levels[b][k] = t.best.levels[zigzag[k]][b]
		}
	}
	try := &t.tries[t.best.try]
	d := &try.coefs
	*d = t.best.levels
	dequantize(d, &s.luma, 1)
	inverseY2(&d[0], &c)
	inverse(d)
	rebuild(&mb.rebuilt, &try.pred, d)
}

// fastBits is how many bits, with its error in their price, luma by 16×16 may take in a
// fast encoder so that 4×4 is not tried.
const fastBits = 150

// chooseLuma finds how the luma of the macroblock is predicted, and returns its score.
func (e *encoder) chooseLuma() int64 {
	score := e.choose16()
	try := e.tried.luma.has(mode4x4)
	if e.fast && score < e.segments[e.mb.segment].score(0, fastBits*256/laneUnit) {
		try = false
	}
	if try {
		if score4, better := e.choose4(score); better {
			e.use4()
			return score4
		}
	}
	e.use16()
	return score
}
