package vp8

// The matrix of Rec. 601 from RGB to studio range, times 2^15.
const (
	yR, yG, yB    = 8414, 16520, 3208
	cbR, cbG, cbB = -4857, -9535, 14392
	crR, crG, crB = 14392, -12051, -2341

	lumaRounding   = 16<<15 + 1<<14
	chromaRounding = 128<<17 + 1<<16 // of sums of four pixels
)

// lumaOfRGB sets luma from a line of RGB.
func lumaOfRGB(dst, rgb []uint8) {
	n := lumaBlocks(dst, rgb)
	lumaOfRGBPlain(dst[n:], rgb[3*n:])
}

func lumaOfRGBPlain(dst, rgb []uint8) {
	for i := range dst {
		p := rgb[3*i : 3*i+3 : 3*i+3]
		dst[i] = uint8((int32(p[0])*yR + int32(p[1])*yG + int32(p[2])*yB + lumaRounding) >> 15)
	}
}

// chromaOfRGB sets chroma from two lines of RGB. The last pixel of an odd line stands for
// two.
func chromaOfRGB(cb, cr, a, b []uint8) {
	n := chromaBlocks(cb, cr, a, b)
	chromaOfRGBPlain(cb[n:], cr[n:], a[6*n:], b[6*n:])
}

func chromaOfRGBPlain(cb, cr, a, b []uint8) {
	for i := range cb {
		p, q := 6*i, 6*i+3
		if q == len(a) {
			q = p
		}
		red := int32(a[p]) + int32(a[q]) + int32(b[p]) + int32(b[q])
		green := int32(a[p+1]) + int32(a[q+1]) + int32(b[p+1]) + int32(b[q+1])
		blue := int32(a[p+2]) + int32(a[q+2]) + int32(b[p+2]) + int32(b[q+2])
		cb[i] = uint8((red*cbR + green*cbG + blue*cbB + chromaRounding) >> 17)
		cr[i] = uint8((red*crR + green*crG + blue*crB + chromaRounding) >> 17)
	}
}
