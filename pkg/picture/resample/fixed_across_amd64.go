//go:build goexperiment.simd && amd64

package resample

import "simd/archsimd"

// The loops across. f.cols has eight rows as columns (columns_amd64.go), and lane r of a
// sum is row r. With two pairs a window, for example, output j of row r is
//
//	cols[first][2r]·w₀[0] + cols[first][2r+1]·w₀[1] + cols[first+1][2r]·w₁[0] + cols[first+1][2r+1]·w₁[1]
//
// where first is that of cell j, and w₀ and w₁ follow each other in the table. Each
// product of a pair and its sum is one lane of one VPMADDWD.

// gray resamples one sample a pixel, four pixels at a time.
func (f *vector) gray(dst *[4][]int32) {
	half, count := archsimd.LoadInt32x8(&f.acrossRound.half), archsimd.LoadInt32x8(&f.acrossRound.count)
	cols, table, n := f.cols, f.px.table, f.px.n
	at := 0
	if n == 5 { // nine taps, or eight
		for c := f.px.cells; len(c) >= 4; c = c[4:] {
			s0 := dot5(cols[c[0].first:], table[c[0].off:])
			s1 := dot5(cols[c[1].first:], table[c[1].off:])
			s2 := dot5(cols[c[2].first:], table[c[2].off:])
			s3 := dot5(cols[c[3].first:], table[c[3].off:])
			toRing(dst, at, s0, s1, s2, s3, half, count)
			at += 4
		}
		return
	}
	for c := f.px.cells; len(c) >= 4; c = c[4:] {
		s0 := dot(cols[c[0].first:][:n], table[c[0].off:][:n])
		s1 := dot(cols[c[1].first:][:n], table[c[1].off:][:n])
		s2 := dot(cols[c[2].first:][:n], table[c[2].off:][:n])
		s3 := dot(cols[c[3].first:][:n], table[c[3].off:][:n])
		toRing(dst, at, s0, s1, s2, s3, half, count)
		at += 4
	}
}

// dot returns the weighted sums of a window, of one sample a pixel, of eight rows.
func dot(v, w [][16]int16) (s archsimd.Int32x8) {
	for len(v) >= 2 && len(w) >= 2 {
		a := archsimd.LoadInt16x16(&v[0]).DotProductPairs(archsimd.LoadInt16x16(&w[0]))
		b := archsimd.LoadInt16x16(&v[1]).DotProductPairs(archsimd.LoadInt16x16(&w[1]))
		s = s.Add(a.Add(b))
		v, w = v[2:], w[2:]
	}
	if len(v) > 0 && len(w) > 0 {
		s = s.Add(archsimd.LoadInt16x16(&v[0]).DotProductPairs(archsimd.LoadInt16x16(&w[0])))
	}
	return s
}

// dot5 is dot for five pairs, which Lanczos3 has at 2/3: the step from 3/8 to 1/4 and
// from 6/8 to 1/2 of a JPEG.
func dot5(v, w [][16]int16) archsimd.Int32x8 {
	a, b := (*[5][16]int16)(v), (*[5][16]int16)(w)
	return archsimd.LoadInt16x16(&a[0]).DotProductPairs(archsimd.LoadInt16x16(&b[0])).
		Add(archsimd.LoadInt16x16(&a[1]).DotProductPairs(archsimd.LoadInt16x16(&b[1]))).
		Add(archsimd.LoadInt16x16(&a[2]).DotProductPairs(archsimd.LoadInt16x16(&b[2]))).
		Add(archsimd.LoadInt16x16(&a[3]).DotProductPairs(archsimd.LoadInt16x16(&b[3]))).
		Add(archsimd.LoadInt16x16(&a[4]).DotProductPairs(archsimd.LoadInt16x16(&b[4])))
}

// grayA is gray for two samples a pixel, two pixels at a time.
func (f *vector) grayA(dst *[4][]int32) {
	half, count := archsimd.LoadInt32x8(&f.acrossRound.half), archsimd.LoadInt32x8(&f.acrossRound.count)
	at := 0
	for c := f.px.cells; len(c) >= 2; c = c[2:] {
		s0, s1 := dot2(f.cols[2*c[0].first:], f.px.table[c[0].off:][:f.px.n])
		s2, s3 := dot2(f.cols[2*c[1].first:], f.px.table[c[1].off:][:f.px.n])
		toRing(dst, at, s0, s1, s2, s3, half, count)
		at += 4
	}
}

