package jpeg

import (
	"encoding/binary"
	"math/bits"
)

// quantizer divides by the steps of a table, rounding half away from zero. Nearly all
// coefficients become 0, so four at a time are asked whether any does not.
type quantizer struct {
	// For each four coefficients of coefs, in lanes of 16 bits: adding above to
	// them, or subtracting them from below, sets the high bit of a lane if its
	// coefficient is at least half a step above, or below, zero.
	above, below [16]uint64
	step         [64]uint32 // eight times the steps, as fdct makes eight times the coefficients
	recip        [64]uint32 // ceil(2^32 / step): exact for what is below 2^20
}

// newQuantizer takes steps in rows of eight.
func newQuantizer(steps *[64]uint16) *quantizer {
	q := new(quantizer)
	for i, s := range steps {
		q.step[i] = 8 * uint32(s)
		q.recip[i] = uint32((1<<32 + uint64(q.step[i]) - 1) / uint64(q.step[i]))
		half := uint64(4 * s)
		q.above[i/4] |= (1<<15 - coefBias - half) << (i % 4 * 16)
		q.below[i/4] |= (1<<15 + coefBias - half) << (i % 4 * 16)
	}
	return q
}

// quantizeWords writes to c, in zig-zag order, the first coefficient and those that do
// not become 0, and returns which those are.
func (q *quantizer) quantizeWords(z *coefs, c *[64]int32) (nz uint64) {
	c[0] = q.divide(z, 0)
	for i := range q.above {
		v := binary.LittleEndian.Uint64(z[8*i:])
		for m := ((v + q.above[i]) | (q.below[i] - v)) & 0x8000800080008000; m != 0; m &= m - 1 {
			p := uint(4*i + bits.TrailingZeros64(m)>>4)
			k := zigzag[p&63] & 63
			c[k] = q.divide(z, p)
			nz |= 1 << k
		}
	}
	return nz
}

func (q *quantizer) divide(z *coefs, p uint) int32 {
	v := z.at(p)
	s := v >> 31
	a := uint32((v^s)-s) + q.step[p&63]/2
	a = uint32(uint64(a) * uint64(q.recip[p&63]) >> 32)
	return (int32(a) ^ s) - s
}
