package gif

import (
	"bufio"
	"image"
	"image/color"
	"io"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/canvas"
	"imgtools/pkg/picture/raster"
)

// Writer writes an animation. Each frame given is a whole canvas. A frame in the file
// is the smallest rectangle that holds all changes; unchanged pixels in it are
// transparent, which LZW compresses well.
//
// Transparent pixels can't erase opaque ones. Where a frame has pixels that the next
// one has not, it is written with disposal 2, in a rectangle that covers them. So
// whether and how a frame is disposed of depends on the one after it, and each frame
// is written when the next one is known:
//
//	NewWriter   nothing is pending
//	Frame       the frame given is pending; the one before it is written
//	Close       the pending frame and the trailer are written
type Writer struct {
	b       *bufio.Writer
	canvas  image.Rectangle
	repeats int // for the loop extension; -1: write none
	lim     raster.Limits
	shown   []pixel // the canvas on which the pending frame is drawn; nil: it is the first
	next    []pixel // the pending frame
	free    []pixel // for the frame after it
	delay   int     // of the pending frame, in 1/100 s
	clock   clock
	frames  int             // given
	global  []pixel         // the first frame's palette; nil before it is written
	index   map[pixel]uint8 // its indexes
	q       quantizer
}

// NewWriter starts an animation of width × height pixels that is shown loop times, 0
// for without end. It holds 4 bytes a pixel for one frame, 12 for more.
func NewWriter(w io.Writer, width, height, loop int, lim raster.Limits) (*Writer, error) {
	if err := checkSides(width, height); err != nil {
		return nil, err
	}
	n := int64(width) * int64(height)
	if err := lim.CheckMem(n * 4); err != nil {
		return nil, err
	}
	return &Writer{
		lim: lim,
		b:   bufio.NewWriterSize(w, 32<<10), canvas: image.Rect(0, 0, width, height), repeats: repeats(loop),
		next: make([]pixel, n),
	}, nil
}

// repeats returns what the loop extension says of an animation that is shown loop
// times: 0 without end, -1 that there should be no extension.
func repeats(loop int) int {
	switch {
	case loop == 0:
		return 0
	case loop == 1:
		return -1
	}
	return min(loop-1, 0xffff)
}

// clock turns delays into hundredths of a second.
type clock struct{ canvas.Clock }

// next returns the delay to write for a frame. Browsers show frames of 0 or 1
// hundredths for 100 ms, so a delay of more than 10 ms never becomes one of these.
func (c *clock) next(delay time.Duration) int {
	least := 0
	if delay > centisecond {
		least = 2
	}
	return c.Next(delay, centisecond, least, 0xffff)
}

// Frame adds a frame of the canvas's size, of any layout that Encode takes.
func (w *Writer) Frame(src raster.Rows, delay time.Duration) error {
	h := src.Header()
	if err := check(h); err != nil {
		return err
	}
	if h.W() != w.canvas.Dx() || h.H() != w.canvas.Dy() {
		return fault.New(fault.Internal, "write GIF: frame of %d×%d on a canvas of %d×%d", h.W(), h.H(), w.canvas.Dx(), w.canvas.Dy())
	}
	w.frames++
	if w.frames == 1 {
		w.delay = w.clock.next(delay)
		return read(w.next, src)
	}
	if w.free == nil {
		if err := w.lim.CheckMem(int64(len(w.next)) * 12); err != nil {
			return err
		}
		w.free = make([]pixel, len(w.next))
	}
	if err := read(w.free, src); err != nil {
		return err
	}
	if err := w.write(w.free); err != nil {
		return err
	}
	w.next, w.free = w.free, w.next
	w.delay = w.clock.next(delay)
	return nil
}

// Close writes the last frame and the trailer. It does not close the underlying
// writer.
func (w *Writer) Close() error {
	if w.frames == 0 {
		return fault.New(fault.Internal, "write GIF: no frame")
	}
	if err := w.write(nil); err != nil {
		return err
	}
	if err := w.b.WriteByte(blockTrailer); err != nil {
		return err
	}
	return w.b.Flush()
}

