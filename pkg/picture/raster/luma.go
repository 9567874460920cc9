package raster

import (
	"image/color"
	"math"
	"sync"
)

// Luma is a way to make one gray value of a colour. Gray colours (R = G = B) stay
// exactly what they are in all of them, and alpha is never touched.
type Luma uint8

const (
	// Rec601 is ITU-R BT.601 luma of gamma-encoded values, 0.299 R + 0.587 G +
	// 0.114 B rounded to nearest: Y of JPEG (JFIF), and
	// the gray of Go, Pillow, netpbm.
	Rec601 Luma = iota
	// Rec709 is ITU-R BT.709 luma of gamma-encoded values: 0.2126, 0.7152, 0.0722.
	Rec709
	// Luminance is the same sum of linear light, decoded and encoded again with
	// the curve of sRGB (IEC 61966-2-1): as bright as the colour was.
	Luminance
)

// The weights of 8 bits, in 65536ths, and of 16, in 2^32ths. Each three add up to
// one, so that grays stay.
var (
	weights = [...][3]uint32{Rec601: {19595, 38470, 7471}, Rec709: {13933, 46871, 4732}}
	wide    = [...][3]uint64{
		Rec601: {1284195222, 2521145802, 489626272},
		Rec709: {913110047, 3071760610, 310096639},
	}
)

// Color returns c grayed.
func (l Luma) Color(c color.NRGBA) color.NRGBA {
	var y [1]uint8
	l.gray8(y[:], []uint8{c.R, c.G, c.B}, 3)
	return color.NRGBA{y[0], y[0], y[0], c.A}
}

// Grayed returns src as Gray or GrayA, of the same depth; indexed rows keep their
// indexes and get a gray palette. Of YCbCr, Rec601 is the first plane itself, unless chroma has more samples. The
// ICC profile goes.
func Grayed(src Rows, l Luma) Rows {
	h := src.Header()
	if h.Layout == YCbCr && (l != Rec601 || h.largest() != 0) {
		src = Packed(src)
		h = src.Header()
	}
	switch h.Layout {
	case RGB, RGBA:
		n := h.Layout.Samples()
		g := h.with(h.Layout-2, h.Bits)
		g.ICC = nil
		return Filter(src, g, func(dst, src Plane) {
			l.gray8(dst.Pix, src.Pix, n)
			l.gray16(dst.Pix16, src.Pix16, n)
		})
	case Indexed:
		g := *h
		g.ICC = nil
		g.Palette = make([]color.NRGBA, len(h.Palette))
		for i, c := range h.Palette {
			g.Palette[i] = l.Color(c)
		}
		return WithHeader(src, &g)
	case YCbCr:
		g := h.with(Gray, h.Bits)
		g.ICC = nil
		return WithHeader(src, g)
	}
	if h.ICC == nil {
		return src
	}
	g := *h
	g.ICC = nil
	return WithHeader(src, &g)
}

// gray8 makes pixels of n samples (3, or 4 with alpha) into n-2.
func (l Luma) gray8(dst, src []uint8, n int) {
	if len(src) == 0 {
		return
	}
	if l == Luminance {
		t := light8()
		for i, o := 0, 0; i < len(src); i, o = i+n, o+n-2 {
			s := src[i : i+n : i+n]
			dst[o] = t.encode[(t.decode[0][s[0]]+t.decode[1][s[1]]+t.decode[2][s[2]]+1<<7)>>8]
			if n == 4 {
				dst[o+1] = s[3]
			}
		}
		return
	}
	w := weights[l]
	for i, o := 0, 0; i < len(src); i, o = i+n, o+n-2 {
		s := src[i : i+n : i+n]
		dst[o] = uint8((w[0]*uint32(s[0]) + w[1]*uint32(s[1]) + w[2]*uint32(s[2]) + 1<<15) >> 16)
		if n == 4 {
			dst[o+1] = s[3]
		}
	}
}

func (l Luma) gray16(dst, src []uint16, n int) {
	if len(src) == 0 {
		return
	}
	if l == Luminance {
		t := light16()
		for i, o := 0, 0; i < len(src); i, o = i+n, o+n-2 {
			s := src[i : i+n : i+n]
			dst[o] = t.gray(s[0], s[1], s[2])
			if n == 4 {
				dst[o+1] = s[3]
			}
		}
		return
	}
	w := wide[l]
	for i, o := 0, 0; i < len(src); i, o = i+n, o+n-2 {
		s := src[i : i+n : i+n]
		dst[o] = uint16((w[0]*uint64(s[0]) + w[1]*uint64(s[1]) + w[2]*uint64(s[2]) + 1<<31) >> 32)
		if n == 4 {
			dst[o+1] = s[3]
		}
	}
}

// Rec. 709's share of R, G and B in luminance.
const shareR, shareG, shareB = 0.2126, 0.7152, 0.0722

// lightTable8 does luminance of 8 bits: decode gives each primary's share in
// 24 bits of linear light, encode the nearest sample for 16 bits of it. Where the
// curve is steepest a sample is 20 steps of encode, so rounding errs by at most
// 1/40 of a sample.
type lightTable8 struct {
	decode [3][256]uint32
	encode [1 << 16]uint8
}

var light8 = sync.OnceValue(func() *lightTable8 {
	t := new(lightTable8)
	const full = (1<<16 - 1) << 8
	for i := range 256 {
		v := decodeSRGB(float64(i) / 255)
		r, b := math.Round(full*shareR*v), math.Round(full*shareB*v)
		t.decode[0][i], t.decode[2][i] = uint32(r), uint32(b)
		// Green takes the rounding, so that the three add up to that of a gray.
		t.decode[1][i] = uint32(math.Round(full*v) - r - b)
	}
	for i := range t.encode {
		t.encode[i] = uint8(math.Round(255 * encodeSRGB(float64(i)/(1<<16-1))))
	}
	return t
})

// lightTable16 does luminance of 16 bits in float32. encode holds the curve at
// 65537 places from 0 to 1, read with linear interpolation above the curve's own
// linear part: the error is below 0.01 sample.
type lightTable16 struct {
	decode [1 << 16]float32
	encode [1<<16 + 1]float32
}

var light16 = sync.OnceValue(func() *lightTable16 {
	t := new(lightTable16)
	for i := range t.decode {
		t.decode[i] = float32(decodeSRGB(float64(i) / 65535))
	}
	for i := range t.encode {
		t.encode[i] = float32(65535 * encodeSRGB(float64(i)/(1<<16)))
	}
	return t
})

func (t *lightTable16) gray(r, g, b uint16) uint16 {
	v := shareR*t.decode[r] + shareG*t.decode[g] + shareB*t.decode[b]
	if v <= srgbKnee {
		return uint16(v*(65535*12.92) + 0.5)
	}
	f := min(v, 1) * (1 << 16)
	i := min(int(f), 1<<16-1)
	e := t.encode[i]
	return uint16(e + (t.encode[i+1]-e)*(f-float32(i)) + 0.5)
}

// srgbKnee is the linear light below which sRGB's curve is a line.
const srgbKnee = 0.0031308

func decodeSRGB(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func encodeSRGB(v float64) float64 {
	if v <= srgbKnee {
		return 12.92 * v
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}
