package raster

import (
	"image/color"
	"io"

	"imgtools/pkg/fault"
)

// FlattenOn returns rows without alpha: the picture on a page of one colour, c·a +
// page·(1 − a) for a colour c and alpha a from 0 to 1. Gamma-encoded values are mixed, as
// browsers do. Indexed rows stay indexed; their palette is mixed. A gray picture becomes
// RGB if the page is not gray. YCbCr has no alpha and is returned as it is.
func FlattenOn(src Rows, page color.NRGBA) Rows {
	h := src.Header()
	if h.Layout == Indexed {
		p := make([]color.NRGBA, len(h.Palette))
		for i, c := range h.Palette {
			a := uint32(c.A)
			p[i] = color.NRGBA{mix8(c.R, page.R, a), mix8(c.G, page.G, a), mix8(c.B, page.B, a), 255}
		}
		f := *h
		f.Palette = p
		return WithHeader(src, &f)
	}
	if !h.Layout.HasAlpha() {
		return src
	}
	if h.Layout == GrayA && !isGray(page) {
		src = ToRGB(src)
		h = src.Header()
	}
	n := h.Layout.Samples()
	under := [3]uint8{page.R, page.G, page.B}
	return Filter(src, h.with(h.Layout-1, h.Bits), func(dst, src Plane) {
		for i, o := n-1, 0; i < len(src.Pix); i += n {
			a := uint32(src.Pix[i])
			for k, v := range src.Pix[i-n+1 : i] {
				dst.Pix[o] = mix8(v, under[k], a)
				o++
			}
		}
		for i, o := n-1, 0; i < len(src.Pix16); i += n {
			a := uint64(src.Pix16[i])
			for k, v := range src.Pix16[i-n+1 : i] {
				dst.Pix16[o] = uint16((uint64(v)*a + uint64(under[k])*257*(65535-a) + 32767) / 65535)
				o++
			}
		}
	})
}

// mix8 is c·a + page·(1 − a) in 8 bits.
func mix8(c, page uint8, a uint32) uint8 {
	return uint8((uint32(c)*a + uint32(page)*(255-a) + 127) / 255)
}

func isGray(c color.NRGBA) bool { return c.R == c.G && c.G == c.B }

// Pad returns src on a page of w × h pixels of one colour, at x, y. src has one plane,
// unreduced, and is neither Indexed nor YCbCr. A gray picture becomes RGB if the page is
// not gray. With alpha, the page is opaque.
func Pad(src Rows, w, h, x, y int, page color.NRGBA) (Rows, error) {
	if l := src.Header().Layout; (l == Gray || l == GrayA) && !isGray(page) {
		src = ToRGB(src)
	}
	from := src.Header()
	d := from.Planes[0]
	if len(from.Planes) != 1 || from.Layout == Indexed || x < 0 || y < 0 || x+d.W > w || y+d.H > h {
		return nil, fault.New(fault.Internal, "pad: a %v picture of %dx%d at %d, %d of %dx%d", from.Layout, d.W, d.H, x, y, w, h)
	}
	to := *from
	to.FullW, to.FullH = w, h
	to.Planes = []PlaneDim{Whole(w, h)}
	p := &padded{src: src, h: &to, x: x, y: y}
	n := to.Layout.Samples()
	pixel := []uint8{page.R, page.G, page.B, 255}
	if to.Layout == Gray || to.Layout == GrayA {
		pixel = []uint8{page.R, 255}
	}
	p.blank.Resize(w*n, 1, to.Bits)
	for i := range w * n {
		if to.Bits == 16 {
			p.blank.Pix16[i] = uint16(pixel[i%n]) * 257
		} else {
			p.blank.Pix[i] = pixel[i%n]
		}
	}
	return p, nil
}

// padded is the rows of a page with a picture on it.
type padded struct {
	src   Rows
	h     *Header
	x, y  int
	blank Plane // a row of the page without the picture
	at    int   // the next row
	band  Band
}

func (p *padded) Header() *Header { return p.h }

func (p *padded) Next() (*Band, error) {
	h, n := p.h.Planes[0].H, p.h.Layout.Samples()
	below := p.y + p.src.Header().Planes[0].H
	out := &p.band.Planes[0]
	switch {
	case p.at < p.y: // above the picture
		p.fill(min(p.y-p.at, heldBand))
	case p.at < below:
		b, err := p.src.Next()
		if err == io.EOF {
			err = Truncated(p.at-p.y, below-p.y)
		}
		if err != nil {
			return nil, err
		}
		in := &b.Planes[0]
		p.fill(in.Rows)
		cells := p.src.Header().Planes[0].W * n
		for r := range in.Rows {
			i, o := r*in.Stride, r*out.Stride+p.x*n
			if p.h.Bits == 16 {
				copy(out.Pix16[o:o+cells], in.Pix16[i:])
			} else {
				copy(out.Pix[o:o+cells], in.Pix[i:])
			}
		}
	default:
		// The picture's end is read before the rows below it, so that its damage is
		// known whether there are any or not.
		if p.at == below {
			if _, err := p.src.Next(); err == nil {
				return nil, fault.New(fault.Internal, "a reader gave more than %d rows", below-p.y)
			} else if err != io.EOF {
				return nil, err
			}
		}
		if p.at == h {
			return nil, io.EOF
		}
		p.fill(min(h-p.at, heldBand))
	}
	p.band.Y = p.at
	p.at += out.Rows
	return &p.band, nil
}

// fill makes the band rows of the blank page.
func (p *padded) fill(rows int) {
	out := &p.band.Planes[0]
	n := p.blank.Stride
	out.Resize(n, rows, p.h.Bits)
	for r := range rows {
		if p.h.Bits == 16 {
			copy(out.Pix16[r*n:], p.blank.Pix16)
		} else {
			copy(out.Pix[r*n:], p.blank.Pix)
		}
	}
}
