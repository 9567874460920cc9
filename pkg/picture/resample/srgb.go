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

// curve returns decode of i/n for i = 0..n.
func curve(n int) []float32 {
	t := make([]float32, n+1)
	for i := range t {
		t[i] = float32(decode(float64(i) / float64(n)))
	}
	return t
}

var decode8 = sync.OnceValue(func() []float32 { return curve(255) })
var decode16 = sync.OnceValue(func() []float32 { return curve(65535) })

// encodeSteps is the resolution of encodeTable. Linear interpolation between steps is
// within 0.3/65535 of the curve, which bends most at 0.0031308.
const encodeSteps = 1 << 14

var encodeTable = sync.OnceValue(func() []float32 {
	t := make([]float32, encodeSteps+2)
	for i := range t {
		t[i] = float32(encode(float64(i) / encodeSteps))
	}
	return t
})

// encodeFast is encode of v in 0..1, interpolated in t, the encodeTable.
func encodeFast(t []float32, v float32) float32 {
	v *= encodeSteps
	i := int(v)
	return t[i] + (t[i+1]-t[i])*(v-float32(i))
}
