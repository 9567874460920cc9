//go:build goexperiment.simd && amd64

package jpeg

import (
	"math/bits"
	"simd/archsimd"
)

// quantize is quantizeWords, by vectors if the processor has AVX2.
func (q *quantizer) quantize(z *coefs, b *levels) {
	if avx2 {
		q.quantizeVector(z, b)
	} else {
		q.quantizeWords(z, b)
	}
}

// vectorSteps divides 16 coefficients at a time. For a step s, from 1 to 255, with
// s ≤ 2^L and r = ceil(2^(15+L) / s), which has 16 bits,
//
//	floor(n / 8s) = floor(n·r / 2^(18+L))  for n below 2^15
//
// since r·8s exceeds 2^(18+L) by less than 8s, which times n is less than 2^(18+L).
// The upper half of a product of 16 bits is the division by 2^16, and the upper half of
// that times 2^(14−L) the one by 2^(2+L), which differs from lane to lane.
//
// The steps lie as the coefficients do that vector code has put in zig-zag order: one
// vector has coefficients 0 to 7 and 16 to 23, the next 8 to 15 and 24 to 31, and so for
// 32 to 63. Bits of the bytes of two then become 32 bits in order; see signs.
type vectorSteps struct {
	round, recip, scale [64]uint16
	whole               [64]int16 // the step, times 8
	under               [64]int16 // the largest size that becomes 0
}

// set sets the step of coefficient k in zig-zag order, and the least size that is not 0.
func (v *vectorSteps) set(k int, s uint16, least uint64) {
	l := bits.Len16(s - 1)
	i := k&^24 | k&8<<1 | k&16>>1
	v.round[i] = 4 * s
	v.recip[i] = uint16((1<<(15+l) + uint32(s) - 1) / uint32(s))
	v.scale[i] = 1 << (14 - l)
	v.whole[i] = int16(8 * s)
	v.under[i] = int16(least - 1)
}

// quantizeVector is quantizeWords by vectors, of all 64 coefficients.
//
// First it puts them in zig-zag order. A pair of rows is one vector: rows 0 and 7, 1 and
// 6, and so on. Since the order is the same from both ends, 8 coefficients from its
// beginning and the 8 that lie as far from its end come from the same pairs, by the
// shuffles of zigzagBytes.
func (q *quantizer) quantizeVector(z *coefs, b *levels) {
	bias := archsimd.LoadInt16x16(&lanesBias)
	load := func(i int) archsimd.Int16x16 {
		return archsimd.LoadUint8x32((*[32]uint8)(z[i : i+32])).AsUint16x16().AsInt16x16().Sub(bias)
	}
	r01, r23, r45, r67 := load(0), load(32), load(64), load(96)
	r07, r16 := r01.Select128FromPair(0, 3, r67), r01.Select128FromPair(1, 2, r67)
	r25, r34 := r23.Select128FromPair(0, 3, r45), r23.Select128FromPair(1, 2, r45)
	r43, r52, r61 := r34.Select128FromPair(1, 0, r34), r25.Select128FromPair(1, 0, r25), r16.Select128FromPair(1, 0, r16)
	t := &zigzagBytes
	first := pick(r07, &t[0][0]).Or(pick(r16, &t[0][1])).Or(pick(r25, &t[0][2])) // 0 to 7, 56 to 63
	second := pick(r07, &t[1][0]).Or(pick(r16, &t[1][1])).Or(pick(r25, &t[1][2])).Or(pick(r34, &t[1][3])).Or(pick(r43, &t[1][4]))
	third := pick(r16, &t[2][1]).Or(pick(r25, &t[2][2])).Or(pick(r34, &t[2][3])).Or(pick(r43, &t[2][4])).Or(pick(r52, &t[2][5])).Or(pick(r61, &t[2][6]))
	fourth := pick(r07, &t[3][0]).Or(pick(r16, &t[3][1])).Or(pick(r25, &t[3][2])).Or(pick(r34, &t[3][3]))

	nz, ones, up, e0 := q.half(b, 0, first.Select128FromPair(0, 2, third), second.Select128FromPair(0, 2, fourth))
	b.nz, b.ones, b.up = uint64(nz), uint64(ones), uint64(up)
	nz, ones, up, e1 := q.half(b, 32, fourth.Select128FromPair(1, 3, second), third.Select128FromPair(1, 3, first))
	var sum [8]int32
	e0.Add(e1).Store(&sum)
	archsimd.ClearAVXUpperBits()
	b.nz |= uint64(nz) << 32
	dc := int64(b.size[0]) * int64(b.size[0]) * int64(b.nz&1)
	b.energy = int64(sum[0]+sum[1]+(sum[2]+sum[3])+(sum[4]+sum[5]+(sum[6]+sum[7]))) - dc
	b.nz &^= 1
	b.ones = b.nz & (b.ones | uint64(ones)<<32)
	b.up = b.nz &^ b.ones & (b.up | uint64(up)<<32)
}

