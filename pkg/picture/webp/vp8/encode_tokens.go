package vp8

import "math/bits"

// Tokens of coefficients (RFC 6386 section 13). Their probabilities stand in the file
// before them, so the levels of a picture are first packed and counted (packBlock), and
// coded when the probabilities are known (block).

// tokenOf returns the token of an absolute level above 0.
func tokenOf(v int) int {
	if v <= 4 {
		return tokenOne + v - 1
	}
	t := tokenCategory6
	for v < categoryBase[t-tokenCategory1] {
		t--
	}
	return t
}

// smallTokens is the token of an absolute level, or of maxSmall for all above.
var smallTokens = func() (t [maxSmall + 1]uint8) {
	for v := 1; v < len(t); v++ {
		t[v] = uint8(tokenOf(v))
	}
	return
}()

// maxSmall is the least level of the last category.
const maxSmall = 67

// tokenCounts counts tokens by the probabilities that code them, 12 of 16 entries.
type tokenCounts struct {
	token [blockTypes][bands][contexts][16]uint32
	// first counts the blocks whose first token has context 0, by type.
	first [blockTypes]uint32
}

// nodes returns how often each node of the tree is followed by 0 and by 1. A token that
// follows a zero can't be the end of the block, and the first node is left out: these are
// all tokens of context 0 but the first ones of blocks.
func (n *tokenCounts) nodes(t, band, ctx int) (c [2 * probCount]uint32) {
	for k, count := range n.token[t][band][ctx][:tokenEnd+1] {
		for _, step := range tokenPaths[k] {
			c[step] += count
		}
	}
	if ctx == 0 {
		ends := c[0]
		c[1] = 0
		if band == int(bandOf[firstOf(t)]) {
			c[1] = n.first[t] - ends
		}
	}
	return c
}

// firstOf returns the first position that is coded of a type of blocks.
func firstOf(t int) int {
	if t == typeLumaAC {
		return 1
	}
	return 0
}

// probs returns the probabilities for the counts: those of old where new ones would not
// pay for themselves.
func (n *tokenCounts) probs(old *coefProbs) *coefProbs {
	probs := *old
	for t := range blockTypes {
		for band := range bands {
			for ctx := range contexts {
				c := n.nodes(t, band, ctx)
				for i := range probCount {
					zeros, ones := uint64(c[2*i]), uint64(c[2*i+1])
					total := zeros + ones
					if total == 0 {
						continue
					}
					p := &probs[t][band][ctx][i]
					fresh := uint8(min(max((256*zeros+total/2)/total, 1), 255))
					cost := func(p uint8) uint64 { return zeros*uint64(bitCost[p]) + ones*uint64(bitCost[256-int(p)]) }
					update := coefUpdateProbs[t][band][ctx][i]
					flag := 8<<8 + uint64(bitCost[256-int(update)]) - uint64(bitCost[update])
					if cost(fresh)+flag < cost(*p) {
						*p = fresh
					}
				}
			}
		}
	}
	return &probs
}

// contextCosts are the costs of the tokens and levels that follow in one band and context.
type contextCosts struct {
	token [tokenEnd + 1]uint16 // without the node that says that the block does not end
	level [16]uint16           // the same with extra bits and sign
}

// levelCosts are the costs of one type of blocks.
type levelCosts [bands][contexts]contextCosts

// cost returns the cost of an absolute level.
func (c *contextCosts) cost(v int) int {
	if v == 0 {
		return int(c.token[tokenZero])
	}
	t := tokenOf(v)
	return int(c.token[t]) + extraCost(t, v)
}

// extraCost returns the cost of the extra bits and the sign of an absolute level above 0,
// whose token is t.
func extraCost(t, v int) int {
	sum := 1 << 8
	if t >= tokenCategory1 {
		extra := categoryProbs[t-tokenCategory1]
		v -= categoryBase[t-tokenCategory1]
		for i, p := range extra {
			if v>>(len(extra)-1-i)&1 != 0 {
				sum += int(bitCost[256-int(p)])
			} else {
				sum += int(bitCost[p])
			}
		}
	}
	return sum
}

// least returns the smallest cost of a level from 3 on.
func (c *contextCosts) least() int {
	n := c.level[3]
	for _, v := range c.level[4:] {
		n = min(n, v)
	}
	return int(n)
}

func (l *levelCosts) set(probs *[bands][contexts][probCount]uint8) {
	for band := range bands {
		for ctx := range contexts {
			c := &l[band][ctx]
			tokenTree.costs(&probs[band][ctx], &c.token)
			c.level[0] = c.token[tokenZero]
			for v := 1; v < len(c.level); v++ {
				c.level[v] = c.token[smallTokens[v]] + smallExtraCost[v]
			}
		}
	}
}

