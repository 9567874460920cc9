//go:build goexperiment.simd && amd64

package raster

import "simd/archsimd"

var (
	chromaZero = lanes16(128)
	largest    = lanes16(255)
	// The factors of toRGB without their nearest multiple of 65536: 91881 is 65536 +
	// 26345, 116130 is 2 × 65536 − 14942, and −46802 is 18734 − 65536.
	redOfCr  = lanes16(26345)
	blueOfCb = lanes16(-14942)
	greenOf  = [16]int16{-22554, 18734, -22554, 18734, -22554, 18734, -22554, 18734, -22554, 18734, -22554, 18734, -22554, 18734, -22554, 18734}
	// Bytes r g of eight pixels, and b as numbers of 16 bits, put in the order r g b:
	// the first 16 bytes, then the other 8.
	rgFirst = twice(0, 1, -1, 2, 3, -1, 4, 5, -1, 6, 7, -1, 8, 9, -1, 10)
	bFirst  = twice(-1, -1, 0, -1, -1, 2, -1, -1, 4, -1, -1, 6, -1, -1, 8, -1)
	rgRest  = twice(11, -1, 12, 13, -1, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1)
	bRest   = twice(-1, 10, -1, -1, 12, -1, -1, 14, -1, -1, -1, -1, -1, -1, -1, -1)

	threeOne = [16]int16{3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1}
	signBit  = lanes16(-1 << 15)
	// 3·c + p of numbers less 2^15 is too small by 2^17; half of 2^10 is for rounding.
	doubleHalf = [8]int32{1<<17 + 1<<9, 1<<17 + 1<<9, 1<<17 + 1<<9, 1<<17 + 1<<9, 1<<17 + 1<<9, 1<<17 + 1<<9, 1<<17 + 1<<9, 1<<17 + 1<<9}
)

func lanes16(v int16) (l [16]int16) {
	for i := range l {
		l[i] = v
	}
	return l
}

func twice(p ...int8) (t [32]int8) {
	copy(t[copy(t[:], p):], p)
	return t
}

// toRGBBlocks is toRGB of 16 pixels at a time.
//
// It computes in 16 bits. R is Y + 1.402 r, with r = Cr − 128, and 1.402 in 65536ths is
// 65536 + 26345; so R is Y + r + 26345 r / 65536, of which only the last term has to be
// rounded: it is the upper half of the product, plus 1 if the lower half has its high
// bit. (An arithmetic shift makes −1 of that bit. A logical one, of unsigned numbers,
// would need an instruction of SSE.) G has two products, which are added as 32 bits before they are rounded.
func toRGBBlocks(dst, y, cb, cr []uint8) (pixels int) {
	if !avx2 {
		return 0
	}
	zero, top := archsimd.LoadInt16x16(&chromaZero), archsimd.LoadInt16x16(&largest)
	kr, kb, kg := archsimd.LoadInt16x16(&redOfCr), archsimd.LoadInt16x16(&blueOfCb), archsimd.LoadInt16x16(&greenOf)
	rg0, b0 := archsimd.LoadInt8x32(&rgFirst), archsimd.LoadInt8x32(&bFirst)
	rg1, b1 := archsimd.LoadInt8x32(&rgRest), archsimd.LoadInt8x32(&bRest)
	half := archsimd.LoadInt32x8(&half16)
	var none archsimd.Int16x16
	// Each half is stored as 16 bytes and 16 bytes, of which the last 8 are overwritten by
	// what follows. So the row must go on for 8 bytes.
	for len(dst) >= 56 && len(y) >= 16 && len(cb) >= 16 && len(cr) >= 16 {
		l := archsimd.LoadUint8x16Slice(y).ExtendToUint16().AsInt16x16()
		b := archsimd.LoadUint8x16Slice(cb).ExtendToUint16().AsInt16x16().Sub(zero)
		r := archsimd.LoadUint8x16Slice(cr).ExtendToUint16().AsInt16x16().Sub(zero)
		red := l.Add(r).Add(r.MulHigh(kr)).Sub(r.Mul(kr).ShiftAllRight(15))
		blue := l.Add(b).Add(b).Add(b.MulHigh(kb)).Sub(b.Mul(kb).ShiftAllRight(15))
		g0 := b.InterleaveLoGrouped(r).DotProductPairs(kg).Add(half).ShiftAllRight(16)
		g1 := b.InterleaveHiGrouped(r).DotProductPairs(kg).Add(half).ShiftAllRight(16)
		green := l.Sub(r).Add(g0.SaturateToInt16ConcatGrouped(g1))
		red, green, blue = red.Max(none).Min(top), green.Max(none).Min(top), blue.Max(none).Min(top)
		rg, bb := red.Or(green.ShiftAllLeft(8)).AsUint8x32(), blue.AsUint8x32()
		first := rg.PermuteOrZeroGrouped(rg0).Or(bb.PermuteOrZeroGrouped(b0))
		rest := rg.PermuteOrZeroGrouped(rg1).Or(bb.PermuteOrZeroGrouped(b1))
		d := dst[:56]
		first.GetLo().StoreSlice(d[0:16])
		rest.GetLo().StoreSlice(d[16:32])
		first.GetHi().StoreSlice(d[24:40])
		rest.GetHi().StoreSlice(d[40:56])
		dst, y, cb, cr = dst[48:], y[16:], cb[16:], cr[16:]
		pixels += 16
	}
	archsimd.ClearAVXUpperBits()
	return pixels
}

