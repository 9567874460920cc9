package colour

import "imgtools/pkg/picture/raster"

// Fit returns rows for a format that holds ICC profiles but not the colour chunks of a
// PNG: their coding becomes a profile. High dynamic range is changed to sRGB, with a
// note, since few programs read a profile of it. Rows without a coding stay.
func Fit(src raster.Rows) (rows raster.Rows, note string) {
	h := src.Header()
	if h.Coding == (raster.Coding{}) {
		return src, ""
	}
	s, note := Of(h)
	if s != nil && s.hdr != notHDR {
		return s.ToSRGB(src, false), s.cut(note)
	}
	f := *h
	f.Coding = raster.Coding{}
	if s != nil && s.class == "" { // from the coding, not from h.ICC
		f.ICC = s.profile()
	}
	return raster.WithHeader(src, &f), note
}

// profile returns an ICC profile of a source with curves.
func (s *Source) profile() []byte {
	if s.space == graySpace {
		return GrayProfile(&s.curves[0])
	}
	return s.rgbProfile("from PNG")
}

// ToSRGB returns rows changed to sRGB by their profile or coding, with black point
// compensation, and without either: what profile=srgb asks for.
func ToSRGB(src raster.Rows) (rows raster.Rows, note string) {
	h := src.Header()
	s, note := Of(h)
	if s != nil {
		return s.ToSRGB(src, s.hdr == notHDR), s.cut(note)
	}
	if h.ICC == nil && h.Coding == (raster.Coding{}) {
		return src, note
	}
	f := *h
	f.ICC, f.Coding = nil, raster.Coding{}
	return raster.WithHeader(src, &f), note
}

// IsSRGB reports whether the samples of a picture are sRGB, as far as is said.
func IsSRGB(h *raster.Header) bool {
	s, _ := Of(h)
	return s == nil
}

// Curves returns the tone curves of a picture's samples, one for gray and three for RGB,
// for work in linear light; nil means that of sRGB. Of a profile with a table, which has
// no curves, it is the curve of its grays.
func Curves(h *raster.Header) (list []raster.Curve) {
	s, _ := Of(h)
	if s == nil {
		return nil
	}
	neutral := s.neutral()
	for i := range s.space.channels() {
		c := neutral
		if s.table == nil && !s.labCurve && s.hdr == notHDR {
			c = s.curves[i]
		}
		list = append(list, &c)
	}
	return list
}
