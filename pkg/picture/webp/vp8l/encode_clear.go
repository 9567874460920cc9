package vp8l

import (
	"io"

	"imgtools/pkg/picture/raster"
)

// clearSide is the side of the blocks in which Clear works, in pixels: those of VP8's
// transform of chroma 4:2:0, doubled.
const clearSide = 16

// Clear returns rows of RGBA or GrayA, of 8 bits, whose colours under alpha 0 are such that a
// lossy encoder needs few bits for them. Nobody sees those colours, but sharp edges among
// them, often from a program that left garbage there, would cost as much as others.
//
// In a block of 16×16 with both kinds of pixel the hidden ones get the mean of those that
// are seen. A block without any of these gets the fill of the block to its left, so that
// its prediction is exact.
func Clear(src raster.Rows) raster.Rows {
	h := src.Header()
	if !h.Layout.HasAlpha() || h.Bits != 8 {
		return src
	}
	n := h.Layout.Samples()
	c := &clearRows{src: src, h: h, samples: n}
	c.band.Planes[0] = raster.Plane{Pix: make([]uint8, clearSide*h.W()*n), Stride: h.W() * n}
	return c
}

// clearRows gathers rows of blocks.
type clearRows struct {
	src     raster.Rows
	h       *raster.Header
	samples int
	in      *raster.Band // being copied from, from row at on
	at      int
	y       int // rows given
	band    raster.Band
	err     error
}

func (c *clearRows) Header() *raster.Header { return c.h }

func (c *clearRows) Next() (*raster.Band, error) {
	if c.err == nil {
		c.err = c.fill()
	}
	if c.err != nil {
		return nil, c.err
	}
	p := &c.band.Planes[0]
	fill := make([]uint8, c.samples-1)
	for x := 0; x < p.Stride; x += clearSide * c.samples {
		c.block(p.Pix[x:], min(clearSide*c.samples, p.Stride-x), fill)
	}
	c.band.Y = c.y
	c.y += p.Rows
	return &c.band, nil
}

// fill copies the next rows of src. It returns io.EOF if there are none.
func (c *clearRows) fill() error {
	p := &c.band.Planes[0]
	p.Rows = 0
	for p.Rows < clearSide && c.y+p.Rows < c.h.H() {
		if c.in == nil || c.at == c.in.Planes[0].Rows {
			var err error
			if c.in, err = c.src.Next(); err != nil {
				return err
			}
			c.at = 0
			continue
		}
		in := &c.in.Planes[0]
		copy(p.Pix[p.Rows*p.Stride:][:p.Stride], in.Pix[c.at*in.Stride:])
		c.at++
		p.Rows++
	}
	if p.Rows == 0 {
		return io.EOF
	}
	return nil
}

// block clears the block whose rows have n samples. fill is the colour of the block before,
// and becomes that of this one.
func (c *clearRows) block(px []uint8, n int, fill []uint8) {
	p := &c.band.Planes[0]
	var sum [3]int
	seen, hidden := 0, 0
	for y := range p.Rows {
		row := px[y*p.Stride:][:n]
		for ; len(row) > 0; row = row[c.samples:] {
			if row[c.samples-1] == 0 {
				hidden++
				continue
			}
			seen++
			for i := range fill {
				sum[i] += int(row[i])
			}
		}
	}
	if seen > 0 {
		for i := range fill {
			fill[i] = uint8((sum[i] + seen/2) / seen)
		}
	}
	if hidden == 0 {
		return
	}
	for y := range p.Rows {
		row := px[y*p.Stride:][:n]
		for ; len(row) > 0; row = row[c.samples:] {
			if row[c.samples-1] == 0 {
				copy(row, fill)
			}
		}
	}
}
