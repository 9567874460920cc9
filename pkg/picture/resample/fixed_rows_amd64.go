//go:build goexperiment.simd && amd64

package resample

import "simd/archsimd"

// Constants of the vector code; see rounding.
var (
	opaqueAlpha = [8]int32{0, 0, 0, 255, 0, 0, 0, 255}
	largest8    = [16]uint16{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}
	// splitBytes takes two interleaved runs of bytes apart, in each half.
	splitBytes = [32]int8{
		0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15,
		0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15}
	quarters = [8]uint32{0, 4, 1, 5, 2, 6, 3, 7}
)

// interleave copies two rows into dst, a sample of each in turn.
func interleave(dst, lo, hi []uint8) {
	// Up to 15 samples behind a row are read too: see slack.
	for n := len(lo) - slack; n > 0 && len(dst) >= 32; n -= 16 {
		l := archsimd.LoadUint8x16Slice(lo).ExtendToUint16()
		h := archsimd.LoadUint8x16Slice(hi).ExtendToUint16()
		h.ShiftAllLeft(8).Or(l).AsUint8x32().StoreSlice(dst)
		dst, lo, hi = dst[32:], lo[16:], hi[16:]
	}
}

// premultiply sets dst to colour × alpha ÷ 255 of RGBA pixels, with fLoad bits of
// fraction, rounded; of255 is 2^fLoad ÷ 255. float32 rounds as exact arithmetic would: the products have up to 22 bits and
// are exact; no quotient is nearer to a half than 1/510; and the errors of the reciprocal
// and the multiplication are smaller than that as long as the result is below 2^14.
func premultiply(dst []int16, src []uint8, of255 *[8]float32) {
	opaque, unit := archsimd.LoadInt32x8(&opaqueAlpha), archsimd.LoadFloat32x8(of255)
	for n := len(src) - slack; n > 0 && len(src) >= 16 && len(dst) >= 16; n -= 16 {
		// Pixels 0 and 2, then 1 and 3: the order in which the last step packs them.
		px := archsimd.LoadUint8x16Slice(src).AsUint32x4().PermuteScalars(0, 2, 1, 3)
		a := px.AsUint8x16().ExtendLo8ToUint32().AsInt32x8()
		b := px.PermuteScalars(2, 3, 2, 3).AsUint8x16().ExtendLo8ToUint32().AsInt32x8()
		a = a.Mul(a.PermuteScalarsGrouped(3, 3, 3, 3).Or(opaque))
		b = b.Mul(b.PermuteScalarsGrouped(3, 3, 3, 3).Or(opaque))
		a = a.ConvertToFloat32().Mul(unit).RoundToEven().ConvertToInt32()
		b = b.ConvertToFloat32().Mul(unit).RoundToEven().ConvertToInt32()
		a.SaturateToInt16ConcatGrouped(b).StoreSlice(dst)
		dst, src = dst[16:], src[16:]
	}
}

// sum computes the sums of the window and stores them as samples in dst.
func (f *vector) sum(dst []uint8) {
	round, count := archsimd.LoadInt32x8(&f.downRound.half), archsimd.LoadInt32x8(&f.downRound.count)
	top, apart, order := archsimd.LoadUint16x16(&largest8), archsimd.LoadInt8x32(&splitBytes), archsimd.LoadUint32x8(&quarters)
	for at := 0; at < len(dst); at += stride {
		s0, s1, s2, s3 := f.sum32(at, round)
		// Packing works within 128-bit halves: 0 1 | 0 1 and 2 3 | 2 3.
		a := s0.ShiftRight(count).SaturateToUint16ConcatGrouped(s1.ShiftRight(count)).Min(top)
		b := s2.ShiftRight(count).SaturateToUint16ConcatGrouped(s3.ShiftRight(count)).Min(top)
		v := a.Or(b.ShiftAllLeft(8)).AsUint8x32().PermuteOrZeroGrouped(apart).
			AsUint32x8().Permute(order).AsUint8x32()
		if at+stride <= len(dst) {
			v.StoreSlice(dst[at:])
		} else {
			v.Store(&f.tail)
			copy(dst[at:], f.tail[:])
		}
	}
}

// sumWords computes the sums of the window, adds half a unit for rounding, and stores
// them in acc, two in a word.
func (f *vector) sumWords() {
	round := archsimd.LoadInt32x8(&f.downRound.half)
	for at := 0; at < f.width; at += stride {
		s0, s1, s2, s3 := f.sum32(at, round)
		acc := f.acc[at/2:][:stride/2]
		word(s0).StoreSlice(acc)
		word(s1).StoreSlice(acc[4:])
		word(s2).StoreSlice(acc[8:])
		word(s3).StoreSlice(acc[12:])
	}
}

// word returns words lo + hi<<32 of pairs of sums; a negative lo borrows 1 from hi.
func word(s archsimd.Int32x8) archsimd.Int64x4 {
	return s.Add(s.ShiftAllRight(31).AsInt64x4().ShiftAllLeft(32).AsInt32x8()).AsInt64x4()
}

// sum32 returns round plus the sums of 32 samples, beginning with sample at.
func (f *vector) sum32(at int, round archsimd.Int32x8) (s0, s1, s2, s3 archsimd.Int32x8) {
	var h0, h1, h2, h3 archsimd.Int32x8
	s0, s1, s2, s3 = round, round, round, round
	down := f.down[:len(f.src)]
	for i, r := range f.src {
		v := (*[stride]int32)(r[at:])
		high := archsimd.LoadInt32x8(&down[i].high).AsInt16x16()
		low := archsimd.LoadInt32x8(&down[i].low).AsInt16x16()
		v0 := archsimd.LoadInt32x8Slice(v[0:8]).AsInt16x16()
		v1 := archsimd.LoadInt32x8Slice(v[8:16]).AsInt16x16()
		v2 := archsimd.LoadInt32x8Slice(v[16:24]).AsInt16x16()
		v3 := archsimd.LoadInt32x8Slice(v[24:32]).AsInt16x16()
		h0, s0 = h0.Add(v0.DotProductPairs(high)), s0.Add(v0.DotProductPairs(low))
		h1, s1 = h1.Add(v1.DotProductPairs(high)), s1.Add(v1.DotProductPairs(low))
		h2, s2 = h2.Add(v2.DotProductPairs(high)), s2.Add(v2.DotProductPairs(low))
		h3, s3 = h3.Add(v3.DotProductPairs(high)), s3.Add(v3.DotProductPairs(low))
	}
	s0 = s0.Add(h0.ShiftAllLeft(parted))
	s1 = s1.Add(h1.ShiftAllLeft(parted))
	s2 = s2.Add(h2.ShiftAllLeft(parted))
	s3 = s3.Add(h3.ShiftAllLeft(parted))
	return
}
