//go:build goexperiment.simd && amd64

package jpeg

import (
	"encoding/binary"
	"simd/archsimd"
)

// The inverse transforms with eight lanes of 32 bits: one for each column in the first
// pass, for each row in the second. Sums wrap exactly where those of the scalar twins
// do. Lanes from n on are computed like the others and dropped at the end.

var (
	lanesLevel   = lanes(128)
	lanesSamples = lanes(rowRound)

	lanesRoot2  = lanes(root2)
	lanes1of3   = lanes(cos1of3)
	lanes1of5   = lanes(cos1of5)
	lanes1of6   = lanes(cos1of6)
	lanes1of7   = lanes(cos1of7)
	lanes1of8   = lanes(cos1of8)
	lanes1of10  = lanes(cos1of10)
	lanes1of12  = lanes(cos1of12)
	lanes1of14  = lanes(cos1of14)
	lanes2of5   = lanes(cos2of5)
	lanes2of7   = lanes(cos2of7)
	lanes3of7   = lanes(cos3of7)
	lanes3of8   = lanes(cos3of8)
	lanes3of10  = lanes(cos3of10)
	lanes3of14  = lanes(cos3of14)
	lanes5of12  = lanes(cos5of12)
	lanes5of14  = lanes(cos5of14)
	lanesColumn = lanes(columnRound)
)

func load4(l *[8]int32) archsimd.Int32x4 { return archsimd.LoadInt32x4((*[4]int32)(l[:4])) }

// idct4Vector is idct3 and idct4.
func idct4Vector(n int, b *block, dst []uint8, stride int) {
	c0, c1 := archsimd.LoadInt32x4((*[4]int32)(b[0:4])), archsimd.LoadInt32x4((*[4]int32)(b[8:12]))
	c2, c3 := archsimd.LoadInt32x4((*[4]int32)(b[16:20])), archsimd.LoadInt32x4((*[4]int32)(b[24:28]))
	if n == 3 {
		c0, c1, c2 = dct3Vector(c0, c1, c2)
	} else {
		c0, c1, c2, c3 = dct4Vector(c0, c1, c2, c3)
	}
	half := load4(&lanesColumn)
	c0, c1 = c0.Add(half).ShiftAllRight(columnShift), c1.Add(half).ShiftAllRight(columnShift)
	c2, c3 = c2.Add(half).ShiftAllRight(columnShift), c3.Add(half).ShiftAllRight(columnShift)

	t0, t1 := c0.InterleaveLo(c1).AsInt64x2(), c0.InterleaveHi(c1).AsInt64x2()
	t2, t3 := c2.InterleaveLo(c3).AsInt64x2(), c2.InterleaveHi(c3).AsInt64x2()
	c0, c1 = t0.InterleaveLo(t2).AsInt32x4(), t0.InterleaveHi(t2).AsInt32x4()
	c2, c3 = t1.InterleaveLo(t3).AsInt32x4(), t1.InterleaveHi(t3).AsInt32x4()

	if n == 3 {
		c0, c1, c2 = dct3Vector(c0, c1, c2)
	} else {
		c0, c1, c2, c3 = dct4Vector(c0, c1, c2, c3)
	}
	half = load4(&lanesSamples)
	c0, c1 = c0.Add(half).ShiftAllRight(rowShift), c1.Add(half).ShiftAllRight(rowShift)
	c2, c3 = c2.Add(half).ShiftAllRight(rowShift), c3.Add(half).ShiftAllRight(rowShift)
	// Lane y of c0 to c3 holds four samples of row y: pack them into four bytes.
	var low archsimd.Int32x4
	high, level := load4(&lanesByte), load4(&lanesLevel)
	c0, c1 = c0.Add(level).Max(low).Min(high), c1.Add(level).Max(low).Min(high)
	c2, c3 = c2.Add(level).Max(low).Min(high), c3.Add(level).Max(low).Min(high)
	v := c0.Or(c1.ShiftAllLeft(8)).Or(c2.ShiftAllLeft(16).Or(c3.ShiftAllLeft(24))).AsUint32x4()
	if n == 3 {
		put3(dst, v.GetElem(0))
		put3(dst[stride:], v.GetElem(1))
		put3(dst[2*stride:], v.GetElem(2))
		return
	}
	binary.LittleEndian.PutUint32(dst, v.GetElem(0))
	binary.LittleEndian.PutUint32(dst[stride:], v.GetElem(1))
	binary.LittleEndian.PutUint32(dst[2*stride:], v.GetElem(2))
	binary.LittleEndian.PutUint32(dst[3*stride:], v.GetElem(3))
}

func put3(dst []uint8, v uint32) {
	dst = dst[:3]
	dst[0], dst[1], dst[2] = uint8(v), uint8(v>>8), uint8(v>>16)
}

