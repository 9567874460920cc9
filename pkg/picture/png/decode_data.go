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

// data reads the zlib stream in consecutive IDAT chunks and checks their CRCs. It
// implements io.ByteReader, so that the inflater takes no byte beyond the end of
// the stream and taken is the exact length of the stream.
type data struct {
	b     *bufio.Reader
	left  int64  // bytes of the chunk not yet in part
	part  []byte // bytes of the chunk in the buffer of b
	i     int    // bytes of part already read
	sum   uint32 // CRC of the chunk up to the end of part
	first bool   // there is no chunk whose CRC must be checked
	used  int64  // bytes in earlier parts
}

func newData(r *Reader) *data {
	return &data{b: bufio.NewReaderSize(io.NewSectionReader(r.r, r.idat, r.size-r.idat), 64<<10), first: true}
}

// fill reads the next part, from this chunk or the next. The error is io.EOF at the
// first chunk that is not IDAT, and io.ErrUnexpectedEOF at the end of the file.
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
				return crcError("IDAT")
			}
			d.b.Discard(4)
		}
		b, err := d.b.Peek(8)
		if err != nil {
			d.first = true
			return readError(err)
		}
		if string(b[4:]) != "IDAT" {
			d.first = true // if fill is called again
			return io.EOF
		}
		d.first = false
		d.left = int64(binary.BigEndian.Uint32(b))
		d.sum = crc32.ChecksumIEEE(b[4:])
		d.b.Discard(8)
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
	r *Reader
	d *data
	z io.ReadCloser

	length int64 // bytes of the zlib stream; set by end
	over   bool  // there are data after the last row; set by end
	ended  bool  // end has succeeded
}

func newStream(r *Reader) (*stream, error) {
	d := newData(r)
	z, err := zlib.NewReader(d)
	if err != nil {
		return nil, r.inflateError(err, 0)
	}
	return &stream{r: r, d: d, z: z}, nil
}

// row reads the next row into b, filter byte first. done is the number of rows
// before it, for error messages.
func (s *stream) row(b []byte, done int) error {
	if _, err := io.ReadFull(s.z, b); err != nil {
		return s.r.inflateError(err, done)
	}
	if b[0] > 4 {
		return fault.New(fault.Format, "PNG: filter type %d in row %d", b[0], done)
	}
	return nil
}

// end checks what follows the last row: the checksums of the stream and of the
// chunks, and that the file has an IEND chunk. Surplus data are ignored.
func (s *stream) end() error {
	h := s.r.out.H()
	var b [1]byte
	if n, err := io.ReadFull(s.z, b[:]); n == 1 {
		s.over = true
	} else if err != io.EOF {
		return s.r.inflateError(err, h)
	}
	s.length = s.d.taken()
	if s.r.cut {
		return fault.New(fault.Format, "truncated after the last row: no IEND chunk")
	}
	if err := s.d.drain(); err != nil {
		return s.r.inflateError(err, h)
	}
	return nil
}

// finish calls end the first time. It returns io.EOF if the file is intact.
func (s *stream) finish() error {
	if !s.ended {
		if err := s.end(); err != nil {
			return err
		}
		s.ended = true
	}
	return io.EOF
}

// inflateError turns an error of the compressed stream into one for the user. done
// is the number of rows decoded before it.
func (r *Reader) inflateError(err error, done int) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return raster.Truncated(done, r.out.H())
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if at, ok := errors.AsType[flate.CorruptInputError](err); ok {
		return fault.New(fault.Format, "PNG: compressed data damaged near byte %d, after %d of %d rows", int64(at), done, r.out.H())
	}
	return fault.New(fault.Format, "PNG: %w after %d of %d rows", err, done, r.out.H())
}
