package jpeg

import (
	"bytes"
	"encoding/binary"
	"io"
)

// bitBuffer collects bits into bytes without stuffing. Its n pending bits, fewer than
// 8, are at the top of acc, with zeros below. To append the c bits of v, always store
// eight bytes and then advance by the whole bytes among them, so that there is no
// branch:
//
//	acc |= v << (64 - n - c); n += c; store acc at buf[pos:]
//	pos += n >> 3; acc <<= n &^ 7; n &= 7
//
// With n = 3 pending bits 101 and v = 11110000 (c = 8), acc begins 101 11110 | 000,
// n becomes 11, pos advances by one byte, and the 3 bits 000 remain. Loops that write
// many codes repeat these two lines with acc, n and pos in local variables.
type bitBuffer struct {
	acc uint64
	n   uint
	buf []byte // buf[:pos] is full bytes
	pos int
}

// put appends the low c bits of v, c at most 56. The other bits of v must be 0.
func (b *bitBuffer) put(v uint64, c uint) {
	n := b.n + c
	acc := b.acc | v<<((64-n)&63)
	binary.BigEndian.PutUint64(b.buf[b.pos:], acc)
	b.acc = acc << (n & 56)
	b.pos += int(n >> 3)
	b.n = n & 7
}

// copyBits appends the low c bits of v, c at most 20, then bits [from, to) of in.
func (b *bitBuffer) copyBits(in *buffer, from, to uint, v uint64, c uint) {
	acc, n, pos, buf := b.acc, b.n, b.pos, b.buf
	next := min(to-from, 56-20)
	v = v<<(next&63) | in.load(from)>>1>>((63-next)&63)
	c += next
	for {
		n += c
		acc |= v << ((64 - n) & 63)
		binary.BigEndian.PutUint64(buf[pos:pos+8:pos+8], acc)
		acc <<= n & 56
		pos += int(n >> 3)
		n &= 7
		from += next
		if from == to {
			break
		}
		next = min(to-from, 56)
		v = in.load(from) >> ((64 - next) & 63)
		c = next
	}
	b.acc, b.n, b.pos = acc, n, pos
}

// grow makes space for one more block.
func (b *bitBuffer) grow() {
	if b.pos > len(b.buf)-blockBytes {
		b.buf = append(b.buf, make([]byte, max(len(b.buf), window))...)
	}
}

// join appends all bits of o and empties o.
func (b *bitWriter) join(o *bitBuffer) {
	i := 0
	for ; i+7 <= o.pos; i += 7 {
		b.room()
		b.put(be64(o.buf[i:])>>8, 56)
	}
	for ; i < o.pos; i++ {
		b.put(uint64(o.buf[i]), 8)
	}
	b.put(o.acc>>((64-o.n)&63), o.n)
	o.acc, o.n, o.pos = 0, 0, 0
}

// bitWriter writes an entropy-coded segment. Bits are collected in a bitBuffer; when
// that is full, empty writes its bytes with a zero byte stuffed after each FF, so that
// no data looks like a marker (T.81 F.1.2.3).
type bitWriter struct {
	bitBuffer
	w   io.Writer
	out []byte // room for buf[:pos] with stuffing
	err error  // of w
}

func newBitWriter(w io.Writer) *bitWriter {
	return &bitWriter{w: w, bitBuffer: bitBuffer{buf: make([]byte, window)}, out: make([]byte, 2*window)}
}

// room makes space for one more block. It is called before each.
func (b *bitWriter) room() {
	if b.pos > len(b.buf)-blockBytes {
		b.empty()
	}
}

// values writes the DC values v as differences, each from the one before and the
// first from last. It returns the last value.
func (b *bitWriter) values(v []int32, last int32, t *codeTable) int32 {
	for len(v) > 0 {
		b.room()
		acc, n, pos, buf := b.acc, b.n, b.pos, b.buf
		some := v[:min(len(v), blockBytes/8)] // at most 20 bits each
		for _, x := range some {
			code, c := valueCode(x-last, t)
			last = x
			n += c
			acc |= code << ((64 - n) & 63)
			binary.BigEndian.PutUint64(buf[pos:], acc)
			acc <<= n & 56
			pos += int(n >> 3)
			n &= 7
		}
		b.acc, b.n, b.pos = acc, n, pos
		v = v[len(some):]
	}
	return last
}

// ones writes each value of v, 0 or 1, as one bit.
func (b *bitWriter) ones(v []int32) {
	for len(v) > 0 {
		b.room()
		some := v[:min(len(v), 32)]
		bits := uint64(0)
		for _, x := range some {
			bits = bits<<1 | uint64(x)
		}
		b.put(bits, uint(len(some)))
		v = v[len(some):]
	}
}

// empty writes the whole bytes out, with stuffing.
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

// copyBytes appends whole bytes. There must be no pending bits.
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

// finish pads the last byte with ones (T.81 F.1.2.3) and writes everything out.
func (b *bitWriter) finish() {
	b.room()
	c := -b.n & 7
	b.put(1<<c-1, c)
	b.empty()
}
