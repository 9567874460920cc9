//go:build goexperiment.simd && amd64

package jpeg

import (
	"math/bits"
	"simd/archsimd"
)

// quantize is quantizeWords, by vectors if the processor has AVX2.
func (q *quantizer) quantize(z *coefs, c *[64]int32) (nz uint64) {
	if avx2 {
		return q.quantizeVector(z, c)
	}
	return q.quantizeWords(z, c)
}

// vectorSteps divides 16 coefficients at a time. For a step s, from 1 to 255, with
// s ≤ 2^L and r = ceil(2^(15+L) / s), which has 16 bits,
//
//	floor(n / 8s) = floor(n·r / 2^(18+L))  for n below 2^15
//
// since r·8s exceeds 2^(18+L) by less than 8s, which times n is less than 2^(18+L).
// The upper half of a product of 16 bits is the division by 2^16, and the upper half of
// that times 2^(14−L) the one by 2^(2+L), which differs from lane to lane.
type vectorSteps struct{ half, recip, scale [64]uint16 }

func (v *vectorSteps) set(i int, s uint16) {
	l := bits.Len16(s - 1)
	v.half[i] = 4 * s
	v.recip[i] = uint16((1<<(15+l) + uint32(s) - 1) / uint32(s))
	v.scale[i] = 1 << (14 - l)
}

// quantizeVector is quantizeWords by vectors: it divides all coefficients, finds those
// that are not 0, and copies only them. Their number is what no processor predicts, so
// there is one loop for all 64.
func (q *quantizer) quantizeVector(z *coefs, c *[64]int32) (nz uint64) {
	var level [64]int16
	bias := archsimd.LoadInt16x16(&lanesBias)
	m0, m1 := q.sixteen(z, &level, 0, bias), q.sixteen(z, &level, 1, bias)
	m2, m3 := q.sixteen(z, &level, 2, bias), q.sixteen(z, &level, 3, bias)
	archsimd.ClearAVXUpperBits()
	c[0] = q.divide(z, 0)
	// Bit 2i+1 of m0 is coefficient i, that of m1 coefficient 16+i.
	found := uint64(m0>>1|m1) | uint64(m2>>1|m3)<<32
	for ; found != 0; found &= found - 1 {
		at := vectorFound[bits.TrailingZeros64(found)&63]
		c[at.k&63] = int32(level[at.p&63])
		nz |= 1 << (at.k & 63)
	}
	return nz
}

// vectorFound maps a bit of found to its coefficient, as foundAt does.
var vectorFound = func() (t [64]struct{ p, k uint8 }) {
	for b := range uint8(64) {
		p := b&^31 + b&1<<4 + b&31>>1
		t[b] = struct{ p, k uint8 }{p, zigzag[p]}
	}
	return
}()

// sixteen divides coefficients 16i to 16i+15 into level. Bit 2j+1 of m is set if the one
// with index j lies outside the dead zone.
func (q *quantizer) sixteen(z *coefs, level *[64]int16, i int, bias archsimd.Int16x16) (m uint32) {
	v := archsimd.LoadUint8x32((*[32]uint8)(z[32*i : 32*i+32])).AsUint16x16()
	above := archsimd.LoadUint64x4((*[4]uint64)(q.above[4*i : 4*i+4])).AsUint16x16()
	below := archsimd.LoadUint64x4((*[4]uint64)(q.below[4*i : 4*i+4])).AsUint16x16()
	half := archsimd.LoadUint16x16((*[16]uint16)(q.half[16*i : 16*i+16]))
	recip := archsimd.LoadUint16x16((*[16]uint16)(q.vectorSteps.recip[16*i : 16*i+16]))
	scale := archsimd.LoadUint16x16((*[16]uint16)(q.scale[16*i : 16*i+16]))
	d := v.AsInt16x16().Sub(bias)
	d.Abs().AsUint16x16().Add(half).MulHigh(recip).MulHigh(scale).AsInt16x16().CopySign(d).
		Store((*[16]int16)(level[16*i : 16*i+16]))
	// ToBits gives the sign of each byte; of a 16-bit number the second counts.
	var zero archsimd.Int8x32
	return v.Add(above).Or(below.Sub(v)).AsInt8x32().Less(zero).ToBits() & 0xaaaaaaaa
}
