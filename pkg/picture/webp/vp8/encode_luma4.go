package vp8

import "math"

// Prediction of luma by 4×4. A block is predicted from its neighbours as they are rebuilt,
// so blocks follow one another, but those of a step don't depend on each other: two at a
// time in the middle of the macroblock. Of the step with blocks 3 and 5 both need block 2,
// the one to its left or above right of it:
//
//	block   0  1  2  3     step   0  1  2  3
//	        4  5  6  7            2  3  4  5
//	        8  9 10 11            4  5  6  7
//	       12 13 14 15            6  7  8  9
//
// Both are tried in 8 of the 10 modes, in the lower and the upper 8 of 16 lanes.
var steps4 = [10][2]int{{0, 0}, {1, 1}, {2, 4}, {3, 5}, {6, 8}, {7, 9}, {10, 12}, {11, 13}, {14, 14}, {15, 15}}

// triedModes is how many modes a block is tried in: all but those that cost the most
// bits beside the modes above and to the left.
const triedModes = 8

// A modeGroup is the modes that a block is tried in, in rising order.
type modeGroup struct {
	modes  [triedModes]mode
	pixels groupPixels
}

// The groups, and by the modes above and to the left the group of a block and the costs of
// its modes, in 1/16 bit. makeGroups sets them.
var modeGroups struct {
	all   []modeGroup
	index [modes][modes]uint8
	costs [modes][modes][triedModes]uint16
}

// makeGroups makes the groups from the costs of modes.
func makeGroups() {
	t := &modeGroups
	for above := range modes {
		for left := range modes {
			costs := &blockModeCost[above][left]
			tried := allModes
			for range modes - triedModes { // leave out the dearest; of equal ones the last
				dearest := mode(0)
				for m := range mode(modes) {
					if tried.has(m) && (!tried.has(dearest) || costs[m] >= costs[dearest]) {
						dearest = m
					}
				}
				tried &^= 1 << dearest
			}
			var g modeGroup
			n := 0
			for m := range mode(modes) {
				if tried.has(m) {
					g.modes[n] = m
					t.costs[above][left][n] = uint16(costs[m] / laneUnit)
					n++
				}
			}
			i := 0
			for i < len(t.all) && t.all[i].modes != g.modes {
				i++
			}
			if i == len(t.all) {
				g.pixels.set(&g.modes)
				t.all = append(t.all, g)
			}
			t.index[above][left] = uint8(i)
		}
	}
}

// luma4 is the work space of predictions by 4×4.
type luma4 struct {
	// The macroblock as it is rebuilt, with the pixels above it in the first row, from
	// those above right of it to the corner, and those left of it in column 15.
	pix    [17][40]uint8
	values [2]blockPixels // of the blocks of a step
	coefs  lanes
	levels lanes
	dist   [16]int32
	rate   [16]uint16
	modes  [16]mode
	chosen [16][16]int16 // levels, in zig-zag order
	coded  uint32        // bit b: block b has levels that are not 0
}

const luma4Left = 16 // the column of pix where the macroblock begins

// choose4 finds modes by 4×4, and returns their score and whether it is below most.
func (e *encoder) choose4(most int64) (score int64, better bool) {
	t, mb := &e.luma4, &e.mb
	s := &e.segments[mb.segment]
	e.around4()
	above, left := uint32(e.aboveCoded[e.mbx]), uint32(e.leftCoded)
	bits := lumaModeCost[mode4x4]
	total := s.score(0, bits/laneUnit)
	t.coded = 0
	for _, step := range steps4 {
		var groups [2]*modeGroup
		var costs [2]*[triedModes]uint16
		var modeCosts [2]*[modes]int
		var contexts [2]uint8
		alone := step[0] == step[1]
		for i, b := range step {
			if i > 0 && alone {
				groups[1], costs[1], t.values[1] = groups[0], costs[0], t.values[0]
				break
			}
			modeAbove, modeLeft := e.modesAround(b)
			groups[i] = &modeGroups.all[modeGroups.index[modeAbove][modeLeft]]
			costs[i] = &modeGroups.costs[modeAbove][modeLeft]
			modeCosts[i] = &blockModeCost[modeAbove][modeLeft]
			contexts[i] = uint8(above>>(b&3)&1 + left>>(b>>2)&1)
			a := t.around(b)
			t.values[i].set(&a)
		}
		differences(&t.coefs, &t.values, &groups, &mb.block[step[0]], &mb.block[step[1]])
		forward(&t.coefs)
		nz := quantize(&t.levels, &t.coefs, &s.luma, 0, &t.dist)
		var ctx [16]uint8
		var scores [2]int32
		var best [2]int
		for i := range ctx {
			ctx[i] = contexts[i>>3]
		}
		rateLanes(&t.levels, &e.costs[typeLuma].lanes, 0, &ctx, &t.rate)
		cheapest(&scores, &best, &t.dist, &t.rate, &costs, s)
		for i, b := range step {
			if i > 0 && alone {
				break
			}
			j := best[i]
			m := groups[i].modes[j]
			total += int64(scores[i])
			bits += modeCosts[i][m]
			t.modes[b] = m
			coded := nz >> (triedModes*i + j) & 1
			e.rebuild4(s, b, i, m, triedModes*i+j, coded != 0)
			t.coded |= coded << b
			above = above&^(1<<(b&3)) | coded<<(b&3)
			left = left&^(1<<(b>>2)) | coded<<(b>>2)
		}
		if total >= most || !e.modes.allows(bits) {
			return total, false
		}
	}
	return total, true
}

