package tiff

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

const (
	lzwClear    = 256 // the code that starts with an empty table again
	lzwEnd      = 257 // the code after the last string
	lzwFirst    = 258 // the first entry that is added
	lzwMinWidth = 9   // bits of a code
	lzwMaxWidth = 12
	lzwCodes    = 1 << lzwMaxWidth

	lzwChunk  = 8        // bytes of a string that an entry holds itself
	lzwBuffer = 16 << 10 // bytes decoded at a time, at least
)

// lzwReader decodes LZW (TIFF 6.0 section 13; Welch 1984).
//
// The data are codes of 9 to 12 bits, most significant bit first. Codes below 256 stand
// for a byte; each code after the first since Clear adds an entry to the table, from 258
// on: the string of the code before, extended by the first byte of its own string. The
// encoder adds the same entries one code earlier, so a code may be the entry that it is
// about to add; that string begins with the one before and ends with its first byte:
//
//	Clear a b 258 260 End
//
//	a     writes a
//	b     writes b; 258 is ab
//	258   writes ab; 259 is ba
//	260   is the entry about to be added: ab extended by its first byte. It writes aba
//
// A code is one bit wider from the moment when the table has all but one of the codes of
// a width: TIFF widens one code earlier than it must.
//
// A string is stored in pieces of 8 bytes. Its entry has the last piece, of 1 to 8 bytes,
// and the code of the string before that piece, whose length is a multiple of 8. So a
// string is written backwards by whole words, which need not fit: the bytes beyond its
// end are overwritten by the next one. Most strings have one piece only.
type lzwReader struct {
	in    *bufio.Reader
	acc   uint64   // bits read and not used yet, from the most significant bit
	nbits uint     // how many; below them acc may have bits that are read again
	width uint     // of the next code in bits
	next  uint     // the entry added next
	last  uint     // the code before
	old   lzwEntry // of last
	err   error
	rest  []byte                         // decoded and not returned yet; a part of out
	out   [lzwBuffer + lzwCodes + 8]byte // with room for one more string, and a word
	table [lzwCodes]lzwEntry
}

// lzwEntry is a string of the table. It has two words, since the loop of decode is
// faster when it can hold one in registers.
type lzwEntry struct {
	piece uint64 // the last bytes, the first of them lowest; above them zeros
	about uint64
}

// What about holds: the length of the string in bits 0 to 15, the code of the string
// before the piece in bits 16 to 31, if the length is above 8, and the string's first
// byte in bits 32 to 39.
const (
	lzwLength   = 1<<16 - 1
	lzwBeforeAt = 16
	lzwFirstAt  = 32
)

// errLZWCode is returned for a code that is not in the table.
var errLZWCode = errors.New("lzw: invalid code")

// newLZW returns a reader of nothing; reset gives it data.
func newLZW() *lzwReader {
	z := &lzwReader{}
	for i := range uint64(lzwClear) {
		z.table[i] = lzwEntry{piece: i, about: 1 | i<<lzwFirstAt}
	}
	return z
}

// reset makes z read new data.
func (z *lzwReader) reset(in *bufio.Reader) {
	z.in, z.acc, z.nbits = in, 0, 0
	z.width, z.next, z.last, z.old = lzwMinWidth, lzwFirst-1, 0, lzwEntry{}
	z.err, z.rest = nil, nil
}

// Read implements io.Reader. Data that end without the code End give
// io.ErrUnexpectedEOF, after what they decode to.
func (z *lzwReader) Read(p []byte) (int, error) {
	for len(z.rest) == 0 {
		if z.err != nil {
			return 0, z.err
		}
		z.decode()
	}
	n := copy(p, z.rest)
	z.rest = z.rest[n:]
	return n, nil
}

// decode fills out and makes it rest. It sets err at the end of the data.
//
// The first code after Clear adds no entry. To need no test for it, the loop adds one in
// place of End, which is never looked up.
func (z *lzwReader) decode() {
	// The state is in local variables, which are faster, until the loop ends.
	acc, nbits, width, next, last, old := z.acc, z.nbits, z.width, z.next, z.last, z.old
	block, err := z.block()
	whole := len(block)
	n := 0
	for n < lzwBuffer && err == nil {
		if nbits < width {
			switch {
			case len(block) >= 8:
				// All whole bytes that fit; of the next one its first bits, which
				// the next turn puts there again.
				acc |= binary.BigEndian.Uint64(block) >> (nbits & 63)
				block = block[(63-nbits)/8&7:]
				nbits |= 56
			case len(block) > 0:
				acc |= uint64(block[0]) << (56 - nbits)
				block, nbits = block[1:], nbits+8
				continue
			default:
				z.in.Discard(whole)
				block, err = z.block()
				whole = len(block)
				continue
			}
		}
		code := uint(acc>>((64-width)&63)) & (lzwCodes - 1)
		acc <<= width & 63
		nbits -= width
		if code&^1 == lzwClear { // Clear or End
			if code == lzwEnd {
				err = io.EOF
				break
			}
			width, next, last, old = lzwMinWidth, lzwFirst-1, 0, lzwEntry{}
			continue
		}
		e := z.table[code]
		if next < lzwCodes {
			if code > next {
				err = errLZWCode
				break
			}
			end := e.about
			if code == next {
				end = old.about // the string extended by its own first byte
			}
			end = end >> lzwFirstAt
			if used := old.about % lzwChunk; used != 0 {
				old.piece |= end << (8 * used & 63)
			} else {
				old = lzwEntry{end, old.about&^(lzwLength<<lzwBeforeAt) | uint64(last)<<lzwBeforeAt}
			}
			old.about++
			z.table[next] = old
			if code == next {
				e = old
			}
			next++
			if next == 1<<(width&63)-1 && width < lzwMaxWidth {
				width++
			}
		}
		last, old = code, e
		length := int(e.about & lzwLength)
		at := n + (length-1)&^(lzwChunk-1)
		binary.LittleEndian.PutUint64(z.out[at:], e.piece)
		for ; at > n; at -= lzwChunk {
			e = z.table[e.about>>lzwBeforeAt&(lzwCodes-1)]
			binary.LittleEndian.PutUint64(z.out[at-lzwChunk:], e.piece)
		}
		n += length
	}
	z.in.Discard(whole - len(block))
	z.acc, z.nbits, z.width, z.next, z.last, z.old = acc, nbits, width, next, last, old
	z.rest, z.err = z.out[:n], err
}

// block returns the data that in holds, at least one byte. They stay in it.
func (z *lzwReader) block() ([]byte, error) {
	if _, err := z.in.Peek(1); err != nil {
		return nil, noEOF(err)
	}
	return z.in.Peek(z.in.Buffered())
}
