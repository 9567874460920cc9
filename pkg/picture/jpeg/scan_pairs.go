package jpeg

import "math/bits"

// Decoding a block is a chain: where a code begins is known only when the code before
// it has been looked up. Per symbol the processor waits some ten cycles for that chain,
// and is idle meanwhile. So a look-up takes two symbols where it can, and finds only
// what the chain needs, the number of bits: the bits of a value are taken out of the
// scan beside the chain, by shifts that need no branch.

// pairTables is what the blocks of a component are decoded with: tables that decode one
// or two symbols, indexed by the next pairBits bits. Table head is for a DC symbol and the
// first AC symbol, table ac for two AC symbols.
//
// Of two symbols, both codes and the first value lie in these bits, the second value may
// lie beyond. One symbol alone counts as the second, behind a value of 0 that the second
// one overwrites. An entry has
//
//	bits 0-5   number of bits, both values included
//	bits 8-15  number of coefficients passed, counting an end of block as one; plus
//	           endPair if the second symbol is an end of block
//	bits 16-19 size of the second value in bits, 0 for none
//	bits 20-27 first value, signed
//	bits 28-31 number of coefficients before the first value
//
// Example: with the luma table of annex K the bits 01 11 1010 0010 are the codes 01 (run
// 0, size 2) and 1010 (end of block) with the value 11 (3) between them. The entry of
// table ac is 8 bits; endPair + 2 coefficients; size 0; value 3 behind 0.
//
// As with skips, the block has ended if the sum of coefficients, k, is 64, or if
// k - endPair is from 1 to 64. Any other sum above 64 is not valid: then the last entry
// is undone and one symbol decoded by itself. The entry noPair, for a code that is longer
// than pairBits or does not exist, always leads there.
type pairTables struct {
	head, ac [1 << pairBits]uint32
	dcTable  *huffman
	acTable  *huffman
	skips    *skips // for what lies beyond last; unused if last is 63
	last     uint   // zig-zag position of the last coefficient that is wanted
}

const (
	pairBits = 12

	noPair   = 65 << 8
	endPair  = endSkip
	pairSize = 7 // most bits of a first value
)

// newPairs makes the tables of the i-th component of the scan, decoded at n/8, after
// skipTables.
func (sc *scanner) newPairs(i, n int) *pairTables {
	dc, ac := sc.s.dc[i], sc.s.ac[i]
	t := &pairTables{skips: sc.skips[i].table, last: uint(lastKept[n]), dcTable: dc, acTable: ac}
	dc.derive()
	ac.derive()
	one := make([]uint32, 1<<pairBits) // the entries of single AC symbols
	for p := range one {
		one[p] = ac.acEntry(p)
	}
	for p := range one {
		t.head[p] = pair(p, dc.dcEntry(p), one)
		t.ac[p] = pair(p, one[p], one)
	}
	return t
}

// pair makes the entry for the bits p, of which a is the entry of the first symbol.
func pair(p int, a uint32, one []uint32) uint32 {
	n, size := a&63, a>>16&15
	if a&(endPair<<8) != 0 || n >= pairBits || size > pairSize || a == noPair {
		return a
	}
	b := one[p<<n&(len(one)-1)]
	if b == noPair || n+b&63-b>>16&15 > pairBits { // the code ends behind the bits
		return a
	}
	v := extend(int32(p>>(pairBits-n)&(1<<size-1)), uint(size))
	before := a>>8&255 - 1
	return b + n + (before+1)<<8 | before<<28 | uint32(v)&255<<20
}

// acEntry makes the entry for the AC symbol at the front of p alone.
func (h *huffman) acEntry(p int) uint32 {
	c := uint32(h.code[p<<(lookBits-pairBits)])
	l, run, size := c>>8, c>>4&15, c&15
	switch {
	case l == 0 || l > pairBits:
		return noPair
	case size == 0 && run < 15:
		return (endPair+1)<<8 | l
	}
	return size<<16 | (run+1)<<8 | (l + size)
}

// dcEntry makes the entry for the DC symbol at the front of p alone.
func (h *huffman) dcEntry(p int) uint32 {
	c := uint32(h.code[p<<(lookBits-pairBits)])
	l, size := c>>8, c&255
	if l == 0 || l > pairBits || size > 15 {
		return noPair
	}
	return size<<16 | 1<<8 | (l + size)
}

// sizeMask[n] has n ones.
var sizeMask = [16]uint32{0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 2047, 4095, 8191, 16383, 32767}

// lowValue returns the value of the last size bits of w: EXTEND of T.81 F.2.2.1.
func lowValue(w uint64, size uint32) int16 {
	mask := sizeMask[size&15]
	v := int32(uint32(w) & mask)
	low := v - int32(mask)
	if v <= int32(mask>>1) {
		v = low
	}
	return int16(v)
}

// block decodes the rest of a block, k coefficients of which have been passed, from the
// bits at the top of acc, of which n are valid; pos is the byte after them. It returns
// acc, n and pos behind the last entry that it has used, that entry, and k, which is then
// 64 or more.
//
// The bytes for the next refill are loaded a step early: then the chain does not wait for
// the load. An entry takes at most 27 bits, so that 56 are enough for two.
func (t *pairTables) block(buf *buffer, c *laneValues, acc uint64, n, pos, k uint) (uint64, uint, uint, uint32, uint) {
	_, _, _ = t.head[0], buf[0], c[0]
	var e uint32
	next := be64(buf[pos&(window-1):][:8])
	acc |= next >> (n & 63)
	pos += (n ^ 63) >> 3
	n |= 56
	next = be64(buf[pos&(window-1):][:8])
	if k == 0 {
		e = t.head[acc>>(64-pairBits)]
		old := acc
		acc <<= e & 63
		n -= uint(e & 63)
		c[uint(e>>28)*groupStep] = int16(int8(e >> 20))
		k = uint(e >> 8)
		c[(k-1)%groupRows*groupStep] = lowValue(bits.RotateLeft64(old, int(e)), e>>16)
		k &= 255
	}
	for k <= t.last {
		e = t.ac[acc>>(64-pairBits)]
		old := acc
		acc <<= e & 63
		n -= uint(e & 63)
		c[(k+uint(e>>28))%groupRows*groupStep] = int16(int8(e >> 20))
		k += uint(e >> 8)
		c[(k-1)%groupRows*groupStep] = lowValue(bits.RotateLeft64(old, int(e)), e>>16)
		k &= 255
		if k > t.last {
			break
		}
		acc |= next >> (n & 63)
		pos += (n ^ 63) >> 3
		n |= 56
		next = be64(buf[pos&(window-1):][:8])
		e = t.ac[acc>>(64-pairBits)]
		old = acc
		acc <<= e & 63
		n -= uint(e & 63)
		c[(k+uint(e>>28))%groupRows*groupStep] = int16(int8(e >> 20))
		k += uint(e >> 8)
		c[(k-1)%groupRows*groupStep] = lowValue(bits.RotateLeft64(old, int(e)), e>>16)
		k &= 255
	}
	for k < 64 {
		acc |= be64(buf[pos&(window-1):][:8]) >> (n & 63)
		pos += (n ^ 63) >> 3
		n |= 56
		e = uint32(t.skips[acc>>(64-lookBits)])
		acc <<= e & 63
		n -= uint(e & 63)
		k += uint(e >> 8)
		if k > 63 {
			break
		}
		e = uint32(t.skips[acc>>(64-lookBits)])
		acc <<= e & 63
		n -= uint(e & 63)
		k += uint(e >> 8)
	}
	return acc, n, pos, e, k
}
