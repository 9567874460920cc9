//go:build goexperiment.simd && amd64

package raster

import "simd/archsimd"

var avx2 = archsimd.X86.AVX2()

// The vector code of this package makes most of a row, in blocks, and returns how many
// pixels of the row it made; its plain twin, which is equal in every bit, makes the
// rest. Constants are kept in memory as vectors: to set one from a number is an
// instruction of SSE, which is slow among those of AVX (tests/simd_test.go).

// lumaPairs spreads two pixels in each half, from samples of 8 bits to r g, b g, r g, b g
// of 16: the weights of a luma are applied to pairs, and that of green, which may be
// above the 32767 of an int16, is halved.
var (
	lumaFirst3  = twice16(0, 1, 2, 1, 3, 4, 5, 4)
	lumaSecond3 = twice16(6, 7, 8, 7, 9, 10, 11, 10)
	lumaFirst4  = twice16(0, 1, 2, 1, 4, 5, 6, 5)
	lumaSecond4 = twice16(8, 9, 10, 9, 12, 13, 14, 13)

	lumaWeights = [...][16]int16{Rec601: weightPairs(Rec601), Rec709: weightPairs(Rec709)}

	half16    = [8]int32{1 << 15, 1 << 15, 1 << 15, 1 << 15, 1 << 15, 1 << 15, 1 << 15, 1 << 15}
	highByte  = [8]int32{0xff00, 0xff00, 0xff00, 0xff00, 0xff00, 0xff00, 0xff00, 0xff00}
	evenFirst = [32]int8{
		0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15,
		0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15}
)

// twice16 returns a permutation, equal in both halves, that takes the bytes given and
// makes them numbers of 16 bits.
func twice16(from ...int8) (p [32]int8) {
	for i := range p {
		p[i] = -1
		if i%2 == 0 {
			p[i] = from[i/2%8]
		}
	}
	return p
}

func weightPairs(l Luma) (p [16]int16) {
	w := weights[l]
	for i := 0; i < 16; i += 4 {
		p[i], p[i+1], p[i+2], p[i+3] = int16(w[0]), int16(w[1]/2), int16(w[2]), int16(w[1]-w[1]/2)
	}
	return p
}

// gray8Blocks is gray8 of as many pixels as fit its blocks: 32 of RGB, 16 of RGBA.
func (l Luma) gray8Blocks(dst, src []uint8, n int) (pixels int) {
	if !avx2 || l == Luminance {
		return 0
	}
	if n == 3 {
		pixels = grayRGB(dst, src, &lumaWeights[l])
	} else {
		pixels = grayRGBA(dst, src, &lumaWeights[l])
	}
	archsimd.ClearAVXUpperBits()
	return pixels
}

// two returns bytes i to i+15 and j to j+15 of p in the halves of a vector.
func two(p []uint8, i, j int) archsimd.Uint8x32 {
	var v archsimd.Uint8x32
	return v.SetLo(archsimd.LoadUint8x16Slice(p[i : i+16])).SetHi(archsimd.LoadUint8x16Slice(p[j : j+16]))
}

// sums8 returns the lumas of the four pixels in each half of v, in 65536ths.
func sums8(v archsimd.Uint8x32, first, second archsimd.Int8x32, w archsimd.Int16x16) archsimd.Int32x8 {
	a := v.PermuteOrZeroGrouped(first).AsInt16x16().DotProductPairs(w)
	b := v.PermuteOrZeroGrouped(second).AsInt16x16().DotProductPairs(w)
	return a.AddPairsGrouped(b)
}

// grayRGB makes 32 pixels at a time. The halves of its vectors are 16 pixels apart, so
// that packing, which works within halves, leaves them in order: pixels 0 to 3 and 16 to
// 19 are in the first, 4 to 7 and 20 to 23 in the second.
func grayRGB(dst, src []uint8, weights *[16]int16) (pixels int) {
	first, second := archsimd.LoadInt8x32(&lumaFirst3), archsimd.LoadInt8x32(&lumaSecond3)
	w, half, even := archsimd.LoadInt16x16(weights), archsimd.LoadInt32x8(&half16), archsimd.LoadInt8x32(&evenFirst)
	for len(dst) >= 32 && len(src) >= 100 {
		p := src[:100]
		s0 := sums8(two(p, 0, 48), first, second, w).Add(half).ShiftAllRight(16)
		s1 := sums8(two(p, 12, 60), first, second, w).Add(half).ShiftAllRight(16)
		s2 := sums8(two(p, 24, 72), first, second, w).Add(half).ShiftAllRight(16)
		s3 := sums8(two(p, 36, 84), first, second, w).Add(half).ShiftAllRight(16)
		a, b := s0.SaturateToUint16ConcatGrouped(s1), s2.SaturateToUint16ConcatGrouped(s3)
		a.Or(b.ShiftAllLeft(8)).AsUint8x32().PermuteOrZeroGrouped(even).StoreSlice(dst)
		dst, src = dst[32:], src[96:]
		pixels += 32
	}
	return pixels
}

// grayRGBA makes 16 pixels at a time, and puts a pixel's alpha beside its gray.
func grayRGBA(dst, src []uint8, weights *[16]int16) (pixels int) {
	first, second := archsimd.LoadInt8x32(&lumaFirst4), archsimd.LoadInt8x32(&lumaSecond4)
	w, half, alpha := archsimd.LoadInt16x16(weights), archsimd.LoadInt32x8(&half16), archsimd.LoadInt32x8(&highByte)
	for len(dst) >= 32 && len(src) >= 64 {
		p := src[:64]
		a, b := two(p, 0, 32), two(p, 16, 48)
		s0 := sums8(a, first, second, w).Add(half).ShiftAllRight(16).Or(a.AsInt32x8().ShiftAllRight(16).And(alpha))
		s1 := sums8(b, first, second, w).Add(half).ShiftAllRight(16).Or(b.AsInt32x8().ShiftAllRight(16).And(alpha))
		s0.SaturateToUint16ConcatGrouped(s1).AsUint8x32().StoreSlice(dst)
		dst, src = dst[32:], src[64:]
		pixels += 16
	}
	return pixels
}
