package colour

import (
	"fmt"
	"image/color"
	"math"

	"imgtools/pkg/picture/raster"
)

// target is what a Transform makes of the light of a colour.
type target uint8

const (
	toRGB       target = iota // encoded sRGB
	toLuminance               // one value: luminance, encoded with the curve of sRGB
)

// Transform changes samples of a Source. Its tables are for 8 bits or for 16; it does not
// change once it is made.
type Transform struct {
	s       *Source
	target  target
	out     int           // samples a colour: 3 or 1
	black   float64       // luminance that becomes 0
	matrix  [3][3]float32 // of curves: linear light to linear light of the target
	offset  float32       // added to each, with black point compensation
	light   [3][]float32  // of curves: linear light of each sample
	encode8 *[encodeSteps + 1]uint8
	encode  *[encodeSteps + 2]float32
	grid    *flatGrid // of tables; nil: every colour is computed by the definition
	gray    []uint16  // of one channel: what each sample becomes, of 16 bits
}

// encodeSteps is the resolution of the tables from linear light to encoded samples.
// Where the curve of sRGB is steepest, a step of 8 bits is 5 steps of the table.
const encodeSteps = 1 << 14

// newTransform compiles s for samples of a number of bits. pixels is how many colours
// will be changed: a grid is not computed for fewer pixels than it has points.
func newTransform(s *Source, to target, compensate bool, bits uint8, pixels int64) *Transform {
	t := &Transform{s: s, target: to, out: 3}
	if to == toLuminance || s.space == graySpace {
		t.out = 1
	}
	if compensate {
		t.black = s.black()
	}
	full := 1<<bits - 1
	switch {
	case s.space == graySpace:
		t.gray = make([]uint16, full+1)
		for i := range t.gray {
			v := [maxChannels]float64{float64(i) / float64(full)}
			t.exact(&v)
			t.gray[i] = uint16(v[0]*65535 + 0.5)
		}
	case s.table == nil:
		t.compileCurves(bits)
	default:
		points := gridPoints[s.space.channels()]
		nodes := int64(1)
		for range s.space.channels() {
			nodes *= int64(points)
		}
		if pixels > nodes {
			t.grid = t.compileGrid(s.space.channels(), points)
		}
	}
	return t
}

// lightOf returns the linear light of the target for XYZ, not clipped. White is 1.
//
// Black point compensation moves black to 0 along the line through white, in XYZ
// (ISO 18619): with the luminance k of black, each of X, Y and Z, over that of white,
// becomes (v − k)/(1 − k).
func (t *Transform) lightOf(xyz vec3) vec3 {
	for i := range xyz {
		xyz[i] = (xyz[i] - t.black*d50[i]) / (1 - t.black)
	}
	if t.target == toLuminance {
		return vec3{xyz[1]}
	}
	return toSRGB.mul(xyz)
}

// exact changes one colour by the definition. Of one channel, v[0] is the result.
func (t *Transform) exact(v *[maxChannels]float64) {
	l := t.lightOf(t.s.xyz(v))
	if t.s.space == graySpace && t.target == toRGB {
		l[0] = l[1] // all three are the same but for rounding
	}
	for i := range t.out {
		v[i] = raster.EncodeSRGB(clip01(l[i]))
	}
}

// compileCurves makes the tables for RGB with curves and a matrix.
func (t *Transform) compileCurves(bits uint8) {
	full := 1<<bits - 1
	for c := range t.light {
		if c > 0 && t.s.sameCurves() {
			t.light[c] = t.light[0]
			continue
		}
		t.light[c] = make([]float32, full+1)
		for i := range t.light[c] {
			t.light[c][i] = float32(t.s.curves[c].Decode(float64(i) / float64(full)))
		}
	}
	m := t.s.matrix
	if t.target == toRGB {
		m = toSRGB.times(&m)
	} else {
		m[0] = m[1]
	}
	k := 1 / (1 - t.black)
	t.offset = float32(-t.black * k)
	if t.s.hdr == pq {
		k *= t.s.scale
	}
	for i := range m {
		for j := range m[i] {
			t.matrix[i][j] = float32(m[i][j] * k)
		}
	}
	if bits == 8 {
		t.encode8 = new([encodeSteps + 1]uint8)
		for i := range t.encode8 {
			t.encode8[i] = uint8(255*raster.EncodeSRGB(float64(i)/encodeSteps) + 0.5)
		}
		return
	}
	t.encode = new([encodeSteps + 2]float32)
	for i := range t.encode {
		t.encode[i] = float32(raster.EncodeSRGB(min(float64(i)/encodeSteps, 1)))
	}
}

