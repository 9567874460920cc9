package jpeg

import "encoding/binary"

// quantizer divides coefficients by the steps of a table, rounding half away from
// zero, except that an AC coefficient in the dead zone around zero becomes 0. Nearly all
// coefficients become 0, so it first tests four at a time for those that do not.
type quantizer struct {
	// The test of four coefficients z in one word, 16 bits each: the high bit of a
	// coefficient's 16 bits in z+above is set if it lies above the dead zone, in below-z
	// if it lies below.
	above, below [16]uint64
	step         [64]uint32 // times 8, as coefs are
	recip        [64]uint32 // ceil(2^32 / step); v*recip>>32 is exact for v below 2^20
	vectorSteps
}

// plainRounding is the half width of a dead zone that only rounds.
const plainRounding = 500

// deadZone returns the half width of the dead zone of AC coefficients, in thousandths of
// a step. A coefficient of 0.5 to 0.65 of a step costs more bits than its error is worth:
// without it a file of the same PSNR or SSIM is 4 to 12 % smaller. From quality 85 to 95
// the dead zone shrinks to plain rounding, because a picture coded again at 95 must not
// lose by it.
func deadZone(quality int) int {
	const wide, wideTo, plainFrom = 650, 85, 95
	q := min(max(quality, wideTo), plainFrom)
	return wide - (wide-plainRounding)*(q-wideTo)/(plainFrom-wideTo)
}

// newQuantizer takes steps in rows of eight, and a dead zone of at least 500 thousandths
// of a step.
func newQuantizer(steps *[64]uint16, dead int) *quantizer {
	q := new(quantizer)
	for i, s := range steps {
		q.step[i] = 8 * uint32(s)
		q.recip[i] = uint32((1<<32 + uint64(q.step[i]) - 1) / uint64(q.step[i]))
		least := (uint64(q.step[i])*uint64(dead) + 999) / 1000 // that is not 0
		q.above[i/4] |= (1<<15 - coefBias - least) << (i % 4 * 16)
		q.below[i/4] |= (1<<15 + coefBias - least) << (i % 4 * 16)
		q.vectorSteps.set(i, s)
	}
	return q
}

// quantizeWords writes the quantized coefficients to c, in zig-zag order. Bit k of nz
// is set if coefficient k is not 0. Of those that are 0 only the first is written.
func (q *quantizer) quantizeWords(z *coefs, c *[64]int32) (nz uint64) {
	c[0] = q.divide(z, 0)
	// The high bits of word i go to bits i, 16+i, 32+i and 48+i of found. Whether a
	// coefficient is zero is a branch that no processor predicts, so all 16 words
	// are tested before the first branch.
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

// foundAt maps a bit of found, by lowBit, to its coefficient: p is its place in rows
// of eight, k its position in zig-zag order.
var foundAt = func() (t [64]struct{ p, k uint8 }) {
	for b := range uint(64) {
		p := uint8(b&15<<2 | b>>4)
		t[lowBit(1<<b)] = struct{ p, k uint8 }{p, zigzag[p]}
	}
	return
}()

// lowBit maps the lowest bit set in v to a number below 64, a different one for each
// bit (C. Leiserson, H. Prokop and K. Randall, "Using de Bruijn Sequences to Index a 1
// in a Computer Word", 1998). A table indexed by it replaces bits.TrailingZeros64,
// which is slow on many processors in a program built for every amd64.
func lowBit(v uint64) uint64 { return (v & -v) * 0x03f79d71b4ca8b09 >> 58 }

// lowBitAt[lowBit(v)] is bits.TrailingZeros64(v).
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
