package flate

import (
	"math/bits"
	"slices"
)

const (
	maxWritten = 14 // bits of the longest code written: four fit into 56 bits
	maxFirst   = 7  // bits of the longest code for code lengths (RFC 1951, section 3.2.7)
)

// makeLengths sets l to the lengths of an optimal prefix code for symbols that occur as
// often as counts says, but none longer than most. A code has at least two symbols, since
// some decoders refuse others.
//
// It is Huffman's algorithm: the two rarest symbols become one, that occurs as often as
// both together, until one is left; the length of a code is the number of times that it
// was joined. With the symbols sorted, two queues give the rarest: one of symbols, one of
// joined ones, which are made in ascending order.
//
// Codes that are too long are cut to most bits. The sum of 2^-length is then above 1.
// To lower it by 2^-most at a time, a code of the longest length below most gets a bit
// longer, and a code of most bits becomes its sibling. The lengths are then dealt out
// again, the longest to the rarest symbols.
func makeLengths(l []uint8, counts []uint32, most int) {
	var leaves [numLitLen]uint64 // count and symbol
	n := 0
	for i, c := range counts {
		if l[i] = 0; c != 0 {
			leaves[n] = uint64(c)<<16 | uint64(i)
			n++
		}
	}
	for i := 0; n < 2; i++ {
		if counts[i] == 0 {
			leaves[n] = uint64(i)
			n++
		}
	}
	slices.Sort(leaves[:n])

	// Nodes 0 to n-1 are the symbols, later ones are joined.
	var weight [2 * numLitLen]uint64
	var parent [2 * numLitLen]uint16
	for i, v := range leaves[:n] {
		weight[i] = v >> 16
	}
	symbol, joined := 0, n // the heads of the queues
	for k := n; k < 2*n-1; k++ {
		for range 2 {
			i := joined
			if symbol < n && (joined == k || weight[symbol] <= weight[joined]) {
				i = symbol
				symbol++
			} else {
				joined++
			}
			weight[k] += weight[i]
			parent[i] = uint16(k)
		}
	}
	var depth [2 * numLitLen]uint16
	var count [maxCode + 1]int // of codes by length
	for i := 2*n - 3; i >= 0; i-- {
		depth[i] = depth[parent[i]] + 1
		if i < n {
			count[min(int(depth[i]), most)]++
		}
	}

	sum := 0
	for i, c := range count[:most+1] {
		sum += c << (most - i)
	}
	for ; sum > 1<<most; sum-- {
		i := most - 1
		for count[i] == 0 {
			i--
		}
		count[i]--
		count[i+1] += 2
		count[most]--
	}
	k := 0
	for i := most; i > 0; i-- {
		for range count[i] {
			l[leaves[k]&0xffff] = uint8(i)
			k++
		}
	}
}

// makeCodes sets c to the codes of the given lengths, in the form of codes.
func makeCodes(c []uint32, l []uint8) {
	_, next := firstCodes(l)
	for i, n := range l {
		if c[i] = 0; n != 0 {
			c[i] = uint32(bits.Reverse16(uint16(next[n]))>>(16-n))<<8 | uint32(n)
			next[n]++
		}
	}
}

// set makes the codes of a block.
func (c *codes) set(l *codeLengths) {
	makeCodes(c.litCode[:], l.lit[:])
	makeCodes(c.distCode[:], l.dist[:])
	for n := 3; n <= maxMatch; n++ {
		i := lengthSymbol[n]
		code := c.litCode[firstLength+int(i)]
		extra := uint32(n) - uint32(lengths.base[i])
		c.lengthCode[n] = (code>>8|extra<<(code&63))<<8 | code&63 + uint32(lengths.extra[i])
	}
}

// writeLengths writes the lengths of the codes of a block: see dynamicCodes, which reads
// them. Runs of equal lengths are written as repetitions.
func (d *Writer) writeLengths(c *codeLengths) {
	lits, dists := numLitLen, numDist
	for lits > firstLength && c.lit[lits-1] == 0 {
		lits--
	}
	for dists > 1 && c.dist[dists-1] == 0 {
		dists--
	}
	var l [numLitLen + numDist]uint8
	copy(l[:], c.lit[:lits])
	copy(l[lits:], c.dist[:dists])

	// An item is a symbol and, from bit 8, its extra bits.
	var items [numLitLen + numDist]uint16
	var counts [19]uint32
	n := 0
	add := func(symbol uint8, extra int) {
		items[n] = uint16(symbol) | uint16(extra)<<8
		counts[symbol]++
		n++
	}
	for i := 0; i < lits+dists; {
		v, run := l[i], 1
		for i+run < lits+dists && l[i+run] == v {
			run++
		}
		i += run
		if v != 0 {
			add(v, 0) // only then can it be repeated
			run--
		}
		for run >= 3 {
			k := min(run, 6)
			switch {
			case v != 0:
				add(16, k-3)
			case run <= 10:
				k = run
				add(17, k-3)
			default:
				k = min(run, 138)
				add(18, k-11)
			}
			run -= k
		}
		for range run {
			add(v, 0)
		}
	}
	var first [19]uint8
	var code [19]uint32
	makeLengths(first[:], counts[:], maxFirst)
	makeCodes(code[:], first[:])
	firsts := len(lengthOrder)
	for firsts > 4 && first[lengthOrder[firsts-1]] == 0 {
		firsts--
	}
	d.put(uint64(lits-firstLength)|uint64(dists-1)<<5|uint64(firsts-4)<<10, 14)
	for _, i := range lengthOrder[:firsts] {
		d.put(uint64(first[i]), 3)
	}
	for _, item := range items[:n] {
		symbol := item & 255
		d.put(uint64(code[symbol]>>8), uint(code[symbol]&63))
		if symbol >= 16 {
			d.put(uint64(item>>8), repeats[symbol-16].extra)
		}
	}
}
