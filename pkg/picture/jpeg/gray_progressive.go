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
	last := int32(0)
	for my := range t.f.mcuy {
		sc.rows = min(t.f.h, my*8*t.f.vmax)
		for mx := range t.f.mcux {
			if err := sc.turn(); err != nil {
				return err
			}
			if !e.ready(1) { // ten blocks of DC are less than one of AC
				return sc.cut()
			}
			if err := t.dcMCU(s, row[mx*luma.h:]); err != nil {
				return err
			}
		}
		for v := range min(luma.v, luma.bh-my*luma.v) {
			for x, dc := range row[v*luma.mw:][:luma.bw] {
				if x&63 == 0 {
					t.w.room()
				}
				if s.ah > 0 {
					t.w.put(uint64(dc), 1)
					continue
				}
				t.w.value(dc-last, &annexCodes[0][0])
				last = dc
			}
		}
		if t.w.err != nil {
			return t.w.err
		}
	}
	if e.over() {
		return sc.cut()
	}
	return nil
}

// dcMCU reads an MCU of a DC scan and puts Y's values, or bits, into rows of luma.mw.
func (t *transcoder) dcMCU(s *scan, row []int32) error {
	sc, e := t.sc, t.sc.e
	luma := &t.f.comps[0]
	if s.ah > 0 { // one bit each, T.81 G.1.2.1; Y comes first
		blocks := luma.h * luma.v
		bits := e.bits(uint(blocks))
		for range luma.v {
			for x := range luma.h {
				blocks--
				row[x] = bits >> blocks & 1
			}
			row = row[min(luma.mw, len(row)):]
		}
		for _, ci := range s.comps[1:] {
			e.bits(uint(t.f.comps[ci].h * t.f.comps[ci].v))
		}
		return nil
	}
	pred := sc.pred[0]
	for range luma.v {
		for x := range luma.h {
			d, err := e.diff(s.dc[0])
			if err != nil {
				return err
			}
			if pred += d; pred != int32(int16(pred)<<5>>5) {
				return fault.New(fault.Format, "DC coefficient %d", pred)
			}
			row[x] = pred
		}
		row = row[min(luma.mw, len(row)):]
	}
	sc.pred[0] = pred
	for i, ci := range s.comps[1:] {
		for range t.f.comps[ci].h * t.f.comps[ci].v {
			if _, err := e.diff(s.dc[1+i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// The functions below go over a block of a scan, as scanner.each calls them, for its
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
			if err := sc.turn(); err != nil {
				return err
			}
			if !e.ready(1) {
				return sc.cut()
			}
			// As many more as surely are whole in the buffer, up to a restart.
			n := min(len(row), max(1, (e.end-e.pos)/blockBytes))
			if sc.left >= 0 {
				n = min(n, 1+sc.left)
				sc.left -= n - 1
			}
			var err error
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
	if e.over() {
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
