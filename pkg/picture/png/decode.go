// Package png reads and writes PNG (W3C Recommendation, third edition), row by row.
// Section numbers in comments are those of that text. Package flate compresses and
// decompresses.
//
// Reading has four stages, and each has a file:
//
//	decode.go         Open reads IHDR
//	decode_chunks.go  walks all other chunks (chunk.go) and fills the Header
//	decode_colour.go  decides which of the colour chunks count
//	decode_frames.go  reads the chunks of animations
//	decode_data.go    joins the IDAT chunks, checks CRCs, decompresses to filtered rows
//	decode_filter.go  reverses the filter of each row
//	decode_expand.go  turns the bytes of a row into samples
//
// decode_rows.go runs the last three for each band of rows, decode_adam7.go for a
// whole interlaced picture; decode_animation.go composes the frames of an animation. A
// Reader is opened, then its Rows are read once; Notes
// are complete after the last row.
// A file may hold an animation besides its default image. Rows gives the default image,
// which every program shows, and after Select one frame; Animation gives all frames.
//
// Writing reverses the stages: encode.go writes chunks and packs samples,
// encode_compress.go filters rows (encode_filter.go) and passes them to package flate, and
// encode_idat.go makes chunks of the stream. encode_animation.go writes animations, and
// encode_colours.go gathers the colours of their frames. RewritePalette copies a picture
// with another palette without compressing it again.
//
// The damaged part decides the outcome. A wrong CRC of IHDR, PLTE, IDAT, fcTL or fdAT,
// an unknown critical chunk, and missing pixels are errors, as no pixel can be trusted
// then. With Limits.Lenient all of these but IHDR and unknown chunks give a note and the picture as far as it goes.
// Damage that leaves the pixels intact only gives a note: a wrong CRC of any other chunk,
// which is then ignored, a wrong or missing Adler-32, a missing IEND. A repeated or
// misplaced ancillary chunk is ignored, as in libpng.
package png

import (
	"bytes"
	"encoding/binary"
	"io"

	"imgtools/pkg/fault"
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

// Reader is a PNG whose chunks have been read except for its pixels. It implements
// raster.Reader.
type Reader struct {
	raster.NoteList

	r    io.ReaderAt
	size int64 // bytes of the file
	lim  raster.Limits
	base *raster.Header // of the default image
	out  *raster.Header // of Rows: base, or that of the canvas after Select

	color, depth uint8 // colour type; bits of a sample: 1, 2, 4, 8 or 16
	interlaced   bool
	key          [3]uint16 // the transparent colour, with depth bits a sample
	hasKey       bool
	spread       *[256]uint64 // see spreadTable; made when first needed
	colours      int          // colours of the palette in the file
	black        uint8        // replaces indexes that are out of range
	stray        bool         // the pixels read so far have such indexes
	idat         int64        // offset of the first IDAT chunk
	cut          bool         // the file ends in an IDAT chunk
	metadata     raster.Metadata

	frames   []frame // of an animation, in order
	plays    int     // how often the animation is shown; 0: without end
	selected int     // frame that Rows gives, from 1; 0: the default image
}

// Open reads the chunks of the PNG in the first size bytes of r. It reads those
// after the pixels, too, but not the pixels.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Reader, error) {
	p := &Reader{r: r, size: size, lim: lim}
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
// a palette have their alpha; a palette that is shorter than the depth allows has one
// more colour, black, for indexes that are out of range.
func (r *Reader) Header() *raster.Header { return r.out }

// Depth returns the number of bits of a sample in the file: 1, 2, 4, 8 or 16.
func (r *Reader) Depth() int { return int(r.depth) }

// header reads IHDR (section 11.2.1).
func (r *Reader) header(s *scanner, c chunk) error {
	b, intact, err := s.read(c)
	if err != nil {
		return err
	}
	if !intact {
		return crcError("IHDR")
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
	r.base = raster.NewHeader(int(w), int(h), layout, max(r.depth, 8))
	r.out = r.base
	return nil
}
