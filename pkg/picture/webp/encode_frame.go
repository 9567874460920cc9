package webp

import (
	"bytes"
	"image"
	"math"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/webp/vp8l"
)

// encodedFrame is a frame in one of the ways in which it can be written.
type encodedFrame struct {
	chunks  []outChunk
	blended bool
	alpha   bool // some pixels are not opaque
}

func (f encodedFrame) size() int64 { return sizeOf(f.chunks) }

// blockSide is the side of the blocks of a lossy frame that are left out if nothing in
// them changes, in pixels. A finer cut costs more alpha than it saves.
const blockSide = 8

// bitsUnlike is about the least number of bits of a lossless frame to each pixel that equals
// neither the one to its left nor the one above it: 5 to 8 in dithered films, 6 to 13 in
// drawings.
const bitsUnlike = 5

// tryBoth is after how many frames a frame is coded both ways again.
const tryBoth = 16

// rivals remembers which way of coding a frame was better when one was last coded both ways.
// Frames of an animation are alike, so that those that follow are coded in that way alone.
// Both ways are tried again after tryBoth frames, and where the bytes to a pixel are more
// than twice or less than half of what they were, as in another scene.
//
// A lossless frame takes about twice the time of a lossy one. It is better if it has less
// than 7/8 of the bytes.
type rivals struct {
	lossless bool    // is better
	frames   int     // since both were coded; 0: never
	density  float64 // bytes to a pixel of the better one, then
}

// settled reports whether a frame of so many bytes and pixels stays as it is, coded in the
// better way alone.
func (r *rivals) settled(size int64, pixels int) bool {
	d := float64(size) / float64(pixels)
	if r.frames == 0 || r.frames == tryBoth || d > 2*r.density || 2*d < r.density {
		return false
	}
	r.frames++
	return true
}

// meet takes the bytes of a frame that was coded both ways; lossless is math.MaxInt64 if
// it can't be smaller.
func (r *rivals) meet(lossy, lossless int64, pixels int) {
	r.frames, r.lossless = 1, lossless < lossy-lossy/8
	size := lossy
	if r.lossless {
		size = lossless
	}
	r.density = float64(size) / float64(pixels)
}

// smallest encodes a rectangle of next as a lossy or as a lossless frame, whichever is
// smaller as far as rivals know. With blend, what is shown may shine through.
func (a *AnimationWriter) smallest(box image.Rectangle, blend bool) (encodedFrame, error) {
	if a.o.Lossless {
		return a.code(box, blend, true)
	}
	r, area := &a.rivals.whole, box.Dx()*box.Dy()
	if blend {
		r = &a.rivals.part
	}
	one, err := a.code(box, blend, r.lossless)
	if err != nil || r.settled(one.size(), area) {
		return one, err
	}
	if !r.lossless && a.leastExact(box, blend) >= one.size() {
		r.meet(one.size(), math.MaxInt64, area)
		return one, nil
	}
	other, err := a.code(box, blend, !r.lossless)
	if err != nil {
		return other, err
	}
	if r.lossless {
		r.meet(other.size(), one.size(), area)
	} else {
		r.meet(one.size(), other.size(), area)
	}
	if other.size() < one.size() {
		return other, nil
	}
	return one, nil
}

// code encodes a rectangle of next in one way.
func (a *AnimationWriter) code(box image.Rectangle, blend, lossless bool) (encodedFrame, error) {
	if lossless {
		return a.lossless(a.pixels(box, blend, 1))
	}
	return a.lossy(a.pixels(box, blend, blockSide))
}

// leastExact returns how many bytes a lossless frame has at least.
func (a *AnimationWriter) leastExact(box image.Rectangle, blend bool) int64 {
	p, _ := a.pixels(box, blend, 1)
	return int64(unlike(p)) * bitsUnlike / 8
}

// pixels returns those of a rectangle of next. With blend, blocks of side × side pixels
// without changes are made transparent, if there are enough of them; then blended is true.
func (a *AnimationWriter) pixels(box image.Rectangle, blend bool, side int) (p *raster.Held, blended bool) {
	if blend {
		if p, blended = a.holed(box, side); blended {
			return p, true
		}
	}
	return a.cut(box), false
}

// unlike counts the pixels that equal neither the one to the left nor the one above.
func unlike(p *raster.Held) (count int) {
	n, plane := p.H.Layout.Samples(), &p.Planes[0]
	for y := range plane.Rows {
		row, above := plane.Pix[y*plane.Stride:][:plane.Stride], plane.Pix[max(0, y-1)*plane.Stride:]
		for i := 0; i < len(row); i += n {
			px := row[i : i+n]
			if !(i > 0 && bytes.Equal(px, row[i-n:i])) && !(y > 0 && bytes.Equal(px, above[i:i+n])) {
				count++
			}
		}
	}
	return count
}

