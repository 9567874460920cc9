// Package canvas composes the frames of an animation into whole pictures.
//
// GIF, APNG and WebP store an animation in the same way. A frame is a rectangle of
// pixels at an offset on a canvas; it says how its pixels are combined with those
// already there (blending), and what becomes of its rectangle before the next frame
// is drawn (disposal). A viewer shows the canvas after each frame. For example, a
// ball that moves over a fixed ground is one large first frame, then small frames
// of the ball with disposal Previous, which uncovers the ground again.
//
// A Canvas starts transparent and is used in this order for each frame:
//
//	Begin   disposes of the frame before, and saves what Previous will restore
//	Draw    combines the frame's pixels with the canvas (or Row, by hand)
//	Rows    reads the result, until the next Begin
//
// The background colour of all three formats is ignored, as browsers ignore it.
// Sources: GIF89a section 23, PNG third edition 11.3.4.2, RFC 9649 section 2.7.1.1.
package canvas

import (
	"image"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// Disposal says what becomes of a frame's rectangle before the next frame is drawn.
type Disposal uint8

const (
	None       Disposal = iota // it stays as it is
	Background                 // it becomes transparent
	Previous                   // it becomes what it was before the frame was drawn
)

// Blend says how a frame's pixels are combined with those of the canvas.
type Blend uint8

const (
	Over   Blend = iota // by their alpha
	Source              // they replace them, alpha included
)

// Frame is where a frame is drawn, and how. Rect may reach beyond the canvas: what
// lies outside is not drawn.
type Frame struct {
	Rect    image.Rectangle
	Dispose Disposal
	Blend   Blend
}

// Canvas is a picture of RGBA pixels, straight alpha, of 8 or 16 bits a sample.
type Canvas struct {
	h     *raster.Header
	lim   raster.Limits
	pix   pixels
	saved pixels // the rectangle of last before it was drawn, if its disposal is Previous
	last  Frame  // the frame being drawn or shown
	began bool
}

// pixels are samples of 8 bits in b or of 16 bits in w; the other one is nil.
type pixels struct {
	b []uint8
	w []uint16
}

// New returns a transparent canvas. It takes 4 bytes a pixel, or 8 with 16 bits a
// sample, and checks that against the limit first.
func New(w, h int, bits uint8, lim raster.Limits) (*Canvas, error) {
	c := &Canvas{h: raster.NewHeader(w, h, raster.RGBA, bits), lim: lim}
	if err := lim.CheckMem(c.h.Bytes()); err != nil {
		return nil, err
	}
	if bits == 16 {
		c.pix.w = make([]uint16, 4*w*h)
	} else {
		c.pix.b = make([]uint8, 4*w*h)
	}
	return c, nil
}

// Header returns that of Rows: RGBA. Profile and orientation may be set in it before
// the first frame.
func (c *Canvas) Header() *raster.Header { return c.h }

// Begin disposes of the frame before f and prepares for drawing f. With disposal
// Previous it saves f's rectangle, after checking the limit for both together.
func (c *Canvas) Begin(f Frame) error {
	shown := c.clip(c.last.Rect)
	switch {
	case !c.began:
	case c.last.Dispose == Background:
		c.each(shown, func(row pixels) { clear(row.b); clear(row.w) })
	case c.last.Dispose == Previous:
		was := c.saved
		c.each(shown, func(row pixels) {
			was.b = was.b[copy(row.b, was.b):]
			was.w = was.w[copy(row.w, was.w):]
		})
	}
	c.last, c.began = f, true
	if f.Dispose != Previous {
		return nil
	}
	shown = c.clip(f.Rect)
	if err := c.lim.CheckMem(c.h.Bytes() + int64(shown.Dx())*int64(shown.Dy())*4*int64(c.h.Bits/8)); err != nil {
		return err
	}
	c.saved = pixels{c.saved.b[:0], c.saved.w[:0]}
	c.each(shown, func(row pixels) {
		c.saved.b = append(c.saved.b, row.b...)
		c.saved.w = append(c.saved.w, row.w...)
	})
	return nil
}

// clip returns the part of r that is on the canvas.
func (c *Canvas) clip(r image.Rectangle) image.Rectangle {
	return r.Intersect(image.Rect(0, 0, c.h.W(), c.h.H()))
}

// each calls do for each row of r, which is on the canvas.
func (c *Canvas) each(r image.Rectangle, do func(row pixels)) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		do(c.row(y, r.Min.X, r.Max.X))
	}
}

