package webp

import (
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/webp/vp8"
)

// Indices of wide.
const (
	wideLuma = iota
	wideChroma
)

// wide converts studio range to full range.
var wide = func() (t [2][256]uint8) {
	for v := range 256 {
		// Rounded to nearest. Adding 256 and subtracting it again keeps the dividend
		// positive, as division rounds towards zero.
		t[0][v] = uint8(max(0, min(255, ((v-16)*255+219*256+109)/219-256)))
		t[1][v] = uint8(max(0, min(255, ((v-128)*255+224*256+112)/224-256+128)))
	}
	return t
}()

// lossyRows is the rows of a lossy picture in full range, as its header's layout says:
// YCbCr planes, luma, or colours, the last two with or without alpha.
type lossyRows struct {
	g     *Reader
	h     *raster.Header
	d     *vp8.Decoder
	alpha *alphaRows // or nil
	done  int        // rows that are in the file
	band  raster.Band
	pix   [3][]uint8
	mix   mixer
	err   error
}

// lossyBand is the largest number of bytes in a column of a band: 24 rows of RGBA.
const lossyBand = vp8.MaxRows * 4

func newLossyRows(g *Reader, h *raster.Header, d *vp8.Decoder, alpha *alphaRows) *lossyRows {
	p := &lossyRows{g: g, h: h, d: d, alpha: alpha, done: h.FullH}
	for i, plane := range h.Planes {
		p.pix[i] = make([]uint8, plane.W*h.Layout.Samples()*vp8.MaxRows/plane.DY)
	}
	return p
}

func (p *lossyRows) Header() *raster.Header { return p.h }

func (p *lossyRows) Next() (*raster.Band, error) {
	if p.err != nil {
		return nil, p.err
	}
	s, err := p.d.Next()
	if err != nil && p.g.part(err) {
		var done int
		if s, done = p.d.Rest(); s != nil {
			p.done, err = done, nil
			p.g.Note("%v", raster.Truncated(done, p.h.FullH))
		}
	}
	if err == nil {
		err = p.fill(s)
	}
	if p.err = err; err != nil {
		return nil, err
	}
	return &p.band, nil
}

// fill makes the band of a strip.
func (p *lossyRows) fill(s *vp8.Strip) error {
	p.band.Y = s.First
	for i, d := range p.h.Planes {
		first := s.First / d.DY
		out := &p.band.Planes[i]
		out.Stride, out.Rows = d.W*p.h.Layout.Samples(), (s.First+s.Rows+d.DY-1)/d.DY-first
		out.Pix = p.pix[i][:out.Stride*out.Rows]
		for y := range out.Rows {
			p.row(out.Pix[y*out.Stride:][:out.Stride], s, i, first+y)
		}
	}
	if p.alpha == nil {
		return nil
	}
	out := &p.band.Planes[0]
	n := p.h.Layout.Samples()
	for y := range out.Rows {
		alpha, err := p.alpha.next()
		if err != nil {
			return err
		}
		row := out.Pix[y*out.Stride:][:out.Stride]
		if s.First+y >= p.done {
			clear(row)
			continue
		}
		for x, a := range alpha {
			row[x*n+n-1] = a
		}
	}
	return nil
}

// row writes row y of plane i to dst, without the alpha.
func (p *lossyRows) row(dst []uint8, s *vp8.Strip, i, y int) {
	switch {
	case i > 0:
		widen(dst, 1, s.Chroma(i-1, y), wideChroma)
	case p.h.Layout == raster.RGB || p.h.Layout == raster.RGBA:
		p.mix.row(dst, p.h.Layout.Samples(), s, y, (p.h.FullH+1)/2-1)
	default:
		widen(dst, p.h.Layout.Samples(), s.Luma(y), wideLuma)
	}
}

// widen converts a row of samples by wide[kind] and writes them to every nth sample of dst.
func widen(dst []uint8, n int, src []uint8, kind int) {
	table := &wide[kind]
	if n == 1 {
		x := widenBlocks(dst, src[:len(dst)], kind)
		dst, src = dst[x:], src[x:]
		for x, v := range src[:len(dst)] {
			dst[x] = table[v]
		}
		return
	}
	for x, o := 0, 0; o < len(dst); x, o = x+1, o+n {
		dst[o] = table[src[x]]
	}
}
