//go:build goexperiment.simd && amd64

package vp8

import "simd/archsimd"

var (
	lanes2  = lanesOf(2)
	lanes3  = lanesOf(3)
	lanes15 = lanesOf(15)
	// A look-up takes an index in each byte, and gives 0 where bit 7 is set.
	lanesUpper = lanesOf(-1 << 15)
	lanesEnd   = lanesOf(12)
	// lanesCount[k] is k in all lanes.
	lanesCount = func() (t [17][16]int16) {
		for k := range t {
			t[k] = lanesOf(int16(k))
		}
		return
	}()
)

func rateLanes(levels *lanes, l *laneCosts, first int, context *[16]uint8, rate *[16]uint16) {
	if !avx2 {
		ratePlain(levels, l, first, context, rate)
		return
	}
	// count is the number of levels up to the last that is not 0.
	var zero, count, any lanes16
	for k := first; k < 16; k++ {
		v := load(&levels[zigzag[k]])
		any = any.Or(v.Abs())
		count = count.Max(load(&lanesCount[k+1]).AndNot(v.Equal(zero).ToInt16x16()))
	}
	large := !any.ShiftAllRight(4).IsZero()
	upper, end := load(&lanesUpper), load(&lanesEnd)
	two, three, fifteen := load(&lanes2), load(&lanes3), load(&lanes15)
	ctx := archsimd.LoadUint8x16(context).ExtendToUint16().AsInt16x16()
	var sum lanes16
	for k := first; k < 16; k++ {
		v := load(&levels[zigzag[k]]).Abs()
		on := count.Greater(load(&lanesCount[k]))
		at := ctx.ShiftAllLeft(2).Add(v.Min(three)).Merge(ctx.Add(end), on).Or(upper)
		sum = sum.Add(lookUp(&l.base[k], at)).Add(lookUp(&l.more[k], v.Min(fifteen).Or(upper)))
		if large {
			sum = sum.Add(lookUp(&l.most, v.ShiftAllRight(4).Min(fifteen).Or(upper)))
		}
		ctx = v.Min(two)
		if on.ToInt16x16().IsZero() {
			break
		}
	}
	sum.AsUint16x16().Store(rate)
	archsimd.ClearAVXUpperBits()
}

// lookUp returns the entries of a table, which stands there twice.
func lookUp(table *[32]uint8, at lanes16) lanes16 {
	return archsimd.LoadUint8x32(table).PermuteOrZeroGrouped(at.AsInt8x32()).AsInt16x16()
}
