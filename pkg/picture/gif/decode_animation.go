package gif

import (
	"io"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/canvas"
	"imgtools/pkg/picture/raster"
)

// Disposal methods of section 23 that a frame may have after parsing.
var disposals = map[byte]canvas.Disposal{
	disposeNone: canvas.None, disposeBackground: canvas.Background, disposePrevious: canvas.Previous,
}

// centisecond is the unit of GIF's delays.
const centisecond = 10 * time.Millisecond

// animation composes the frames of a GIF one after another.
type animation struct {
	r *Reader
	p *parser
	c *canvas.Canvas
}

// Animation starts again at the first frame, whatever Rows has read. It holds the
// canvas, 4 bytes a pixel, and a frame's rectangle once more where disposal 3 asks
// for it.
func (r *Reader) Animation() (raster.Animation, error) {
	c, err := canvas.New(r.canvas.Dx(), r.canvas.Dy(), 8, r.lim)
	if err != nil {
		return nil, err
	}
	p, err := newParser(r.r, r.size)
	if err != nil {
		return nil, err
	}
	return &animation{r, p, c}, nil
}

// Next composes the next frame: RGBA with alpha 0 or 255.
func (a *animation) Next() (raster.Frame, error) {
	f, err := a.p.next()
	if err != nil {
		return raster.Frame{}, err
	}
	rect := f.rect.Sub(a.r.shift)
	if err := a.c.Begin(canvas.Frame{Rect: rect, Dispose: disposals[f.disposal]}); err != nil {
		return raster.Frame{}, err
	}
	px, err := a.r.pixels(&a.p.input, f)
	if err != nil {
		return raster.Frame{}, err
	}
	colors := f.palette()
	shown := rect.Intersect(a.r.canvas)
	end := shown.Max.Y
	if shown.Empty() {
		end = rect.Min.Y // a frame outside the canvas is not decoded
	}
	for y := rect.Min.Y; y < end; y++ {
		src, err := px.row()
		if err != nil {
			return raster.Frame{}, err
		}
		if y >= 0 {
			paint(a.c.Row(y), src, rect.Min.X, colors)
		}
	}
	a.p.seek(f.data)
	if err := a.p.skipData(); err != nil {
		return raster.Frame{}, err
	}
	return raster.Frame{Rows: a.c.Rows(), Delay: time.Duration(f.delay) * centisecond}, nil
}

// Select makes the Reader that of frame n, from 1: the canvas as it is shown then,
// RGBA unless n is 1. Rows composes all frames up to it.
func (r *Reader) Select(n int) error {
	if n < 1 || n > r.frames {
		return fault.New(fault.Usage, "frame %d: the picture has %d", n, r.frames)
	}
	if r.selected = n; n > 1 {
		r.out = raster.NewHeader(r.canvas.Dx(), r.canvas.Dy(), raster.RGBA, 8)
	}
	return nil
}

// composed returns the canvas at the selected frame.
func (r *Reader) composed() (raster.Rows, error) {
	a, err := r.Animation()
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		f, err := a.Next()
		if err == io.EOF {
			return nil, fault.New(fault.Internal, "GIF: no frame %d, which was there before", n)
		}
		if err != nil || n == r.selected {
			return f.Rows, err
		}
	}
}
