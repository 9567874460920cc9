//go:build goexperiment.simd && amd64

package jpeg

import "simd/archsimd"

var (
	lanesRoot2 = lanes(root2)
	lanes1of3  = lanes(cos1of3)
	lanes1of5  = lanes(cos1of5)
	lanes1of6  = lanes(cos1of6)
	lanes1of7  = lanes(cos1of7)
	lanes1of8  = lanes(cos1of8)
	lanes1of10 = lanes(cos1of10)
	lanes1of12 = lanes(cos1of12)
	lanes1of14 = lanes(cos1of14)
	lanes2of5  = lanes(cos2of5)
	lanes2of7  = lanes(cos2of7)
	lanes3of7  = lanes(cos3of7)
	lanes3of8  = lanes(cos3of8)
	lanes3of10 = lanes(cos3of10)
	lanes3of14 = lanes(cos3of14)
	lanes5of12 = lanes(cos5of12)
	lanes5of14 = lanes(cos5of14)
)

// Each function is the n-point transform of its twin among the scalars (see
// decode_idct_reduced.go and idct8), of eight blocks side by side. Vectors pass from
// function to function in registers.

func dct2Lanes(c0, c1 archsimd.Int32x8) (x0, x1 archsimd.Int32x8) {
	return c0.Add(c1), c0.Sub(c1)
}

func dct3Lanes(c0, c1, c2 archsimd.Int32x8) (x0, x1, x2 archsimd.Int32x8) {
	k0 := c0.ShiftAllLeft(constBits)
	e0 := k0.Add(c2.Mul(load(&lanes1of3)))
	o0 := c1.Mul(load(&lanes1of6))
	return e0.Add(o0), k0.Sub(c2.Mul(load(&lanesRoot2))), e0.Sub(o0)
}

func dct4Lanes(c0, c1, c2, c3 archsimd.Int32x8) (x0, x1, x2, x3 archsimd.Int32x8) {
	e0, e1 := c0.Add(c2).ShiftAllLeft(constBits), c0.Sub(c2).ShiftAllLeft(constBits)
	one, three := load(&lanes1of8), load(&lanes3of8)
	o0 := c1.Mul(one).Add(c3.Mul(three))
	o1 := c1.Mul(three).Sub(c3.Mul(one))
	return e0.Add(o0), e1.Add(o1), e1.Sub(o1), e0.Sub(o0)
}

func dct5Lanes(c0, c1, c2, c3, c4 archsimd.Int32x8) (x0, x1, x2, x3, x4 archsimd.Int32x8) {
	k0 := c0.ShiftAllLeft(constBits)
	one, two := load(&lanes1of5), load(&lanes2of5)
	e0 := k0.Add(c2.Mul(one)).Add(c4.Mul(two))
	e1 := k0.Sub(c2.Mul(two)).Sub(c4.Mul(one))
	one, three := load(&lanes1of10), load(&lanes3of10)
	o0 := c1.Mul(one).Add(c3.Mul(three))
	o1 := c1.Mul(three).Sub(c3.Mul(one))
	return e0.Add(o0), e1.Add(o1), k0.Add(c4.Sub(c2).Mul(load(&lanesRoot2))), e1.Sub(o1), e0.Sub(o0)
}

func dct6Lanes(c0, c1, c2, c3, c4, c5 archsimd.Int32x8) (x0, x1, x2, x3, x4, x5 archsimd.Int32x8) {
	k0, k3 := c0.ShiftAllLeft(constBits), c3.ShiftAllLeft(constBits)
	e := k0.Add(c4.Mul(load(&lanes1of3)))
	c2 = c2.Mul(load(&lanes1of6))
	e0, e1, e2 := e.Add(c2), k0.Sub(c4.Mul(load(&lanesRoot2))), e.Sub(c2)
	one, five := load(&lanes1of12), load(&lanes5of12)
	o0 := c1.Mul(one).Add(c5.Mul(five)).Add(k3)
	o1 := c1.Sub(c3).Sub(c5).ShiftAllLeft(constBits)
	o2 := c1.Mul(five).Add(c5.Mul(one)).Sub(k3)
	return e0.Add(o0), e1.Add(o1), e2.Add(o2), e2.Sub(o2), e1.Sub(o1), e0.Sub(o0)
}

func dct7Lanes(c0, c1, c2, c3, c4, c5, c6 archsimd.Int32x8) (x0, x1, x2, x3, x4, x5, x6 archsimd.Int32x8) {
	k0 := c0.ShiftAllLeft(constBits)
	one, two, three := load(&lanes1of7), load(&lanes2of7), load(&lanes3of7)
	e0 := k0.Add(c2.Mul(one)).Add(c4.Mul(two)).Add(c6.Mul(three))
	e1 := k0.Add(c2.Mul(three)).Sub(c4.Mul(one)).Sub(c6.Mul(two))
	e2 := k0.Sub(c2.Mul(two)).Sub(c4.Mul(three)).Add(c6.Mul(one))
	one, three, five := load(&lanes1of14), load(&lanes3of14), load(&lanes5of14)
	o0 := c1.Mul(one).Add(c3.Mul(three)).Add(c5.Mul(five))
	o1 := c1.Mul(three).Sub(c3.Mul(five)).Sub(c5.Mul(one))
	o2 := c1.Mul(five).Sub(c3.Mul(one)).Add(c5.Mul(three))
	return e0.Add(o0), e1.Add(o1), e2.Add(o2), k0.Add(c4.Sub(c2).Sub(c6).Mul(load(&lanesRoot2))), e2.Sub(o2), e1.Sub(o1), e0.Sub(o0)
}

// dct8Lanes is a pass of idct8 without its shift.
func dct8Lanes(c0, c1, c2, c3, c4, c5, c6, c7 archsimd.Int32x8) (x0, x1, x2, x3, x4, x5, x6, x7 archsimd.Int32x8) {
	z := c2.Add(c6).Mul(load(&lanes0541))
	t2, t3 := z.Add(c6.Mul(load(&lanes1847))), z.Add(c2.Mul(load(&lanes0765)))
	k0, k4 := c0.ShiftAllLeft(constBits), c4.ShiftAllLeft(constBits)
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