// write writes the pending frame. after is the frame that follows, nil if none does.
func (w *Writer) write(after []pixel) error {
	first := w.shown == nil
	box := w.canvas
	if !first {
		box = w.bounds(func(i int) bool { return w.next[i] != w.shown[i] })
	}
	disposal := byte(disposeNone)
	if after != nil {
		if erased := w.bounds(func(i int) bool { return w.next[i] != 0 && after[i] == 0 }); !erased.Empty() {
			disposal = disposeBackground
			box = box.Union(erased)
		}
	}
	if box.Empty() { // nothing changes, but there must be a frame for the delay
		box = image.Rect(0, 0, 1, 1)
	}
	if err := w.draw(box, disposal); err != nil {
		return err
	}
	if after == nil {
		return nil
	}
	if first {
		w.shown = make([]pixel, len(w.next))
	}
	copy(w.shown, w.next)
	if disposal == disposeBackground {
		for y := box.Min.Y; y < box.Max.Y; y++ {
			clear(w.shown[y*w.canvas.Dx()+box.Min.X:][:box.Dx()])
		}
	}
	return nil
}

// bounds returns the smallest rectangle that holds all pixels for which chosen is
// true.
func (w *Writer) bounds(chosen func(i int) bool) image.Rectangle {
	var r image.Rectangle
	i := 0
	for y := range w.canvas.Dy() {
		left, right := -1, 0
		for x := range w.canvas.Dx() {
			if chosen(i) {
				if left < 0 {
					left = x
				}
				right = x + 1
			}
			i++
		}
		if left >= 0 {
			r = r.Union(image.Rect(left, y, right, y+1))
		}
	}
	return r
}

// draw writes the pending frame's pixels within box. It makes them in w.shown, which
// write fills again afterwards: pixels shown already become transparent.
func (w *Writer) draw(box image.Rectangle, disposal byte) error {
	v := view{w.next, w.canvas.Dx(), box.Dx(), box.Dy()}
	if w.shown != nil {
		at := box.Min.Y*w.canvas.Dx() + box.Min.X
		v.pix = w.shown[at:]
		for y := range v.h {
			next := w.next[at+y*v.stride:]
			for i, p := range v.row(y) {
				if p == next[i] {
					v.row(y)[i] = 0
				} else {
					v.row(y)[i] = next[i]
				}
			}
		}
	}
	return w.put(v, box, disposal)
}

// put writes a frame of given pixels, with the first frame's palette if that has all
// its colours, else with a palette of its own.
func (w *Writer) put(v view, box image.Rectangle, disposal byte) error {
	hasTransparent := v.hasTransparent()
	f := &frame{rect: box, disposal: disposal, transparent: -1, delay: w.delay}
	f.control = disposal != disposeNone || w.delay != 0 || hasTransparent || w.repeats >= 0 || w.frames > 1
	if w.global != nil && w.within(v) {
		f.transparent = len(w.global)
		return w.pack(f, v, len(w.global)+1, func(p pixel) uint8 { return w.index[p] })
	}
	most := 256
	if hasTransparent || w.frames > 1 {
		most = 255
	}
	w.q.count(v)
	colors := w.q.palette(most)
	table := make([]color.NRGBA, len(colors), 256)
	for i, p := range colors {
		table[i] = color.NRGBA{uint8(p.r()), uint8(p.g()), uint8(p.b()), 255}
	}
	if most == 255 {
		f.transparent = len(table)
		table = append(table, color.NRGBA{})
	}
	if w.global == nil {
		w.global = colors
		w.index = make(map[pixel]uint8, len(colors))
		for i, p := range colors {
			w.index[p] = uint8(i)
		}
		s := screen{version: "GIF89a", w: w.canvas.Dx(), h: w.canvas.Dy(), flags: tableFlags(len(table)) | 0x70, table: table}
		if err := writeScreen(w.b, s); err != nil {
			return err
		}
		if err := writeLoop(w.b, w.repeats); err != nil {
			return err
		}
	} else {
		f.flags, f.table = tableFlags(len(table)), table
	}
	w.q.setColors(colors)
	return w.pack(f, v, len(table), w.q.nearest)
}

// within reports whether v has only colours of the first frame's palette.
func (w *Writer) within(v view) bool {
	var last pixel
	for y := range v.h {
		for _, p := range v.row(y) {
			if p == 0 || p == last {
				continue
			}
			if _, ok := w.index[p]; !ok {
				return false
			}
			last = p
		}
	}
	return true
}

// pack writes a frame. index returns the index of an opaque pixel, below colors.
func (w *Writer) pack(f *frame, v view, colors int, index func(pixel) uint8) error {
	if err := writeFrame(w.b, f); err != nil {
		return err
	}
	z, err := newPacker(w.b, colors)
	if err != nil {
		return err
	}
	line := make([]uint8, v.w)
	for y := range v.h {
		for i, p := range v.row(y) {
			if line[i] = uint8(f.transparent); p != 0 {
				line[i] = index(p)
			}
		}
		if _, err := z.z.Write(line); err != nil {
			return err
		}
	}
	return z.close()
}