func dct3Vector(c0, c1, c2 archsimd.Int32x4) (x0, x1, x2 archsimd.Int32x4) {
	c0 = c0.ShiftAllLeft(constBits)
	e0 := c0.Add(c2.Mul(load4(&lanes1of3)))
	o0 := c1.Mul(load4(&lanes1of6))
	return e0.Add(o0), c0.Sub(c2.Mul(load4(&lanesRoot2))), e0.Sub(o0)
}

func dct4Vector(c0, c1, c2, c3 archsimd.Int32x4) (x0, x1, x2, x3 archsimd.Int32x4) {
	e0, e1 := c0.Add(c2).ShiftAllLeft(constBits), c0.Sub(c2).ShiftAllLeft(constBits)
	one, three := load4(&lanes1of8), load4(&lanes3of8)
	o0 := c1.Mul(one).Add(c3.Mul(three))
	o1 := c1.Mul(three).Sub(c3.Mul(one))
	return e0.Add(o0), e1.Add(o1), e1.Sub(o1), e0.Sub(o0)
}

// idct8Vector is idct5, idct6, idct7 and idct8.
func idct8Vector(n int, b *block, dst []uint8, stride int) {
	c0, c1 := load((*[8]int32)(b[0:8])), load((*[8]int32)(b[8:16]))
	c2, c3 := load((*[8]int32)(b[16:24])), load((*[8]int32)(b[24:32]))
	c4, c5 := load((*[8]int32)(b[32:40])), load((*[8]int32)(b[40:48]))
	c6, c7 := load((*[8]int32)(b[48:56])), load((*[8]int32)(b[56:64]))
	if n == 8 && !c0.Xor(c0.ShiftAllRight(31)).ShiftAllRight(31-constBits).IsZero() {
		// A first row that overflows is illegal. idct8 has a shortcut for columns of
		// zeros that wraps differently, so it must do this block.
		idct8(b, dst, stride)
		archsimd.ClearAVXUpperBits()
		return
	}
	c0, c1, c2, c3, c4, c5, c6, c7 = inverseVector(n, c0, c1, c2, c3, c4, c5, c6, c7)
	half := load(&lanesColumn)
	c0, c1 = c0.Add(half).ShiftAllRight(columnShift), c1.Add(half).ShiftAllRight(columnShift)
	c2, c3 = c2.Add(half).ShiftAllRight(columnShift), c3.Add(half).ShiftAllRight(columnShift)
	c4, c5 = c4.Add(half).ShiftAllRight(columnShift), c5.Add(half).ShiftAllRight(columnShift)
	c6, c7 = c6.Add(half).ShiftAllRight(columnShift), c7.Add(half).ShiftAllRight(columnShift)
	c0, c1, c2, c3, c4, c5, c6, c7 = transpose(c0, c1, c2, c3, c4, c5, c6, c7)

	c0, c1, c2, c3, c4, c5, c6, c7 = inverseVector(n, c0, c1, c2, c3, c4, c5, c6, c7)
	left, right := bytesOf(c0, c1, c2, c3), bytesOf(c4, c5, c6, c7)
	// Rows 0 and 1, 4 and 5; 2 and 3, 6 and 7.
	a, c := left.InterleaveLoGrouped(right).AsUint64x4(), left.InterleaveHiGrouped(right).AsUint64x4()
	var rows [8]uint64
	a.GetLo().Store((*[2]uint64)(rows[0:2]))
	c.GetLo().Store((*[2]uint64)(rows[2:4]))
	a.GetHi().Store((*[2]uint64)(rows[4:6]))
	c.GetHi().Store((*[2]uint64)(rows[6:8]))
	archsimd.ClearAVXUpperBits()
	for y, v := range rows[:n] {
		out := dst[y*stride : y*stride+n : y*stride+n]
		if n == 8 {
			binary.LittleEndian.PutUint64(out, v)
			continue
		}
		binary.LittleEndian.PutUint32(out, uint32(v))
		for x := 4; x < n; x++ {
			out[x] = uint8(v >> (8 * x))
		}
	}
}

// bytesOf rounds the results of the second pass to samples: lane y is four samples of
// row y.
func bytesOf(c0, c1, c2, c3 archsimd.Int32x8) archsimd.Int32x8 {
	var low archsimd.Int32x8
	half, high, level := load(&lanesSamples), load(&lanesByte), load(&lanesLevel)
	c0 = c0.Add(half).ShiftAllRight(rowShift).Add(level).Max(low).Min(high)
	c1 = c1.Add(half).ShiftAllRight(rowShift).Add(level).Max(low).Min(high)
	c2 = c2.Add(half).ShiftAllRight(rowShift).Add(level).Max(low).Min(high)
	c3 = c3.Add(half).ShiftAllRight(rowShift).Add(level).Max(low).Min(high)
	return c0.Or(c1.ShiftAllLeft(8)).Or(c2.ShiftAllLeft(16).Or(c3.ShiftAllLeft(24)))
}

