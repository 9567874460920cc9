package jpeg

import (
	"encoding/binary"
	"math/bits"
)

// A packed block is a mask of 8 bytes, bit k of which is set if coefficient k in zig-zag
// order is kept, and the kept coefficients in that order, 2 bytes each, all
// little-endian. Coefficient 0 is always kept, others if they are not 0. A block of a
// photograph at quality 80 takes some 20 bytes instead of 128.
const (
	maskBytes   = 8
	packedBytes = maskBytes + 2*64 // most of a packed block
)

// heldBytes bounds the packed blocks that are kept to make Huffman tables of: 4 MiB are
// some 10 Mpixel. The rest of a picture resembles them, so that the tables fit it, too.
const heldBytes = 4 << 20

// pack appends a block of quantized coefficients, in zig-zag order, to dst. Bit k of nz
// is set if coefficient k is not 0; only those and coefficient 0 are read.
func pack(dst []byte, c *[64]int32, nz uint64) []byte {
	nz |= 1
	dst = binary.LittleEndian.AppendUint64(dst, nz)
	for ; nz != 0; nz &= nz - 1 {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(c[lowBitAt[lowBit(nz)&63]&63]))
	}
	return dst
}

// symbolCounts says how often each symbol of a Huffman table occurs.
type symbolCounts [256]uint32

// packCounted is pack that also counts the symbols of the AC coefficients (T.81
// F.1.2.2): run << 4 | size for a coefficient of size bits after run zeros, 0xF0 for 16
// zeros of a longer run, 0 for the end of a block whose last coefficients are 0.
func packCounted(dst []byte, b *levels, n *symbolCounts) []byte {
	at := len(dst)
	dst = dst[:at+packedBytes]
	p := dst[at : at+packedBytes : at+packedBytes]
	nz := b.nz | 1
	binary.LittleEndian.PutUint64(p, nz)
	binary.LittleEndian.PutUint16(p[maskBytes:], uint16(b.level[0]))
	o, last := maskBytes+2, uint(0)
	for nz &= nz - 1; nz != 0; nz &= nz - 1 {
		k := uint(lowBitAt[lowBit(nz)&63])
		run := k - last - 1
		last = k
		v := int32(b.level[k&63])
		binary.LittleEndian.PutUint16(p[o:], uint16(v))
		o += 2
		if run > 15 {
			n[0xF0] += uint32(run >> 4)
			run &= 15
		}
		s := v >> 31
		n[(run<<4|sizeOf(uint32((v^s)-s)))&255]++
	}
	if last < 63 {
		n[0]++
	}
	return dst[:at+o]
}

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
		n := e.counts[1][t]
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
	e.counts[0][t][size&255]++
	e.row[i][by] = packCounted(e.row[i][by], b, &e.counts[1][t])
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

// block writes a block of quantized coefficients; see pack and packed.
func (w *bitWriter) block(c *[64]int32, nz uint64, pred *int32, dc, ac *codeTable, short *shortCodes) {
	var p [packedBytes]byte
	w.packed(pack(p[:0], c, nz), pred, dc, ac, short)
}

// packed writes the packed block that p begins with (T.81 F.1.2) and returns what
// follows it. pred is the DC value before, and becomes that of the block.
func (w *bitWriter) packed(p []byte, pred *int32, dc, ac *codeTable, short *shortCodes) []byte {
	w.room()
	nz := binary.LittleEndian.Uint64(p)
	v := int32(int16(binary.LittleEndian.Uint16(p[maskBytes:])))
	w.value(v-*pred, dc)
	*pred = v
	acc, n, pos, buf := w.acc, w.n, w.pos, w.buf
	last, at := 0, maskBytes+2
	for nz &= nz - 1; nz != 0; nz &= nz - 1 {
		k := int(lowBitAt[lowBit(nz)&63])
		run := uint(k - last - 1)
		last = k
		for ; run > 15; run -= 16 {
			n += uint(ac[0xF0] & 255)
			acc |= uint64(ac[0xF0]>>8) << ((64 - n) & 63)
			binary.BigEndian.PutUint64(buf[pos:], acc)
			acc <<= n & 56
			pos += int(n >> 3)
			n &= 7
		}
		v := int32(int16(binary.LittleEndian.Uint16(p[at : at+2 : at+2])))
		at += 2
		var code uint64
		var length uint
		if i := uint(v + 32); i < 64 {
			e := short[(run<<6+i)&(16<<6-1)]
			code, length = uint64(e>>8), uint(e&255)
		} else {
			bits, size := valueBits(v)
			e := ac[(run<<4+size)&255]
			code, length = uint64(e>>8)<<(size&63)|bits, uint(e&255)+size
		}
		n += length
		acc |= code << ((64 - n) & 63)
		binary.BigEndian.PutUint64(buf[pos:], acc)
		acc <<= n & 56
		pos += int(n >> 3)
		n &= 7
	}
	w.acc, w.n, w.pos = acc, n, pos
	if last < 63 {
		w.put(uint64(ac[0]>>8), uint(ac[0]&255))
	}
	return p[at:]
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
