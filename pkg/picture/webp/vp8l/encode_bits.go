package vp8l

import (
	"encoding/binary"

	"imgtools/pkg/picture/webp/chunk"
)

// bitWriter appends bits, the first in the lowest bit of a byte (RFC 9649, 2).
//
// Full chunks are kept as they are, so that a long body is not copied while it grows.
type bitWriter struct {
	chunks [][]byte
	buf    []byte // the chunk being filled; pos bytes of it are written
	pos    int
	acc    uint64 // bits that are not written yet, fewer than 8 between calls
	n      uint
}

const chunkBytes = 1 << 18

// write appends the low n bits of v, at most 56. The others must be 0.
func (b *bitWriter) write(v uint64, n uint) {
	if b.pos+8 > len(b.buf) {
		b.grow()
	}
	b.acc |= v << (b.n & 63)
	b.n += n
	binary.LittleEndian.PutUint64(b.buf[b.pos:b.pos+8:b.pos+8], b.acc)
	b.pos += int(b.n >> 3)
	b.acc >>= b.n & 56
	b.n &= 7
}

func (b *bitWriter) grow() {
	if b.pos > 0 {
		b.chunks = append(b.chunks, b.buf[:b.pos])
	}
	size := chunkBytes
	if len(b.chunks) == 0 && b.buf == nil {
		size = 4096
	}
	b.buf, b.pos = make([]byte, size), 0
}

// bits returns the number of bits written.
func (b *bitWriter) bits() int64 {
	n := int64(b.pos)*8 + int64(b.n)
	for _, c := range b.chunks {
		n += int64(len(c)) * 8
	}
	return n
}

// appendBits appends all that o has, and leaves o empty: its chunks are freed as they are
// copied.
func (b *bitWriter) appendBits(o *bitWriter) {
	o.chunks = append(o.chunks, o.buf[:o.pos])
	for i, c := range o.chunks {
		for ; len(c) >= 4; c = c[4:] {
			b.write(uint64(binary.LittleEndian.Uint32(c)), 32)
		}
		for _, v := range c {
			b.write(uint64(v), 8)
		}
		o.chunks[i] = nil
	}
	b.write(o.acc, o.n)
	*o = bitWriter{}
}

// join returns the bytes of b and then those of body, padded with zero bits. The chunks of
// body become pieces as they are: their bits are moved up in place, by the number of bits
// with which b ends.
func (b *bitWriter) join(body *bitWriter) [][]byte {
	pieces := append(b.chunks, b.buf[:b.pos])
	carry := b.acc
	for _, c := range append(body.chunks, body.buf[:body.pos]) {
		carry = moveUp(c, b.n, carry)
		pieces = append(pieces, c)
	}
	end := bitWriter{acc: carry, n: b.n}
	end.write(body.acc, body.n)
	if end.n > 0 {
		end.write(0, 8-end.n)
	}
	return append(pieces, end.buf[:end.pos])
}

// moveUp moves the bits of p up by n, fewer than 8, puts the n bits of carry below them,
// and returns those that no longer fit.
func moveUp(p []byte, n uint, carry uint64) uint64 {
	for ; len(p) >= 8; p = p[8:] {
		v := binary.LittleEndian.Uint64(p)
		binary.LittleEndian.PutUint64(p, v<<n|carry)
		carry = v >> (64 - n)
	}
	for i, v := range p {
		p[i] = v<<n | uint8(carry)
		carry = uint64(v >> (8 - n))
	}
	return carry
}

// Payload is the data of a chunk.
type Payload struct {
	Alpha bool // a pixel is not opaque
	chunk.Pieces
}
