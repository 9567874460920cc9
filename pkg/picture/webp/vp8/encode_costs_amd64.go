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
)

func rateLanes(levels *lanes, l *laneCosts, first int, context *[16]uint8, rate *[16]uint16) {
	if !avx2 {
		ratePlain(levels, l, first, context, rate)
		return
	}
	// From the last position with a level that is not 0, and the one behind it, which may
	// be the end of a block, down: so it is known where a block has ended. Behind that
	// every cost is 0.
	last := 16
	for last > first && load(&levels[zigzag[last-1]]).IsZero() {
		last--
	}
	upper, end := load(&lanesUpper), load(&lanesEnd)
	two, three, fifteen := load(&lanes2), load(&lanes3), load(&lanes15)
	var zero, sum, any lanes16
	ended := zero.Equal(zero)
	k := min(last, 15)
	v := load(&levels[zigzag[k]]).Abs()
	for {
		ended = ended.And(v.Equal(zero))
		before := archsimd.LoadUint8x16(context).ExtendToUint16().AsInt16x16()
		if k > first {
			before = load(&levels[zigzag[k-1]]).Abs()
		}
		ctx := before.Min(two)
		at := ctx.Add(end).Merge(ctx.ShiftAllLeft(2).Add(v.Min(three)), ended).Or(upper)
		// The upper bytes of numbers look up entry 0 of more and of most, which is 0.
		sum = sum.Add(lookUp(&l.base[k], at)).Add(lookUp(&l.more[k], v.Min(fifteen)))
		any = any.Or(v)
		if k == first {
			break
		}
		k, v = k-1, before
	}
	if !any.ShiftAllRight(4).IsZero() {
		for k := first; k < last; k++ {
			v := load(&levels[zigzag[k]]).Abs()
			sum = sum.Add(lookUp(&l.most, v.ShiftAllRight(4).Min(fifteen)))
		}
	}
	sum.AsUint16x16().Store(rate)
	archsimd.ClearAVXUpperBits()
}

// cheapest sets the least score of two blocks, and the first mode that has it: see
// cheapestPlain.
func cheapest(scores *[2]int32, best *[2]int, dist *[16]int32, rate *[16]uint16, costs *[2]*[triedModes]uint16, s *segment) {
	if !avx2 {
		cheapestPlain(scores, best, dist, rate, costs, s)
		return
	}
	lambda := archsimd.LoadInt32x8(&s.lambdas)
	first, second := scoresOf(dist[:8], rate[:8], costs[0], lambda), scoresOf(dist[8:], rate[8:], costs[1], lambda)
	x, y := first.GetLo().Min(first.GetHi()), second.GetLo().Min(second.GetHi())
	z := x.InterleaveLo(y).Min(x.InterleaveHi(y)) // x y x y
	z = z.Min(z.AsInt64x2().InterleaveHi(z.AsInt64x2()).AsInt32x4())
	other := z.PermuteScalars(1, 1, 1, 1)
	scores[0], scores[1] = z.GetElem(0), z.GetElem(1)
	best[0] = bits.TrailingZeros8(first.Equal(z.Broadcast1To8()).ToBits())
	best[1] = bits.TrailingZeros8(second.Equal(other.Broadcast1To8()).ToBits())
	archsimd.ClearAVXUpperBits()
}

// scoresOf returns the scores of a block in 8 modes: 256·error + λ·rate.
func scoresOf(dist []int32, rate []uint16, costs *[triedModes]uint16, lambda archsimd.Int32x8) archsimd.Int32x8 {
	r := archsimd.LoadUint16x8((*[8]uint16)(rate)).Add(archsimd.LoadUint16x8(costs))
	d := archsimd.LoadInt32x8((*[8]int32)(dist)).ShiftAllLeft(8)
	return d.Add(r.ExtendToUint32().AsInt32x8().Mul(lambda))
}

// lookUp returns the entries of a table, which stands there twice.
func lookUp(table *[32]uint8, at lanes16) lanes16 {
	return archsimd.LoadUint8x32(table).PermuteOrZeroGrouped(at.AsInt8x32()).AsInt16x16()
}
