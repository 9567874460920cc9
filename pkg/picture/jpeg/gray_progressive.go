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
		row := nz[y*c.mw:][:c.bw]
		for x := range row {
			if err := sc.turn(); err != nil {
				return err
			}
			if s.ah == 0 && sc.eobrun > 0 { // nothing in the file for this block
				sc.eobrun--
				continue
			}
			if !e.ready(1) {
				return sc.cut()
			}
			var err error
			if s.ah == 0 {
				err = sc.skipFirst(&row[x])
			} else {
				err = sc.skipRefine(&row[x])
			}
			if err != nil {
				return err
			}
		}
	}
	if e.over() {
		return sc.cut()
	}
	sc.rows = f.h
	return nil
}

// skipFirst: of a first AC scan, outside a run of ends, T.81 G.1.2.2; nz gets which coefficients are
// not zero.
func (sc *scanner) skipFirst(nz *uint64) error {
	e, s := sc.e, sc.s
	ac := s.ac[0]
	e.refill()
	acc, n, pos, buf := e.acc, e.n, e.pos, e.buf
	mask := uint64(0)
	for k := s.ss; k <= s.se; k++ {
		l, symbol := ac.look(acc) // of the 16 bits or more that are there
		acc |= be64(buf[pos:]) >> (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		if l == 0 {
			return errCode
		}
		run, size := uint(symbol>>4), uint(symbol&15)
		acc <<= (l + size) & 63
		n -= l + size
		if size == 0 {
			if run < 15 {
				sc.eobrun = 1<<run - 1 + int32(acc>>(64-run))
				acc <<= run
				n -= run
				break
			}
			k += 15
			continue
		}
		if k += int(run); k > s.se {
			return errRun
		}
		mask |= 1 << (k & 63)
	}
	e.acc, e.n, e.pos = acc, n, pos
	*nz |= mask
	return nil
}

// skipRefine: of a refining AC scan, T.81 G.1.2.3. A run counts only coefficients that
// are still zero; those between that are not, by nz, have a correction bit each
// behind the code.
func (sc *scanner) skipRefine(nz *uint64) error {
	e, s := sc.e, sc.s
	end := s.se + 1
	old := *nz & (uint64(1)<<end - 1<<s.ss) // 1<<64 is 0: as it should be
	if sc.eobrun > 0 {
		e.pass(uint(bits.OnesCount64(old)))
		sc.eobrun--
		return nil
	}
	ac := s.ac[0]
	e.refill()
	acc, n, pos, buf := e.acc, e.n, e.pos, e.buf
	table := ac.refine
	k := s.ss
	zeros := min(bits.TrailingZeros64(old>>k), end-k) // from k on, up to the next that is not
	for k < end {
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
				sc.eobrun = 1<<run - 1 + int32(acc>>(64-run)) // this block is one of them
				e.acc, e.n, e.pos = acc<<run, n-l-uint(run), pos
				e.pass(uint(bits.OnesCount64(old >> k)))
				return nil
			}
			l += size // the sign of a new coefficient
		}
		acc <<= l & 63
		n -= l
		if run >= zeros { // not so three times in four
			passed := uint(0)
			for run >= zeros && k < end {
				run -= zeros
				k += zeros
				set := bits.TrailingZeros64(^(old >> k))
				passed += uint(set)
				k += set
				zeros = min(bits.TrailingZeros64(old>>k), end-k)
			}
			if k == end && size == 1 {
				return errRun
			}
			if passed+16 > n {
				e.acc, e.n, e.pos = acc, n, pos
				e.pass(passed)
				e.refill()
				acc, n, pos = e.acc, e.n, e.pos
			} else {
				acc <<= passed & 63
				n -= passed
			}
			if k == end {
				break
			}
		}
		k += run
		*nz |= uint64(size) << (k & 63)
		k++
		zeros -= run + 1
	}
	e.acc, e.n, e.pos = acc, n, pos
	return nil
}

// pass goes over c bits, at most 64.
func (e *entropy) pass(c uint) {
	for ; c > 32; c -= 32 {
		e.bits(32)
	}
	e.bits(c)
}
