//go:build goexperiment.simd && amd64

package resample

import "simd/archsimd"

// toRing rounds sums to the fraction bits of the ring and returns words of it. The lower
// half of s has four sums of the even row, the upper half those of the odd one.
func toRing(s, half archsimd.Int32x8, shift uint64) archsimd.Int32x4 {
	s = s.Add(half).ShiftAllRight(shift)
	return s.GetLo().And(archsimd.BroadcastInt32x4(0xffff)).Or(s.GetHi().ShiftAllLeft(16))
}

// gray resamples one sample a pixel, four pixels at a time. src has two rows,
// interleaved by samples; dst gets words of the ring.
func (f *vector) gray(dst []int32, src []uint8, shift uint64) {
	half := archsimd.BroadcastInt32x8(1 << shift >> 1)
	apart := archsimd.LoadInt8x16(&[16]int8{0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15})
	var sums [4]archsimd.Int32x8
	for cells := f.cells; len(cells) >= 4; cells = cells[4:] {
		for i, sp := range cells[:4] {
			var high, low archsimd.Int32x8
			w := f.table[sp.off:][:f.steps]
			v := src[2*sp.start:][:16*f.steps]
			for k := range w {
				px := archsimd.LoadUint8x16Slice(v[16*k : 16*k+16]).PermuteOrZero(apart).ExtendToUint16().AsInt16x16()
				high = high.Add(px.DotProductPairs(archsimd.LoadInt16x16(&w[k].high)))
				low = low.Add(px.DotProductPairs(archsimd.LoadInt16x16(&w[k].low)))
			}
			sums[i] = low.Add(high.ShiftAllLeft(parted))
		}
		s := sums[0].AddPairsGrouped(sums[1]).AddPairsGrouped(sums[2].AddPairsGrouped(sums[3]))
		toRing(s, half, shift).StoreSlice(dst)
		dst = dst[4:]
	}
}

// rgb resamples three samples a pixel. It stores a fourth word, which the next pixel
// overwrites.
func (f *vector) rgb(dst []int32, lo, hi []uint8, shift uint64) {
	half := archsimd.BroadcastInt32x8(1 << shift >> 1)
	// Four pixels, by pairs: r0 r1 g0 g1 b0 b1 - -, r2 r3 …
	pairs := archsimd.LoadInt8x16(&[16]int8{0, 3, 1, 4, 2, 5, -1, -1, 6, 9, 7, 10, 8, 11, -1, -1})
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
		toRing(s, half, shift).StoreSlice(dst)
		dst = dst[3:]
	}
}

// rgba resamples four samples a pixel, premultiplied.
func (f *vector) rgba(dst []int32, lo, hi []int16, shift uint64) {
	half := archsimd.BroadcastInt32x8(1 << shift >> 1)
	// Of two pixels in each half, r0 r1 g0 g1 b0 b1 a0 a1.
	pairs := archsimd.LoadInt8x32(&[32]int8{
		0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15,
		0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15})
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
		toRing(s, half, shift).StoreSlice(dst)
		dst = dst[4:]
	}
}
