package vp8l

import (
	"encoding/binary"
	"io"

	"imgtools/pkg/picture/webp/chunk"
)

// window is the number of bytes of the data that are in memory.
const window = 16 << 10

// bitReader reads bits, the least significant one of a byte first (RFC 9649 section
// 3.3).
type bitReader struct {
	v uint64 // the next n bits; those above are 0 or the next ones, too
	n uint

	chunk.Window
}

func newBitReader(r io.ReaderAt, off, end int64) bitReader {
	return bitReader{Window: chunk.NewWindow(r, off, end, window)}
}

// fill makes n at least 56. After the end of the data it adds zeros.
func (b *bitReader) fill() {
	if len(b.Rest) < 8 {
		b.Load()
	}
	if len(b.Rest) >= 8 {
		b.v |= binary.LittleEndian.Uint64(b.Rest) << (b.n & 63)
		b.Rest = b.Rest[(63-b.n)>>3:]
		b.n |= 56 // plus whole bytes, up to 56 to 63
		return
	}
	b.v &= 1<<(b.n&63) - 1
	for b.n < 56 {
		b.v |= uint64(b.Byte()) << (b.n & 63)
		b.n += 8
	}
}

// check returns an error if reading failed or if bits were read after the end.
func (b *bitReader) check() error {
	if b.Err != nil {
		return b.Err
	}
	if 8*b.Past > int(b.n) {
		return ErrTruncated
	}
	return nil
}

// cause returns why there is the error err: that of check, as the zeros behind the data
// may be nonsense, or err.
func (b *bitReader) cause(err error) error {
	if c := b.check(); c != nil {
		return c
	}
	return err
}

// bits reads a number of n bits, at most 24.
func (b *bitReader) bits(n uint) uint32 {
	if b.n < n {
		b.fill()
	}
	v := uint32(b.v) & (1<<n - 1)
	b.v >>= n
	b.n -= n
	return v
}

func (b *bitReader) flag() bool { return b.bits(1) == 1 }
