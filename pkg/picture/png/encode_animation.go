package png

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"io"
	"math"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/canvas"
	"imgtools/pkg/picture/raster"
)

// AnimationOptions are the choices of NewAnimation.
type AnimationOptions struct {
	Frames  int      // how many there will be
	Loop    int      // how often the animation is shown; 0: without end
	Colours *Colours // all colours of all frames; nil: they are too many for a palette
	Limits  raster.Limits
}

// AnimationWriter writes an animated PNG (decode_frames.go shows the chunks). Each frame
// given is a whole canvas. The first one is also the default image. Of the others the
// smallest rectangle that holds all changes is written. Nothing is disposed of.
//
// There are two ways to write a rectangle, and the smaller result is taken:
//
//	source  its pixels replace those of the canvas, alpha included
//	over    unchanged pixels are transparent, so that they stay; the others must be opaque
//
// Over suits drawings, of which transparent pixels leave long runs. It needs a colour
// type with alpha, or a palette with a transparent colour. For example, a clock of 1000 ×
// 1000 pixels whose hand moves is one large frame, then rectangles around the places
// where the hand was and is, transparent except for both.
type AnimationWriter struct {
	b        *bufio.Writer
	o        AnimationOptions
	h        *raster.Header // of the first frame; nil before
	palette  []color.NRGBA  // nil: the colour type has none
	shape    shape          // of the canvas
	pixel    int            // bytes of a pixel in shown and next
	blank    []byte         // a transparent pixel; nil: there is none
	shown    []byte         // the canvas as the last frame left it
	next     []byte         // the frame being written
	sequence uint32         // of the next fcTL or fdAT
	frames   int            // written
	compress compressor
	line     []byte // a row with holes
}

// NewAnimation starts an animation. Its size, layout, profile and metadata are those of
// the first frame.
func NewAnimation(w io.Writer, o AnimationOptions) *AnimationWriter {
	return &AnimationWriter{b: bufio.NewWriterSize(w, 32<<10), o: o}
}

// Frame adds a frame, of any layout but YCbCr and upright; all must have the same. Two
// canvases are held.
func (a *AnimationWriter) Frame(src raster.Rows, delay time.Duration) error {
	h := src.Header()
	first := a.h == nil
	if first {
		if err := a.begin(h); err != nil {
			return err
		}
	}
	if h.W() != a.h.W() || h.H() != a.h.H() || a.palette == nil && h.Layout != a.h.Layout || h.Bits != a.h.Bits {
		return fault.New(fault.Internal, "write PNG: a frame of %d×%d, %v of %d bits, in an animation of %d×%d, %v of %d bits",
			h.W(), h.H(), h.Layout, h.Bits, a.h.W(), a.h.H(), a.h.Layout, a.h.Bits)
	}
	if a.frames++; a.frames > a.o.Frames {
		return fault.New(fault.Internal, "write PNG: more than %d frames", a.o.Frames)
	}
	if err := a.read(src); err != nil {
		return err
	}
	if first {
		a.shown = make([]byte, len(a.next))
		if err := a.write(image.Rect(0, 0, h.W(), h.H()), false, delay); err != nil {
			return err
		}
	} else {
		box := canvas.Changes(a.shown, a.next, h.W(), a.pixel)
		if box.Empty() { // a frame has at least a pixel
			box = image.Rect(0, 0, 1, 1)
		}
		if err := a.write(box, true, delay); err != nil {
			return err
		}
	}
	a.shown, a.next = a.next, a.shown
	return nil
}

// Close writes the end of the file. It does not close the underlying writer.
func (a *AnimationWriter) Close() error {
	if a.frames != a.o.Frames || a.frames == 0 {
		return fault.New(fault.Internal, "write PNG: %d of %d frames", a.frames, a.o.Frames)
	}
	if err := writeChunk(a.b, "IEND", nil); err != nil {
		return err
	}
	return a.b.Flush()
}

