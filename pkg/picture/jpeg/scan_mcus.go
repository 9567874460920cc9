package jpeg

import (
	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// scanner reads the entropy-coded data of all scans of a picture, one scan after
// another. Decoding and transcoding share it, so that they agree about which files are
// good. Its use:
//
//	begin(scan), then for each MCU: nextMCU and its blocks; then end, which returns
//	the next scan or nil
//
// It knows where restarts are due and what carries over from block to block. Its notes
// go to the Reader.
type scanner struct {
	r    *Reader
	f    *frame
	e    *entropy
	s    *scan
	pred [4]int32 // DC of the last block, by place in the scan
	left int      // MCUs to the next restart; negative: none
	rst  byte     // number of that restart, 0 to 7
	from int64    // where in the file the current interval begins, unless lost is set
	lost bool     // the marker of the last restart was missing
	rows int      // rows of the picture that this scan has completed, for errors
	// eobrun is the number of further blocks that have no new coefficients in this
	// band, T.81 G.1.2.2.
	eobrun int32
	sent   [4]script // what scans have sent of each component
	scans  int       // scans begun

	// nz has for each block of a progressive picture that is walked, by component, a bit
	// for each coefficient that is not zero: a refining scan depends on them.
	nz [4][]uint64

	// For sequential scans whose blocks are first walked; see blockIndex.
	skips [4]skipTable // by place in the scan
	ends  []uint32     // set by takeBlocks
	index blockIndex

	arith *arithDecoder // of an arithmetic-coded frame
}

// newScanner makes the reader's only scanner. The reader is then used up.
func (r *Reader) newScanner() *scanner {
	r.first = nil
	return &scanner{r: r, f: r.frame, e: newEntropy(r.src)}
}

// begin starts a scan. The source must be at the first byte after its header.
func (sc *scanner) begin(s *scan) error {
	for _, i := range s.comps {
		if err := sc.sent[i].send(s, sc.f.progressive()); err != nil {
			return err
		}
	}
	for i := range s.comps {
		if s.dc[i] != nil {
			s.dc[i].valueTable()
		}
		if s.ac[i] != nil {
			s.ac[i].derive()
		}
	}
	sc.s = s
	sc.scans++
	sc.pred = [4]int32{}
	sc.rst, sc.lost, sc.eobrun, sc.rows = 0, false, 0, 0
	sc.left = s.ri
	if s.ri == 0 {
		sc.left = -1
	}
	sc.from = sc.e.src.at()
	sc.e.begin()
	if sc.f.arithmetic() {
		if sc.arith == nil {
			sc.arith = new(arithDecoder)
		}
		sc.arith.begin(sc)
	}
	return nil
}

// nextMCU counts an MCU. If a restart is due before it, it takes the restart marker.
func (sc *scanner) nextMCU() error {
	if sc.left == 0 {
		if err := sc.restart(); err != nil {
			return err
		}
	}
	sc.left--
	return nil
}

// wholeMCUs counts an MCU as nextMCU does, and as many more, up to most, as are surely
// complete in the buffer and before the next restart. MCUs must be of at most
// blockBytes.
func (sc *scanner) wholeMCUs(most int) (n int, err error) {
	if err := sc.nextMCU(); err != nil {
		return 0, err
	}
	e := sc.e
	if !e.ready() {
		return 0, sc.cut()
	}
	return sc.moreMCUs(min(most, max(1, (e.end-e.pos)/blockBytes))), nil
}

// moreMCUs counts further MCUs after nextMCU, n in all or up to the next restart, and
// returns how many there are with the first.
func (sc *scanner) moreMCUs(n int) int {
	if sc.left >= 0 {
		n = min(n, 1+sc.left)
		sc.left -= n - 1
	}
	return n
}

// restart takes the restart marker that is due, T.81 E.2.4.
//
// Two kinds of damage leave all pixels intact and are only noted. A marker may have
// the wrong number. And a marker may be missing: the interval then ends, as each does,
// with a byte filled up with ones, and the next one begins at the byte after it:
//
//	… interval 1, 111  interval 2 … FF D2    (FF D1 is missing before interval 2)
//
// We believe that if interval 2 ends exactly at the next marker, too.
//
// An arithmetic decoder may leave bytes at the end of an interval, and nothing shows
// where that is.
func (sc *scanner) restart() error {
	e := sc.e
	if sc.arith != nil {
		if sc.arith.cut() {
			return sc.cut()
		}
		e.pos = e.end
		e.finish()
	}
	if !e.ended && int(e.at()>>3) > e.end-blockBytes {
		e.fill()
	}
	if e.overrun() {
		return sc.cut()
	}
	due := mRST0 + sc.rst
	whole := e.ended && int(e.at()+7)>>3 >= e.end // nothing is left of the segment
	switch {
	case whole && isRST(e.marker):
		if e.marker != due {
			sc.r.Note("restart markers out of order")
		}
		sc.lost = false
	case whole:
		return sc.cut()
	case e.ended && e.marker == due && !sc.lost:
		sc.r.Note("surplus bytes in the scan data")
	case e.ended && e.marker == due:
		return sc.misfit()
	case sc.padded():
		sc.r.Note("a restart marker is missing")
		sc.lost = true
		sc.resume()
		return nil
	default:
		return fault.New(fault.Format, "no restart marker %d after %d of %d rows", sc.rst, sc.rows, sc.f.h)
	}
	e.finish()
	if e.tap != nil {
		e.tap.marker(due)
	}
	sc.reset()
	sc.from = e.src.at()
	e.begin()
	sc.index.begin(0)
	if sc.arith != nil {
		sc.arith.begin(sc)
	}
	return nil
}

// misfit returns the error for an interval after a missing marker that does not end at
// the next one.
func (sc *scanner) misfit() error {
	return fault.New(fault.Format, "a restart marker is missing, and the interval after it has the wrong length, after %d of %d rows", sc.rows, sc.f.h)
}

// padded reports whether the bits up to the next byte are ones, as at the end of an
// interval (T.81 F.1.2.3).
func (sc *scanner) padded() bool {
	at := sc.e.at()
	n := -at & 7
	return sc.e.clean().load(at)>>(64-n) == 1<<n-1
}

// resume begins an interval at the next byte of the segment.
func (sc *scanner) resume() {
	e := sc.e
	at := (e.at() + 7) &^ 7
	if e.tap != nil {
		e.tap.copyBytes(e.buf[e.tapped : at>>3])
		e.tapped = int(at >> 3)
		e.tap.marker(mRST0 + sc.rst)
	}
	sc.reset()
	e.seek(at)
	sc.index.begin(at)
}

// reset forgets what a restart interval has carried over.
func (sc *scanner) reset() {
	sc.rst = (sc.rst + 1) & 7
	sc.left = sc.s.ri
	sc.pred = [4]int32{}
	sc.eobrun = 0
}

// cut returns the error for a scan that ended before its last block.
func (sc *scanner) cut() error {
	r, e := sc.r, sc.e
	if sc.arith != nil && sc.arith.cut() {
		sc.rows = min(sc.rows, sc.arith.rows)
	}
	switch {
	case r.src.err != nil:
		return r.src.err
	case e.marker == 0 || e.marker == mEOI:
		return raster.Truncated(sc.rows, sc.f.h)
	case isRST(e.marker):
		return fault.New(fault.Format, "restart marker %d before its time, after %d of %d rows", e.marker-mRST0, sc.rows, sc.f.h)
	}
	return fault.New(fault.Format, "scan ends early by marker FF%02X, after %d of %d rows", e.marker, sc.rows, sc.f.h)
}

// fail returns the error for a block that could not be decoded. If it was read past the
// end of the segment, the scan is cut, whatever its bits seemed to be.
func (sc *scanner) fail(err error) error {
	if sc.e.ended && sc.e.overrun() || sc.arith != nil && sc.arith.cut() {
		return sc.cut()
	}
	return err
}

// eachBlock calls decode for each block of the scan in its order, T.81 A.2: with the
// component's place in the scan and in the frame, and the block's index in rows of
// component.mw.
func (sc *scanner) eachBlock(decode func(i, c, block int) error) error {
	f, s, e := sc.f, sc.s, sc.e
	if len(s.comps) == 1 { // not interleaved: only blocks with samples
		ci := s.comps[0]
		c := &f.comps[ci]
		for y := range c.bh {
			sc.rows = min(f.h, y*8*f.vmax/c.v)
			for x := range c.bw {
				if err := sc.nextMCU(); err != nil {
					return err
				}
				if !e.ready() {
					return sc.cut()
				}
				if err := decode(0, ci, y*c.mw+x); err != nil {
					return sc.fail(err)
				}
			}
			if e.overrun() {
				return sc.cut()
			}
		}
		return sc.done()
	}
	for y := range f.mcuy {
		sc.rows = min(f.h, y*8*f.vmax)
		for x := range f.mcux {
			if err := sc.nextMCU(); err != nil {
				return err
			}
			for i, ci := range s.comps {
				c := &f.comps[ci]
				for b := range c.h * c.v {
					if !e.ready() {
						return sc.cut()
					}
					if err := decode(i, ci, (y*c.v+b/c.h)*c.mw+x*c.h+b%c.h); err != nil {
						return sc.fail(err)
					}
				}
			}
		}
		if e.overrun() {
			return sc.cut()
		}
	}
	return sc.done()
}

// done is called after the last block of a scan: it checks that the block was whole.
func (sc *scanner) done() error {
	if sc.e.overrun() || sc.arith != nil && sc.arith.cut() {
		return sc.cut()
	}
	sc.rows = sc.f.h
	return nil
}
