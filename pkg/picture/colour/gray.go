package colour

import (
	"image/color"

	"imgtools/pkg/picture/raster"
)

// A gray picture without a profile is shown with the curve of sRGB. Luma of samples that
// were coded with another curve is then too light or too dark: gamma 1.8 by 12 levels of
// 255 on average. So a picture is grayed in one of these ways.
type way uint8

const (
	asIs      way = iota // it is gray already: samples and profile stay
	ofSamples            // luma of the samples: a lossless copy of a JPEG's Y
	withTone             // luma of the samples, through a tone table
	through              // luma of the colours, changed to sRGB first
	byLight              // luminance: Y of CIE XYZ
)

// toneMatters is the mean difference of a curve from that of sRGB, in levels of 255,
// above which the tone is mapped. Gamma 2.2 differs by 2.0 and L* by 5.3.
const toneMatters = 3

// Luma of samples is within 4 levels of luma of the colours, on average of photographs,
// for these primaries. For others it is not, and the colours are changed to sRGB first.
var (
	fromP3, _    = primaries([2]float64{0.680, 0.320}, [2]float64{0.265, 0.690}, [2]float64{0.150, 0.060}, whiteD65)
	fromAdobe, _ = primaries([2]float64{0.64, 0.33}, [2]float64{0.21, 0.71}, [2]float64{0.15, 0.06}, whiteD65)
)

// GrayOptions say what may become of the profile of a picture that is grayed.
type GrayOptions struct {
	// Keep is profile=keep, asked for: samples of a colour picture are grayed as they
	// are, and the result carries a gray profile of their curve.
	Keep bool
	// Coded: the output is a PNG, which can hold the coding of a picture of high
	// dynamic range.
	Coded bool
}

// Grayer grays pictures with one header.
type Grayer struct {
	luma   raster.Luma
	way    way
	source *Source // nil: sRGB
	icc    []byte  // what the result carries
	coding raster.Coding
	tone8  *[256]uint8
	tone16 []uint16
	single *Transform // of single colours, once it is needed
}

// NewGrayer decides how to gray a picture, and returns a note when its profile is
// damaged or its light is cut.
func NewGrayer(h *raster.Header, luma raster.Luma, o GrayOptions) (g *Grayer, note string) {
	g = &Grayer{luma: luma}
	g.source, note = Of(h)
	s := g.source
	switch {
	case h.Layout == raster.Gray || h.Layout == raster.GrayA:
		g.way, g.coding = asIs, h.Coding
		if note == "" {
			g.icc = h.ICC
		}
	case s == nil:
		g.way = ofSamples
		if luma != raster.Luminance && o.Keep && h.ICC != nil && note == "" {
			g.icc = GrayProfile(&curveSRGB)
		}
	case s.hdr != notHDR && o.Coded && luma != raster.Luminance:
		g.way = ofSamples
		g.coding.CICP = h.Coding.CICP
		g.coding.CICP[2] = 0
	case luma == raster.Luminance:
		g.way = byLight
		note = s.cut(note)
	case s.hdr != notHDR:
		g.way = through
		note = s.cut(note)
	case o.Keep:
		g.way = ofSamples
		c := s.neutral()
		g.icc = GrayProfile(&c)
	case !s.lumaIsClose():
		g.way = through
	case s.curves[0].difference(&curveSRGB) > toneMatters:
		g.way = withTone
	default:
		g.way = ofSamples
	}
	return g, note
}

// cut returns the note with one on the highlights that a change to sRGB cuts.
func (s *Source) cut(note string) string {
	what := map[hdr]string{pq: "PQ", hlg: "HLG"}[s.hdr]
	if what == "" {
		return note
	}
	if note != "" {
		note += "; "
	}
	return note + what + ": light above white (203 cd/m²) is cut"
}

// lumaIsClose reports whether luma of the samples, through a tone table, is close to luma
// of the colours: one curve for all three, and primaries near those of sRGB.
func (s *Source) lumaIsClose() bool {
	return s.table == nil && s.space == rgbSpace && s.sameCurves() &&
		(near(&s.matrix, &fromSRGB) || near(&s.matrix, &fromP3) || near(&s.matrix, &fromAdobe))
}

