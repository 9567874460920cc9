package tiff

import (
	"sync"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// labCoding says how L*, a* and b* are stored.
//
//	CIELab (TIFF 6.0 section 23)   L* of 100 is 255 or 65535; a* and b* are signed
//	ICCLab (ICC.1:2001-04, 6.3.4)  L* of 100 is 255 or 65280; a* and b* have 128 added
//
// With 16 bits a* and b* are in 256ths. Floating-point samples are L*, a* and b*
// themselves; they are unpacked to 16 bits with L* of 100 as 65535 and 128 added.
type labCoding struct {
	white  float64 // the 16-bit value of L* = 100
	offset bool    // 128 was added to a* and b*, else they are signed
	toSRGB matrix  // by the white point, which is D50 unless the file has one
}

// openLab sets how the samples of an L*a*b* page are coded.
func (t *Reader) openLab(d directory, photo uint64) error {
	t.lab = labCoding{white: 65535, offset: t.format == formatFloat}
	switch {
	case photo == photoICCLab && !t.wide():
		t.lab = labCoding{white: 65280, offset: true}
	case t.format == formatFloat:
		for i := range min(3, len(t.bounds)) {
			t.bounds[i] = bounds{-128, 128 - 1.0/256}
		}
		t.bounds[0] = bounds{0, 100}
	}
	white := d50
	if p := t.file.reals(d, tagWhitePoint, 2); p != nil && min(p[0], p[1]) >= 0.2 && p[0]+p[1] <= 0.8 {
		white = [3]float64{p[0] / p[1], 1, (1 - p[0] - p[1]) / p[1]}
	}
	t.lab.toSRGB = whiteToSRGB(white)
	if t.format != formatFloat && (t.wide() || t.bits != 8 && t.bits != 16) {
		return fault.New(fault.Unsupported, "L*a*b* TIFF of %s samples of %d bits is not read", t.formatName(), t.bits)
	}
	return nil
}

// lab decodes the samples of a pixel of 8 bits.
func (c labCoding) lab(l, a, b uint8) (float64, float64, float64) {
	if c.offset {
		return float64(l) / 2.55, float64(a) - 128, float64(b) - 128
	}
	return float64(l) / 2.55, float64(int8(a)), float64(int8(b))
}

// deepLab decodes the samples of a pixel of 16 bits.
func (c labCoding) deepLab(l, a, b uint16) (float64, float64, float64) {
	ls := float64(l) / c.white * 100
	if c.offset {
		return ls, float64(a)/256 - 128, float64(b)/256 - 128
	}
	return ls, float64(int16(a)) / 256, float64(int16(b)) / 256
}

// matrix is 3 × 3, by rows.
type matrix [3][3]float64

func (m matrix) times(n matrix) (p matrix) {
	for i := range p {
		for j := range p[i] {
			for k := range n {
				p[i][j] += m[i][k] * n[k][j]
			}
		}
	}
	return p
}

func (m matrix) apply(x, y, z float64) (v [3]float64) {
	for i, row := range m {
		v[i] = row[0]*x + row[1]*y + row[2]*z
	}
	return v
}

var (
	// bradford turns XYZ into the cone responses in which colours are adapted to another
	// white (ICC.1 annex E), and back.
	bradford     = matrix{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}
	bradfordBack = matrix{{0.9869929, -0.1470543, 0.1599627}, {0.4323053, 0.5183603, 0.0492912}, {-0.0085287, 0.0400428, 0.9684867}}
	// xyzToSRGB is that of IEC 61966-2-1, for D65.
	xyzToSRGB = matrix{{3.2404542, -1.5371385, -0.4985314}, {-0.9692660, 1.8760108, 0.0415560}, {0.0556434, -0.2040259, 1.0572252}}

	d50 = [3]float64{0.96422, 1, 0.82521}
	d65 = [3]float64{0.95047, 1, 1.08883}
)

// whiteToSRGB returns the matrix from XYZ, each divided by that of a white, to linear
// sRGB, adapted so that this white becomes 1, 1, 1.
func whiteToSRGB(white [3]float64) matrix {
	from, to := bradford.apply(white[0], white[1], white[2]), bradford.apply(d65[0], d65[1], d65[2])
	scale := matrix{{to[0] / from[0]}, {0, to[1] / from[1]}, {0, 0, to[2] / from[2]}}
	return xyzToSRGB.times(bradfordBack).times(scale).times(bradford).times(matrix{{white[0]}, {0, white[1]}, {0, 0, white[2]}})
}

// linear converts L*a*b* (ISO 11664-4) to linear sRGB.
func (c labCoding) linear(l, a, b float64) (rgb [3]float64) {
	const delta = 6.0 / 29
	f := func(t float64) float64 {
		if t > delta {
			return t * t * t
		}
		return 3 * delta * delta * (t - 4.0/29)
	}
	fy := (l + 16) / 116
	return c.toSRGB.apply(f(fy+a/500), f(fy), f(fy-b/200))
}

// gammaEncode is sRGB's curve (IEC 61966-2-1), of 0..1 to 0..1.
func gammaEncode(v float64) float64 {
	switch {
	case !(v > 0):
		return 0
	case v >= 1:
		return 1
	}
	return raster.EncodeSRGB(v)
}

// gamma8 is gammaEncode to 8 bits, of linear values in 65,535ths. Where the curve is
// steepest, a step of these is 0.05 of an 8-bit step.
var gamma8 = sync.OnceValue(func() *[65536]uint8 {
	t := new([65536]uint8)
	for i := range t {
		t[i] = uint8(gammaEncode(float64(i)/65535)*255 + 0.5)
	}
	return t
})

// lab8 converts pixels of n samples in place.
func (c labCoding) lab8(pix []uint8, n int) {
	table := gamma8()
	for ; len(pix) > 0; pix = pix[n:] {
		l, a, b := c.lab(pix[0], pix[1], pix[2])
		for i, v := range c.linear(l, a, b) {
			pix[i] = table[int(max(0, min(1, v))*65535+0.5)]
		}
	}
}

// lab16 does what lab8 does, for 16 bits.
func (c labCoding) lab16(pix []uint16, n int) {
	for ; len(pix) > 0; pix = pix[n:] {
		l, a, b := c.deepLab(pix[0], pix[1], pix[2])
		for i, v := range c.linear(l, a, b) {
			pix[i] = uint16(gammaEncode(v)*65535 + 0.5)
		}
	}
}
