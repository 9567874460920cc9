package jpeg

import (
	"encoding/binary"
	"slices"
)

// A progressive file (T.81 G) has the coefficients of the picture in several scans, so
// that a reader can show all of it, roughly, before the whole file has arrived. Encode
// writes five:
//
//	the DC values of all components      an eighth of the size
//	AC coefficients 1 and 2 of Y         the slopes of each block
//	all AC coefficients of Cb, of Cr
//	AC coefficients 3 to 63 of Y
//
// each whole, without successive approximation. On photographs these scans are as
// small as scripts of ten scans; on smooth pictures they are smaller, since the many
// blocks without coefficients above 2 are counted in one symbol. Each scan has Huffman
// tables of its own, made of its own symbols: it is coded twice, to count and to write.

// mcuRow has the packed blocks of a row of MCUs, by component and line of blocks.
type mcuRow [4][4][]byte

// progressiveWriter writes the scans of a picture whose blocks are all there.
type progressiveWriter struct {
	w    *bitWriter
	f    *frame
	rows []mcuRow
}

// keep packs a block of quantized coefficients, in zig-zag order, into row y of MCUs, in a
// line of blocks of component i. It is pack without counts. Bit k of nz is set if
// coefficient k is not 0.
func (p *progressiveWriter) keep(y, i, line int, c *[64]int32, nz uint64) error {
	if y == len(p.rows) {
		p.rows = append(p.rows, mcuRow{})
	}
	to := &p.rows[y][i][line]
	*to = slices.Grow(*to, packedBytes)
	at := len(*to)
	b := (*to)[at : at+packedBytes]
	binary.LittleEndian.PutUint16(b[2:], uint16(c[0]))
	o, last := packedHead, uint(0)
	for nz &^= 1; nz != 0; nz &= nz - 1 {
		k := uint(lowBitAt[lowBit(nz)&63])
		run := k - last - 1
		last = k
		for ; run > 15; run -= 16 {
			binary.LittleEndian.PutUint16(b[o:], wordZeros)
			o += 2
		}
		binary.LittleEndian.PutUint16(b[o:], uint16(acWord(run, int(c[k&63]))))
		o += 2
	}
	*to = (*to)[:at+endPacked(b, o, last)]
	return nil
}

// symbolSink counts symbols, or writes them with the bits that follow them.
type symbolSink struct {
	counts symbolCounts
	w      *bitWriter // nil: count
	codes  codeTable
}

func (s *symbolSink) put(symbol uint, bits uint64, n uint) {
	if s.w == nil {
		s.counts[symbol&255]++
		return
	}
	e := s.codes[symbol&255]
	s.w.put(uint64(e>>8)<<(n&63)|bits, uint(e&255)+n)
}

// writeTo makes the Huffman table of the symbols counted, appends it to h, and makes s
// write.
func (s *symbolSink) writeTo(w *bitWriter, h *headerWriter, class, slot byte) {
	k := huffmanOf(&s.counts)
	h.dht(class, slot, &k.counts, []byte(k.values))
	s.codes = codes(&k.counts, k.values)
	s.w = w
}

// write writes all scans, after the headers up to the frame header. p.w.err says whether
// that failed.
func (p *progressiveWriter) write() {
	p.dcScan()
	p.acScan(0, 1, 2)
	for i := 1; i < len(p.f.comps); i++ {
		p.acScan(i, 1, 63)
	}
	p.acScan(0, 3, 63)
}

// dcScan writes the DC values of all components, interleaved (T.81 G.1.2.1).
func (p *progressiveWriter) dcScan() {
	var s [2]symbolSink
	p.dcValues(&s)
	var hw headerWriter
	var ids, tables []byte
	for i, c := range p.f.comps {
		t := byte(min(i, 1))
		if i < 2 {
			s[t].writeTo(p.w, &hw, 0, t)
		}
		ids, tables = append(ids, c.id), append(tables, t<<4)
	}
	hw.sos(ids, tables, 0, 0, 0, 0)
	p.w.write(hw)
	p.dcValues(&s)
	p.w.finish()
}

func (p *progressiveWriter) dcValues(s *[2]symbolSink) {
	var pred [4]int32
	for y := range p.rows {
		if p.w.err != nil {
			return
		}
		row := p.rows[y]
		for range p.f.mcux {
			for i := range p.f.comps {
				c := &p.f.comps[i]
				for b := range c.h * c.v {
					_, v, rest := unpack(row[i][b/c.h])
					row[i][b/c.h] = rest
					bits, size := valueBits(v - pred[i])
					pred[i] = v
					p.w.room()
					s[min(i, 1)].put(size, bits, size)
				}
			}
		}
	}
}

// acScan writes coefficients from to to of component i (T.81 G.1.2.2).
func (p *progressiveWriter) acScan(i, from, to int) {
	s := acScan{from: uint(from), to: uint(to)}
	p.acBlocks(&s, i)
	var hw headerWriter
	t := byte(min(i, 1))
	s.writeTo(p.w, &hw, 1, t)
	hw.sos([]byte{p.f.comps[i].id}, []byte{t}, from, to, 0, 0)
	p.w.write(hw)
	p.acBlocks(&s, i)
	p.w.finish()
}

// acBlocks codes the blocks of component i, line by line, without those that only fill
// up MCUs.
func (p *progressiveWriter) acBlocks(s *acScan, i int) {
	c := &p.f.comps[i]
	for y := range c.bh {
		if p.w.err != nil {
			return
		}
		line := p.rows[y/c.v][i][y%c.v]
		for range c.bw {
			p.w.room()
			line = s.block(line)
		}
	}
	s.endRun()
}

// acScan is a band of coefficients of one component.
type acScan struct {
	symbolSink
	from, to uint // the first and the last of the band
	run      uint // blocks without any more coefficients in the band, still to be written
}

// block codes the band of the packed block that p begins with, and returns what follows
// it. It is as in a baseline file, except that ends of blocks are not written one by one
// but counted.
func (s *acScan) block(p []byte) []byte {
	words, _, rest := unpack(p)
	k, last := uint(0), s.from-1
	for ; len(words) >= 2; words = words[2:] {
		word := uint32(binary.LittleEndian.Uint16(words))
		run, v := uint(word>>6), int32(word&63)-32
		if word >= wordZeros {
			switch word {
			case wordZeros:
				k += 16
				continue
			case wordEnd, wordNone:
				continue
			}
			run, v = longWord(word)
		}
		k += run + 1
		if k < s.from {
			continue
		}
		if k > s.to {
			break
		}
		if s.run > 0 { // rarely; spares a call for each coefficient
			s.endRun()
		}
		zeros := k - last - 1
		last = k
		for ; zeros > 15; zeros -= 16 {
			s.put(0xF0, 0, 0)
		}
		bits, size := valueBits(v)
		s.put(zeros<<4|size, bits, size)
	}
	if last < s.to {
		const most = 1<<15 - 1
		if s.run++; s.run == most {
			s.endRun()
		}
	}
	return rest
}

// endRun writes the blocks counted as symbol n << 4 with n more bits: a number from 2^n
// on, without its first bit.
func (s *acScan) endRun() {
	if s.run > 0 {
		n := sizeOf(uint32(s.run)) - 1
		s.put(n<<4, uint64(s.run)&(1<<n-1), n)
		s.run = 0
	}
}
