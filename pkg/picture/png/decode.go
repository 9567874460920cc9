// Package png reads and writes PNG (W3C Recommendation, third edition) by rows,
// over the standard library's inflate and deflate.
//
// Chunks that make the picture (IHDR, PLTE, IDAT) are errors when they are
// damaged, repeated or out of order, and so is any other critical chunk. Of the
// ancillary ones tRNS, iCCP, eXIf and acTL are used; where they stand in the
// wrong place or again they are ignored, as libpng does. Gamma and chromaticity
// chunks are not applied. Every chunk that is used has its CRC checked.
package png

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image/color"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// Colour types of section 11.2.1.
const (
	colorGray    = 0
	colorRGB     = 2
	colorIndexed = 3
	colorGrayA   = 4
	colorRGBA    = 6
)

// Metadata beyond these sizes is passed over: no camera or monitor needs them.
const (
	maxExif = 1 << 20
	maxICC  = 16 << 20
)

// Reader is a PNG whose chunks have been looked at, but not its pixels. It is a
// raster.Reader.
type Reader struct {
	raster.NoteList

	r    io.ReaderAt
	size int64
	lim  raster.Limits
	out  *raster.Header

	color, depth uint8
	interlaced   bool
	key          [3]uint16 // the transparent colour, at the file's depth
	hasKey       bool
	black        uint8 // for indexes beyond the palette
	stray        bool  // there were such indexes
	idat         int64 // where the first IDAT chunk begins
	cut          bool  // the file ends before IEND
	frames       int
}

// Open reads the chunks of the PNG in the first size bytes of r, also those
// after the pixels, but not the pixels themselves.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Reader, error) {
	p := &Reader{r: r, size: size, lim: lim, frames: 1}
	s := &scanner{r: r, size: size}
	var magic [len(signature)]byte
	if n, err := r.ReadAt(magic[:], 0); n < len(magic) && err != io.EOF && err != nil {
		return nil, fault.New(fault.Internal, "read: %w", err)
	}
	if string(magic[:]) != signature {
		return nil, fault.New(fault.Format, "PNG: no signature")
	}
	c, err := s.next(int64(len(signature)))
	if err == io.EOF {
		return nil, fault.New(fault.Format, "PNG: cut off before the end of IHDR")
	}
	if err != nil {
		return nil, err
	}
	if c.kind != "IHDR" || c.size != 13 {
		if c.kind == "CgBI" {
			return nil, fault.New(fault.Unsupported, "PNG: Apple's CgBI variant is not read")
		}
		return nil, fault.New(fault.Format, "PNG: begins with a chunk %s of %d bytes, not with IHDR of 13", c.kind, c.size)
	}
	if err := p.header(s, c); err != nil {
		return nil, err
	}
	if err := p.chunks(s, c.end()); err != nil {
		return nil, err
	}
	return p, nil
}

// Header returns the picture's header. Gray and RGB with a transparent colour
// come as GrayA and RGBA, samples below 8 bits widened, palettes with their alpha.
func (r *Reader) Header() *raster.Header { return r.out }

// Frames returns how many frames an animated PNG says it has, else 1. Only the
// still image, which every PNG has, is read.
func (r *Reader) Frames() int { return r.frames }

// Depth returns the bits of a sample as they stand in the file: 1, 2, 4, 8, 16.
func (r *Reader) Depth() int { return int(r.depth) }

func (r *Reader) header(s *scanner, c chunk) error {
	b, err := s.read(c)
	if err != nil {
		return err
	}
	w, h := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	r.depth, r.color = b[8], b[9]
	depths := map[uint8]string{
		colorGray: "\x01\x02\x04\x08\x10", colorIndexed: "\x01\x02\x04\x08",
		colorRGB: "\x08\x10", colorGrayA: "\x08\x10", colorRGBA: "\x08\x10",
	}[r.color]
	if bytes.IndexByte([]byte(depths), r.depth) < 0 {
		return fault.New(fault.Format, "PNG: colour type %d with depth %d", r.color, r.depth)
	}
	if b[10] != 0 || b[11] != 0 || b[12] > 1 {
		return fault.New(fault.Format, "PNG: compression, filter, interlace method %d, %d, %d", b[10], b[11], b[12])
	}
	r.interlaced = b[12] == 1
	if err := r.lim.CheckSize(int64(w), int64(h), 1); err != nil {
		return err
	}
	layout := map[uint8]raster.Layout{
		colorGray: raster.Gray, colorRGB: raster.RGB, colorIndexed: raster.Indexed,
		colorGrayA: raster.GrayA, colorRGBA: raster.RGBA,
	}[r.color]
	r.out = raster.NewHeader(int(w), int(h), layout, max(r.depth, 8))
	return nil
}

