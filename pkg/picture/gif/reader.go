// Package gif reads and writes GIF89a, still and animated, over the standard
// library's LZW.
//
// A picture is the canvas, composed as browsers do it: the background is
// transparent, disposal 2 makes a frame's place transparent, disposal 3 restores
// it, 4 is 3, others are 1. Frames are clipped to the canvas; where the first
// frame is larger than the logical screen, or that is empty, the canvas is the
// first frame, as in Firefox. A frame with fewer pixels than it says is
// truncated, surplus ones are ignored. Every frame's header is read when a file
// is opened, so a file that ends early is refused before anything is decoded.
package gif

import (
	"compress/lzw"
	"errors"
	"image"
	"image/color"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// Reader is a GIF whose blocks have been walked. As a raster.Reader it is the
// first frame on the canvas.
type Reader struct {
	raster.NoteList

	r      io.ReaderAt
	size   int64
	lim    raster.Limits
	out    *raster.Header
	canvas image.Rectangle
	shift  image.Point // where frames move when the canvas is the first frame
	first  *frame
	frames int
	loop   int // of the loop extension: repetitions, 0 without end; -1 if there is none

	selected int // the frame that Rows reads, from 1
}

// Open walks the GIF in the first size bytes of r. Width × height × frames is
// held to the limit.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Reader, error) {
	p, err := newParser(r, size)
	if err != nil {
		return nil, err
	}
	g := &Reader{r: r, size: size, lim: lim, selected: 1}
	for {
		f, err := p.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if g.frames++; g.frames == 1 {
			g.first = f
			g.place(p.screen, f)
		}
		if err := lim.CheckSize(int64(g.canvas.Dx()), int64(g.canvas.Dy()), g.frames); err != nil {
			return nil, err
		}
		if f.rect.Dx() > g.canvas.Dx() || f.rect.Dy() > g.canvas.Dy() {
			// Clipped, but decoded nevertheless.
			if err := lim.CheckSize(int64(max(1, f.rect.Dx())), int64(max(1, f.rect.Dy())), g.frames); err != nil {
				return nil, err
			}
		}
		if f.table == nil {
			return nil, fault.New(fault.Format, "GIF: frame %d has no colour table", g.frames)
		}
		if err := p.skipData(); err != nil {
			return nil, err
		}
	}
	if g.frames == 0 {
		return nil, fault.New(fault.Format, "GIF: no frame")
	}
	g.loop = p.loop
	g.out = raster.NewHeader(g.canvas.Dx(), g.canvas.Dy(), raster.RGBA, 8)
	if g.first.rect.Sub(g.shift) == g.canvas {
		g.out.Layout = raster.Indexed
		g.out.Palette = g.first.palette()
	}
	return g, nil
}

// place decides on the canvas, from the screen and the first frame.
func (r *Reader) place(s screen, f *frame) {
	r.canvas = image.Rect(0, 0, s.w, s.h)
	if s.w == 0 || s.h == 0 || f.rect.Dx() > s.w || f.rect.Dy() > s.h {
		r.shift = f.rect.Min
		r.canvas = f.rect.Sub(r.shift)
	}
}

// palette returns the frame's colours, the transparent one included.
func (f *frame) palette() []color.NRGBA {
	n := max(len(f.table), f.transparent+1)
	p := make([]color.NRGBA, n)
	for i := range p {
		p[i].A = 255 // those between the table and a transparent index beyond it are not used
	}
	copy(p, f.table)
	if f.transparent >= 0 {
		p[f.transparent].A = 0
	}
	return p
}

// Header returns the canvas: Indexed when the first frame covers it, else RGBA.
func (r *Reader) Header() *raster.Header { return r.out }

// Frames returns the number of frames, at least 1.
func (r *Reader) Frames() int { return r.frames }

// Loop returns how often the animation is shown, 0 for without end. The loop
// extension counts repetitions, so it is one more; without the extension it is 1.
func (r *Reader) Loop() int {
	if r.loop == 0 {
		return 0
	}
	return max(r.loop, 0) + 1
}

// Rows decodes the first frame; the hint is not used. It may be called once. An
// interlaced frame is held whole, a byte a pixel.
func (r *Reader) Rows(raster.Hint) (raster.Rows, error) {
	if r.selected > 1 {
		return r.composed()
	}
	n := int64(r.canvas.Dx()) * int64(r.out.Layout.Samples())
	d := &rows{r: r, band: raster.BandRows(int(n), r.canvas.Dy())}
	if err := r.lim.CheckMem(n * int64(d.band)); err != nil {
		return nil, err
	}
	var err error
	if d.p, err = r.pixels(&input{r: r.r, size: r.size}, r.first); err != nil {
		return nil, err
	}
	d.out.Planes[0] = raster.Plane{Pix: make([]uint8, int(n)*d.band), Stride: int(n)}
	d.colors = r.first.palette()
	return d, nil
}

