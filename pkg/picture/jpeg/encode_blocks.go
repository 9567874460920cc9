package jpeg

import (
	"encoding/binary"
	"math/bits"
)

// A packed block is words of 2 bytes, little-endian: the number of AC words, the DC value,
// and the AC words, as many as the block has codes, and perhaps one of wordNone to make
// their number even. An AC word is
//
//	run << 6 | value+32            a coefficient of -32 to 31 after a run of 0 to 15 zeros
//	wordZeros                      16 zeros before a coefficient
//	wordEnd                        the end of a block whose last coefficients are 0
//	wordLong | run << 11 | value+1024   a coefficient of -1023 to 1023
//
// All but the last kind index a table of ready-made bits, shortCodes. A block of a
// photograph at quality 80 takes some 20 bytes instead of 128.
const (
	wordZeros = 1024 + iota
	wordEnd
	wordNone
	wordLong = 1 << 15

	packedHead  = 4                 // bytes before the AC words
	packedBytes = packedHead + 2*64 // most of a packed block
)

// heldBytes bounds the packed blocks that are kept to make Huffman tables of: 4 MiB are
// some 10 Mpixel. The rest of a picture resembles them, so that the tables fit it, too.
const heldBytes = 4 << 20

// symbolCounts says how often each symbol of a Huffman table occurs.
type symbolCounts [256]uint32

// wordCounts says how often each AC word occurs, and of the long ones how often each
// symbol.
type wordCounts struct {
	words [wordNone]uint32
	long  symbolCounts
}

// symbols returns the counts of the symbols (T.81 F.1.2.2): run << 4 | size for a
// coefficient of size bits after run zeros, 0xF0 for 16 zeros of a longer run, 0 for the
// end of a block.
func (n *wordCounts) symbols() symbolCounts {
	s := n.long
	for w, count := range n.words[:wordZeros] {
		_, size := valueBits(int32(w&63) - 32)
		s[uint(w>>6<<4)|size] += count
	}
	s[0xF0] += n.words[wordZeros]
	s[0] += n.words[wordEnd]
	return s
}

// pack appends a block to dst, packed, and counts its words.
func pack(dst []byte, b *levels, n *wordCounts) []byte {
	at := len(dst)
	dst = dst[:at+packedBytes]
	p := dst[at : at+packedBytes : at+packedBytes]
	binary.LittleEndian.PutUint16(p[2:], uint16(b.level[0]))
	o, last := packedHead, uint(0)
	for nz := b.nz &^ 1; nz != 0; nz &= nz - 1 {
		k := uint(lowBitAt[lowBit(nz)&63])
		run := k - last - 1
		last = k
		for ; run > 15; run -= 16 {
			binary.LittleEndian.PutUint16(p[o:], wordZeros)
			o += 2
			n.words[wordZeros]++
		}
		v := int(b.level[k&63])
		word := acWord(run, v)
		if word >= wordLong {
			_, size := valueBits(int32(v))
			n.long[(run<<4|size)&255]++
		} else {
			n.words[word&(1024-1)]++
		}
		binary.LittleEndian.PutUint16(p[o:], uint16(word))
		o += 2
	}
	if last < 63 {
		n.words[wordEnd]++
	}
	return dst[:at+endPacked(p, o, last)]
}

// acWord returns the word of a coefficient after a run of 0 to 15 zeros.
func acWord(run uint, v int) uint {
	if uint(v+32) < 64 {
		return run<<6 + uint(v+32)
	}
	return wordLong | run<<11 | uint(v+1024)&2047
}

// endPacked completes a packed block of o bytes whose last coefficient is last, and
// returns its length.
func endPacked(p []byte, o int, last uint) int {
	if last < 63 {
		binary.LittleEndian.PutUint16(p[o:], wordEnd)
		o += 2
	}
	if o&2 != 0 {
		binary.LittleEndian.PutUint16(p[o:], wordNone)
		o += 2
	}
	binary.LittleEndian.PutUint16(p, uint16((o-packedHead)/2))
	return o
}

// unpack returns the AC words of the packed block that p begins with, its DC value, and
// what follows it.
func unpack(p []byte) (words []byte, dc int32, rest []byte) {
	end := packedHead + 2*int(binary.LittleEndian.Uint16(p))
	return p[packedHead:end:end], int32(int16(binary.LittleEndian.Uint16(p[2:]))), p[end:]
}

