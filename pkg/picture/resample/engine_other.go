//go:build !(goexperiment.simd && amd64)

package resample

import "imgtools/pkg/picture/raster"

// Bytes of memory of one weight, a float64 and an int32 or float32; and of one sample of
// input, which waits and is a word of two rows.
const (
	weightBytes = 12
	sampleBytes = 9
)

// newEngine8 returns the engine for 8-bit samples.
func newEngine8(x, y *axis, in, out int, l raster.Layout) engine {
	return newFixed(x, y, in, out, l)
}

// newEngineFloat returns the engine for 16-bit samples and linear light.
func newEngineFloat(x, y *axis, in, out int, h *raster.Header, o Options) engine {
	return newFloat(x, y, in, out, h, o)
}
