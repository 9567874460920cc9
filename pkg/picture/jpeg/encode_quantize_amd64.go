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

// quantizeVector is quantizeWords with tests of sixteen coefficients at a time.
func (q *quantizer) quantizeVector(z *coefs, c *[64]int32) (nz uint64) {
	c[0] = q.divide(z, 0)
	for i := 0; i < 64; i += 16 {
		v := archsimd.LoadUint8x32((*[32]uint8)(z[2*i : 2*i+32])).AsUint16x16()
		above := archsimd.LoadUint64x4((*[4]uint64)(q.above[i/4 : i/4+4])).AsUint16x16()
		below := archsimd.LoadUint64x4((*[4]uint64)(q.below[i/4 : i/4+4])).AsUint16x16()
		// ToBits gives the sign of each byte; of a 16-bit number the second counts.
		var zero archsimd.Int8x32
		m := v.Add(above).Or(below.Sub(v)).AsInt8x32().Less(zero).ToBits() & 0xaaaaaaaa
		for ; m != 0; m &= m - 1 {
			p := uint(i + bits.TrailingZeros32(m)>>1)
			k := zigzag[p&63] & 63
			c[k] = q.divide(z, p)
			nz |= 1 << k
		}
	}
	archsimd.ClearAVXUpperBits()
	return nz
}