// inverseVector is one pass of n points. Results from n on have no meaning.
func inverseVector(n int, c0, c1, c2, c3, c4, c5, c6, c7 archsimd.Int32x8) (x0, x1, x2, x3, x4, x5, x6, x7 archsimd.Int32x8) {
	k0 := c0.ShiftAllLeft(constBits)
	switch n {
	case 5: // dct5
		e0 := k0.Add(c2.Mul(load(&lanes1of5))).Add(c4.Mul(load(&lanes2of5)))
		e1 := k0.Sub(c2.Mul(load(&lanes2of5))).Sub(c4.Mul(load(&lanes1of5)))
		o0 := c1.Mul(load(&lanes1of10)).Add(c3.Mul(load(&lanes3of10)))
		o1 := c1.Mul(load(&lanes3of10)).Sub(c3.Mul(load(&lanes1of10)))
		x2 = k0.Add(c4.Sub(c2).Mul(load(&lanesRoot2)))
		return e0.Add(o0), e1.Add(o1), x2, e1.Sub(o1), e0.Sub(o0), x2, x2, x2
	case 6: // dct6
		e := k0.Add(c4.Mul(load(&lanes1of3)))
		c2 = c2.Mul(load(&lanes1of6))
		e0, e1, e2 := e.Add(c2), k0.Sub(c4.Mul(load(&lanesRoot2))), e.Sub(c2)
		k3 := c3.ShiftAllLeft(constBits)
		o0 := c1.Mul(load(&lanes1of12)).Add(c5.Mul(load(&lanes5of12))).Add(k3)
		o1 := c1.Sub(c3).Sub(c5).ShiftAllLeft(constBits)
		o2 := c1.Mul(load(&lanes5of12)).Add(c5.Mul(load(&lanes1of12))).Sub(k3)
		return e0.Add(o0), e1.Add(o1), e2.Add(o2), e2.Sub(o2), e1.Sub(o1), e0.Sub(o0), e0, e0
	case 7: // dct7
		e0 := k0.Add(c2.Mul(load(&lanes1of7))).Add(c4.Mul(load(&lanes2of7))).Add(c6.Mul(load(&lanes3of7)))
		e1 := k0.Add(c2.Mul(load(&lanes3of7))).Sub(c4.Mul(load(&lanes1of7))).Sub(c6.Mul(load(&lanes2of7)))
		e2 := k0.Sub(c2.Mul(load(&lanes2of7))).Sub(c4.Mul(load(&lanes3of7))).Add(c6.Mul(load(&lanes1of7)))
		o0 := c1.Mul(load(&lanes1of14)).Add(c3.Mul(load(&lanes3of14))).Add(c5.Mul(load(&lanes5of14)))
		o1 := c1.Mul(load(&lanes3of14)).Sub(c3.Mul(load(&lanes5of14))).Sub(c5.Mul(load(&lanes1of14)))
		o2 := c1.Mul(load(&lanes5of14)).Sub(c3.Mul(load(&lanes1of14))).Add(c5.Mul(load(&lanes3of14)))
		x3 = k0.Add(c4.Sub(c2).Sub(c6).Mul(load(&lanesRoot2)))
		return e0.Add(o0), e1.Add(o1), e2.Add(o2), x3, e2.Sub(o2), e1.Sub(o1), e0.Sub(o0), x3
	}
	// A pass of idct8.
	z := c2.Add(c6).Mul(load(&lanes0541))
	t2, t3 := z.Add(c6.Mul(load(&lanes1847))), z.Add(c2.Mul(load(&lanes0765)))
	k4 := c4.ShiftAllLeft(constBits)
	t0, t1 := k0.Add(k4), k0.Sub(k4)
	e0, e1, e2, e3 := t0.Add(t3), t1.Add(t2), t1.Sub(t2), t0.Sub(t3)

	z1, z2, z3, z4 := c7.Add(c1), c5.Add(c3), c7.Add(c3), c5.Add(c1)
	z5 := z3.Add(z4).Mul(load(&lanes1175))
	z1, z2 = z1.Mul(load(&lanes0899)), z2.Mul(load(&lanes2562))
	z3, z4 = z5.Add(z3.Mul(load(&lanes1961))), z5.Add(z4.Mul(load(&lanes0390)))
	o0 := c7.Mul(load(&lanes0298)).Add(z1).Add(z3)
	o1 := c5.Mul(load(&lanes2053)).Add(z2).Add(z4)
	o2 := c3.Mul(load(&lanes3072)).Add(z2).Add(z3)
	o3 := c1.Mul(load(&lanes1501)).Add(z1).Add(z4)
	return e0.Add(o3), e1.Add(o2), e2.Add(o1), e3.Add(o0), e3.Sub(o0), e2.Sub(o1), e1.Sub(o2), e0.Sub(o3)
}
