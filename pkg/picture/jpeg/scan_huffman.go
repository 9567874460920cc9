package jpeg

import (
	"encoding/binary"

	"imgtools/pkg/fault"
)

func be64(p []byte) uint64 { return binary.BigEndian.Uint64(p) }

// lookBits is the width of the look-up tables. Twelve bits hold nearly every code
// of a photograph, and the tables of a scan stay in the first-level cache.
const lookBits = 12

// huffman is a table of codes (T.81 C.2, F.2.2.3): as it stood in its DHT
// segment, and the look-ups made from it when a scan first needs them.
type huffman struct {
	counts [17]uint8 // codes of each length, 1 to 16
	values []byte    // symbols by rising code

	derived bool
	// code has by the next lookBits bits the length of the code there << 8 | its
	// symbol; 0 when the code is longer, or none.
	code [1 << lookBits]uint16
	// For longer codes, by length: the first code beyond those of that length,
	// left-aligned in 16 bits, and what brings a code to its index in values.
	beyond [18]uint32
	index  [17]int32

	value  *[1 << lookBits]uint32 // see valueTable
	refine *[1 << lookBits]uint16 // see refineTable
}

// newHuffman checks the counts: no more codes of a length than there is room for.
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

// derive makes the look-ups that all uses share. It is put off until a scan needs
// the table, so that a file of nothing but tables costs no more than its reading.
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

// long decodes a code of more than lookBits bits from the top of acc: its length
// and symbol. Length 0: there is no such code.
func (h *huffman) long(acc uint64) (l uint, symbol byte) {
	c := uint32(acc >> 48)
	for l := uint(lookBits + 1); l <= 16; l++ {
		if c < h.beyond[l] {
			return l, h.values[int32(c>>(16-l))+h.index[l]]
		}
	}
	return 0, 0
}

// look decodes the code at the top of acc: its length, 0 if there is none, and symbol.
func (h *huffman) look(acc uint64) (l uint, symbol byte) {
	if c := h.code[acc>>(64-lookBits)]; c != 0 {
		return uint(c >> 8), byte(c)
	}
	return h.long(acc)
}

// symbol decodes the next symbol; false when the bits are no code.
func (h *huffman) symbol(e *entropy) (byte, bool) {
	if e.n < 16 {
		e.refill()
	}
	l, s := h.look(e.acc)
	e.acc <<= l
	e.n -= l
	return s, l != 0
}

// An entry of the value table, when code and value both lie in the looked-at bits:
//
//	bits 0-4   how many bits code and value take together
//	bits 8-14  run, the high half of the symbol; endRun for an end of block
//	bits 16-31 the value, signed; 0 only when the symbol's low half is 0
//
// An entry of 0 means that the code or its value is longer.
func (h *huffman) valueTable() *[1 << lookBits]uint32 {
	h.derive()
	if h.value != nil {
		return h.value
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
	return h.value
}

// longValue decodes the DC difference at the top of acc where its code or value is
// longer than lookBits, as an entry of the value table.
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

// endRun goes over the end of any block, further than any run.
const endRun = 127

// extend is EXTEND of T.81 F.2.2.1: v of size bits as a signed value.
func extend(v int32, size uint) int32 {
	if size > 0 && v < 1<<(size-1) {
		v -= 1<<size - 1
	}
	return v
}

// An entry of the refine table is a symbol of a refining scan that is not an end of
// band:
//
//	bits 0-4  how many bits code and sign take
//	bits 5-8  run
//	bit  9    there is a new coefficient, and so a sign
//
// 0 means an end of band, a longer code, or none that may be here.
func (h *huffman) refineTable() *[1 << lookBits]uint16 {
	h.derive()
	if h.refine != nil {
		return h.refine
	}
	h.refine = new([1 << lookBits]uint16)
	for p, c := range h.code {
		run, size := c>>4&15, c&15
		if c != 0 && (size == 1 || size == 0 && run == 15) {
			h.refine[p] = size<<9 | run<<5 | (c>>8 + size)
		}
	}
	return h.refine
}
