package vp8l

import (
	"encoding/binary"
	"slices"
)

// colours holds a picture as indexes as long as it has at most 256 colours.
type colours struct {
	w       int
	list    []uint32     // in the order of their first pixel
	table   [1024]uint16 // 1 + index in list, by hash, the next free place if it is taken
	indexes []uint8
}

// maxIndexes is the largest number of pixels that are held as indexes. Larger pictures
// have no palette.
const maxIndexes = 24 << 20

func newColours(w, h int) *colours {
	return &colours{w: w, indexes: make([]uint8, 0, min(w*h, maxIndexes))} // pages that stay unused take no memory
}

// add holds a row. It returns false, and does not hold the row, if there would be too many
// colours or pixels.
func (c *colours) add(row []uint32) bool {
	if len(c.indexes)+len(row) > cap(c.indexes) {
		return false
	}
	at := len(c.indexes)
	c.indexes = c.indexes[:at+len(row)]
	dst := c.indexes[at:]
	dst = dst[:len(row)]
	last, index := ^row[0], uint8(0)
	for i, p := range row {
		if p != last {
			n, ok := c.find(p)
			if !ok {
				c.indexes = c.indexes[:at]
				return false
			}
			last, index = p, n
		}
		dst[i] = index
	}
	return true
}

// find returns the index of a colour, which may be new.
func (c *colours) find(p uint32) (uint8, bool) {
	for at := p * 0x9e3779b1 >> 22; ; at = (at + 1) & 1023 {
		n := c.table[at]
		if n == 0 {
			if len(c.list) == 256 {
				return 0, false
			}
			c.list = append(c.list, p)
			c.table[at] = uint16(len(c.list))
			return uint8(len(c.list) - 1), true
		}
		if c.list[n-1] == p {
			return uint8(n - 1), true
		}
	}
}

// each calls f with each row that is held, as colours.
func (c *colours) each(f func(px []uint32) error) error {
	px := make([]uint32, c.w)
	for at := 0; at < len(c.indexes); at += c.w {
		for i, n := range c.indexes[at : at+c.w] {
			px[i] = c.list[n]
		}
		if err := f(px); err != nil {
			return err
		}
	}
	return nil
}

// plan returns the plan for the picture, of height h, with a palette, and whether that
// pays. With at most 16 colours it does, since several pixels become one.
func (c *colours) plan(h int) (plan, bool) {
	p := newPlan(bundledWidth(c.w, len(c.list)), h)
	p.palette = slices.Clone(c.list)
	if len(p.palette) <= 16 {
		return p, true
	}
	slices.Sort(p.palette) // neighbours differ less, so that the palette is smaller
	var a analysis
	row, above := make([]uint32, c.w), make([]uint32, c.w)
	fill := func(dst []uint32, y int) {
		for i, n := range c.indexes[y*c.w : (y+1)*c.w] {
			dst[i] = c.list[n]
		}
	}
	step := max(1, c.w*h>>18)
	for y := step - 1; y < h; y += step {
		if y > 0 {
			fill(above, y-1)
		}
		fill(row, y)
		a.add(row, above)
	}
	_, _, least := a.best(c.w, h/step)
	return p, a.indexed(len(p.palette)) < least
}

// bundleBits returns how many pixels of a palette of n colours are put into one, as a
// power of 2 (RFC 9649, 4.4).
func bundleBits(n int) uint {
	switch {
	case n <= 2:
		return 3
	case n <= 4:
		return 2
	case n <= 16:
		return 1
	}
	return 0
}

// bundledWidth returns the width of a picture with a palette of n colours when its pixels
// are bundled.
func bundledWidth(w, n int) int {
	return tilesOf(w, bundleBits(n))
}

// paletteDeltas returns the palette as the file has it: each colour as its difference from
// the one before.
func paletteDeltas(p []uint32) []uint32 {
	d := make([]uint32, len(p))
	var before uint32
	for i, v := range p {
		d[i] = sub(v, before)
		before = v
	}
	return d
}

// indexed codes the picture that was collected as indexes of the palette, which are green;
// the first of several pixels has the lowest bits.
func (e *encoder) indexed() error {
	c := e.colours
	var green [256]uint32 // by index in the order of collection
	for i, p := range c.list {
		n := i
		if len(c.list) > 16 {
			n, _ = slices.BinarySearch(e.plan.palette, p)
		}
		green[i] = uint32(n) << 8
		e.seen &= p
	}
	e.start()
	b := bundleBits(len(c.list))
	bits := uint(8) >> b
	w := bundledWidth(c.w, len(c.list))
	rows := bandRows(w, e.h)
	for y := 0; y < e.h; y += rows {
		n := min(rows, e.h-y)
		dst := e.coder.room(n * w)
		for r := range n {
			out := dst[r*w : (r+1)*w]
			in := c.indexes[(y+r)*c.w : (y+r+1)*c.w]
			if b == 3 {
				out, in = bundle8(out, in)
			}
			for i := range out {
				out[i] = opaque
			}
			for x, v := range in {
				out[x>>b] |= green[v] << (uint(x) & (1<<b - 1) * bits)
			}
		}
		if err := e.coder.band(); err != nil {
			return err
		}
	}
	return nil
}

// bundle8 bundles as many times 8 pixels of 1 bit as there are, and returns the rest.
//
// A multiplication moves all bits to their places at once: bit 8i of x, by 56-7i, to 56+i.
// The products of other bits end up below bit 56 or above bit 63, and no two at the same.
func bundle8(out []uint32, in []uint8) ([]uint32, []uint8) {
	for ; len(in) >= 8; in, out = in[8:], out[1:] {
		x := binary.LittleEndian.Uint64(in)
		out[0] = opaque | uint32(x*0x0102040810204080>>56)<<8
	}
	return out, in
}
