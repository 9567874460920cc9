package jpeg

import (
	"math/bits"
	"sync"
)

// maskBytes returns the memory that holdMasks takes: 8 bytes a block.
func (f *frame) maskBytes() (bytes int64) {
	if f.progressive() {
		for _, c := range f.comps {
			bytes += 8 * int64(c.mw) * int64(c.mh)
		}
	}
	return bytes
}

// holdMasks allocates nz for a progressive picture that is walked. The caller has checked
// maskBytes against the limit.
func (sc *scanner) holdMasks() {
	if sc.f.progressive() {
		for i, c := range sc.f.comps {
			sc.nz[i] = make([]uint64, c.mw*c.mh)
		}
	}
}

// walkScan walks a scan that is Huffman-coded. For a progressive picture holdMasks must
// have been called.
func (sc *scanner) walkScan(s *scan) error {
	switch {
	case !sc.f.progressive():
		return sc.skipScan()
	case s.ss > 0:
		return sc.walkBand(sc.nz[s.comps[0]])
	case s.ah == 0:
		return sc.eachBlock(sc.skipDC)
	}
	return sc.eachBlock(func(_, _, _ int) error { sc.e.bits(1); return nil })
}

// skipDC walks a block of a first DC scan.
func (sc *scanner) skipDC(i, _, _ int) error {
	_, err := sc.e.diff(sc.s.dc[i])
	return err
}

// walkBand walks an AC scan, which has one component; nz is the masks of that component.
func (sc *scanner) walkBand(nz []uint64) error {
	f, s := sc.f, sc.s
	c := &f.comps[s.comps[0]]
	table, refine := noBands(), noRefine
	if c.bw*c.bh >= tableBlocks {
		table = s.ac[0].bandTable(s.ah > 0)
		if s.ah > 0 {
			refine = s.ac[0].refineTable()
		}
	}
	for y := range c.bh {
		sc.rows = min(f.h, y*8*f.vmax/c.v)
		for row := nz[y*c.mw:][:c.bw]; len(row) > 0; {
			n, err := sc.wholeMCUs(len(row))
			if err != nil {
				return err
			}
			if s.ah == 0 {
				err = sc.skipFirst(row[:n], table)
			} else {
				err = sc.skipRefine(row[:n], refine, table)
			}
			if err != nil {
				return sc.fail(err)
			}
			row = row[n:]
		}
		if sc.e.overrun() {
			return sc.cut()
		}
	}
	return sc.done()
}

// bands is a table for walking a first AC scan, indexed by the next lookBits bits. An
// entry stands for all symbols whose codes lie in these bits; the value of the last one
// may lie beyond. It has
//
//	bits 0-4    number of bits of those symbols, values included
//	bits 5-11   number of coefficients that they pass; plus bandEnd if the last symbol
//	            is an end of band for this block alone
//	bits 12-31  which of those coefficients are not zero
//
// As with skips, an entry may reach into the next block when a band ends without an end
// of band. The sum of the passed coefficients shows it: then, and at noBand, symbols are
// taken one by one.
type bands [1 << lookBits]uint32

const (
	bandShift = 5
	bandEnd   = 64
	maskShift = 12
	mostBand  = 32 - maskShift // coefficients that an entry can pass
	noBand    = 127 << bandShift
)

// tableBlocks is the number of blocks from which a scan is worth the time that its tables
// take to make. Smaller scans are walked by tables without entries: symbol by symbol.
// Tests change it.
var tableBlocks = 4096

var (
	noBands = sync.OnceValue(func() *bands {
		t := new(bands)
		for i := range t {
			t[i] = noBand
		}
		return t
	})
	noRefine = new([1 << lookBits]uint32)
)

// bandTable makes the table for first AC scans. That for refining scans stands for the
// blocks whose remaining coefficients are all zero so far: no correction bits come
// between their symbols, and new coefficients have a size of 1.
func (h *huffman) bandTable(refining bool) *bands {
	h.derive()
	band := &h.band[0]
	if refining {
		band = &h.band[1]
	}
	if *band != nil {
		return *band
	}
	table := new(bands)
	*band = table
	for p := range table {
		taken, passed, mask, end := uint(0), 0, uint32(0), 0
		for taken < lookBits && end == 0 {
			c := h.code[p<<taken&(1<<lookBits-1)]
			l, run, size := uint(c>>8), int(c>>4&15), uint(c&15)
			if c == 0 || taken+l > lookBits || passed+run+1 > mostBand || size == 0 && run > 0 && run < 15 || refining && size > 1 {
				break
			}
			taken += l + size
			if size == 0 && run == 0 {
				end = bandEnd
				break
			}
			passed += run + 1
			if size > 0 {
				mask |= 1 << (passed - 1)
			}
		}
		table[p] = mask<<maskShift | uint32(passed+end)<<bandShift | uint32(taken)
		if taken == 0 {
			table[p] = noBand
		}
	}
	return table
}

