package jpeg

import "encoding/binary"

// Going over blocks of a sequential scan for their length only. Where they end is all
// that must be known of most of a file to make it gray or small, and what is then
// taken from a block, from its beginning, need not wait for the block before.

// maxRun is how many blocks are gone over at once: those of one component in an MCU
// are at most 4 × 4.
const maxRun = 16

// skips says how far all the symbols go whose codes lie wholly in the looked-at bits
// (the last one's value may lie beyond them). The first half is for AC symbols,
// the second for a DC symbol and AC symbols behind it. An entry has
//
//	bits 0-4   how many bits they take, values included
//	bits 8-15  how many coefficients they pass, an end of block counting one;
//	           endSkip more if the last of them is an end of block
//
// So from coefficient k a block ends well where the sum of k and what is passed is
// 64, or at most 64 over endSkip. Anything between is not to be used: a block that
// ends at coefficient 63 has no end of block, and the entry would take the next
// block's first bits for AC codes. noSkip, for a code longer than the looked-at
// bits or none, always leads there.
type skips [2 << lookBits]uint16

const (
	skipShift = 8
	endSkip   = 128
	noSkip    = 65 << skipShift

	endOfBlock = 64 << skipShift
)

// unsound says that what was passed, endOfBlock or more, is no end of a block.
func unsound(k uint) bool {
	return k > endOfBlock && k-(endSkip+1)<<skipShift > 63<<skipShift
}

// fill makes the entries for a component's tables.
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

// skip makes the entry for the looked-at bits p, of which so many are taken already,
// for so many coefficients.
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

// buffer is the clean bytes of an entropy-coded segment, as entropy holds them.
type buffer [window + slack]byte

// load returns the bits from p on, at least 57 of them. Beyond the window they are
// any: who goes there is over the end.
func (b *buffer) load(p uint) uint64 {
	return binary.BigEndian.Uint64(b[p>>3&(window-1):][:8]) << (p & 7)
}

// at is the bit that is taken next, from buf[0] on.
func (e *entropy) at() uint { return uint(e.pos*8) - e.n }

// seek goes to bit p.
func (e *entropy) seek(p uint) {
	e.acc, e.n, e.pos = e.clean().load(p), 56-p&7, int(p>>3)+7
}

func (e *entropy) clean() *buffer { return (*buffer)(e.buf) }

// skipAC passes over the rest of a block from coefficient k, symbol by symbol where
// it must.
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

// skipTable is the skips of a component's tables.
type skipTable struct {
	dc, ac *huffman
	table  *skips
}

// skipScan goes over a whole sequential scan.
func (sc *scanner) skipScan() error {
	f, s := sc.f, sc.s
	sc.skipTables()
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
	sc.rows = f.h
	return nil
}
