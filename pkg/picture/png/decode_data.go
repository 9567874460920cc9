package png

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/flate"
	"imgtools/pkg/picture/raster"
)

// data reads the zlib stream in consecutive IDAT or fdAT chunks and checks their CRCs. The
// data of fdAT begin with a sequence number of 4 bytes, which is skipped. data implements
// flate.Source: a piece is what the buffer has of a chunk.
type data struct {
	r     *still
	b     *bufio.Reader
	left  int64  // bytes of the chunk not yet in part
	part  []byte // bytes of the chunk in the buffer of b
	sum   uint32 // CRC of the chunk up to the end of part
	first bool   // there is no chunk whose CRC must be checked
}

func newData(r *still) *data {
	return &data{r: r, b: bufio.NewReaderSize(io.NewSectionReader(r.r, r.pos, r.size-r.pos), 64<<10), first: true}
}

// fill reads the next part, from this chunk or the next. The error is io.EOF at the
// first chunk of another kind, and io.ErrUnexpectedEOF at the end of the file.
func (d *data) fill() error {
	d.b.Discard(len(d.part))
	d.part = nil
	for d.left == 0 {
		if !d.first {
			b, err := d.b.Peek(4)
			if err != nil {
				return readError(err)
			}
			if d.sum != binary.BigEndian.Uint32(b) {
				if err := d.r.accept(crcError(d.r.kind)); err != nil {
					return err
				}
			}
			d.b.Discard(4)
		}
		b, err := d.b.Peek(8)
		if err != nil {
			d.first = true
			return readError(err)
		}
		if string(b[4:]) != d.r.kind {
			d.first = true // if fill is called again
			return io.EOF
		}
		d.first = false
		d.left = int64(binary.BigEndian.Uint32(b))
		d.sum = crc32.ChecksumIEEE(b[4:])
		d.b.Discard(8)
		if d.r.kind == "fdAT" {
			n := min(d.left, 4)
			if b, err = d.b.Peek(int(n)); err != nil {
				return readError(err)
			}
			d.left -= n
			d.sum = crc32.Update(d.sum, crc32.IEEETable, b)
			d.b.Discard(int(n))
		}
	}
	if _, err := d.b.Peek(1); err != nil {
		return readError(err)
	}
	d.part, _ = d.b.Peek(int(min(d.left, int64(d.b.Buffered()))))
	d.left -= int64(len(d.part))
	d.sum = crc32.Update(d.sum, crc32.IEEETable, d.part)
	return nil
}

func readError(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return fault.New(fault.Internal, "read: %w", err)
}

// Piece implements flate.Source.
func (d *data) Piece() ([]byte, error) {
	err := d.fill()
	return d.part, err
}

// drain reads the rest of the chunks to check their CRCs.
func (d *data) drain() error {
	for {
		if err := d.fill(); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}

// stream is the decompressed data of a picture: its filtered rows. The passes of an
// interlaced picture follow one another.
type stream struct {
	r *still
	d *data
	z *flate.Reader

	missing bool  // the remaining rows can't be read, and that is accepted
	length  int64 // bytes of the zlib stream; set by end
	exact   bool  // the stream has the rows, a right Adler-32 and nothing else; set by end
	ended   bool  // end has succeeded
}

func newStream(r *still) *stream {
	d := newData(r)
	return &stream{r: r, d: d, z: flate.NewReader(d)}
}

// row returns the next row, n bytes with the filter byte, which are valid until the
// next call. done is the number of rows before it, for messages. The row is nil if it is
// missing and the caller accepts that; then all later rows are missing, too.
func (s *stream) row(n, done int) ([]byte, error) {
	if s.missing {
		return nil, nil
	}
	b, err := s.z.Next(n)
	switch {
	case err != nil:
		err = s.r.inflateError(err, done)
	case b[0] > filterPaeth:
		err = fault.New(fault.Format, "PNG: filter type %d in row %d", b[0], done)
	default:
		return b, nil
	}
	s.missing = true
	return nil, s.r.accept(err)
}

// end reads the data after the last row. All pixels are there, so damage is noted and
// only a wrong CRC is an error. Surplus rows are ignored.
func (s *stream) end() error {
	_, err := s.z.Next(1)
	_, corrupt := errors.AsType[flate.CorruptError](err)
	switch {
	case err == nil:
	case err == io.EOF:
		s.exact = true
	case err == flate.ErrChecksum:
		s.r.Note("wrong Adler-32 checksum of the pixels")
	case err == io.ErrUnexpectedEOF && !s.r.cut:
		s.r.Note("compressed data end early, after the last row")
	case corrupt:
		s.r.Note("compressed data damaged after the last row")
	case err != io.ErrUnexpectedEOF:
		return s.r.inflateError(err, s.r.h.H())
	}
	s.length = s.z.Taken()
	if err := s.d.drain(); err == io.ErrUnexpectedEOF {
		if s.r.cut {
			s.r.Note("truncated after the last row")
		}
	} else if err != nil {
		return err
	}
	return nil
}

// finish calls end the first time. It returns io.EOF if the picture may be used.
func (s *stream) finish() error {
	if !s.ended && !s.missing {
		if err := s.end(); err != nil {
			return err
		}
		s.ended = true
	}
	return io.EOF
}

// inflateError turns an error of the compressed stream into one for the user. done
// is the number of rows decoded before it.
func (r *still) inflateError(err error, done int) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return raster.Truncated(done, r.h.H())
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if at, ok := errors.AsType[flate.CorruptError](err); ok {
		return fault.New(fault.Format, "PNG: compressed data damaged near byte %d, after %d of %d rows", int64(at), done, r.h.H())
	}
	return fault.New(fault.Format, "PNG: %w after %d of %d rows", err, done, r.h.H())
}
