package vp8l

import (
	"math/bits"

	"imgtools/pkg/fault"
)

// Prefix codes (RFC 9649 section 3.7.2). A code gives each symbol of an alphabet a
// string of up to 15 bits, none of which is the beginning of another. The file has the
// lengths; the strings follow from them, in the order of lengths, then of symbols.

const rootBits = 8 // bits of an index of the first table of a code

// maxAlphabet is the largest number of symbols of an alphabet.
const maxAlphabet = numLiterals + numLengths + 1<<maxCacheBits

// A table decodes a prefix code. Its first 1<<bits entries are indexed by the next bits
// of the data, bits being rootBits or the longest length, whichever is less. An entry is
//
//	symbol<<8 | length
//	start<<8 | linked | bits   longer codes: of the entries from start on, index with
//	                           as many bits behind the first ones
//
// For example, the lengths a: 1, b: 2, c: 2 make the codes 0, 10 and 11, whose first bit
// is the least significant one of the index: the entries are a1 b2 a1 c2.
//
// A code of one symbol takes no bits. Its table has one entry, of length 0.
type table struct {
	entries []uint32
	mask    uint32 // 1<<bits - 1
}

const linked = 1 << 7

// next returns the entry of the next symbol.
func (t *table) next(v uint64) uint32 {
	e := t.entries[uint32(v)&t.mask]
	if e&linked != 0 {
		e = t.entries[e>>8+uint32(v>>rootBits)&(1<<(e&15)-1)]
	}
	return e
}

// symbol reads a symbol.
func (t *table) symbol(b *bitReader) uint32 {
	if b.n < maxCodeLen {
		b.fill()
	}
	e := t.next(b.v)
	b.v >>= e & 31
	b.n -= uint(e & 31)
	return e >> 8
}

// longest returns the number of bits of the longest code, or more than rootBits.
func (t *table) longest() int {
	if len(t.entries) > int(t.mask)+1 {
		return maxCodeLen
	}
	return bits.Len32(t.mask)
}

// newTable makes a table from the lengths of the symbols; 0 stands for a symbol that is
// not used. A code that leaves strings without a symbol, or that has too many symbols, is
// refused.
func newTable(lengths []uint8) (t table, err error) {
	var count, next [maxCodeLen + 2]int
	for _, n := range lengths {
		count[n]++
	}
	used := len(lengths) - count[0]
	if used == 0 {
		return t, fault.New(fault.Format, "damaged WebP data: a prefix code without symbols")
	}
	if used == 1 {
		for s, n := range lengths {
			if n > 0 {
				t.entries = []uint32{uint32(s) << 8}
			}
		}
		return t, nil
	}
	longest, free := 0, 1
	for n := 1; n <= maxCodeLen; n++ {
		free = 2*free - count[n] // strings of n bits that are left
		if free < 0 {
			return t, fault.New(fault.Format, "damaged WebP data: a prefix code of too many symbols")
		}
		if count[n] > 0 {
			longest = n
		}
		next[n+1] = next[n] + count[n]
	}
	if free > 0 {
		return t, fault.New(fault.Format, "damaged WebP data: an incomplete prefix code")
	}
	var sorted [maxAlphabet]uint16
	for s, n := range lengths {
		if n > 0 {
			sorted[next[n]] = uint16(s)
			next[n]++
		}
	}

	root := min(rootBits, longest)
	t.mask = 1<<root - 1
	t.entries = make([]uint32, 1<<root)
	code, at := uint32(0), 0 // the next string, its first bit the most significant one
	for n := 1; n <= root; n++ {
		for range count[n] {
			e := uint32(sorted[at])<<8 | uint32(n)
			at++
			for i := bits.Reverse32(code) >> (32 - n); i <= t.mask; i += 1 << n {
				t.entries[i] = e
			}
			code++
		}
		code <<= 1
	}
	// Codes longer than root: those with the same first bits share a table.
	last, start, sub := uint32(1<<31), 0, 0
	for n := root + 1; n <= maxCodeLen; n++ {
		for left := count[n]; left > 0; left-- {
			if prefix := code >> (n - root); prefix != last {
				last, sub = prefix, subBits(&count, n, left, root)
				start = len(t.entries)
				t.entries = append(t.entries, make([]uint32, 1<<sub)...)
				t.entries[bits.Reverse32(prefix)>>(32-root)] = uint32(start)<<8 | linked | uint32(sub)
			}
			e := uint32(sorted[at])<<8 | uint32(n)
			at++
			behind := n - root
			for i := bits.Reverse32(code) >> (32 - n) >> root; i < 1<<sub; i += 1 << behind {
				t.entries[start+int(i)] = e
			}
			code++
		}
		code <<= 1
	}
	return t, nil
}

// subBits returns the number of bits of the index of a table for longer codes whose
// first one has length n, of which left codes are left: the table ends with the length
// at which the codes fill it.
func subBits(count *[maxCodeLen + 2]int, n, left, root int) int {
	free := 1<<(n-root) - left
	for free > 0 && n < maxCodeLen {
		n++
		free = 2*free - count[n]
	}
	return n - root
}
