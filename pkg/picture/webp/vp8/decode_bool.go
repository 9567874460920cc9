package vp8

import (
	"encoding/binary"
	"io"
	"math/bits"

	"imgtools/pkg/picture/webp/chunk"
)

// window is the number of bytes of a partition that are in memory.
const window = 8 << 10

// boolReader is the boolean entropy decoder of one partition (RFC 6386 section 7).
//
// The encoder has written a number between 0 and 1. The reader keeps the interval of the
// numbers that are still possible as its width, rng, from 128 to 255, and the distance of
// the number from the interval's start, value. A bit with probability p/256 of being 0
// splits the interval: the lower part of
//
//	split = 1 + (rng-1)*p>>8
//
// means 0. The part that the number lies in becomes the interval, and both are shifted
// left until rng is at least 128 again. For example, with rng 200 and p 64 the split is
// 50. If the number is below, rng becomes 50, and after a shift by two bits 200.
//
// value has the number's first 8 bits in its top byte and n valid bits in all, of which
// 8 are needed to compare it with a split. A bit takes 7 at most.
type boolReader struct {
	value uint64
	rng   uint32
	n     int

	chunk.Window
}

// newBoolReader returns a reader of the bytes of r from off to end.
func newBoolReader(r io.ReaderAt, off, end int64) *boolReader {
	return &boolReader{rng: 255, Window: chunk.NewWindow(r, off, end, window)}
}

// fill makes n at least 56. After the end of the partition it adds zeros.
func (b *boolReader) fill() {
	if len(b.Rest) < 8 {
		b.Load()
	}
	if len(b.Rest) >= 8 {
		b.value |= binary.BigEndian.Uint64(b.Rest) >> (b.n & 63)
		b.Rest = b.Rest[(63-b.n)>>3:]
		b.n |= 56 // plus whole bytes, up to 56 to 63
		return
	}
	for b.n < 56 {
		b.value |= uint64(b.Byte()) << (56 - b.n)
		b.n += 8
	}
}

// ended reports whether bits were read after the end of the partition. Encoders may
// leave out a last byte that is 0, so one is not counted.
func (b *boolReader) ended() bool { return 8*b.Past > b.n }

// bit reads a bit that is 0 with probability p/256.
func (b *boolReader) bit(p uint8) bool {
	if b.n < 8 {
		b.fill()
	}
	split := 1 + (b.rng-1)*uint32(p)>>8
	big := uint64(split) << 56
	one := b.value >= big
	if one {
		b.value -= big
		b.rng -= split
	} else {
		b.rng = split
	}
	shift := bits.LeadingZeros8(uint8(b.rng))
	b.value <<= shift & 63
	b.rng <<= shift & 31
	b.n -= shift
	return one
}

// flag reads a bit with even chances.
func (b *boolReader) flag() bool { return b.bit(128) }

// number reads a number of n bits, the most significant one first.
func (b *boolReader) number(n int) int {
	v := 0
	for range n {
		v <<= 1
		if b.flag() {
			v |= 1
		}
	}
	return v
}

// optional reads a number of n bits and its sign, after a flag; without the flag it is 0.
func (b *boolReader) optional(n int) int {
	if !b.flag() {
		return 0
	}
	v := b.number(n)
	if b.flag() {
		v = -v
	}
	return v
}

// leaf reads a leaf of a tree, beginning at node i. The node has probability probs[i/2].
// The interval is kept in variables; see bit for the method.
func (b *boolReader) leaf(t tree, probs []uint8, i int8) uint8 {
	v, rng, n := b.value, b.rng, b.n
	for {
		if n < 8 {
			b.value, b.n = v, n
			b.fill()
			v, n = b.value, b.n
		}
		split := 1 + (rng-1)*uint32(probs[i>>1])>>8
		if big := uint64(split) << 56; v >= big {
			v -= big
			rng -= split
			i = t[i+1]
		} else {
			rng = split
			i = t[i]
		}
		s := bits.LeadingZeros8(uint8(rng))
		v, rng, n = v<<(s&63), rng<<(s&31), n-s
		if i <= 0 {
			b.value, b.rng, b.n = v, rng, n
			return uint8(-i)
		}
	}
}
