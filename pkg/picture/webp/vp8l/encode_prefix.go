package vp8l

import (
	"math/bits"
	"slices"
)

// A prefix code (RFC 9649, 6.2) is given by the number of bits of each symbol alone, as in
// deflate. Bits are sent from the first of the code on, which is its highest, so that
// codes are kept reversed.

// code is how a symbol is written: its bits, the first one lowest, times 16, plus their
// number.
type code uint32

func (c code) bits() uint64 { return uint64(c >> 4) }
func (c code) len() uint    { return uint(c & 15) }

// codeBuilder makes prefix codes; it keeps memory between them.
type codeBuilder struct {
	leaves  []uint64
	weights []uint64
	parents []int32
	tokens  []lengthToken
	lengths []uint8 // of a whole group
}

// build sets lengths to those of the best prefix code of at most limit bits for symbols
// that occur counts times. A symbol that does not occur has length 0, and a single one
// that does, 1: a decoder then reads no bit for it.
//
// It is Huffman's method with two queues: the leaves in order of weight, and the inner
// nodes, which come into being in that order. The lightest two of both heads are joined
// until one is left. Depths then follow from the root down, as a parent has a higher index
// than its children.
func (b *codeBuilder) build(lengths []uint8, counts []uint32, limit int) {
	b.leaves = b.leaves[:0]
	for s, n := range counts {
		lengths[s] = 0
		if n > 0 {
			b.leaves = append(b.leaves, uint64(n)<<16|uint64(s))
		}
	}
	n := len(b.leaves)
	if n == 0 {
		return
	}
	if n == 1 {
		lengths[b.leaves[0]&0xffff] = 1
		return
	}
	slices.Sort(b.leaves)
	b.weights = slices.Grow(b.weights[:0], 2*n)[:2*n-1]
	b.parents = slices.Grow(b.parents[:0], 2*n)[:2*n-1]
	for i, v := range b.leaves {
		b.weights[i] = v >> 16
	}
	leaf, inner := 0, n
	for next := n; next < 2*n-1; next++ {
		b.weights[next] = 0
		for range 2 {
			least := inner
			if leaf < n && (inner == next || b.weights[leaf] <= b.weights[inner]) {
				least = leaf
				leaf++
			} else {
				inner++
			}
			b.weights[next] += b.weights[least]
			b.parents[least] = int32(next)
		}
	}
	// Weights are no longer needed: they become depths.
	depth := b.weights
	var perDepth [64]int
	depth[2*n-2] = 0
	for i := 2*n - 3; i >= 0; i-- {
		depth[i] = depth[b.parents[i]] + 1
		if i < n {
			perDepth[min(int(depth[i]), limit)]++
		}
	}
	shorten(perDepth[:limit+1])
	i := 0
	for d := limit; d > 0; d-- {
		for range perDepth[d] {
			lengths[b.leaves[i]&0xffff] = uint8(d)
			i++
		}
	}
}

// shorten makes a code possible again after codes longer than the limit, the last index,
// were cut to it. A code is possible if the sum of 2^-length is at most 1. Each step takes
// a code of the full length away and gives it half of the room of a shorter one, which
// grows by a bit: the sum falls by one unit of the last bit.
func shorten(perDepth []int) {
	limit := len(perDepth) - 1
	sum := 0
	for d, n := range perDepth {
		if d > 0 {
			sum += n << (limit - d)
		}
	}
	for ; sum > 1<<limit; sum-- {
		d := limit - 1
		for perDepth[d] == 0 {
			d--
		}
		perDepth[limit]--
		perDepth[d]--
		perDepth[d+1] += 2
	}
}

// assign sets the codes for lengths: in order of length, then of symbol. If only one
// symbol occurs its code has no bits.
func assign(codes []code, lengths []uint8) {
	var next [maxCodeLen + 2]uint32
	used := 0
	for _, l := range lengths {
		if l > 0 {
			next[l+1]++
			used++
		}
	}
	for l := 1; l < len(next); l++ {
		next[l] = (next[l-1] + next[l]) << 1 // next[l] was the number of codes of l-1 bits
	}
	for s, l := range lengths {
		codes[s] = 0
		if l > 0 && used > 1 {
			codes[s] = code(bits.Reverse32(next[l])>>(32-l))<<4 | code(l)
			next[l]++
		}
	}
}

