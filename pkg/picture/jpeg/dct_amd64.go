//go:build goexperiment.simd && amd64

package jpeg

import "simd/archsimd"

var avx2 = archsimd.X86.AVX2()

// fdct transforms 8 rows of 8 samples, rows stride apart (at least 8), into z.
func fdct(z *coefs, pix []uint8, stride int) {
	if avx2 {
		fdctVector(z, pix, stride)
	} else {
		fdctWords(z, pix, stride)
	}
}

// idct writes the inverse DCT of the n × n lowest coefficients of b to n rows of n
// samples, rows stride apart. It overwrites b.
func idct(n int, b *block, dst []uint8, stride int) {
	switch {
	case !avx2 || n < 3:
		idctScalar(n, b, dst, stride)
	case n <= 4:
		idct4Vector(n, b, dst, stride)
	default:
		idct8Vector(n, b, dst, stride)
	}
}

// lanes returns a vector's eight lanes (its elements) with the same number in each.
// Kept in a variable, it costs one load; a constant would be broadcast at each use.
func lanes(v int32) [8]int32 { return [8]int32{v, v, v, v, v, v, v, v} }

func load(l *[8]int32) archsimd.Int32x8 { return archsimd.LoadInt32x8(l) }

var (
	lanes0298 = lanes(fix0_298631336)
	lanes0390 = lanes(-fix0_390180644)
	lanes0541 = lanes(fix0_541196100)
	lanes0765 = lanes(fix0_765366865)
	lanes0899 = lanes(-fix0_899976223)
	lanes1175 = lanes(fix1_175875602)
	lanes1501 = lanes(fix1_501321110)
	lanes1847 = lanes(-fix1_847759065)
	lanes1961 = lanes(-fix1_961570560)
	lanes2053 = lanes(fix2_053119869)
	lanes2562 = lanes(-fix2_562915447)
	lanes3072 = lanes(fix3_072711026)

	lanesByte = lanes(255)
)

// fdctVector is fdctWords with eight lanes of 32 bits: one for each row in the first
// pass, for each column in the second.
func fdctVector(z *coefs, pix []uint8, stride int) {
	// Lane y of left and right is the first and last four samples of row y.
	//
	// A row has 8 samples and a vector 16. Behind the first two rows there are others; a
	// later row is loaded with the 8 samples before it, so that nothing is read behind the
	// last one. (To set a vector from a number is slow: see package resample, rounding.)
	at := func(i int) archsimd.Uint64x2 { return archsimd.LoadUint8x16Slice(pix[i : i+16]).AsUint64x2() }
	var left, right archsimd.Uint32x8
	{
		r01 := at(0).InterleaveLo(at(stride)).AsUint32x4()
		r23 := at(2*stride - 8).InterleaveHi(at(3*stride - 8)).AsUint32x4()
		r45 := at(4*stride - 8).InterleaveHi(at(5*stride - 8)).AsUint32x4()
		r67 := at(6*stride - 8).InterleaveHi(at(7*stride - 8)).AsUint32x4()
		a, b := r01.InterleaveLo(r23), r01.InterleaveHi(r23)
		c, d := r45.InterleaveLo(r67), r45.InterleaveHi(r67)
		left = left.SetLo(a.InterleaveLo(b)).SetHi(c.InterleaveLo(d))
		right = right.SetLo(a.InterleaveHi(b)).SetHi(c.InterleaveHi(d))
	}
	sample, l, r := load(&lanesByte), left.AsInt32x8(), right.AsInt32x8()
	p0, p1 := l.And(sample), l.ShiftAllRight(8).And(sample)
	p2, p3 := l.ShiftAllRight(16).And(sample), l.ShiftAllRight(24).And(sample)
	p4, p5 := r.And(sample), r.ShiftAllRight(8).And(sample)
	p6, p7 := r.ShiftAllRight(16).And(sample), r.ShiftAllRight(24).And(sample)

	c0, c1, c2, c3, c4, c5, c6, c7 := dctVector(p0, p1, p2, p3, p4, p5, p6, p7)
	const s = constBits - passBits
	half := load(&lanesRows)
	c0, c4 = c0.ShiftAllLeft(passBits), c4.ShiftAllLeft(passBits)
	c1, c2 = c1.Add(half).ShiftAllRight(s), c2.Add(half).ShiftAllRight(s)
	c3, c5 = c3.Add(half).ShiftAllRight(s), c5.Add(half).ShiftAllRight(s)
	c6, c7 = c6.Add(half).ShiftAllRight(s), c7.Add(half).ShiftAllRight(s)

	p0, p1, p2, p3, p4, p5, p6, p7 = transpose(c0, c1, c2, c3, c4, c5, c6, c7)

	c0, c1, c2, c3, c4, c5, c6, c7 = dctVector(p0, p1, p2, p3, p4, p5, p6, p7)
	const t = constBits + passBits
	half = load(&lanesColumns)
	c0 = c0.Add(load(&lanesFirst)).ShiftAllRight(passBits)
	c4 = c4.Add(load(&lanesFifth)).ShiftAllRight(passBits)
	c1, c2 = c1.Add(half).ShiftAllRight(t), c2.Add(half).ShiftAllRight(t)
	c3, c5 = c3.Add(half).ShiftAllRight(t), c5.Add(half).ShiftAllRight(t)
	c6, c7 = c6.Add(half).ShiftAllRight(t), c7.Add(half).ShiftAllRight(t)

	// SaturateToUint16ConcatGrouped packs each half by itself; order puts the
	// four quarters back into their order.
	order := archsimd.LoadUint32x8(&halvesOrder)
	c0.SaturateToUint16ConcatGrouped(c1).AsUint32x8().Permute(order).AsUint8x32().Store((*[32]uint8)(z[0:32]))
	c2.SaturateToUint16ConcatGrouped(c3).AsUint32x8().Permute(order).AsUint8x32().Store((*[32]uint8)(z[32:64]))
	c4.SaturateToUint16ConcatGrouped(c5).AsUint32x8().Permute(order).AsUint8x32().Store((*[32]uint8)(z[64:96]))
	c6.SaturateToUint16ConcatGrouped(c7).AsUint32x8().Permute(order).AsUint8x32().Store((*[32]uint8)(z[96:128]))
	archsimd.ClearAVXUpperBits()
}