// begin chooses the colour type and writes all chunks before the first frame.
func (a *AnimationWriter) begin(h *raster.Header) error {
	if h.Layout == raster.YCbCr || h.Orientation != 1 {
		return fault.New(fault.Internal, "write PNG: layout %v, orientation %d", h.Layout, h.Orientation)
	}
	if h.Layout == raster.Indexed && a.o.Colours == nil {
		return fault.New(fault.Internal, "write PNG: an animation of indexes without their colours")
	}
	a.shape = shape{samples: h.Layout.Samples(), depth: int(h.Bits), w: h.W(), h: h.H()}
	layout := h.Layout
	if c := a.o.Colours; c != nil {
		if depth := indexDepth(len(c.palette)); h.Layout != raster.Gray || depth < 8 {
			a.palette, layout = c.palette, raster.Indexed
			a.shape = shape{samples: 1, depth: depth, indexed: true, w: h.W(), h: h.H()}
		}
	}
	a.setBlank(layout)
	a.pixel = max(1, a.shape.samples*a.shape.depth/8)
	size := int64(h.W()) * int64(h.H()) * int64(a.pixel)
	if err := a.o.Limits.CheckMem(2 * size); err != nil {
		return err
	}
	a.h, a.next = h, make([]byte, size)
	if _, err := io.WriteString(a.b, signature); err != nil {
		return err
	}
	if err := writeHeader(a.b, h.W(), h.H(), a.shape.depth, layout); err != nil {
		return err
	}
	control := binary.BigEndian.AppendUint32(nil, uint32(a.o.Frames))
	control = binary.BigEndian.AppendUint32(control, uint32(max(0, min(a.o.Loop, math.MaxInt32))))
	if err := writeChunk(a.b, "acTL", control); err != nil {
		return err
	}
	if err := writeMeta(a.b, h); err != nil || a.palette == nil {
		return err
	}
	return writePalette(a.b, a.palette)
}

// setBlank finds a transparent pixel. A palette gets another colour for it if that
// takes no more bits.
func (a *AnimationWriter) setBlank(l raster.Layout) {
	if l.HasAlpha() {
		a.blank = make([]byte, a.shape.samples*a.shape.depth/8)
	}
	for i, c := range a.palette {
		if c.A == 0 {
			a.blank = []byte{uint8(i)}
			return
		}
	}
	if n := len(a.palette); l == raster.Indexed && n < 1<<a.shape.depth {
		a.palette = append(a.palette[:n:n], color.NRGBA{})
		a.blank = []byte{uint8(n)}
	}
}

// read makes the samples of a frame bytes in next: big-endian, or indexes of 8 bits.
func (a *AnimationWriter) read(src raster.Rows) error {
	h := src.Header()
	size := h.W() * a.pixel
	return raster.EachRow(src, func(y int, row raster.Plane) error {
		dst := a.next[y*size:][:size]
		switch {
		case a.palette != nil:
			return a.o.Colours.indexes(dst, row.Pix, h)
		case h.Bits == 16:
			for i, v := range row.Pix16 {
				binary.BigEndian.PutUint16(dst[2*i:], v)
			}
		default:
			copy(dst, row.Pix)
		}
		return nil
	})
}

// The values of a frame's blending in fcTL (section 11.3.6.2). Disposal is always 0: none.
const (
	blendSource = 0
	blendOver   = 1
)

