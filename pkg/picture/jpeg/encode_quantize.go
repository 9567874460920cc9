package jpeg

import "encoding/binary"

// quantizer divides coefficients by the steps of a table, rounding half away from
// zero, except that an AC coefficient in the dead zone around zero becomes 0. Nearly all
// coefficients become 0, so the plain code first tests four at a time for those that do
// not.
type quantizer struct {
	// The test of four coefficients z in one word, 16 bits each: the high bit of a
	// coefficient's 16 bits in z+above is set if it lies above the dead zone, in below-z
	// if it lies below.
	above, below [16]uint64
	step         [64]uint32 // times 8, as coefs are
	recip        [64]uint32 // ceil(2^32 / step); v*recip>>32 is exact for v below 2^20
	vectorSteps
}

// levels is a quantized block, in zig-zag order. Only coefficient 0 and those with a bit
// in nz are set.
type levels struct {
	level [64]int16 // coefficient ÷ step
	size  [64]int16 // |coefficient| times 8, before

	// Bit k is about coefficient k; bit 0, the DC value's, is not set.
	nz   uint64 // not 0
	ones uint64 // 1 or -1
	up   uint64 // 2, 4, 8, … or their negatives, and |coefficient| was rounded up

	energy int64 // the sum of the squares of size, of those in nz
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
		q.vectorSteps.set(int(zigzag[i]), s, least)
	}
	return q
}

// quantizeWords quantizes the block z.
func (q *quantizer) quantizeWords(z *coefs, b *levels) {
	b.nz, b.ones, b.up, b.energy = 0, 0, 0, 0
	// The high bits of word i go to bits i, 16+i, 32+i and 48+i of found. Whether a
	// coefficient is zero is a branch that no processor predicts, so all 16 words
	// are tested before the first branch.
	var found uint64
	for i := range q.above {
		v := binary.LittleEndian.Uint64(z[8*i:])
		found |= ((v + q.above[i]) | (q.below[i] - v)) & 0x8000800080008000 >> (15 - i)
	}
	q.divide(z, b, 0)
	for found &^= 1; found != 0; found &= found - 1 {
		p := uint(foundAt[lowBit(found)&63]) & 63
		size, level := q.divide(z, b, p)
		k := zigzag[p] & 63
		b.energy += int64(size) * int64(size)
		b.nz |= 1 << k
		// The sign bit of each is set where the condition holds.
		b.ones |= uint64(level-2) >> 63 << k
		b.up |= uint64((level&(level-1)-1)&(size-level*int(q.step[p]))&(1-level)) >> 63 << k
	}
}

// foundAt maps a bit of found, by lowBit, to its coefficient's place in rows of eight.
var foundAt = func() (t [64]uint8) {
	for b := range uint(64) {
		t[lowBit(1<<b)] = uint8(b&15<<2 | b>>4)
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

// divide sets coefficient p, in rows of eight, of b. It returns its size and |level|.
func (q *quantizer) divide(z *coefs, b *levels, p uint) (size, level int) {
	v := int(z.at(p))
	sign := v >> 63
	size = (v ^ sign) - sign
	level = int(uint64(size+int(q.step[p&63]/2)) * uint64(q.recip[p&63]) >> 32)
	k := zigzag[p&63] & 63
	b.size[k] = int16(size)
	b.level[k] = int16((level ^ sign) - sign)
	return size, level
}
