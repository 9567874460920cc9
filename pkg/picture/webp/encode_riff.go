package webp

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// Flags of VP8X, besides flagAnimation (RFC 9649 section 2.7).
const (
	flagXMP   = 1 << 2
	flagEXIF  = 1 << 3
	flagAlpha = 1 << 4
	flagICC   = 1 << 5
)

// maxCanvas is the largest side of a canvas that VP8X can say, in pixels.
const maxCanvas = 1 << 24

// outChunk is a chunk to be written.
type outChunk struct {
	name string
	n    int64 // bytes of data
	data io.WriterTo
}

// chunkOf returns a chunk whose data are in one piece.
func chunkOf(name string, data []byte) outChunk {
	return outChunk{name, int64(len(data)), bytes.NewReader(data)}
}

// size returns the bytes of a chunk with its header and padding.
func (p outChunk) size() int64 { return 8 + p.n + p.n&1 }

// sizeOf returns the bytes of chunks.
func sizeOf(chunks []outChunk) (n int64) {
	for _, p := range chunks {
		n += p.size()
	}
	return n
}

// write writes a chunk, padded to an even number of bytes.
func (p outChunk) write(w io.Writer) error {
	head := binary.LittleEndian.AppendUint32([]byte(p.name), uint32(p.n))
	if _, err := w.Write(head); err != nil {
		return err
	}
	if n, err := p.data.WriteTo(w); err != nil {
		return err
	} else if n != p.n {
		return fault.New(fault.Internal, "write WebP: chunk %q has %d of %d bytes", p.name, n, p.n)
	}
	if p.n&1 == 0 {
		return nil
	}
	_, err := w.Write([]byte{0})
	return err
}

// writeFile writes a RIFF file of chunks.
func writeFile(w io.Writer, chunks []outChunk) error {
	n := 4 + sizeOf(chunks)
	if n > math.MaxUint32-1 {
		return fault.New(fault.TooLarge, "%d bytes: a WebP has at most %d", n+8, int64(math.MaxUint32-1)+8)
	}
	head := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(n))
	if _, err := w.Write(append(head, "WEBP"...)); err != nil {
		return err
	}
	for _, p := range chunks {
		if err := p.write(w); err != nil {
			return err
		}
	}
	return nil
}

// extended returns the chunks of an extended file around those of its pictures: VP8X, and
// what the header has besides pixels.
func extended(h *raster.Header, flags byte, pictures []outChunk) ([]outChunk, error) {
	var before, after []outChunk
	if len(h.ICC) > 0 {
		flags |= flagICC
		before = append(before, chunkOf("ICCP", h.ICC))
	}
	if len(h.Keep.EXIF) > 0 {
		flags |= flagEXIF
		after = append(after, chunkOf("EXIF", h.Keep.EXIF))
	}
	if len(h.Keep.XMP) > 0 {
		flags |= flagXMP
		after = append(after, chunkOf("XMP ", h.Keep.XMP))
	}
	if flags == 0 {
		return pictures, nil
	}
	if h.W() > maxCanvas || h.H() > maxCanvas {
		return nil, fault.New(fault.TooLarge, "%d×%d: a WebP has at most %d pixels a side", h.W(), h.H(), maxCanvas)
	}
	x := appendUint24([]byte{flags, 0, 0, 0}, h.W()-1)
	x = appendUint24(x, h.H()-1)
	all := append([]outChunk{chunkOf("VP8X", x)}, before...)
	return append(append(all, pictures...), after...), nil
}

// appendUint24 appends a little-endian number of three bytes; see int24.
func appendUint24(b []byte, v int) []byte { return append(b, byte(v), byte(v>>8), byte(v>>16)) }
