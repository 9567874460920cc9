package gif

import (
	"errors"
	"image"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// Reader is a GIF whose blocks have been walked. Header and Rows are those of the
// first frame, drawn on the canvas, unless Select chose another one.
type Reader struct {
	raster.NoteList

	r       io.ReaderAt
	size    int64
	lim     raster.Limits
	out     *raster.Header
	canvas  image.Rectangle
	shift   image.Point // subtracted from frames if the canvas is the first frame
	first   *frame
	frames  int
	outside int // frames that reach beyond the canvas
	loop    int // of the loop extension: repetitions, 0 without end; -1 if there is none

	selected int // the frame that Rows reads, from 1
}

// Open walks the blocks of the GIF in the first size bytes of r. Canvas size times
// frames is checked against the limit of pixels. A file that ends within a frame's
// data is accepted here: whether pixels are missing is known when they are decoded.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Reader, error) {
	p, err := newParser(r, size)
	if err != nil {
		return nil, err
	}
	g := &Reader{r: r, size: size, lim: lim, selected: 1}
	for err == nil {
		err = g.walk(p)
	}
	if err := g.ending(err); err != nil {
		return nil, err
	}
	if g.outside > 0 {
		g.Note("frames beyond the canvas: %d of %d", g.outside, g.frames)
	}
	if p.bare {
		g.Note("no colour table: black and white are used")
	}
	g.loop = p.loop
	g.out = raster.NewHeader(g.canvas.Dx(), g.canvas.Dy(), raster.RGBA, 8)
	if g.first.rect.Sub(g.shift) == g.canvas {
		g.out.Layout = raster.Indexed
		g.out.Palette = g.first.palette()
	}
	return g, nil
}

// walk reads the next frame's header, checks it and skips its data.
func (g *Reader) walk(p *parser) error {
	f, err := p.next()
	if err != nil {
		return err
	}
	if g.first == nil {
		g.first = f
		g.place(p.screen, f)
	}
	if err := g.lim.CheckSize(int64(g.canvas.Dx()), int64(g.canvas.Dy()), f.number); err != nil {
		return err
	}
	if f.rect.Dx() > g.canvas.Dx() || f.rect.Dy() > g.canvas.Dy() {
		// It is clipped, but all of it has to be decoded.
		if err := g.lim.CheckSize(int64(max(1, f.rect.Dx())), int64(max(1, f.rect.Dy())), f.number); err != nil {
			return err
		}
	}
	if !f.rect.Sub(g.shift).In(g.canvas) {
		g.outside++
	}
	g.frames++
	if err := p.skipData(f); err == io.EOF {
		return errNoTrailer
	} else if err != nil {
		return err
	}
	return nil
}

// ending decides what the error that ended the walk means for the file: nil, with
// or without a note, if all the frames before it are there.
func (g *Reader) ending(err error) error {
	unknown, isUnknown := errors.AsType[unknownBlock](err)
	switch {
	case err == errNoTrailer && g.frames == 0:
		return fault.New(fault.Format, "truncated before the first frame")
	case err == errNoTrailer:
		g.Note("no end marker")
	case isUnknown && g.frames == 0:
		return fault.New(fault.Format, "GIF: unknown block %#02x before the first frame", byte(unknown))
	case isUnknown:
		g.Note("unknown block %#02x after frame %d: the rest is ignored", byte(unknown), g.frames)
	case err != io.EOF:
		if g.lim.Lenient && g.frames > 0 && fault.Of(err) == fault.Format {
			g.Note("%v", err)
			return nil
		}
		return err
	case g.frames == 0:
		return fault.New(fault.Format, "GIF without a frame")
	}
	return nil
}

// place sets the canvas from the logical screen and the first frame. Where a frame
// is larger than the screen, viewers differ; this is what Firefox does.
func (g *Reader) place(s screen, f *frame) {
	g.canvas = image.Rect(0, 0, s.w, s.h)
	if s.w == 0 || s.h == 0 || f.rect.Dx() > s.w || f.rect.Dy() > s.h {
		g.shift = f.rect.Min
		g.canvas = f.rect.Sub(g.shift)
		g.Note("screen of %d×%d: the first frame's %d×%d are used", s.w, s.h, f.rect.Dx(), f.rect.Dy())
	}
}

// Header returns that of the selected frame: Indexed if it is the first one and
// covers the canvas, else RGBA.
func (g *Reader) Header() *raster.Header { return g.out }

// Frames returns the number of frames, at least 1.
func (g *Reader) Frames() int { return g.frames }

// Loop returns how often the animation is shown, 0 for without end. The loop
// extension counts repetitions, so this is one more; without the extension it is 1.
func (g *Reader) Loop() int {
	if g.loop == 0 {
		return 0
	}
	return max(g.loop, 0) + 1
}

// Select makes Header and Rows those of frame n, from 1: the canvas as it is shown
// then, RGBA unless n is 1. Rows composes all frames up to it.
func (g *Reader) Select(n int) error {
	if n < 1 || n > g.frames {
		return raster.NoFrame(n, g.frames)
	}
	if g.selected = n; n > 1 {
		g.out = raster.NewHeader(g.canvas.Dx(), g.canvas.Dy(), raster.RGBA, 8)
	}
	return nil
}

// Rows starts to decode the selected frame; the hint is not used. An interlaced
// frame is held whole, one byte a pixel, and a frame after the first needs the
// canvas, 4 bytes a pixel.
func (g *Reader) Rows(raster.Hint) (raster.Rows, error) {
	if g.selected > 1 {
		return g.composed()
	}
	n := g.canvas.Dx() * g.out.Layout.Samples()
	d := &rows{g: g, band: raster.BandRows(n, g.canvas.Dy())}
	if err := g.lim.CheckMem(int64(n) * int64(d.band)); err != nil {
		return nil, err
	}
	var err error
	if d.p, err = g.pixels(&input{r: g.r, size: g.size}, g.first); err != nil {
		return nil, err
	}
	d.out.Planes[0] = raster.Plane{Pix: make([]uint8, n*d.band), Stride: n}
	return d, nil
}

// rows is the first frame on the canvas.
type rows struct {
	g    *Reader
	p    *pixels
	band int // rows in a band
	y    int // rows returned
	out  raster.Band
}

func (d *rows) Header() *raster.Header { return d.g.out }

func (d *rows) Next() (*raster.Band, error) {
	h := d.g.canvas.Dy()
	if d.y == h {
		return nil, io.EOF
	}
	q := &d.out.Planes[0]
	q.Rows, d.out.Y = min(d.band, h-d.y), d.y
	for i := range q.Rows {
		dst := q.Pix[i*q.Stride : (i+1)*q.Stride]
		if d.g.out.Layout == raster.Indexed {
			src, err := d.p.row()
			if err != nil {
				return nil, err
			}
			copy(dst, src)
			continue
		}
		clear(dst)
		if err := d.p.paint(dst, d.y+i); err != nil {
			return nil, err
		}
	}
	d.y += q.Rows
	return &d.out, nil
}
