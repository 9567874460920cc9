package spool

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
)

// sweepEvery is how often incoming, gone and trash are looked through.
const sweepEvery = 10 * time.Minute

// Remove cancels a job and frees what it holds. Its error is of kind Gone or
// NotFound when there is no such job.
func (s *Spool) Remove(id string) error {
	if err := s.bury(id); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.jobs[id]; e != nil {
		s.drop(e)
	}
	s.poke() // there may be room now
	return nil
}

// bury removes a job's folder such that the id is known to be gone, whatever
// happens in between.
func (s *Spool) bury(id string) error {
	if !exists(s.job(id)) {
		return s.absent(id)
	}
	if err := s.mark(s.path("gone", id)); err != nil {
		return diskError(err)
	}
	if err := s.syncDir(s.path("gone")); err != nil {
		return diskError(err)
	}
	return s.discard(id)
}

// discard removes a job's folder: one rename, then deletion, which may be
// interrupted. Neither is fsynced. A job that has a mark in gone and comes back with
// a crash is not shown, and swept.
func (s *Spool) discard(id string) error {
	grave := s.path("trash", id+"."+jobid.Random(8))
	err := s.rename(s.job(id), grave)
	if errors.Is(err, fs.ErrNotExist) {
		return s.absent(id) // another was faster
	}
	if err != nil {
		return diskError(err)
	}
	s.tell(id)
	if err := s.removeAll(grave); err != nil {
		s.log.Error("emptying the trash", "err", diskError(err))
	}
	return nil
}

// absent is the error for a job that isn't there.
func (s *Spool) absent(id string) error {
	if err := s.check(); err != nil {
		return err
	}
	if s.isGone(id) {
		return errGone(id)
	}
	return fault.New(fault.NotFound, "no job %s", jobid.Short(id))
}

func (s *Spool) isGone(id string) bool { return exists(s.path("gone", id)) }

// Check returns an error of kind Gone when the id is that of a removed job.
func (s *Spool) Check(id string) error {
	if s.isGone(id) {
		return errGone(id)
	}
	return nil
}

// sweep removes jobs whose time is over and, at times, what is left over in
// incoming, gone and trash.
func (s *Spool) sweep() {
	now := s.now()
	s.mu.Lock()
	expired := s.expired(now)
	due := now.Sub(s.swept) >= sweepEvery || now.Before(s.swept)
	if due {
		s.swept = now
	}
	s.mu.Unlock()

	for _, id := range expired {
		if err := s.Remove(id); err != nil && fault.Of(err) != fault.Gone {
			s.log.Error("removing an expired job", "job", jobid.Short(id), "err", err)
		}
	}
	if due {
		s.sweepIncoming(now)
		s.sweepChanges(now)
		s.sweepVersions(now)
		s.sweepGone(now)
		s.sweepTrash()
	}
}

// expired returns the finished jobs whose time is over. It looks through all jobs only
// when the first of them may be. s.mu is held.
func (s *Spool) expired(now time.Time) (ids []string) {
	if now.Before(s.nextExpiry) && !now.Before(s.latest) {
		return nil
	}
	s.latest, s.nextExpiry = now, now.Add(s.ttl)
	for id, e := range s.jobs {
		if e.state == Pending {
			continue
		}
		if e.ended.After(now) { // the clock was set back
			s.change(e, func() { e.ended = now })
		}
		if at := e.ended.Add(s.ttl); now.After(at) {
			ids = append(ids, id)
		} else if at.Before(s.nextExpiry) {
			s.nextExpiry = at
		}
	}
	return ids
}

// sweepIncoming removes what dead processes left: old, and not locked.
func (s *Spool) sweepIncoming(now time.Time) {
	names, _ := readNames(s.path("incoming"))
	for _, n := range names {
		path := s.path("incoming", n)
		fi, err := os.Lstat(path)
		if err != nil || now.Sub(fi.ModTime()) < staleAfter {
			continue
		}
		lockFile := path
		if fi.IsDir() {
			lockFile = filepath.Join(path, "lock")
		}
		held, taken, err := s.lock(lockFile, fi.IsDir())
		if err != nil || taken {
			continue
		}
		s.removeAll(path)
		held.Close()
	}
}

// sweepVersions removes what is left of a first start that was killed.
func (s *Spool) sweepVersions(now time.Time) {
	names, _ := readNames(s.dir)
	for _, n := range names {
		if !strings.HasPrefix(n, newVersion) {
			continue
		}
		if fi, err := os.Lstat(s.path(n)); err == nil && now.Sub(fi.ModTime()) >= staleAfter {
			s.remove(s.path(n))
		}
	}
}

// sweepGone forgets removed jobs: the old ones, and the oldest of too many.
func (s *Spool) sweepGone(now time.Time) {
	type mark struct {
		name string
		at   time.Time
	}
	var marks []mark
	names, _ := readNames(s.path("gone"))
	for _, n := range names {
		fi, err := os.Lstat(s.path("gone", n))
		if err != nil {
			continue
		}
		if now.Sub(fi.ModTime()) > goneKept {
			s.remove(s.path("gone", n))
			continue
		}
		marks = append(marks, mark{n, fi.ModTime()})
	}
	if len(marks) <= goneMost {
		return
	}
	slices.SortFunc(marks, func(a, b mark) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.name, b.name))
	})
	for _, m := range marks[:len(marks)-goneMost] {
		s.remove(s.path("gone", m.name))
	}
}

// sweepTrash deletes what a dead process had not the time to delete. A job whose
// mark in gone was made and whose folder was not yet renamed is caught here too.
func (s *Spool) sweepTrash() {
	names, _ := readNames(s.path("trash"))
	for _, n := range names {
		s.removeAll(s.path("trash", n))
	}
	names, _ = readNames(s.path("gone"))
	for _, id := range names {
		if jobid.Valid(id) && exists(s.job(id)) {
			s.discard(id)
			s.mu.Lock()
			if e := s.jobs[id]; e != nil {
				s.drop(e)
			}
			s.mu.Unlock()
		}
	}
}
