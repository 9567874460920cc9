package jpeg

// Reduced decoding: the n-point inverse DCT of the n × n lowest coefficients of a
// block gives n × n samples of the picture at n/8 (libjpeg does the same; R. Dugad and
// N. Ahuja, "A Fast Scheme for Image Size Change in the Compressed Domain", 2001).
// The factor √(n/8) for each side keeps the mean. With it, the 1-D transform times √8 is
//
//	x(i) = X(0) + Σ √2·cos((2i+1)uπ/2n)·X(u),  u = 1 … n-1
//
// The cosine of an even u is the same at i and at n-1-i, that of an odd u has the other
// sign. So each function dctN computes the sum e over even u and the sum o over odd u
// once for i and n-1-i, and returns e+o and e-o.

// idct writes the inverse DCT of the n × n lowest coefficients of b to n rows of n
// samples, rows stride apart. It overwrites b.
func idct(n int, b *block, dst []uint8, stride int) {
	switch n {
	case 2:
		dst[0], dst[1], dst[stride], dst[stride+1] = idct2(b[0], b[1], b[8], b[9])
	case 1:
		idct1(b, dst)
	case 3:
		idct3(b, dst, stride)
	case 4:
		idct4(b, dst, stride)
	case 5:
		idct5(b, dst, stride)
	case 6:
		idct6(b, dst, stride)
	case 7:
		idct7(b, dst, stride)
	case 8:
		idct8(b, dst, stride)
	}
}

// flat is idct of a block in which only the first coefficient, dc, is not 0.
func flat(n int, dc int32, dst []uint8, stride int) {
	v := clamp((dc + 4) >> 3)
	if n == 2 {
		out := dst[stride : stride+2 : stride+2]
		dst[0], dst[1], out[0], out[1] = v, v, v, v
		return
	}
	for y := range n {
		out := dst[y*stride : y*stride+n]
		for x := range out {
			out[x] = v
		}
	}
}

func idct1(b *block, dst []uint8) {
	dst[0] = clamp((b[0] + 4) >> 3)
}

// idct2 is the transform of coefficients 0, 1, 8 and 9. All its factors are 1.
func idct2(b0, b1, b8, b9 int32) (x0, x1, y0, y1 uint8) {
	a, c := b0+b8+4, b1+b9
	d, e := b0-b8+4, b1-b9
	return clamp((a + c) >> 3), clamp((a - c) >> 3), clamp((d + e) >> 3), clamp((d - e) >> 3)
}

const (
	columnShift = constBits - passBits
	columnRound = 1 << (columnShift - 1)
	rowShift    = constBits + passBits + 3
	rowRound    = 1 << (rowShift - 1)
)

// The factors √2·cos(jπ/2n), in 13 bits of fraction: cosJofN.
const (
	cos1of10 = 11018
	cos1of12 = 11190
	cos1of14 = 11295
	cos1of3  = 5793
	cos1of5  = 9373
	cos1of6  = 10033
	cos1of7  = 10438
	cos1of8  = 10703
	cos2of5  = 3580
	cos2of7  = 7223
	cos3of10 = 6810
	cos3of14 = 9058
	cos3of7  = 2578
	cos3of8  = 4433
	cos5of12 = 2998
	cos5of14 = 5027
	root2    = 11585
)

// dct3 is the transform, in 13 bits of fraction.
func dct3(c0, c1, c2 int32) (x0, x1, x2 int32) {
	e0 := c0<<constBits + c2*cos1of3
	o0 := c1 * cos1of6
	return e0 + o0, c0<<constBits - c2*root2, e0 - o0
}

func idct3(b *block, dst []uint8, stride int) {
	for x := range 3 {
		x0, x1, x2 := dct3(b[x], b[x+8], b[x+16])
		b[x] = (x0 + columnRound) >> columnShift
		b[x+8] = (x1 + columnRound) >> columnShift
		b[x+16] = (x2 + columnRound) >> columnShift
	}
	for y := range 3 {
		p := (*[8]int32)(b[8*y : 8*y+8])
		out := dst[y*stride : y*stride+3 : y*stride+3]
		x0, x1, x2 := dct3(p[0], p[1], p[2])
		out[0] = clamp((x0 + rowRound) >> rowShift)
		out[1] = clamp((x1 + rowRound) >> rowShift)
		out[2] = clamp((x2 + rowRound) >> rowShift)
	}
}

