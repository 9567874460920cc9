package jpeg

// A restart interval can be skipped by looking for the marker after it. That is not
// checking it: what is in it may be damaged. So only a caller who allows it (raster.Hint's
// Skip) has intervals skipped, and it gets a note.

// skipIntervals skips the next n restart intervals, which must not include the last one of
// the scan. It returns false, and has skipped none, if they can't be told apart by their
// markers: if one is missing, or has the wrong number, which is no damage (see restart).
// The next MCU must be the first of an interval, and the scan one that is not walked.
func (sc *scanner) skipIntervals(n int) (done bool, err error) {
	if sc.left == 0 {
		if err := sc.restart(); err != nil {
			return false, err
		}
	}
	e, from, rst := sc.e, sc.from, sc.rst
	if sc.lost {
		return false, nil
	}
	for i := range n {
		e.pos, e.acc, e.n = e.end, 0, 0
		e.finish()
		if e.marker != mRST0+sc.rst {
			e.src.seek(from)
			e.begin()
			sc.rst = rst
			return false, nil
		}
		if i < n-1 {
			sc.reset()
			e.begin()
		}
	}
	sc.left = 0 // the next MCU takes the last marker
	return true, nil
}
