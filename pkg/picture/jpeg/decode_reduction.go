package jpeg

// Reduction returns the n of n/8 at which a picture of fullW × fullH is best
// decoded to become goalW × goalH: 8 is whole.
//
// That is the n/8 which is the factor itself, where there is one (within the
// rounding of the goal's sides); else the smallest that leaves the resampler 1.25
// times the goal or more, so that its filter, not the cut of the coefficients,
// makes the picture. With fine it is never the factor itself, and 1.44 times or more: so
// 1/2 and 1/4, however their sides are rounded, come from 1.5 times the goal (at 1/2 that
// is worth 0.13 dB more than 1.25 times, for a tenth more time). It is twice the goal if
// the kernel was named by the user, whose look is then what counts.
//
// It is the one place that decides, for scale and for gray that works ahead of it.
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

// exact returns the n of which goal is n/8 of full, but for rounding; 0 if none is.
func exact(full, goal int) int {
	n := (16*goal + full) / (2 * full)
	if off := 8*goal - n*full; n < 1 || n > 7 || off <= -8 || off >= 8 {
		return 0
	}
	return n
}

// chromaReduction returns the smallest m of m/8 at which a chroma plane of
// w/wd × h/hd samples is at least that of a 4:2:0 picture of goalW × goalH.
func chromaReduction(w, h, wd, hd, goalW, goalH int) int {
	for m := 1; m < 8; m++ {
		if ceilDiv(w*m, wd*8) >= ceilDiv(goalW, 2) && ceilDiv(h*m, hd*8) >= ceilDiv(goalH, 2) {
			return m
		}
	}
	return 8
}