// row returns pixels x0 to x1-1 of row y.
func (c *Canvas) row(y, x0, x1 int) (p pixels) {
	i, j := 4*(y*c.h.W()+x0), 4*(y*c.h.W()+x1)
	if c.h.Bits == 16 {
		p.w = c.pix.w[i:j:j]
	} else {
		p.b = c.pix.b[i:j:j]
	}
	return p
}

// Row returns row y of a canvas of 8 bits, to be drawn on between Begin and Rows.
func (c *Canvas) Row(y int) []uint8 { return c.row(y, 0, c.h.W()).b }

// Draw draws the pixels of the frame begun. src has the size of its rectangle, and
// any layout and depth. All of src is read, so that a damaged frame is noticed
// wherever it lies.
func (c *Canvas) Draw(src raster.Rows) error {
	src = raster.Expand(raster.Packed(src))
	if c.h.Bits == 16 {
		src = raster.To16(src)
	} else {
		src = raster.To8(src)
	}
	h, at := src.Header(), c.last.Rect
	if h.W() != at.Dx() || h.H() != at.Dy() {
		return fault.New(fault.Internal, "a frame of %d×%d pixels in a rectangle of %d×%d", h.W(), h.H(), at.Dx(), at.Dy())
	}
	shown, n := c.clip(at), h.Layout.Samples()
	skip := (shown.Min.X - at.Min.X) * n
	return raster.EachRow(src, func(y int, row raster.Plane) error {
		if y += at.Min.Y; y < shown.Min.Y || y >= shown.Max.Y {
			return nil
		}
		dst := c.row(y, shown.Min.X, shown.Max.X)
		if c.h.Bits == 16 {
			draw(dst.w, row.Pix16[skip:], h.Layout, c.last.Blend)
		} else {
			draw(dst.b, row.Pix[skip:], h.Layout, c.last.Blend)
		}
		return nil
	})
}

// draw combines a row of pixels of a packed layout with dst, which is RGBA.
func draw[T uint8 | uint16](dst, src []T, l raster.Layout, b Blend) {
	n, full := l.Samples(), ^T(0)
	for ; len(dst) >= 4; dst, src = dst[4:], src[n:] {
		d := (*[4]T)(dst)
		var s [4]T
		switch l {
		case raster.Gray:
			s = [4]T{src[0], src[0], src[0], full}
		case raster.GrayA:
			s = [4]T{src[0], src[0], src[0], src[1]}
		case raster.RGB:
			s = [4]T{src[0], src[1], src[2], full}
		default:
			s = [4]T(src)
		}
		switch {
		case b == Source || s[3] == full:
			*d = s
		case s[3] != 0:
			over(d, s)
		}
	}
}

// over puts s over d. With alpha from 0 to 1 and straight colours, the result is
// (Porter and Duff 1984):
//
//	alpha  = s.alpha + d.alpha·(1 - s.alpha)
//	colour = (s.colour·s.alpha + d.colour·d.alpha·(1 - s.alpha)) / alpha
//
// Here all terms are multiplied by the greatest sample twice, so that they are whole
// numbers, and both results are rounded once. s.alpha is not 0.
func over[T uint8 | uint16](d *[4]T, s [4]T) {
	full := uint64(^T(0))
	of := uint64(s[3]) * full                     // the share of s
	under := uint64(d[3]) * (full - uint64(s[3])) // the share of d
	sum := of + under                             // alpha·full·full
	for i := range 3 {
		d[i] = T((uint64(s[i])*of + uint64(d[i])*under + sum/2) / sum)
	}
	d[3] = T((sum + full/2) / full)
}

// Rows returns the canvas as it is shown now. It is valid until the next Begin, and
// may be called again to read it again.
func (c *Canvas) Rows() raster.Rows { return &rows{c: c} }

type rows struct {
	c   *Canvas
	y   int
	out raster.Band
}

func (r *rows) Header() *raster.Header { return r.c.h }

func (r *rows) Next() (*raster.Band, error) {
	h := r.c.h
	n := 4 * h.W()
	if r.y == h.H() {
		return nil, io.EOF
	}
	k := min(raster.BandRows(n*int(h.Bits/8), h.H()), h.H()-r.y)
	p := raster.Plane{Stride: n, Rows: k}
	if h.Bits == 16 {
		p.Pix16 = r.c.pix.w[r.y*n : (r.y+k)*n]
	} else {
		p.Pix = r.c.pix.b[r.y*n : (r.y+k)*n]
	}
	r.out.Y, r.out.Planes[0] = r.y, p
	r.y += k
	return &r.out, nil
}
