package png

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

const (
	idatSize = 64 << 10 // bytes of an IDAT chunk, at least, except for the last
	headSize = 8        // bytes of a chunk before its data
)

// idatWriter writes a zlib stream as IDAT chunks.
type idatWriter struct {
	w   io.Writer
	buf []byte // a chunk without its CRC; its length is set last
}

func newIDATWriter(w io.Writer) *idatWriter {
	return &idatWriter{w: w, buf: append(make([]byte, 4, headSize+2*idatSize), "IDAT"...)}
}

func (d *idatWriter) Write(p []byte) (int, error) {
	d.buf = append(d.buf, p...)
	if len(d.buf) < headSize+idatSize {
		return len(p), nil
	}
	return len(p), d.flush()
}

// flush writes what has been gathered as a chunk.
func (d *idatWriter) flush() error {
	binary.BigEndian.PutUint32(d.buf, uint32(len(d.buf)-headSize))
	d.buf = binary.BigEndian.AppendUint32(d.buf, crc32.ChecksumIEEE(d.buf[4:]))
	_, err := d.w.Write(d.buf)
	d.buf = d.buf[:headSize]
	return err
}

// close writes the last chunk.
func (d *idatWriter) close() error {
	if len(d.buf) == headSize {
		return nil
	}
	return d.flush()
}
