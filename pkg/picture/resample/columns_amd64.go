//go:build goexperiment.simd && amd64

package resample

import "simd/archsimd"

// The rows that are resampled together are turned into columns, for the lanes of the
// sums across. Pixels 2m and 2m+1 become one vector for each of their samples. Of RGB
// the red ones are, with the row as the index:
//
//	cols[3m] = r₀[2m] r₀[2m+1], r₁[2m] r₁[2m+1], … r₇[2m] r₇[2m+1]
//
// which times weights a b, a b, … a b and with neighbours added gives a·r[2m] + b·r[2m+1]
// of all eight rows.

// pairsRGB puts four pixels by pairs: r0 r1 g0 g1 b0 b1, r2 r3 g2 g3 b2 b3.
var pairsRGB = [16]int8{0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, -1, -1, -1, -1}

// columnsGray turns rows of one sample a pixel into columns, 16 pixels at a time.
func columnsGray(cols [][16]int16, rows *[8][]uint8) {
	for at := 0; len(cols) >= 8 && at+16 <= len(rows[0]); at += 16 {
		v := (*[8][16]int16)(cols)
		cols = cols[8:]
		a, b := archsimd.LoadUint8x16Slice(rows[0][at:]).AsUint16x8(), archsimd.LoadUint8x16Slice(rows[1][at:]).AsUint16x8()
		c, d := archsimd.LoadUint8x16Slice(rows[2][at:]).AsUint16x8(), archsimd.LoadUint8x16Slice(rows[3][at:]).AsUint16x8()
		e, f := archsimd.LoadUint8x16Slice(rows[4][at:]).AsUint16x8(), archsimd.LoadUint8x16Slice(rows[5][at:]).AsUint16x8()
		g, h := archsimd.LoadUint8x16Slice(rows[6][at:]).AsUint16x8(), archsimd.LoadUint8x16Slice(rows[7][at:]).AsUint16x8()
		a, b, c, d, e, f, g, h = transpose(a, b, c, d, e, f, g, h)
		widen(a).Store(&v[0])
		widen(b).Store(&v[1])
		widen(c).Store(&v[2])
		widen(d).Store(&v[3])
		widen(e).Store(&v[4])
		widen(f).Store(&v[5])
		widen(g).Store(&v[6])
		widen(h).Store(&v[7])
	}
}

// columnsRGB is columnsGray for three samples a pixel, four pixels at a time.
func columnsRGB(cols [][16]int16, rows *[8][]uint8) {
	pairs := archsimd.LoadInt8x16(&pairsRGB)
	for at := 0; len(cols) >= 6 && at+16 <= len(rows[0]); at += 12 {
		v := (*[6][16]int16)(cols)
		cols = cols[6:]
		a, b := archsimd.LoadUint8x16Slice(rows[0][at:]).PermuteOrZero(pairs).AsUint16x8(), archsimd.LoadUint8x16Slice(rows[1][at:]).PermuteOrZero(pairs).AsUint16x8()
		c, d := archsimd.LoadUint8x16Slice(rows[2][at:]).PermuteOrZero(pairs).AsUint16x8(), archsimd.LoadUint8x16Slice(rows[3][at:]).PermuteOrZero(pairs).AsUint16x8()
		e, f := archsimd.LoadUint8x16Slice(rows[4][at:]).PermuteOrZero(pairs).AsUint16x8(), archsimd.LoadUint8x16Slice(rows[5][at:]).PermuteOrZero(pairs).AsUint16x8()
		g, h := archsimd.LoadUint8x16Slice(rows[6][at:]).PermuteOrZero(pairs).AsUint16x8(), archsimd.LoadUint8x16Slice(rows[7][at:]).PermuteOrZero(pairs).AsUint16x8()
		a, b, c, d, e, f, _, _ = transpose(a, b, c, d, e, f, g, h)
		widen(a).Store(&v[0])
		widen(b).Store(&v[1])
		widen(c).Store(&v[2])
		widen(d).Store(&v[3])
		widen(e).Store(&v[4])
		widen(f).Store(&v[5])
	}
}

// widen makes numbers of 16 bits of bytes.
func widen(v archsimd.Uint16x8) archsimd.Int16x16 {
	return v.AsUint8x16().ExtendToUint16().AsInt16x16()
}

