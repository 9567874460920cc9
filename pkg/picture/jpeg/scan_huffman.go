package jpeg

import (
	"encoding/binary"

	"imgtools/pkg/fault"
)

func be64(p []byte) uint64 { return binary.BigEndian.Uint64(p) }

// lookBits is the number of bits that index the look-up tables. Nearly every code of
// a photograph is at most twelve bits long, and the tables of a scan with 1<<12
// entries still fit the first-level cache.
const lookBits = 12

// huffman is a Huffman table (T.81 C.2, F.2.2.3): as its DHT segment had it, and the
// look-up tables that derive, valueTable and refineTable make when a scan first needs
// them.
//
// Huffman codes of JPEG are canonical: codes of one length are consecutive numbers,
// and the first code of length l+1 is twice the number after the last code of length
// l. The counts {0, 2, 1} for lengths 1 to 3 with the symbols a, b, c give
// a = 00, b = 01, c = 100.
type huffman struct {
	counts [17]uint8 // number of codes of each length, 1 to 16
	values []byte    // symbols in the order of their codes

	derived bool
	// code is indexed by the next lookBits bits. An entry is the length of the code
	// that they begin with << 8 | its symbol, or 0 if that code is longer or there
	// is none.
	code [1 << lookBits]uint16
	// For codes longer than lookBits, by length: beyond is the number after the last
	// code of that length, left-aligned in 16 bits; a code plus index is the place
	// of its symbol in values.
	beyond [18]uint32
	index  [17]int32

	value  *[1 << lookBits]uint32 // see valueTable
	refine *[1 << lookBits]uint32 // see refineTable
	band   [2]*bands              // see bandTable
}

// newHuffman checks that the counts leave no length with more codes than fit in it.
func newHuffman(counts *[17]uint8, values []byte) (*huffman, error) {
	h := &huffman{counts: *counts, values: append([]byte(nil), values...)}
	code := 0
	for l := 1; l <= 16; l++ {
		code = code<<1 + int(counts[l])
		if code > 1<<l {
			return nil, fault.New(fault.Format, "Huffman table has too many codes of %d bits", l)
		}
	}
	return h, nil
}

// derive fills code, beyond and index. A scan that needs the table calls it, so that
// a file with thousands of unused tables costs no more than the reading.
func (h *huffman) derive() {
	if h.derived {
		return
	}
	h.derived = true
	code, k := uint32(0), 0
	for l := uint(1); l <= 16; l++ {
		h.index[l] = int32(k) - int32(code)
		for range h.counts[l] {
			if l <= lookBits {
				first := code << (lookBits - l)
				e := uint16(l)<<8 | uint16(h.values[k])
				for i := range uint32(1) << (lookBits - l) {
					h.code[first+i] = e
				}
			}
			code++
			k++
		}
		h.beyond[l] = code << (16 - l)
		code <<= 1
	}
}

// long decodes a code of more than lookBits bits at the top of acc. A length of 0
// means that there is no such code.
func (h *huffman) long(acc uint64) (l uint, symbol byte) {
	c := uint32(acc >> 48)
	for l := uint(lookBits + 1); l <= 16; l++ {
		if c < h.beyond[l] {
			return l, h.values[int32(c>>(16-l))+h.index[l]]
		}
	}
	return 0, 0
}

// look decodes the code at the top of acc. A length of 0 means that there is none.
func (h *huffman) look(acc uint64) (l uint, symbol byte) {
	if c := h.code[acc>>(64-lookBits)]; c != 0 {
		return uint(c >> 8), byte(c)
	}
	return h.long(acc)
}

// symbol decodes the next symbol. It returns false if the bits are no code.
func (h *huffman) symbol(e *entropy) (byte, bool) {
	if e.n < 16 {
		e.refill()
	}
	l, s := h.look(e.acc)
	e.acc <<= l
	e.n -= l
	return s, l != 0
}

// valueTable makes value, a table that decodes a code and the value behind it at once, if
// both fit in lookBits bits. An entry is
//
//	bits 0-4   length of code and value together
//	bits 8-14  run, the high half of the symbol; endRun for an end of block
//	bits 16-31 the value, signed; 0 only when the symbol's low half is 0
//
// or 0 if code and value are longer. In a DC table the run is always 0.
func (h *huffman) valueTable() {
	h.derive()
	if h.value != nil {
		return
	}
	h.value = new([1 << lookBits]uint32)
	for p, c := range h.code {
		l, run, size := uint(c>>8), uint32(c>>4&15), uint(c&15)
		if c == 0 || l+size > lookBits {
			continue
		}
		if size == 0 && run != 15 {
			run = endRun
		}
		v := int32(p) >> (lookBits - l - size) & (1<<size - 1)
		h.value[p] = uint32(extend(v, size))<<16 | run<<8 | uint32(l+size)
	}
}

// longValue decodes a DC difference at the top of acc that the value table has no
// entry for, and returns what the entry would be.
func (h *huffman) longValue(acc uint64) (uint32, error) {
	l, size := h.look(acc)
	if l == 0 {
		return 0, errCode
	}
	if size > 15 {
		return 0, errSize
	}
	return uint32(amplitude(acc, l<<8|uint(size)))<<16 | uint32(l) + uint32(size), nil
}

// amplitude returns the value after the code at the top of w, whose entry in huffman.code
// is c: EXTEND of T.81 F.2.2.1, or 0 if its size is 0.
func amplitude(w uint64, c uint) int32 {
	x := w << (c >> 8 & 63)
	size := c & 15
	v := int64(x >> 1 >> (63 - size))
	return int32(v - ^int64(x)>>63&(1<<size-1))
}

// endRun is the run of an end of block: it leads past the end of any block, further
// than any real run.
const endRun = 127

// extend is EXTEND of T.81 F.2.2.1: v of size bits as a signed value.
func extend(v int32, size uint) int32 {
	if size > 0 && v < 1<<(size-1) {
		v -= 1<<size - 1
	}
	return v
}

// refineTable returns a table of the symbols of a refining AC scan (T.81 G.1.2.3). An
// entry is
//
//	bits 0-4   length of the code and of what follows it: a sign, or the bits of an end
//	           of band
//	bits 5-8   run
//	bit  9     a new coefficient follows the run, so there is a sign
//	bits 10-25 of an end of band: the number of blocks, this one included
//
// or 0 for what is longer than lookBits, and for a symbol that such a scan must not have.
func (h *huffman) refineTable() *[1 << lookBits]uint32 {
	h.derive()
	if h.refine != nil {
		return h.refine
	}
	h.refine = new([1 << lookBits]uint32)
	for p, c := range h.code {
		l, run, size := uint32(c>>8), uint32(c>>4&15), uint32(c&15)
		switch {
		case c == 0:
		case size == 1 || size == 0 && run == 15:
			h.refine[p] = size<<9 | run<<5 | (l + size)
		case size == 0 && l+run <= lookBits:
			blocks := 1<<run + uint32(p)>>(lookBits-l-run)&(1<<run-1)
			h.refine[p] = blocks<<refineEnd | (l + run)
		}
	}
	return h.refine
}

const refineEnd = 10