// pick moves bytes within each half.
func pick(v archsimd.Int16x16, bytes *[32]int8) archsimd.Int16x16 {
	return v.AsInt8x32().PermuteOrZeroGrouped(archsimd.LoadInt8x32(bytes)).AsInt16x16()
}

// zigzagBytes[i][j] takes from rows j and 7-j the coefficients 8i to 8i+7 in zig-zag
// order, into the lower half, and 56-8i to 63-8i, into the upper.
var zigzagBytes = func() (t [4][8][32]int8) {
	for i := range t {
		for j := range t[i] {
			for lane := range 16 {
				k, row := 8*i+lane, j
				if lane >= 8 {
					k, row = 56-8*i+lane-8, 7-j
				}
				low, high := int8(-1), int8(-1)
				if p := int(unzig[k]); p/8 == row {
					low = int8(2 * (p % 8))
					high = low + 1
				}
				t[i][j][2*lane], t[i][j][2*lane+1] = low, high
			}
		}
	}
	return
}()

// half quantizes coefficients k to k+31: those of c are k to k+7 and k+16 to k+23, those
// of d the others. Of the masks that levels has, ones and up may have bits that nz has
// not, and up those of ones. energy is the sum of the squares by fours.
func (q *quantizer) half(b *levels, k int, c, d archsimd.Int16x16) (nz, ones, up uint32, energy archsimd.Int32x8) {
	size0, level0, nz0, ones0, up0, e0 := q.sixteen(c, k)
	size1, level1, nz1, ones1, up1, e1 := q.sixteen(d, k+16)
	size0.Select128FromPair(0, 2, size1).StoreSlice(b.size[k : k+16])
	size0.Select128FromPair(1, 3, size1).StoreSlice(b.size[k+16 : k+32])
	level0.Select128FromPair(0, 2, level1).StoreSlice(b.level[k : k+16])
	level0.Select128FromPair(1, 3, level1).StoreSlice(b.level[k+16 : k+32])
	return signs(nz0, nz1), signs(ones0, ones1), signs(up0, up1), e0.Add(e1)
}

// sixteen quantizes the coefficients d, whose steps are from i on. The signs of nz, ones
// and up are the masks of half.
func (q *quantizer) sixteen(d archsimd.Int16x16, i int) (size, level, nz, ones, up archsimd.Int16x16, energy archsimd.Int32x8) {
	round := archsimd.LoadUint16x16((*[16]uint16)(q.round[i : i+16]))
	recip := archsimd.LoadUint16x16((*[16]uint16)(q.vectorSteps.recip[i : i+16]))
	scale := archsimd.LoadUint16x16((*[16]uint16)(q.scale[i : i+16]))
	whole, under := archsimd.LoadInt16x16((*[16]int16)(q.whole[i:i+16])), archsimd.LoadInt16x16((*[16]int16)(q.under[i:i+16]))
	one := archsimd.LoadInt16x16(&lanesOne)
	size = d.Abs()
	level = size.AsUint16x16().Add(round).MulHigh(recip).MulHigh(scale).AsInt16x16()
	nz = under.Sub(size)
	ones = level.Xor(one).Sub(one)
	up = size.Sub(level.Mul(whole)).And(level.And(level.Sub(one)).Sub(one))
	lost := d.And(nz.ShiftAllRight(15))
	return size, level.CopySign(d), nz, ones, up, lost.DotProductPairs(lost)
}

// signs returns the signs of 32 numbers: bits 0 to 7 are from the lower half of a, 8 to
// 15 from that of b, 16 to 23 from the upper half of a, 24 to 31 from that of b.
func signs(a, b archsimd.Int16x16) uint32 {
	var zero archsimd.Int8x32
	v := pick(a, &lowerBytes).Or(pick(b, &upperBytes))
	return v.AsInt8x32().Less(zero).ToBits()
}

var (
	// lowerBytes moves the upper bytes of numbers of 16 bits to the lower 8 bytes of each
	// half, upperBytes to the upper 8.
	lowerBytes = twiceBytes(1, 3, 5, 7, 9, 11, 13, 15, -1, -1, -1, -1, -1, -1, -1, -1)
	upperBytes = twiceBytes(-1, -1, -1, -1, -1, -1, -1, -1, 1, 3, 5, 7, 9, 11, 13, 15)
	lanesOne   = halves(1, 1, 1, 1)
)

// twiceBytes returns p in both halves.
func twiceBytes(p ...int8) (t [32]int8) {
	copy(t[copy(t[:], p):], p)
	return
}