func (s *Source) sameCurves() bool {
	a := &s.curves[0]
	for i := 1; i < 3; i++ {
		b := &s.curves[i]
		for x := range 65 {
			if v := float64(x) / 64; math.Abs(a.Decode(v)-b.Decode(v)) > 1e-6 {
				return false
			}
		}
	}
	return true
}

// system is the gain of HLG for a pixel; see lit.
func (t *Transform) system(r, g, b float32) float32 {
	w := &t.s.weights
	y := w[0]*float64(r) + w[1]*float64(g) + w[2]*float64(b)
	return float32(math.Pow(max(y, 0), gammaHLG-1) * t.s.scale)
}

// Row8 changes the colours of a row of n samples a pixel, of which those behind the
// colour are copied: alpha. dst has as many pixels of the target's samples and alpha.
func (t *Transform) Row8(dst, src []uint8, n int) {
	in, out := t.s.space.channels(), t.out
	m := out + n - in
	switch {
	case len(src) == 0:
	case t.gray != nil:
		for i, o := 0, 0; i < len(src); i, o = i+n, o+m {
			v := uint8((uint32(t.gray[src[i]]) + 128) / 257)
			for c := range out {
				dst[o+c] = v
			}
			copy(dst[o+out:o+m], src[i+in:i+n])
		}
	case t.s.table == nil:
		done := t.blocksCurves8(dst, src, n, m)
		t.rowCurves8(dst[done*m:], src[done*n:], n, m)
	case t.grid != nil:
		t.grid.row8(dst, src, n, m)
	default:
		for i, o := 0, 0; i < len(src); i, o = i+n, o+m {
			var v [maxChannels]float64
			for c := range in {
				v[c] = float64(src[i+c]) / 255
			}
			t.exact(&v)
			for c := range out {
				dst[o+c] = uint8(v[c]*255 + 0.5)
			}
			copy(dst[o+out:o+m], src[i+in:i+n])
		}
	}
}

// rowCurves8 is Row8 for RGB with curves and a matrix. The light of a colour is rounded
// to a step of the table that encodes it.
func (t *Transform) rowCurves8(dst, src []uint8, n, m int) {
	lr, lg, lb := (*[256]float32)(t.light[0]), (*[256]float32)(t.light[1]), (*[256]float32)(t.light[2])
	enc := t.encode8
	a, add := t.stepMatrix()
	for i, o := 0, 0; i < len(src); i, o = i+n, o+m {
		p := src[i : i+n : i+n]
		r, g, b := lr[p[0]], lg[p[1]], lb[p[2]]
		if t.s.hdr == hlg {
			gain := t.system(r, g, b)
			r, g, b = r*gain, g*gain, b*gain
		}
		q := dst[o : o+m : o+m]
		q[0] = enc[step(a[0][0]*r+a[0][1]*g+a[0][2]*b+add)]
		if t.out == 3 {
			q[1] = enc[step(a[1][0]*r+a[1][1]*g+a[1][2]*b+add)]
			q[2] = enc[step(a[2][0]*r+a[2][1]*g+a[2][2]*b+add)]
		}
		if n == 4 {
			q[m-1] = p[3]
		}
	}
}

// step clamps to the steps of the table.
func step(v float32) int { return max(0, min(int(v), encodeSteps)) }

// Row16 is Row8 for samples of 16 bits.
func (t *Transform) Row16(dst, src []uint16, n int) {
	in, out := t.s.space.channels(), t.out
	m := out + n - in
	switch {
	case len(src) == 0:
	case t.gray != nil:
		for i, o := 0, 0; i < len(src); i, o = i+n, o+m {
			for c := range out {
				dst[o+c] = t.gray[src[i]]
			}
			copy(dst[o+out:o+m], src[i+in:i+n])
		}
	case t.s.table == nil:
		for i, o := 0, 0; i < len(src); i, o = i+n, o+m {
			p, q := src[i:i+n:i+n], dst[o:o+m:o+m]
			r, g, b := t.light[0][p[0]], t.light[1][p[1]], t.light[2][p[2]]
			if t.s.hdr == hlg {
				gain := t.system(r, g, b)
				r, g, b = r*gain, g*gain, b*gain
			}
			for c := range out {
				a := &t.matrix[c]
				q[c] = t.encode16(a[0]*r + a[1]*g + a[2]*b + t.offset)
			}
			copy(q[out:], p[in:])
		}
	default:
		for i, o := 0, 0; i < len(src); i, o = i+n, o+m {
			var v [maxChannels]float64
			for c := range in {
				v[c] = float64(src[i+c]) / 65535
			}
			if t.grid != nil {
				t.grid.at(&v)
			} else {
				t.exact(&v)
			}
			for c := range out {
				dst[o+c] = uint16(clip01(v[c])*65535 + 0.5)
			}
			copy(dst[o+out:o+m], src[i+in:i+n])
		}
	}
}

