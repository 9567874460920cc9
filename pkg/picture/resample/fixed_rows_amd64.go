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
	quarters  = [8]uint32{0, 4, 1, 5, 2, 6, 3, 7}
	full255   = [8]float32{255, 255, 255, 255, 255, 255, 255, 255}
	halfFloat = [8]float32{0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5}
)

// sum computes the sums of the window and stores them as samples in dst.
func (f *vector) sum(dst []uint8, w [][16]int16) {
	round, count := archsimd.LoadInt32x8(&f.downRound.half), archsimd.LoadInt32x8(&f.downRound.count)
	for at := 0; at < len(dst); at += stride {
		s0, s1, s2, s3 := f.sum32(at, w, round)
		f.bytes(dst, at, s0.ShiftRight(count), s1.ShiftRight(count), s2.ShiftRight(count), s3.ShiftRight(count))
	}
}

// sumAlpha is sum for premultiplied colour, which it divides by alpha.
func (f *vector) sumAlpha(dst []uint8, w [][16]int16) {
	var none archsimd.Int32x8
	for at := 0; at < len(dst); at += stride {
		s0, s1, s2, s3 := f.sum32(at, w, none)
		f.bytes(dst, at, f.straight(s0), f.straight(s1), f.straight(s2), f.straight(s3))
	}
}

// straight returns samples of sums: it does what storeRGBA does. The alpha of each is
// copied beside it, so that all lanes divide, and those of alpha are replaced.
func (f *vector) straight(s archsimd.Int32x8) archsimd.Int32x8 {
	half, count := archsimd.LoadInt32x8(&f.downRound.half), archsimd.LoadInt32x8(&f.downRound.count)
	full, up, most := archsimd.LoadFloat32x8(&full255), archsimd.LoadFloat32x8(&halfFloat), archsimd.LoadInt32x8(&f.opaque)
	alpha, alpha255 := archsimd.LoadInt8x32(&f.lanes.alpha), archsimd.LoadInt32x8(&f.lanes.opaque)
	var none archsimd.Int32x8
	a := s.AsInt8x32().PermuteOrZeroGrouped(alpha).AsInt32x8()
	a8 := a.Add(half).ShiftRight(count)
	a = a.Min(most)
	inv := full.Div(a.ConvertToFloat32())
	v := s.Min(a).Max(none).ConvertToFloat32().Mul(inv).Add(up).ConvertToInt32()
	return a8.Merge(v, alpha255.Greater(none)).Masked(a8.Greater(none))
}

// bytes stores 32 samples from dst[at] on, clamped to 8 bits.
func (f *vector) bytes(dst []uint8, at int, s0, s1, s2, s3 archsimd.Int32x8) {
	top, apart, order := archsimd.LoadUint16x16(&largest8), archsimd.LoadInt8x32(&splitBytes), archsimd.LoadUint32x8(&quarters)
	// Packing works within 128-bit halves: 0 1 | 0 1 and 2 3 | 2 3.
	a := s0.SaturateToUint16ConcatGrouped(s1).Min(top)
	b := s2.SaturateToUint16ConcatGrouped(s3).Min(top)
	v := a.Or(b.ShiftAllLeft(8)).AsUint8x32().PermuteOrZeroGrouped(apart).AsUint32x8().Permute(order).AsUint8x32()
	if at+stride <= len(dst) {
		v.StoreSlice(dst[at:])
	} else {
		v.Store(&f.tail)
		copy(dst[at:], f.tail[:])
	}
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
