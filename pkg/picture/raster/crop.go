package raster

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
)

// Stored returns where the part r of an upright picture of w × h pixels lies on the
// picture as it is stored with orientation o.
func Stored(r geometry.Rect, w, h int, o uint8) geometry.Rect {
	if Swaps(o) {
		r = geometry.Rect{X: r.Y, Y: r.X, W: r.H, H: r.W}
		w, h = h, w
	}
	mx, my := Mirrors(o)
	if mx {
		r.X = w - r.X - r.W
	}
	if my {
		r.Y = h - r.Y - r.H
	}
	return r
}

// Crop returns the part r of src, in full, stored pixels. Planes keep all samples that
// the part touches; where it begins or ends within a sample, their PlaneDim says so. No
// sample is copied.
//
// With walk, the rows below the part are read, too, so that a damaged picture is
// refused whichever part of it is wanted. Without, Crop ends at the last row of the
// part; skipped, which may be nil, is then called if rows were left.
func Crop(src Rows, r geometry.Rect, walk bool, skipped func()) (Rows, error) {
	h := src.Header()
	if r.W < 1 || r.H < 1 || r.X < 0 || r.Y < 0 || r.X+r.W > h.FullW || r.Y+r.H > h.FullH {
		return nil, fault.New(fault.Internal, "crop %s of a picture of %dx%d", r, h.FullW, h.FullH)
	}
	if r == geometry.Whole(h.FullW, h.FullH) {
		return src, nil
	}
	cut := *h
	cut.FullW, cut.FullH = r.W, r.H
	cut.Planes = make([]PlaneDim, len(h.Planes))
	c := &cropped{src: src, h: &cut, walk: walk, skipped: skipped}
	for i, d := range h.Planes {
		left, right := d.OX+r.X*d.NX, d.OX+(r.X+r.W)*d.NX // in units of 1/DX of a sample
		top, bottom := d.OY+r.Y*d.NY, d.OY+(r.Y+r.H)*d.NY
		c.left[i], c.top[i] = left/d.DX, top/d.DY
		c.bottom[i] = min((bottom+d.DY-1)/d.DY, d.H)
		d.W = min((right+d.DX-1)/d.DX, d.W) - c.left[i]
		d.H = c.bottom[i] - c.top[i]
		d.OX, d.OY = left%d.DX, top%d.DY
		cut.Planes[i] = d
	}
	return c, nil
}

// cropped is the rows of a part of src.
type cropped struct {
	src         Rows
	h           *Header
	left        [3]int // first sample of a row
	top, bottom [3]int // first row, and the one behind the last
	done        [3]int // rows of src read
	walk        bool
	skipped     func()
	band        Band
	ended       bool
}

func (c *cropped) Header() *Header { return c.h }

func (c *cropped) Next() (*Band, error) {
	if c.ended {
		return nil, io.EOF
	}
	for {
		if !c.walk && c.complete() {
			c.ended = true
			if c.skipped != nil && c.more() {
				c.skipped()
			}
			return nil, io.EOF
		}
		b, err := c.src.Next()
		if err != nil {
			return nil, err
		}
		if c.take(b) {
			return &c.band, nil
		}
	}
}

// complete reports whether all rows of the part have been read.
func (c *cropped) complete() bool {
	for i := range c.h.Planes {
		if c.done[i] < c.bottom[i] {
			return false
		}
	}
	return true
}

// more reports whether src has rows below the part.
func (c *cropped) more() bool {
	for i, d := range c.src.Header().Planes {
		if c.done[i] < d.H {
			return true
		}
	}
	return false
}

// take makes the band of the part's rows of b. It reports whether there are any.
func (c *cropped) take(b *Band) (any bool) {
	n := c.h.Layout.Samples()
	c.band.Y = max(0, b.Y-c.top[0])
	for i, d := range c.h.Planes {
		p, q := &b.Planes[i], &c.band.Planes[i]
		from := min(max(c.top[i]-c.done[i], 0), p.Rows)
		to := max(min(c.bottom[i]-c.done[i], p.Rows), from)
		c.done[i] += p.Rows
		*q = Plane{Stride: p.Stride, Rows: to - from}
		if to == from {
			continue
		}
		any = true
		first, past := from*p.Stride+c.left[i]*n, (to-1)*p.Stride+(c.left[i]+d.W)*n
		if c.h.Bits == 16 {
			q.Pix16 = p.Pix16[first:past:past]
		} else {
			q.Pix = p.Pix[first:past:past]
		}
	}
	return any
}

// OnSamples reports whether a crop of h's picture at x, y begins at whole samples of
// every plane: 4:2:0 chroma at even x and y.
func (h *Header) OnSamples(x, y int) bool {
	for _, d := range h.Planes {
		if (d.OX+x*d.NX)%d.DX != 0 || (d.OY+y*d.NY)%d.DY != 0 {
			return false
		}
	}
	return true
}