// longWord returns the run and the value of a long AC word.
func longWord(w uint32) (run uint, v int32) { return uint(w >> 11 & 15), int32(w&2047) - 1024 }

// mcuRow transforms, quantizes and packs the blocks of e.part. For fit it only transforms
// them.
func (e *encoder) mcuRow() {
	var kept []coefs
	if e.fitting {
		kept = make([]coefs, 0, e.rowBlocks())
	} else {
		e.beginRow()
	}
	for x := range e.f.mcux {
		for i := range e.comps {
			c, p := &e.comps[i], &e.part[i]
			for by := range c.v {
				for bx := range c.h {
					pix := p.pix[8*by*p.stride+8*(x*c.h+bx):]
					if e.fitting {
						kept = kept[:len(kept)+1]
						fdct(&kept[len(kept)-1], pix, p.stride)
						continue
					}
					fdct(&e.z, pix, p.stride)
					e.block(i, by, &e.z)
				}
			}
		}
	}
	if e.fitting {
		e.transformed = append(e.transformed, kept)
	}
}

// codeRow quantizes and packs a row of MCUs that has been transformed.
func (e *encoder) codeRow(row []coefs) {
	e.beginRow()
	for range e.f.mcux {
		for i, c := range e.comps {
			for b := range c.h * c.v {
				e.block(i, b/c.h, &row[0])
				row = row[1:]
			}
		}
	}
}

// beginRow empties e.row.
func (e *encoder) beginRow() {
	e.learnCodes()
	for i, c := range e.comps {
		for by := range c.v {
			e.row[i][by] = e.row[i][by][:0]
		}
	}
}

// learnCodes tells the trellises how long the codes will be, by what has been counted:
// after 1, 8, 64, … rows of MCUs. At first they have the lengths of annex K.
func (e *encoder) learnCodes() {
	counted := uint(e.rows)
	e.rows++
	powerOf8 := bits.OnesCount(counted) == 1 && bits.TrailingZeros(counted)%3 == 0
	if e.trellis[0] == nil || e.begun || !powerOf8 {
		return
	}
	for t := range e.tables() {
		n := e.words[t].symbols()
		n.addLegal(1)
		k := huffmanOf(&n)
		ac := codes(&k.counts, k.values)
		e.trellis[t].useCodes(&ac)
	}
}

// block quantizes, counts and packs a transformed block of component i in line by of the
// blocks of a row of MCUs.
func (e *encoder) block(i, by int, z *coefs) {
	t := e.comps[i].tq
	b := &e.levels
	e.quant[t].quantize(z, b)
	if e.trellis[t] != nil {
		e.trellis[t].block(b)
	}
	dc := int32(b.level[0])
	_, size := valueBits(dc - e.last[i])
	e.last[i] = dc
	e.sizes[t][size&255]++
	e.row[i][by] = pack(e.row[i][by], b, &e.words[t])
}

// keep writes e.row, or keeps a copy of it: always for a progressive file, else while
// there are no Huffman tables. They are made when heldBytes are kept, or at the end of the
// picture.
func (e *encoder) keep() error {
	if e.begun {
		e.writeRow(&e.row)
		return e.w.err
	}
	var row mcuRow
	for i, c := range e.comps {
		for by := range c.v {
			row[i][by] = append([]byte(nil), e.row[i][by]...)
			e.bytes += len(row[i][by])
		}
	}
	e.held = append(e.held, row)
	if e.progressive {
		return e.lim.CheckMem(int64(e.bytes))
	}
	if e.bytes >= heldBytes {
		e.begin(true)
	}
	return e.w.err
}

// writeRow writes a row of MCUs.
func (e *encoder) writeRow(row *mcuRow) {
	r := *row
	for range e.f.mcux {
		for i := range e.comps {
			c := &e.comps[i]
			t := c.tq
			for by := range c.v {
				for range c.h {
					r[i][by] = e.w.packed(r[i][by], &e.pred[i], &e.codes[0][t], &e.codes[1][t], &e.short[t])
				}
			}
		}
	}
}

