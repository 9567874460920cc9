package gif

import (
	"bufio"
	"compress/lzw"
	"encoding/binary"
	"image/color"
	"io"
)

// subBlocks writes data as sub-blocks of 255 bytes (GIF89a section 15); close adds a
// shorter one for the rest, and the terminator.
type subBlocks struct {
	w   *bufio.Writer
	n   int
	buf [256]byte // length byte, then data
}

func (b *subBlocks) WriteByte(c byte) error {
	b.n++
	b.buf[b.n] = c
	if b.n == 255 {
		return b.flush()
	}
	return nil
}

func (b *subBlocks) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		k := copy(b.buf[1+b.n:], p[done:])
		done += k
		if b.n += k; b.n == 255 {
			if err := b.flush(); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

func (b *subBlocks) flush() error {
	if b.n == 0 {
		return nil
	}
	b.buf[0] = byte(b.n)
	_, err := b.w.Write(b.buf[:b.n+1])
	b.n = 0
	return err
}

func (b *subBlocks) close() error {
	if err := b.flush(); err != nil {
		return err
	}
	return b.w.WriteByte(0)
}

// packer compresses the indexes of a frame (see lzwReader for the code).
type packer struct {
	b subBlocks
	z io.WriteCloser
}

// newPacker starts the image data of a frame whose indexes are below colors.
func newPacker(w *bufio.Writer, colors int) (*packer, error) {
	bits := max(2, tableBits(colors))
	p := &packer{b: subBlocks{w: w}}
	p.z = lzw.NewWriter(&p.b, lzw.LSB, bits)
	return p, w.WriteByte(byte(bits))
}

func (p *packer) close() error {
	if err := p.z.Close(); err != nil {
		return err
	}
	return p.b.close()
}

// tableBits returns the bits of an index into n colours, at least 1. Tables have
// 2^bits entries.
func tableBits(n int) int {
	bits := 1
	for 1<<bits < n {
		bits++
	}
	return bits
}

// tableFlags returns the flags that announce a table of n colours.
func tableFlags(n int) byte { return flagTable | byte(tableBits(n)-1) }

// writeTable writes a colour table, padded with black to 2^tableBits entries.
func writeTable(w io.Writer, table []color.NRGBA) error {
	b := make([]byte, 3<<tableBits(len(table)))
	for i, c := range table {
		b[3*i], b[3*i+1], b[3*i+2] = c.R, c.G, c.B
	}
	_, err := w.Write(b)
	return err
}

// writeScreen writes the signature, the logical screen descriptor, and the global
// table unless it is nil.
func writeScreen(w io.Writer, s screen) error {
	b := append([]byte(nil), s.version...)
	b = binary.LittleEndian.AppendUint16(b, uint16(s.w))
	b = binary.LittleEndian.AppendUint16(b, uint16(s.h))
	b = append(b, s.flags, s.background, s.aspect)
	if _, err := w.Write(b); err != nil || s.table == nil {
		return err
	}
	return writeTable(w, s.table)
}

// writeLoop writes the loop extension with the number of repetitions, 0 for without
// end. For -1 it writes nothing, and the animation is shown once.
func writeLoop(w io.Writer, count int) error {
	if count < 0 {
		return nil
	}
	b := append([]byte{blockExtension, labelApplication, 11}, "NETSCAPE2.0\x03\x01"...)
	b = binary.LittleEndian.AppendUint16(b, uint16(count))
	_, err := w.Write(append(b, 0))
	return err
}

// writeFrame writes the frame's graphic control extension, if it has one, and its
// image descriptor, with its colour table if flags announce one.
func writeFrame(w io.Writer, f *frame) error {
	var b []byte
	if f.control {
		flags := f.disposal << 2
		if f.user {
			flags |= 2
		}
		index := byte(0)
		if f.transparent >= 0 {
			flags |= 1
			index = byte(f.transparent)
		}
		b = append(b, blockExtension, labelControl, 4, flags)
		b = binary.LittleEndian.AppendUint16(b, uint16(f.delay))
		b = append(b, index, 0)
	}
	b = append(b, blockImage)
	for _, v := range []int{f.rect.Min.X, f.rect.Min.Y, f.rect.Dx(), f.rect.Dy()} {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	if _, err := w.Write(append(b, f.flags)); err != nil || f.flags&flagTable == 0 {
		return err
	}
	return writeTable(w, f.table)
}
