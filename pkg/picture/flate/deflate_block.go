package flate

import (
	"encoding/binary"
	"math"
)

// plan is a way to code data: sequences, and codes that suit them.
type plan struct {
	seqs []sequence
	codeLengths
	bits int // of all symbols, without the header of the block
}

// codeLengths has the lengths of the codes of a block; 0: the symbol does not occur.
type codeLengths struct {
	lit  [numLitLen]uint8
	dist [numDist]uint8
}

// codes has codes: in the lowest 8 bits the length, above it the code, its first bit
// lowest, as it is written.
type codes struct {
	litCode  [numLitLen]uint32
	distCode [numDist]uint32
	// lengthCode has for each length of a match the code of its symbol followed by its
	// extra bits.
	lengthCode [maxMatch + 1]uint32
}

// The symbols of lengths and distances.
var lengthSymbol, distSymbol = makeLengthSymbols(), makeDistSymbols()

// makeLengthSymbols returns for each length the index of its range.
func makeLengthSymbols() (t [maxMatch + 1]uint8) {
	for i := range 28 {
		for n := range 1 << lengths.extra[i] {
			t[int(lengths.base[i])+n] = uint8(i)
		}
	}
	t[maxMatch] = 28
	return t
}

// makeDistSymbols returns for each distance, less 1, the index of its range: directly
// for the first 256, and from 256 on by the distance divided by 128, since the ranges of
// larger distances begin at its multiples.
func makeDistSymbols() (t [512]uint8) {
	for i := range numDist {
		first := int(distances.base[i]) - 1
		end := first + 1<<distances.extra[i]
		for n := first; n < min(end, 256); n++ {
			t[n] = uint8(i)
		}
		for n := max(first, 256); n < end; n += 128 {
			t[256+n/128] = uint8(i)
		}
	}
	return t
}

func symbolOfDistance(less1 uint16) uint8 {
	if less1 < 256 {
		return distSymbol[less1]
	}
	return distSymbol[256+int(less1>>7)]
}

// measure makes the codes of a plan for the data from start to end, and its size. It sets
// cost to what each literal costs in these codes.
func (d *Writer) measure(p *plan, start int) {
	var t tally
	d.count(p.seqs, start, &t)
	p.bits = p.codeLengths.fit(&t)
	for i := range d.cost {
		d.cost[i] = costUnit * uint32(p.lit[i])
		if p.lit[i] == 0 {
			d.cost[i] = costUnit * unseenBits
		}
	}
}

// fit makes the best codes for the symbols of a block. It returns the bits that they take.
func (c *codeLengths) fit(t *tally) (bits int) {
	t.lit[endOfBlock] = 1
	makeLengths(c.lit[:], t.lit[:], maxWritten)
	makeLengths(c.dist[:], t.dist[:], maxWritten)
	for i, n := range t.lit {
		bits += int(n) * int(c.lit[i])
		if i >= firstLength {
			bits += int(n) * int(lengths.extra[i-firstLength])
		}
	}
	for i, n := range t.dist {
		bits += int(n) * int(c.dist[i]+distances.extra[i])
	}
	return bits
}

// count adds the symbols of sequences of the data from start on. Literals are counted in
// four tables in turn: the same literal twice would wait for its own count.
func (d *Writer) count(seqs []sequence, start int, to *tally) {
	var t [4][256]uint32
	p := start
	for _, s := range seqs {
		b := d.buf[p : p+int(s.literals)]
		p += int(s.literals) + int(s.length)
		for ; len(b) >= 8; b = b[8:] {
			v := binary.LittleEndian.Uint64(b)
			t[0][v&255]++
			t[1][v>>8&255]++
			t[2][v>>16&255]++
			t[3][v>>24&255]++
			t[0][v>>32&255]++
			t[1][v>>40&255]++
			t[2][v>>48&255]++
			t[3][v>>56]++
		}
		for _, c := range b {
			t[0][c]++
		}
		if s.length != 0 {
			to.lit[firstLength+int(lengthSymbol[s.length])]++
			to.dist[symbolOfDistance(s.distance)]++
		}
	}
	for i := range t[0] {
		to.lit[i] += t[0][i] + t[1][i] + t[2][i] + t[3][i]
	}
}

const (
	chunk      = 16 << 10 // bytes after which a block may end
	headerCost = 120      // bits of the header of a block, without its codes
	codeCost   = 4        // bits in the header for each symbol that occurs
)

// tally counts the symbols of a part of the data.
type tally struct {
	lit  [numLitLen]uint32
	dist [numDist]uint32
}

// bits estimates the size of a block with these symbols: a symbol that makes up a part p
// of all takes log2(1/p) bits.
func (t *tally) bits() float64 {
	return entropy(t.lit[:]) + entropy(t.dist[:]) + headerCost
}

func entropy(counts []uint32) (bits float64) {
	all := uint32(0)
	for _, n := range counts {
		all += n
	}
	if all == 0 {
		return 0
	}
	log := math.Log2(float64(all))
	for _, n := range counts {
		if n > 0 {
			bits += float64(n)*max(0.5, log-math.Log2(float64(n))) + codeCost
		}
	}
	return bits
}