// packed writes the packed block that p begins with (T.81 F.1.2) and returns what
// follows it. pred is the DC value before, and becomes that of the block. Two words are
// written at once: their bits are 44 at most.
func (w *bitWriter) packed(p []byte, pred *int32, dc, ac *codeTable, short *shortCodes) []byte {
	w.room()
	words, v, rest := unpack(p)
	w.value(v-*pred, dc)
	*pred = v
	acc, n, pos, buf := w.acc, w.n, w.pos, w.buf
	for ; len(words) >= 4; words = words[4:] {
		two := binary.LittleEndian.Uint32(words)
		if two&(wordLong<<16|wordLong) != 0 {
			w.acc, w.n, w.pos = acc, n, pos
			w.word(two&0xFFFF, ac, short)
			w.word(two>>16, ac, short)
			acc, n, pos = w.acc, w.n, w.pos
			continue
		}
		a, b := short[two&(2048-1)], short[two>>16&(2048-1)]
		n += uint(a&255) + uint(b&255)
		acc |= (uint64(a>>8)<<(b&63) | uint64(b>>8)) << ((64 - n) & 63)
		binary.BigEndian.PutUint64(buf[pos:], acc)
		acc <<= n & 56
		pos += int(n >> 3)
		n &= 7
	}
	w.acc, w.n, w.pos = acc, n, pos
	return rest
}

// word writes one AC word.
func (w *bitWriter) word(word uint32, ac *codeTable, short *shortCodes) {
	if word < wordLong {
		e := short[word&(2048-1)]
		w.put(uint64(e>>8), uint(e&255))
		return
	}
	run, v := longWord(word)
	w.coefficient(run, v, ac)
}

// block writes a block of quantized coefficients, in zig-zag order (T.81 F.1.2). Bit k of
// nz is set if coefficient k is not 0; only those and coefficient 0 are read. pred is as
// for packed.
func (w *bitWriter) block(c *[64]int32, nz uint64, pred *int32, dc, ac *codeTable) {
	w.room()
	w.value(c[0]-*pred, dc)
	*pred = c[0]
	last := uint(0)
	for nz &^= 1; nz != 0; nz &= nz - 1 {
		k := uint(lowBitAt[lowBit(nz)&63])
		run := k - last - 1
		last = k
		for ; run > 15; run -= 16 {
			w.put(uint64(ac[0xF0]>>8), uint(ac[0xF0]&255))
		}
		w.coefficient(run, c[k&63], ac)
	}
	if last < 63 {
		w.put(uint64(ac[0]>>8), uint(ac[0]&255))
	}
}

// coefficient writes an AC coefficient after a run of 0 to 15 zeros.
func (w *bitBuffer) coefficient(run uint, v int32, ac *codeTable) {
	bits, size := valueBits(v)
	e := ac[(run<<4+size)&255]
	w.put(uint64(e>>8)<<(size&63)|bits, uint(e&255)+size)
}

// value writes a DC difference: the code for its size, and its bits.
func (w *bitBuffer) value(v int32, t *codeTable) { w.put(valueCode(v, t)) }

// valueCode returns a DC difference as c bits: the code of its size, then the value. They
// are at most 27, with the tables of annex K at most 20.
func valueCode(v int32, t *codeTable) (code uint64, c uint) {
	bits, size := valueBits(v)
	e := t[size&255]
	return uint64(e>>8)<<(size&63) | bits, uint(e&255) + size
}

// valueBits returns the size of v, the number of bits of |v|, and v in that many bits
// (T.81 F.1.2.1): 5 is 101 with size 3; a negative number is that of v-1 in two's
// complement, so -5 is 010.
func valueBits(v int32) (bits uint64, size uint) {
	s := v >> 31
	size = sizeOf(uint32((v ^ s) - s))
	return uint64(v+s) & (1<<(size&63) - 1), size
}

// sizeOf is bits.Len32 for v below 2^16, fast for v up to 255. It uses a table for the
// same reason as lowBit.
func sizeOf(v uint32) uint {
	if v > 255 {
		return 8 + uint(sizes[v>>8&255])
	}
	return uint(sizes[v])
}

var sizes = func() (t [256]uint8) {
	for v := range t {
		t[v] = uint8(bits.Len8(uint8(v)))
	}
	return
}()
