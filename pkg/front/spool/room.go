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

// limit returns how many bytes one upload may have in an empty spool.
func (s *Spool) limit(job bool) int64 {
	if job {
		return s.quota - s.quota/imagesShare
	}
	return s.quota
}

// over returns by how many bytes n more would pass the quota. Pictures of /image have
// what jobs leave of it, and always a tenth, also where results have outgrown what
// their pictures had reserved. s.mu is held.
func (s *Spool) over(n int64, job bool) int64 {
	over := plus(s.used+s.reserved, n) - s.limit(job)
	if !job {
		over = min(over, plus(s.images, n)-s.quota/imagesShare)
	}
	return over
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
	s.unreserve(n, true)
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
	short, why, err := s.shortage(0, true)
	if err == nil && short > removable {
		err = why
	}
	return err
}

func (s *Spool) full(used int64) error {
	return fault.New(fault.Full, "spool: full: %d of %d bytes used (-quota)", used, s.quota)
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
	victims, enough := s.victims(s.over(n, job))
	if enough {
		s.hold(n, job)
	}
	needed := s.reserved
	if !job {
		needed = plus(needed, n) // for the result, which may be as large
	}
	s.mu.Unlock()
	s.buryAll(victims)
	if !enough {
		return s.full(used)
	}
	for {
		short, why, err := s.shortage(needed, job)
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
			err = why
		}
		s.unreserve(n, job)
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

// hold holds n bytes of room, or with n below 0 gives them back. s.mu is held.
func (s *Spool) hold(n int64, job bool) {
	s.reserved += n
	if !job {
		s.images += n
	}
}

func (s *Spool) unreserve(n int64, job bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold(-n, job)
}

// shortage returns how many bytes must go from the file system before n more have
// room, and why. Jobs, which stay, leave a floor-th of blocks and inodes free; when
// inodes are short it returns 1: one job must go. Pictures of /image, whose files are
// gone with the answer, need only their bytes.
func (s *Spool) shortage(n int64, job bool) (short int64, why, err error) {
	var st unix.Statfs_t
	if err := s.statfs(s.dir, &st); err != nil {
		return 0, nil, s.diskError(err)
	}
	free, least := int64(st.Bavail)*int64(st.Bsize), int64(st.Blocks)*int64(st.Bsize)/floor
	switch {
	case !job && free < n:
		return n - free, fault.New(fault.Full, "spool: full: %d bytes free on the file system, %d needed", free, n), nil
	case job && free-least < n:
		return plus(n, least) - free, diskFull("blocks"), nil
	case job && st.Files > 0 && st.Ffree < st.Files/floor: // Files is 0 where inodes are made as needed
		return 1, diskFull("inodes"), nil
	}
	return 0, nil, nil
}

func diskFull(what string) error {
	return fault.New(fault.Full, "spool: full: less than 5 %% of the file system's %s free", what)
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
