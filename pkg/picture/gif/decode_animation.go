package gif

import (
	"io"
	"time"

	"imgtools/pkg/picture/canvas"
	"imgtools/pkg/picture/raster"
)

// disposals maps the methods that a parsed frame may have.
var disposals = map[byte]canvas.Disposal{
	disposeNone: canvas.None, disposeBackground: canvas.Background, disposePrevious: canvas.Previous,
}

// centisecond is the unit of GIF's delays.
const centisecond = 10 * time.Millisecond

// animation composes the frames of a GIF one after another.
type animation struct {
	g    *Reader
	p    *parser
	c    *canvas.Canvas
	last *frame // the one shown; nil before the first
}

// Animation starts again at the first frame, whatever Rows has read. It holds the
// canvas, 4 bytes a pixel, and a frame's rectangle once more where disposal 3 asks
// for it.
func (g *Reader) Animation() (raster.Animation, error) {
	c, err := canvas.New(g.canvas.Dx(), g.canvas.Dy(), 8, g.lim)
	if err != nil {
		return nil, err
	}
	p, err := newParser(g.r, g.size)
	if err != nil {
		return nil, err
	}
	return &animation{g: g, p: p, c: c}, nil
}

// Next composes the next frame: RGBA with alpha 0 or 255.
func (a *animation) Next() (raster.Frame, error) {
	if a.last != nil {
		if err := a.p.skipData(a.last); err != nil && err != io.EOF {
			return raster.Frame{}, err
		}
	}
	if a.p.count == a.g.frames {
		return raster.Frame{}, io.EOF
	}
	f, err := a.p.next()
	if err != nil {
		return raster.Frame{}, err
	}
	a.last = f
	if err := a.c.Begin(canvas.Frame{Rect: f.rect.Sub(a.g.shift), Dispose: disposals[f.disposal]}); err != nil {
		return raster.Frame{}, err
	}
	px, err := a.g.pixels(&a.p.input, f)
	if err != nil {
		return raster.Frame{}, err
	}
	for y := range a.g.canvas.Dy() {
		if err := px.paint(a.c.Row(y), y); err != nil {
			return raster.Frame{}, err
		}
	}
	return raster.Frame{Rows: a.c.Rows(), Delay: time.Duration(f.delay) * centisecond}, nil
}

// composed returns the canvas at the selected frame.
func (g *Reader) composed() (raster.Rows, error) {
	a, err := g.Animation()
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		f, err := a.Next()
		if err != nil || n == g.selected {
			return f.Rows, err
		}
	}
}
