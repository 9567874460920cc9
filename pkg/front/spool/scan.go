package spool

import (
	"errors"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
)

// RescanEvery is how soon changes by another imgd are seen, and the jobs of a dead
// one taken up.
const RescanEvery = 2 * time.Second

// load reads from disk what the index has of a job. Its error is fs.ErrNotExist
// when there is no such job.
func (s *Spool) load(id string) (*entry, error) {
	e := &entry{id: id, size: overhead}
	// In this order: in is removed only after the job has its end.
	in, hasIn, err := size(s.job(id, "in"))
	if err != nil {
		return nil, err
	}
	end, err := s.ending(id)
	if err != nil {
		return nil, err
	}
	e.state = end.state
	switch {
	case e.state == Done:
		e.size = plus(e.size, end.result.Bytes())
		e.ended = s.clamp(end.result.Finished)
	case e.state == Failed:
		e.ended = s.clamp(end.failure.Finished)
	case !hasIn && !exists(s.job(id)):
		return nil, fs.ErrNotExist
	default:
		e.size = plus(e.size, in)
		// A job whose record can't be read is pending, and fails when taken up.
		if m, err := s.meta(id); err == nil {
			e.received, e.client = m.Received, m.Client
		}
		return e, nil
	}
	e.delivered = exists(s.job(id, "delivered"))
	if hasIn {
		s.tidy(id)
	}
	return e, nil
}

// tidy does what the holder of a job that has its end had no time to do: it gives the
// files their names, durably, and removes the picture. While the lock is held, its
// holder does it.
func (s *Spool) tidy(id string) {
	held, taken, err := s.lock(s.job(id, "lock"), false)
	if err != nil || taken {
		return
	}
	defer held.Close()
	end, err := s.ending(id)
	switch {
	case err != nil || end.state == Pending:
	case end.state == Done:
		err = s.giveNames(id, end.result.tag, end.result.names()...)
	default:
		err = s.giveNames(id, end.failure.tag, "error")
	}
	if err == nil && end.state != Pending {
		err = s.syncDir(s.job(id))
	}
	if err == nil && end.state != Pending {
		err = s.remove(s.job(id, "in"))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Error("tidying a job that has ended", "job", jobid.Short(id), "err", diskError(err))
	}
}

// clamp returns the time of finishing that a record says, as a time on this process's
// clock. It is not in the future: a job that ended while a clock ran ahead is kept no
// longer. It carries the monotonic reading, so that a jump of the clock from now on
// changes nothing.
func (s *Spool) clamp(finished time.Time) time.Time {
	now := s.now()
	return now.Add(-max(now.Sub(finished), 0))
}

// Rescan brings the index up to date with the folder: new jobs of others, jobs
// that others finished, delivered or removed. Then it sweeps. It looks at each job
// that is not known to be finished.
func (s *Spool) Rescan() error {
	if _, err := s.heard(); err != nil { // before the folder: a later hint counts
		return diskError(err)
	}
	names, err := readNames(s.path("jobs"))
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return diskError(err)
	}
	there := make(map[string]bool, len(names))
	for _, id := range names {
		if jobid.Valid(id) {
			there[id] = true
		}
	}

	s.mu.Lock()
	s.scanned = s.now()
	var look []string // may have changed
	for id, e := range s.jobs {
		// One that is not there was submitted after the folder was read, perhaps.
		if !there[id] || e.state == Pending && !e.running || e.state != Pending && !e.delivered {
			look = append(look, id)
		}
		delete(there, id)
	}
	s.mu.Unlock()

	s.enterAll(s.loadAll(slices.Collect(maps.Keys(there))))
	for _, id := range look {
		s.refresh(id)
	}
	s.mu.Lock()
	s.loaded = true
	s.mu.Unlock()
	s.sweep()
	s.poke()
	return nil
}

// loadAll reads jobs from disk, several at once.
func (s *Spool) loadAll(ids []string) []*entry {
	var next atomic.Int64
	found := make([]*entry, len(ids))
	var wg sync.WaitGroup
	for range min(max(runtime.GOMAXPROCS(0), 2), len(ids)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(ids)); i = next.Add(1) - 1 {
				e, err := s.load(ids[i])
				if err == nil {
					found[i] = e
				} else if !errors.Is(err, fs.ErrNotExist) {
					s.log.Error("reading a job", "job", jobid.Short(ids[i]), "err", diskError(err))
				}
			}
		})
	}
	wg.Wait()
	return slices.DeleteFunc(found, func(e *entry) bool { return e == nil })
}

// enterAll adds jobs to the index, except those that are there.
func (s *Spool) enterAll(found []*entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pending []*entry
	for _, e := range found {
		if s.jobs[e.id] != nil {
			continue
		}
		s.jobs[e.id] = e
		s.account(e, 1)
		switch {
		case e.state == Pending:
			pending = append(pending, e)
		case e.delivered:
			s.delivered = append(s.delivered, e)
		}
	}
	s.waitAll(pending)
	slices.SortFunc(s.delivered, endedFirst)
}

// known returns the entry of a job, which it reads from disk if need be: it may have
// been made by another imgd, or not have been read yet. It is nil when there is none.
func (s *Spool) known(id string) *entry {
	s.mu.Lock()
	e := s.jobs[id]
	s.mu.Unlock()
	if e != nil {
		return e
	}
	found, err := s.load(id)
	if err != nil {
		return nil
	}
	return s.add(found)
}

// refresh compares one job of the index with the disk.
func (s *Spool) refresh(id string) {
	now, err := s.load(id)
	if err != nil && (!errors.Is(err, fs.ErrNotExist) || s.check() != nil) {
		return // the next round sees
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.jobs[id]
	switch {
	case e == nil && err == nil:
		s.enter(now)
		s.poke()
	case e == nil || e.running && err == nil:
	case err != nil:
		s.drop(e)
	case e.state == Pending && now.state != Pending:
		s.finish(e, now.state, now.size, now.ended)
	case e.state != now.state: // its result was lost
		s.change(e, func() {
			e.state, e.size, e.ended = now.state, now.size, now.ended
			e.received, e.client = now.received, now.client
		})
		s.poke()
	case now.delivered && !e.delivered:
		s.change(e, func() { e.delivered = true })
		s.poke()
	}
}

func (s *Spool) meta(id string) (Meta, error) {
	b, err := readSmall(s.job(id, "job"))
	if err != nil {
		return Meta{}, err
	}
	m, err := parseMeta(b)
	if err != nil {
		kind := fault.Internal
		if fault.Of(err) == fault.Unsupported {
			kind = fault.Unsupported
		}
		return Meta{}, fault.New(kind, "job %s: spool: record: %w", jobid.Short(id), err)
	}
	return m, nil
}