// skipFirst walks blocks of a first AC scan (T.81 G.1.2.2) by a table of bandTable, and
// adds to row which of their coefficients are not zero.
func (sc *scanner) skipFirst(row []uint64, table *bands) error {
	e, s := sc.e, sc.s
	ac := s.ac[0]
	acc, n, pos, buf := e.acc, e.n, e.pos, e.buf
	end, eobrun := s.se+1, sc.eobrun
	for i := 0; i < len(row); i++ {
		if eobrun > 0 { // that many blocks have no bits in the file
			gone := min(int(eobrun), len(row)-i)
			eobrun -= int32(gone)
			i += gone - 1
			continue
		}
		mask := uint64(0)
		acc |= be64(buf[pos:]) >> (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		for k := s.ss; k < end; {
			// An entry takes at most 27 bits, so of 56 there are 29 left: look up
			// before refilling.
			t := table[acc>>(64-lookBits)]
			acc |= be64(buf[pos:]) >> (n & 63)
			pos += int((63 - n) >> 3)
			n |= 56
			if to := k + int(t>>bandShift&127); to <= end || to >= bandEnd+k && to < bandEnd+end {
				mask |= uint64(t>>maskShift) << (k & 63)
				acc <<= t & 31
				n -= uint(t & 31)
				k = to
				continue
			}
			l, symbol := ac.look(acc)
			if l == 0 {
				e.acc, e.n, e.pos = acc, n, pos
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
				k += 16
				continue
			}
			if k += int(run); k >= end {
				e.acc, e.n, e.pos = acc, n, pos
				return errRun
			}
			mask |= 1 << (k & 63)
			k++
		}
		row[i] |= mask
	}
	e.acc, e.n, e.pos, sc.eobrun = acc, n, pos, eobrun
	return nil
}

// skipRefine walks blocks of a refining AC scan (T.81 G.1.2.3), by a table of refineTable
// and, where a block has no nonzero coefficients left, by one of bandTable. It adds to
// row the coefficients that become nonzero.
//
// A run counts only coefficients that have been zero so far. Each nonzero coefficient on
// the way has a correction bit after the code. Example: with the coefficients 0 5 0 0
// from k on, a symbol of run 1 and size 1 passes the first zero and the 5, so that one
// correction bit follows the new coefficient's sign, and makes the third nonzero.
func (sc *scanner) skipRefine(row []uint64, table *[1 << lookBits]uint32, tail *bands) error {
	e, s := sc.e, sc.s
	ac := s.ac[0]
	acc, n, pos, buf := e.acc, e.n, e.pos, e.buf
	end, eobrun := s.se+1, sc.eobrun
	band := uint64(1)<<end - 1<<s.ss // 1<<64 is 0, as it should be
	for i := 0; i < len(row); i++ {
		if eobrun > 0 { // that many blocks have only correction bits
			gone := min(int(eobrun), len(row)-i)
			set := 0
			for _, v := range row[i : i+gone] {
				set += bits.OnesCount64(v & band)
			}
			acc, n, pos = pass(buf, pos, n, set)
			eobrun -= int32(gone)
			i += gone - 1
			continue
		}
		old := row[i] & band
		k := s.ss
		acc |= be64(buf[pos:]) >> (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		var found uint64
		zeros := min(bits.TrailingZeros64(old>>k), end-k) // number of zero coefficients from k
		for k < end {
			if zeros == end-k { // no more correction bits
				// As in skipFirst, 29 bits are left before refilling.
				t := tail[acc>>(64-lookBits)]
				if to := k + int(t>>bandShift&127); to <= end || to >= bandEnd+k && to < bandEnd+end {
					acc |= be64(buf[pos:]) >> (n & 63)
					pos += int((63 - n) >> 3)
					n |= 56
					found |= uint64(t>>maskShift) << (k & 63)
					acc <<= t & 31
					n -= uint(t & 31)
					k = to
					zeros = end - k
					continue
				}
			}
			// At least 16 bits are valid, enough to look up before refilling.
			t := uint(table[acc>>(64-lookBits)])
			acc |= be64(buf[pos:]) >> (n & 63)
			pos += int((63 - n) >> 3)
			n |= 56
			l, run, size := t&31, int(t>>5&15), t>>9&1
			if t>>refineEnd != 0 {
				acc <<= l
				n -= l
				eobrun = int32(t >> refineEnd) // this block is one of them
				break
			}
			if t == 0 {
				var symbol byte
				l, symbol = ac.look(acc)
				run, size = int(symbol>>4), uint(symbol&15)
				if l == 0 {
					e.acc, e.n, e.pos = acc, n, pos
					return errCode
				}
				if size > 1 {
					e.acc, e.n, e.pos = acc<<l, n-l, pos
					return errRefine
				}
				if size == 0 && run < 15 {
					acc <<= l
					eobrun = 1<<run + int32(acc>>(64-run))
					acc <<= run
					n -= l + uint(run)
					break
				}
				l += size // the sign of a new coefficient
			}
			acc <<= l & 63
			n -= l
			if run >= zeros { // about one symbol in four
				passed := 0
				for run >= zeros && k < end {
					run -= zeros
					k += zeros
					set := bits.TrailingZeros64(^(old >> k))
					passed += set
					k += set
					zeros = min(bits.TrailingZeros64(old>>k), end-k)
				}
				acc, n, pos = pass(buf, pos, n, passed)
				if k == end {
					if size == 1 {
						e.acc, e.n, e.pos = acc, n, pos
						return errRun
					}
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

// pass skips c bits, where n bits before buf[pos] are valid.
func pass(buf []byte, pos int, n uint, c int) (acc uint64, left uint, next int) {
	p := uint(pos*8+c) - n
	return be64(buf[p>>3:]) << (p & 7), 56 - p&7, int(p>>3) + 7
}
