//go:build goexperiment.simd && amd64

package jpeg

import "simd/archsimd"

var avx2 = archsimd.X86.AVX2()

// lanes returns a vector's eight lanes (its elements) with the same number in each.
// Kept in a variable, it costs one load; a constant would be broadcast at each use.
func lanes(v int32) [8]int32 { return [8]int32{v, v, v, v, v, v, v, v} }

func load(l *[8]int32) archsimd.Int32x8 { return archsimd.LoadInt32x8(l) }

var (
	lanes0298 = lanes(fix0_298631336)
	lanes0390 = lanes(-fix0_390180644)
	lanes0541 = lanes(fix0_541196100)
	lanes0765 = lanes(fix0_765366865)
	lanes0899 = lanes(-fix0_899976223)
	lanes1175 = lanes(fix1_175875602)
	lanes1501 = lanes(fix1_501321110)
	lanes1847 = lanes(-fix1_847759065)
	lanes1961 = lanes(-fix1_961570560)
	lanes2053 = lanes(fix2_053119869)
	lanes2562 = lanes(-fix2_562915447)
	lanes3072 = lanes(fix3_072711026)
)
