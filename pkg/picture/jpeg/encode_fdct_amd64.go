//go:build goexperiment.simd && amd64

package jpeg

import "simd/archsimd"

// fdct transforms 8 rows of 8 samples, rows stride apart (at least 8), into z.
func fdct(z *coefs, pix []uint8, stride int) {
	if avx2 {
		fdctVector(z, pix, stride)
	} else {
		fdctWords(z, pix, stride)
	}
}

// fdctVector is fdctWords with 16 lanes of 16 bits: a vector holds two samples or
// coefficients, p0 and p1 say, of the eight rows in the first pass, of the eight columns
// in the second. We write [p0 p1] for it.
//
// Sums need no more than 16 bits with the level shift, which only the first coefficient
// of a row notices: samples are at most 128 then, sums of eight 1024, with passBits
// fraction bits 4096, and sums of eight of those 32768; only −32768 is reached. The other
// coefficients of a row are at most 0.93 of the first.
func fdctVector(z *coefs, pix []uint8, stride int) {
	// A row has 8 samples and a vector 16. The first two rows are loaded with the 8 samples
	// behind them, the others with the 8 samples before them, so that nothing is read behind
	// the last row. (To set a vector from a number is slow: see package resample, rounding.)
	at := func(i int) archsimd.Uint64x2 { return archsimd.LoadUint8x16Slice(pix[i : i+16]).AsUint64x2() }
	turn := archsimd.LoadInt8x16(&twoRows)
	r01 := at(0).InterleaveLo(at(stride)).AsUint8x16().PermuteOrZero(turn).AsUint16x8()
	r23 := at(2*stride - 8).InterleaveHi(at(3*stride - 8)).AsUint8x16().PermuteOrZero(turn).AsUint16x8()
	r45 := at(4*stride - 8).InterleaveHi(at(5*stride - 8)).AsUint8x16().PermuteOrZero(turn).AsUint16x8()
	r67 := at(6*stride - 8).InterleaveHi(at(7*stride - 8)).AsUint8x16().PermuteOrZero(turn).AsUint16x8()
	// a has columns 0 to 3 of rows 0 to 3, b of rows 4 to 7; c and d columns 4 to 7.
	a, c := r01.InterleaveLo(r23).AsUint32x4(), r01.InterleaveHi(r23).AsUint32x4()
	b, d := r45.InterleaveLo(r67).AsUint32x4(), r45.InterleaveHi(r67).AsUint32x4()
	v04, lo15, hi15, lo26, hi26, lo37, hi37 := fdctPass(
		widen(a.InterleaveLo(b)), widen(a.InterleaveHi(b)), widen(c.InterleaveLo(d)), widen(c.InterleaveHi(d)))

	const s = constBits - passBits
	half := load(&lanesRows)
	v04 = v04.Sub(archsimd.LoadInt16x16(&levelShift)).ShiftAllLeft(passBits)
	v15 := lo15.Add(half).ShiftAllRight(s).SaturateToInt16ConcatGrouped(hi15.Add(half).ShiftAllRight(s))
	v26 := lo26.Add(half).ShiftAllRight(s).SaturateToInt16ConcatGrouped(hi26.Add(half).ShiftAllRight(s))
	v37 := lo37.Add(half).ShiftAllRight(s).SaturateToInt16ConcatGrouped(hi37.Add(half).ShiftAllRight(s))

	// From columns to rows. First [c0c1 of rows 0 to 3, c4c5 of rows 0 to 3] and so on, then
	// [c0c1c2c3 of rows 0 and 1, c4c5c6c7 of them]; order puts the four quarters by rows.
	order := archsimd.LoadUint32x8(&halvesOrder)
	c01, c01b := v04.InterleaveLoGrouped(v15).AsUint32x8(), v04.InterleaveHiGrouped(v15).AsUint32x8()
	c23, c23b := v26.InterleaveLoGrouped(v37).AsUint32x8(), v26.InterleaveHiGrouped(v37).AsUint32x8()
	v04, lo15, hi15, lo26, hi26, lo37, hi37 = fdctPass(
		c01.InterleaveLoGrouped(c23).Permute(order).AsInt16x16(), c01.InterleaveHiGrouped(c23).Permute(order).AsInt16x16(),
		c01b.InterleaveLoGrouped(c23b).Permute(order).AsInt16x16(), c01b.InterleaveHiGrouped(c23b).Permute(order).AsInt16x16())

	const t = constBits + passBits
	half = load(&lanesColumns)
	bias := archsimd.LoadInt16x16(&lanesBias)
	v04 = v04.Add(archsimd.LoadInt16x16(&lanesFifth)).ShiftAllRight(passBits).Add(bias)
	v15 = lo15.Add(half).ShiftAllRight(t).SaturateToInt16ConcatGrouped(hi15.Add(half).ShiftAllRight(t)).Add(bias)
	v26 = lo26.Add(half).ShiftAllRight(t).SaturateToInt16ConcatGrouped(hi26.Add(half).ShiftAllRight(t)).Add(bias)
	v37 = lo37.Add(half).ShiftAllRight(t).SaturateToInt16ConcatGrouped(hi37.Add(half).ShiftAllRight(t)).Add(bias)
	z.rows(0, v04)
	z.rows(1, v15)
	z.rows(2, v26)
	z.rows(3, v37)
	archsimd.ClearAVXUpperBits()
}

