package gif

import (
	"encoding/binary"
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
// first index of the string just read. So encoder and decoder build the same table.
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
	bits  uint64 // read and not yet used, lowest first
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
	z.width, z.next, z.last = size+1, 1<<size+2, -1
	return z
}

// read fills dst with indexes and returns their number. If that is less than all,
// the error is io.EOF after the end code or the end of the data, errCode, or an error
// of the input.
func (z *lzwReader) read(dst []byte) (int, error) {
	n := copy(dst, z.rest)
	z.rest = z.rest[n:]
	clear := 1 << z.size
	// The state is in local variables, which are faster, until the loop ends.
	bits, nbits, width, next, last := z.bits, z.nbits, z.width, z.next, z.last
	block, err := z.in.block, z.err
	for n < len(dst) && err == nil {
		if nbits < width {
			if len(block) >= 4 {
				bits |= uint64(binary.LittleEndian.Uint32(block)) << nbits
				block = block[4:]
				nbits += 32
			} else if len(block) > 0 {
				bits |= uint64(block[0]) << nbits
				block = block[1:]
				nbits += 8
				continue
			} else {
				err = z.in.more()
				block = z.in.block
				continue
			}
		}
		code := int(bits & (1<<width - 1))
		bits >>= width
		nbits -= width
		switch {
		case code < clear:
		case code == clear:
			width, next, last = z.size+1, clear+2, -1
			continue
		case code == clear+1:
			err, z.ended = io.EOF, true
			continue
		case code > next || code == next && last < 0:
			err = errCode
			continue
		}
		if last >= 0 && next < maxCodes {
			before := &z.table[last]
			end := before.first // if code is this entry itself
			if code < next {
				end = z.table[code&(maxCodes-1)].first
			}
			z.table[next] = lzwEntry{uint16(last), before.length + 1, before.first, end}
			next++
		}
		last = code
		if next == 1<<width && width < maxCodeBits {
			width++
		}
		if code < clear {
			dst[n] = uint8(code)
			n++
			continue
		}
		n += z.write(dst[n:], code)
	}
	z.bits, z.nbits, z.width, z.next, z.last = bits, nbits, width, next, last
	z.in.block, z.err = block, err
	if n < len(dst) {
		return n, err
	}
	return n, nil
}

// write writes the string of a code to dst, and what does not fit to z.rest. It returns
// the number of indexes written to dst.
func (z *lzwReader) write(dst []byte, code int) int {
	e := &z.table[code]
	length := int(e.length)
	to := dst
	if length > len(dst) {
		to = z.spill[:]
	}
	to = to[:length]
	for i := length - 1; i > 0; i-- {
		to[i] = e.last
		e = &z.table[e.prefix&(maxCodes-1)]
	}
	to[0] = e.first
	if length <= len(dst) {
		return length
	}
	n := copy(dst, to)
	z.rest = to[n:]
	return n
}

// used returns the number of data bytes up to the last code read. The rest of a byte
// counts with it.
func (z *lzwReader) used() int64 { return z.in.used() - int64(z.nbits/8) }