// encode16 encodes light with the curve of sRGB. Near black, where the curve is a line,
// it is computed; elsewhere it is interpolated.
func (t *Transform) encode16(v float32) uint16 {
	if !(v > 0) {
		return 0
	}
	if v >= 1 {
		return 65535
	}
	if v <= 0.0031308 {
		return uint16(v*(12.92*65535) + 0.5)
	}
	f := v * encodeSteps
	i := int(f)
	return uint16((t.encode[i]+(t.encode[i+1]-t.encode[i])*(f-float32(i)))*65535 + 0.5)
}

// ParseCMYK reads an ICC profile of CMYK, for a reader that changes inks to sRGB.
func ParseCMYK(icc []byte) (*Source, error) {
	s, err := ParseProfile(icc)
	if err == nil && s.space != cmykSpace {
		err = fmt.Errorf("not a profile of CMYK")
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Transform returns the transform of s to sRGB for samples of 8 or 16 bits of a picture
// of so many pixels; see Row8. In CMYK 0 is no ink.
func (s *Source) Transform(bits uint8, pixels int64) *Transform {
	return newTransform(s, toRGB, false, bits, pixels)
}

// ToSRGB returns rows of any layout changed to sRGB: gray stays gray, planes become RGB,
// and of indexed rows the palette changes. With compensate the darkest colour of s
// becomes black. The result carries no profile and no coding.
func (s *Source) ToSRGB(src raster.Rows, compensate bool) raster.Rows {
	src = raster.Packed(src)
	h := src.Header()
	t := newTransform(s, toRGB, compensate, h.Bits, int64(h.W())*int64(h.H()))
	if h.Layout == raster.Indexed {
		return t.palette(src)
	}
	return t.rows(src, h.Layout)
}

// Luminance returns rows of gray whose light is that of the colours: Y of CIE XYZ,
// encoded with the curve of sRGB.
func (s *Source) Luminance(src raster.Rows) raster.Rows {
	src = raster.Packed(src)
	h := src.Header()
	t := newTransform(s, toLuminance, false, h.Bits, int64(h.W())*int64(h.H()))
	switch h.Layout {
	case raster.Indexed:
		return t.palette(src)
	case raster.RGB, raster.RGBA:
		return t.rows(src, h.Layout-2)
	}
	return t.rows(src, h.Layout)
}

// rows returns src changed by t, as layout to.
func (t *Transform) rows(src raster.Rows, to raster.Layout) raster.Rows {
	h := *src.Header()
	h.ICC, h.Coding = nil, raster.Coding{}
	n := h.Layout.Samples()
	h.Layout = to
	return raster.Filter(src, &h, func(dst, src raster.Plane) {
		t.Row8(dst.Pix, src.Pix, n)
		t.Row16(dst.Pix16, src.Pix16, n)
	})
}

// palette returns indexed rows with their palette changed by t.
func (t *Transform) palette(src raster.Rows) raster.Rows {
	h := *src.Header()
	h.ICC, h.Coding = nil, raster.Coding{}
	h.Palette = make([]color.NRGBA, len(src.Header().Palette))
	for i, c := range src.Header().Palette {
		h.Palette[i] = t.Color(c)
	}
	return raster.WithHeader(src, &h)
}

// Color changes one colour.
func (t *Transform) Color(c color.NRGBA) color.NRGBA {
	v := [maxChannels]float64{float64(c.R) / 255, float64(c.G) / 255, float64(c.B) / 255}
	t.exact(&v)
	if t.out == 1 {
		v[1], v[2] = v[0], v[0]
	}
	return color.NRGBA{uint8(v[0]*255 + 0.5), uint8(v[1]*255 + 0.5), uint8(v[2]*255 + 0.5), c.A}
}
