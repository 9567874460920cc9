package jpeg

import "encoding/binary"

// The forward DCT computes two 1-D transforms at once, in the two halves of an int64.
// We call the halves lanes. A DCT consists of sums and of products with constants, so
// it is linear: if it maps a to A and b to B, it maps a·2^32 + b to A·2^32 + B, as
// long as B fits in 32 bits. Only the rounding shift after each pass is not linear.
// Before a shift we add a bias that makes both lanes positive; then the low lane
// borrows nothing from the high one, and one shift and one mask divide both.
//
// The first pass transforms rows y and y+4 together, the second columns x and x+1.
// The bias of the first pass need not be removed between the passes. It is the same
// number in all eight rows, so in the second pass it only changes the coefficient of
// vertical frequency 0, and we subtract it there.

const (
	both = 1<<32 + 1 // v*both is v in both lanes

	// rowBias exceeds the size of every coefficient of the first pass except the
	// first: 128·8·2^passBits times 1.3. The first coefficient, a sum of samples
	// without the level shift, is never negative.
	rowBias = 1 << 13
	// coefBias is added to each coefficient of the result. Their size is below 2^14,
	// so with it they are positive numbers of 15 bits.
	coefBias = 1 << 14
)

// coefs is a transformed block: 64 coefficients in rows of eight, each times 8 and
// plus coefBias, as 16-bit little-endian numbers. Four of them load as one uint64.
type coefs [128]byte

// at returns coefficient p.
func (z *coefs) at(p uint) int32 {
	return int32(binary.LittleEndian.Uint16(z[2*p&127:])) - coefBias
}

// fdctWords transforms 8 rows of 8 samples, rows stride apart (T.81 A.3.3, with the
// level shift). It runs the steps of idct8 backwards.
func fdctWords(z *coefs, pix []uint8, stride int) {
	var t [32]uint64 // rows of four words: columns x, x+1
	for y := range 4 {
		a := (*[8]uint8)(pix[y*stride:])
		b := (*[8]uint8)(pix[(y+4)*stride:])
		p0, p7 := int64(a[0])|int64(b[0])<<32, int64(a[7])|int64(b[7])<<32
		p1, p6 := int64(a[1])|int64(b[1])<<32, int64(a[6])|int64(b[6])<<32
		p2, p5 := int64(a[2])|int64(b[2])<<32, int64(a[5])|int64(b[5])<<32
		p3, p4 := int64(a[3])|int64(b[3])<<32, int64(a[4])|int64(b[4])<<32
		s0, d0 := p0+p7, p0-p7
		s1, d1 := p1+p6, p1-p6
		s2, d2 := p2+p5, p2-p5
		s3, d3 := p3+p4, p3-p4

		const s = constBits - passBits
		const bias = (rowBias<<s + 1<<(s-1)) * both
		const mask = (1<<(32-s) - 1) * both

		e0, e1, e2, e3 := s0+s3, s1+s2, s1-s2, s0-s3
		c0 := uint64((e0 + e1) << passBits)
		c4 := uint64((e0-e1)<<passBits + rowBias*both)
		z := (e2+e3)*fix0_541196100 + bias
		c2 := uint64(z+e3*fix0_765366865) >> s & mask
		c6 := uint64(z-e2*fix1_847759065) >> s & mask

		z1, z2, z3, z4 := d3+d0, d2+d1, d3+d1, d2+d0
		z5 := (z3+z4)*fix1_175875602 + bias
		z1 *= -fix0_899976223
		z2 *= -fix2_562915447
		z3 = z5 - z3*fix1_961570560
		z4 = z5 - z4*fix0_390180644
		c7 := uint64(d3*fix0_298631336+z1+z3) >> s & mask
		c5 := uint64(d2*fix2_053119869+z2+z4) >> s & mask
		c3 := uint64(d1*fix3_072711026+z2+z3) >> s & mask
		c1 := uint64(d0*fix1_501321110+z1+z4) >> s & mask

		// Regroup: from two rows in a word to two columns in a word.
		const low = 1<<32 - 1
		u, v := (*[4]uint64)(t[4*y:]), (*[4]uint64)(t[4*y+16:])
		u[0], v[0] = c0&low|c1<<32, c0>>32|c1&^low
		u[1], v[1] = c2&low|c3<<32, c2>>32|c3&^low
		u[2], v[2] = c4&low|c5<<32, c4>>32|c5&^low
		u[3], v[3] = c6&low|c7<<32, c6>>32|c7&^low
	}
	// The second pass must subtract from the first coefficient of each column what
	// the first pass added: in column 0 the missing level shift, elsewhere rowBias.
	const shifted, biased = 64 * 128 << passBits, 8 * rowBias
	dc := int64(coefBias<<passBits+1<<(passBits-1))*both - (shifted + biased<<32)
	for x := range 4 {
		p0, p1, p2, p3 := int64(t[x]), int64(t[x+4]), int64(t[x+8]), int64(t[x+12])
		p4, p5, p6, p7 := int64(t[x+16]), int64(t[x+20]), int64(t[x+24]), int64(t[x+28])
		s0, d0 := p0+p7, p0-p7
		s1, d1 := p1+p6, p1-p6
		s2, d2 := p2+p5, p2-p5
		s3, d3 := p3+p4, p3-p4

		const s = constBits + passBits
		const bias = (coefBias<<s + 1<<(s-1)) * both

		e0, e1, e2, e3 := s0+s3, s1+s2, s1-s2, s0-s3
		z.put(0, x, uint64(e0+e1+dc)>>passBits)
		z.put(4, x, uint64(e0-e1+(coefBias<<passBits+1<<(passBits-1))*both)>>passBits)
		w := (e2+e3)*fix0_541196100 + bias
		z.put(2, x, uint64(w+e3*fix0_765366865)>>s)
		z.put(6, x, uint64(w-e2*fix1_847759065)>>s)

		z1, z2, z3, z4 := d3+d0, d2+d1, d3+d1, d2+d0
		z5 := (z3+z4)*fix1_175875602 + bias
		z1 *= -fix0_899976223
		z2 *= -fix2_562915447
		z3 = z5 - z3*fix1_961570560
		z4 = z5 - z4*fix0_390180644
		z.put(7, x, uint64(d3*fix0_298631336+z1+z3)>>s)
		z.put(5, x, uint64(d2*fix2_053119869+z2+z4)>>s)
		z.put(3, x, uint64(d1*fix3_072711026+z2+z3)>>s)
		z.put(1, x, uint64(d0*fix1_501321110+z1+z4)>>s)
		dc = int64(coefBias<<passBits+1<<(passBits-1))*both - biased*both
	}
}

// put stores the two lanes of c as coefficients 2x and 2x+1 of row v.
func (z *coefs) put(v, x int, c uint64) {
	binary.LittleEndian.PutUint32(z[(16*v+4*x)&127:], uint32(c)&0x7fff|uint32(c>>16)&0x7fff0000)
}
