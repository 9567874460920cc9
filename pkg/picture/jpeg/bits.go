package jpeg

import (
	"bytes"
	"encoding/binary"
	"io"
)

// bitBuffer gathers bits into clean bytes.
type bitBuffer struct {
	acc uint64 // the last n bits, at the bottom
	n   uint
	buf []byte // buf[:pos] is full bytes
	pos int
}

// put appends the low c bits of v, c at most 32; v has no others. As it returns,
// fewer than 32 bits are in acc.
func (b *bitBuffer) put(v uint64, c uint) {
	b.acc = b.acc<<(c&63) | v
	b.n += c
	if b.n >= 32 {
		b.n -= 32
		binary.BigEndian.PutUint32(b.buf[b.pos:], uint32(b.acc>>(b.n&63)))
		b.pos += 4
	}
}

// copyBits appends bits from to to-1 of p, which is 8 bytes longer than needed.
func (b *bitBuffer) copyBits(p []byte, from, to int) {
	for to-from >= 32 {
		b.put(be64(p[from>>3:])<<(from&7)>>32, 32)
		from += 32
	}
	if c := uint(to - from); c > 0 {
		b.put(be64(p[from>>3:])<<(from&7)>>((64-c)&63), c)
	}
}

// grow leaves space for a block.
func (b *bitBuffer) grow() {
	if b.pos > len(b.buf)-blockBytes {
		b.buf = append(b.buf, make([]byte, max(len(b.buf), window))...)
	}
}

// join appends all of o, and empties it.
func (b *bitWriter) join(o *bitBuffer) {
	for i := 0; i < o.pos; i += 4 { // put leaves whole fours
		if b.pos > len(b.buf)-8 {
			b.empty()
		}
		b.put(uint64(binary.BigEndian.Uint32(o.buf[i:])), 32)
	}
	b.put(o.acc&(1<<o.n-1), o.n)
	o.acc, o.n, o.pos = 0, 0, 0
}

// bitWriter writes an entropy-coded segment: bits are gathered into clean bytes,
// and zero bytes are stuffed after FF in bulk on the way out (T.81 F.1.2.3).
type bitWriter struct {
	bitBuffer
	w   io.Writer
	out []byte // buf with its stuffing
	err error  // of w
}

func newBitWriter(w io.Writer) *bitWriter {
	return &bitWriter{w: w, bitBuffer: bitBuffer{buf: make([]byte, window)}, out: make([]byte, 2*window)}
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

// copyBytes writes clean bytes, stuffed, after those there are; no bits are pending.
func (b *bitWriter) copyBytes(p []byte) {
	for len(p) > 0 {
		if b.pos == len(b.buf) {
			b.empty()
		}
		n := copy(b.buf[b.pos:], p)
		b.pos += n
		p = p[n:]
	}
}

// marker ends the segment and writes a marker.
func (b *bitWriter) marker(m byte) {
	b.finish()
	b.write([]byte{0xFF, m})
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
