package raster

import (
	"image/color"
	"math"
	"sync"
)

// Luma is a formula for the gray value of a colour. In each of them a gray colour
// (R = G = B) keeps exactly its value. Alpha never changes.
type Luma uint8

const (
	// Rec601 is ITU-R BT.601 luma of gamma-encoded values, 0.299 R + 0.587 G +
	// 0.114 B rounded to nearest: Y of JPEG (JFIF), and the gray of Go, Pillow and
	// netpbm.
	Rec601 Luma = iota
	// Rec709 is ITU-R BT.709 luma of gamma-encoded values: 0.2126, 0.7152, 0.0722.
	Rec709
	// Luminance is the weighted sum of Rec709 in linear light: R, G and B are decoded
	// with the curve of sRGB (IEC 61966-2-1), the sum is encoded with it. The gray is
	// as bright as the colour was.
	Luminance
)

// Weights for 8-bit samples in 65536ths, and for 16-bit samples in 2^32ths. The three
// of a luma add up to exactly one, so that grays keep their value.
var (
	weights = [...][3]uint32{Rec601: {19595, 38470, 7471}, Rec709: {13933, 46871, 4732}}
	wide    = [...][3]uint64{
		Rec601: {1284195222, 2521145802, 489626272},
		Rec709: {913110047, 3071760610, 310096639},
	}
)

// OfRGB grays a row of RGB of 8 bits into dst.
func (l Luma) OfRGB(dst, rgb []uint8) { l.gray8(dst, rgb, 3) }

// Color returns the gray of c.
func (l Luma) Color(c color.NRGBA) color.NRGBA {
	var y [1]uint8
	l.gray8(y[:], []uint8{c.R, c.G, c.B}, 3)
	return color.NRGBA{y[0], y[0], y[0], c.A}
}

// Grayed returns src as Gray or GrayA of the same depth. Indexed rows keep their
// indexes and get a gray palette. Rec601 of YCbCr is the Y plane itself, unless chroma
// has more samples than Y. The ICC profile is removed.
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

// gray8 grays a row of RGB (n = 3) to Gray, or of RGBA (n = 4) to GrayA.
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
	done := l.gray8Blocks(dst, src, n)
	l.gray8Words(dst[done*(n-2):], src[done*n:], n)
}

// gray8Words is gray8 for the lumas of gamma-encoded values.
func (l Luma) gray8Words(dst, src []uint8, n int) {
	w := weights[l]
	for i, o := 0, 0; i < len(src); i, o = i+n, o+n-2 {
		s := src[i : i+n : i+n]
		dst[o] = uint8((w[0]*uint32(s[0]) + w[1]*uint32(s[1]) + w[2]*uint32(s[2]) + 1<<15) >> 16)
		if n == 4 {
			dst[o+1] = s[3]
		}
	}
}

// gray16 is gray8 for 16-bit samples.
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

// The shares of R, G and B in luminance, ITU-R BT.709.
const shareR, shareG, shareB = 0.2126, 0.7152, 0.0722

// lightTable8 holds the tables of Luminance for 8-bit samples. decode gives the share
// of a primary in linear light, in 24 bits; the sum of three, cut to 16 bits, indexes
// encode, which gives the nearest sample. Where sRGB's curve is steepest, one sample
// is 20 steps of encode, so the cut adds an error of at most 1/40 of a sample.
type lightTable8 struct {
	decode [3][256]uint32
	encode [1 << 16]uint8
}

var light8 = sync.OnceValue(func() *lightTable8 {
	t := new(lightTable8)
	const full = (1<<16 - 1) << 8
	for i := range 256 {
		v := DecodeSRGB(float64(i) / 255)
		r, b := math.Round(full*shareR*v), math.Round(full*shareB*v)
		t.decode[0][i], t.decode[2][i] = uint32(r), uint32(b)
		// Green takes up the rounding, so that the three add up to the value of a gray.
		t.decode[1][i] = uint32(math.Round(full*v) - r - b)
	}
	for i := range t.encode {
		t.encode[i] = uint8(math.Round(255 * EncodeSRGB(float64(i)/(1<<16-1))))
	}
	return t
})

// lightTable16 holds the tables of Luminance for 16-bit samples, in float32. encode is
// the curve at 65,537 places from 0 to 1. Values between them are interpolated; below
// srgbKnee the curve is a line and is computed. The error is below 0.01 sample.
type lightTable16 struct {
	decode [1 << 16]float32
	encode [1<<16 + 1]float32
}

var light16 = sync.OnceValue(func() *lightTable16 {
	t := new(lightTable16)
	for i := range t.decode {
		t.decode[i] = float32(DecodeSRGB(float64(i) / 65535))
	}
	for i := range t.encode {
		t.encode[i] = float32(65535 * EncodeSRGB(float64(i)/(1<<16)))
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

// srgbKnee is the linear light below which the curve of sRGB is a line.
const srgbKnee = 0.0031308

// Curve is a tone curve between encoded samples and linear light, both 0 to 1.
type Curve interface {
	Decode(x float64) float64
	Encode(y float64) float64
}

// DecodeSRGB is the curve of sRGB (IEC 61966-2-1) from encoded samples to linear light,
// both 0 to 1.
func DecodeSRGB(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// EncodeSRGB is the inverse of DecodeSRGB.
func EncodeSRGB(v float64) float64 {
	if v <= srgbKnee {
		return 12.92 * v
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}
