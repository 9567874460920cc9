package gif

import (
	"errors"
	"io"
)

const (
	maxCodeBits = 12
	maxCodes    = 1 << maxCodeBits

	// Minimum code sizes accepted. The specification has 2 to 8 (appendix F, and one
	// bit a pixel counts as 2); some programs write 1, and some more than 8 for tables
	// of 256 colours. compress/lzw reads 2 to 8 only.
	minCodeSize = 1
	maxCodeSize = 11
)

// lzwReader decodes GIF's LZW (GIF89a appendix F; Welch 1984).
//
// The data are codes of growing width, the least significant bit first. A code
// stands for a string of indexes. With code size 2 the table starts with
//
//	0 1 2 3   the strings of one index
//	4         clear: start again with this table
//	5         end of the data
//
// and each code after the first adds an entry: the string before, extended by the
// first index of the string just read. Encoder and decoder so build the same table.
// The codes 4 1 6 6 2 5 decode as follows:
//
//	1   writes 1
//	6   is the entry about to be added: 1 extended by its own first index. It writes
//	    1 1, and entry 6 is 1 1
//	6   writes 1 1; entry 7 is 1 1 1
//	2   writes 2; entry 8 is 1 1 2
//
// Codes have code size + 1 bits at first. When the entries fill all codes of a
// width, the next code is one bit wider, up to 12 bits. A full table stays as it is
// until the next clear.
//
// Each entry stores its last index and the entry that it extends, so a string is
// written backwards; its length says where to start.
type lzwReader struct {
	in    *blocks
	bits  uint32 // read and not yet used, lowest first
	nbits uint   // how many
	size  uint   // the code size
	width uint   // of the next code in bits
	next  int    // the entry added next
	last  int    // the code before, or -1 after a clear
	err   error  // of the codes read so far, returned when rest is empty
	ended bool   // by the end code
	rest  []byte // decoded and not yet returned; part of spill
	spill [maxCodes]byte
	table [maxCodes]lzwEntry
}

// lzwEntry is a string of the table.
type lzwEntry struct {
	prefix      uint16 // the string without its last index
	length      uint16
	first, last uint8
}

// errCode is returned for a code that is not in the table.
var errCode = errors.New("invalid code")

// newLZWReader reads data whose codes start in in. size is minCodeSize to
// maxCodeSize. Indexes above 255 lose their upper bits.
func newLZWReader(in *blocks, size uint) *lzwReader {
	z := &lzwReader{in: in, size: size}
	for i := range 1 << size {
		z.table[i] = lzwEntry{length: 1, first: uint8(i), last: uint8(i)}
	}
	z.clear()
	return z
}

func (z *lzwReader) clear() {
	z.width, z.next, z.last = z.size+1, 1<<z.size+2, -1
}

// read fills dst with indexes and returns their number. If that is less than all,
// the error is io.EOF after the end code or the end of the data, errCode, or an error
// of the input.
func (z *lzwReader) read(dst []byte) (int, error) {
	n := copy(dst, z.rest)
	z.rest = z.rest[n:]
	for n < len(dst) && z.err == nil {
		code, err := z.code()
		if err != nil {
			z.err = err
			break
		}
		e := &z.table[code]
		to := dst[n:]
		spills := int(e.length) > len(to)
		if spills {
			to = z.spill[:]
		}
		// All of the string but its first index.
		for i := e.length - 1; i > 0; i-- {
			to[i] = e.last
			e = &z.table[e.prefix]
		}
		to[0] = e.first
		length := int(z.table[code].length)
		if spills {
			k := copy(dst[n:], to[:length])
			z.rest = to[k:length]
			length = k
		}
		n += length
	}
	if n < len(dst) {
		return n, z.err
	}
	return n, nil
}

// code reads codes up to one that stands for a string, adds the entry that follows
// from it, and returns it.
func (z *lzwReader) code() (int, error) {
	for {
		for z.nbits < z.width {
			if len(z.in.block) == 0 {
				if err := z.in.more(); err != nil {
					return 0, err
				}
			}
			z.bits |= uint32(z.in.block[0]) << z.nbits
			z.in.block = z.in.block[1:]
			z.nbits += 8
		}
		code := int(z.bits & (1<<z.width - 1))
		z.bits >>= z.width
		z.nbits -= z.width
		clear := 1 << z.size
		switch {
		case code == clear:
			z.clear()
			continue
		case code == clear+1:
			z.ended = true
			return 0, io.EOF
		case code > z.next || code == z.next && z.last < 0:
			return 0, errCode
		}
		if z.last >= 0 && z.next < maxCodes {
			before := &z.table[z.last]
			last := before.first // if code is this entry itself
			if code < z.next {
				last = z.table[code].first
			}
			z.table[z.next] = lzwEntry{uint16(z.last), before.length + 1, before.first, last}
			z.next++
		}
		z.last = code
		if z.next == 1<<z.width && z.width < maxCodeBits {
			z.width++
		}
		return code, nil
	}
}
