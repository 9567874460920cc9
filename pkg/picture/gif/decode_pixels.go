package gif

import (
	"image"
	"image/color"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// pixels decodes the indexes of a frame, row by row from top to bottom. No index is
// beyond the frame's palette.
type pixels struct {
	g      *Reader
	f      *frame
	z      *lzwReader // nil if the data have no valid code size
	colors []color.NRGBA
	line   []uint8
	y      int     // rows returned
	held   []uint8 // all rows of an interlaced frame, else nil
	known  int     // indexes below it are in the colour table
	dark   uint8   // the table's darkest colour
	stray  bool    // some indexes were beyond the table
	cut    error   // why pixels are missing, if Limits.Lenient allows that
}

// pixels starts to decode frame f through in. A frame that lies outside the canvas is
// not decoded: paint does nothing then.
func (g *Reader) pixels(in *input, f *frame) (*pixels, error) {
	w, h := f.rect.Dx(), f.rect.Dy()
	if g.visible(f).Empty() {
		return &pixels{g: g, f: f}, nil
	}
	if f.interlaced() {
		if err := g.lim.CheckMem(int64(w) * int64(h)); err != nil {
			return nil, err
		}
	}
	p := &pixels{g: g, f: f, colors: f.palette(), line: make([]uint8, w), known: len(f.table)}
	p.dark = raster.Darkest(p.colors[:p.known])
	in.seek(f.data)
	size, err := in.ReadByte()
	if err != nil && err != io.EOF {
		return nil, err
	}
	if err == nil && size >= minCodeSize && size <= maxCodeSize {
		p.z = newLZWReader(&blocks{in: in}, uint(size))
	} else if err == nil {
		err = fault.New(fault.Format, "GIF: LZW code size %d is not %d to %d", size, minCodeSize, maxCodeSize)
	}
	if p.z == nil {
		if err := p.missing(err, 0); err != nil {
			return nil, err
		}
	}
	if f.interlaced() {
		p.held = make([]uint8, w*h)
		return p, p.deinterlace()
	}
	return p, nil
}

// deinterlace decodes all rows of an interlaced frame. They are stored in four
// passes (GIF89a appendix E): every 8th row from 0, every 8th from 4, every 4th
// from 2, every 2nd from 1.
func (p *pixels) deinterlace() error {
	w, h := p.f.rect.Dx(), p.f.rect.Dy()
	have := make([]bool, h)
	n := 0
	for _, pass := range [4]struct{ from, step int }{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		for y := pass.from; y < h; y += pass.step {
			if err := p.read(p.held[y*w:(y+1)*w], n); err != nil {
				return err
			}
			have[y] = p.cut == nil
			n++
		}
	}
	for y := 1; y < h; y++ {
		if !have[y] {
			copy(p.held[y*w:(y+1)*w], p.held[(y-1)*w:])
		}
	}
	return nil
}

// row returns the next row, valid until the next call.
func (p *pixels) row() ([]uint8, error) {
	w := len(p.line)
	p.y++
	if p.held != nil {
		return p.held[(p.y-1)*w : p.y*w], nil
	}
	return p.line, p.read(p.line, p.y-1)
}

// read decodes a row; done rows came before it.
func (p *pixels) read(dst []uint8, done int) error {
	n := 0
	if p.cut == nil {
		var err error
		if n, err = p.z.read(dst); err != nil {
			if err := p.missing(err, done); err != nil {
				return err
			}
		}
	}
	p.check(dst[:n])
	if n < len(dst) {
		fill := p.dark
		if p.f.transparent >= 0 {
			fill = uint8(p.f.transparent)
		}
		for i := range dst[n:] {
			dst[n+i] = fill
		}
	}
	return nil
}

// missing returns the error for pixels that are missing after done rows because of
// err, or, if missing pixels are allowed, makes a note of it.
func (p *pixels) missing(err error, done int) error {
	switch {
	case err == io.EOF:
		err = raster.Truncated(done, p.f.rect.Dy())
	case err == errCode:
		err = fault.New(fault.Format, "GIF: %w after %d of %d rows", err, done, p.f.rect.Dy())
	case fault.Of(err) != fault.Format:
		return err // the file can't be read
	}
	if p.g.frames > 1 {
		err = fault.New(fault.Format, "frame %d: %w", p.f.number, err)
	}
	if !p.g.lim.Lenient {
		return err
	}
	p.g.Note("%v", err)
	p.cut = err
	return nil
}

// check replaces indexes beyond the colour table, except the transparent one, by
// the darkest colour.
func (p *pixels) check(row []uint8) {
	stray := false
	if p.f.transparent < p.known {
		stray = raster.Clamp(row, p.known, p.dark)
	} else {
		for i, v := range row {
			if int(v) >= p.known && int(v) != p.f.transparent {
				row[i], stray = p.dark, true
			}
		}
	}
	if stray && !p.stray {
		p.stray = true
		p.g.Note("indexes beyond the colour table")
	}
}

// whole reports whether the data end with an end code right after the last pixel,
// all rows having been read.
func (p *pixels) whole() bool {
	var b [1]byte
	n, err := p.z.read(b[:])
	return n == 0 && err == io.EOF && p.z.ended
}

// visible returns the part of a frame's rectangle that is on the canvas.
func (g *Reader) visible(f *frame) image.Rectangle { return f.rect.Sub(g.shift).Intersect(g.canvas) }

// paint draws the part of the frame that lies on row y of the canvas on dst, which
// is that row, RGBA. Rows of the canvas are painted in order. Rows of the frame above
// the canvas are decoded and skipped.
func (p *pixels) paint(dst []uint8, y int) error {
	rect := p.f.rect.Sub(p.g.shift)
	if shown := p.g.visible(p.f); y < shown.Min.Y || y >= shown.Max.Y {
		return nil
	}
	for range y - rect.Min.Y - p.y {
		if _, err := p.row(); err != nil {
			return err
		}
	}
	src, err := p.row()
	if err != nil {
		return err
	}
	x := rect.Min.X
	if x < 0 {
		src = src[-x:]
		x = 0
	}
	src = src[:min(len(src), len(dst)/4-x)]
	for i, v := range src {
		if c := p.colors[v]; c.A != 0 {
			d := dst[4*(x+i):][:4:4]
			d[0], d[1], d[2], d[3] = c.R, c.G, c.B, 255
		}
	}
	return nil
}
