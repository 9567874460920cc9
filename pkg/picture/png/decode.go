// Package png reads and writes PNG (W3C Recommendation, third edition), row by row.
// Section numbers in comments are those of that text. Compression is the standard
// library's.
//
// Reading has four stages, and each has a file:
//
//	decode.go         Open walks all chunks (chunk.go) and fills the Header
//	decode_data.go    joins the IDAT chunks, checks CRCs, decompresses to filtered rows
//	decode_filter.go  reverses the filter of each row
//	decode_expand.go  turns the bytes of a row into samples
//
// decode_rows.go runs the last three for each band of rows, decode_adam7.go for a
// whole interlaced picture. A Reader is opened, then its Rows are read once; Notes
// are complete after the last row.
//
// Writing reverses the stages: encode.go writes chunks and packs samples,
// encode_filter.go filters rows, deflate.go compresses them. RewritePalette copies
// a picture with another palette without compressing it again.
//
// A damaged, repeated or misplaced IHDR, PLTE or IDAT chunk is an error, and so is an
// unknown critical chunk. The ancillary chunks tRNS, iCCP, eXIf and acTL are used; a
// repeated or misplaced one is ignored, as in libpng. Gamma and chromaticity chunks
// are not applied. The CRC of every chunk that is used is checked.
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

// Colour types (section 11.2.1).
const (
	colorGray    = 0
	colorRGB     = 2
	colorIndexed = 3
	colorGrayA   = 4
	colorRGBA    = 6
)

// Larger metadata chunks are ignored. Those of cameras and monitors are far smaller.
const (
	maxExif = 1 << 20  // bytes of eXIf
	maxICC  = 16 << 20 // bytes of a profile, compressed and not
)

// Reader is a PNG whose chunks have been read except for its pixels. It implements
// raster.Reader.
type Reader struct {
	raster.NoteList

	r    io.ReaderAt
	size int64 // bytes of the file
	lim  raster.Limits
	out  *raster.Header

	color, depth uint8 // colour type; bits of a sample: 1, 2, 4, 8 or 16
	interlaced   bool
	key          [3]uint16 // the transparent colour, with depth bits a sample
	hasKey       bool
	black        uint8 // replaces indexes that are out of range
	stray        bool  // the pixels read so far have such indexes
	idat         int64 // offset of the first IDAT chunk
	cut          bool  // the file ends before IEND
	frames       int
}

// Open reads the chunks of the PNG in the first size bytes of r. It reads those
// after the pixels, too, but not the pixels.
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
		return nil, fault.New(fault.Format, "PNG: begins with chunk %s of %d bytes, want IHDR of 13", c.kind, c.size)
	}
	if err := p.header(s, c); err != nil {
		return nil, err
	}
	if err := p.chunks(s, c.end()); err != nil {
		return nil, err
	}
	return p, nil
}

// Header returns the header of the picture. Samples of less than 8 bits are widened
// to 8. Gray and RGB with a transparent colour are read as GrayA and RGBA. Colours of
// a palette have their alpha.
func (r *Reader) Header() *raster.Header { return r.out }

// Frames returns the number of frames that an animated PNG declares, else 1. Only the
// default image is read.
func (r *Reader) Frames() int { return r.frames }

// Depth returns the number of bits of a sample in the file: 1, 2, 4, 8 or 16.
func (r *Reader) Depth() int { return int(r.depth) }

// header reads IHDR (section 11.2.1).
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
		return fault.New(fault.Format, "PNG: unknown compression, filter or interlace method: %d, %d, %d", b[10], b[11], b[12])
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

// chunks walks from the chunk at pos to IEND and reads the ones it uses.
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

// take handles a chunk other than IDAT and IEND.
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
		return fault.New(fault.Unsupported, "PNG: unknown critical chunk %s", c.kind)
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

// palette reads PLTE (section 11.2.2). In a picture without indexes it only suggests
// colours to devices with few, and is ignored.
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

// transparency reads tRNS (section 11.3.1.1): the alpha of the first colours of the
// palette, or the one colour that is transparent.
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

// profile reads iCCP (section 11.3.2.3): a name, NUL, method 0 and the compressed
// profile. It returns nil if the chunk is damaged.
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

// finish sets what depends on several chunks.
func (r *Reader) finish() {
	// A profile whose colour space is not that of the picture is not allowed (section
	// 11.3.2.3) and would change its meaning in the output.
	if gray := r.color == colorGray || r.color == colorGrayA; r.out.ICC != nil {
		if want := map[bool]string{true: "GRAY", false: "RGB "}[gray]; meta.ICCSpace(r.out.ICC) != want {
			r.out.ICC = nil
		}
	}
	r.black = raster.Darkest(r.out.Palette)
}
