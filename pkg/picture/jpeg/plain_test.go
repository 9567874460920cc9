package jpeg

// The plain twins of the fast paths: one sample, one coefficient, one bit at a time.

// fdct8 replaces 64 samples, less 128, in rows of eight by their DCT (T.81 A.3.3)
// times 8, in integers. The method is that of idct8, run backwards.
func fdct8(b *block) {
	for y := range 8 {
		p := (*[8]int32)(b[8*y : 8*y+8])
		s0, d0 := p[0]+p[7], p[0]-p[7]
		s1, d1 := p[1]+p[6], p[1]-p[6]
		s2, d2 := p[2]+p[5], p[2]-p[5]
		s3, d3 := p[3]+p[4], p[3]-p[4]
		const s, r = constBits - passBits, 1 << (constBits - passBits - 1)

		e0, e1, e2, e3 := s0+s3, s1+s2, s1-s2, s0-s3
		p[0] = (e0 + e1) << passBits
		p[4] = (e0 - e1) << passBits
		z := (e2+e3)*fix0_541196100 + r
		p[2] = (z + e3*fix0_765366865) >> s
		p[6] = (z - e2*fix1_847759065) >> s

		z1, z2, z3, z4 := d3+d0, d2+d1, d3+d1, d2+d0
		z5 := (z3+z4)*fix1_175875602 + r
		z1 *= -fix0_899976223
		z2 *= -fix2_562915447
		z3 = z5 - z3*fix1_961570560
		z4 = z5 - z4*fix0_390180644
		p[7] = (d3*fix0_298631336 + z1 + z3) >> s
		p[5] = (d2*fix2_053119869 + z2 + z4) >> s
		p[3] = (d1*fix3_072711026 + z2 + z3) >> s
		p[1] = (d0*fix1_501321110 + z1 + z4) >> s
	}
	for x := range 8 {
		p0, p1, p2, p3 := b[x], b[x+8], b[x+16], b[x+24]
		p4, p5, p6, p7 := b[x+32], b[x+40], b[x+48], b[x+56]
		s0, d0 := p0+p7, p0-p7
		s1, d1 := p1+p6, p1-p6
		s2, d2 := p2+p5, p2-p5
		s3, d3 := p3+p4, p3-p4
		const s, r = constBits + passBits, 1 << (constBits + passBits - 1)
		const half = 1 << (passBits - 1)

		e0, e1, e2, e3 := s0+s3, s1+s2, s1-s2, s0-s3
		b[x] = (e0 + e1 + half) >> passBits
		b[x+32] = (e0 - e1 + half) >> passBits
		z := (e2+e3)*fix0_541196100 + r
		b[x+16] = (z + e3*fix0_765366865) >> s
		b[x+48] = (z - e2*fix1_847759065) >> s

		z1, z2, z3, z4 := d3+d0, d2+d1, d3+d1, d2+d0
		z5 := (z3+z4)*fix1_175875602 + r
		z1 *= -fix0_899976223
		z2 *= -fix2_562915447
		z3 = z5 - z3*fix1_961570560
		z4 = z5 - z4*fix0_390180644
		b[x+56] = (d3*fix0_298631336 + z1 + z3) >> s
		b[x+40] = (d2*fix2_053119869 + z2 + z4) >> s
		b[x+24] = (d1*fix3_072711026 + z2 + z3) >> s
		b[x+8] = (d0*fix1_501321110 + z1 + z4) >> s
	}
}

// quantizePlain divides the coefficients b, eight times too large and in rows of
// eight, by the steps, rounding half away from zero, into c in zig-zag order. AC
// coefficients below dead thousandths of a step become 0.
func quantizePlain(steps *[64]uint16, dead int32, b *block, c *[64]int32) (nz uint64) {
	for k := range c {
		v, step := b[unzig[k]], 8*int32(steps[unzig[k]])
		if v < 0 {
			c[k] = -((-v + step/2) / step)
		} else {
			c[k] = (v + step/2) / step
		}
		if k > 0 && 1000*max(v, -v) < dead*step {
			c[k] = 0
		}
		if c[k] != 0 {
			nz |= 1 << k
		}
	}
	return nz
}