// neutral returns the curve of the source's grays: luminance of R = G = B.
func (s *Source) neutral() Curve {
	if s.table == nil && s.sameCurves() && s.hdr == notHDR && !s.labCurve {
		return s.curves[0]
	}
	y := func(v float64) float64 {
		c := [maxChannels]float64{v, v, v}
		return s.xyz(&c)[1]
	}
	white := y(1)
	if !(white > 0) {
		return curveSRGB
	}
	table := make([]float64, 256)
	for i := range table {
		table[i] = clip01(y(float64(i)/255) / white)
		if i > 0 {
			table[i] = max(table[i], table[i-1])
		}
	}
	return Curve{table: table}
}

// SamplesStay reports whether the result is plain luma of the samples, so that a format
// may copy them without decoding: the Y of a JPEG for Rec. 601, an already gray picture,
// palettes for any luma.
func (g *Grayer) SamplesStay() bool { return g.way == asIs || g.way == ofSamples }

// CopiesY reports whether the result is the Y of a JPEG, or the samples of a gray one.
func (g *Grayer) CopiesY() bool {
	return g.way == asIs || g.way == ofSamples && g.luma == raster.Rec601
}

// NeedsLumaOnly reports whether Rec. 601 luma of the samples is all that is needed, so
// that a decoder may leave chroma out and reduce.
func (g *Grayer) NeedsLumaOnly() bool {
	return g.luma == raster.Rec601 && (g.way == ofSamples || g.way == withTone || g.way == asIs)
}

// ICC returns the profile that the result carries, or nil.
func (g *Grayer) ICC() []byte { return g.icc }

// Coding returns the coding that the result carries.
func (g *Grayer) Coding() raster.Coding { return g.coding }

// Rows returns src gray: Gray or GrayA, or Indexed with a gray palette, with the profile
// and coding that belong to it.
func (g *Grayer) Rows(src raster.Rows) raster.Rows {
	switch g.way {
	case through:
		src = raster.Grayed(g.source.ToSRGB(src, false), g.luma)
	case byLight:
		src = g.source.Luminance(src)
	case withTone:
		src = g.toned(raster.Grayed(src, g.luma))
	default:
		src = raster.Grayed(src, g.luma)
	}
	h := *src.Header()
	h.ICC, h.Coding = g.icc, g.coding
	return raster.WithHeader(src, &h)
}

// Color returns the gray of one colour of a palette.
func (g *Grayer) Color(c color.NRGBA) color.NRGBA {
	switch g.way {
	case through, byLight:
		if g.single == nil {
			to := map[way]target{through: toRGB, byLight: toLuminance}[g.way]
			g.single = newTransform(g.source, to, false, 8, 0)
		}
		return g.luma.Color(g.single.Color(c)) // of gray, the same
	case withTone:
		g.makeTone(8)
		c = g.luma.Color(c)
		v := g.tone8[c.R]
		return color.NRGBA{v, v, v, c.A}
	}
	return g.luma.Color(c)
}

// makeTone makes the table from samples of the source's curve to samples of sRGB.
func (g *Grayer) makeTone(bits uint8) {
	tone := func(v float64) float64 { return raster.EncodeSRGB(g.source.curves[0].Decode(v)) }
	if bits == 8 && g.tone8 == nil {
		g.tone8 = new([256]uint8)
		for i := range g.tone8 {
			g.tone8[i] = uint8(255*tone(float64(i)/255) + 0.5)
		}
	}
	if bits == 16 && g.tone16 == nil {
		g.tone16 = make([]uint16, 65536)
		for i := range g.tone16 {
			g.tone16[i] = uint16(65535*tone(float64(i)/65535) + 0.5)
		}
	}
}

// toned returns gray rows through the tone table.
func (g *Grayer) toned(src raster.Rows) raster.Rows {
	h := src.Header()
	if h.Layout == raster.Indexed {
		g.makeTone(8)
		f := *h
		f.Palette = make([]color.NRGBA, len(h.Palette))
		for i, c := range h.Palette {
			v := g.tone8[c.R]
			f.Palette[i] = color.NRGBA{v, v, v, c.A}
		}
		return raster.WithHeader(src, &f)
	}
	g.makeTone(h.Bits)
	n := h.Layout.Samples()
	return raster.Filter(src, h, func(dst, src raster.Plane) {
		for i, v := range src.Pix {
			dst.Pix[i] = g.tone8[v]
			if n == 2 && i%2 == 1 {
				dst.Pix[i] = v
			}
		}
		for i, v := range src.Pix16 {
			dst.Pix16[i] = g.tone16[v]
			if n == 2 && i%2 == 1 {
				dst.Pix16[i] = v
			}
		}
	})
}