// dot2 is dot for two samples a pixel.
func dot2(v, w [][16]int16) (s0, s1 archsimd.Int32x8) {
	for i := 0; i < len(w) && len(v) >= 2; i++ {
		wi := archsimd.LoadInt16x16(&w[i])
		s0 = s0.Add(archsimd.LoadInt16x16(&v[0]).DotProductPairs(wi))
		s1 = s1.Add(archsimd.LoadInt16x16(&v[1]).DotProductPairs(wi))
		v = v[2:]
	}
	return s0, s1
}

// rgb resamples three samples a pixel. It stores a fourth one, which the next pixel
// overwrites.
func (f *vector) rgb(dst *[4][]int32) {
	half, count := archsimd.LoadInt32x8(&f.acrossRound.half), archsimd.LoadInt32x8(&f.acrossRound.count)
	at := 0
	for _, c := range f.px.cells {
		var s0, s1, s2 archsimd.Int32x8
		w := f.px.table[c.off:][:f.px.n]
		v := f.cols[3*c.first:]
		for i := 0; i < len(w) && len(v) >= 3; i++ {
			wi := archsimd.LoadInt16x16(&w[i])
			s0 = s0.Add(archsimd.LoadInt16x16(&v[0]).DotProductPairs(wi))
			s1 = s1.Add(archsimd.LoadInt16x16(&v[1]).DotProductPairs(wi))
			s2 = s2.Add(archsimd.LoadInt16x16(&v[2]).DotProductPairs(wi))
			v = v[3:]
		}
		toRing(dst, at, s0, s1, s2, s2, half, count)
		at += 3
	}
}

// rgba resamples four samples a pixel.
func (f *vector) rgba(dst *[4][]int32) {
	half, count := archsimd.LoadInt32x8(&f.acrossRound.half), archsimd.LoadInt32x8(&f.acrossRound.count)
	at := 0
	for _, c := range f.px.cells {
		var s0, s1, s2, s3 archsimd.Int32x8
		w := f.px.table[c.off:][:f.px.n]
		v := f.cols[4*c.first:]
		for i := 0; i < len(w) && len(v) >= 4; i++ {
			wi := archsimd.LoadInt16x16(&w[i])
			s0 = s0.Add(archsimd.LoadInt16x16(&v[0]).DotProductPairs(wi))
			s1 = s1.Add(archsimd.LoadInt16x16(&v[1]).DotProductPairs(wi))
			s2 = s2.Add(archsimd.LoadInt16x16(&v[2]).DotProductPairs(wi))
			s3 = s3.Add(archsimd.LoadInt16x16(&v[3]).DotProductPairs(wi))
			v = v[4:]
		}
		toRing(dst, at, s0, s1, s2, s3, half, count)
		at += 4
	}
}

// toRing rounds the sums of samples at to at+3 of eight rows to the fraction bits of
// the ring, and stores each two rows as words.
func toRing(dst *[4][]int32, at int, s0, s1, s2, s3, half, count archsimd.Int32x8) {
	// In each half of a: two words of sample 0, two words of sample 1. The lower halves
	// have rows 0 1 and 2 3, the upper ones 4 5 and 6 7.
	a := s0.Add(half).ShiftRight(count).SaturateToInt16ConcatGrouped(s1.Add(half).ShiftRight(count)).AsInt32x8()
	b := s2.Add(half).ShiftRight(count).SaturateToInt16ConcatGrouped(s3.Add(half).ShiftRight(count)).AsInt32x8()
	first, second := a.SelectFromPairGrouped(0, 2, 4, 6, b), a.SelectFromPairGrouped(1, 3, 5, 7, b)
	first.GetLo().StoreSlice(dst[0][at:])
	second.GetLo().StoreSlice(dst[1][at:])
	first.GetHi().StoreSlice(dst[2][at:])
	second.GetHi().StoreSlice(dst[3][at:])
}