type rows struct {
	r      *Reader
	p      *pixels
	colors []color.NRGBA
	band   int
	y      int // rows done
	out    raster.Band
}

func (d *rows) Header() *raster.Header { return d.r.out }

func (d *rows) Next() (*raster.Band, error) {
	h := d.r.canvas.Dy()
	if d.y == h {
		return nil, io.EOF
	}
	q := &d.out.Planes[0]
	q.Rows, d.out.Y = min(d.band, h-d.y), d.y
	rect := d.p.f.rect.Sub(d.r.shift)
	end := rect.Intersect(d.r.canvas).Max.Y // 0 for a frame outside, which isn't decoded
	for i := range q.Rows {
		dst := q.Pix[i*q.Stride : (i+1)*q.Stride]
		y := d.y + i
		if d.r.out.Layout == raster.Indexed {
			src, err := d.p.row()
			if err != nil {
				return nil, err
			}
			copy(dst, src)
			continue
		}
		clear(dst)
		if y < rect.Min.Y || y >= end {
			continue
		}
		src, err := d.p.row()
		if err != nil {
			return nil, err
		}
		paint(dst, src, rect.Min.X, d.colors)
	}
	d.y += q.Rows
	return &d.out, nil
}

// paint draws a row of indexes, of which the first stands at x, on a row of RGBA
// pixels; transparent ones and those outside the row are left out.
func paint(dst []uint8, src []uint8, x int, colors []color.NRGBA) {
	if x < 0 {
		src = src[min(-x, len(src)):]
		x = 0
	}
	for i, v := range src {
		if at := 4 * (x + i); at < len(dst) && colors[v].A != 0 {
			c := colors[v]
			d := dst[at : at+4 : at+4]
			d[0], d[1], d[2], d[3] = c.R, c.G, c.B, 255
		}
	}
}

// pixels are the indexes of a frame, by rows from top to bottom. None is beyond
// the frame's table but the transparent one.
type pixels struct {
	f      *frame
	blocks *blocks
	z      io.ReadCloser
	line   []uint8
	y      int     // rows done
	held   []uint8 // all rows, of an interlaced frame
	limit  int     // indexes from here on are beyond the table
	black  uint8   // what those become
	stray  bool    // there were such
}

// pixels begins to decode a frame, whose data in reads.
func (r *Reader) pixels(in *input, f *frame) (*pixels, error) {
	w, h := f.rect.Dx(), f.rect.Dy()
	p := &pixels{f: f}
	if f.interlaced() {
		if err := r.lim.CheckMem(int64(w) * int64(h)); err != nil {
			return nil, err
		}
	}
	in.seek(f.data)
	bits, err := in.ReadByte()
	if err != nil {
		return nil, fault.New(fault.Internal, "read: %w", err)
	}
	if bits < 2 || bits > 8 {
		return nil, fault.New(fault.Format, "GIF: LZW literals of %d bits", bits)
	}
	p.blocks = &blocks{in: in}
	p.z = lzw.NewReader(p.blocks, lzw.LSB, int(bits))
	p.line = make([]uint8, w)
	p.limit = len(f.table)
	p.black = raster.Darkest(f.palette()[:p.limit])
	if f.interlaced() {
		p.held = make([]uint8, w*h)
		n := 0
		for _, pass := range [4]struct{ y, dy int }{{0, 8}, {4, 8}, {2, 4}, {1, 2}} { // appendix E
			for y := pass.y; y < h; y += pass.dy {
				if err := p.read(p.held[y*w:(y+1)*w], n); err != nil {
					return nil, err
				}
				n++
			}
		}
	}
	return p, nil
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
	if _, err := io.ReadFull(p.z, dst); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return raster.Truncated(done, p.f.rect.Dy())
		}
		if _, ok := errors.AsType[*fault.Error](err); ok {
			return err // of the input
		}
		return fault.New(fault.Format, "GIF: %w after %d of %d rows", err, done, p.f.rect.Dy())
	}
	t := p.f.transparent
	if t < p.limit {
		p.stray = raster.Clamp(dst, p.limit, p.black) || p.stray
		return nil
	}
	for i, v := range dst { // the transparent index alone is beyond the table
		if int(v) >= p.limit && int(v) != t {
			dst[i], p.stray = p.black, true
		}
	}
	return nil
}

// ended reports whether the data end with their end code right after the last
// pixel, all rows having been read.
func (p *pixels) ended() bool {
	var b [1]byte
	n, err := p.z.Read(b[:])
	return n == 0 && err == io.EOF
}
