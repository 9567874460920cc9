//go:build goexperiment.simd && amd64

package vp8

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func needAVX2(t *testing.T) {
	t.Helper()
	if !avx2 {
		t.Skip("this processor has no AVX2")
	}
}

// randomLanes has differences of pixels, in some trials only extreme ones.
func randomLanes(rnd *rand.Rand, trial int) *lanes {
	d := new(lanes)
	for p := range d {
		for b := range d[p] {
			d[p][b] = int16(rnd.IntN(511) - 255)
			switch trial % 4 {
			case 1:
				d[p][b] = 255 - 510*int16(rnd.IntN(2))
			case 2:
				d[p][b] /= 16
			case 3:
				d[p][b] = d[p][b] / 64 * int16(rnd.IntN(2))
			}
		}
	}
	return d
}

func TestVectorLanesAreTheirPlainTwins(t *testing.T) {
	needAVX2(t)
	rnd := rand.New(rand.NewPCG(5, 6))
	for trial := range 3000 {
		got := randomLanes(rnd, trial)
		want := *got
		other := randomLanes(rnd, trial/4)
		if a, b := squareError(got, other), squareErrorPlain(got, other); a != b {
			t.Fatalf("trial %d: square error %d, want %d", trial, a, b)
		}
		subtract(got, got, other)
		subtractPlain(&want, &want, other)
		if *got != want {
			t.Fatalf("trial %d: differences", trial)
		}
		*got = *randomLanes(rnd, trial)
		want = *got
		forward(got)
		forwardPlain(&want)
		if *got != want {
			t.Fatalf("trial %d: transform:\n%v, want\n%v", trial, *got, want)
		}
		var q quantTable
		index := rnd.IntN(maxIndex + 1)
		q.set(int(dcSteps[index]), int(acSteps[index]), rnd.IntN(129), rnd.IntN(129))
		for first := range 2 {
			var levels, wantLevels lanes
			var dist, wantDist [16]int32
			nz := quantize(&levels, got, &q, first, &dist)
			wantNZ := quantizePlain(&wantLevels, got, &q, first, &wantDist)
			if levels != wantLevels || dist != wantDist || nz != wantNZ {
				t.Fatalf("trial %d, from %d: quantizer: %v %x, want %v %x", trial, first, dist, nz, wantDist, wantNZ)
			}
			makeTables()
			var costs levelCosts
			var l laneCosts
			typ := rnd.IntN(blockTypes)
			costs.set(&defaultCoefProbs[typ])
			l.set(&costs, &defaultCoefProbs[typ], first)
			var context [16]uint8
			for b := range context {
				context[b] = uint8(rnd.IntN(contexts))
			}
			var rate, wantRate [16]uint16
			rateLanes(&levels, &l, first, &context, &rate)
			ratePlain(&levels, &l, first, &context, &wantRate)
			if rate != wantRate {
				t.Fatalf("trial %d, from %d: rate: %v, want %v", trial, first, rate, wantRate)
			}
			var seg segment
			seg.index = index
			seg.set(&grayTuning)
			modeCosts := [2]*[triedModes]uint16{&modeGroups.costs[rnd.IntN(modes)][rnd.IntN(modes)], &modeGroups.costs[rnd.IntN(modes)][rnd.IntN(modes)]}
			var scores, wantScores [2]int32
			var best, wantBest [2]int
			cheapest(&scores, &best, &dist, &rate, &modeCosts, &seg)
			cheapestPlain(&wantScores, &wantBest, &dist, &rate, &modeCosts, &seg)
			if scores != wantScores || best != wantBest {
				t.Fatalf("trial %d, from %d: cheapest %v %v, want %v %v", trial, first, scores, best, wantScores, wantBest)
			}
			dequantize(&levels, &q, first)
			dequantizePlain(&wantLevels, &q, first)
			if levels != wantLevels {
				t.Fatalf("trial %d, from %d: dequantizer", trial, first)
			}
			inverse(&levels)
			inversePlain(&wantLevels)
			if levels != wantLevels {
				t.Fatalf("trial %d, from %d: inverse", trial, first)
			}
		}
	}
}