// chunks walks from the chunk at pos to IEND and takes what is of use.
func (r *Reader) chunks(s *scanner, pos int64) error {
	seen := map[string]bool{}
	inData := false
	for {
		c, err := s.next(pos)
		if err == io.EOF {
			r.cut = true
			if c.kind == "IDAT" && r.idat == 0 {
				r.idat = pos
			}
			break
		}
		if err != nil {
			return err
		}
		if c.kind == "IEND" {
			break
		}
		if c.kind == "IDAT" {
			if r.idat == 0 {
				r.idat, inData = pos, true
			} else if !inData {
				return fault.New(fault.Format, "PNG: the IDAT chunks are not consecutive")
			}
		} else {
			inData = false
			if err := r.take(s, c, seen); err != nil {
				return err
			}
		}
		pos = c.end()
	}
	if r.color == colorIndexed && r.out.Palette == nil {
		return fault.New(fault.Format, "PNG: indexed colour without a PLTE chunk")
	}
	if r.idat == 0 {
		if r.cut {
			return raster.Truncated(0, r.out.H())
		}
		return fault.New(fault.Format, "PNG: no IDAT chunk")
	}
	r.finish()
	return nil
}

// take uses or passes over a chunk other than IHDR, IDAT and IEND.
func (r *Reader) take(s *scanner, c chunk, seen map[string]bool) error {
	if c.kind == "PLTE" {
		again := seen["PLTE"]
		seen["PLTE"] = true
		return r.palette(s, c, again)
	}
	if c.kind[0] < 'a' {
		if c.kind == "IHDR" {
			return fault.New(fault.Format, "PNG: a second IHDR chunk")
		}
		return fault.New(fault.Unsupported, "PNG: critical chunk %s is not known", c.kind)
	}
	switch c.kind {
	case "eXIf", "iCCP", "tRNS", "acTL":
		if seen[c.kind] {
			return nil
		}
		seen[c.kind] = true
	}
	late := r.idat != 0
	var err error
	var b []byte
	switch {
	case c.kind == "eXIf" && c.size <= maxExif:
		if b, err = s.read(c); err == nil {
			r.out.Orientation = meta.Orientation(b)
		}
	case c.kind == "iCCP" && !late && !seen["PLTE"] && c.size <= maxICC:
		if b, err = s.read(c); err == nil {
			r.out.ICC = profile(b)
		}
	case c.kind == "tRNS" && !late && c.size <= 256:
		if b, err = s.read(c); err == nil {
			r.transparency(b)
		}
	case c.kind == "acTL" && !late && c.size == 8:
		if b, err = s.read(c); err == nil {
			r.frames = max(1, int(binary.BigEndian.Uint32(b)&(1<<31-1)))
		}
	}
	return err
}

// palette reads PLTE. In pictures of other colour types it is only a suggestion.
func (r *Reader) palette(s *scanner, c chunk, again bool) error {
	if again {
		return fault.New(fault.Format, "PNG: a second PLTE chunk")
	}
	if r.idat != 0 {
		return fault.New(fault.Format, "PNG: a PLTE chunk after the pixels")
	}
	if r.color != colorIndexed {
		return nil
	}
	if c.size == 0 || c.size%3 != 0 || c.size > 3*256 {
		return fault.New(fault.Format, "PNG: a PLTE chunk of %d bytes", c.size)
	}
	b, err := s.read(c)
	if err != nil {
		return err
	}
	for n := min(len(b)/3, 1<<r.depth); n > 0; n-- {
		r.out.Palette = append(r.out.Palette, color.NRGBA{b[0], b[1], b[2], 255})
		b = b[3:]
	}
	return nil
}

// transparency reads tRNS (section 11.3.1.1): alpha of the palette's first
// colours, or the one colour that is transparent.
func (r *Reader) transparency(b []byte) {
	switch {
	case r.color == colorIndexed:
		for i := range min(len(b), len(r.out.Palette)) {
			r.out.Palette[i].A = b[i]
		}
	case r.color == colorGray && len(b) == 2:
		r.hasKey, r.out.Layout = true, raster.GrayA
	case r.color == colorRGB && len(b) == 6:
		r.hasKey, r.out.Layout = true, raster.RGBA
	}
	if r.hasKey {
		for i := 0; i < len(b)/2; i++ {
			r.key[i] = binary.BigEndian.Uint16(b[2*i:]) & (1<<r.depth - 1)
		}
	}
}

// profile reads iCCP: a name, NUL, method 0, the profile deflated. A damaged one
// is as good as none.
func profile(b []byte) []byte {
	i := bytes.IndexByte(b, 0)
	if i < 1 || i > 79 || i+2 > len(b) || b[i+1] != 0 {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(b[i+2:]))
	if err != nil {
		return nil
	}
	p, err := io.ReadAll(io.LimitReader(z, maxICC+1))
	if err != nil || len(p) > maxICC {
		return nil
	}
	return p
}

// finish settles what depends on several chunks.
func (r *Reader) finish() {
	// A profile of another colour space than the picture's would be wrong in any
	// file (section 11.3.2.3).
	if gray := r.color == colorGray || r.color == colorGrayA; r.out.ICC != nil {
		if want := map[bool]string{true: "GRAY", false: "RGB "}[gray]; meta.ICCSpace(r.out.ICC) != want {
			r.out.ICC = nil
		}
	}
	r.black = raster.Darkest(r.out.Palette)
}
