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

// A level code is a token with its sign, if it has no extra bits: 0 for a zero, 1 to 4 and
// 5 to 8 for levels of 1 to 4 and -1 to -4, then the categories, and the end of the block.
const (
	codeMinus    = 4 // added to that of the absolute level
	codeCategory = 9
	codeEnd      = 15
	levelCodes   = 16
)

// codeTokens are the tokens of level codes.
var codeTokens = [levelCodes]uint8{
	tokenZero, tokenOne, tokenTwo, tokenThree, tokenFour, tokenOne, tokenTwo, tokenThree, tokenFour,
	tokenCategory1, tokenCategory2, tokenCategory3, tokenCategory4, tokenCategory5, tokenCategory6, tokenEnd,
}

// packedLevels has for each byte of a packed block that is a level, or escape, its level
// code, plus 16 times the context of the level behind it.
var packedLevels = func() (t [256]uint8) {
	for i := range t {
		v := int(int8(i))
		a := max(v, -v)
		code := smallTokens[min(a, maxSmall)]
		switch {
		case code >= tokenCategory1:
			code += codeCategory - tokenCategory1
		case v < 0:
			code += codeMinus
		}
		t[i] = code | uint8(min(a, 2))<<4
	}
	return
}()

// tokenCounts counts level codes by the probabilities that code them.
type tokenCounts struct {
	token [blockTypes][bands][contexts][levelCodes]uint32
	// first counts the blocks whose first token has context 0, by type.
	first [blockTypes]uint32
}

// nodes returns how often each node of the tree is followed by 0 and by 1. A token that
// follows a zero can't be the end of the block, and the first node is left out: these are
// all tokens of context 0 but the first ones of blocks.
func (n *tokenCounts) nodes(t, band, ctx int) (c [2 * probCount]uint32) {
	for code, count := range n.token[t][band][ctx] {
		for _, step := range tokenPaths[codeTokens[code]] {
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

// packedSpace is room for the levels of a packed block.
var packedSpace [3 * 16]byte

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
	at := len(dst) + 1
	dst = append(append(dst, byte(last)), packedSpace[:]...)
	counts := &n.token[typ]
	c := &counts[bandOf[first]][context]
	if context == 0 {
		n.first[typ]++
	}
	for k := first; k < last; k++ {
		v := levels[k&15]
		b := byte(v)
		if v >= maxSmall || v <= -maxSmall {
			b = escape
			dst[at+1], dst[at+2] = byte(v>>8), byte(v)
			dst[at] = b
			at += 3
		} else {
			dst[at] = b
			at++
		}
		l := packedLevels[b]
		c[l&15]++
		c = &counts[bandOf[k+1]&7][l>>4]
	}
	if last < 16 {
		c[codeEnd]++
	}
	return dst[:at]
}

// packEmpty is packBlock for a block without levels.
func (n *tokenCounts) packEmpty(dst []byte, typ, first, context int) []byte {
	if context == 0 {
		n.first[typ]++
	}
	n.token[typ][bandOf[first]][context][codeEnd]++
	return append(dst, byte(first))
}

// fourLevels returns four levels, the first in the lowest bits.
func fourLevels(l *[16]int16, k int) uint64 {
	return uint64(uint16(l[k])) | uint64(uint16(l[k+1]))<<16 | uint64(uint16(l[k+2]))<<32 | uint64(uint16(l[k+3]))<<48
}

// codeBits are the bits of a level code, up to 7; the last entry is their number.
type codeBits [8]codedBit

// tokenCodes are the bits of all level codes. A token behind a zero has no first bit, which
// would say that the block goes on: these are all of context 0 but the first of a block.
type tokenCodes [blockTypes][bands][contexts][levelCodes]codeBits

func (p *coefProbs) codes() *tokenCodes {
	t := new(tokenCodes)
	for typ := range t {
		for band := range bands {
			for ctx := range contexts {
				skip := 0
				if ctx == 0 && band != int(bandOf[firstOf(typ)]) {
					skip = 1
				}
				for code, token := range codeTokens {
					c := &t[typ][band][ctx][code]
					n := 0
					for _, step := range tokenPaths[token][skip:] {
						c[n] = codedBitOf(codedBit(step&1), p[typ][band][ctx][step>>1])
						n++
					}
					if 1 <= code && code < codeCategory { // the sign
						c[n] = codedBitOf(codedBit(code/(codeMinus+1)), 128)
						n++
					}
					c[7] = codedBit(n)
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
	for k := first; k < last; k++ {
		l := packedLevels[packed[0]]
		code := &c[l&15]
		*(*codeBits)(q[n:]) = *code // what is too much will be written over
		n += int(code[7])
		if l&15 >= codeCategory {
			packed, n = extraBits(q, n, packed, int(l&15)-codeCategory)
		} else {
			packed = packed[1:]
		}
		c = &codes[bandOf[k+1]&7][l>>4]
	}
	if last < 16 {
		q[n] = c[codeEnd][0]
		n++
	}
	w.queued = n
	return packed, last > first
}

// extraBits queues the extra bits and the sign of a packed level of a category.
func extraBits(q *[queueLen]codedBit, n int, packed []byte, category int) ([]byte, int) {
	v := int(int8(packed[0]))
	packed = packed[1:]
	if v == escape-256 {
		v = int(int16(uint16(packed[0])<<8 | uint16(packed[1])))
		packed = packed[2:]
	}
	extra := categoryProbs[category]
	more := max(v, -v) - categoryBase[category]
	for i, p := range extra {
		q[n] = codedBitOf(codedBit(more>>(len(extra)-1-i)&1), p)
		n++
	}
	q[n] = codedBitOf(codedBit(uint64(v)>>63), 128)
	return packed, n + 1
}
