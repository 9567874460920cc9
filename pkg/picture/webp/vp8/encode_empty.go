package vp8

import "math"

// Macroblocks without tokens. Such a macroblock costs its modes and a flag. With a single
// token it has 25 blocks whose ends are coded, too, and often little of that is seen: so
// most macroblocks of a clear sky are better off without.

const codedChroma = 0xff << 16 // the blocks of chroma in macroblock.coded

// chooseEmpty takes the tokens of luma, whose score is given, from a macroblock where they
// are not worth their bits. One with tokens of chroma stays as it is.
func (e *encoder) chooseEmpty(score int64) {
	mb := &e.mb
	if mb.coded&codedChroma != 0 || e.modes.flags == 0 || mb.coded != 0 && !e.betterEmpty(score) {
		return
	}
	// Of its segment only the loop filter is left. The commonest takes the fewest bits.
	mb.segment = e.commonest()
}

// betterEmpty compares a score with those of predictions by 16×16 as they are, and uses
// the best of these if it is better.
//
// SSIM divides an error by the sum of two variances, the picture's and that of what is
// shown, plus a constant. A prediction is nearly flat: where the picture is not, the
// errors of an empty macroblock count up to twice as much as those of one with tokens.
func (e *encoder) betterEmpty(score int64) bool {
	t, mb := &e.luma16, &e.mb
	s := &e.segments[mb.segment]
	done := e.mby*e.mbw + e.mbx
	tokens := 256 * (done - e.skipped + 1) / (done + 2) // their probability
	least := float64(score + s.score(0, int(bitCost[tokens])/laneUnit))
	variance := math.Exp2(mb.activity) - 1 // in activityLeast, half of SSIM's constant
	weight := (2*variance + 2) / (variance + 2)
	const orthonormal = 4 // the transforms double: squares are four times those of samples
	best := -1
	for i, m := range squareModes {
		bits := lumaModeCost[m]
		if !e.tried.luma.has(m) || !e.modes.allows(bits) && m != modeDC {
			continue
		}
		d := orthonormal * weight * float64(t.tries[i].error)
		empty := d*256 + float64(s.score(0, (bits+int(bitCost[256-tokens]))/laneUnit))
		if empty < least {
			best, least = i, empty
		}
	}
	if best < 0 {
		return false
	}
	mb.mode, mb.coded = squareModes[best], 0
	rebuild(&mb.rebuilt, &t.tries[best].pred, &noDifferences)
	return true
}

var noDifferences lanes
