package jpeg

import (
	"math/bits"

	"imgtools/pkg/fault"
)

// dcScan writes Y's part of an interleaved DC scan, first or refining, in the order
// that Y's blocks have alone, a row of MCUs at a time. Padding blocks are dropped.
func (t *transcoder) dcScan(s *scan) error {
	sc, e := t.sc, t.sc.e
	luma := &t.f.comps[0]
	row := make([]int32, luma.v*luma.mw)
	var tables []*huffman // of an MCU's blocks
	for i, ci := range s.comps {
		for range t.f.comps[ci].h * t.f.comps[ci].v {
			tables = append(tables, s.dc[i])
		}
	}
	var at []int // of the MCU's blocks of Y, which come first, in row
	for b := range luma.h * luma.v {
		at = append(at, b/luma.h*luma.mw+b%luma.h)
	}
	last := int32(0)
	for my := range t.f.mcuy {
		sc.rows = min(t.f.h, my*8*t.f.vmax)
		for mx := 0; mx < t.f.mcux; {
			// Ten blocks of DC are less than one of AC.
			n, err := sc.wholeMCUs(t.f.mcux - mx)
			if err != nil {
				return err
			}
			if s.ah > 0 {
				t.dcBits(row[mx*luma.h:], at, n, len(tables))
			} else if err := t.dcFirst(row[mx*luma.h:], at, n, tables); err != nil {
				return err
			}
			mx += n
		}
		for v := range min(luma.v, luma.bh-my*luma.v) {
			r := row[v*luma.mw:][:luma.bw]
			if s.ah > 0 {
				t.w.ones(r)
			} else {
				last = t.w.values(r, last, &annexCodes[0][0])
			}
		}
		if t.w.err != nil {
			return t.w.err
		}
	}
	if e.overrun() {
		return sc.cut()
	}
	return nil
}

// dcBits reads n MCUs of so many blocks of a refining DC scan, one bit a block, T.81
// G.1.2.1, and puts Y's into row.
func (t *transcoder) dcBits(row []int32, at []int, n, blocks int) {
	e, luma := t.sc.e, &t.f.comps[0]
	for m := range n {
		bits := e.bits(uint(blocks))
		for b, p := range at {
			row[p+m*luma.h] = bits >> (blocks - 1 - b) & 1
		}
	}
}

// dcFirst reads n MCUs of a first DC scan and puts Y's values into row.
func (t *transcoder) dcFirst(row []int32, at []int, mcus int, tables []*huffman) error {
	sc, e, luma := t.sc, t.sc.e, &t.f.comps[0]
	pred := sc.pred[0]
	e.refill()
	acc, n, pos, buf := e.acc, e.n, e.pos, e.buf
	for m := range mcus {
		for b, dc := range tables {
			d := dc.value[acc>>(64-lookBits)]
			acc |= be64(buf[pos:]) >> (n & 63)
			pos += int((63 - n) >> 3)
			n |= 56
			if d == 0 {
				var err error
				if d, err = dc.longValue(acc); err != nil {
					return err
				}
			}
			acc <<= d & 31
			n -= uint(d & 31)
			if b >= len(at) {
				continue
			}
			if pred += int32(d) >> 16; pred != int32(int16(pred)<<5>>5) {
				return fault.New(fault.Format, "DC coefficient %d", pred)
			}
			row[at[b]+m*luma.h] = pred
		}
	}
	e.acc, e.n, e.pos, sc.pred[0] = acc, n, pos, pred
	return nil
}

// The functions below go over a block of a scan, as scanner.eachBlock calls them, for its
// length only.

func (sc *scanner) skipDC(i, _, _ int) error {
	_, err := sc.e.diff(sc.s.dc[i])
	return err
}

// walkBand is each for AC scans, which are of one component, with the two functions
// below. nz is that component's.
func (sc *scanner) walkBand(nz []uint64) error {
	f, s, e := sc.f, sc.s, sc.e
	c := &f.comps[s.comps[0]]
	for y := range c.bh {
		sc.rows = min(f.h, y*8*f.vmax/c.v)
		for row := nz[y*c.mw:][:c.bw]; len(row) > 0; {
			n, err := sc.wholeMCUs(len(row))
			if err != nil {
				return err
			}
			if s.ah == 0 {
				err = sc.skipFirst(row[:n])
			} else {
				err = sc.skipRefine(row[:n])
			}
			if err != nil {
				return err
			}
			row = row[n:]
		}
	}
	if e.overrun() {
		return sc.cut()
	}
	sc.rows = f.h
	return nil
}

