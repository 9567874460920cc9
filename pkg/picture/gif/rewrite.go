package gif

import (
	"bufio"
	"image/color"
	"io"
)

// RewritePalette writes a GIF again, all frames of it, with every colour of its palettes
// mapped by f. The indexes are copied as they stand, compressed, after each
// frame has been decoded once to see that it is whole, and up to its end code;
// so the result is no larger. Sizes, delays, disposal, transparency, interlacing
// and the loop count stay. Comments, plain text and all other application
// extensions are left out.
//
// Only where a frame can't be copied (it reaches beyond the canvas, uses indexes
// beyond its palette, or has no end code or more pixels than it says) is it
// compressed anew.
func RewritePalette(w io.Writer, r *Reader, f func(color.NRGBA) color.NRGBA) error {
	p, err := newParser(r.r, r.size)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(w, 32<<10)
	s := p.screen
	s.w, s.h = r.canvas.Dx(), r.canvas.Dy()
	s.table = mapped(s.table, f)
	if err := writeScreen(b, s); err != nil {
		return err
	}
	if err := writeLoop(b, r.loop); err != nil {
		return err
	}
	for {
		fr, err := p.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if err := r.copyFrame(b, p, fr, f); err != nil {
			return err
		}
		p.seek(fr.data)
		if err := p.skipData(); err != nil {
			return err
		}
	}
	if err := b.WriteByte(blockTrailer); err != nil {
		return err
	}
	return b.Flush()
}

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

// copyFrame writes a frame, whose data p reads, with mapped colours.
func (r *Reader) copyFrame(w *bufio.Writer, p *parser, f *frame, m func(color.NRGBA) color.NRGBA) error {
	out := *f
	out.rect = f.rect.Sub(r.shift)
	if f.flags&flagTable != 0 {
		out.table = mapped(f.table, m)
	}
	if out.rect.Empty() || !out.rect.In(r.canvas) {
		return r.recode(w, p, f, &out)
	}
	px, err := r.pixels(&p.input, f)
	if err != nil {
		return err
	}
	for range f.rect.Dy() {
		if _, err := px.row(); err != nil {
			return err
		}
	}
	if !px.ended() || px.stray {
		return r.recode(w, p, f, &out)
	}
	if err := writeFrame(w, &out); err != nil {
		return err
	}
	n := px.blocks.used
	p.seek(f.data)
	bits, err := p.ReadByte()
	if err != nil {
		return p.cut(err)
	}
	if err := w.WriteByte(bits); err != nil {
		return err
	}
	src, dst := blocks{in: &p.input}, subBlocks{w: w}
	for range n {
		c, err := src.ReadByte()
		if err != nil {
			return p.cut(err)
		}
		if err := dst.WriteByte(c); err != nil {
			return err
		}
	}
	return dst.close()
}

// recode writes the part of frame f that is on the canvas anew; out is what is
// to be written of it.
func (r *Reader) recode(w *bufio.Writer, p *parser, f, out *frame) error {
	shown := out.rect.Intersect(r.canvas)
	if shown.Empty() {
		e := empty(f.delay)
		if err := writeFrame(w, e); err != nil {
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
	px, err := r.pixels(&p.input, f)
	if err != nil {
		return err
	}
	left, top := shown.Min.X-out.rect.Min.X, shown.Min.Y-out.rect.Min.Y
	out.rect = shown
	out.flags &^= flagInterlaced
	if err := writeFrame(w, out); err != nil {
		return err
	}
	z, err := newPacker(w, max(px.limit, f.transparent+1))
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
