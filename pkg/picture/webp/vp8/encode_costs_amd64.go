//go:build goexperiment.simd && amd64

package vp8

import (
	"math/bits"
	"simd/archsimd"
)

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

// cheapest returns the least score of two blocks, and the first mode that has it: see
// cheapestPlain.
func cheapest(dist *[16]int32, rate *[16]uint16, costs *[2]*[triedModes]uint16, s *segment) (scores [2]int32, best [2]int) {
	if !avx2 {
		return cheapestPlain(dist, rate, costs, s)
	}
	lambda := archsimd.LoadInt32x8(&s.lambdas)
	var all [2]archsimd.Int32x8
	for i := range all {
		r := archsimd.LoadUint16x8((*[8]uint16)(rate[8*i : 8*i+8])).Add(archsimd.LoadUint16x8(costs[i]))
		d := archsimd.LoadInt32x8((*[8]int32)(dist[8*i : 8*i+8])).ShiftAllLeft(8)
		all[i] = d.Add(r.ExtendToUint32().AsInt32x8().Mul(lambda))
	}
	x, y := all[0].GetLo().Min(all[0].GetHi()), all[1].GetLo().Min(all[1].GetHi())
	z := x.InterleaveLo(y).Min(x.InterleaveHi(y)) // x y x y
	z = z.Min(z.AsInt64x2().InterleaveHi(z.AsInt64x2()).AsInt32x4())
	other := z.PermuteScalars(1, 1, 1, 1)
	scores[0], scores[1] = z.GetElem(0), z.GetElem(1)
	best[0] = bits.TrailingZeros8(all[0].Equal(z.Broadcast1To8()).ToBits())
	best[1] = bits.TrailingZeros8(all[1].Equal(other.Broadcast1To8()).ToBits())
	archsimd.ClearAVXUpperBits()
	return scores, best
}

// lookUp returns the entries of a table, which stands there twice.
func lookUp(table *[32]uint8, at lanes16) lanes16 {
	return archsimd.LoadUint8x32(table).PermuteOrZeroGrouped(at.AsInt8x32()).AsInt16x16()
}
