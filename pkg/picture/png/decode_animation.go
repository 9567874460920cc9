package png

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/canvas"
	"imgtools/pkg/picture/raster"
)

// Reader implements raster.Animated.
var _ raster.Animated = (*Reader)(nil)

// Frames returns the number of frames of the animation; 1 if there is none.
func (r *Reader) Frames() int { return max(1, len(r.frames)) }

// Loop returns how often the animation is shown; 0: without end.
func (r *Reader) Loop() int { return r.plays }

// Select makes Header and Rows those of frame n of the animation. Without Select they are
// those of the default image, which need not be part of the animation.
func (r *Reader) Select(n int) error {
	if n < 1 || n > r.Frames() {
		return raster.NoFrame(n, r.Frames())
	}
	r.selected, r.out = 0, r.base
	if n > 1 || len(r.frames) > 0 && r.frames[0].kind != "IDAT" {
		r.selected, r.out = n, r.canvasHeader()
	}
	return nil
}

// Animation starts at the first frame. It holds the canvas, 4 samples a pixel; twice
// that if the picture is interlaced or a frame has disposal Previous.
func (r *Reader) Animation() (raster.Animation, error) {
	h := r.canvasHeader()
	if err := r.lim.CheckSize(int64(h.W()), int64(h.H()), r.Frames()); err != nil {
		return nil, err
	}
	c, err := canvas.New(h.W(), h.H(), h.Bits, r.lim)
	if err != nil {
		return nil, err
	}
	if r.interlaced {
		if err := r.lim.CheckMem(2 * c.Header().Bytes()); err != nil {
			return nil, err
		}
	}
	return &animation{r: r, c: c, h: h}, nil
}

// canvasHeader returns the header of the composed frames. The canvas is RGBA; its rows
// are reduced to the layout of the file where that holds every frame.
func (r *Reader) canvasHeader() *raster.Header {
	h := *r.base
	l := h.Layout
	if l == raster.Indexed {
		l = raster.PaletteLayout(h.Palette)
	}
	if !l.HasAlpha() && !r.covered() {
		l++ // Gray to GrayA, RGB to RGBA
	}
	h.Layout, h.Palette = l, nil
	return &h
}

// covered reports whether opaque frames leave no transparent pixel on the canvas: the
// first fills it, and none is removed.
func (r *Reader) covered() bool {
	for i, f := range r.frames {
		if i == 0 && (f.Rect.Dx() != r.base.W() || f.Rect.Dy() != r.base.H() || f.Dispose == canvas.Previous) ||
			f.Dispose == canvas.Background {
			return false
		}
	}
	return true
}

// animation composes the frames one after another.
type animation struct {
	r *Reader
	c *canvas.Canvas
	h *raster.Header // of the rows given
	n int            // frames composed so far
}

// Next composes the next frame.
func (a *animation) Next() (raster.Frame, error) {
	if a.n == len(a.r.frames) {
		return raster.Frame{}, io.EOF
	}
	f := a.r.frames[a.n]
	a.n++
	if err := a.draw(f); err != nil {
		return raster.Frame{}, fault.New(fault.Of(err), "frame %d of %d: %w", a.n, len(a.r.frames), err)
	}
	return raster.Frame{Rows: a.rows(), Delay: f.delay}, nil
}

// draw decodes a frame onto the canvas.
func (a *animation) draw(f frame) error {
	if err := a.c.Begin(f.Frame); err != nil {
		return err
	}
	im := a.r.defaultImage()
	if f.kind != "IDAT" {
		h := *a.r.base
		h.FullW, h.FullH = f.Rect.Dx(), f.Rect.Dy()
		h.Planes = []raster.PlaneDim{raster.Whole(h.FullW, h.FullH)}
		im = &still{a.r, &h, f.kind, f.pos, false}
	}
	rows, err := im.rows()
	if err != nil {
		return err
	}
	return a.c.Draw(rows)
}

// rows returns the canvas in the layout of a.h.
func (a *animation) rows() raster.Rows {
	n := a.h.Layout.Samples()
	last := n - 1 // the sample that is alpha
	if !a.h.Layout.HasAlpha() {
		last = n
	}
	if n == 4 {
		return raster.WithHeader(a.c.Rows(), a.h)
	}
	return raster.Filter(a.c.Rows(), a.h, func(dst, src raster.Plane) {
		pick(dst.Pix, src.Pix, n, last)
		pick(dst.Pix16, src.Pix16, n, last)
	})
}

// pick copies of each pixel of 4 samples the first samples up to alpha, and alpha as
// the last one, to pixels of n samples.
func pick[T uint8 | uint16](dst, src []T, n, alpha int) {
	for i, o := 0, 0; o < len(dst); i, o = i+4, o+n {
		copy(dst[o:o+alpha], src[i:])
		if alpha < n {
			dst[o+alpha] = src[i+3]
		}
	}
}

// composed returns the canvas at the selected frame.
func (r *Reader) composed() (raster.Rows, error) {
	a, err := r.Animation()
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		f, err := a.Next()
		if err != nil || n == r.selected {
			return f.Rows, err
		}
	}
}
