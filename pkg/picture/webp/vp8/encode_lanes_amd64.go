//go:build goexperiment.simd && amd64

package vp8

import "simd/archsimd"

// The steps of encode_lanes.go by vectors: one instruction for 16 blocks.
//
// Constants are loaded from memory: to broadcast them may take an instruction that is slow
// while the upper halves of the vector registers are in use.

var avx2 = archsimd.X86.AVX2()

func lanesOf(v int16) (l [16]int16) {
	for i := range l {
		l[i] = v
	}
	return l
}

var (
	lanesCosine = lanesOf(cosine)
	lanesSine   = lanesOf(sine)
	lanes4      = lanesOf(4)
	lanes8      = lanesOf(8)
	lanes255    = lanesOf(255)
)

type lanes16 = archsimd.Int16x16

func load(l *[16]int16) lanes16 { return archsimd.LoadInt16x16(l) }

func forward(d *lanes) {
	if !avx2 {
		forwardPlain(d)
		return
	}
	c, s := load(&lanesCosine), load(&lanesSine)
	for p := 0; p < 16; p += 4 {
		r := (*[4][16]int16)(d[p : p+4])
		u0, u1, u2, u3 := forwardVector(load(&r[0]).ShiftAllLeft(3), load(&r[1]).ShiftAllLeft(3),
			load(&r[2]).ShiftAllLeft(3), load(&r[3]).ShiftAllLeft(3), c, s)
		u0.Store(&r[0])
		u1.Store(&r[1])
		u2.Store(&r[2])
		u3.Store(&r[3])
	}
	half := load(&lanes8)
	for p := range 4 {
		u0, u1, u2, u3 := forwardVector(load(&d[p]), load(&d[p+4]), load(&d[p+8]), load(&d[p+12]), c, s)
		u0.Add(half).ShiftAllRight(4).Store(&d[p])
		u1.Add(half).ShiftAllRight(4).Store(&d[p+4])
		u2.Add(half).ShiftAllRight(4).Store(&d[p+8])
		u3.Add(half).ShiftAllRight(4).Store(&d[p+12])
	}
	archsimd.ClearAVXUpperBits()
}

func forwardVector(x0, x1, x2, x3, c, s lanes16) (u0, u1, u2, u3 lanes16) {
	sum, t := x0.Add(x3), x1.Add(x2)
	d, e := x0.Sub(x3), x1.Sub(x2)
	u1 = d.MulHigh(c).Add(d).Add(e.MulHigh(s).Add(e))
	u3 = d.MulHigh(s).Add(d).Sub(e.MulHigh(c).Add(e))
	return sum.Add(t), u1, sum.Sub(t), u3
}

func inverse(d *lanes) {
	if !avx2 {
		inversePlain(d)
		return
	}
	c, s := load(&lanesCosine), load(&lanesSine)
	for p := range 4 {
		x0, x1, x2, x3 := inverseVector(load(&d[p]), load(&d[p+4]), load(&d[p+8]), load(&d[p+12]), c, s)
		x0.Store(&d[p])
		x1.Store(&d[p+4])
		x2.Store(&d[p+8])
		x3.Store(&d[p+12])
	}
	half := load(&lanes4)
	for p := 0; p < 16; p += 4 {
		r := (*[4][16]int16)(d[p : p+4])
		x0, x1, x2, x3 := inverseVector(load(&r[0]).Add(half), load(&r[1]), load(&r[2]), load(&r[3]), c, s)
		x0.ShiftAllRight(3).Store(&r[0])
		x1.ShiftAllRight(3).Store(&r[1])
		x2.ShiftAllRight(3).Store(&r[2])
		x3.ShiftAllRight(3).Store(&r[3])
	}
	archsimd.ClearAVXUpperBits()
}

func inverseVector(u0, u1, u2, u3, cos, sin lanes16) (x0, x1, x2, x3 lanes16) {
	a, b := u0.Add(u2), u0.Sub(u2)
	c := u1.MulHigh(sin).Add(u1).Sub(u3.MulHigh(cos).Add(u3))
	d := u1.MulHigh(cos).Add(u1).Add(u3.MulHigh(sin).Add(u3))
	return a.Add(d), b.Add(c), b.Sub(c), a.Sub(d)
}