// skipFirst: blocks of a first AC scan, T.81 G.1.2.2; row gets which coefficients are
// not zero.
func (sc *scanner) skipFirst(row []uint64) error {
	e, s := sc.e, sc.s
	ac := s.ac[0]
	acc, n, pos, buf := e.acc, e.n, e.pos, e.buf
	ss, se, eobrun := s.ss, s.se, sc.eobrun
	for i := 0; i < len(row); i++ {
		if eobrun > 0 { // nothing in the file for so many
			gone := min(int(eobrun), len(row)-i)
			eobrun -= int32(gone)
			i += gone - 1
			continue
		}
		mask := uint64(0)
		for k := ss; k <= se; k++ {
			acc |= be64(buf[pos:]) >> (n & 63)
			pos += int((63 - n) >> 3)
			n |= 56
			l, symbol := ac.look(acc)
			if l == 0 {
				return errCode
			}
			run, size := uint(symbol>>4), uint(symbol&15)
			acc <<= (l + size) & 63
			n -= l + size
			if size == 0 {
				if run < 15 {
					eobrun = 1<<run - 1 + int32(acc>>(64-run))
					acc <<= run
					n -= run
					break
				}
				k += 15
				continue
			}
			if k += int(run); k > se {
				return errRun
			}
			mask |= 1 << (k & 63)
		}
		row[i] |= mask
	}
	e.acc, e.n, e.pos, sc.eobrun = acc, n, pos, eobrun
	return nil
}

// skipRefine: blocks of a refining AC scan, T.81 G.1.2.3. A run counts only coefficients
// that are still zero; those between that are not, by row, have a correction bit each
// behind the code.
func (sc *scanner) skipRefine(row []uint64) error {
	e, s := sc.e, sc.s
	ac := s.ac[0]
	table := ac.refine
	acc, n, pos, buf := e.acc, e.n, e.pos, e.buf
	end, eobrun := s.se+1, sc.eobrun
	for i := range row {
		old := row[i] & (uint64(1)<<end - 1<<s.ss) // 1<<64 is 0: as it should be
		k := s.ss
		if eobrun == 0 {
			acc |= be64(buf[pos:]) >> (n & 63)
			pos += int((63 - n) >> 3)
			n |= 56
		}
		var found uint64
		zeros := min(bits.TrailingZeros64(old>>k), end-k) // from k on, up to the next that is not
		for eobrun == 0 && k < end {
			// Of the 16 bits or more that are there; the refill need not be waited for.
			t := uint(table[acc>>(64-lookBits)])
			acc |= be64(buf[pos:]) >> (n & 63)
			pos += int((63 - n) >> 3)
			n |= 56
			l, run, size := t&31, int(t>>5&15), t>>9
			if t == 0 {
				var symbol byte
				l, symbol = ac.look(acc)
				run, size = int(symbol>>4), uint(symbol&15)
				if l == 0 || size > 1 {
					return errCode
				}
				if size == 0 && run < 15 {
					acc <<= l
					eobrun = 1<<run + int32(acc>>(64-run)) // this block is one of them
					acc <<= run
					n -= l + uint(run)
					break
				}
				l += size // the sign of a new coefficient
			}
			acc <<= l & 63
			n -= l
			if run >= zeros { // not so three times in four
				passed := 0
				for run >= zeros && k < end {
					run -= zeros
					k += zeros
					set := bits.TrailingZeros64(^(old >> k))
					passed += set
					k += set
					zeros = min(bits.TrailingZeros64(old>>k), end-k)
				}
				if k == end && size == 1 {
					return errRun
				}
				acc, n, pos = pass(buf, pos, n, passed)
				if k == end {
					break
				}
			}
			k += run
			found |= uint64(size) << (k & 63)
			k++
			zeros -= run + 1
		}
		row[i] |= found
		if eobrun > 0 {
			acc, n, pos = pass(buf, pos, n, bits.OnesCount64(old>>k))
			eobrun--
		}
	}
	e.acc, e.n, e.pos, sc.eobrun = acc, n, pos, eobrun
	return nil
}

// pass goes over c bits, at most 64, from where n bits stand before buf[pos].
func pass(buf []byte, pos int, n uint, c int) (acc uint64, left uint, next int) {
	p := uint(pos*8+c) - n
	return be64(buf[p>>3:]) << (p & 7), 56 - p&7, int(p>>3) + 7
}
