package jpeg

// The 8-point DCT is that of C. Loeffler, A. Ligtenberg and G. Moschytz, "Practical
// Fast 1-D DCT Algorithms with 11 Multiplications" (ICASSP 1989), figure 1. It splits
// the transform into even and odd frequencies, and each rotation by an angle into three
// multiplications. Its results are √8 times those of the DCT, so two passes give 8
// times; the last shift divides by 8. The constants have 13 bits of fraction.
const (
	constBits = 13
	passBits  = 2 // fraction bits kept between the passes

	fix0_298631336 = 2446
	fix0_390180644 = 3196
	fix0_541196100 = 4433
	fix0_765366865 = 6270
	fix0_899976223 = 7373
	fix1_175875602 = 9633
	fix1_501321110 = 12299
	fix1_847759065 = 15137
	fix1_961570560 = 16069
	fix2_053119869 = 16819
	fix2_562915447 = 20995
	fix3_072711026 = 25172
)

// clamp returns v + 128 as a sample.
func clamp(v int32) uint8 {
	v += 128
	if uint32(v) > 255 {
		v = ^(v >> 31) & 255
	}
	return uint8(v)
}

// saturate limits a first coefficient to ±2^14, so that flat and idct2 cannot overflow.
// Legal ones are below 2^12 (T.81 A.3.3). Other illegal coefficients may make an int32
// wrap; the samples are then meaningless, and clamp keeps them samples.
func saturate(v int32) int32 { return min(max(v, -1<<14), 1<<14) }

// idct8 writes the inverse DCT of b (T.81 A.3.3) to 8 rows of 8 samples, rows
// stride apart. It overwrites b.
func idct8(b *block, dst []uint8, stride int) {
	// Columns first: in most blocks of a photograph, many columns have only zeros
	// below their first coefficient, and rows would not.
	for x := range 8 {
		c0, c1, c2, c3 := b[x], b[x+8], b[x+16], b[x+24]
		c4, c5, c6, c7 := b[x+32], b[x+40], b[x+48], b[x+56]
		if c1|c2|c3|c4|c5|c6|c7 == 0 {
			v := (c0<<constBits + columnRound) >> columnShift // as below, also where that wraps
			b[x], b[x+8], b[x+16], b[x+24] = v, v, v, v
			b[x+32], b[x+40], b[x+48], b[x+56] = v, v, v, v
			continue
		}
		z := (c2 + c6) * fix0_541196100
		t2 := z - c6*fix1_847759065
		t3 := z + c2*fix0_765366865
		t0 := (c0 + c4) << constBits
		t1 := (c0 - c4) << constBits
		e0, e1, e2, e3 := t0+t3, t1+t2, t1-t2, t0-t3

		z1, z2, z3, z4 := c7+c1, c5+c3, c7+c3, c5+c1
		z5 := (z3 + z4) * fix1_175875602
		o0, o1, o2, o3 := c7*fix0_298631336, c5*fix2_053119869, c3*fix3_072711026, c1*fix1_501321110
		z1 *= -fix0_899976223
		z2 *= -fix2_562915447
		z3 = z5 - z3*fix1_961570560
		z4 = z5 - z4*fix0_390180644
		o0 += z1 + z3
		o1 += z2 + z4
		o2 += z2 + z3
		o3 += z1 + z4

		const s, r = constBits - passBits, 1 << (constBits - passBits - 1)
		b[x] = (e0 + o3 + r) >> s
		b[x+56] = (e0 - o3 + r) >> s
		b[x+8] = (e1 + o2 + r) >> s
		b[x+48] = (e1 - o2 + r) >> s
		b[x+16] = (e2 + o1 + r) >> s
		b[x+40] = (e2 - o1 + r) >> s
		b[x+24] = (e3 + o0 + r) >> s
		b[x+32] = (e3 - o0 + r) >> s
	}
	for y := range 8 {
		p := (*[8]int32)(b[8*y : 8*y+8])
		out := dst[y*stride : y*stride+8 : y*stride+8]
		c0, c1, c2, c3 := p[0], p[1], p[2], p[3]
		c4, c5, c6, c7 := p[4], p[5], p[6], p[7]
		const s = constBits + passBits + 3
		const r = 1 << (s - 1)

		z := (c2 + c6) * fix0_541196100
		t2 := z - c6*fix1_847759065
		t3 := z + c2*fix0_765366865
		t0 := (c0+c4)<<constBits + r
		t1 := (c0-c4)<<constBits + r
		e0, e1, e2, e3 := t0+t3, t1+t2, t1-t2, t0-t3

		z1, z2, z3, z4 := c7+c1, c5+c3, c7+c3, c5+c1
		z5 := (z3 + z4) * fix1_175875602
		o0, o1, o2, o3 := c7*fix0_298631336, c5*fix2_053119869, c3*fix3_072711026, c1*fix1_501321110
		z1 *= -fix0_899976223
		z2 *= -fix2_562915447
		z3 = z5 - z3*fix1_961570560
		z4 = z5 - z4*fix0_390180644
		o0 += z1 + z3
		o1 += z2 + z4
		o2 += z2 + z3
		o3 += z1 + z4

		out[0] = clamp((e0 + o3) >> s)
		out[7] = clamp((e0 - o3) >> s)
		out[1] = clamp((e1 + o2) >> s)
		out[6] = clamp((e1 - o2) >> s)
		out[2] = clamp((e2 + o1) >> s)
		out[5] = clamp((e2 - o1) >> s)
		out[3] = clamp((e3 + o0) >> s)
		out[4] = clamp((e3 - o0) >> s)
	}
}
