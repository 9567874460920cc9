package png

import (
	"image/color"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// maxColours is the number of colours that a palette has at most.
const maxColours = 256

// Colours is a set of the colours of one or more pictures, up to 256. All frames of an
// animation have one palette, so that the colours of all of them must be known before
// the first is written. The zero value is an empty set.
type Colours struct {
	palette []color.NRGBA
	slots   [4 * maxColours]slot // a hash table; a collision takes the next free slot
	many    bool                 // there are more
}

type slot struct {
	key   uint32 // R, G, B, A from the lowest byte
	index uint16 // in palette, plus 1; 0: the slot is free
}

// Add adds the colours of rows, which it reads up to the first colour that is too many.
// It reports whether the set still has all. Rows of 16 bits a sample, and planes, never
// fit.
func (c *Colours) Add(src raster.Rows) (fits bool, err error) {
	h := src.Header()
	if h.Bits != 8 || h.Layout == raster.YCbCr {
		c.many = true
	}
	if c.many {
		return false, nil
	}
	err = raster.Each(src, func(_, _ int, row raster.Plane) bool {
		eachColour(row.Pix, h, func(_ int, v uint32) {
			if at := c.find(v); at.index == 0 && !c.many {
				c.palette = append(c.palette, color.NRGBA{uint8(v), uint8(v >> 8), uint8(v >> 16), uint8(v >> 24)})
				at.key, at.index = v, uint16(len(c.palette))
				c.many = len(c.palette) > maxColours
			}
		})
		return !c.many
	})
	return !c.many, err
}

// indexes writes the index of each pixel of a row to dst.
func (c *Colours) indexes(dst, row []uint8, h *raster.Header) error {
	missing := false
	eachColour(row, h, func(x int, v uint32) {
		at := c.find(v)
		missing = missing || at.index == 0
		dst[x] = uint8(at.index - 1)
	})
	if missing {
		return fault.New(fault.Internal, "write PNG: a colour that the palette doesn't have")
	}
	return nil
}

// find returns the slot of a colour, or the free one for it.
func (c *Colours) find(v uint32) *slot {
	for i := v * 0x9e3779b1 >> 22; ; i = (i + 1) % uint32(len(c.slots)) {
		if s := &c.slots[i]; s.index == 0 || s.key == v {
			return s
		}
	}
}

// eachColour calls do with the number and the colour of each pixel of a row.
func eachColour(row []uint8, h *raster.Header, do func(x int, v uint32)) {
	switch n := h.Layout.Samples(); h.Layout {
	case raster.Indexed:
		for x, i := range row {
			c := color.NRGBA{A: 255}
			if int(i) < len(h.Palette) {
				c = h.Palette[i]
			}
			do(x, uint32(c.R)|uint32(c.G)<<8|uint32(c.B)<<16|uint32(c.A)<<24)
		}
	case raster.Gray, raster.GrayA:
		for x := 0; len(row) >= n; x, row = x+1, row[n:] {
			v := uint32(row[0])*0x010101 | 255<<24
			if n == 2 {
				v = v&0xffffff | uint32(row[1])<<24
			}
			do(x, v)
		}
	default:
		for x := 0; len(row) >= n; x, row = x+1, row[n:] {
			v := uint32(row[0]) | uint32(row[1])<<8 | uint32(row[2])<<16 | 255<<24
			if n == 4 {
				v = v&0xffffff | uint32(row[3])<<24
			}
			do(x, v)
		}
	}
}