// dct4 is the transform, in 13 bits of fraction.
func dct4(c0, c1, c2, c3 int32) (x0, x1, x2, x3 int32) {
	e0 := (c0 + c2) << constBits
	e1 := (c0 - c2) << constBits
	o0 := c1*cos1of8 + c3*cos3of8
	o1 := c1*cos3of8 - c3*cos1of8
	return e0 + o0, e1 + o1, e1 - o1, e0 - o0
}

func idct4(b *block, dst []uint8, stride int) {
	for x := range 4 {
		x0, x1, x2, x3 := dct4(b[x], b[x+8], b[x+16], b[x+24])
		b[x] = (x0 + columnRound) >> columnShift
		b[x+8] = (x1 + columnRound) >> columnShift
		b[x+16] = (x2 + columnRound) >> columnShift
		b[x+24] = (x3 + columnRound) >> columnShift
	}
	for y := range 4 {
		p := (*[8]int32)(b[8*y : 8*y+8])
		out := dst[y*stride : y*stride+4 : y*stride+4]
		x0, x1, x2, x3 := dct4(p[0], p[1], p[2], p[3])
		out[0] = clamp((x0 + rowRound) >> rowShift)
		out[1] = clamp((x1 + rowRound) >> rowShift)
		out[2] = clamp((x2 + rowRound) >> rowShift)
		out[3] = clamp((x3 + rowRound) >> rowShift)
	}
}

// dct5 is the transform, in 13 bits of fraction.
func dct5(c0, c1, c2, c3, c4 int32) (x0, x1, x2, x3, x4 int32) {
	e0 := c0<<constBits + c2*cos1of5 + c4*cos2of5
	e1 := c0<<constBits - c2*cos2of5 - c4*cos1of5
	o0 := c1*cos1of10 + c3*cos3of10
	o1 := c1*cos3of10 - c3*cos1of10
	return e0 + o0, e1 + o1, c0<<constBits - c2*root2 + c4*root2, e1 - o1, e0 - o0
}

func idct5(b *block, dst []uint8, stride int) {
	for x := range 5 {
		x0, x1, x2, x3, x4 := dct5(b[x], b[x+8], b[x+16], b[x+24], b[x+32])
		b[x] = (x0 + columnRound) >> columnShift
		b[x+8] = (x1 + columnRound) >> columnShift
		b[x+16] = (x2 + columnRound) >> columnShift
		b[x+24] = (x3 + columnRound) >> columnShift
		b[x+32] = (x4 + columnRound) >> columnShift
	}
	for y := range 5 {
		p := (*[8]int32)(b[8*y : 8*y+8])
		out := dst[y*stride : y*stride+5 : y*stride+5]
		x0, x1, x2, x3, x4 := dct5(p[0], p[1], p[2], p[3], p[4])
		out[0] = clamp((x0 + rowRound) >> rowShift)
		out[1] = clamp((x1 + rowRound) >> rowShift)
		out[2] = clamp((x2 + rowRound) >> rowShift)
		out[3] = clamp((x3 + rowRound) >> rowShift)
		out[4] = clamp((x4 + rowRound) >> rowShift)
	}
}

// dct6 is the transform, in 13 bits of fraction.
func dct6(c0, c1, c2, c3, c4, c5 int32) (x0, x1, x2, x3, x4, x5 int32) {
	e0 := c0<<constBits + c2*cos1of6 + c4*cos1of3
	e1 := c0<<constBits - c4*root2
	e2 := c0<<constBits - c2*cos1of6 + c4*cos1of3
	o0 := c3<<constBits + c1*cos1of12 + c5*cos5of12
	o1 := (c1 - c3 - c5) << constBits
	o2 := -(c3 << constBits) + c1*cos5of12 + c5*cos1of12
	return e0 + o0, e1 + o1, e2 + o2, e2 - o2, e1 - o1, e0 - o0
}

