package vp8l

import (
	"encoding/binary"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// headerSize is the number of bytes of signature, size, alpha and version.
const headerSize = 5

// ErrTruncated is the error for data that end early.
var ErrTruncated = fault.New(fault.Format, "truncated: WebP data ends before the picture")

// A Config is what the first bytes of a lossless picture say.
type Config struct {
	Width, Height int
	Alpha         bool // the alpha of the pixels is used
}

// ReadConfig reads the start of the data: 5 bytes or more (RFC 9649 section 3.4).
func ReadConfig(b []byte) (c Config, err error) {
	if len(b) < headerSize {
		return c, fault.New(fault.Format, "truncated in the lossless header")
	}
	v := binary.LittleEndian.Uint32(b[1:])
	if b[0] != signature || v>>29 != 0 {
		return c, fault.New(fault.Format, "not lossless WebP data")
	}
	return Config{int(v&0x3fff) + 1, int(v>>14&0x3fff) + 1, v>>28&1 == 1}, nil
}

// A Decoder reads a lossless picture from top to bottom.
type Decoder struct {
	Config

	b       bitReader
	lim     raster.Limits
	held    int64    // bytes of memory
	ring    []uint32 // the last pixels decoded; its length is a power of two
	lengths [maxAlphabet]uint8

	transforms []*transform // in the order of the file
	pixels     *pixels
	y          int
	in, out    []uint32 // a row before and after the transforms
}

// NewDecoder returns a decoder of the picture in the first size bytes of r, after reading
// its transforms and codes. Its memory, which is bounded by lim, is a ring of up to 2^20
// pixels, the data of the transforms and the codes.
func NewDecoder(r io.ReaderAt, size int64, lim raster.Limits) (*Decoder, error) {
	var b [headerSize]byte
	if n, err := r.ReadAt(b[:min(size, headerSize)], 0); n < len(b) && err != nil && err != io.EOF {
		return nil, err
	} else if n < len(b) {
		return nil, ErrTruncated
	}
	c, err := ReadConfig(b[:])
	if err != nil {
		return nil, err
	}
	return newDecoder(c, newBitReader(r, headerSize, size), lim)
}

// NewAlphaDecoder returns a decoder of the alpha plane of w × h pixels in the first size
// bytes of r: a picture without a header whose green is alpha.
func NewAlphaDecoder(r io.ReaderAt, size int64, w, h int, lim raster.Limits) (*Decoder, error) {
	return newDecoder(Config{Width: w, Height: h}, newBitReader(r, 0, size), lim)
}

func newDecoder(c Config, b bitReader, lim raster.Limits) (*Decoder, error) {
	d := &Decoder{Config: c, b: b, lim: lim}
	ring := ringFor(int64(c.Width) * int64(c.Height))
	if err := d.hold(4*ring + 8*int64(c.Width) + window); err != nil {
		return nil, err
	}
	d.ring = make([]uint32, ring)
	if err := d.readHead(); err != nil {
		return nil, d.b.cause(err)
	}
	return d, nil
}

// readHead reads what stands in front of the pixels.
func (d *Decoder) readHead() error {
	w := d.Width
	seen := [transforms]bool{}
	for d.b.flag() {
		kind := d.b.bits(2)
		if seen[kind] {
			return errTwice
		}
		seen[kind] = true
		t, in, err := d.readTransform(kind, w, d.Height)
		if err != nil {
			return err
		}
		d.transforms, w = append(d.transforms, t), in
	}
	if err := d.b.check(); err != nil {
		return err
	}
	p, err := d.newPixels(w, d.Height, true)
	d.pixels, d.in, d.out = p, make([]uint32, w), make([]uint32, d.Width)
	return err
}

// hold adds n bytes to what is held, unless that is more than the limit.
func (d *Decoder) hold(n int64) error {
	d.held += n
	return d.lim.CheckMem(d.held)
}

// Next returns the next row: alpha, red, green and blue in a number, alpha in the highest
// byte. It is valid until the next call. After the last row the error is io.EOF; it is
// ErrTruncated where the data end early.
func (d *Decoder) Next() ([]uint32, error) {
	if d.y == d.Height {
		return nil, io.EOF
	}
	start, err := d.pixels.next()
	if err != nil {
		return nil, err
	}
	row := d.in
	d.fromRing(row, start)
	for i := len(d.transforms) - 1; i >= 0; i-- {
		t := d.transforms[i]
		out := row
		if t.kind == transformIndexing {
			out = d.out[:t.w]
		}
		t.undo(out, row, d.y)
		row = out
	}
	d.y++
	return row, nil
}
