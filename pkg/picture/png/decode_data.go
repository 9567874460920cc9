package png

import (
	"bufio"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// data reads the zlib stream in consecutive IDAT or fdAT chunks and checks their CRCs. The
// data of fdAT begin with a sequence number of 4 bytes, which is skipped. data implements io.ByteReader, so that the inflater takes no byte beyond the end of
// the stream and taken is the exact length of the stream.
type data struct {
	r     *still
	b     *bufio.Reader
	left  int64  // bytes of the chunk not yet in part
	part  []byte // bytes of the chunk in the buffer of b
	i     int    // bytes of part already read
	sum   uint32 // CRC of the chunk up to the end of part
	first bool   // there is no chunk whose CRC must be checked
	used  int64  // bytes in earlier parts
}

func newData(r *still) *data {
	return &data{r: r, b: bufio.NewReaderSize(io.NewSectionReader(r.r, r.pos, r.size-r.pos), 64<<10), first: true}
}

// fill reads the next part, from this chunk or the next. The error is io.EOF at the
// first chunk of another kind, and io.ErrUnexpectedEOF at the end of the file.
func (d *data) fill() error {
	d.used += int64(len(d.part))
	d.b.Discard(len(d.part))
	d.part, d.i = nil, 0
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

// ReadByte implements io.ByteReader.
func (d *data) ReadByte() (byte, error) {
	if d.i == len(d.part) {
		if err := d.fill(); err != nil {
			return 0, err
		}
	}
	c := d.part[d.i]
	d.i++
	return c, nil
}

// Read implements io.Reader.
func (d *data) Read(p []byte) (int, error) {
	if d.i == len(d.part) {
		if err := d.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, d.part[d.i:])
	d.i += n
	return n, nil
}

// taken returns the number of bytes read so far.
func (d *data) taken() int64 { return d.used + int64(d.i) }

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
	z io.ReadCloser

	missing bool  // the remaining rows can't be read, and that is accepted
	length  int64 // bytes of the zlib stream; set by end
	exact   bool  // the stream has the rows, a right Adler-32 and nothing else; set by end
	ended   bool  // end has succeeded
}

func newStream(r *still) (*stream, error) {
	s := &stream{r: r, d: newData(r)}
	var err error
	if s.z, err = zlib.NewReader(s.d); err != nil {
		s.missing = true
		return s, r.accept(r.inflateError(err, 0))
	}
	return s, nil
}

// row reads the next row into b, filter byte first. done is the number of rows
// before it, for messages. It returns false if the row is missing and the caller
// accepts that; then all later rows are missing, too.
func (s *stream) row(b []byte, done int) (bool, error) {
	if s.missing {
		return false, nil
	}
	_, err := io.ReadFull(s.z, b)
	switch {
	case err != nil:
		err = s.r.inflateError(err, done)
	case b[0] > filterPaeth:
		err = fault.New(fault.Format, "PNG: filter type %d in row %d", b[0], done)
	default:
		return true, nil
	}
	s.missing = true
	return false, s.r.accept(err)
}

// end reads the data after the last row. All pixels are there, so damage is noted and
// only a wrong CRC is an error. Surplus rows are ignored.
func (s *stream) end() error {
	var b [1]byte
	n, err := io.ReadFull(s.z, b[:])
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	switch {
	case n == 1:
	case err == io.EOF:
		s.exact = true
	case err == zlib.ErrChecksum:
		s.r.Note("wrong Adler-32 checksum of the pixels")
	case err == io.ErrUnexpectedEOF && !s.r.cut:
		s.r.Note("compressed data end early, after the last row")
	case corrupt:
		s.r.Note("compressed data damaged after the last row")
	case err != io.ErrUnexpectedEOF:
		return s.r.inflateError(err, s.r.h.H())
	}
	s.length = s.d.taken()
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
	if at, ok := errors.AsType[flate.CorruptInputError](err); ok {
		return fault.New(fault.Format, "PNG: compressed data damaged near byte %d, after %d of %d rows", int64(at), done, r.h.H())
	}
	return fault.New(fault.Format, "PNG: %w after %d of %d rows", err, done, r.h.H())
}
