package webp

import (
	"io"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/canvas"
	"imgtools/pkg/picture/raster"
)

// Frames returns the number of frames; 1 for a still.
func (g *Reader) Frames() int { return max(g.c.frames, 1) }

// Loop returns how often an animation is shown, 0 for without end; 1 for a still.
func (g *Reader) Loop() int { return g.c.loop }

// Select makes Header and Rows those of frame n, from 1: the canvas as it is shown
// then, RGBA if n is not 1. Rows composes all frames up to it.
func (g *Reader) Select(n int) error {
	if n < 1 || n > g.Frames() {
		return raster.NoFrame(n, g.Frames())
	}
	if g.selected = n; n > 1 {
		g.composed, g.h = true, g.canvasHeader()
	}
	return nil
}

// canvasHeader returns the header of the canvas, with the file's metadata.
func (g *Reader) canvasHeader() *raster.Header {
	h := raster.NewHeader(g.c.canvasW, g.c.canvasH, raster.RGBA, 8)
	h.Orientation, h.Density, h.ICC = g.h.Orientation, g.h.Density, g.h.ICC
	return h
}

// animation composes the frames one after another.
type animation struct {
	g     *Reader
	in    chunks
	c     *canvas.Canvas
	shown int // frames so far
}

// Animation starts at the first frame, whatever Rows has read. It holds the canvas, 4
// bytes a pixel, and one decoded frame. A still is an animation of one frame.
func (g *Reader) Animation() (raster.Animation, error) {
	if g.c.frames == 0 {
		return &still{g: g}, nil
	}
	c, err := canvas.New(g.c.canvasW, g.c.canvasH, 8, g.lim)
	if err != nil {
		return nil, err
	}
	*c.Header() = *g.canvasHeader()
	return &animation{g: g, in: g.c.from, c: c}, nil
}

// Next composes the next frame.
func (a *animation) Next() (raster.Frame, error) {
	if a.shown == a.g.c.frames {
		return raster.Frame{}, io.EOF
	}
	delay, err := a.draw()
	if err == nil {
		a.shown++
		return raster.Frame{Rows: a.c.Rows(), Delay: delay}, nil
	}
	if fault.Of(err) == fault.Format {
		err = fault.New(fault.Format, "frame %d of %d: %w", a.shown+1, a.g.c.frames, err)
	}
	if a.shown == 0 {
		return raster.Frame{}, err
	}
	if err := a.g.damaged(err); err != nil {
		return raster.Frame{}, err
	}
	return raster.Frame{}, io.EOF
}

// draw decodes the next frame before it touches the canvas, so that a damaged frame
// leaves what was shown before.
func (a *animation) draw() (delay time.Duration, err error) {
	data, err := a.in.next()
	for err == nil && data.name != "ANMF" {
		data, err = a.in.next()
	}
	if err != nil {
		return 0, err
	}
	f, err := a.g.c.frame(a.in.r, data, a.shown+1)
	if err != nil {
		return 0, err
	}
	rows, err := a.g.decodeHeld(f, a.c.Header().Bytes())
	if err != nil {
		return 0, err
	}
	if err := a.c.Begin(f.draw); err != nil {
		return 0, err
	}
	return f.delay, a.c.Draw(rows)
}

// compose returns the canvas at the selected frame.
func (g *Reader) compose() (raster.Rows, error) {
	a, err := g.Animation()
	if err != nil {
		return nil, err
	}
	var last raster.Frame
	for range g.selected {
		f, err := a.Next()
		if err == io.EOF { // damaged, which is accepted: the last frame there is
			return last.Rows, nil
		}
		if err != nil {
			return nil, err
		}
		last = f
	}
	return last.Rows, nil
}

// still is a still picture as an animation of one frame.
type still struct {
	g    *Reader
	done bool
}

func (s *still) Next() (raster.Frame, error) {
	if s.done {
		return raster.Frame{}, io.EOF
	}
	s.done = true
	rows, err := s.g.decode(s.g.main, raster.Hint{}, 0)
	return raster.Frame{Rows: rows}, err
}
