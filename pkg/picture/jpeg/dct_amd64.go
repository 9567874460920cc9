//go:build goexperiment.simd && amd64

package jpeg

import "simd/archsimd"

var avx2 = archsimd.X86.AVX2()

// idct writes the inverse DCT of the n × n lowest coefficients of b to n rows of n
// samples, rows stride apart. It overwrites b.
func idct(n int, b *block, dst []uint8, stride int) {
	switch {
	case !avx2 || n < 3:
		idctScalar(n, b, dst, stride)
	case n <= 4:
		idct4Vector(n, b, dst, stride)
	default:
		idct8Vector(n, b, dst, stride)
	}
}

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

	lanesByte = lanes(255)
)

// transpose exchanges rows and columns.
func transpose(a0, a1, a2, a3, a4, a5, a6, a7 archsimd.Int32x8) (b0, b1, b2, b3, b4, b5, b6, b7 archsimd.Int32x8) {
	t0, t1 := a0.InterleaveLoGrouped(a1).AsInt64x4(), a0.InterleaveHiGrouped(a1).AsInt64x4()
	t2, t3 := a2.InterleaveLoGrouped(a3).AsInt64x4(), a2.InterleaveHiGrouped(a3).AsInt64x4()
	t4, t5 := a4.InterleaveLoGrouped(a5).AsInt64x4(), a4.InterleaveHiGrouped(a5).AsInt64x4()
	t6, t7 := a6.InterleaveLoGrouped(a7).AsInt64x4(), a6.InterleaveHiGrouped(a7).AsInt64x4()
	u0, u1 := t0.InterleaveLoGrouped(t2).AsInt32x8(), t0.InterleaveHiGrouped(t2).AsInt32x8()
	u2, u3 := t1.InterleaveLoGrouped(t3).AsInt32x8(), t1.InterleaveHiGrouped(t3).AsInt32x8()
	u4, u5 := t4.InterleaveLoGrouped(t6).AsInt32x8(), t4.InterleaveHiGrouped(t6).AsInt32x8()
	u6, u7 := t5.InterleaveLoGrouped(t7).AsInt32x8(), t5.InterleaveHiGrouped(t7).AsInt32x8()
	return u0.Select128FromPair(0, 2, u4), u1.Select128FromPair(0, 2, u5), u2.Select128FromPair(0, 2, u6), u3.Select128FromPair(0, 2, u7),
		u0.Select128FromPair(1, 3, u4), u1.Select128FromPair(1, 3, u5), u2.Select128FromPair(1, 3, u6), u3.Select128FromPair(1, 3, u7)
}
