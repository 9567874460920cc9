package tiff

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"sync"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// zstdReader decompresses Zstandard (RFC 8878). A frame is a header and blocks of at most
// 128 KiB. A compressed block has two sections: literals, coded by Huffman, and
// sequences, coded by FSE (file decompress_zstd_fse). A sequence says: copy so many
// literals, then so many bytes from so far back in what was written. What remains of
// the literals ends the block.
//
// Dictionaries are not read, and checksums not checked.
type zstdReader struct {
	r      *bufio.Reader
	window int // how far back a match may go
	block  int // most bytes that a block may become

	out  []byte // what was written, at least the last window bytes of it
	read int    // bytes of out that were returned
	last bool   // the last block of the frame is in out

	in       []byte // the block being decoded
	literals []byte
	huffman  huffmanTable
	tables   [3]*fseTable // of literal lengths, offsets, match lengths; nil: none so far
	repeat   [3]int       // the offsets used last
}

var errZstd = errors.New("Zstandard data is damaged")

const (
	zstdMagic     = 0xFD2FB528
	zstdBlock     = 128 << 10
	zstdSkippable = 0x184D2A5 // upper 28 bits of the magic number of a frame to be skipped
)

// newZstd reads the header of a frame that becomes at least need bytes.
func newZstd(r *bufio.Reader, need int64, lim raster.Limits) (*zstdReader, error) {
	var b [8]byte
	get := func(n int) (uint64, error) {
		clear(b[:])
		_, err := io.ReadFull(r, b[:n])
		return binary.LittleEndian.Uint64(b[:]), noEOF(err)
	}
	for {
		magic, err := get(4)
		if err != nil {
			return nil, err
		}
		if magic == zstdMagic {
			break
		}
		if magic>>4 != zstdSkippable {
			return nil, errZstd
		}
		n, err := get(4)
		if err != nil {
			return nil, err
		}
		if _, err := io.CopyN(io.Discard, r, int64(n)); err != nil {
			return nil, noEOF(err)
		}
	}
	d, err := get(1)
	if err != nil {
		return nil, err
	}
	single := d>>5&1 != 0
	size := uint64(0)
	if !single {
		w, err := get(1)
		if err != nil {
			return nil, err
		}
		base := uint64(1) << (10 + w>>3)
		size = base + base/8*(w&7)
	}
	if dict, err := get([]int{0, 1, 2, 4}[d&3]); err != nil || dict != 0 {
		if err == nil {
			err = fault.New(fault.Unsupported, "Zstandard with a dictionary is not read")
		}
		return nil, err
	}
	width := []int{0, 2, 4, 8}[d>>6]
	if width == 0 && single {
		width = 1
	}
	content, err := get(width)
	if err != nil {
		return nil, err
	}
	if width == 2 {
		content += 256
	}
	if single {
		size = content
	}
	z := &zstdReader{r: r, block: int(min(size, zstdBlock)), repeat: [3]int{1, 4, 8}}
	// Blocks are decoded until need bytes are there, so that no match goes further back.
	z.window = int(min(size, uint64(need)+zstdBlock))
	return z, lim.CheckMem(2*int64(z.window) + 4*zstdBlock)
}

// noEOF makes the end of the data an unexpected one.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (z *zstdReader) Read(p []byte) (int, error) {
	for z.read == len(z.out) {
		if z.last {
			return 0, io.EOF
		}
		if err := z.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, z.out[z.read:])
	z.read += n
	return n, nil
}

// next decodes a block.
func (z *zstdReader) next() error {
	if len(z.out) > 2*z.window+zstdBlock { // all of which was returned
		z.out = z.out[:copy(z.out, z.out[len(z.out)-z.window:])]
		z.read = len(z.out)
	}
	var b [3]byte
	if _, err := io.ReadFull(z.r, b[:]); err != nil {
		return noEOF(err)
	}
	h := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
	z.last = h&1 != 0
	n := h >> 3
	if n > z.block {
		return errZstd
	}
	switch h >> 1 & 3 {
	case 0: // raw
		at := len(z.out)
		z.out = append(z.out, make([]byte, n)...)
		_, err := io.ReadFull(z.r, z.out[at:])
		return noEOF(err)
	case 1: // one byte, repeated
		c, err := z.r.ReadByte()
		if err != nil {
			return noEOF(err)
		}
		for range n {
			z.out = append(z.out, c)
		}
		return nil
	case 2:
		z.in = grow(z.in, n)
		if _, err := io.ReadFull(z.r, z.in); err != nil {
			return noEOF(err)
		}
		rest, err := z.readLiterals(z.in)
		if err != nil {
			return err
		}
		return z.sequences(rest)
	}
	return errZstd
}

