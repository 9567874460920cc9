package spool

import (
	"cmp"
	"math"
	"slices"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
)

// Usage is how full the spool is.
type Usage struct {
	Bytes, Reserved, Quota int64
	Pending, Running       int
	Done, Failed           int
}

// Usage returns how full the spool is.
func (s *Spool) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := Usage{Bytes: s.used, Reserved: s.reserved, Quota: s.quota, Pending: len(s.pending)}
	for _, e := range s.jobs {
		switch {
		case e.running:
			u.Running++
		case e.state == Done:
			u.Done++
		case e.state == Failed:
			u.Failed++
		}
	}
	return u
}

// Room reports with an error of kind Full that a job of n bytes would find no room
// now, of kind TooLarge that it never will. It holds none.
func (s *Spool) Room(n int64) error {
	n = plus(n, overhead)
	if err := s.fits(n); err != nil {
		return err
	}
	if err := s.reserve(n); err != nil {
		return err
	}
	s.unreserve(n)
	return nil
}

// fits reports with an error of kind TooLarge that n bytes would not fit into the
// empty spool: to wait for room would be to wait for ever.
func (s *Spool) fits(n int64) error {
	if n > s.quota {
		return fault.New(fault.TooLarge, "%d bytes > %d bytes of spool (-quota)", n, s.quota)
	}
	return nil
}

// reserve holds n bytes of room, for which jobs already delivered may have to go.
// The lock is not held while the disk works.
func (s *Spool) reserve(n int64) error {
	s.mu.Lock()
	used := s.used + s.reserved
	victims, enough := s.victims(plus(used, n) - s.quota)
	if enough {
		s.reserved += n
	}
	held := s.reserved
	s.mu.Unlock()
	s.buryAll(victims)
	if !enough {
		return fault.New(fault.Full, "spool is full: %d of %d bytes used (-quota)", used, s.quota)
	}
	for {
		short, what, err := s.shortage(held)
		if err == nil && short == 0 {
			return nil
		}
		if err == nil {
			s.mu.Lock()
			victims, enough = s.victims(short)
			s.mu.Unlock()
			if enough {
				s.buryAll(victims)
				continue
			}
			err = fault.New(fault.Full, "less than 5 %% of the file system's %s left", what)
		}
		s.unreserve(n)
		return err
	}
}

// plus adds two sizes that are not negative; the sum is at most math.MaxInt64.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func (s *Spool) unreserve(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved -= n
}

// shortage returns how many bytes must go before n more leave a floor-th of the
// file system free. For want of inodes it returns 1: one job must go.
func (s *Spool) shortage(n int64) (int64, string, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(s.dir, &st); err != nil {
		return 0, "", diskError(err)
	}
	free, least := int64(st.Bavail)*int64(st.Bsize), int64(st.Blocks)*int64(st.Bsize)/floor
	if free-least < n {
		return plus(n, least) - free, "blocks", nil
	}
	if st.Files > 0 && st.Ffree < st.Files/floor { // 0: a file system that makes them as it goes
		return 1, "inodes", nil
	}
	return 0, "", nil
}

// victims takes delivered jobs out of the index, those that finished first before
// others, until n bytes are freed, for the caller to bury. If that is not possible
// it takes none and enough is false. s.mu is held.
func (s *Spool) victims(n int64) (taken []*entry, enough bool) {
	if n <= 0 {
		return nil, true
	}
	var can []*entry
	var sum int64
	for _, e := range s.jobs {
		if e.state != Pending && e.delivered {
			can = append(can, e)
			sum += e.size
		}
	}
	if sum < n {
		return nil, false
	}
	slices.SortFunc(can, func(a, b *entry) int {
		return cmp.Or(a.ended.Compare(b.ended), cmp.Compare(a.id, b.id))
	})
	for _, e := range can {
		if n <= 0 {
			break
		}
		n -= e.size
		s.drop(e)
		taken = append(taken, e)
	}
	return taken, true
}

// buryAll removes the folders of victims. What can't be removed comes back with
// the next rescan.
func (s *Spool) buryAll(victims []*entry) {
	for _, e := range victims {
		if err := s.bury(e.id); err != nil && fault.Of(err) != fault.Gone {
			s.log.Error("making room", "job", jobid.Short(e.id), "err", err)
		}
	}
}
