package vp8l

import (
	"encoding/binary"
	"io"
)

// window is the number of bytes of the data that are in memory.
const window = 16 << 10

// bitReader reads bits, the least significant one of a byte first (RFC 9649 section
// 3.3).
type bitReader struct {
	v uint64 // the next n bits; those above are 0 or the next ones, too
	n uint

	rest []byte // bytes in memory that are not in v
	past int    // zero bytes that were added after the end
	buf  []byte
	r    io.ReaderAt
	off  int64 // of the bytes not in memory
	end  int64
	err  error // of r
}

func newBitReader(r io.ReaderAt, off, end int64) bitReader {
	return bitReader{r: r, off: off, end: end, buf: make([]byte, min(window, max(0, end-off)))}
}

// fill makes n at least 56. After the end of the data it adds zeros.
func (b *bitReader) fill() {
	if len(b.rest) < 8 {
		b.load()
	}
	if len(b.rest) >= 8 {
		b.v |= binary.LittleEndian.Uint64(b.rest) << (b.n & 63)
		b.rest = b.rest[(63-b.n)>>3:]
		b.n |= 56 // plus whole bytes, up to 56 to 63
		return
	}
	b.v &= 1<<(b.n&63) - 1
	for b.n < 56 {
		var v byte
		if len(b.rest) > 0 {
			v, b.rest = b.rest[0], b.rest[1:]
		} else {
			b.past++
		}
		b.v |= uint64(v) << (b.n & 63)
		b.n += 8
	}
}

// load reads the next bytes of the data into memory.
func (b *bitReader) load() {
	kept := copy(b.buf, b.rest)
	n := int(min(int64(len(b.buf)-kept), b.end-b.off))
	if n <= 0 {
		return
	}
	got, err := b.r.ReadAt(b.buf[kept:kept+n], b.off)
	b.rest, b.off = b.buf[:kept+got], b.off+int64(got)
	if got < n {
		b.end = b.off
		if err != io.EOF {
			b.err = err
		}
	}
}

// check returns an error if reading failed or if bits were read after the end.
func (b *bitReader) check() error {
	if b.err != nil {
		return b.err
	}
	if 8*b.past > int(b.n) {
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