func TestVectorPredictionIsItsPlainTwin(t *testing.T) {
	needAVX2(t)
	makeTables()
	rnd := rand.New(rand.NewPCG(7, 8))
	for trial := range 3000 {
		var blocks [2][16]uint8
		var got, want [2]blockPixels
		var groups [2]*modeGroup
		for i := range 2 {
			var a around
			for j := range a {
				a[j] = uint8(rnd.Uint32())
				if trial&1 != 0 {
					a[j] = -uint8(rnd.IntN(2))
				}
			}
			for j := range blocks[i] {
				blocks[i][j] = uint8(rnd.Uint32())
			}
			groups[i] = &modeGroups.all[rnd.IntN(len(modeGroups.all))]
			got[i].set(&a)
			want[i].setPlain(&a)
		}
		var d, wantD lanes
		differences(&d, &got, &groups, &blocks[0], &blocks[1])
		differencesPlain(&wantD, &want, &groups, &blocks[0], &blocks[1])
		if d != wantD {
			t.Fatalf("trial %d: differences\n%v, want\n%v", trial, d, wantD)
		}
		var q quantTable
		q.set(4+rnd.IntN(154), 4+rnd.IntN(281), biasDC, colourTuning.biasAC)
		for m := range mode(modes) {
			// Levels as the quantizer makes them of differences.
			c := randomLanes(rnd, trial)
			forwardPlain(c)
			var levels [16]int16
			for p := range levels {
				levels[p] = int16(q.level(int32(c[p][0]), p))
			}
			for _, coded := range []bool{false, true} {
				var pix, wantPix [4][40]uint8
				x := rnd.IntN(37)
				rebuildBlock(&pix, x, &got[0], m, &levels, &q, coded)
				rebuildBlockPlain(&wantPix, x, &want[0], m, &levels, &q, coded)
				if pix != wantPix {
					t.Fatalf("trial %d, mode %d, coded %v: rebuilt\n%v, want\n%v", trial, m, coded, pix, wantPix)
				}
			}
		}

		var e edges
		for b := range 16 {
			for i := range 4 {
				e.above[i][b], e.left[i][b] = int16(rnd.IntN(256)), int16(rnd.IntN(256))
			}
			e.corner[b], e.dc[b] = int16(rnd.IntN(256)), int16(rnd.IntN(256))
		}
		for _, m := range []mode{modeDC, modeV, modeH, modeTM} {
			for _, part := range [][2]int{{0, 16}, {0, 8}, {8, 16}} {
				var got, want lanes
				e.predict(&got, m, part[0], part[1])
				e.predictPlain(&want, m, part[0], part[1])
				if got != want {
					t.Fatalf("trial %d, mode %d, blocks %v", trial, m, part)
				}
			}
		}
	}
}

func TestVectorLoadsAreTheirPlainTwins(t *testing.T) {
	needAVX2(t)
	rnd := rand.New(rand.NewPCG(9, 10))
	for trial := range 500 {
		stride := 16 + trial%50
		luma := make([]uint8, 15*stride+16)
		for i := range luma {
			luma[i] = uint8(rnd.Uint32())
		}
		var got, want lanes
		toLanes(&got, luma, stride)
		toLanesPlain(&want, luma, stride)
		if got != want {
			t.Fatalf("stride %d:\n%v, want\n%v", stride, got, want)
		}
		if trial&1 != 0 {
			set(luma, 255)
		}
		var sums, squares, wantSums, wantSquares [4]int32
		quarterSums(luma, stride, &sums, &squares)
		quarterSumsPlain(luma, stride, &wantSums, &wantSquares)
		if sums != wantSums || squares != wantSquares {
			t.Fatalf("stride %d: sums %v, squares %v, want %v, %v", stride, sums, squares, wantSums, wantSquares)
		}
		var rows [4][32]uint8
		for y := range rows {
			for i := range rows[y] {
				rows[y][i] = uint8(rnd.Uint32())
			}
		}
		chromaToLanes(&got, &rows)
		chromaToLanesPlain(&want, &rows)
		if got != want {
			t.Fatalf("chroma:\n%v, want\n%v", got, want)
		}
		var pix, wantPix [256]uint8
		d := randomLanes(rnd, trial)
		rebuild(&pix, &want, d)
		rebuildPlain(&wantPix, &want, d)
		if pix != wantPix {
			t.Fatalf("rebuilt:\n%v, want\n%v", pix, wantPix)
		}
	}
}

func TestVectorRGBIsItsPlainTwin(t *testing.T) {
	needAVX2(t)
	rnd := rand.New(rand.NewPCG(21, 22))
	for w := 1; w < 140; w++ {
		a, b := make([]uint8, 3*w), make([]uint8, 3*w)
		for i := range a {
			a[i], b[i] = uint8(rnd.Uint32()), uint8(rnd.Uint32())
			if w&1 != 0 && i%7 > 2 {
				a[i], b[i] = -uint8(rnd.IntN(2)), -uint8(rnd.IntN(2))
			}
		}
		got, want := make([]uint8, w), make([]uint8, w)
		lumaOfRGB(got, a)
		lumaOfRGBPlain(want, a)
		if !slices.Equal(got, want) {
			t.Fatalf("luma of %d pixels:\n%v, want\n%v", w, got, want)
		}
		half := (w + 1) / 2
		cb, cr, wantCb, wantCr := make([]uint8, half), make([]uint8, half), make([]uint8, half), make([]uint8, half)
		chromaOfRGB(cb, cr, a, b)
		chromaOfRGBPlain(wantCb, wantCr, a, b)
		if !slices.Equal(cb, wantCb) || !slices.Equal(cr, wantCr) {
			t.Fatalf("chroma of %d pixels:\n%v, want\n%v\n%v, want\n%v", w, cb, wantCb, cr, wantCr)
		}
	}
}