// cheapestPlain sets the least score of two blocks, and the first mode that has it: the
// lower half of the lanes is one block in 8 modes, the upper half another, and costs are
// those of the modes. Scores fit into 31 bits: an error is less than 284, the greatest step,
// in each of 16 coefficients, and λ·rate is below 2^30, as a level costs at most 3·255.
func cheapestPlain(scores *[2]int32, best *[2]int, dist *[16]int32, rate *[16]uint16, costs *[2]*[triedModes]uint16, s *segment) {
	for i := range costs {
		scores[i] = math.MaxInt32
		for j, c := range costs[i] {
			lane := triedModes*i + j
			if score := int32(s.score(int(dist[lane]), int(rate[lane])+int(c))); score < scores[i] {
				scores[i], best[i] = score, j
			}
		}
	}
}

// around returns the pixels around block b.
func (t *luma4) around(b int) (a around) {
	x, y := luma4Left+b&3*4, 1+b>>2*4
	for i := range 4 {
		a[4-i] = t.pix[y+i][x-1]
	}
	a[0] = a[1]
	copy(a[aroundCorner:14], t.pix[y-1][x-1:x+8])
	a[14] = a[13]
	return a
}

// around4 sets the pixels around the macroblock. Blocks on the right edge below the first
// row of blocks take those above right of the macroblock, as no others are known yet.
func (e *encoder) around4() {
	t := &e.luma4
	at := 16 * e.mbx
	copy(t.pix[0][luma4Left:], e.aboveLuma[at:at+16])
	right := t.pix[0][luma4Left+16:][:4]
	switch {
	case e.mbx+1 < e.mbw:
		copy(right, e.aboveLuma[at+16:])
	default:
		for i := range right {
			right[i] = e.aboveLuma[at+15]
		}
	}
	for y := 4; y < 16; y += 4 {
		copy(t.pix[y][luma4Left+16:], right)
	}
	t.pix[0][luma4Left-1] = e.cornerLuma
	for y := range 16 {
		t.pix[1+y][luma4Left-1] = e.leftLuma[y]
	}
}

// modesAround returns the modes above and to the left of block b.
func (e *encoder) modesAround(b int) (above, left mode) {
	if b < 4 {
		above = e.aboveModes[4*e.mbx+b]
	} else {
		above = e.luma4.modes[b-4]
	}
	if b&3 == 0 {
		left = e.leftModes[b>>2]
	} else {
		left = e.luma4.modes[b-1]
	}
	return above, left
}

// rebuild4 keeps the levels of block b, the one of a step with index i, for mode m in a
// lane, and rebuilds its pixels. coded says whether it has levels that are not 0.
func (e *encoder) rebuild4(s *segment, b, i int, m mode, lane int, coded bool) {
	t := &e.luma4
	var d [16]int16
	if coded {
		chosen := &t.chosen[b]
		for k, p := range zigzag {
			l := t.levels[p][lane&15]
			chosen[k], d[p&15] = l, l
		}
	}
	rows := (*[4][40]uint8)(t.pix[1+b>>2*4:])
	rebuildBlock(rows, luma4Left+b&3*4, &t.values[i], m, &d, &s.luma, coded)
}

// rebuildBlockPlain sets the pixels of a block, the first at column x of the first row, to
// its prediction and what its levels add.
func rebuildBlockPlain(pix *[4][40]uint8, x int, v *blockPixels, m mode, levels *[16]int16, q *quantTable, coded bool) {
	if !coded {
		for p := range 16 {
			pix[p>>2][x+p&3] = v[blockPredictions[p][m&15]]
		}
		return
	}
	var d [16]int32
	for p := range 16 {
		d[p] = int32(levels[p]) * int32(q.step[p])
	}
	inverseBlock(&d)
	for p := range 16 {
		pix[p>>2][x+p&3] = uint8(min(max(int32(v[blockPredictions[p][m&15]])+d[p], 0), 255))
	}
}

// inverseBlock is inverse for one block.
func inverseBlock(d *[16]int32) {
	mul := func(x, k int32) int32 { return x * k >> 16 }
	for p := range 4 {
		u0, u1, u2, u3 := d[p], d[p+4], d[p+8], d[p+12]
		a, b := u0+u2, u0-u2
		c, e := mul(u1, sine+65536)-mul(u3, cosine)-u3, mul(u1, cosine)+u1+mul(u3, sine+65536)
		d[p], d[p+4], d[p+8], d[p+12] = a+e, b+c, b-c, a-e
	}
	for p := 0; p < 16; p += 4 {
		u0, u1, u2, u3 := d[p]+4, d[p+1], d[p+2], d[p+3]
		a, b := u0+u2, u0-u2
		c, e := mul(u1, sine+65536)-mul(u3, cosine)-u3, mul(u1, cosine)+u1+mul(u3, sine+65536)
		d[p], d[p+1], d[p+2], d[p+3] = (a+e)>>3, (b+c)>>3, (b-c)>>3, (a-e)>>3
	}
}

// use4 makes the modes by 4×4 those of the macroblock.
func (e *encoder) use4() {
	t, mb := &e.luma4, &e.mb
	mb.mode, mb.modes, mb.coded = mode4x4, t.modes, t.coded
	copy(mb.levels[:16], t.chosen[:])
	for y := range 16 {
		copy(mb.rebuilt[16*y:16*y+16], t.pix[1+y][luma4Left:])
	}
}
