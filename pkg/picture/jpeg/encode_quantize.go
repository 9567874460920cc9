package jpeg

import "encoding/binary"

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
	// The high bits of word i go to bits i, 16+i, 32+i and 48+i: all are asked before
	// any is looked at, as each look is a branch that nobody can foresee.
	var found uint64
	for i := range q.above {
		v := binary.LittleEndian.Uint64(z[8*i:])
		found |= ((v + q.above[i]) | (q.below[i] - v)) & 0x8000800080008000 >> (15 - i)
	}
	for ; found != 0; found &= found - 1 {
		at := foundAt[lowBit(found)&63]
		c[at.k&63] = q.divide(z, uint(at.p))
		nz |= 1 << (at.k & 63)
	}
	return nz
}

// foundAt is, by lowBit, which coefficient a bit of quantizeWords stands for: its place
// in rows of eight, and its position in zig-zag order.
var foundAt = func() (t [64]struct{ p, k uint8 }) {
	for b := range uint(64) {
		p := uint8(b&15<<2 | b>>4)
		t[lowBit(1<<b)] = struct{ p, k uint8 }{p, zigzag[p]}
	}
	return
}()

// lowBit is a number below 64 for each place that the lowest bit set in v can have (C.
// Leiserson, H. Prokop and K. Randall, "Using de Bruijn Sequences to Index a 1 in a
// Computer Word", 1998). With a table behind it, it stands for bits.TrailingZeros64,
// which on many processors is slow in a program for all amd64.
func lowBit(v uint64) uint64 { return (v & -v) * 0x03f79d71b4ca8b09 >> 58 }

// lowBitAt is the place of the lowest bit, by lowBit.
var lowBitAt = func() (t [64]uint8) {
	for b := range uint8(64) {
		t[lowBit(1<<b)] = b
	}
	return
}()

func (q *quantizer) divide(z *coefs, p uint) int32 {
	v := z.at(p)
	s := v >> 31
	a := uint32((v^s)-s) + q.step[p&63]/2
	a = uint32(uint64(a) * uint64(q.recip[p&63]) >> 32)
	return (int32(a) ^ s) - s
}
