package jpeg

// To walk a block of a sequential scan is to find where it ends without decoding its
// coefficients. That is all that a gray copy needs: a chroma block is dropped, and of a
// luma block the bits are copied. A reduced decoder walks the rest of a block beyond the
// coefficients that it wants (see pairTables).

// maxRun is the largest number of blocks that are walked at once: one component has at
// most 4 × 4 in an MCU.
const maxRun = 16

// skips is a table for walking, indexed by the next lookBits bits. An entry stands for
// all symbols whose codes lie in these bits; the value of the last one may lie beyond.
// The first half is for AC symbols, the second for a DC symbol and the AC symbols after
// it. An entry has
//
//	bits 0-4   number of bits of those symbols, values included
//	bit  6     noCode: the entry is noSkip
//	bits 8-15  number of coefficients that they pass, counting an end of block as one;
//	           plus endSkip if the last symbol is an end of block
//
// Example: with the luma tables of annex K the bits 00 1010 00 100… begin a block with
// a DC difference of 0 (00) and an end of block (1010). The entry is 6 bits and
// endSkip + 2 coefficients; it does not reach into the next block.
//
// A walk adds up the coefficients, k. The block has ended if k is 64, or if k - endSkip
// is from 1 to 64. Any other sum over 64 is not valid: a block whose coefficient 63 is
// not zero has no end of block, so an entry may have counted the first bits of the next
// block as AC symbols. Then the block is walked again symbol by symbol. The entry
// noSkip, for a code that is longer than lookBits or does not exist, always leads there.
type skips [2 << lookBits]uint16

const (
	skipShift = 8
	endSkip   = 128
	noSkip    = 65<<skipShift | noCode
	noCode    = 1 << 6

	endOfBlock = 64 << skipShift
)

// unsound reports whether k, endOfBlock or more, is not a valid end of a block.
func unsound(k uint) bool {
	return k > endOfBlock && k-(endSkip+1)<<skipShift > 63<<skipShift
}

// fill makes the entries for the tables of a component.
func (t *skips) fill(dc, ac *huffman) {
	dc.derive()
	ac.derive()
	for p := range 1 << lookBits {
		t[p] = skip(p, 0, 0, ac)
		c := dc.code[p]
		if l, size := uint(c>>8), uint(c&255); c != 0 && size <= 15 {
			t[1<<lookBits+p] = skip(p, l+size, 1, ac)
		} else {
			t[1<<lookBits+p] = noSkip
		}
	}
}

// skip makes the entry for the lookBits bits p, of which the first ones, bits in number,
// have already passed so many coefficients.
func skip(p int, bits uint, passed int, ac *huffman) uint16 {
	end := 0
	for bits < lookBits && end == 0 {
		c := ac.code[p<<bits&(1<<lookBits-1)]
		l, run, size := uint(c>>8), int(c>>4&15), uint(c&15)
		if c == 0 || bits+l > lookBits || passed+run+1 > 64 {
			break
		}
		bits += l + size
		if size == 0 && run != 15 {
			end = endSkip
			run = 0
		}
		passed += run + 1
	}
	if bits == 0 {
		return noSkip
	}
	return uint16((passed+end)<<skipShift) | uint16(bits)
}

// skipAC walks the rest of a block from coefficient k, symbol by symbol where table t
// has no valid entry.
func (e *entropy) skipAC(ac *huffman, t *skips, k int) error {
	for k < 64 {
		e.refill()
		s := uint(t[e.acc>>(64-lookBits)])
		if a := k + int(s>>skipShift); a <= 64 || a > endSkip && a <= endSkip+64 {
			e.acc <<= s & 31
			e.n -= s & 31
			k = a
			continue
		}
		run, _, err := e.coefficient(ac)
		if err != nil {
			return err
		}
		if run == endRun {
			return nil
		}
		if k += run + 1; k > 64 {
			return errRun
		}
	}
	return nil
}

// skipTable is the skips made from a pair of tables.
type skipTable struct {
	dc, ac *huffman
	table  *skips
}

// skipScan walks a whole sequential scan.
func (sc *scanner) skipScan() error {
	f, s := sc.f, sc.s
	sc.beginWalk()
	if len(s.comps) > 1 {
		for y := range f.mcuy {
			sc.rows = min(f.h, y*8*f.vmax)
			for range f.mcux {
				if err := sc.nextMCU(); err != nil {
					return err
				}
				for _, ci := range s.comps {
					if err := sc.takeBlocks(f.comps[ci].h * f.comps[ci].v); err != nil {
						return err
					}
				}
			}
		}
	} else {
		c := &f.comps[s.comps[0]]
		for y := range c.bh {
			sc.rows = min(f.h, y*8*f.vmax/c.v)
			for x := 0; x < c.bw; {
				if err := sc.nextMCU(); err != nil {
					return err
				}
				n := sc.moreMCUs(min(c.bw-x, maxRun))
				if err := sc.takeBlocks(n); err != nil {
					return err
				}
				x += n
			}
		}
	}
	return sc.done()
}
