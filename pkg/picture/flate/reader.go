package flate

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// Errors of Reader.
var (
	ErrHeader     = errors.New("zlib: invalid header")
	ErrDictionary = errors.New("zlib: invalid dictionary") // a preset dictionary, which pictures don't have
	ErrChecksum   = errors.New("zlib: invalid checksum")
)

// CorruptError is the error for data that are not DEFLATE. It is the number of bytes
// read before the error, without the two bytes of the zlib header.
type CorruptError int64

func (e CorruptError) Error() string {
	return fmt.Sprintf("flate: corrupt input before byte %d", int64(e))
}

// Source gives compressed data piece by piece.
type Source interface {
	// Piece returns the next piece. It is valid until the next call. The error is
	// io.EOF at the end.
	Piece() ([]byte, error)
}

// Reader decompresses a zlib stream.
type Reader struct {
	inflater
	headed bool
	sum    uint32 // Adler-32 of the data returned so far
}

// NewReader returns a Reader of src. It holds the window of 32 KiB and 128 KiB of decoded
// data, or as much as Next is asked for.
func NewReader(src Source) *Reader {
	r := &Reader{}
	r.grow(decoded)
	r.Reset(src)
	return r
}

// Reset makes r read a new stream from src. It keeps the memory.
func (r *Reader) Reset(src Source) {
	r.inflater.reset(src)
	r.headed, r.sum = false, 1
}

// Next returns the next n bytes of data. They are valid until the next call of Next or
// Read, and must not be changed, since later matches refer to them. If fewer than n bytes
// are left, the error says why: io.EOF if there is none and the checksum is right,
// io.ErrUnexpectedEOF if there are some.
func (r *Reader) Next(n int) ([]byte, error) {
	if n > r.limit-window {
		r.grow(n)
	}
	if err := r.ready(n); err != nil {
		if err == io.EOF && r.to > r.from {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return r.hand(n), nil
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := r.ready(1); err != nil {
		return 0, err
	}
	return copy(p, r.hand(min(len(p), r.to-r.from))), nil
}

// Taken returns the number of bytes of the source that belong to the stream, as far as
// it has been decoded. After io.EOF it is the length of the stream.
func (r *Reader) Taken() int64 { return r.taken() }

// hand returns n bytes of what has been decoded.
func (r *Reader) hand(n int) []byte {
	b := r.buf[r.from : r.from+n]
	r.from += n
	r.sum = adler32(r.sum, b)
	return b
}

// ready decodes until n bytes are there.
func (r *Reader) ready(n int) error {
	for r.to-r.from < n {
		if !r.headed {
			r.headed = true
			r.err = r.header()
		}
		if r.err == nil && r.state == atEnd && r.to == r.from {
			r.err = r.trailer()
		}
		if r.err != nil {
			return r.err
		}
		if r.state == atEnd {
			return io.EOF
		}
		r.slide(n)
		r.err = r.decode()
	}
	return nil
}

// header reads the two bytes of the zlib header (RFC 1950, section 2.2): the method,
// which is 8, the size of the window, flags, and check bits that make the whole a
// multiple of 31.
func (r *Reader) header() error {
	b, err := r.wholeBytes(2)
	switch {
	case err != nil:
		return err
	case b&15 != 8 || b>>4&15 > 7 || (b&255<<8|b>>8)%31 != 0:
		return ErrHeader
	case b>>8&32 != 0:
		return ErrDictionary
	}
	return nil
}

// trailer compares the checksum behind the data, which is big-endian. It returns io.EOF if it is right.
func (r *Reader) trailer() error {
	b, err := r.wholeBytes(4)
	if err != nil {
		return err
	}
	if bits.ReverseBytes32(uint32(b)) != r.sum {
		return ErrChecksum
	}
	return io.EOF
}

// Whole returns a Source of data as one piece.
func Whole(data []byte) Source { return &whole{data} }

type whole struct{ data []byte }

func (s *whole) Piece() ([]byte, error) {
	b := s.data
	if s.data = nil; len(b) == 0 {
		return nil, io.EOF
	}
	return b, nil
}

// Buffered returns a Source that reads from b, and no byte more than it has to.
func Buffered(b *bufio.Reader) Source { return &buffered{b: b} }

type buffered struct {
	b *bufio.Reader
	n int // bytes of the last piece
}

func (s *buffered) Piece() ([]byte, error) {
	s.b.Discard(s.n)
	s.n = 0
	if _, err := s.b.Peek(1); err != nil {
		return nil, err
	}
	s.n = s.b.Buffered()
	return s.b.Peek(s.n)
}
