package vp8l

import "imgtools/pkg/fault"

// The inverse transforms (RFC 9649 section 4), row by row.

// transforms is the number of kinds of them.
const transforms = 4

// transform is a transform of the picture, as the file says it.
type transform struct {
	kind  uint32
	w     int  // of rows after it is undone
	bits  uint // of the side of a tile, or log2 of the pixels in a bundle
	tileW int  // tiles in a row

	predictors  []uint8  // transformPredict: the predictor of each tile
	multipliers []uint32 // transformColour: factors of each tile
	palette     []uint32 // transformIndexing
	above       []uint32 // transformPredict: the row above, and one pixel more
}

// readTransform reads the data of a transform of rows of w pixels. It returns it with
// the width of the rows that come in.
func (d *Decoder) readTransform(kind uint32, w, h int) (t *transform, in int, err error) {
	t = &transform{kind: kind, w: w}
	switch kind {
	case transformPredict, transformColour:
		t.bits = uint(d.b.bits(3)) + 2
		t.tileW = tilesOf(w, t.bits)
		n := int64(t.tileW) * int64(tilesOf(h, t.bits))
		if kind == transformPredict {
			if err := d.hold(n + 4*int64(w)); err != nil {
				return nil, 0, err
			}
			t.above = make([]uint32, w+1)
			t.predictors = make([]uint8, 0, n)
			err = d.readSmall(t.tileW, tilesOf(h, t.bits), func(row []uint32) {
				for _, v := range row {
					t.predictors = append(t.predictors, uint8(v>>8&15))
				}
			})
		} else {
			if err := d.hold(4 * n); err != nil {
				return nil, 0, err
			}
			t.multipliers = make([]uint32, 0, n)
			err = d.readSmall(t.tileW, tilesOf(h, t.bits), func(row []uint32) {
				t.multipliers = append(t.multipliers, row...)
			})
		}
	case transformIndexing:
		n := int(d.b.bits(8)) + 1
		t.bits = bundleBits(n)
		t.palette = make([]uint32, 256) // indexes beyond the palette are transparent black
		err = d.readSmall(n, 1, func(row []uint32) { copy(t.palette, row) })
		for i := 1; i < n; i++ {
			t.palette[i] = add(t.palette[i], t.palette[i-1])
		}
		w = tilesOf(w, t.bits)
	}
	return t, w, err
}

// undo undoes the transform of row y. The row is in src and goes to dst, which may be
// the same memory if bundles of one pixel are in it.
func (t *transform) undo(dst, src []uint32, y int) {
	switch t.kind {
	case transformPredict:
		t.predict(dst, y)
	case transformColour:
		t.colour(dst, y)
	case transformGreen:
		addGreen(dst)
	case transformIndexing:
		t.index(dst, src)
	}
}

// addGreen adds green to red and to blue.
func addGreen(row []uint32) {
	for i := addGreenBlocks(row); i < len(row); i++ {
		v := row[i]
		g := v >> 8 & 0xff
		row[i] = v&0xff00ff00 | (v&0x00ff00ff+(g<<16|g))&0x00ff00ff
	}
}

// colour adds to red a part of green, and to blue a part of green and of red. Factors
// and samples have a sign; a factor of 32 is the whole.
func (t *transform) colour(row []uint32, y int) {
	tiles := t.multipliers[y>>t.bits*t.tileW:][:t.tileW]
	for _, m := range tiles {
		n := min(len(row), 1<<t.bits)
		addColour(row[:n], m)
		row = row[n:]
	}
}

func addColour(row []uint32, m uint32) {
	greenToRed, greenToBlue, redToBlue := int32(int8(m)), int32(int8(m>>8)), int32(int8(m>>16))
	for i := addColourBlocks(row, m); i < len(row); i++ {
		v := row[i]
		green := int32(int8(v >> 8))
		red := (int32(v>>16) + greenToRed*green>>5) & 0xff
		blue := int32(v) + greenToBlue*green>>5 + redToBlue*int32(int8(red))>>5
		row[i] = v&0xff00ff00 | uint32(red)<<16 | uint32(blue)&0xff
	}
}

// index replaces indexes of the palette, which are in green, by colours. Of small
// palettes 2, 4 or 8 indexes are bundled in a pixel, the first one in the lowest bits.
func (t *transform) index(dst, src []uint32) {
	palette := (*[256]uint32)(t.palette)
	if t.bits == 0 {
		for i, v := range src[:len(dst)] {
			dst[i] = palette[uint8(v>>8)]
		}
		return
	}
	each := 8 >> t.bits // bits of an index
	mask := uint32(1)<<each - 1
	for _, v := range src {
		v = v >> 8 & 0xff
		n := min(len(dst), 1<<t.bits)
		for i := range dst[:n] {
			dst[i] = palette[uint8(v&mask)]
			v >>= each
		}
		dst = dst[n:]
	}
}

// errTwice is the error for a transform that stands there twice.
var errTwice = fault.New(fault.Format, "damaged WebP data: a transform occurs twice")
