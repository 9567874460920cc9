package gif

import (
	"bufio"
	"image"
	"image/color"
	"io"
)

// RewritePalette writes all frames of g again with every colour of its palettes
// mapped by f. The compressed indexes are copied, so the result is no larger than
// the file. Each frame is decoded first, so damage is noticed as by Animation. Sizes,
// delays, disposal, transparency, interlacing and the loop count stay; comments,
// plain text, other extensions, and whatever follows an end code, are dropped.
//
// The indexes of a frame are compressed again where they can't be copied: if it
// reaches beyond the canvas, has indexes beyond its colour table, missing or surplus
// pixels, no end code, or a code size that few programs read.
func RewritePalette(w io.Writer, g *Reader, f func(color.NRGBA) color.NRGBA) error {
	p, err := newParser(g.r, g.size)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(w, 32<<10)
	s := p.screen
	s.w, s.h = g.canvas.Dx(), g.canvas.Dy()
	s.table = mapped(s.table, f)
	if err := writeScreen(b, s); err != nil {
		return err
	}
	if err := writeLoop(b, g.loop); err != nil {
		return err
	}
	for range g.frames {
		fr, err := p.next()
		if err != nil {
			return err
		}
		if err := g.rewrite(b, p, fr, f); err != nil {
			return err
		}
		if err := p.skipData(fr); err != nil && err != io.EOF {
			return err
		}
	}
	if err := b.WriteByte(blockTrailer); err != nil {
		return err
	}
	return b.Flush()
}

// mapped returns a colour table with f applied; nil for nil.
func mapped(table []color.NRGBA, f func(color.NRGBA) color.NRGBA) []color.NRGBA {
	if table == nil {
		return nil
	}
	out := make([]color.NRGBA, len(table))
	for i, c := range table {
		out[i] = f(c)
	}
	return out
}

// rewrite writes frame f with mapped colours.
func (g *Reader) rewrite(w *bufio.Writer, p *parser, f *frame, m func(color.NRGBA) color.NRGBA) error {
	out := *f
	out.rect = f.rect.Sub(g.shift)
	if f.flags&flagTable != 0 {
		out.table = mapped(f.table, m)
	}
	if out.rect.Empty() || !out.rect.In(g.canvas) {
		return g.recompress(w, p, f, &out)
	}
	px, err := g.pixels(&p.input, f)
	if err != nil {
		return err
	}
	for range f.rect.Dy() {
		if _, err := px.row(); err != nil {
			return err
		}
	}
	if px.cut != nil || px.stray || px.z.size < 2 || px.z.size > 8 || !px.whole() {
		return g.recompress(w, p, f, &out)
	}
	if err := writeFrame(w, &out); err != nil {
		return err
	}
	n := px.z.used()
	if err := w.WriteByte(byte(px.z.size)); err != nil {
		return err
	}
	p.seek(f.data + 1)
	src, dst := blocks{in: &p.input}, subBlocks{w: w}
	for range n {
		c, err := src.ReadByte()
		if err != nil {
			return err
		}
		if err := dst.WriteByte(c); err != nil {
			return err
		}
	}
	return dst.close()
}

// recompress writes the part of frame f that is on the canvas, compressed again. out
// is its header, with f's rectangle.
func (g *Reader) recompress(w *bufio.Writer, p *parser, f, out *frame) error {
	shown := g.visible(f)
	if shown.Empty() {
		return writeEmptyFrame(w, f.delay)
	}
	px, err := g.pixels(&p.input, f)
	if err != nil {
		return err
	}
	left, top := shown.Min.X-out.rect.Min.X, shown.Min.Y-out.rect.Min.Y
	out.rect = shown
	out.flags &^= flagInterlaced
	if err := writeFrame(w, out); err != nil {
		return err
	}
	z, err := newPacker(w, len(px.colors))
	if err != nil {
		return err
	}
	for y := range top + shown.Dy() {
		row, err := px.row()
		if err != nil {
			return err
		}
		if y < top {
			continue
		}
		if _, err := z.z.Write(row[left : left+shown.Dx()]); err != nil {
			return err
		}
	}
	return z.close()
}

// writeEmptyFrame writes a frame for one that lies outside the canvas: a transparent
// pixel in the corner, which keeps the delay.
func writeEmptyFrame(w *bufio.Writer, delay int) error {
	f := &frame{
		rect: image.Rect(0, 0, 1, 1), flags: tableFlags(2), table: make([]color.NRGBA, 2),
		control: true, disposal: disposeNone, transparent: 0, delay: delay,
	}
	if err := writeFrame(w, f); err != nil {
		return err
	}
	z, err := newPacker(w, 2)
	if err != nil {
		return err
	}
	if _, err := z.z.Write([]byte{0}); err != nil {
		return err
	}
	return z.close()
}