// widen makes numbers of 16 bits of bytes.
func widen(v archsimd.Uint32x4) archsimd.Int16x16 {
	return v.AsUint8x16().ExtendToUint16().AsInt16x16()
}

// rows stores rows v and v+4.
func (z *coefs) rows(v int, c archsimd.Int16x16) {
	c.GetLo().AsInt8x16().AsUint8x16().StoreSlice(z[16*v : 16*v+16])
	c.GetHi().AsInt8x16().AsUint8x16().StoreSlice(z[16*v+64 : 16*v+80])
}

// fdctPass is one pass of the forward DCT of [p0 p1], [p2 p3], [p4 p5] and [p6 p7]. c04
// is [c0 c4], an integer; the others, [c1 c5] and so on, have constBits bits of fraction
// and 32 bits: lo holds rows 0 to 3 of both, hi rows 4 to 7.
//
// Each is a sum of products of the differences d0 = p0 − p7 to d3 or, for c2 and c6, of
// e2 and e3, as fdctWords has them with its factors multiplied out; VPMADDWD computes two
// products and their sum.
func fdctPass(p01, p23, p45, p67 archsimd.Int16x16) (c04 archsimd.Int16x16, lo15, hi15, lo26, hi26, lo37, hi37 archsimd.Int32x8) {
	p76, p54 := p67.Select128FromPair(1, 0, p67), p45.Select128FromPair(1, 0, p45)
	s01, d01 := p01.Add(p76), p01.Sub(p76)
	s23, d23 := p23.Add(p54), p23.Sub(p54)
	s32 := s23.Select128FromPair(1, 0, s23)
	e01, e32 := s01.Add(s32), s01.Sub(s32)
	c04 = e01.CopySign(archsimd.LoadInt16x16(&plusMinus)).Add(e01.Select128FromPair(1, 0, e01))

	e23 := e32.Select128FromPair(1, 0, e32)
	k26 := archsimd.LoadInt16x16(&factors26)
	lo26 = e32.InterleaveLoGrouped(e23).DotProductPairs(k26)
	hi26 = e32.InterleaveHiGrouped(e23).DotProductPairs(k26)

	d10, d32 := d01.Select128FromPair(1, 0, d01), d23.Select128FromPair(1, 0, d23)
	alo, ahi := d01.InterleaveLoGrouped(d10), d01.InterleaveHiGrouped(d10) // d0 d1 …, d1 d0 …
	blo, bhi := d23.InterleaveLoGrouped(d32), d23.InterleaveHiGrouped(d32) // d2 d3 …, d3 d2 …
	ka, kb := archsimd.LoadInt16x16(&factors15[0]), archsimd.LoadInt16x16(&factors15[1])
	lo15 = alo.DotProductPairs(ka).Add(blo.DotProductPairs(kb))
	hi15 = ahi.DotProductPairs(ka).Add(bhi.DotProductPairs(kb))
	ka, kb = archsimd.LoadInt16x16(&factors37[0]), archsimd.LoadInt16x16(&factors37[1])
	lo37 = alo.DotProductPairs(ka).Add(blo.DotProductPairs(kb))
	hi37 = ahi.DotProductPairs(ka).Add(bhi.DotProductPairs(kb))
	return
}

// halves returns a b a b … in the lower half and c d c d … in the upper.
func halves(a, b, c, d int16) (l [16]int16) {
	for i := 0; i < 8; i += 2 {
		l[i], l[i+1], l[i+8], l[i+9] = a, b, c, d
	}
	return
}

var (
	// twoRows interleaves two rows of eight bytes.
	twoRows = [16]int8{0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15}
	// halvesOrder exchanges the second and the third quarter of a vector.
	halvesOrder = [8]uint32{0, 1, 4, 5, 2, 3, 6, 7}
	plusMinus   = halves(1, 1, -1, -1)
	levelShift  = halves(8*128, 8*128, 0, 0)

	lanesRows    = lanes(1 << (constBits - passBits - 1))
	lanesColumns = lanes(1 << (constBits + passBits - 1))
	lanesFifth   = halves(1<<(passBits-1), 1<<(passBits-1), 1<<(passBits-1), 1<<(passBits-1))
	lanesBias    = halves(coefBias, coefBias, coefBias, coefBias)

	factors26 = halves(fix0_541196100+fix0_765366865, fix0_541196100, fix0_541196100-fix1_847759065, fix0_541196100)
	factors15 = [2][16]int16{
		halves(fix1_501321110-fix0_899976223+fix1_175875602-fix0_390180644, fix1_175875602, // c1: d0, d1
			fix1_175875602-fix2_562915447, fix1_175875602-fix0_390180644), // c5: d1, d0
		halves(fix1_175875602-fix0_390180644, fix1_175875602-fix0_899976223, // c1: d2, d3
			fix1_175875602, fix2_053119869-fix2_562915447+fix1_175875602-fix0_390180644), // c5: d3, d2
	}
	factors37 = [2][16]int16{
		halves(fix1_175875602, fix3_072711026-fix2_562915447+fix1_175875602-fix1_961570560, // c3: d0, d1
			fix1_175875602-fix1_961570560, fix1_175875602-fix0_899976223), // c7: d1, d0
		halves(fix1_175875602-fix2_562915447, fix1_175875602-fix1_961570560, // c3: d2, d3
			fix0_298631336-fix0_899976223+fix1_175875602-fix1_961570560, fix1_175875602), // c7: d3, d2
	}
)
