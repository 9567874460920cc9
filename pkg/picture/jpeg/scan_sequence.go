package jpeg

import "imgtools/pkg/fault"

// script records what scans have sent of a component: for each coefficient 1 plus the
// bit position down to which it is known; 0: nothing.
type script [64]uint8

// send records that s sends its coefficients.
//
// In a progressive picture a coefficient must come first with all its high bits and
// then bit by bit, and DC before any AC (T.81 G.1.1.1.2). So it is never sent more than
// 14 times, whatever a hostile file says. A sequential scan sends whole coefficients;
// if it sends a component again, the last time counts.
func (c *script) send(s *scan, progressive bool) error {
	for k := s.ss; k <= s.se; k++ {
		if progressive && (s.ah == 0 && c[k] > 0 || s.ah > 0 && c[k] != uint8(s.ah)+1 || s.ss > 0 && c[0] == 0) {
			return fault.New(fault.Format, "scan sends coefficient %d, bits %d to %d, out of turn", k, s.ah, s.al)
		}
		c[k] = uint8(s.al) + 1
	}
	return nil
}

// complete reports whether all bits of all coefficients have been sent.
func (c *script) complete() bool {
	for _, v := range c {
		if v != 1 {
			return false
		}
	}
	return true
}

// complete reports whether no scan is missing.
func (sc *scanner) complete() bool {
	for i := range sc.f.comps {
		if !sc.sent[i].complete() {
			return false
		}
	}
	return true
}

// eachScan begins s and each scan after it and calls do to read it. It returns nil if
// they make a picture.
func (sc *scanner) eachScan(s *scan, do func(*scan) error) error {
	for s != nil {
		err := sc.begin(s)
		if err == nil {
			err = do(s)
		}
		if err == nil {
			s, err = sc.end()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// end is called after the last block of a scan. It reads the segments up to the next
// scan and returns it, or nil if there is none; then it checks that the picture is
// complete.
//
// Once all coefficients are there, nothing that follows can make the picture bad. Found
// in the field, and read by other programs: restart markers and bytes of coded data
// after the last MCU; zeros up to the end of a memory card's sector; a segment that is
// cut; a maker's trailer with FF and any byte in it; all of those with and without an
// EOI. A file without one gets a note. The end is looked for as long as what follows
// has the form of segments; after surplus bytes only an EOI counts.
func (sc *scanner) end() (next *scan, err error) {
	r, e := sc.r, sc.e
	if err := sc.done(); err != nil {
		return nil, err
	}
	if sc.arith != nil { // it may leave a byte or two
		e.pos = min(e.pos+arithAhead, e.end)
	}
	e.finish()
	if e.surplus && sc.lost {
		return nil, sc.misfit()
	}
	complete := sc.complete()
	surplus := e.surplus
	m := e.marker
	for {
		switch {
		case r.src.err != nil:
			return nil, r.src.err
		case m == mEOI:
			if surplus {
				r.Note("surplus bytes in the scan data")
			}
			for i := range sc.f.comps {
				if sc.sent[i][0] == 0 {
					return nil, fault.New(fault.Format, "no scan of component %d", sc.f.comps[i].id)
				}
			}
			if !complete {
				r.Note("scans are missing")
			}
			return nil, nil
		case m == 0 && !complete:
			return nil, fault.New(fault.Format, "truncated after %d scans", sc.scans)
		case m == 0 || complete && surplus && !isRST(m):
			r.Note("no end marker")
			return nil, nil
		case m == mSOS && complete && sc.scans == 1:
			// A sequential scan of all components is the whole picture.
			r.Note("scans after the first are not read")
			return nil, nil
		}
		s, err := r.segment(m)
		switch {
		case err != nil && complete && r.src.err == nil:
			r.Note("no end marker")
			return nil, nil
		case err != nil:
			return nil, err
		case s != nil:
			if surplus {
				r.Note("surplus bytes in the scan data")
			}
			return s, nil
		}
		var more bool
		m, more = r.nextMarker()
		surplus = surplus || more
	}
}

// passScan skips the rest of a scan, restarts included, without looking at its blocks.
func (sc *scanner) passScan() error {
	for {
		sc.e.finish()
		if !isRST(sc.e.marker) {
			return nil
		}
		sc.e.begin()
	}
}

// rescanned reports whether a sequential picture has several scans of one component.
// It reads the whole file by a window of its own.
func (r *Reader) rescanned() bool {
	again, err := Open(r.src.r, r.src.size, r.lim)
	if err != nil {
		return false
	}
	first := again.first
	sc := again.newScanner()
	var sent [4]int
	twice := false
	// An error is left to the caller, which will read the same scans.
	_ = sc.eachScan(first, func(s *scan) error {
		for _, i := range s.comps {
			sent[i]++
			twice = twice || sent[i] > 1
		}
		return sc.passScan()
	})
	return twice
}