var (
	lanesRows    = lanes(1 << (constBits - passBits - 1))
	lanesColumns = lanes(coefBias<<(constBits+passBits) + 1<<(constBits+passBits-1))
	lanesFifth   = lanes(coefBias<<passBits + 1<<(passBits-1))
	// The level shift changes only the very first coefficient.
	lanesFirst = [8]int32{
		lanesFifth[0] - 64*128<<passBits, lanesFifth[0], lanesFifth[0], lanesFifth[0],
		lanesFifth[0], lanesFifth[0], lanesFifth[0], lanesFifth[0],
	}
	halvesOrder = [8]uint32{0, 1, 4, 5, 2, 3, 6, 7}
)

// dctVector is one pass of the forward DCT. c0 and c4 are integers, the others have
// constBits bits of fraction.
func dctVector(p0, p1, p2, p3, p4, p5, p6, p7 archsimd.Int32x8) (c0, c1, c2, c3, c4, c5, c6, c7 archsimd.Int32x8) {
	s0, d0 := p0.Add(p7), p0.Sub(p7)
	s1, d1 := p1.Add(p6), p1.Sub(p6)
	s2, d2 := p2.Add(p5), p2.Sub(p5)
	s3, d3 := p3.Add(p4), p3.Sub(p4)

	e0, e1, e2, e3 := s0.Add(s3), s1.Add(s2), s1.Sub(s2), s0.Sub(s3)
	c0, c4 = e0.Add(e1), e0.Sub(e1)
	z := e2.Add(e3).Mul(load(&lanes0541))
	c2 = z.Add(e3.Mul(load(&lanes0765)))
	c6 = z.Add(e2.Mul(load(&lanes1847)))

	z1, z2, z3, z4 := d3.Add(d0), d2.Add(d1), d3.Add(d1), d2.Add(d0)
	z5 := z3.Add(z4).Mul(load(&lanes1175))
	z1 = z1.Mul(load(&lanes0899))
	z2 = z2.Mul(load(&lanes2562))
	z3 = z5.Add(z3.Mul(load(&lanes1961)))
	z4 = z5.Add(z4.Mul(load(&lanes0390)))
	c7 = d3.Mul(load(&lanes0298)).Add(z1).Add(z3)
	c5 = d2.Mul(load(&lanes2053)).Add(z2).Add(z4)
	c3 = d1.Mul(load(&lanes3072)).Add(z2).Add(z3)
	c1 = d0.Mul(load(&lanes1501)).Add(z1).Add(z4)
	return
}

// transpose exchanges rows and columns.
func transpose(a0, a1, a2, a3, a4, a5, a6, a7 archsimd.Int32x8) (b0, b1, b2, b3, b4, b5, b6, b7 archsimd.Int32x8) {
	t0, t1 := a0.InterleaveLoGrouped(a1).AsInt64x4(), a0.InterleaveHiGrouped(a1).AsInt64x4()
	t2, t3 := a2.InterleaveLoGrouped(a3).AsInt64x4(), a2.InterleaveHiGrouped(a3).AsInt64x4()
	t4, t5 := a4.InterleaveLoGrouped(a5).AsInt64x4(), a4.InterleaveHiGrouped(a5).AsInt64x4()
	t6, t7 := a6.InterleaveLoGrouped(a7).AsInt64x4(), a6.InterleaveHiGrouped(a7).AsInt64x4()
	u0, u1 := t0.InterleaveLoGrouped(t2).AsInt32x8(), t0.InterleaveHiGrouped(t2).AsInt32x8()
	u2, u3 := t1.InterleaveLoGrouped(t3).AsInt32x8(), t1.InterleaveHiGrouped(t3).AsInt32x8()
	u4, u5 := t4.InterleaveLoGrouped(t6).AsInt32x8(), t4.InterleaveHiGrouped(t6).AsInt32x8()
	u6, u7 := t5.InterleaveLoGrouped(t7).AsInt32x8(), t5.InterleaveHiGrouped(t7).AsInt32x8()
	return u0.Select128FromPair(0, 2, u4), u1.Select128FromPair(0, 2, u5), u2.Select128FromPair(0, 2, u6), u3.Select128FromPair(0, 2, u7),
		u0.Select128FromPair(1, 3, u4), u1.Select128FromPair(1, 3, u5), u2.Select128FromPair(1, 3, u6), u3.Select128FromPair(1, 3, u7)
}