// write writes a rectangle of next. With over, it may be drawn over what is shown.
func (a *AnimationWriter) write(box image.Rectangle, over bool, delay time.Duration) error {
	data, err := a.compressed(box, false)
	if err != nil {
		return err
	}
	blend := byte(blendSource)
	if over && a.canBlank(box) {
		holed, err := a.compressed(box, true)
		if err != nil {
			return err
		}
		if len(holed) < len(data) {
			data, blend = holed, blendOver
		}
	}
	control := binary.BigEndian.AppendUint32(nil, a.number())
	for _, v := range [...]int{box.Dx(), box.Dy(), box.Min.X, box.Min.Y} {
		control = binary.BigEndian.AppendUint32(control, uint32(v))
	}
	num, den := fraction(delay)
	control = binary.BigEndian.AppendUint16(control, num)
	control = binary.BigEndian.AppendUint16(control, den)
	if err := writeChunk(a.b, "fcTL", append(control, 0, blend)); err != nil {
		return err
	}
	for len(data) > 0 {
		part := data[:min(len(data), idatSize)]
		if data = data[len(part):]; a.frames == 1 {
			err = writeChunk(a.b, "IDAT", part)
		} else {
			err = a.frameData(part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// number returns the sequence number of a chunk.
func (a *AnimationWriter) number() uint32 {
	a.sequence++
	return a.sequence - 1
}

// frameData writes an fdAT chunk.
func (a *AnimationWriter) frameData(part []byte) error {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(part)+4))
	head = append(head, "fdAT"...)
	head = binary.BigEndian.AppendUint32(head, a.number())
	sum := crc32.Update(crc32.ChecksumIEEE(head[4:]), crc32.IEEETable, part)
	for _, b := range [][]byte{head, part, binary.BigEndian.AppendUint32(nil, sum)} {
		if _, err := a.b.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// canBlank reports whether a rectangle has unchanged pixels, all others are opaque, and
// there is a transparent pixel.
func (a *AnimationWriter) canBlank(box image.Rectangle) bool {
	if a.blank == nil {
		return false
	}
	unchanged := false
	for y := box.Min.Y; y < box.Max.Y; y++ {
		was, is := a.row(a.shown, y, box), a.row(a.next, y, box)
		for len(is) > 0 {
			p := is[:a.pixel]
			if bytes.Equal(p, was[:a.pixel]) {
				unchanged = true
			} else if !a.opaque(p) {
				return false
			}
			was, is = was[a.pixel:], is[a.pixel:]
		}
	}
	return unchanged
}

// row returns the part of row y of a canvas that is in a rectangle.
func (a *AnimationWriter) row(pix []byte, y int, box image.Rectangle) []byte {
	return pix[(y*a.shape.w+box.Min.X)*a.pixel:][:box.Dx()*a.pixel]
}

// opaque reports whether a pixel of a colour type with transparency is opaque.
func (a *AnimationWriter) opaque(p []byte) bool {
	if a.palette != nil {
		return a.palette[p[0]].A == 255
	}
	return p[len(p)-1] == 255 && (a.shape.depth == 8 || p[len(p)-2] == 255)
}

// compressed returns the compressed pixels of a rectangle of next. With holes, those
// that are shown already are transparent.
func (a *AnimationWriter) compressed(box image.Rectangle, holes bool) ([]byte, error) {
	s := a.shape
	s.w, s.h = box.Dx(), box.Dy()
	var out bytes.Buffer
	a.compress.start(&out, s)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		row := a.row(a.next, y, box)
		if holes {
			row = a.holed(row, a.row(a.shown, y, box))
		}
		if dst := a.compress.f.next(); s.depth < 8 {
			pack(dst, row, s.depth, 0)
		} else {
			copy(dst, row)
		}
		if err := a.compress.f.add(); err != nil {
			return nil, err
		}
	}
	err := a.compress.close()
	return out.Bytes(), err
}

// holed returns a row in which the pixels that equal those of was are transparent.
func (a *AnimationWriter) holed(row, was []byte) []byte {
	a.line = append(a.line[:0], row...)
	for i := 0; i < len(row); i += a.pixel {
		if bytes.Equal(row[i:i+a.pixel], was[i:i+a.pixel]) {
			copy(a.line[i:], a.blank)
		}
	}
	return a.line
}

// fraction returns a delay in seconds as a fraction of numbers of 16 bits: the first
// convergent of its continued fraction that is the same number of nanoseconds, else the
// last with such numbers. For example, 33,333,333 ns are 0 + 1/(30 + 1/…), and so 1/30,
// which is what a file of 30 frames a second had.
func fraction(delay time.Duration) (num, den uint16) {
	const most = math.MaxUint16
	if delay >= most*time.Second {
		return most, 1
	}
	x, y := max(0, int64(delay)), int64(time.Second)
	p, q := [2]int64{1, 0}, [2]int64{0, 1} // the last convergent, and the one before it
	for y != 0 {
		whole := x / y
		n, d := whole*p[0]+p[1], whole*q[0]+q[1]
		if n > most || d > most {
			break
		}
		p, q = [2]int64{n, p[0]}, [2]int64{d, q[0]}
		if n*int64(time.Second)/d == int64(delay) {
			break
		}
		x, y = y, x%y
	}
	return uint16(p[0]), uint16(q[0])
}
