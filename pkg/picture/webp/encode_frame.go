package webp

import (
	"bytes"
	"image"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/webp/vp8l"
)

// encodedFrame is a frame in one of the ways in which it can be written.
type encodedFrame struct {
	chunks  []outChunk
	blended bool
	alpha   bool // some pixels are not opaque
}

// blockSide is the side of the blocks of a lossy frame that are left out if nothing in
// them changes, in pixels. A finer cut costs more alpha than it saves.
const blockSide = 8

// bitsUnlike is about the least number of bits of a lossless frame to each pixel that equals
// neither the one to its left nor the one above it: 5 to 8 in dithered films, 6 to 13 in
// drawings.
const bitsUnlike = 5

// smallest encodes a rectangle of next as a lossy and as a lossless frame and returns the
// smaller one. With blend, what is shown may shine through. The lossless one is left out
// where its pixels are so unlike that it can't be smaller.
func (a *AnimationWriter) smallest(box image.Rectangle, blend bool) (encodedFrame, error) {
	exact, blended := a.pixels(box, blend, 1)
	if a.o.Lossless {
		f, err := a.lossless(exact)
		f.blended = blended
		return f, err
	}
	blocks, inBlocks := a.pixels(box, blend, blockSide)
	best, err := a.lossy(blocks)
	best.blended = inBlocks
	if size := sizeOf(best.chunks); err == nil && int64(unlike(exact))*bitsUnlike/8 < size {
		var f encodedFrame
		if f, err = a.lossless(exact); err == nil && sizeOf(f.chunks) < size {
			best, best.blended = f, blended
		}
	}
	return best, err
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

func (a *AnimationWriter) lossless(p *raster.Held) (encodedFrame, error) {
	b, err := vp8l.Compress(p.Rows(), vp8l.EncodeOptions{Limits: a.o.Limits})
	if err != nil {
		return encodedFrame{}, err
	}
	return encodedFrame{chunks: []outChunk{{"VP8L", b.Len(), b}}, alpha: b.Alpha}, nil
}

func (a *AnimationWriter) lossy(p *raster.Held) (encodedFrame, error) {
	chunks, err := lossyChunks(p.Rows(), a.o)
	return encodedFrame{chunks: chunks, alpha: len(chunks) > 1}, err
}

// row returns the part of row y of a canvas that is in a rectangle.
func (a *AnimationWriter) row(pix []uint8, y int, box image.Rectangle) []uint8 {
	return pix[(y*a.h.W()+box.Min.X)*a.n:][:box.Dx()*a.n]
}

// patch returns a picture for a rectangle, with undefined pixels.
func patch(box image.Rectangle, l raster.Layout) *raster.Held {
	h := raster.NewHeader(box.Dx(), box.Dy(), l, 8)
	n := box.Dx() * l.Samples()
	return &raster.Held{H: h, Planes: [3]raster.Plane{{Pix: make([]uint8, n*box.Dy()), Stride: n, Rows: box.Dy()}}}
}

// hole returns a transparent pixel for a canvas.
func hole(h *raster.Header) *raster.Held {
	return patch(image.Rect(0, 0, 1, 1), h.Layout.WithAlpha())
}

// cut returns the pixels of next in a rectangle.
func (a *AnimationWriter) cut(box image.Rectangle) *raster.Held {
	p := patch(box, a.h.Layout)
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
	l := a.h.Layout.WithAlpha()
	n := l.Samples()
	p = patch(box, l)
	holes := 0
	for y := box.Min.Y; y < box.Max.Y; y += side {
		for x := box.Min.X; x < box.Max.X; x += side {
			block := image.Rect(x, y, x+side, y+side).Intersect(box)
			if !a.changed(block) {
				holes += block.Dx() * block.Dy()
				continue
			}
			for v := block.Min.Y; v < block.Max.Y; v++ {
				src := a.row(a.next, v, block)
				dst := p.Planes[0].Pix[((v-box.Min.Y)*box.Dx()+x-box.Min.X)*n:]
				if n == a.n {
					for i := n - 1; i < len(src); i += n {
						if src[i] != 255 {
							return nil, false
						}
					}
					copy(dst, src)
					continue
				}
				for len(src) > 0 {
					copy(dst, src[:a.n])
					dst[a.n] = 255
					src, dst = src[a.n:], dst[n:]
				}
			}
		}
	}
	return p, holes*least >= box.Dx()*box.Dy()
}

// changed reports whether a block of next is not as it is shown.
func (a *AnimationWriter) changed(block image.Rectangle) bool {
	for y := block.Min.Y; y < block.Max.Y; y++ {
		if !bytes.Equal(a.row(a.shown, y, block), a.row(a.next, y, block)) {
			return true
		}
	}
	return false
}
