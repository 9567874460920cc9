//go:build goexperiment.simd && amd64

package vp8l

import "simd/archsimd"

var avx2 = archsimd.X86.AVX2()

// Constants of the vector code. They are loaded, since other ways to make a vector may be
// compiled to instructions of SSE, which are slow among those of AVX.
var (
	eachByte1    = bytes32(1)
	eachByte15   = bytes32(15)
	eachByte127  = bytes32(127)
	eachInt8One  = [32]int8{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
	eachInt16One = [16]int16{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
	// What a difference costs: by its size if that is below 16, or by the size's high bits.
	smallCosts = costBytes(func(i int) int { return i })
	largeCosts = costBytes(func(i int) int { return min(16*i, 127) })
)

func bytes32(v uint8) (b [32]uint8) {
	for i := range b {
		b[i] = v
	}
	return b
}

// costBytes returns residualBits of 16 sizes, once for each half of a vector.
func costBytes(size func(i int) int) (b [32]uint8) {
	for i := range b {
		b[i] = uint8(residualBits[size(i&15)])
	}
	return b
}

// greenToOthers moves green to the places of blue and red, and 0 to the others.
var greenToOthers = [32]int8{
	1, -1, 1, -1, 5, -1, 5, -1, 9, -1, 9, -1, 13, -1, 13, -1,
	1, -1, 1, -1, 5, -1, 5, -1, 9, -1, 9, -1, 13, -1, 13, -1,
}

// vectorSubtractGreen is subtractGreen for eight pixels at a time. It returns how many it
// did.
func vectorSubtractGreen(px []uint32) int {
	if !avx2 || len(px) < 8 {
		return 0
	}
	green := archsimd.LoadInt8x32(&greenToOthers)
	i := 0
	for ; i+8 <= len(px); i += 8 {
		v := load(px, i)
		store(px, i, v.Sub(v.PermuteOrZeroGrouped(green)))
	}
	archsimd.ClearAVXUpperBits()
	return i
}

type vector = archsimd.Uint8x32

func load(px []uint32, i int) vector {
	return archsimd.LoadUint32x8Slice(px[i : i+8 : i+8]).AsUint8x32()
}

func store(px []uint32, i int, v vector) { v.AsUint32x8().StoreSlice(px[i : i+8 : i+8]) }

// vectorResiduals is residuals for eight pixels at a time. It returns how many it did.
func vectorResiduals(mode int, dst, cur, above []uint32) int {
	n := len(dst)
	if !avx2 || n < 8 {
		return 0
	}
	left, px := cur[:n], cur[1:n+1]
	tl, t, tr := above[:n], above[1:n+1], above[2:n+2]
	one, low7 := archsimd.LoadUint8x32(&eachByte1), archsimd.LoadUint8x32(&eachByte127)
	i := 0
	switch mode {
	case 1:
		for ; i+8 <= n; i += 8 {
			store(dst, i, load(px, i).Sub(load(left, i)))
		}
	case 2:
		for ; i+8 <= n; i += 8 {
			store(dst, i, load(px, i).Sub(load(t, i)))
		}
	case 3:
		for ; i+8 <= n; i += 8 {
			store(dst, i, load(px, i).Sub(load(tr, i)))
		}
	case 4:
		for ; i+8 <= n; i += 8 {
			store(dst, i, load(px, i).Sub(load(tl, i)))
		}
	case 5:
		for ; i+8 <= n; i += 8 {
			store(dst, i, load(px, i).Sub(mean(mean(load(left, i), load(tr, i), one), load(t, i), one)))
		}
	case 6:
		for ; i+8 <= n; i += 8 {
			store(dst, i, load(px, i).Sub(mean(load(left, i), load(tl, i), one)))
		}
	case 7:
		for ; i+8 <= n; i += 8 {
			store(dst, i, load(px, i).Sub(mean(load(left, i), load(t, i), one)))
		}
	case 8:
		for ; i+8 <= n; i += 8 {
			store(dst, i, load(px, i).Sub(mean(load(tl, i), load(t, i), one)))
		}
	case 9:
		for ; i+8 <= n; i += 8 {
			store(dst, i, load(px, i).Sub(mean(load(t, i), load(tr, i), one)))
		}
	case 10:
		for ; i+8 <= n; i += 8 {
			store(dst, i, load(px, i).Sub(mean(mean(load(left, i), load(tl, i), one), mean(load(t, i), load(tr, i), one), one)))
		}
	case 11:
		ones8, ones16 := archsimd.LoadInt8x32(&eachInt8One), archsimd.LoadInt16x16(&eachInt16One)
		for ; i+8 <= n; i += 8 {
			l, u, c := load(left, i), load(t, i), load(tl, i)
			// Sums of the four bytes of each pixel.
			toL := distances8(u, c).DotProductPairsSaturated(ones8).DotProductPairs(ones16)
			toT := distances8(l, c).DotProductPairsSaturated(ones8).DotProductPairs(ones16)
			isL := toT.Greater(toL).ToInt32x8().AsUint8x32()
			store(dst, i, load(px, i).Sub(l.And(isL).Or(u.AndNot(isL))))
		}
	case 12:
		for ; i+8 <= n; i += 8 {
			l, u, c := load(left, i), load(t, i), load(tl, i)
			// One of the two differences is 0. So the sum is clamped at one end only.
			p := l.AddSaturated(u.SubSaturated(c)).SubSaturated(c.SubSaturated(u))
			store(dst, i, load(px, i).Sub(p))
		}
	case 13:
		for ; i+8 <= n; i += 8 {
			a, c := mean(load(left, i), load(t, i), one), load(tl, i)
			p := a.AddSaturated(half(a.SubSaturated(c), low7)).SubSaturated(half(c.SubSaturated(a), low7))
			store(dst, i, load(px, i).Sub(p))
		}
	}
	archsimd.ClearAVXUpperBits()
	return i
}

// mean returns means rounded down; those of the instruction are rounded up.
func mean(a, b, one vector) vector { return a.Average(b).Sub(a.Xor(b).And(one)) }

// distances8 returns absolute differences.
func distances8(a, b vector) vector { return a.SubSaturated(b).Or(b.SubSaturated(a)) }

// half returns the bytes divided by 2. It shifts pairs of bytes, and then removes what came
// from the neighbour.
func half(a, low7 vector) vector {
	return a.AsInt16x16().ShiftAllRight(1).AsUint8x32().And(low7)
}

// vectorCost is predictor.cost for eight pixels at a time, of all four bytes. It returns
// how many pixels it did and what they cost. The size of a difference is that of its byte,
// taken as signed; a table of 16 bytes is looked up in one instruction.
func vectorCost(px []uint32) (n int, sum uint64) {
	if !avx2 || len(px) < 8 {
		return 0, 0
	}
	var none vector
	low4, low7 := archsimd.LoadUint8x32(&eachByte15), archsimd.LoadUint8x32(&eachByte127)
	small, large := archsimd.LoadUint8x32(&smallCosts), archsimd.LoadUint8x32(&largeCosts)
	total := none.AsUint64x4()
	for ; n+8 <= len(px); n += 8 {
		v := load(px, n)
		size := v.Min(none.Sub(v)).Min(low7)
		high := size.AsInt16x16().ShiftAllRight(4).AsUint8x32().And(low4)
		isSmall := high.Equal(none).ToInt8x32().AsUint8x32()
		cost := small.PermuteOrZeroGrouped(size.And(low4).AsInt8x32()).And(isSmall).
			Or(large.PermuteOrZeroGrouped(high.AsInt8x32()).AndNot(isSmall))
		total = total.Add(cost.SumAbsDiff(none).AsUint64x4())
	}
	var sums [4]uint64
	total.Store(&sums)
	archsimd.ClearAVXUpperBits()
	return n, sums[0] + sums[1] + sums[2] + sums[3]
}
