package main

import "fmt"

// Constants of SSIM: Wang, Bovik, Sheikh and Simoncelli, Image quality assessment:
// from error visibility to structural similarity, 2004, with plain square windows.
const (
	ssimWindow = 8 // pixels
	ssimStep   = 4 // pixels from one window to the next
	ssimC1     = (0.01 * 255) * (0.01 * 255)
	ssimC2     = (0.03 * 255) * (0.03 * 255)
)

// luma returns the Rec. 601 luma of a picture of 3 planes, or its only plane.
func (m planes) luma() []float64 {
	if len(m.p) == 1 {
		return m.p[0]
	}
	y := make([]float64, len(m.p[0]))
	for i := range y {
		y[i] = 0.299*m.p[0][i] + 0.587*m.p[1][i] + 0.114*m.p[2][i]
	}
	return y
}

// ssim returns the mean structural similarity of two planes of w × h, 1 being
// equal. Windows that would cross the right or bottom edge are left out.
//
// In a window, with means a and b, variances A and B and the covariance C, it is
//
//	(2ab + C1)(2C + C2) / ((a² + b² + C1)(A + B + C2))
func ssim(x, y []float64, w, h int) (float64, error) {
	if w < ssimWindow || h < ssimWindow {
		return 0, fmt.Errorf("%d×%d is smaller than a window of SSIM, %d×%d", w, h, ssimWindow, ssimWindow)
	}
	const n = ssimWindow * ssimWindow
	total, windows := 0.0, 0
	for top := 0; top+ssimWindow <= h; top += ssimStep {
		for left := 0; left+ssimWindow <= w; left += ssimStep {
			var sx, sy, sxx, syy, sxy float64
			for r := top; r < top+ssimWindow; r++ {
				u, v := x[r*w+left:][:ssimWindow], y[r*w+left:][:ssimWindow]
				for i, a := range u {
					b := v[i]
					sx, sy = sx+a, sy+b
					sxx, syy, sxy = sxx+a*a, syy+b*b, sxy+a*b
				}
			}
			a, b := sx/n, sy/n
			va, vb, cov := sxx/n-a*a, syy/n-b*b, sxy/n-a*b
			total += (2*a*b + ssimC1) * (2*cov + ssimC2) / ((a*a + b*b + ssimC1) * (va + vb + ssimC2))
			windows++
		}
	}
	return total / float64(windows), nil
}
