package jpeg

import (
	"io"

	"imgtools/pkg/picture/colour"
	"imgtools/pkg/picture/raster"
)

// colourRows converts components of any number, sampling and colour model to RGB. It
// serves the rare models (RGB, CMYK, YCCK) and pictures whose first component is
// smaller than another. Smaller components are interpolated linearly between their
// centred samples; at 2:1 that is the triangle filter, which libjpeg uses.
//
// The last lines of a row of MCUs are interpolated from this row and the next, so a
// row is converted only when the next one has been decoded.
type colourRows struct {
	decoder *decoder
	h       *raster.Header
	part    []widened
	have    int               // rows of MCUs decoded
	done    int               // rows of MCUs converted
	high    int               // lines of the picture in a row of MCUs
	samples int               // of a pixel
	inks    *colour.Transform // of CMYK with a profile
	inkLine []uint8
	pix     []uint8
	line    [4][]uint8
	band    raster.Band
}

// widened is a component that is interpolated to the size of the picture.
type widened struct {
	w, h, stride int
	high         int     // its lines in a row of MCUs
	pix          []uint8 // the line before, then two rows of MCUs
	base         int     // number of the line at pix[0]
	x            []tap   // of each pixel of a line
	ry, dy       int     // its lines are ry/dy of the picture's
	sum          []uint16
}

// tap is a weighted sum of two samples: sample at weighs 256-w, the next one w.
type tap struct {
	at int32
	w  uint16
}

// tapAt returns the tap at the centre of pixel i, where a pixel is num/den samples wide
// and there are n samples. At the borders it is the outermost sample alone.
func tapAt(i, num, den, n int) tap {
	// (i + ½)·num/den - ½, in 256ths
	p := ((2*i+1)*num*128 + den/2) / den
	p -= 128
	switch {
	case p <= 0:
		return tap{}
	case p>>8 >= n-1:
		return tap{at: int32(n - 1)}
	}
	return tap{int32(p >> 8), uint16(p & 255)}
}

func newColourRows(m *decoder, h *raster.Header) *colourRows {
	c := &colourRows{decoder: m, h: h, high: 8 * m.f.vmax * h.Planes[0].NY / h.Planes[0].DY}
	w := h.Planes[0].W
	for i, cp := range m.f.comps {
		d := m.dims[i]
		p := widened{w: d.W, h: d.H, stride: m.stride[i], high: cp.v * m.n[i]}
		p.pix = make([]uint8, (1+2*p.high)*p.stride)
		p.base = -1
		p.sum = make([]uint16, d.W)
		p.x = make([]tap, w)
		for x := range p.x {
			p.x[x] = tapAt(x, d.NX*h.Planes[0].DX, d.DX*h.Planes[0].NX, d.W)
		}
		p.ry, p.dy = d.NY*h.Planes[0].DY, d.DY*h.Planes[0].NY
		c.part = append(c.part, p)
		c.line[i] = make([]uint8, w)
	}
	c.samples = h.Layout.Samples()
	if s := m.r.inkProfile(); s != nil {
		c.inks = s.Transform(8, int64(w)*int64(h.Planes[0].H))
		c.inkLine = make([]uint8, 4*w)
	}
	c.pix = make([]uint8, c.samples*w*c.high)
	return c
}

func (c *colourRows) Header() *raster.Header { return c.h }

func (c *colourRows) Next() (*raster.Band, error) {
	m := c.decoder
	if c.done == m.f.mcuy {
		return nil, io.EOF
	}
	for c.have <= c.done+1 && c.have < m.f.mcuy {
		if err := m.next(); err != nil {
			return nil, err
		}
		for i := range c.part {
			p := &c.part[i]
			if c.have >= 2 {
				copy(p.pix, p.pix[p.high*p.stride:])
				p.base += p.high
			}
			copy(p.pix[(1+min(c.have, 1)*p.high)*p.stride:], m.pix[i][:p.high*p.stride])
		}
		c.have++
	}
	d := c.h.Planes[0]
	y := c.done * c.high
	rows := max(0, min(c.high, d.H-y))
	for i := range rows {
		for j := range c.part {
			c.part[j].line(c.line[j], y+i)
		}
		c.convert(c.pix[c.samples*i*d.W:][:c.samples*d.W])
	}
	c.done++
	c.band = raster.Band{Y: y, Planes: [3]raster.Plane{{Pix: c.pix, Stride: c.samples * d.W, Rows: rows}}}
	return &c.band, nil
}

