//go:build goexperiment.simd && amd64

package resample

import "simd/archsimd"

// toRing rounds sums to the fraction bits of the ring and returns words of it. The lower
// half of s has four sums of the even row, the upper half those of the odd one.
func toRing(s, half, count archsimd.Int32x8, low archsimd.Int32x4) archsimd.Int32x4 {
	s = s.Add(half).ShiftRight(count)
	return s.GetLo().And(low).Or(s.GetHi().ShiftAllLeft(16))
}

// Constants of the vector code; see rounding.
var (
	lowHalf = [4]int32{0xffff, 0xffff, 0xffff, 0xffff}
	// splitRows takes two interleaved rows apart.
	splitRows = [16]int8{0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15}
	// pairsRGB puts four pixels by pairs: r0 r1 g0 g1 b0 b1 - -, r2 r3 …
	pairsRGB = [16]int8{0, 3, 1, 4, 2, 5, -1, -1, 6, 9, 7, 10, 8, 11, -1, -1}
	// pairsRGBA puts two pixels in each half by pairs: r0 r1 g0 g1 b0 b1 a0 a1.
	pairsRGBA = [32]int8{
		0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15,
		0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15}
)

// gray resamples one sample a pixel, four pixels at a time. src has two rows,
// interleaved by samples; dst gets words of the ring.
func (f *vector) gray(dst []int32, src []uint8) {
	half, count := archsimd.LoadInt32x8(&f.acrossRound.half), archsimd.LoadInt32x8(&f.acrossRound.count)
	mask := archsimd.LoadInt32x4(&lowHalf)
	for cells := f.cells; len(cells) >= 4; cells = cells[4:] {
		s0, s1 := f.grayCell(cells[0], src), f.grayCell(cells[1], src)
		s2, s3 := f.grayCell(cells[2], src), f.grayCell(cells[3], src)
		s := s0.AddPairsGrouped(s1).AddPairsGrouped(s2.AddPairsGrouped(s3))
		toRing(s, half, count, mask).StoreSlice(dst)
		dst = dst[4:]
	}
}

// grayCell returns the partial sums of one output of both rows, four in each half.
func (f *vector) grayCell(sp span, src []uint8) archsimd.Int32x8 {
	apart := archsimd.LoadInt8x16(&splitRows)
	var high, low archsimd.Int32x8
	w := f.table[sp.off:][:f.steps]
	v := src[2*sp.start:][:16*f.steps]
	for k := range w {
		px := archsimd.LoadUint8x16Slice(v[16*k : 16*k+16]).PermuteOrZero(apart).ExtendToUint16().AsInt16x16()
		high = high.Add(px.DotProductPairs(archsimd.LoadInt16x16(&w[k].high)))
		low = low.Add(px.DotProductPairs(archsimd.LoadInt16x16(&w[k].low)))
	}
	return low.Add(high.ShiftAllLeft(parted))
}

// rgb resamples three samples a pixel. It stores a fourth word, which the next pixel
// overwrites.
func (f *vector) rgb(dst []int32, lo, hi []uint8) {
	half, count := archsimd.LoadInt32x8(&f.acrossRound.half), archsimd.LoadInt32x8(&f.acrossRound.count)
	mask, pairs := archsimd.LoadInt32x4(&lowHalf), archsimd.LoadInt8x16(&pairsRGB)
	for _, sp := range f.cells[:f.width/3] {
		var lHigh, lLow, hHigh, hLow archsimd.Int32x8
		w := f.table[sp.off:][:f.steps]
		l, h := lo[sp.start:], hi[sp.start:]
		for k := range w {
			high, low := archsimd.LoadInt16x16(&w[k].high), archsimd.LoadInt16x16(&w[k].low)
			p := archsimd.LoadUint8x16Slice(l[12*k : 12*k+16]).PermuteOrZero(pairs).ExtendToUint16().AsInt16x16()
			q := archsimd.LoadUint8x16Slice(h[12*k : 12*k+16]).PermuteOrZero(pairs).ExtendToUint16().AsInt16x16()
			lHigh, lLow = lHigh.Add(p.DotProductPairs(high)), lLow.Add(p.DotProductPairs(low))
			hHigh, hLow = hHigh.Add(q.DotProductPairs(high)), hLow.Add(q.DotProductPairs(low))
		}
		a, b := lLow.Add(lHigh.ShiftAllLeft(parted)), hLow.Add(hHigh.ShiftAllLeft(parted))
		s := a.Select128FromPair(0, 2, b).Add(a.Select128FromPair(1, 3, b))
		toRing(s, half, count, mask).StoreSlice(dst)
		dst = dst[3:]
	}
}

// rgba resamples four samples a pixel, premultiplied.
func (f *vector) rgba(dst []int32, lo, hi []int16) {
	half, count := archsimd.LoadInt32x8(&f.acrossRound.half), archsimd.LoadInt32x8(&f.acrossRound.count)
	mask, pairs := archsimd.LoadInt32x4(&lowHalf), archsimd.LoadInt8x32(&pairsRGBA)
	for _, sp := range f.cells[:f.width/4] {
		var lHigh, lLow, hHigh, hLow archsimd.Int32x8
		w := f.table[sp.off:][:f.steps]
		l, h := lo[sp.start:], hi[sp.start:]
		for k := range w {
			high, low := archsimd.LoadInt16x16(&w[k].high), archsimd.LoadInt16x16(&w[k].low)
			p := archsimd.LoadInt16x16Slice(l[16*k : 16*k+16]).AsInt8x32().PermuteOrZeroGrouped(pairs).AsInt16x16()
			q := archsimd.LoadInt16x16Slice(h[16*k : 16*k+16]).AsInt8x32().PermuteOrZeroGrouped(pairs).AsInt16x16()
			lHigh, lLow = lHigh.Add(p.DotProductPairs(high)), lLow.Add(p.DotProductPairs(low))
			hHigh, hLow = hHigh.Add(q.DotProductPairs(high)), hLow.Add(q.DotProductPairs(low))
		}
		a, b := lLow.Add(lHigh.ShiftAllLeft(parted)), hLow.Add(hHigh.ShiftAllLeft(parted))
		s := a.Select128FromPair(0, 2, b).Add(a.Select128FromPair(1, 3, b))
		toRing(s, half, count, mask).StoreSlice(dst)
		dst = dst[4:]
	}
}
