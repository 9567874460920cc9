package webp

import (
	"encoding/binary"
	"image"
	"io"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/canvas"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/webp/vp8"
	"imgtools/pkg/picture/webp/vp8l"
)

// Bounds on the walk through a hostile file.
const (
	maxChunks = 1000    // beside frames, and within a frame
	MaxFrames = 1 << 16 // of an animation, read or written
)

// flagAnimation is the flag of VP8X for an animation.
const flagAnimation = 1 << 1

// The fields of ANMF before its chunks (RFC 9649 section 2.7.1.1).
const (
	frameHeader   = 16        // bytes
	maxDelay      = 1<<24 - 1 // milliseconds
	frameDisposed = 1 << 0    // flag: the rectangle becomes transparent after the frame
	frameReplaces = 1 << 1    // flag: no blending
)

// chunk is a chunk of a file: where its data start, and how many bytes there are.
type chunk struct {
	name    string
	off, n  int64
	missing int64 // bytes that its size counts beyond those
}

// read returns the data of a chunk.
func (c chunk) read(r io.ReaderAt) ([]byte, error) {
	b := make([]byte, c.n)
	if n, err := r.ReadAt(b, c.off); n < len(b) {
		return nil, short("chunk", err)
	}
	return b, nil
}

// truncated returns the error for a chunk with missing bytes.
func (c chunk) truncated() error {
	return fault.New(fault.Format, "truncated: chunk %q has %d of %d bytes", c.name, c.n, c.n+c.missing)
}

// chunks iterates over the chunks from off to end.
type chunks struct {
	r        io.ReaderAt
	off, end int64
}

// next returns the next chunk, and io.EOF after the last one. Fewer than 8 bytes at the
// end are ignored.
func (c *chunks) next() (chunk, error) {
	if c.off+8 > c.end {
		return chunk{}, io.EOF
	}
	var b [8]byte
	if n, err := c.r.ReadAt(b[:], c.off); n < len(b) {
		return chunk{}, short("chunk header", err)
	}
	size := int64(binary.LittleEndian.Uint32(b[4:]))
	data := chunk{name: string(b[:4]), off: c.off + 8, n: min(size, c.end-c.off-8)}
	data.missing = size - data.n
	c.off = data.off + size + size&1
	return data, nil
}

// picture is a still or a frame: where its bitstream is, and what its headers say.
type picture struct {
	bits     chunk // VP8 or VP8L
	lossless bool  // it is VP8L
	hasBits  bool
	alph     *chunk // ALPH, or nil
	w, h     int
	alpha    bool // it has an alpha channel

	// Of a frame.
	rect  image.Rectangle // on the canvas
	draw  canvas.Frame
	delay time.Duration
}

// add takes a chunk of the picture. Chunks with other names, and all but the first of a
// name, are ignored.
func (p *picture) add(data chunk) {
	switch data.name {
	case "ALPH":
		if p.alph == nil {
			p.alph = &data
		}
	case "VP8 ", "VP8L":
		if !p.hasBits {
			p.bits, p.lossless, p.hasBits = data, data.name == "VP8L", true
		}
	}
}

// header reads the picture's size, and whether it has alpha, from the start of its
// bitstream.
func (p *picture) header(r io.ReaderAt) error {
	var b [10]byte
	n, err := r.ReadAt(b[:min(p.bits.n, int64(len(b)))], p.bits.off)
	if err != nil && err != io.EOF {
		return err
	}
	if p.lossless {
		c, err := vp8l.ReadConfig(b[:n])
		p.w, p.h, p.alpha = c.Width, c.Height, c.Alpha
		return err
	}
	c, err := vp8.ReadConfig(b[:n])
	p.w, p.h, p.alpha = c.Width, c.Height, p.alph != nil
	return err
}

// container is what the walk through a file found.
type container struct {
	extended         bool // it has a VP8X chunk
	flags            byte // of VP8X
	canvasW, canvasH int
	still            picture
	anim             bool // it has an ANIM chunk
	loop             int  // how often the animation is shown, 0 for without end
	frames           int
	lossy            bool     // a frame is
	broken           bool     // frames after these are not read, as one is damaged
	first            *picture // frame 1
	from             chunks   // the chunks from the first ANMF on
	exif, xmp, icc   *chunk
}

// walk reads the headers of all chunks and checks their sizes. Of chunks that occur
// twice the first one counts. Bytes after the RIFF file are ignored.
func (g *Reader) walk(size int64) error {
	var b [12]byte
	if n, err := g.r.ReadAt(b[:], 0); n < len(b) {
		return short("RIFF header", err)
	}
	if string(b[:4]) != "RIFF" || string(b[8:]) != "WEBP" {
		return fault.New(fault.Format, "not a WebP file")
	}
	end := int64(binary.LittleEndian.Uint32(b[4:])) + 8
	if end > size {
		if err := g.damaged(fault.New(fault.Format, "truncated: %d of %d bytes", size, end)); err != nil {
			return err
		}
		end = size
	}
	in := chunks{g.r, 12, end}
	frames := 0 // chunks of frames, also of those that are not read
	for n := 0; ; n++ {
		if n-frames == maxChunks {
			return fault.New(fault.Format, "more than %d chunks", maxChunks)
		}
		if frames > MaxFrames {
			return fault.New(fault.TooLarge, "more than %d frames", MaxFrames)
		}
		at := in
		data, err := in.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if data.name == "ANMF" {
			if frames++; frames == 1 {
				g.c.from = at
			}
			if err := g.addFrame(data); err != nil {
				if g.c.frames == 0 {
					return err
				}
				if err := g.damaged(err); err != nil {
					return err
				}
				g.c.broken = true
			}
		} else if err := g.addChunk(data, n == 0); err != nil {
			return err
		}
	}
}