func (a *AnimationWriter) lossless(p *raster.Held, blended bool) (encodedFrame, error) {
	b, err := vp8l.Compress(p.Rows(), vp8l.EncodeOptions{Limits: a.o.Limits})
	if err != nil {
		return encodedFrame{}, err
	}
	return encodedFrame{[]outChunk{{"VP8L", b.Len(), b}}, blended, b.Alpha}, nil
}

func (a *AnimationWriter) lossy(p *raster.Held, blended bool) (encodedFrame, error) {
	o := a.o
	o.Bytes = 0 // it is of the file
	chunks, err := lossyChunks(p.Rows(), o)
	return encodedFrame{chunks, blended, len(chunks) > 1}, err
}

// row returns the part of row y of a canvas that is in a rectangle.
func (a *AnimationWriter) row(pix []uint8, y int, box image.Rectangle) []uint8 {
	return pix[(y*a.h.W()+box.Min.X)*a.n:][:box.Dx()*a.n]
}

// patch returns a picture for a rectangle, with undefined pixels. It is valid until the
// next call.
func (a *AnimationWriter) patch(box image.Rectangle, l raster.Layout) *raster.Held {
	h := raster.NewHeader(box.Dx(), box.Dy(), l, 8)
	n := box.Dx() * l.Samples()
	if size := n * box.Dy(); cap(a.room) < size {
		a.room = make([]uint8, size)
	}
	return &raster.Held{H: h, Planes: [3]raster.Plane{{Pix: a.room[:n*box.Dy()], Stride: n, Rows: box.Dy()}}}
}

// hole returns a transparent pixel.
func (a *AnimationWriter) hole() *raster.Held {
	p := a.patch(image.Rect(0, 0, 1, 1), a.h.Layout.WithAlpha())
	clear(p.Planes[0].Pix)
	return p
}

// cut returns the pixels of next in a rectangle.
func (a *AnimationWriter) cut(box image.Rectangle) *raster.Held {
	p := a.patch(box, a.h.Layout)
	for y := range box.Dy() {
		copy(p.Planes[0].Pix[y*p.Planes[0].Stride:], a.row(a.next, box.Min.Y+y, box))
	}
	return p
}

// least is the share of a rectangle that must be unchanged to be left out, as a divisor.
const least = 8

// holed returns the pixels of next in a rectangle, in which blocks without changes are
// transparent. ok is false if they are few, or if a pixel of another block is not opaque,
// so that blending would leave some of what is shown.
func (a *AnimationWriter) holed(box image.Rectangle, side int) (p *raster.Held, ok bool) {
	p = a.patch(box, a.h.Layout.WithAlpha())
	clear(p.Planes[0].Pix)
	changed := make([]bool, (box.Dx()+side-1)/side) // for each block of a row of them
	seen := 0                                       // pixels that are not transparent
	for y := box.Min.Y; y < box.Max.Y; y += side {
		clear(changed)
		end := min(y+side, box.Max.Y)
		for v := y; v < end; v++ {
			mark(changed, a.row(a.shown, v, box), a.row(a.next, v, box), side*a.n)
		}
		for v := y; v < end; v++ {
			src, dst := a.row(a.next, v, box), p.Planes[0].Pix[(v-box.Min.Y)*p.Planes[0].Stride:][:p.Planes[0].Stride]
			for i := 0; i < len(changed); i++ {
				first := i
				for i < len(changed) && changed[i] {
					i++
				}
				from, to := first*side, min(i*side, box.Dx())
				if !opaque(dst, src, from, to, a.n) {
					return nil, false
				}
				seen += to - from
			}
		}
	}
	all := box.Dx() * box.Dy()
	return p, (all-seen)*least >= all
}

// mark sets an element of changed for each part of two rows that differs; parts have size
// bytes, the last one perhaps fewer.
func mark(changed []bool, p, q []uint8, size int) {
	if size == 4 {
		for i := range changed {
			if *(*[4]uint8)(p[4*i:]) != *(*[4]uint8)(q[4*i:]) {
				changed[i] = true
			}
		}
		return
	}
	for i := range changed {
		from, to := i*size, min((i+1)*size, len(p))
		changed[i] = changed[i] || !bytes.Equal(p[from:to], q[from:to])
	}
}

// opaque copies pixels from to to-1 of a row of n samples a pixel to one that has alpha, too.
// It returns false if one of them is not opaque.
func opaque(dst, src []uint8, from, to, n int) bool {
	if n == 2 || n == 4 {
		dst, src = dst[from*n:to*n], src[from*n:to*n]
		copy(dst, src)
		all := uint8(255)
		for i := n - 1; i < len(src); i += n {
			all &= src[i]
		}
		return all == 255
	}
	for i := from; i < to; i++ {
		d := dst[i*(n+1):][: n+1 : n+1]
		copy(d, src[i*n:][:n])
		d[n] = 255
	}
	return true
}
