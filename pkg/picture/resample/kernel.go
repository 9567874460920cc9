package resample

import "math"

// A kernel is a resampling filter: symmetric, zero beyond its support, which is
// in samples of the coarser of the two grids.
type kernel struct {
	support float64
	at      func(x float64) float64 // for x ≥ 0
}

// kernels by their names in pkg/ops.
//
// Triangle is linear interpolation. Catmullrom and mitchell are the cubics of
// Mitchell and Netravali, "Reconstruction Filters in Computer Graphics"
// (SIGGRAPH 1988), with B, C = 0, 1/2 and 1/3, 1/3. Lanczos3 is sinc windowed by
// the central lobe of a sinc three times as wide.
var kernels = map[string]kernel{
	"box":        {0.5, box},
	"triangle":   {1, triangle},
	"catmullrom": {2, func(x float64) float64 { return cubic(x, 0, 0.5) }},
	"mitchell":   {2, func(x float64) float64 { return cubic(x, 1./3, 1./3) }},
	"lanczos3":   {3, lanczos3},
}

// box is 1/2 at its edges, as any filter with a jump ought to be: a sample just
// on the border of two outputs counts half in both, and nothing shifts.
func box(x float64) float64 {
	switch {
	case x < 0.5:
		return 1
	case x == 0.5:
		return 0.5
	}
	return 0
}

func triangle(x float64) float64 { return max(0, 1-x) }

func cubic(x, b, c float64) float64 {
	switch {
	case x < 1:
		return ((12-9*b-6*c)*x*x*x + (-18+12*b+6*c)*x*x + 6 - 2*b) / 6
	case x < 2:
		return ((-b-6*c)*x*x*x + (6*b+30*c)*x*x + (-12*b-48*c)*x + 8*b + 24*c) / 6
	}
	return 0
}

func lanczos3(x float64) float64 {
	if x >= 3 {
		return 0
	}
	return sinc(x) * sinc(x/3)
}

// sinc is exactly 0 at the other integers, which math.Sin would miss.
func sinc(x float64) float64 {
	switch {
	case x == 0:
		return 1
	case x == math.Trunc(x):
		return 0
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}