// lengthToken is a symbol of the code for code lengths with its extra bits: 0 to 15 is a
// length, 16 repeats the one before 3 to 6 times, 17 and 18 are 3 to 10 and 11 to 138
// zeros.
type lengthToken struct{ symbol, extra uint8 }

var lengthExtra = [19]uint{16: 2, 17: 3, 18: 7}

// tokenize appends lengths as tokens to b.tokens.
func (b *codeBuilder) tokenize(lengths []uint8) {
	b.tokens = b.tokens[:0]
	before := uint8(8) // what 16 repeats if no length but 0 was written
	for i := 0; i < len(lengths); {
		v := lengths[i]
		run := 1
		for i+run < len(lengths) && lengths[i+run] == v {
			run++
		}
		i += run
		if v != 0 && v != before {
			b.tokens = append(b.tokens, lengthToken{symbol: v})
			before = v
			run--
		}
		for run > 0 {
			n := 1
			t := lengthToken{symbol: v}
			switch {
			case v == 0 && run >= 11:
				n = min(run, 138)
				t = lengthToken{18, uint8(n - 11)}
			case v == 0 && run >= 3:
				n = run
				t = lengthToken{17, uint8(n - 3)}
			case v != 0 && run >= 3:
				n = min(run, 6)
				t = lengthToken{16, uint8(n - 3)}
			}
			b.tokens = append(b.tokens, t)
			run -= n
		}
	}
}

// writeCode writes a prefix code with the given lengths (RFC 9649, 6.2.1).
//
// With at most two symbols below 256 the symbols themselves are written. Otherwise the
// lengths become tokens, for which a prefix code of at most 7 bits comes first, whose
// lengths have 3 bits each.
func (b *codeBuilder) writeCode(w *bitWriter, lengths []uint8) {
	var symbols [2]int
	used := 0
	for s, l := range lengths {
		if l > 0 {
			if used < 2 {
				symbols[used] = s
			}
			used++
		}
	}
	if used <= 2 && symbols[0] < 256 && symbols[1] < 256 {
		b.writeSimple(w, symbols[:max(used, 1)])
		return
	}
	w.write(0, 1)
	b.tokenize(lengths)
	var counts [19]uint32
	for _, t := range b.tokens {
		counts[t.symbol]++
	}
	var tokenLengths [19]uint8
	var codes [19]code
	b.build(tokenLengths[:], counts[:], 7)
	assign(codes[:], tokenLengths[:])
	n := len(codeLengthOrder)
	for n > 4 && tokenLengths[codeLengthOrder[n-1]] == 0 {
		n--
	}
	w.write(uint64(n-4), 4)
	for _, s := range codeLengthOrder[:n] {
		w.write(uint64(tokenLengths[s]), 3)
	}
	b.writeCount(w, codes[:])
	for _, t := range b.tokens {
		c := codes[t.symbol]
		w.write(c.bits()|uint64(t.extra)<<c.len(), c.len()+lengthExtra[t.symbol])
	}
}

// writeCount writes how many tokens there are if that saves bits, since lengths that end
// with zeros can then be cut.
func (b *codeBuilder) writeCount(w *bitWriter, codes []code) {
	n := len(b.tokens)
	saved := 0
	for n > 0 {
		t := b.tokens[n-1].symbol
		if t != 0 && t != 17 && t != 18 {
			break
		}
		saved += int(codes[t].len() + lengthExtra[t])
		n--
	}
	count := max(n, 2)
	width := 2
	for count-2 >= 1<<width {
		width += 2
	}
	if n == len(b.tokens) || count > len(b.tokens) || saved <= width+3 {
		w.write(0, 1)
		return
	}
	b.tokens = b.tokens[:count]
	w.write(1|uint64(width/2-1)<<1|uint64(count-2)<<4, uint(4+width))
}

// writeSimple writes a code of one or two symbols below 256.
func (b *codeBuilder) writeSimple(w *bitWriter, symbols []int) {
	w.write(1|uint64(len(symbols)-1)<<1, 2)
	if symbols[0] < 2 {
		w.write(uint64(symbols[0])<<1, 2)
	} else {
		w.write(1|uint64(symbols[0])<<1, 9)
	}
	if len(symbols) == 2 {
		w.write(uint64(symbols[1]), 8)
	}
}
