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
//	bits 8-11  number of coefficients before the first value
//	bits 12-15 size of the second value in bits, 0 for none
//	bits 16-23 first value, signed
//	bits 24-31 number of coefficients passed, counting an end of block as one; plus
//	           endPair if the second symbol is an end of block
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
	walk     bool   // none is: the block is only walked
}

const (
	pairBits = 12

	noPair   = 65 << pairPassed
	endPair  = endSkip
	pairSize = 7 // most bits of a first value

	pairBefore, pairSecond, pairFirst, pairPassed = 8, 12, 16, 24
)

// newPairs makes the tables of the i-th component of the scan, decoded at n/8, after
// skipTables.
func (sc *scanner) newPairs(i, n int) *pairTables {
	dc, ac := sc.s.dc[i], sc.s.ac[i]
	t := &pairTables{skips: sc.skips[i].table, last: uint(lastKept[n]), walk: n == 0, dcTable: dc, acTable: ac}
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
	n, size := a&63, a>>pairSecond&15
	if a>>pairPassed > endPair || n >= pairBits || size > pairSize || a == noPair {
		return a
	}
	b := one[p<<n&(len(one)-1)]
	if b == noPair || n+b&63-b>>pairSecond&15 > pairBits { // the code ends behind the bits
		return a
	}
	v := extend(int32(p>>(pairBits-n)&(1<<size-1)), uint(size))
	passed := a >> pairPassed
	return b + n + passed<<pairPassed | (passed-1)<<pairBefore | uint32(v)&255<<pairFirst
}

// acEntry makes the entry for the AC symbol at the front of p alone.
func (h *huffman) acEntry(p int) uint32 {
	c := uint32(h.code[p<<(lookBits-pairBits)])
	l, run, size := c>>8, c>>4&15, c&15
	switch {
	case l == 0 || l > pairBits:
		return noPair
	case size == 0 && run < 15:
		return (endPair+1)<<pairPassed | l
	}
	return (run+1)<<pairPassed | size<<pairSecond | (l + size)
}

// dcEntry makes the entry for the DC symbol at the front of p alone.
func (h *huffman) dcEntry(p int) uint32 {
	c := uint32(h.code[p<<(lookBits-pairBits)])
	l, size := c>>8, c&255
	if l == 0 || l > pairBits || size > 15 {
		return noPair
	}
	return 1<<pairPassed | size<<pairSecond | (l + size)
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

// blockPlace is what a block is decoded with, and where it goes.
type blockPlace struct {
	pairs *pairTables
	c     *laneValues // must be zeros
	used  *uint8      // number of its coefficients up to the last nonzero one, or more
	pred  *int32      // DC of the component's block before it
}

// blocks decodes blocks of a sequential scan (T.81 F.2.2) that follow one another, and
// returns how many it has decoded.
//
// There is one loop over all blocks, and the state of the entropy decoder is in local
// variables. Loops over the rows and columns of an MCU would have ends that the processor
// predicts badly, because it has seen a block's bits before each.
//
// The bytes for the next refill are loaded a step early: then the chain does not wait for
// the load. An entry takes at most 27 bits, so that 56 are enough for two. Of n only the
// low six bits count, so that a whole entry may be subtracted from it.
func (sc *scanner) blocks(places []blockPlace) (int, error) {
	e := sc.e
	acc, n, pos, buf := e.acc, e.n, uint(e.pos), e.clean()
	_ = buf[0]
	for i := range places {
		p := &places[i]
		if int(pos) > e.end-blockBytes {
			e.acc, e.n, e.pos = acc, n&63, int(pos)
			if !e.ready() {
				return i, sc.cut()
			}
			acc, n, pos = e.acc, e.n, uint(e.pos)
		}
		t, c := p.pairs, p.c
		_, _ = t.head[0], c[0]
		var k uint
		for {
			var x uint32
			next := be64(buf[pos&(window-1):][:8])
			acc |= next >> (n & 63)
			pos += ^n >> 3 & 7
			n |= 56
			next = be64(buf[pos&(window-1):][:8])
			switch {
			case k == 0 && t.walk:
				x = uint32(t.skips[1<<lookBits+acc>>(64-lookBits)])
				acc <<= x & 63
				n -= uint(x)
				k = uint(x >> 8)
			case k == 0:
				x = t.head[acc>>(64-pairBits)]
				old := acc
				acc <<= x & 63
				n -= uint(x)
				c[uint(x>>pairBefore&15)*groupStep] = int16(int8(x >> pairFirst))
				k = uint(x >> pairPassed)
				c[(k-1)%groupRows*groupStep] = lowValue(bits.RotateLeft64(old, int(x)), x>>pairSecond)
			}
			for k <= t.last {
				x = t.ac[acc>>(64-pairBits)]
				old := acc
				acc <<= x & 63
				n -= uint(x)
				c[(k+uint(x>>pairBefore&15))%groupRows*groupStep] = int16(int8(x >> pairFirst))
				k += uint(x >> pairPassed)
				c[(k-1)%groupRows*groupStep] = lowValue(bits.RotateLeft64(old, int(x)), x>>pairSecond)
				if k > t.last {
					break
				}
				acc |= next >> (n & 63)
				pos += ^n >> 3 & 7
				n |= 56
				next = be64(buf[pos&(window-1):][:8])
				x = t.ac[acc>>(64-pairBits)]
				old = acc
				acc <<= x & 63
				n -= uint(x)
				c[(k+uint(x>>pairBefore&15))%groupRows*groupStep] = int16(int8(x >> pairFirst))
				k += uint(x >> pairPassed)
				c[(k-1)%groupRows*groupStep] = lowValue(bits.RotateLeft64(old, int(x)), x>>pairSecond)
			}
			for k < 64 {
				acc |= be64(buf[pos&(window-1):][:8]) >> (n & 63)
				pos += ^n >> 3 & 7
				n |= 56
				x = uint32(t.skips[acc>>(64-lookBits)])
				acc <<= x & 63
				n -= uint(x)
				k += uint(x >> 8)
				if k > 63 {
					break
				}
				x = uint32(t.skips[acc>>(64-lookBits)])
				acc <<= x & 63
				n -= uint(x)
				k += uint(x >> 8)
			}
			if k == 64 || k-(endPair+1) < 64 {
				break
			}
			passed := x >> pairPassed
			if passed == 0 { // an entry of skips
				passed = x >> skipShift
			}
			e.seek(pos*8 - n&63 - uint(x&63))
			var err error
			if k, err = t.symbol(e, c, k-uint(passed)); err != nil {
				return i, sc.fail(err)
			}
			acc, n, pos = e.acc, e.n, uint(e.pos)
			if k >= 64 {
				break
			}
		}
		if k > 64 {
			k -= endPair + 1
		}
		*p.used = uint8(k)
		*p.pred += int32(c[0])
		c[0] = int16(legalDC(*p.pred, 0))
	}
	e.acc, e.n, e.pos = acc, n&63, int(pos)
	return len(places), nil
}