// mixBlocks is mix of 16 samples at a time: 256 a + part (b − a).
func mixBlocks(dst []uint16, a, b []uint8, part uint16) (samples int) {
	if !avx2 {
		return 0
	}
	at := lanes16(int16(part))
	p := archsimd.LoadInt16x16(&at)
	for len(dst) >= 16 && len(a) >= 16 && len(b) >= 16 {
		x := archsimd.LoadUint8x16Slice(a).ExtendToUint16().AsInt16x16()
		y := archsimd.LoadUint8x16Slice(b).ExtendToUint16().AsInt16x16()
		x.ShiftAllLeft(8).Add(y.Sub(x).Mul(p)).AsUint16x16().StoreSlice(dst)
		dst, a, b = dst[16:], a[16:], b[16:]
		samples += 16
	}
	archsimd.ClearAVXUpperBits()
	return samples
}

// doubleBlocks is double of samples 1 to n of src, 16 at a time, which give samples 2 to
// 2n+1 of dst. Products are of signed numbers, so 2^15 is taken from each.
func doubleBlocks(dst []uint8, src []uint16) (n int) {
	if !avx2 {
		return 0
	}
	w, sign, half := archsimd.LoadInt16x16(&threeOne), archsimd.LoadInt16x16(&signBit), archsimd.LoadInt32x8(&doubleHalf)
	for dst = dst[min(2, len(dst)):]; len(dst) >= 32 && len(src) >= 18; dst, src = dst[32:], src[16:] {
		s := src[:18]
		prev := archsimd.LoadUint16x16Slice(s[0:16]).AsInt16x16().Xor(sign)
		c := archsimd.LoadUint16x16Slice(s[1:17]).AsInt16x16().Xor(sign)
		next := archsimd.LoadUint16x16Slice(s[2:18]).AsInt16x16().Xor(sign)
		e0 := c.InterleaveLoGrouped(prev).DotProductPairs(w).Add(half).ShiftAllRight(10)
		e1 := c.InterleaveHiGrouped(prev).DotProductPairs(w).Add(half).ShiftAllRight(10)
		o0 := c.InterleaveLoGrouped(next).DotProductPairs(w).Add(half).ShiftAllRight(10)
		o1 := c.InterleaveHiGrouped(next).DotProductPairs(w).Add(half).ShiftAllRight(10)
		even, odd := e0.SaturateToUint16ConcatGrouped(e1), o0.SaturateToUint16ConcatGrouped(o1)
		even.Or(odd.ShiftAllLeft(8)).AsUint8x32().StoreSlice(dst)
		n += 16
	}
	archsimd.ClearAVXUpperBits()
	return n
}
