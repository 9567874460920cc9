package webp

import (
	"encoding/binary"
	"io"

	"imgtools/pkg/fault"
)

// chunk is where a chunk's data lies in the file.
type chunk struct {
	off, n int64
}

// container is what the RIFF file has, RFC 9649 section 2.
type container struct {
	extended         bool // it has a VP8X chunk
	flags            byte // of VP8X
	canvasW, canvasH int
	lossless         bool
	image            chunk // VP8 or VP8L
	alpha, exif, icc *chunk
}

// Flags of VP8X.
const animated = 1 << 1

// maxChunks bounds the walk over hostile files.
const maxChunks = 1000

// walk reads the headers of all chunks and checks their sizes. The first of a
// kind counts. Whatever follows the RIFF file is ignored.
func walk(r io.ReaderAt, size int64) (*container, error) {
	var b [12]byte
	if n, err := r.ReadAt(b[:], 0); n < len(b) {
		return nil, short("RIFF header", err)
	}
	if string(b[:4]) != "RIFF" || string(b[8:]) != "WEBP" {
		return nil, fault.New(fault.Format, "not a WebP file")
	}
	end := int64(binary.LittleEndian.Uint32(b[4:])) + 8
	if end > size {
		return nil, fault.New(fault.Format, "truncated: %d of %d bytes", size, end)
	}
	c := &container{}
	seen := 0
	for off := int64(12); off+8 <= end; seen++ {
		if seen == maxChunks {
			return nil, fault.New(fault.Format, "more than %d chunks", maxChunks)
		}
		if n, err := r.ReadAt(b[:8], off); n < 8 {
			return nil, short("chunk header", err)
		}
		at := chunk{off + 8, int64(binary.LittleEndian.Uint32(b[4:]))}
		if at.n > end-at.off {
			return nil, fault.New(fault.Format, "chunk %q of %d bytes where %d are left", b[:4], at.n, end-at.off)
		}
		if err := c.add(string(b[:4]), at, seen == 0, r); err != nil {
			return nil, err
		}
		off = at.off + at.n + at.n&1
	}
	if c.image.n == 0 {
		return nil, fault.New(fault.Format, "WebP without a picture")
	}
	return c, nil
}

// add notes a chunk of use.
func (c *container) add(name string, at chunk, first bool, r io.ReaderAt) error {
	note := func(where **chunk) {
		if *where == nil {
			*where = &at
		}
	}
	switch name {
	case "VP8X":
		var b [10]byte
		if !first || at.n < int64(len(b)) {
			return fault.New(fault.Format, "VP8X chunk of %d bytes, or not the first", at.n)
		}
		if n, err := r.ReadAt(b[:], at.off); n < len(b) {
			return short("VP8X chunk", err)
		}
		c.extended, c.flags = true, b[0]
		c.canvasW = 1 + int(b[4]) + int(b[5])<<8 + int(b[6])<<16
		c.canvasH = 1 + int(b[7]) + int(b[8])<<8 + int(b[9])<<16
		if c.flags&animated != 0 {
			return fault.New(fault.Unsupported, "animated WebP is not read")
		}
	case "ANIM", "ANMF":
		return fault.New(fault.Unsupported, "animated WebP is not read")
	case "VP8 ", "VP8L":
		if c.image.n == 0 {
			c.image, c.lossless = at, name == "VP8L"
		}
	case "ALPH":
		note(&c.alpha)
	case "EXIF":
		note(&c.exif)
	case "ICCP":
		note(&c.icc)
	}
	return nil
}

// short makes a short read a damaged file, and leaves other errors as they are.
func short(what string, err error) error {
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		return fault.New(fault.Format, "truncated in the %s", what)
	}
	return err
}

// read returns the data of a chunk.
func (c chunk) read(r io.ReaderAt) ([]byte, error) {
	b := make([]byte, c.n)
	if n, err := r.ReadAt(b, c.off); n < len(b) {
		return nil, short("chunk", err)
	}
	return b, nil
}