func idct6(b *block, dst []uint8, stride int) {
	for x := range 6 {
		x0, x1, x2, x3, x4, x5 := dct6(b[x], b[x+8], b[x+16], b[x+24], b[x+32], b[x+40])
		b[x] = (x0 + columnRound) >> columnShift
		b[x+8] = (x1 + columnRound) >> columnShift
		b[x+16] = (x2 + columnRound) >> columnShift
		b[x+24] = (x3 + columnRound) >> columnShift
		b[x+32] = (x4 + columnRound) >> columnShift
		b[x+40] = (x5 + columnRound) >> columnShift
	}
	for y := range 6 {
		p := (*[8]int32)(b[8*y : 8*y+8])
		out := dst[y*stride : y*stride+6 : y*stride+6]
		x0, x1, x2, x3, x4, x5 := dct6(p[0], p[1], p[2], p[3], p[4], p[5])
		out[0] = clamp((x0 + rowRound) >> rowShift)
		out[1] = clamp((x1 + rowRound) >> rowShift)
		out[2] = clamp((x2 + rowRound) >> rowShift)
		out[3] = clamp((x3 + rowRound) >> rowShift)
		out[4] = clamp((x4 + rowRound) >> rowShift)
		out[5] = clamp((x5 + rowRound) >> rowShift)
	}
}

// dct7 is the transform, in 13 bits of fraction.
func dct7(c0, c1, c2, c3, c4, c5, c6 int32) (x0, x1, x2, x3, x4, x5, x6 int32) {
	e0 := c0<<constBits + c2*cos1of7 + c4*cos2of7 + c6*cos3of7
	e1 := c0<<constBits + c2*cos3of7 - c4*cos1of7 - c6*cos2of7
	e2 := c0<<constBits - c2*cos2of7 - c4*cos3of7 + c6*cos1of7
	o0 := c1*cos1of14 + c3*cos3of14 + c5*cos5of14
	o1 := c1*cos3of14 - c3*cos5of14 - c5*cos1of14
	o2 := c1*cos5of14 - c3*cos1of14 + c5*cos3of14
	return e0 + o0, e1 + o1, e2 + o2, c0<<constBits - c2*root2 + c4*root2 - c6*root2, e2 - o2, e1 - o1, e0 - o0
}

func idct7(b *block, dst []uint8, stride int) {
	for x := range 7 {
		x0, x1, x2, x3, x4, x5, x6 := dct7(b[x], b[x+8], b[x+16], b[x+24], b[x+32], b[x+40], b[x+48])
		b[x] = (x0 + columnRound) >> columnShift
		b[x+8] = (x1 + columnRound) >> columnShift
		b[x+16] = (x2 + columnRound) >> columnShift
		b[x+24] = (x3 + columnRound) >> columnShift
		b[x+32] = (x4 + columnRound) >> columnShift
		b[x+40] = (x5 + columnRound) >> columnShift
		b[x+48] = (x6 + columnRound) >> columnShift
	}
	for y := range 7 {
		p := (*[8]int32)(b[8*y : 8*y+8])
		out := dst[y*stride : y*stride+7 : y*stride+7]
		x0, x1, x2, x3, x4, x5, x6 := dct7(p[0], p[1], p[2], p[3], p[4], p[5], p[6])
		out[0] = clamp((x0 + rowRound) >> rowShift)
		out[1] = clamp((x1 + rowRound) >> rowShift)
		out[2] = clamp((x2 + rowRound) >> rowShift)
		out[3] = clamp((x3 + rowRound) >> rowShift)
		out[4] = clamp((x4 + rowRound) >> rowShift)
		out[5] = clamp((x5 + rowRound) >> rowShift)
		out[6] = clamp((x6 + rowRound) >> rowShift)
	}
}
