package spool

import (
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
	return Usage{
		Bytes: s.used, Reserved: s.reserved, Quota: s.quota, Pending: s.waitingJobs(), Running: s.running,
		Done: s.count[Done], Failed: s.count[Failed],
	}
}

// imagesShare is the part of the quota that jobs leave free, so that waiting jobs never
// refuse a picture of /image: a tenth.
const imagesShare = 10

// limit returns how many bytes there may be for one more upload to be let in.
func (s *Spool) limit(job bool) int64 {
	if job {
		return s.quota - s.quota/imagesShare
	}
	return s.quota
}

// Room reports with an error of kind Full that a job of n bytes would find no room
// now, of kind TooLarge that it never will. It holds none.
func (s *Spool) Room(n int64) error {
	n = plus(n, overhead)
	if err := s.fits(n, true); err != nil {
		return err
	}
	if err := s.reserve(n, true); err != nil {
		return err
	}
	s.unreserve(n)
	return nil
}

// Full reports with an error of kind Full that there is no room for a further job.
// Unlike Room it removes nothing to make some.
func (s *Spool) Full() error {
	s.mu.Lock()
	used, removable := plus(s.used+s.reserved, overhead), s.removable
	s.mu.Unlock()
	if used-removable > s.limit(true) {
		return s.full(used)
	}
	short, what, err := s.shortage(0)
	if err == nil && short > removable {
		err = diskFull(what)
	}
	return err
}

func (s *Spool) full(used int64) error {
	return fault.New(fault.Full, "spool is full: %d of %d bytes used (-quota)", used, s.quota)
}

func diskFull(what string) error {
	return fault.New(fault.Full, "spool is full: less than 5 %% of the file system's %s left", what)
}

// fits reports with an error of kind TooLarge that n bytes would not fit into the
// empty spool: it would be useless to wait for room.
func (s *Spool) fits(n int64, job bool) error {
	if limit := s.limit(job); n > limit {
		return fault.New(fault.TooLarge, "%d bytes > %d bytes of spool (-quota)", n, limit)
	}
	return nil
}

// reserve holds n bytes of room. Delivered jobs may have to go for it. s.mu is not
// held while the disk works.
func (s *Spool) reserve(n int64, job bool) error {
	s.mu.Lock()
	used := s.used + s.reserved
	victims, enough := s.victims(plus(used, n) - s.limit(job))
	if enough {
		s.reserved += n
	}
	held := s.reserved
	s.mu.Unlock()
	s.buryAll(victims)
	if !enough {
		return s.full(used)
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
			err = diskFull(what)
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
// file system free. When inodes are short it returns 1: one job must go.
func (s *Spool) shortage(n int64) (int64, string, error) {
	var st unix.Statfs_t
	if err := s.statfs(s.dir, &st); err != nil {
		return 0, "", s.diskError(err)
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
	if s.removable < n {
		return nil, false
	}
	for _, e := range slices.Clone(s.delivered) {
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
