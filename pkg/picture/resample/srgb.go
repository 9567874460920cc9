package resample

import (
	"sync"

	"imgtools/pkg/picture/raster"
)

// table returns f of i/n for i = 0..n.
func table(f func(float64) float64, n int) []float32 {
	t := make([]float32, n+1)
	for i := range t {
		t[i] = float32(f(float64(i) / float64(n)))
	}
	return t
}

var decode8 = sync.OnceValue(func() []float32 { return table(raster.DecodeSRGB, 255) })
var decode16 = sync.OnceValue(func() []float32 { return table(raster.DecodeSRGB, 65535) })

// encodeSteps is the resolution of encodeTable. Linear interpolation between steps is
// within 0.3/65535 of the curve, which bends most at 0.0031308.
const encodeSteps = 1 << 14

var encodeTable = sync.OnceValue(func() []float32 { return encodeTableOf(raster.EncodeSRGB) })

// encodeTableOf returns f at all steps, and one more for what rounding puts beyond 1.
func encodeTableOf(f func(float64) float64) []float32 {
	t := table(f, encodeSteps)
	return append(t, t[encodeSteps])
}

// encodeFast is raster.EncodeSRGB of v in 0..1, interpolated in t, the encodeTable.
func encodeFast(t []float32, v float32) float32 {
	v *= encodeSteps
	i := int(v)
	return t[i] + (t[i+1]-t[i])*(v-float32(i))
}