// transpose exchanges rows and columns of eight rows of eight numbers.
func transpose(a, b, c, d, e, f, g, h archsimd.Uint16x8) (_, _, _, _, _, _, _, _ archsimd.Uint16x8) {
	// ab0 is a0 b0 a1 b1 a2 b2 a3 b3, ab4 a4 b4 and so on.
	ab0, ab4 := a.InterleaveLo(b).AsUint32x4(), a.InterleaveHi(b).AsUint32x4()
	cd0, cd4 := c.InterleaveLo(d).AsUint32x4(), c.InterleaveHi(d).AsUint32x4()
	ef0, ef4 := e.InterleaveLo(f).AsUint32x4(), e.InterleaveHi(f).AsUint32x4()
	gh0, gh4 := g.InterleaveLo(h).AsUint32x4(), g.InterleaveHi(h).AsUint32x4()
	// ad0 is a0 b0 c0 d0 a1 b1 c1 d1.
	ad0, ad2 := ab0.InterleaveLo(cd0).AsUint64x2(), ab0.InterleaveHi(cd0).AsUint64x2()
	ad4, ad6 := ab4.InterleaveLo(cd4).AsUint64x2(), ab4.InterleaveHi(cd4).AsUint64x2()
	eh0, eh2 := ef0.InterleaveLo(gh0).AsUint64x2(), ef0.InterleaveHi(gh0).AsUint64x2()
	eh4, eh6 := ef4.InterleaveLo(gh4).AsUint64x2(), ef4.InterleaveHi(gh4).AsUint64x2()
	return ad0.InterleaveLo(eh0).AsUint16x8(), ad0.InterleaveHi(eh0).AsUint16x8(),
		ad2.InterleaveLo(eh2).AsUint16x8(), ad2.InterleaveHi(eh2).AsUint16x8(),
		ad4.InterleaveLo(eh4).AsUint16x8(), ad4.InterleaveHi(eh4).AsUint16x8(),
		ad6.InterleaveLo(eh6).AsUint16x8(), ad6.InterleaveHi(eh6).AsUint16x8()
}

// alphaLanes is what the vector code needs to know of a layout with alpha.
type alphaLanes struct {
	alpha  [32]int8  // from samples of 32 bits: the alpha of each
	factor [32]int8  // the same, but 0 for alpha itself; only the low byte
	bytes  [16]uint8 // 255 where the byte is alpha
	opaque [8]int32  // 255 where the sample is alpha: it is to stay as it is
	pairs  [32]int8  // puts eight samples of 16 bits, in each half, by pairs of pixels
}

var (
	colourAlpha = alphaLanes{
		alpha:  twice(12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15),
		factor: twice(12, -1, -1, -1, 12, -1, -1, -1, 12, -1, -1, -1, -1, -1, -1, -1),
		bytes:  [16]uint8{3: 255, 7: 255, 11: 255, 15: 255},
		opaque: [8]int32{0, 0, 0, 255, 0, 0, 0, 255},
		pairs:  twice(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15),
	}
	grayAlpha = alphaLanes{
		alpha:  twice(4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15),
		factor: twice(4, -1, -1, -1, -1, -1, -1, -1, 12, -1, -1, -1, -1, -1, -1, -1),
		bytes:  [16]uint8{1: 255, 3: 255, 5: 255, 7: 255, 9: 255, 11: 255, 13: 255, 15: 255},
		opaque: [8]int32{0, 255, 0, 255, 0, 255, 0, 255},
		pairs:  twice(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15),
	}
)

// twice returns a permutation that is the same in both halves.
func twice(p ...int8) (t [32]int8) {
	copy(t[copy(t[:], p):], p)
	return t
}

