//go:build goexperiment.simd && amd64

package vp8

import (
	"encoding/binary"
	"simd/archsimd"
)

// The normal loop filter of 16 samples of an edge at once, in 16 bits a sample. A vector
// has one of p3 to q3 of all of them; between the steps the vectors are in memory.

// filterVectors is a filterStrength as vectors.
type filterVectors struct {
	inLimit, edgeLimit, inInterior, inVariance [16]int16
}

func (f *filterStrength) setVectors() {
	f.filterVectors = filterVectors{lanesOf(int16(f.limit)), lanesOf(int16(f.limit + edgeExtra)),
		lanesOf(int16(f.interior)), lanesOf(int16(f.variance))}
}

var (
	lanes9    = lanesOf(9)
	lanes27   = lanesOf(27)
	lanes63   = lanesOf(63)
	lanes1    = lanesOf(1)
	lanes127  = lanesOf(127)
	lanesM128 = lanesOf(-128)
	lanesM16  = lanesOf(-16)

	// lowEight moves the low bytes of 8 numbers to the first 8 bytes.
	lowEight = [32]int8{
		0, 2, 4, 6, 8, 10, 12, 14, -1, -1, -1, -1, -1, -1, -1, -1,
		0, 2, 4, 6, 8, 10, 12, 14, -1, -1, -1, -1, -1, -1, -1, -1}
)

// acrossRows filters an edge between rows: 8 columns of a from column i on, and 8 of b.
func acrossRows(a []uint8, i int, b []uint8, j, stride int, f *filterStrength, macroblock bool) {
	if !avx2 {
		rowsPlain(a, i, stride, f, macroblock)
		rowsPlain(b, j, stride, f, macroblock)
		return
	}
	var v [8][16]int16
	x, y := i-4*stride, j-4*stride
	for k := range v {
		pairOf(a[x:x+16], b[y:y+16]).Store(&v[k])
		x, y = x+stride, y+stride
	}
	n := f.smooth(&v, macroblock)
	x, y = i-n*stride, j-n*stride
	pick := archsimd.LoadInt8x32(&lowEight)
	for k := 4 - n; k < 4+n; k++ {
		putPair(a[x:x+8], b[y:y+8], load(&v[k&7]), pick)
		x, y = x+stride, y+stride
	}
	archsimd.ClearAVXUpperBits()
}

// acrossColumns filters an edge between columns: 8 rows of a, and 8 of b. Its samples are
// transposed, filtered, and transposed back.
func acrossColumns(a []uint8, i int, b []uint8, j, stride int, f *filterStrength, macroblock bool) {
	if !avx2 {
		columnsPlain(a, i, stride, f, macroblock)
		columnsPlain(b, j, stride, f, macroblock)
		return
	}
	var v [8][16]int16
	x, y := i-4, j-4
	for k := range v {
		pairOf(a[x:x+16], b[y:y+16]).Store(&v[k])
		x, y = x+stride, y+stride
	}
	transpose(&v)
	if f.smooth(&v, macroblock) > 0 {
		transpose(&v)
		x, y = i-4, j-4
		pick := archsimd.LoadInt8x32(&lowEight)
		for k := range v {
			putPair(a[x:x+8], b[y:y+8], load(&v[k]), pick)
			x, y = x+stride, y+stride
		}
	}
	archsimd.ClearAVXUpperBits()
}

// pairOf returns 8 bytes of a and 8 of b as numbers. It reads 16 bytes of each.
func pairOf(a, b []uint8) archsimd.Int16x16 {
	x, y := archsimd.LoadUint8x16Slice(a).AsUint64x2(), archsimd.LoadUint8x16Slice(b).AsUint64x2()
	return x.InterleaveLo(y).AsUint8x16().ExtendToUint16().AsInt16x16()
}

// putPair writes 8 bytes to a and 8 to b.
func putPair(a, b []uint8, v archsimd.Int16x16, pick archsimd.Int8x32) {
	s := v.AsUint8x32().PermuteOrZeroGrouped(pick)
	binary.LittleEndian.PutUint64(a, s.GetLo().AsUint64x2().GetElem(0))
	binary.LittleEndian.PutUint64(b, s.GetHi().AsUint64x2().GetElem(0))
}

