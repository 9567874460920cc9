package png

import (
	"encoding/binary"
	"hash/crc32"
	"io"

	"imgtools/pkg/fault"
)

const signature = "\x89PNG\r\n\x1a\n"

// chunk is where a chunk stands in the file: its data begin at pos.
type chunk struct {
	kind string // the four letters
	pos  int64
	size int64 // of the data
}

// end returns where the next chunk begins.
func (c chunk) end() int64 { return c.pos + c.size + 4 }

// scanner walks the chunk headers of a file without reading what is in them. A
// window of the file spares a read for each of many small chunks.
type scanner struct {
	r    io.ReaderAt
	size int64
	win  []byte // the bytes of the file from at on
	at   int64
	buf  [4096]byte
}

// next returns the chunk whose header begins at pos. It is io.EOF when header,
// data or CRC pass the end of the file; kind and size are then set if they were
// there.
func (s *scanner) next(pos int64) (chunk, error) {
	if pos+8 > s.size {
		return chunk{}, io.EOF
	}
	if pos < s.at || pos+8 > s.at+int64(len(s.win)) {
		n := min(int64(len(s.buf)), s.size-pos)
		if _, err := s.r.ReadAt(s.buf[:n], pos); err != nil && err != io.EOF {
			return chunk{}, fault.New(fault.Internal, "read: %w", err)
		}
		s.win, s.at = s.buf[:n], pos
	}
	return parseChunk(s.win[pos-s.at:], pos, s.size)
}

// parseChunk reads the header b of a chunk at pos of a file of the given size.
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

// read returns the data of a chunk, its CRC checked.
func (s *scanner) read(c chunk) ([]byte, error) {
	b := make([]byte, c.size+4)
	if _, err := s.r.ReadAt(b, c.pos); err != nil && err != io.EOF {
		return nil, fault.New(fault.Internal, "read: %w", err)
	}
	data := b[:c.size]
	sum := crc32.Update(crc32.ChecksumIEEE([]byte(c.kind)), crc32.IEEETable, data)
	if sum != binary.BigEndian.Uint32(b[c.size:]) {
		return nil, crcError(c.kind)
	}
	return data, nil
}

func crcError(kind string) error {
	return fault.New(fault.Format, "PNG: checksum of chunk %s is wrong", kind)
}

// writeChunk writes one whole chunk.
func writeChunk(w io.Writer, kind string, data []byte) error {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, len(data)+12), uint32(len(data)))
	b = append(append(b, kind...), data...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	_, err := w.Write(b)
	return err
}