// columnsAlpha is columnsGray for rows with alpha, which are premultiplied: 16 samples
// at a time, which are four pixels of colour or eight of gray. Where all are opaque, as
// they are everywhere in many pictures, a product with alpha is one with unit, 2^fLoad.
func columnsAlpha(cols [][16]int16, rows *[8][]uint8, l *alphaLanes, unit *[16]uint16, of255 *[8]float32) {
	pairs, one := archsimd.LoadInt8x32(&l.pairs), archsimd.LoadUint16x16(unit)
	for at := 0; len(cols) >= 8 && at+16 <= len(rows[0]); at += 16 {
		v := (*[8][16]int16)(cols)
		cols = cols[8:]
		of := func(y int) archsimd.Uint8x16 { return archsimd.LoadUint8x16Slice(rows[y][at:]) }
		// Go copies and spills a variable of 128 bits by an instruction of SSE: so there is no
		// loop here, and no constant of 128 bits is kept.
		all := of(0).And(of(1)).And(of(2)).And(of(3)).And(of(4)).And(of(5)).And(of(6)).And(of(7))
		opaque := archsimd.LoadUint8x16(&l.bytes).AndNot(all).IsZero()
		row := func(y int) archsimd.Uint32x8 {
			v := of(y)
			if opaque {
				return v.ExtendToUint16().Mul(one).AsInt8x32().PermuteOrZeroGrouped(pairs).AsUint32x8()
			}
			return premultiply(v, l, of255).AsInt8x32().PermuteOrZeroGrouped(pairs).AsUint32x8()
		}
		// Rows y and y+4 share a vector: samples 0 to 7 are in one, 8 to 15 in another.
		a, b := row(0), row(4)
		lo0, hi0 := a.Select128FromPair(0, 2, b), a.Select128FromPair(1, 3, b)
		a, b = row(1), row(5)
		lo1, hi1 := a.Select128FromPair(0, 2, b), a.Select128FromPair(1, 3, b)
		a, b = row(2), row(6)
		lo2, hi2 := a.Select128FromPair(0, 2, b), a.Select128FromPair(1, 3, b)
		a, b = row(3), row(7)
		lo3, hi3 := a.Select128FromPair(0, 2, b), a.Select128FromPair(1, 3, b)
		store4(v[:4], lo0, lo1, lo2, lo3)
		store4(v[4:], hi0, hi1, hi2, hi3)
	}
}

// store4 stores the columns of four rows, in each half, of four numbers of 32 bits.
func store4(v [][16]int16, a, b, c, d archsimd.Uint32x8) {
	ab0, ab2 := a.InterleaveLoGrouped(b).AsUint64x4(), a.InterleaveHiGrouped(b).AsUint64x4()
	cd0, cd2 := c.InterleaveLoGrouped(d).AsUint64x4(), c.InterleaveHiGrouped(d).AsUint64x4()
	to := (*[4][16]int16)(v)
	ab0.InterleaveLoGrouped(cd0).AsInt16x16().Store(&to[0])
	ab0.InterleaveHiGrouped(cd0).AsInt16x16().Store(&to[1])
	ab2.InterleaveLoGrouped(cd2).AsInt16x16().Store(&to[2])
	ab2.InterleaveHiGrouped(cd2).AsInt16x16().Store(&to[3])
}

// premultiply returns sample × alpha ÷ 255 of 16 samples, with fLoad bits of fraction,
// rounded; of255 is 2^fLoad ÷ 255. float32 rounds as exact arithmetic would: the
// products have up to 22 bits and are exact; no quotient is nearer to a half than 1/510;
// and the errors of the reciprocal and the multiplication are smaller than that as long
// as the result is below 2^14.
func premultiply(src archsimd.Uint8x16, l *alphaLanes, of255 *[8]float32) archsimd.Int16x16 {
	opaque, unit, factor := archsimd.LoadInt32x8(&l.opaque), archsimd.LoadFloat32x8(of255), archsimd.LoadInt8x32(&l.factor)
	// Samples 0 to 3 and 8 to 11, then the others: the order in which the last step packs.
	px := src.AsUint32x4().PermuteScalars(0, 2, 1, 3)
	a := px.AsUint8x16().ExtendLo8ToUint32().AsInt32x8()
	b := px.PermuteScalars(2, 3, 2, 3).AsUint8x16().ExtendLo8ToUint32().AsInt32x8()
	a = a.Mul(a.AsInt8x32().PermuteOrZeroGrouped(factor).AsInt32x8().Or(opaque))
	b = b.Mul(b.AsInt8x32().PermuteOrZeroGrouped(factor).AsInt32x8().Or(opaque))
	a = a.ConvertToFloat32().Mul(unit).RoundToEven().ConvertToInt32()
	b = b.ConvertToFloat32().Mul(unit).RoundToEven().ConvertToInt32()
	return a.SaturateToInt16ConcatGrouped(b)
}
