package resample

import (
	"math"
	"sync"
)

// decode and encode are the curve of sRGB (IEC 61966-2-1): from encoded to linear light
// and back, 0 to 1.
func decode(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func encode(v float64) float64 {
	if v <= 0.0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

// table returns f of i/n for i = 0..n.
func table(f func(float64) float64, n int) []float32 {
	t := make([]float32, n+1)
	for i := range t {
		t[i] = float32(f(float64(i) / float64(n)))
	}
	return t
}

var decode8 = sync.OnceValue(func() []float32 { return table(decode, 255) })
var decode16 = sync.OnceValue(func() []float32 { return table(decode, 65535) })

// encodeSteps is the resolution of encodeTable. Linear interpolation between steps is
// within 0.3/65535 of the curve, which bends most at 0.0031308.
const encodeSteps = 1 << 14

var encodeTable = sync.OnceValue(func() []float32 { return encodeTableOf(encode) })

// encodeTableOf returns f at all steps, and one more for what rounding puts beyond 1.
func encodeTableOf(f func(float64) float64) []float32 {
	t := table(f, encodeSteps)
	return append(t, t[encodeSteps])
}

// encodeFast is encode of v in 0..1, interpolated in t, the encodeTable.
func encodeFast(t []float32, v float32) float32 {
	v *= encodeSteps
	i := int(v)
	return t[i] + (t[i+1]-t[i])*(v-float32(i))
}
