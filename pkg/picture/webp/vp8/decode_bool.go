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
// Below, rng and split are one less than here, which saves steps: from 127 to 254, and
// rng*p>>8. value has the number's first 8 bits in its top byte and n valid bits in all, of
// which 8 are needed to compare it with a split: those above split mean 1. A bit takes 7 at
// most.
type boolReader struct {
	value uint64
	rng   uint32
	n     int

	chunk.Window
}

// newBoolReader returns a reader of the bytes of r from off to end.
func newBoolReader(r io.ReaderAt, off, end int64) *boolReader {
	return &boolReader{rng: 254, Window: chunk.NewWindow(r, off, end, window)}
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

// shifts and shifted are by how many bits an interval must be shifted, and what it becomes,
// by what its rng is before. To look them up takes less time than to count and shift.
var shifts, shifted = func() (n, after [256]uint8) {
	for rng := range 255 {
		n[rng] = uint8(bits.LeadingZeros8(uint8(rng + 1)))
		after[rng] = uint8((rng+1)<<n[rng] - 1)
	}
	return
}()

// bit reads a bit that is 0 with probability p/256.
func (b *boolReader) bit(p uint8) bool {
	if b.n < 8 {
		b.fill()
	}
	split := b.rng * uint32(p) >> 8
	rng := split
	one := uint32(b.value>>56) > split
	if one {
		b.value -= uint64(split+1) << 56
		rng = b.rng - split - 1
	}
	s := shifts[uint8(rng)]
	b.value, b.rng, b.n = b.value<<(s&63), uint32(shifted[uint8(rng)]), b.n-int(s)
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

// leaf reads a leaf of a tree. Node i has probability probs[i/2].
func (b *boolReader) leaf(t tree, probs []uint8) uint8 {
	for i := int8(0); ; {
		if b.bit(probs[i>>1]) {
			i++
		}
		if i = t[i]; i <= 0 {
			return uint8(-i)
		}
	}
}

// blockModeNodes is blockModeTree in an array whose size is a power of two, so that an index
// needs no check.
var blockModeNodes = func() (t [32]int8) {
	copy(t[:], blockModeTree)
	return
}()

// blockMode reads a leaf of blockModeTree; see leaf.
func (b *boolReader) blockMode(probs *[modes - 1]uint8) mode {
	v, rng, n := b.value, b.rng, b.n
	for i := int8(0); ; {
		if n < 8 {
			b.value, b.n = v, n
			b.fill()
			v, n = b.value, b.n
		}
		split := rng * uint32(probs[i>>1]) >> 8
		if uint32(v>>56) <= split {
			s := shifts[uint8(split)]
			v, rng, n = v<<(s&63), uint32(shifted[uint8(split)]), n-int(s)
			i = blockModeNodes[i&31]
		} else {
			v -= uint64(split+1) << 56
			rng -= split + 1
			s := shifts[uint8(rng)]
			v, rng, n = v<<(s&63), uint32(shifted[uint8(rng)]), n-int(s)
			i = blockModeNodes[(i+1)&31]
		}
		if i <= 0 {
			b.value, b.rng, b.n = v, rng, n
			return uint8(-i)
		}
	}
}
