package png

import (
	"encoding/binary"
	"hash/crc32"
	"io"

	"imgtools/pkg/fault"
)

const signature = "\x89PNG\r\n\x1a\n"

// chunk is the position of one chunk in the file. On disk a chunk is (section 5.3):
//
//	4 bytes  length of the data, big-endian
//	4 bytes  type, ASCII letters
//	n bytes  data
//	4 bytes  CRC-32 of type and data
//
// Bit 5 of the first letter, its case, says whether a reader that does not know
// the type may skip the chunk: "tEXt" is ancillary, "IDAT" is critical.
type chunk struct {
	kind string // the four letters
	pos  int64  // offset of the data in the file
	size int64  // bytes of data
}

// end returns the offset of the next chunk.
func (c chunk) end() int64 { return c.pos + c.size + 4 }

// scanner walks the chunk headers of a file and skips their data. It reads through
// a window of 4 KiB, so that many small chunks cost one read.
type scanner struct {
	r    io.ReaderAt
	size int64  // bytes of the file
	win  []byte // the window
	at   int64  // offset of the window in the file
	buf  [4096]byte
}

// view returns n bytes at offset pos, which the file must have. n is at most the size of
// the window. The bytes are valid until the next call.
func (s *scanner) view(pos, n int64) ([]byte, error) {
	if pos < s.at || pos+n > s.at+int64(len(s.win)) {
		size := min(int64(len(s.buf)), s.size-pos)
		if _, err := s.r.ReadAt(s.buf[:size], pos); err != nil && err != io.EOF {
			s.win = nil
			return nil, fault.New(fault.Internal, "read: %w", err)
		}
		s.win, s.at = s.buf[:size], pos
	}
	return s.win[pos-s.at:][:n], nil
}

// next returns the chunk whose header begins at pos. The error is io.EOF when the
// header, data or CRC extend past the end of the file; kind, pos and size are then
// set if the header was complete.
func (s *scanner) next(pos int64) (chunk, error) {
	if pos+8 > s.size {
		return chunk{}, io.EOF
	}
	b, err := s.view(pos, 8)
	if err != nil {
		return chunk{}, err
	}
	return parseChunk(b, pos, s.size)
}

// parseChunk parses b, the header of the chunk at offset pos of a file of size bytes.
func parseChunk(b []byte, pos, size int64) (chunk, error) {
	c := chunk{string(b[4:8]), pos + 8, int64(binary.BigEndian.Uint32(b))}
	for i := range 4 {
		if l := c.kind[i] | 0x20; l < 'a' || l > 'z' {
			return chunk{}, fault.New(fault.Format, "PNG: chunk type %q at byte %d", c.kind, pos)
		}
	}
	if c.size > 1<<31-1 {
		return chunk{}, fault.New(fault.Format, "PNG: chunk %s of %d bytes", c.kind, c.size)
	}
	if c.end() > size {
		return c, io.EOF
	}
	return c, nil
}

// read returns the data of a chunk and reports whether its CRC is right.
func (s *scanner) read(c chunk) (data []byte, intact bool, err error) {
	b := make([]byte, c.size+4)
	if _, err := s.r.ReadAt(b, c.pos); err != nil && err != io.EOF {
		return nil, false, fault.New(fault.Internal, "read: %w", err)
	}
	data = b[:c.size]
	sum := crc32.Update(crc32.ChecksumIEEE([]byte(c.kind)), crc32.IEEETable, data)
	return data, sum == binary.BigEndian.Uint32(b[c.size:]), nil
}

// check reports whether the CRC of a chunk is right, without holding its data.
func (s *scanner) check(c chunk) (bool, error) {
	sum := crc32.ChecksumIEEE([]byte(c.kind))
	for pos, left := c.pos, c.size; left > 0; {
		n := min(left, int64(len(s.buf)))
		b, err := s.view(pos, n)
		if err != nil {
			return false, err
		}
		sum = crc32.Update(sum, crc32.IEEETable, b)
		pos, left = pos+n, left-n
	}
	b, err := s.view(c.pos+c.size, 4)
	if err != nil {
		return false, err
	}
	return sum == binary.BigEndian.Uint32(b), nil
}

const wrongCRC = "wrong checksum (CRC) of chunk %s"

func crcError(kind string) error { return fault.New(fault.Format, "PNG: "+wrongCRC, kind) }

// writeChunk writes one complete chunk.
func writeChunk(w io.Writer, kind string, data []byte) error {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, len(data)+12), uint32(len(data)))
	b = append(append(b, kind...), data...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	_, err := w.Write(b)
	return err
}
