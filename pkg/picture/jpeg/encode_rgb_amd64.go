//go:build goexperiment.simd && amd64

package jpeg

import "simd/archsimd"

var (
	// twoByTwo puts the first four pixels of each half by pairs, R, G, B and B again.
	twoByTwo = [32]int8{
		0, 3, 1, 4, 2, 5, 2, 5, 6, 9, 7, 10, 8, 11, 8, 11,
		0, 3, 1, 4, 2, 5, 2, 5, 6, 9, 7, 10, 8, 11, 8, 11}
	addBoth = [32]int8{
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
	// The factors of toChroma: 32768 is no int16, so that B counts twice with half of it
	// for Cb, and Cr has its sign changed.
	cbFactors = [16]int16{-11059, -21709, 16384, 16384, -11059, -21709, 16384, 16384, -11059, -21709, 16384, 16384, -11059, -21709, 16384, 16384}
	crFactors = [16]int16{-32768, 27439, 5329, 0, -32768, 27439, 5329, 0, -32768, 27439, 5329, 0, -32768, 27439, 5329, 0}

	lanesChroma = lanes(chromaRound)
	evenBytes   = [32]int8{
		0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15,
		0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15}
)

// pairSums returns the sums of pixels 0 and 1 and of pixels 2 and 3 from rgb[i:] and
// from rgb[i+48:], in the halves: R, G, B and B again.
func pairSums(rgb []uint8, i int, by archsimd.Int8x32, ones archsimd.Int8x32) archsimd.Int16x16 {
	var v archsimd.Uint8x32
	v = v.SetLo(archsimd.LoadUint8x16Slice(rgb[i : i+16])).SetHi(archsimd.LoadUint8x16Slice(rgb[i+48 : i+64]))
	return v.PermuteOrZeroGrouped(by).DotProductPairsSaturated(ones)
}

// pairsBlocks is pairs of as many pixels of an even line as fit blocks of 32, and
// returns how many sums that were. The sums are kept as the next line wants them.
func pairsBlocks(sum [][16]int16, rgb []uint8) (n int) {
	if !avx2 {
		return 0
	}
	by, ones := archsimd.LoadInt8x32(&twoByTwo), archsimd.LoadInt8x32(&addBoth)
	for ; len(rgb) >= 100 && len(sum) >= 4; rgb, sum = rgb[96:], sum[4:] {
		s, p := (*[4][16]int16)(sum), rgb[:100]
		pairSums(p, 0, by, ones).Store(&s[0])
		pairSums(p, 12, by, ones).Store(&s[1])
		pairSums(p, 24, by, ones).Store(&s[2])
		pairSums(p, 36, by, ones).Store(&s[3])
		n += 16
	}
	archsimd.ClearAVXUpperBits()
	return n
}

// chromaBlocks adds to the sums of pairsBlocks those of the odd line, and makes Cb and Cr
// of them, 16 samples at a time. The halves of its vectors are eight samples apart, so
// that adding neighbours and packing, which work within halves, leave samples in order.
func chromaBlocks(cb, cr []uint8, sum [][16]int16, rgb []uint8) (n int) {
	if !avx2 {
		return 0
	}
	by, ones := archsimd.LoadInt8x32(&twoByTwo), archsimd.LoadInt8x32(&addBoth)
	b, r := archsimd.LoadInt16x16(&cbFactors), archsimd.LoadInt16x16(&crFactors)
	round, even, order := load(&lanesChroma), archsimd.LoadInt8x32(&evenBytes), archsimd.LoadUint32x8(&halvesOrder)
	for ; len(rgb) >= 100 && len(sum) >= 4 && len(cb) >= 16 && len(cr) >= 16; rgb, sum = rgb[96:], sum[4:] {
		s, p := (*[4][16]int16)(sum), rgb[:100]
		v0 := pairSums(p, 0, by, ones).Add(archsimd.LoadInt16x16(&s[0]))
		v1 := pairSums(p, 12, by, ones).Add(archsimd.LoadInt16x16(&s[1]))
		b0 := round.Add(v0.DotProductPairs(b).AddPairsGrouped(v1.DotProductPairs(b))).ShiftAllRight(chromaShift)
		r0 := round.Sub(v0.DotProductPairs(r).AddPairsGrouped(v1.DotProductPairs(r))).ShiftAllRight(chromaShift)
		v0 = pairSums(p, 24, by, ones).Add(archsimd.LoadInt16x16(&s[2]))
		v1 = pairSums(p, 36, by, ones).Add(archsimd.LoadInt16x16(&s[3]))
		b1 := round.Add(v0.DotProductPairs(b).AddPairsGrouped(v1.DotProductPairs(b))).ShiftAllRight(chromaShift)
		r1 := round.Sub(v0.DotProductPairs(r).AddPairsGrouped(v1.DotProductPairs(r))).ShiftAllRight(chromaShift)
		both := b0.SaturateToUint16ConcatGrouped(b1).Or(r0.SaturateToUint16ConcatGrouped(r1).ShiftAllLeft(8))
		v := both.AsUint8x32().PermuteOrZeroGrouped(even).AsUint32x8().Permute(order).AsUint8x32()
		v.GetLo().StoreSlice(cb)
		v.GetHi().StoreSlice(cr)
		cb, cr = cb[16:], cr[16:]
		n += 16
	}
	archsimd.ClearAVXUpperBits()
	return n
}
