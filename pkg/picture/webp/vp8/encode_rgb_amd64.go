//go:build goexperiment.simd && amd64

package vp8

import (
	"encoding/binary"
	"simd/archsimd"
)

// A vector of RGB has four pixels of three numbers and a 0: two in each half. Products of
// neighbours are added, and then sums of neighbours: the lower half of the result has the
// two pixels of the lower half of one vector and then those of the other.
var (
	rgbPixels = func() (t [32]int8) {
		for i := range t {
			t[i] = -1
			if pixel, c := int8(i/8), int8(i/2%4); i&1 == 0 && c < 3 {
				t[i] = 3*pixel + c
			}
		}
		return
	}()
	weightsY  = rgbWeights(yR, yG, yB)
	weightsCb = rgbWeights(cbR, cbG, cbB)
	weightsCr = rgbWeights(crR, crG, crB)

	rounding8Y = rounding8(lumaRounding)
	rounding8C = rounding8(chromaRounding)

	// Byte 0 of each of 8 numbers, in the order of the pixels: the lower half has 0, 1, 4
	// and 5.
	lumaBytes = func() (t [32]int8) {
		for i := range t {
			t[i] = -1
		}
		for i, at := range [8]int{0, 1, 4, 5, 18, 19, 22, 23} {
			t[at] = int8(4 * (i & 3))
		}
		return
	}()
	// Byte 0 of two numbers of Cb and two of Cr: pixel 0 and 2 in the lower half, 1 and 3
	// in the upper one.
	chromaBytes = func() (t [32]int8) {
		for i := range t {
			t[i] = -1
		}
		for i, at := range [8]int{0, 2, 4, 6, 17, 19, 21, 23} {
			t[at] = int8(4 * (i & 3))
		}
		return
	}()
)

func rgbWeights(r, g, b int16) [16]int16 {
	return [16]int16{r, g, b, 0, r, g, b, 0, r, g, b, 0, r, g, b, 0}
}

func rounding8(v int32) [8]int32 { return [8]int32{v, v, v, v, v, v, v, v} }

// fourPixels loads four pixels; it reads 16 bytes.
func fourPixels(rgb []uint8, at archsimd.Int8x32) lanes16 {
	return twice((*[16]uint8)(rgb)).PermuteOrZeroGrouped(at).AsInt16x16()
}

// lumaBlocks sets as many pixels of luma as can be made in blocks of 8.
func lumaBlocks(dst, rgb []uint8) (n int) {
	if !avx2 {
		return 0
	}
	at, order := archsimd.LoadInt8x32(&rgbPixels), archsimd.LoadInt8x32(&lumaBytes)
	w, half := load(&weightsY), archsimd.LoadInt32x8(&rounding8Y)
	// 16 bytes are read and written where 12 and 8 count.
	for ; n+16 <= len(dst) && 3*n+28 <= len(rgb); n += 8 {
		a, b := fourPixels(rgb[3*n:], at), fourPixels(rgb[3*n+12:], at)
		sums := a.DotProductPairs(w).AddPairsGrouped(b.DotProductPairs(w)).Add(half).ShiftAllRight(15)
		y := sums.AsInt8x32().AsUint8x32().PermuteOrZeroGrouped(order)
		y.GetLo().Or(y.GetHi()).Store((*[16]uint8)(dst[n:]))
	}
	archsimd.ClearAVXUpperBits()
	return n
}

// chromaBlocks sets as many pixels of chroma as can be made in blocks of 4.
func chromaBlocks(cb, cr, a, b []uint8) (n int) {
	if !avx2 {
		return 0
	}
	at, order := archsimd.LoadInt8x32(&rgbPixels), archsimd.LoadInt8x32(&chromaBytes)
	wb, wr, half := load(&weightsCb), load(&weightsCr), archsimd.LoadInt32x8(&rounding8C)
	for ; n+4 <= len(cb) && 6*n+28 <= min(len(a), len(b)); n += 4 {
		x := fourPixels(a[6*n:], at).Add(fourPixels(b[6*n:], at))
		y := fourPixels(a[6*n+12:], at).Add(fourPixels(b[6*n+12:], at))
		blue := x.DotProductPairs(wb).AddPairsGrouped(y.DotProductPairs(wb))
		red := x.DotProductPairs(wr).AddPairsGrouped(y.DotProductPairs(wr))
		c := blue.AddPairsGrouped(red).Add(half).ShiftAllRight(17).AsInt8x32().AsUint8x32().PermuteOrZeroGrouped(order)
		both := c.GetLo().Or(c.GetHi()).AsUint32x4()
		binary.LittleEndian.PutUint32(cb[n:n+4], both.GetElem(0))
		binary.LittleEndian.PutUint32(cr[n:n+4], both.GetElem(1))
	}
	archsimd.ClearAVXUpperBits()
	return n
}
