package jpeg

import (
	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// scanner goes through the entropy-coded data of scans, one after another: where
// restarts are due, and what carries over from block to block.
type scanner struct {
	r    *Reader
	f    *frame
	e    *entropy
	s    *scan
	pred [4]int32 // DC of the last block, by place in the scan
	left int      // MCUs to the next restart; negative: never
	rst  byte     // number of that restart
	rows int      // of the picture that this scan has given, for the error
	// eobrun is how many blocks more have nothing but their end in this band,
	// T.81 G.1.2.2.
	eobrun int32
	// For walk: by place in the scan, and where the blocks that it went over begin and end.
	skips [4]skipTable
	ends  []uint32
	index blockIndex
}

// newScanner makes the reader's one scanner: the reader is used up.
func (r *Reader) newScanner() *scanner {
	r.first = nil
	return &scanner{r: r, f: r.frame, e: newEntropy(r.src)}
}

// begin starts a scan: the source stands behind its header.
func (sc *scanner) begin(s *scan) {
	for i := range s.comps {
		if s.ss == 0 && s.ah == 0 {
			s.dc[i].valueTable()
		}
		if s.se > 0 {
			switch {
			case !sc.f.progressive():
				s.ac[i].derive()
			case s.ah == 0:
				s.ac[i].valueTable()
			default:
				s.ac[i].refineTable()
			}
		}
	}
	sc.s = s
	sc.pred = [4]int32{}
	sc.rst, sc.eobrun, sc.rows = 0, 0, 0
	sc.left = s.ri
	if s.ri == 0 {
		sc.left = -1
	}
	sc.e.begin()
}

// restart is called when left is 0: it takes the restart marker that is due,
// T.81 E.2.4.
func (sc *scanner) restart() error {
	e := sc.e
	if e.overrun() {
		return sc.cut()
	}
	e.finish()
	if e.marker != mRST0+sc.rst {
		if e.marker >= mRST0 && e.marker <= mRST7 {
			return fault.New(fault.Format, "restart marker %d where %d is due", e.marker-mRST0, sc.rst)
		}
		return sc.cut()
	}
	if e.tap != nil {
		e.tap.marker(e.marker)
	}
	sc.rst = (sc.rst + 1) & 7
	sc.left = sc.s.ri
	sc.pred = [4]int32{}
	sc.eobrun = 0
	sc.index.begin()
	e.begin()
	return nil
}

// cut says why a scan ended before its last block.
func (sc *scanner) cut() error {
	r, e := sc.r, sc.e
	switch {
	case r.src.err != nil:
		return r.src.err
	case e.marker == 0 || e.marker == mEOI:
		return raster.Truncated(sc.rows, sc.f.h)
	case e.marker >= mRST0 && e.marker <= mRST7:
		return fault.New(fault.Format, "restart marker %d before its time, after %d of %d rows", e.marker-mRST0, sc.rows, sc.f.h)
	}
	return fault.New(fault.Format, "scan ends early by marker FF%02X, after %d of %d rows", e.marker, sc.rows, sc.f.h)
}

// eachBlock calls decode for each block of the scan in its order, T.81 A.2: with the
// component's place in the scan, its place in the frame, and the block's index in
// rows of component.mw.
func (sc *scanner) eachBlock(decode func(i, c, block int) error) error {
	f, s, e := sc.f, sc.s, sc.e
	if len(s.comps) == 1 { // not interleaved: no blocks but those with samples
		ci := s.comps[0]
		c := &f.comps[ci]
		for y := range c.bh {
			sc.rows = min(f.h, y*8*f.vmax/c.v)
			for x := range c.bw {
				if err := sc.nextMCU(); err != nil {
					return err
				}
				if !e.ready(1) {
					return sc.cut()
				}
				if err := decode(0, ci, y*c.mw+x); err != nil {
					return err
				}
			}
		}
	} else {
		for y := range f.mcuy {
			sc.rows = min(f.h, y*8*f.vmax)
			for x := range f.mcux {
				if err := sc.nextMCU(); err != nil {
					return err
				}
				for i, ci := range s.comps {
					c := &f.comps[ci]
					for b := range c.h * c.v {
						if !e.ready(1) {
							return sc.cut()
						}
						if err := decode(i, ci, (y*c.v+b/c.h)*c.mw+x*c.h+b%c.h); err != nil {
							return err
						}
					}
				}
			}
		}
	}
	if e.overrun() {
		return sc.cut()
	}
	sc.rows = f.h
	return nil
}

// nextMCU counts an MCU, and takes the restart before it if one is due.
func (sc *scanner) nextMCU() error {
	if sc.left == 0 {
		if err := sc.restart(); err != nil {
			return err
		}
	}
	sc.left--
	return nil
}

// wholeMCUs counts an MCU, as nextMCU does, and as many more, up to most, as surely are whole in
// the buffer and come before a restart; MCUs of at most blockBytes.
func (sc *scanner) wholeMCUs(most int) (n int, err error) {
	if err := sc.nextMCU(); err != nil {
		return 0, err
	}
	e := sc.e
	if !e.ready(1) {
		return 0, sc.cut()
	}
	return sc.moreMCUs(min(most, max(1, (e.end-e.pos)/blockBytes))), nil
}

// moreMCUs counts, after nextMCU, MCUs up to the n-th or the next restart, and returns how many
// there are with the first.
func (sc *scanner) moreMCUs(n int) int {
	if sc.left >= 0 {
		n = min(n, 1+sc.left)
		sc.left -= n - 1
	}
	return n
}

// script is what scans have sent of a component: the bit position down to which
// each coefficient is known, plus one; 0: not at all.
type script [64]uint8

// send notes that s sends its coefficients, each of which must come first with
// all its high bits and then bit by bit (T.81 G.1.1.1.2), DC before any AC. So a
// coefficient is never sent more than 14 times, whatever a hostile file says.
func (c *script) send(s *scan) error {
	for k := s.ss; k <= s.se; k++ {
		if s.ah == 0 && c[k] > 0 || s.ah > 0 && c[k] != uint8(s.ah)+1 || s.ss > 0 && c[0] == 0 {
			return fault.New(fault.Format, "scan sends coefficient %d, bits %d to %d, out of turn", k, s.ah, s.al)
		}
		c[k] = uint8(s.al) + 1
	}
	return nil
}

// complete says that no scan can add anything.
func (c *script) complete() bool {
	for _, v := range c {
		if v != 1 {
			return false
		}
	}
	return true
}

// eachScan calls do for s and all scans after it, each begun on sc, and checks that
// together they make a picture: each component is there, and a file without an
// EOI has no scans to come.
func (r *Reader) eachScan(sc *scanner, s *scan, do func(*scan) error) error {
	var sent [4]script
	eoi := false
	for s != nil {
		for _, i := range s.comps {
			if err := sent[i].send(s); err != nil {
				return err
			}
		}
		sc.begin(s)
		if err := do(s); err != nil {
			return err
		}
		sc.e.finish()
		if sc.e.marker == 0 {
			break
		}
		var err error
		if s, eoi, err = r.headers(sc.e.marker); err != nil {
			return err
		}
	}
	if r.src.err != nil {
		return r.src.err
	}
	for i := range sc.f.comps {
		switch {
		case !eoi && !sent[i].complete():
			return raster.Truncated(sc.rows, sc.f.h)
		case sent[i][0] == 0:
			return fault.New(fault.Format, "no scan of component %d", sc.f.comps[i].id)
		}
	}
	return nil
}

// passScan goes over the rest of a scan without looking at it, restarts and all.
func (sc *scanner) passScan() error {
	for {
		sc.e.finish()
		if sc.e.marker < mRST0 || sc.e.marker > mRST7 {
			break
		}
		sc.e.begin()
	}
	if sc.e.marker == 0 {
		return sc.cut()
	}
	return nil
}