// addChunk takes a chunk that is no frame. It may be cut if it has metadata.
func (g *Reader) addChunk(data chunk, first bool) error {
	if err := g.c.add(data, first, g.r); err != nil || data.missing == 0 {
		return err
	}
	switch data.name {
	case "VP8X", "VP8 ", "VP8L", "ALPH":
		if g.lim.Lenient {
			// Decoding adds a note if rows are missing. If they are all there, and the
			// file is as long as it says, this is the only one.
			if len(g.Notes()) == 0 {
				g.Note("%v", data.truncated())
			}
			return nil
		}
		return data.truncated()
	}
	g.Note("%v", data.truncated())
	return nil
}

// add takes a chunk that is no frame.
func (c *container) add(data chunk, first bool, r io.ReaderAt) error {
	switch data.name {
	case "VP8X":
		var b [10]byte
		if !first { // the file is a simple one, where other readers stop at the picture
			return nil
		}
		if data.n < int64(len(b)) {
			return fault.New(fault.Format, "VP8X chunk of %d bytes", data.n)
		}
		if n, err := r.ReadAt(b[:], data.off); n < len(b) {
			return short("VP8X chunk", err)
		}
		c.extended, c.flags = true, b[0]
		c.canvasW, c.canvasH = 1+int24(b[4:]), 1+int24(b[7:])
	case "ANIM":
		var b [6]byte
		if data.n < int64(len(b)) {
			return fault.New(fault.Format, "ANIM chunk of %d bytes", data.n)
		}
		if n, err := r.ReadAt(b[:], data.off); n < len(b) {
			return short("ANIM chunk", err)
		}
		c.anim, c.loop = true, int(binary.LittleEndian.Uint16(b[4:]))
	case "EXIF":
		if c.exif == nil {
			c.exif = &data
		}
	case "XMP ":
		if c.xmp == nil && data.n <= maxXMP {
			c.xmp = &data
		}
	case "ICCP":
		if c.icc == nil {
			c.icc = &data
		}
	default:
		c.still.add(data)
	}
	return nil
}

// int24 reads a little-endian number of three bytes.
func int24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// addFrame checks a frame and counts it.
func (g *Reader) addFrame(data chunk) error {
	c := &g.c
	if !c.extended || c.broken {
		return nil // without a canvas it is an unknown chunk
	}
	f, err := c.frame(g.r, data, c.frames+1)
	if err != nil {
		return err
	}
	if err := g.lim.CheckSize(int64(c.canvasW), int64(c.canvasH), c.frames+1); err != nil {
		return err
	}
	c.lossy = c.lossy || !f.lossless
	if c.frames++; c.frames == 1 {
		c.first = f
	}
	return nil
}

// frame reads the ANMF chunk of frame n (RFC 9649 section 2.7.1.1) up to its pixels.
func (c *container) frame(r io.ReaderAt, data chunk, n int) (*picture, error) {
	var b [frameHeader]byte
	if data.missing > 0 {
		return nil, fault.New(fault.Format, "frame %d: %w", n, data.truncated())
	}
	if data.n < frameHeader {
		return nil, fault.New(fault.Format, "frame %d of %d bytes, which is less than its header", n, data.n)
	}
	if k, err := r.ReadAt(b[:], data.off); k < len(b) {
		return nil, short("frame header", err)
	}
	at := image.Pt(2*int24(b[0:]), 2*int24(b[3:]))
	f := &picture{
		rect:  image.Rectangle{at, at.Add(image.Pt(1+int24(b[6:]), 1+int24(b[9:])))},
		delay: time.Duration(int24(b[12:])) * time.Millisecond,
	}
	f.draw.Rect = f.rect
	if b[15]&frameReplaces != 0 {
		f.draw.Blend = canvas.Source
	}
	if b[15]&frameDisposed != 0 {
		f.draw.Dispose = canvas.Background
	}
	in := chunks{r, data.off + frameHeader, data.off + data.n}
	for i := 0; !f.hasBits; i++ {
		if i == maxChunks {
			return nil, fault.New(fault.Format, "more than %d chunks in frame %d", maxChunks, n)
		}
		sub, err := in.next()
		if err == io.EOF {
			return nil, fault.New(fault.Format, "frame %d has no picture", n)
		}
		if err != nil {
			return nil, fault.New(fault.Of(err), "frame %d: %w", n, err)
		}
		if f.add(sub); f.hasBits && f.bits.missing > 0 || f.alph != nil && f.alph.missing > 0 {
			return nil, fault.New(fault.Format, "frame %d: %w", n, sub.truncated())
		}
	}
	if err := f.header(r); err != nil {
		return nil, fault.New(fault.Of(err), "frame %d: %w", n, err)
	}
	if f.w != f.rect.Dx() || f.h != f.rect.Dy() {
		return nil, fault.New(fault.Format, "frame %d of %d×%d has a picture of %d×%d", n, f.rect.Dx(), f.rect.Dy(), f.w, f.h)
	}
	if !f.rect.In(image.Rect(0, 0, c.canvasW, c.canvasH)) {
		return nil, fault.New(fault.Format, "frame %d of %d×%d at %d,%d reaches beyond the canvas of %d×%d",
			n, f.w, f.h, at.X, at.Y, c.canvasW, c.canvasH)
	}
	return f, nil
}

// damaged returns err, or nil after making a note of it if damage is accepted.
func (g *Reader) damaged(err error) error {
	if !g.lim.Lenient || fault.Of(err) != fault.Format {
		return err
	}
	g.Note("%v", err)
	return nil
}

// short returns the error for a read that ended early, or err if that has another cause.
func short(what string, err error) error {
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		return fault.New(fault.Format, "truncated in the %s", what)
	}
	return err
}

var _ raster.Animated = (*Reader)(nil)
