//go:build goexperiment.simd && amd64

package jpeg

import "simd/archsimd"

// The transforms of 2 × 2 and 3 × 3, by which most pictures are reduced to a quarter.
// Their vectors fit the registers, so that nothing is stored between columns and rows.

// times returns the coefficients of eight blocks times their step.
func (s *laneStep) times(c *[groupBlocks]int16) archsimd.Int32x8 {
	return archsimd.LoadInt16x8(c).ExtendToInt32().Mul(load(&s.q))
}

// columnRounding is the constant of sum, kept in a register.
type columnRounding struct{ half archsimd.Int32x8 }

// sum rounds a sum of the column pass.
func (r *columnRounding) sum(v archsimd.Int32x8) archsimd.Int32x8 {
	return v.Add(r.half).ShiftAllRight(columnShift)
}

// row3 stores a row of 3 samples of each block, and 4 bytes behind them.
func (r *rounding) row3(x0, x1, x2 archsimd.Int32x8, pick archsimd.Int8x32, row *[12 + 16]uint8) {
	s := r.bytesOf(x0, x1, x2, x2).PermuteOrZeroGrouped(pick)
	s.GetLo().Store((*[16]uint8)(row[:16]))
	s.GetHi().Store((*[16]uint8)(row[12:]))
}

// transform3 is transform for n = 3. The numbers are zig-zag positions:
//
//	0 1 5
//	2 4 7
//	3 8 12
func (t *inverse) transform3(g *group, dst []uint8, stride int) {
	q := (*[9]laneStep)(t.lanes)
	h := columnRounding{load(&lanesColumn)}
	a0, a1, a2 := dct3Lanes(saturated(q[0].times((*[8]int16)(g.v[0:]))), q[3].times((*[8]int16)(g.v[2*groupStep:])), q[6].times((*[8]int16)(g.v[3*groupStep:])))
	b0, b1, b2 := dct3Lanes(q[1].times((*[8]int16)(g.v[1*groupStep:])), q[4].times((*[8]int16)(g.v[4*groupStep:])), q[7].times((*[8]int16)(g.v[8*groupStep:])))
	c0, c1, c2 := dct3Lanes(q[2].times((*[8]int16)(g.v[5*groupStep:])), q[5].times((*[8]int16)(g.v[7*groupStep:])), q[8].times((*[8]int16)(g.v[12*groupStep:])))
	r := newRounding()
	pick := archsimd.LoadInt8x32(&narrow[3])
	x0, x1, x2 := dct3Lanes(h.sum(a0), h.sum(b0), h.sum(c0))
	r.row3(x0, x1, x2, pick, (*[28]uint8)(dst))
	x0, x1, x2 = dct3Lanes(h.sum(a1), h.sum(b1), h.sum(c1))
	r.row3(x0, x1, x2, pick, (*[28]uint8)(dst[stride:]))
	x0, x1, x2 = dct3Lanes(h.sum(a2), h.sum(b2), h.sum(c2))
	r.row3(x0, x1, x2, pick, (*[28]uint8)(dst[2*stride:]))
}

// row2 stores a row of 2 samples of each block, and 8 bytes behind them.
func (r *rounding) row2(x0, x1 archsimd.Int32x8, pick archsimd.Int8x32, row *[8 + 16]uint8) {
	x0 = saturated(x0).Add(load(&lanesFour)).ShiftAllRight(3)
	x1 = saturated(x1).Add(load(&lanesFour)).ShiftAllRight(3)
	s := r.join(x0.SaturateToInt16ConcatGrouped(x0), x1.SaturateToInt16ConcatGrouped(x1)).PermuteOrZeroGrouped(pick)
	s.GetLo().Store((*[16]uint8)(row[:16]))
	s.GetHi().Store((*[16]uint8)(row[8:]))
}

// transform2 is transform for n = 2. The zig-zag positions are 0 1 and 2 4.
func (t *inverse) transform2(g *group, dst []uint8, stride int) {
	q := (*[4]laneStep)(t.lanes)
	a0, a1 := dct2Lanes(saturated(q[0].times((*[8]int16)(g.v[0:]))), q[2].times((*[8]int16)(g.v[2*groupStep:])))
	b0, b1 := dct2Lanes(q[1].times((*[8]int16)(g.v[1*groupStep:])), q[3].times((*[8]int16)(g.v[4*groupStep:])))
	r := newRounding()
	pick := archsimd.LoadInt8x32(&narrow[2])
	x0, x1 := dct2Lanes(a0, b0)
	r.row2(x0, x1, pick, (*[24]uint8)(dst))
	x0, x1 = dct2Lanes(a1, b1)
	r.row2(x0, x1, pick, (*[24]uint8)(dst[stride:]))
}
