//go:build goexperiment.simd && amd64

package png

import "simd/archsimd"

var avx2 = archsimd.X86.AVX2()

// evenBytes is a constant of the vector code. It is loaded, since other ways to make a
// vector may be compiled to instructions of SSE, which are slow among those of AVX.
var evenBytes = [16]int8{0, 2, 4, 6, 8, 10, 12, 14, -1, -1, -1, -1, -1, -1, -1, -1}

// The functions below reverse a filter from the beginning of a row as far as vectors
// reach. They return the index of the first byte that is left, the first of a pixel.
//
// Average and Paeth need the pixel to the left before the next, so that a vector holds
// one pixel: each of its bytes, at most 8, widened to 16 bits. Loads and stores take 16
// bytes nevertheless. What a store writes behind the pixel is overwritten later.

func vectorUp(dst, src, prev []byte) int {
	i := 0
	if !avx2 || len(dst) < 32 {
		return i
	}
	for ; i+32 <= len(dst); i += 32 {
		x, y := archsimd.LoadUint8x32Slice(src[i:i+32:i+32]), archsimd.LoadUint8x32Slice(prev[i:i+32:i+32])
		x.Add(y).StoreSlice(dst[i : i+32 : i+32])
	}
	archsimd.ClearAVXUpperBits()
	return i
}

func vectorAverage(dst, src, prev []byte, bpp int) int {
	n := len(dst)
	if !avx2 || bpp < 2 || n < bpp+16 {
		return 0
	}
	for i := range bpp {
		dst[i] = src[i] + prev[i]>>1
	}
	even := archsimd.LoadInt8x16(&evenBytes)
	a := wide(dst, 0)
	i := bpp
	for ; i+16 <= n; i += bpp {
		a = addLow(a.Add(wide(prev, i)).ShiftAllRight(1), wide(src, i))
		a.AsUint8x16().PermuteOrZero(even).StoreSlice(dst[i : i+16 : i+16])
	}
	return i
}

// vectorPaeth is unfilterPaeth; see paeth for the method. Where both lo and hi are the
// result they are equal, so that the three candidates can be joined by Or; selecting one
// after another would take longer. The pixel above and to the left
// is loaded again: kept in a variable it would be copied in each round, for which the
// compiler uses an instruction of SSE.
func vectorPaeth(dst, src, prev []byte, bpp int) int {
	n := len(dst)
	if !avx2 || bpp < 2 || n < bpp+16 {
		return 0
	}
	for i := range bpp {
		dst[i] = src[i] + prev[i] // paeth(0, b, 0) is b
	}
	even := archsimd.LoadInt8x16(&evenBytes)
	a := wide(dst, 0)
	i := bpp
	for ; i+16 <= n; i += bpp {
		b, c := wide(prev, i), wide(prev, i-bpp)
		t := c.Add(c).Add(c).Sub(b).Sub(a)
		lo, hi := a.Min(b), a.Max(b)
		notLo, notHi := hi.Greater(t).ToInt16x8(), t.Greater(lo).ToInt16x8()
		p := lo.AndNot(notLo).Or(hi.AndNot(notHi)).Or(c.And(notLo.And(notHi)))
		a = addLow(p, wide(src, i))
		a.AsUint8x16().PermuteOrZero(even).StoreSlice(dst[i : i+16 : i+16])
	}
	return i
}

// wide returns the eight bytes from b[i], of which 16 must be there, in 16 bits each.
func wide(b []byte, i int) archsimd.Int16x8 {
	return archsimd.LoadUint8x16Slice(b[i : i+16 : i+16]).ExtendLo8ToUint16().AsInt16x8()
}

// addLow adds numbers below 256, each modulo 256: bytes are added, and the high ones
// are 0.
func addLow(x, y archsimd.Int16x8) archsimd.Int16x8 {
	return x.AsUint8x16().Add(y.AsUint8x16()).AsInt16x8()
}