// line interpolates line y of the picture.
func (p *widened) line(dst []uint8, y int) {
	t := tapAt(y, p.ry, p.dy, p.h)
	at := (int(t.at) - p.base) * p.stride
	a := p.pix[at : at+p.w]
	if p.w == len(dst) && t.w == 0 && p.ry == p.dy {
		copy(dst, a)
		return
	}
	b := a
	if t.w > 0 {
		b = p.pix[at+p.stride:][:p.w]
	}
	w := uint16(t.w)
	for i := range p.sum {
		p.sum[i] = uint16(a[i])*(256-w) + uint16(b[i])*w
	}
	for i, t := range p.x {
		s := uint32(p.sum[t.at]) * uint32(256-t.w)
		if t.w > 0 {
			s += uint32(p.sum[t.at+1]) * uint32(t.w)
		}
		dst[i] = uint8((s + 1<<15) >> 16)
	}
}

// convert converts a line of components to RGB. In CMYK 255 is no ink: Adobe writes it
// so, and all readers take it so without Adobe's marker, too. With a profile the inks go
// through it. Without one, with 255 - C for the ink of
// C, red is C·K/255. YCCK is CMYK whose 255-C, 255-M, 255-Y have been converted to YCbCr.
func (c *colourRows) convert(dst []uint8) {
	l := &c.line
	if c.inks != nil {
		c.inkOf(c.inkLine)
		c.inks.Row8(dst, c.inkLine, 4)
		return
	}
	switch c.decoder.r.model {
	case rgb:
		for i := range l[0] {
			p := dst[3*i : 3*i+3 : 3*i+3]
			p[0], p[1], p[2] = l[0][i], l[1][i], l[2][i]
		}
	case ycc:
		for i := range l[0] {
			p := dst[3*i : 3*i+3 : 3*i+3]
			p[0], p[1], p[2] = toRGB(l[0][i], l[1][i], l[2][i])
		}
	case ycck:
		for i := range l[0] {
			p := dst[3*i : 3*i+3 : 3*i+3]
			r, g, b := toRGB(l[0][i], l[1][i], l[2][i])
			k := l[3][i]
			p[0], p[1], p[2] = mul255(255-r, k), mul255(255-g, k), mul255(255-b, k)
		}
	case plain4:
		for i := range l[0] {
			p := dst[4*i : 4*i+4 : 4*i+4]
			p[0], p[1], p[2], p[3] = l[0][i], l[1][i], l[2][i], l[3][i]
		}
	case cmyk:
		for i := range l[0] {
			p := dst[3*i : 3*i+3 : 3*i+3]
			k := l[3][i]
			p[0], p[1], p[2] = mul255(l[0][i], k), mul255(l[1][i], k), mul255(l[2][i], k)
		}
	}
}

// inkOf sets dst to the amounts of ink of a line of CMYK or YCCK: 0 is none.
func (c *colourRows) inkOf(dst []uint8) {
	l := &c.line
	for i := range l[0] {
		p := dst[4*i : 4*i+4 : 4*i+4]
		if c.decoder.r.model == ycck {
			p[0], p[1], p[2] = toRGB(l[0][i], l[1][i], l[2][i])
		} else {
			p[0], p[1], p[2] = 255-l[0][i], 255-l[1][i], 255-l[2][i]
		}
		p[3] = 255 - l[3][i]
	}
}

// mul255 returns a·b/255, rounded.
func mul255(a, b uint8) uint8 {
	return uint8((uint32(a)*uint32(b) + 127) / 255)
}

// toRGB converts a pixel by JFIF 1.02, with 16 bits of fraction.
func toRGB(y, cb, cr uint8) (r, g, b uint8) {
	yy := int32(y)<<16 + 1<<15 - 128<<16
	u, v := int32(cb)-128, int32(cr)-128
	return clamp((yy + 91881*v) >> 16), clamp((yy - 22554*u - 46802*v) >> 16), clamp((yy + 116130*u) >> 16)
}
