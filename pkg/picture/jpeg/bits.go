package jpeg

import (
	"bytes"
	"encoding/binary"
	"io"
)

// bitWriter writes an entropy-coded segment: bits are gathered into clean bytes,
// and zero bytes are stuffed after FF in bulk on the way out (T.81 F.1.2.3).
type bitWriter struct {
	w   io.Writer
	acc uint64 // the last n bits, at the bottom
	n   uint
	buf []byte // buf[:pos] is clean, not yet written
	pos int
	out []byte // buf with its stuffing
	err error  // of w
}

func newBitWriter(w io.Writer) *bitWriter {
	return &bitWriter{w: w, buf: make([]byte, window), out: make([]byte, 2*window)}
}

// put appends the low c bits of v, c at most 32; v has no others. As it returns,
// fewer than 32 bits are in acc.
func (b *bitWriter) put(v uint64, c uint) {
	b.acc = b.acc<<(c&63) | v
	b.n += c
	if b.n >= 32 {
		b.n -= 32
		binary.BigEndian.PutUint32(b.buf[b.pos:], uint32(b.acc>>(b.n&63)))
		b.pos += 4
	}
}

// room is called before each block: it leaves space for one.
func (b *bitWriter) room() {
	if b.pos > len(b.buf)-blockBytes {
		b.empty()
	}
}

// empty writes the clean bytes out, stuffed.
func (b *bitWriter) empty() {
	p, o := b.buf[:b.pos], b.out[:0]
	b.pos = 0
	for {
		j := bytes.IndexByte(p, 0xFF)
		if j < 0 {
			break
		}
		o = append(o, p[:j+1]...)
		o = append(o, 0)
		p = p[j+1:]
	}
	b.write(append(o, p...))
}

func (b *bitWriter) write(p []byte) {
	if b.err == nil && len(p) > 0 {
		_, b.err = b.w.Write(p)
	}
}

// finish fills the last byte up with ones and writes all out.
func (b *bitWriter) finish() {
	if c := -b.n & 7; c > 0 {
		b.put(1<<c-1, c)
	}
	for b.n > 0 {
		b.n -= 8
		b.buf[b.pos] = byte(b.acc >> b.n)
		b.pos++
	}
	b.empty()
}
