package y4m

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// Rows returns the picture: Gray if there is no chroma, or the hint has Luma and the
// matrix makes luma; YCbCr if the hint has Planar and the planes are those of JFIF; else
// RGB. Luma is that of the matrix, at full range. Alpha, if there is any, is kept.
func (r *Reader) Rows(hint raster.Hint) (raster.Rows, error) {
	h := r.header(hint)
	if !hint.Planar && h.Layout == raster.RGB {
		hint.Planar = true
		if planes := r.header(hint); planes.Layout == raster.YCbCr { // the fastest way
			return raster.Packed(r.start(planes)), nil
		}
	}
	return r.start(h), nil
}

// start returns the rows of one of the headers that header returns.
func (r *Reader) start(h *raster.Header) raster.Rows {
	rows := &rows{r: r, h: h}
	n := h.W() * h.Layout.Samples() * int(h.Bits/8)
	rows.step = max(raster.BandRows(n, h.FullH)&^1, 2) // whole rows of 4:2:0 chroma
	switch h.Layout {
	case raster.Gray, raster.GrayA:
		rows.fill = rows.gray
	case raster.YCbCr:
		rows.fill = rows.yCbCr
	default:
		rows.fill = rows.rgb
	}
	return rows
}

// rows is a picture that is being read.
type rows struct {
	r               *Reader
	h               *raster.Header
	y               int // the next row
	step            int // rows of a band; even
	fill            func(n int) error
	band            raster.Band
	raw             [4][]byte  // samples as they are in the file, of each plane
	line, near, far []int32    // rows of Y and of chroma
	up              [2][]int32 // a row of Cb and of Cr at full width, times 16
	err             error      // final
}

func (r *rows) Header() *raster.Header { return r.h }

func (r *rows) Next() (*raster.Band, error) {
	if r.err == nil && r.y == r.h.FullH {
		r.err = io.EOF
	}
	if r.err != nil {
		return nil, r.err
	}
	n := min(r.step, r.h.FullH-r.y)
	r.band.Y = r.y
	if r.err = r.fill(n); r.err != nil {
		return nil, r.err
	}
	r.y += n
	return &r.band, nil
}

// read reads rows from to to-1 of plane i into r.raw[i].
func (r *rows) read(i, from, to int) ([]byte, error) {
	p := &r.r.planes[i]
	line := p.w * r.r.file.bytes()
	n := (to - from) * line
	if cap(r.raw[i]) < n {
		r.raw[i] = make([]byte, n)
	}
	b := r.raw[i][:n]
	k, err := r.r.in.ReadAt(b, p.at+int64(from)*int64(line))
	if k == n {
		return b, nil
	}
	if err == nil || err == io.EOF {
		err = fault.New(fault.Format, "truncated while it was read")
	}
	return nil, err
}

// pixels makes room in the band for n rows of one plane.
func (r *rows) pixels(n int) *raster.Plane {
	p := &r.band.Planes[0]
	p.Resize(r.h.W()*r.h.Layout.Samples(), n, r.h.Bits)
	return p
}

// gray fills the band with Y.
func (r *rows) gray(n int) error {
	raw, err := r.read(0, r.y, r.y+n)
	if err != nil {
		return err
	}
	m := &r.r.model
	samples := r.h.Layout.Samples()
	switch p := &r.band.Planes[0]; {
	case r.h.Bits == 16:
		p = r.pixels(n)
		for i := range p.Pix16 {
			b := raw[2*i : 2*i+2 : 2*i+2]
			p.Pix16[i] = m.luma16[min(uint16(b[0])|uint16(b[1])<<8, m.top)]
		}
	case samples == 1: // the band is what was read
		*p = raster.Plane{Pix: raw, Stride: r.h.FullW, Rows: n}
		m.luma(raw)
	default:
		m.luma(raw)
		p = r.pixels(n)
		for i, v := range raw {
			p.Pix[samples*i] = v
		}
	}
	return r.alpha(n)
}

// alpha fills the last sample of each pixel of the band, if there is alpha. Only 4:4:4 of
// 8 bits has it, and it always has the full range.
func (r *rows) alpha(n int) error {
	if !r.r.file.alpha {
		return nil
	}
	raw, err := r.read(len(r.r.planes)-1, r.y, r.y+n)
	if err != nil {
		return err
	}
	samples := r.h.Layout.Samples()
	pix := r.band.Planes[0].Pix
	for i, v := range raw {
		pix[samples*i+samples-1] = v
	}
	return nil
}

// yCbCr fills the band with the planes.
func (r *rows) yCbCr(n int) error {
	m := &r.r.model
	down := r.r.file.chroma.down()
	for i := range 3 {
		p := &r.r.planes[i]
		from, to := r.y, r.y+n
		if i > 0 {
			from, to = from/down, ceilDiv(to, down)
		}
		raw, err := r.read(i, from, to)
		if err != nil {
			return err
		}
		if i == 0 {
			m.luma(raw)
		} else {
			m.chroma(raw)
		}
		r.band.Planes[i] = raster.Plane{Pix: raw, Stride: p.w, Rows: to - from}
	}
	return nil
}
