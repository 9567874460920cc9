package jpeg

import (
	"math/bits"

	"imgtools/pkg/fault"
)

// dcFirst writes Y's part of an interleaved first DC scan in the order that Y's
// blocks have alone.
func (t *transcoder) dcFirst(s *scan) error {
	last := int32(0)
	return t.dcRows(s, func(sc *scanner, i int) (int32, error) {
		d, err := sc.e.diff(s.dc[i])
		sc.pred[i] += d
		return sc.pred[i], err
	}, func(dc int32) error {
		if dc != int32(int16(dc)<<5>>5) {
			return fault.New(fault.Format, "DC coefficient %d", dc)
		}
		t.w.value(dc-last, &annexCodes[0][0])
		last = dc
		return nil
	})
}

// dcRefine does so with one bit a block.
func (t *transcoder) dcRefine(s *scan) error {
	return t.dcRows(s, func(sc *scanner, _ int) (int32, error) {
		return sc.e.bits(1), nil
	}, func(bit int32) error {
		t.w.put(uint64(bit), 1)
		return nil
	})
}

// dcRows reads values of all blocks of an interleaved scan and writes Y's, a row of
// MCUs at a time. Padding blocks are dropped.
func (t *transcoder) dcRows(s *scan, read func(sc *scanner, i int) (int32, error), write func(int32) error) error {
	luma := &t.f.comps[0]
	row := make([]int32, luma.v*luma.mw)
	done := 0 // rows of blocks written
	flush := func(upto int) error {
		for ; done < upto; done++ {
			for _, v := range row[done%luma.v*luma.mw:][:luma.bw] {
				t.w.room()
				if err := write(v); err != nil {
					return err
				}
			}
		}
		return t.w.err
	}
	err := t.sc.walk(func(i, ci, block int) error {
		v, err := read(t.sc, i)
		if err != nil || ci != 0 {
			return err
		}
		if y := block / luma.mw / luma.v * luma.v; y > done {
			if err := flush(y); err != nil {
				return err
			}
		}
		row[block%len(row)] = v
		return nil
	})
	if err != nil {
		return err
	}
	return flush(luma.bh)
}

// The functions below go over a block of a scan, as scanner.walk calls them, for its
// length only.

func (sc *scanner) skipDC(i, _, _ int) error {
	_, err := sc.e.diff(sc.s.dc[i])
	return err
}

// skipBlock: of a sequential scan.
func (sc *scanner) skipBlock(i, _, _ int) error {
	_, _, err := sc.e.walk(sc.s.dc[i], sc.s.ac[i])
	return err
}

// skipFirst: of a first AC scan, T.81 G.1.2.2; nz gets which coefficients are
// not zero.
func (sc *scanner) skipFirst(nz *uint64) error {
	if sc.eobrun > 0 {
		sc.eobrun--
		return nil
	}
	e, s := sc.e, sc.s
	ac := s.ac[0]
	mask := uint64(0)
	for k := s.ss; k <= s.se; k++ {
		if e.n < 32 {
			e.refill()
		}
		l, symbol := uint(0), byte(0)
		if c := ac.code[e.acc>>(64-lookBits)]; c != 0 {
			l, symbol = uint(c>>8), byte(c)
		} else if l, symbol = ac.long(e.acc); l == 0 {
			return errCode
		}
		run, size := int(symbol>>4), uint(symbol&15)
		if size == 0 {
			e.acc <<= l
			e.n -= l
			if run < 15 {
				sc.eobrun = 1<<run + e.bits(uint(run)) - 1
				break
			}
			k += 15
			continue
		}
		e.acc <<= l + size
		e.n -= l + size
		if k += run; k > s.se {
			return errRun
		}
		mask |= 1 << k
	}
	*nz |= mask
	return nil
}

// skipRefine: of a refining AC scan, T.81 G.1.2.3. The coefficients that are not
// zero already have a bit each between the codes; nz says how many those are.
func (sc *scanner) skipRefine(nz *uint64) error {
	e, s := sc.e, sc.s
	ac := s.ac[0]
	band := uint64(1)<<(s.se+1) - 1<<s.ss // 1<<64 is 0: as it should be
	old := *nz & band
	if sc.eobrun == 0 {
		zeros := band &^ old // of which those passed are taken out
		for zeros != 0 || old != 0 {
			symbol, ok := ac.symbol(e)
			if !ok {
				return errCode
			}
			run, size := int(symbol>>4), symbol&15
			if size > 1 {
				return fault.New(fault.Format, "refinement by %d bits at once", size)
			}
			if size == 0 && run < 15 {
				sc.eobrun = 1<<run + e.bits(uint(run))
				break
			}
			if size == 1 {
				e.bits(1)
			}
			for ; run > 0 && zeros != 0; run-- {
				zeros &= zeros - 1
			}
			if zeros == 0 { // all that is left is passed
				if size == 1 {
					return errRun
				}
				e.skipBits(uint(bits.OnesCount64(old)))
				return nil
			}
			at := zeros & -zeros
			zeros &^= at
			e.skipBits(uint(bits.OnesCount64(old & (at - 1))))
			old &^= at - 1
			if size == 1 {
				*nz |= at
			}
		}
	}
	if sc.eobrun > 0 {
		e.skipBits(uint(bits.OnesCount64(old)))
		sc.eobrun--
	}
	return nil
}

// skipBits passes over c bits, at most 64.
func (e *entropy) skipBits(c uint) {
	for {
		if e.n < 32 {
			e.refill()
		}
		step := min(c, 32)
		e.acc <<= step
		e.n -= step
		if c -= step; c == 0 {
			return
		}
	}
}
