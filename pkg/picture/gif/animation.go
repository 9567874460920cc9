package gif

import (
	"image"
	"io"

	"imgtools/pkg/picture/raster"
)

// Animation composes the frames of a GIF one after another.
type Animation struct {
	r      *Reader
	p      *parser
	h      *raster.Header
	canvas []uint8 // RGBA, straight: alpha is 0 or 255
	before []uint8 // what stood in the last frame's place, if it is to come back
	last   *frame  // whose disposal is still to be done
	n      int
}

// Frame is the canvas as one frame of an animation shows it. It is valid until
// the next call of Animation.Next.
type Frame struct {
	Index int // from 0
	Delay int // in 1/100 s, as the file says it
	a     *Animation
}

// Animation begins to compose frames. It holds the canvas, 4 bytes a pixel, and
// a frame's place once more where disposal 3 asks for it.
func (r *Reader) Animation() (*Animation, error) {
	w, h := r.canvas.Dx(), r.canvas.Dy()
	if err := r.lim.CheckMem(int64(w) * int64(h) * 4); err != nil {
		return nil, err
	}
	p, err := newParser(r.r, r.size)
	if err != nil {
		return nil, err
	}
	return &Animation{r: r, p: p, h: raster.NewHeader(w, h, raster.RGBA, 8), canvas: make([]uint8, 4*w*h)}, nil
}

// Next composes the next frame; io.EOF after the last.
func (a *Animation) Next() (*Frame, error) {
	a.dispose()
	f, err := a.p.next()
	if err != nil {
		return nil, err
	}
	rect := f.rect.Sub(a.r.shift)
	shown := rect.Intersect(a.r.canvas)
	if f.disposal == disposePrevious {
		if err := a.r.lim.CheckMem(int64(len(a.canvas)) + 4*int64(shown.Dx())*int64(shown.Dy())); err != nil {
			return nil, err
		}
		a.before = a.before[:0]
		a.each(shown, func(row []uint8) { a.before = append(a.before, row...) })
	}
	px, err := a.r.pixels(&a.p.input, f)
	if err != nil {
		return nil, err
	}
	colors := f.palette()
	end := shown.Max.Y
	if shown.Empty() {
		end = rect.Min.Y // a frame outside isn't decoded
	}
	for y := rect.Min.Y; y < end; y++ {
		src, err := px.row()
		if err != nil {
			return nil, err
		}
		if y >= 0 {
			at := 4 * y * a.h.W()
			paint(a.canvas[at:at+4*a.h.W()], src, rect.Min.X, colors)
		}
	}
	a.p.seek(f.data)
	if err := a.p.skipData(); err != nil {
		return nil, err
	}
	a.last = f
	a.n++
	return &Frame{a.n - 1, f.delay, a}, nil
}

// each calls do for each row of the canvas within rect.
func (a *Animation) each(rect image.Rectangle, do func(row []uint8)) {
	for y := rect.Min.Y; y < rect.Max.Y; y++ {
		at := 4 * (y*a.h.W() + rect.Min.X)
		do(a.canvas[at : at+4*rect.Dx()])
	}
}

// dispose leaves the canvas as the last frame wants it left.
func (a *Animation) dispose() {
	if a.last == nil {
		return
	}
	rect := a.last.rect.Sub(a.r.shift).Intersect(a.r.canvas)
	switch a.last.disposal {
	case disposeBackground:
		a.each(rect, func(row []uint8) { clear(row) })
	case disposePrevious:
		was := a.before
		a.each(rect, func(row []uint8) { was = was[copy(row, was):] })
	}
	a.last = nil
}

// Rows returns the canvas: RGBA of 8 bits, alpha 0 or 255. It may be called as
// often as wanted while the frame is valid.
func (f *Frame) Rows() raster.Rows { return &canvasRows{h: f.a.h, pix: f.a.canvas} }

// canvasRows hands out a canvas that is held.
type canvasRows struct {
	h   *raster.Header
	pix []uint8
	y   int
	out raster.Band
}

func (d *canvasRows) Header() *raster.Header { return d.h }

func (d *canvasRows) Next() (*raster.Band, error) {
	h, n := d.h.H(), 4*d.h.W()
	if d.y == h {
		return nil, io.EOF
	}
	k := min(raster.BandRows(n, h), h-d.y)
	d.out.Y = d.y
	d.out.Planes[0] = raster.Plane{Pix: d.pix[d.y*n : (d.y+k)*n], Stride: n, Rows: k}
	d.y += k
	return &d.out, nil
}
