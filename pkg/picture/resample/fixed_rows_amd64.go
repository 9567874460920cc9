//go:build goexperiment.simd && amd64

package resample

import "simd/archsimd"

// Constants of the vector code; see rounding.
var (
	largest8 = [16]uint16{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}
	// splitBytes takes two interleaved runs of bytes apart, in each half.
	splitBytes = [32]int8{
		0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15,
		0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15}
	quarters = [8]uint32{0, 4, 1, 5, 2, 6, 3, 7}
)

// sum computes the sums of the window and stores them as samples in dst.
func (f *vector) sum(dst []uint8, w [][16]int16) {
	round, count := archsimd.LoadInt32x8(&f.downRound.half), archsimd.LoadInt32x8(&f.downRound.count)
	top, apart, order := archsimd.LoadUint16x16(&largest8), archsimd.LoadInt8x32(&splitBytes), archsimd.LoadUint32x8(&quarters)
	for at := 0; at < len(dst); at += stride {
		s0, s1, s2, s3 := f.sum32(at, w, round)
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
func (f *vector) sumWords(w [][16]int16) {
	round := archsimd.LoadInt32x8(&f.downRound.half)
	for at := 0; at < f.width; at += stride {
		s0, s1, s2, s3 := f.sum32(at, w, round)
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
func (f *vector) sum32(at int, w [][16]int16, round archsimd.Int32x8) (s0, s1, s2, s3 archsimd.Int32x8) {
	s0, s1, s2, s3 = round, round, round, round
	src := f.src[:len(w)]
	for i := range w {
		v := (*[stride]int32)(src[i][at:])
		wi := archsimd.LoadInt16x16(&w[i])
		s0 = s0.Add(archsimd.LoadInt32x8Slice(v[0:8]).AsInt16x16().DotProductPairs(wi))
		s1 = s1.Add(archsimd.LoadInt32x8Slice(v[8:16]).AsInt16x16().DotProductPairs(wi))
		s2 = s2.Add(archsimd.LoadInt32x8Slice(v[16:24]).AsInt16x16().DotProductPairs(wi))
		s3 = s3.Add(archsimd.LoadInt32x8Slice(v[24:32]).AsInt16x16().DotProductPairs(wi))
	}
	return
}