// transpose transposes the left and the right half of v, 8 × 8 numbers each: it
// interleaves single numbers, pairs, and groups of four.
func transpose(v *[8][16]int16) {
	r0, r1, r2, r3 := load(&v[0]), load(&v[1]), load(&v[2]), load(&v[3])
	r4, r5, r6, r7 := load(&v[4]), load(&v[5]), load(&v[6]), load(&v[7])
	a0, a1 := r0.InterleaveLoGrouped(r1).AsInt32x8(), r0.InterleaveHiGrouped(r1).AsInt32x8()
	a2, a3 := r2.InterleaveLoGrouped(r3).AsInt32x8(), r2.InterleaveHiGrouped(r3).AsInt32x8()
	a4, a5 := r4.InterleaveLoGrouped(r5).AsInt32x8(), r4.InterleaveHiGrouped(r5).AsInt32x8()
	a6, a7 := r6.InterleaveLoGrouped(r7).AsInt32x8(), r6.InterleaveHiGrouped(r7).AsInt32x8()
	b0, b1 := a0.InterleaveLoGrouped(a2).AsInt64x4(), a0.InterleaveHiGrouped(a2).AsInt64x4()
	b2, b3 := a1.InterleaveLoGrouped(a3).AsInt64x4(), a1.InterleaveHiGrouped(a3).AsInt64x4()
	b4, b5 := a4.InterleaveLoGrouped(a6).AsInt64x4(), a4.InterleaveHiGrouped(a6).AsInt64x4()
	b6, b7 := a5.InterleaveLoGrouped(a7).AsInt64x4(), a5.InterleaveHiGrouped(a7).AsInt64x4()
	b0.InterleaveLoGrouped(b4).AsInt16x16().Store(&v[0])
	b0.InterleaveHiGrouped(b4).AsInt16x16().Store(&v[1])
	b1.InterleaveLoGrouped(b5).AsInt16x16().Store(&v[2])
	b1.InterleaveHiGrouped(b5).AsInt16x16().Store(&v[3])
	b2.InterleaveLoGrouped(b6).AsInt16x16().Store(&v[4])
	b2.InterleaveHiGrouped(b6).AsInt16x16().Store(&v[5])
	b3.InterleaveLoGrouped(b7).AsInt16x16().Store(&v[6])
	b3.InterleaveHiGrouped(b7).AsInt16x16().Store(&v[7])
}

// smooth filters the samples p3 to q3 in v and returns how many on each side of the edge
// may have changed. Where a sample must stay, what is added to it is made 0.
func (f *filterStrength) smooth(v *[8][16]int16, macroblock bool) (changed int) {
	p3, p2, p1, p0 := load(&v[0]), load(&v[1]), load(&v[2]), load(&v[3])
	q0, q1, q2, q3 := load(&v[4]), load(&v[5]), load(&v[6]), load(&v[7])
	limit := load(&f.inLimit)
	if macroblock {
		limit = load(&f.edgeLimit)
	}
	step, wider := q0.Sub(p0), p1.Sub(q1)
	across := step.Abs().ShiftAllLeft(1).Add(wider.Abs().ShiftAllRight(1))
	beside := p1.Sub(p0).Abs().Max(q1.Sub(q0).Abs())
	all := beside.Max(p3.Sub(p2).Abs()).Max(p2.Sub(p1).Abs()).Max(q2.Sub(q1).Abs()).Max(q3.Sub(q2).Abs())
	stays := across.Greater(limit).ToInt16x16().Or(all.Greater(load(&f.inInterior)).ToInt16x16())
	detail := beside.Greater(load(&f.inVariance)).ToInt16x16()
	wider = wider.Max(load(&lanesM128)).Min(load(&lanes127))
	three, four, least, most := load(&lanes3), load(&lanes4), load(&lanesM16), load(&lanes15)
	var zero archsimd.Int16x16
	full := load(&lanes255)
	step = step.Add(step).Add(step)
	if macroblock {
		w := step.Add(wider).AndNot(stays)
		if w.IsZero() {
			return 0
		}
		narrow := w.And(detail)
		b := narrow.Add(three).ShiftAllRight(3).Max(least).Min(most)
		c := narrow.Add(four).ShiftAllRight(3).Max(least).Min(most)
		w = w.AndNot(detail).Max(load(&lanesM128)).Min(load(&lanes127))
		nine, half := w.Mul(load(&lanes9)), load(&lanes63)
		e := nine.Add(half).ShiftAllRight(7)
		d := nine.Add(nine).Add(half).ShiftAllRight(7)
		g := w.Mul(load(&lanes27)).Add(half).ShiftAllRight(7)
		p2.Add(e).Max(zero).Min(full).Store(&v[1])
		p1.Add(d).Max(zero).Min(full).Store(&v[2])
		p0.Add(b).Add(g).Max(zero).Min(full).Store(&v[3])
		q0.Sub(c).Sub(g).Max(zero).Min(full).Store(&v[4])
		q1.Sub(d).Max(zero).Min(full).Store(&v[5])
		q2.Sub(e).Max(zero).Min(full).Store(&v[6])
		return 3
	}
	w := step.Add(wider.And(detail)).AndNot(stays)
	if w.IsZero() {
		return 0
	}
	b := w.Add(three).ShiftAllRight(3).Max(least).Min(most)
	c := w.Add(four).ShiftAllRight(3).Max(least).Min(most)
	e := c.Add(load(&lanes1)).ShiftAllRight(1).AndNot(detail)
	p1.Add(e).Max(zero).Min(full).Store(&v[2])
	p0.Add(b).Max(zero).Min(full).Store(&v[3])
	q0.Sub(c).Max(zero).Min(full).Store(&v[4])
	q1.Sub(e).Max(zero).Min(full).Store(&v[5])
	return 2
}
