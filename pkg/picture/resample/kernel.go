package resample

import "math"

// kernel is a resampling filter: the weight of a sample by its distance from the place
// of the output. It is symmetric, and zero beyond its support. Distances are in samples
// of the coarser grid: of the input when it is enlarged, of the output when it shrinks.
type kernel struct {
	support float64
	at      func(x float64) float64 // for x ≥ 0
}

// kernels has the kernels by their names in pkg/ops.
//
// Sampling theory asks for sinc(x) = sin(πx)/πx, which keeps every frequency that a
// grid can hold and no other, but it never ends. All kernels are shorter stand-ins:
//
//	box         the mean of the area; from 1/2 on it steps
//	triangle    linear interpolation
//	catmullrom  cubic, passes through the samples, overshoots a little
//	mitchell    cubic, a little soft, hardly overshoots
//	lanczos3    sinc times the central lobe of a sinc three times as wide: the
//	            sharpest, overshoots most
//
// The cubics are those of Mitchell and Netravali, "Reconstruction Filters in Computer
// Graphics" (SIGGRAPH 1988), with B, C = 0, 1/2 and 1/3, 1/3.
var kernels = map[string]kernel{
	"box":        {0.5, box},
	"triangle":   {1, triangle},
	"catmullrom": {2, func(x float64) float64 { return cubic(x, 0, 0.5) }},
	"mitchell":   {2, func(x float64) float64 { return cubic(x, 1./3, 1./3) }},
	"lanczos3":   {3, lanczos3},
}

// box is 1/2 at its edges: a sample exactly between two outputs counts half in each, so
// that nothing shifts.
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

// sinc is exactly 0 at integers other than 0, where math.Sin(πx) is not.
func sinc(x float64) float64 {
	switch {
	case x == 0:
		return 1
	case x == math.Trunc(x):
		return 0
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}