func (t *tally) add(u *tally) {
	for i, n := range u.lit {
		t.lit[i] += n
	}
	for i, n := range u.dist {
		t.dist[i] += n
	}
}

// writeBlocks writes the data from start to end by a plan. A block ends where its codes
// no longer suit: each chunk of 16 KiB is joined to the block before if that is estimated
// to take fewer bits than a block of its own.
func (d *Writer) writeBlocks(p *plan, start, end int, final bool) {
	var block, part, both tally
	var blockBits float64
	blockStart, blockSeq := start, 0 // where the block begins
	partStart, partSeq := start, 0   // where the chunk begins
	at := start
	for i, s := range p.seqs {
		at += int(s.literals) + int(s.length)
		if at-partStart < chunk && i < len(p.seqs)-1 {
			continue
		}
		part = tally{}
		d.count(p.seqs[partSeq:i+1], partStart, &part)
		partBits := part.bits()
		both = block
		both.add(&part)
		if bits := both.bits(); partStart == blockStart || bits <= blockBits+partBits {
			block, blockBits = both, bits
		} else {
			d.writeBlock(p.seqs[blockSeq:partSeq], &block, blockStart, partStart, false)
			blockStart, blockSeq = partStart, partSeq
			block, blockBits = part, partBits
		}
		partStart, partSeq = at, i+1
	}
	d.writeBlock(p.seqs[blockSeq:], &block, blockStart, end, final)
}

// writeBlock writes the data from start to end, which are the sequences, as one block,
// stored if that is smaller. t has their symbols.
func (d *Writer) writeBlock(seqs []sequence, t *tally, start, end int, final bool) {
	var c codeLengths
	if c.fit(t)/8 >= end-start {
		d.writeStored(start, end, final)
		return
	}
	d.put(boolBit(final)|2<<1, 3)
	d.writeLengths(&c)
	d.codes.set(&c)
	d.writeSymbols(seqs, start)
}

func boolBit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// writeStored writes the data from start to end as stored blocks.
func (d *Writer) writeStored(start, end int, final bool) {
	for {
		n := min(end-start, 65535)
		d.put(boolBit(final && start+n == end), 3)
		d.align()
		d.put(uint64(n)|uint64(^n&0xffff)<<16, 32)
		d.op += copy(d.out[d.op:], d.buf[start:start+n])
		if start += n; start == end {
			return
		}
	}
}

// writeSymbols writes sequences of the data from start on, and the end of the block.
//
// Bits gather in an integer of 64 bits, of which whole bytes are written after four
// literals, of up to 14 bits each, or after a match of up to 14 + 5 + 14 + 13 bits.
// Before that there are at most 7.
func (d *Writer) writeSymbols(seqs []sequence, start int) {
	out, op, acc, n := d.out, d.op, d.acc, d.n
	lit := &d.litCode
	p := start
	for _, s := range seqs {
		b := d.buf[p : p+int(s.literals)]
		p += int(s.literals) + int(s.length)
		for ; len(b) >= 4; b = b[4:] {
			c0, c1, c2, c3 := lit[b[0]], lit[b[1]], lit[b[2]], lit[b[3]]
			low, nLow := uint64(c0>>8)|uint64(c1>>8)<<(c0&63), uint(c0&63+c1&63)
			high, nHigh := uint64(c2>>8)|uint64(c3>>8)<<(c2&63), uint(c2&63+c3&63)
			acc |= low<<(n&63) | high<<((n+nLow)&63)
			n += nLow + nHigh
			store64(out, op, acc)
			op += int(n >> 3)
			acc >>= n &^ 7 & 63
			n &= 7
		}
		for _, v := range b {
			c := lit[v]
			acc |= uint64(c>>8) << (n & 63)
			n += uint(c & 63)
		}
		store64(out, op, acc)
		op += int(n >> 3)
		acc >>= n &^ 7 & 63
		n &= 7
		if s.length == 0 {
			continue
		}
		c := d.lengthCode[s.length]
		acc |= uint64(c>>8) << (n & 63)
		n += uint(c & 63)
		i := symbolOfDistance(s.distance)
		c = d.distCode[i]
		acc |= (uint64(c>>8) | uint64(s.distance+1-distances.base[i])<<(c&63)) << (n & 63)
		n += uint(c&63) + uint(distances.extra[i])
		store64(out, op, acc)
		op += int(n >> 3)
		acc >>= n &^ 7 & 63
		n &= 7
	}
	d.op, d.acc, d.n = op, acc, n
	d.put(uint64(lit[endOfBlock]>>8), uint(lit[endOfBlock]&63))
}

// bitWriter packs bits into bytes, the first in the lowest bit.
type bitWriter struct {
	out []byte
	op  int    // bytes of out that are complete
	acc uint64 // bits that do not make a byte yet
	n   uint   // their number, at most 7 between calls
}

// put writes the lowest n bits of v, at most 56; those above must be 0.
func (b *bitWriter) put(v uint64, n uint) {
	b.acc |= v << b.n
	b.n += n
	store64(b.out, b.op, b.acc)
	b.op += int(b.n >> 3)
	b.acc >>= b.n &^ 7 & 63
	b.n &= 7
}

// align fills up a byte with zeros.
func (b *bitWriter) align() {
	if b.n > 0 {
		b.put(0, 8-b.n)
	}
}