// Levels are packed by block: a byte with the number of levels up to the last that is not
// 0, then each as a byte, or as escape and two bytes.
const escape = 0x80

// packBlock appends the levels of a block from position first on, in zig-zag order, to
// dst, and counts their tokens. One must not be 0. context is 0 to 2: how many of the blocks
// above and to the left have tokens.
func (n *tokenCounts) packBlock(dst []byte, levels *[16]int16, typ, first, context int) []byte {
	last := 0
	for k := 12; k >= 0; k -= 4 {
		if v := fourLevels(levels, k); v != 0 {
			last = k + (bits.Len64(v)+15)/16
			break
		}
	}
	dst = append(dst, byte(last))
	counts := &n.token[typ]
	c := &counts[bandOf[first]][context]
	if context == 0 {
		n.first[typ]++
	}
	for k := first; k < last; k++ {
		v := levels[k&15]
		a := max(v, -v)
		c[smallTokens[min(a, maxSmall)]&15]++
		if a < maxSmall {
			dst = append(dst, byte(v))
		} else {
			dst = append(dst, escape, byte(v>>8), byte(v))
		}
		c = &counts[bandOf[k+1]&7][min(a, 2)]
	}
	if last < 16 {
		c[tokenEnd]++
	}
	return dst
}

// packEmpty is packBlock for a block without levels.
func (n *tokenCounts) packEmpty(dst []byte, typ, first, context int) []byte {
	if context == 0 {
		n.first[typ]++
	}
	n.token[typ][bandOf[first]][context][tokenEnd]++
	return append(dst, byte(first))
}

// fourLevels returns four levels, the first in the lowest bits.
func fourLevels(l *[16]int16, k int) uint64 {
	return uint64(uint16(l[k])) | uint64(uint16(l[k+1]))<<16 | uint64(uint16(l[k+2]))<<32 | uint64(uint16(l[k+3]))<<48
}

// tokenCode is the bits of a token: n, and perhaps the first half of a longer list.
type tokenCode struct {
	bits [9]codedBit
	n    uint8
}

// tokenCodes are the bits of all tokens.
type tokenCodes [blockTypes][bands][contexts][tokenEnd + 1]tokenCode

func (p *coefProbs) codes() *tokenCodes {
	t := new(tokenCodes)
	for typ := range t {
		for band := range bands {
			for ctx := range contexts {
				for token := range tokenEnd + 1 {
					c := &t[typ][band][ctx][token]
					for i, step := range tokenPaths[token] {
						c.bits[i] = codedBitOf(codedBit(step&1), p[typ][band][ctx][step>>1])
					}
					c.n = uint8(len(tokenPaths[token]))
				}
			}
		}
	}
	return t
}

// blockBits is more than the bits of a block: of each level a path of 7, 11 extra bits and
// a sign.
const blockBits = 16 * 20

// block codes a packed block and returns what follows it.
func (t *tokenCodes) block(w *boolCoder, packed []byte, typ, first, context int) (rest []byte, coded bool) {
	if w.queued > queueLen-blockBits {
		w.codeQueue()
	}
	q, n := &w.queue, w.queued
	last := int(packed[0])
	packed = packed[1:]
	codes := &t[typ]
	c := &codes[bandOf[first]][context]
	after := uint(0) // 1 behind a zero: the bit that says that the block goes on is left out
	for k := first; k < last; k++ {
		v := int(int8(packed[0]))
		packed = packed[1:]
		if v == escape-256 {
			v = int(int16(uint16(packed[0])<<8 | uint16(packed[1])))
			packed = packed[2:]
		}
		a := max(v, -v)
		token := smallTokens[min(a, maxSmall)]
		code := &c[token]
		// All tokens have up to 7 bits, of which 8 are copied.
		*(*[8]codedBit)(q[n:]) = [8]codedBit(code.bits[after : after+8])
		n += int(code.n) - int(after)
		if token >= tokenCategory1 {
			extra := categoryProbs[token-tokenCategory1]
			rest := a - categoryBase[token-tokenCategory1]
			for i, p := range extra {
				q[n] = codedBitOf(codedBit(rest>>(len(extra)-1-i)&1), p)
				n++
			}
		}
		// The sign counts if there is one.
		q[n] = 128 | bitSet*codedBit(uint64(v)>>63)
		n += min(a, 1)
		after = uint(1 - min(a, 1))
		c = &codes[bandOf[k+1]][min(a, 2)]
	}
	if last < 16 {
		q[n] = c[tokenEnd].bits[0]
		n++
	}
	w.queued = n
	return packed, last > first
}