// readLiterals decodes the literals section (RFC 8878, 3.1.1.3.1) at the beginning of b
// and returns what follows it.
func (z *zstdReader) readLiterals(b []byte) (rest []byte, err error) {
	if len(b) < 1 {
		return nil, errZstd
	}
	kind, format := b[0]&3, b[0]>>2&3
	head := [5]byte{}
	copy(head[:], b)
	h := uint64(binary.LittleEndian.Uint32(head[:])) | uint64(head[4])<<32
	if kind < 2 { // raw, or one byte repeated
		size, n := 0, 0
		switch format {
		case 1:
			size, n = int(h>>4&0xfff), 2
		case 3:
			size, n = int(h>>4&0xfffff), 3
		default:
			size, n = int(h>>3&0x1f), 1
		}
		have := size
		if kind == 1 {
			have = 1
		}
		if size > zstdBlock || len(b) < n+have {
			return nil, errZstd
		}
		z.literals = grow(z.literals, size)
		if kind == 0 {
			copy(z.literals, b[n:])
		} else {
			for i := range z.literals {
				z.literals[i] = b[n]
			}
		}
		return b[n+have:], nil
	}
	n := []int{3, 3, 4, 5}[format]
	width := []int{10, 10, 14, 18}[format]
	size, packed := int(h>>4)&(1<<width-1), int(h>>(4+width))&(1<<width-1)
	if size > zstdBlock || len(b) < n+packed {
		return nil, errZstd
	}
	rest, b = b[n+packed:], b[n:n+packed]
	if kind == 2 {
		if b, err = z.huffman.readTree(b); err != nil {
			return nil, err
		}
	} else if z.huffman.bits == 0 { // the tree of the block before, which had none
		return nil, errZstd
	}
	z.literals = grow(z.literals, size)
	if format == 0 {
		return rest, z.huffman.decode(z.literals, b)
	}
	// Four streams of a quarter each; the sizes of the first three are given.
	quarter := (size + 3) / 4
	if len(b) < 6 || 3*quarter > size {
		return nil, errZstd
	}
	jump, b := b[:6], b[6:]
	for i := range 4 {
		dst, src := z.literals[3*quarter:], b
		if i < 3 {
			k := int(binary.LittleEndian.Uint16(jump[2*i:]))
			if k > len(b) {
				return nil, errZstd
			}
			dst, src = z.literals[i*quarter:(i+1)*quarter], b[:k]
			b = b[k:]
		}
		if err := z.huffman.decode(dst, src); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// lengthCode is what a code of a length stands for: base and the bits to be added.
type lengthCode struct {
	base int
	bits int
}

// lengthCodes returns the codes of literal lengths and of match lengths (RFC 8878,
// 3.1.1.3.2.1.1).
var lengthCodes = sync.OnceValues(func() (l, m []lengthCode) {
	for i := range 16 {
		l = append(l, lengthCode{i, 0})
	}
	for i := range 32 {
		m = append(m, lengthCode{i + 3, 0})
	}
	extend := func(c []lengthCode, base int, widths ...int) []lengthCode {
		for _, w := range widths {
			c = append(c, lengthCode{base, w})
			base += 1 << w
		}
		return c
	}
	l = extend(l, 16, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
	m = extend(m, 35, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
	return l, m
})

// sequences decodes the sequences section (RFC 8878, 3.1.1.3.2) and writes the block.
func (z *zstdReader) sequences(b []byte) error {
	count, b, err := sequenceCount(b)
	if err != nil {
		return err
	}
	end := len(z.out) + z.block
	if count == 0 {
		if len(b) > 0 {
			return errZstd
		}
		z.out = append(z.out, z.literals...)
		return nil
	}
	if len(b) < 1 || b[0]&3 != 0 {
		return errZstd
	}
	modes := b[0]
	b = b[1:]
	for i := range z.tables {
		if b, err = z.readTable(i, modes>>(6-2*i)&3, b); err != nil {
			return err
		}
	}
	s, err := newBackward(b)
	if err != nil {
		return err
	}
	var state [3]uint32
	for i, t := range z.tables {
		state[i] = s.bits(t.bits)
	}
	literals := z.literals
	literalCodes, matchCodes := lengthCodes()
	for i := range count {
		lit, off, match := z.tables[0].at(state[0]), z.tables[1].at(state[1]), z.tables[2].at(state[2])
		value := 1<<off.symbol + int(s.bits(int(off.symbol)))
		m := matchCodes[match.symbol]
		length := m.base + int(s.bits(m.bits))
		l := literalCodes[lit.symbol]
		n := l.base + int(s.bits(l.bits))
		offset := z.offset(value, n)
		if s.left < 0 || n > len(literals) || len(z.out)+n+length > end {
			return errZstd
		}
		z.out = append(z.out, literals[:n]...)
		literals = literals[n:]
		if offset <= 0 || offset > len(z.out) || offset > max(z.window, z.block) {
			return errZstd
		}
		// A match may reach into itself: then what it writes is repeated.
		for from := len(z.out) - offset; length > 0; {
			k := min(length, offset)
			z.out = append(z.out, z.out[from:from+k]...)
			from += k
			length -= k
		}
		if i+1 < count {
			state[0] = lit.next + s.bits(int(lit.bits))
			state[2] = match.next + s.bits(int(match.bits))
			state[1] = off.next + s.bits(int(off.bits))
		}
	}
	if s.left != 0 || len(z.out)+len(literals) > end {
		return errZstd
	}
	z.out = append(z.out, literals...)
	return nil
}

// sequenceCount reads the number of sequences.
func sequenceCount(b []byte) (int, []byte, error) {
	switch {
	case len(b) > 0 && b[0] < 128:
		return int(b[0]), b[1:], nil
	case len(b) > 1 && b[0] < 255:
		return int(b[0]-128)<<8 + int(b[1]), b[2:], nil
	case len(b) > 2:
		return int(b[1]) + int(b[2])<<8 + 0x7f00, b[3:], nil
	}
	return 0, nil, errZstd
}

// readTable reads table i of the sequences.
func (z *zstdReader) readTable(i int, mode byte, b []byte) ([]byte, error) {
	literalCodes, matchCodes := lengthCodes()
	symbols := []int{len(literalCodes), 32, len(matchCodes)}[i]
	switch mode {
	case 0:
		z.tables[i] = predefined()[i]
	case 1: // one symbol, always
		if len(b) < 1 || int(b[0]) >= symbols {
			return nil, errZstd
		}
		z.tables[i] = &fseTable{entries: []fseEntry{{symbol: b[0]}}}
		return b[1:], nil
	case 2:
		t, rest, err := readFSE(b, []int{9, 8, 9}[i], symbols)
		z.tables[i] = t
		return rest, err
	default:
		if z.tables[i] == nil {
			return nil, errZstd
		}
	}
	return b, nil
}

// offset decodes an offset (RFC 8878, 3.1.1.5): 1 to 3 stand for those used last, of
// which literals of length 0 skip the first.
func (z *zstdReader) offset(value, literals int) int {
	r := &z.repeat
	if value > 3 {
		*r = [3]int{value - 3, r[0], r[1]}
		return r[0]
	}
	if literals == 0 {
		value++
	}
	switch value {
	case 2:
		*r = [3]int{r[1], r[0], r[2]}
	case 3:
		*r = [3]int{r[2], r[0], r[1]}
	case 4:
		*r = [3]int{r[0] - 1, r[0], r[1]}
	}
	return r[0]
}

// backward reads a bit stream from its end: the last byte has a 1 above its first bit.
type backward struct {
	b    []byte // with 8 bytes of zeros behind
	left int    // bits not yet read; negative: so many zeros were read beyond the beginning
}

func newBackward(b []byte) (backward, error) {
	if len(b) == 0 || b[len(b)-1] == 0 {
		return backward{}, errZstd
	}
	left := 8*len(b) - 9 + bits.Len8(b[len(b)-1])
	return backward{append(b[:len(b):len(b)], make([]byte, 8)...), left}, nil
}

// bits reads n bits, at most 32, with zeros beyond the beginning of the stream.
func (s *backward) bits(n int) uint32 {
	s.left -= n
	at, shift := s.left, 0
	if at < 0 {
		at, shift = 0, min(-s.left, 63)
	}
	v := binary.LittleEndian.Uint64(s.b[at/8:]) >> (at & 7) << shift
	return uint32(v & (1<<n - 1))
}