func subtract(d, a, b *lanes) {
	if !avx2 {
		subtractPlain(d, a, b)
		return
	}
	for p := range 16 {
		load(&a[p]).Sub(load(&b[p])).Store(&d[p])
	}
	archsimd.ClearAVXUpperBits()
}

func squareError(a, b *lanes) int {
	if !avx2 {
		return squareErrorPlain(a, b)
	}
	d := load(&a[0]).Sub(load(&b[0]))
	sum := d.DotProductPairs(d)
	for p := 1; p < 16; p++ {
		d = load(&a[p]).Sub(load(&b[p]))
		sum = sum.Add(d.DotProductPairs(d))
	}
	half := sum.GetLo().Add(sum.GetHi())
	total := half.GetElem(0) + half.GetElem(1) + half.GetElem(2) + half.GetElem(3)
	archsimd.ClearAVXUpperBits()
	return int(total)
}

func dequantize(d *lanes, q *quantTable, first int) {
	if !avx2 {
		dequantizePlain(d, q, first)
		return
	}
	for p := first; p < 16; p++ {
		load(&d[p]).Mul(load(&q.lanes[min(p, 1)].step)).Store(&d[p])
	}
	archsimd.ClearAVXUpperBits()
}

func quantize(levels, c *lanes, q *quantTable, first int, dist *[16]int32) (coded uint32) {
	if !avx2 {
		return quantizePlain(levels, c, q, first, dist)
	}
	// DotProductPairs squares and adds neighbours, so the errors at two positions are
	// interleaved: lo has blocks 0 to 3 and 8 to 11, hi the others.
	var lo, hi archsimd.Int32x8
	var any, even lanes16
	if first == 0 {
		t := &q.lanes[0]
		l, e := quantizeVector(load(&c[0]), load(&t.step), load(&t.bias), load(&t.recip))
		l.Store(&levels[0])
		any, even = l, e
	}
	t := &q.lanes[1]
	step, bias, recip := load(&t.step), load(&t.bias), load(&t.recip)
	// Position 0, or nothing, goes with position 1, and so on.
	l, e := quantizeVector(load(&c[1]), step, bias, recip)
	l.Store(&levels[1])
	any = any.Or(l)
	lo = even.InterleaveLoGrouped(e).DotProductPairs(even.InterleaveLoGrouped(e))
	hi = even.InterleaveHiGrouped(e).DotProductPairs(even.InterleaveHiGrouped(e))
	for p := 2; p < 16; p += 2 {
		l0, e0 := quantizeVector(load(&c[p]), step, bias, recip)
		l1, e1 := quantizeVector(load(&c[p+1]), step, bias, recip)
		l0.Store(&levels[p])
		l1.Store(&levels[p+1])
		any = any.Or(l0).Or(l1)
		x, y := e0.InterleaveLoGrouped(e1), e0.InterleaveHiGrouped(e1)
		lo = lo.Add(x.DotProductPairs(x))
		hi = hi.Add(y.DotProductPairs(y))
	}
	lo.GetLo().Store((*[4]int32)(dist[0:4]))
	hi.GetLo().Store((*[4]int32)(dist[4:8]))
	lo.GetHi().Store((*[4]int32)(dist[8:12]))
	hi.GetHi().Store((*[4]int32)(dist[12:16]))
	var zero lanes16
	none := any.Equal(zero).ToInt16x16().AsInt8x32().Less(zero.AsInt8x32()).ToBits()
	archsimd.ClearAVXUpperBits()
	return evenBits(^none)
}

// quantizeVector returns the levels of coefficients, and their errors.
func quantizeVector(c, step, bias, recip lanes16) (level, err lanes16) {
	a := c.Abs().Add(bias).AsUint16x16().MulHigh(recip.AsUint16x16()).AsInt16x16()
	level = a.CopySign(c)
	return level, c.Sub(level.Mul(step))
}

// evenBits packs bits 0, 2, 4 … of v.
func evenBits(v uint32) uint32 {
	v &= 0x55555555
	v = (v | v>>1) & 0x33333333
	v = (v | v>>2) & 0x0f0f0f0f
	v = (v | v>>4) & 0x00ff00ff
	return (v | v>>8) & 0xffff
}
