package jpeg

// Reduction returns n from 1 to 8: a picture of fullW × fullH that will be resampled to
// goalW × goalH is best decoded at n/8. 8 is the full size.
//
// If n/8 is the factor itself (up to the rounding of the goal's sides), the decoded
// picture is already the result. Else n/8 is the smallest that leaves the resampler at
// least 1.25 times the goal, so that its filter and not the missing coefficients
// determines the picture. With fine, n/8 is never the factor itself, and at least 1.44
// times the goal: then 1/2 and 1/4 come from 1.5 times the goal, however their sides
// are rounded (at 1/2 that is 0.13 dB better than 1.25 times and takes a tenth more
// time). With fine and named, the user chose the kernel and wants its look: at least
// twice the goal.
//
// Both scale and a gray that prepares a picture for scale decide by this function.
func Reduction(fullW, fullH, goalW, goalH int, fine, named bool) int {
	if n := exact(fullW, goalW); !fine && n > 0 && n == exact(fullH, goalH) {
		return n
	}
	sixteenths := 20 // 1.25 × 16
	switch {
	case fine && named:
		sixteenths = 32
	case fine:
		sixteenths = 23
	}
	n := max(ceilDiv(sixteenths*goalW, 2*fullW), ceilDiv(sixteenths*goalH, 2*fullH))
	return min(max(n, 1), 8)
}

// exact returns n if goal is n/8 of full, rounded up or down, and 0 if there is no such
// n from 1 to 7.
func exact(full, goal int) int {
	n := (16*goal + full) / (2 * full)
	if off := 8*goal - n*full; n < 1 || n > 7 || off <= -8 || off >= 8 {
		return 0
	}
	return n
}

// chromaReduction returns the smallest m such that a chroma plane of w/wd × h/hd
// samples, decoded at m/8, has at least the samples of a 4:2:0 picture of goalW × goalH.
// At 1/2 and 1/4 of a 4:2:0 picture those are exactly its samples, and chroma is not
// resampled at all, not even with fine. Decoding it by the rule of fine and resampling it
// was measured: mean PSNR of RGB changes by 0.03 to 0.04 dB at 1/4 and by 0.00 to 0.01 dB
// at 1/2 (quality 81, two photographs), which is not worth a resampling.
func chromaReduction(w, h, wd, hd, goalW, goalH int) int {
	for m := 1; m < 8; m++ {
		if ceilDiv(w*m, wd*8) >= ceilDiv(goalW, 2) && ceilDiv(h*m, hd*8) >= ceilDiv(goalH, 2) {
			return m
		}
	}
	return 8
}
