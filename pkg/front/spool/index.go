package spool

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
)

// State is what a job's files say about it.
type State uint8

const (
	Pending State = iota
	Done
	Failed
)

// entry is what is known in memory of one job.
type entry struct {
	id       string
	received time.Time
	state    State
	running  bool      // in this process
	after    time.Time // pending: not to be tried before
	size     int64     // bytes that it counts with
	ended    time.Time // done or failed: when

	sent      int64 // how much of the result was delivered, from its start on
	told      bool  // Sent was called
	delivered bool

	changed chan struct{} // closed when it is finished or removed; nil if nobody waits
	cancel  func()        // running: stops the work
}

func older(a, b *entry) int {
	return cmp.Or(a.received.Compare(b.received), cmp.Compare(a.id, b.id))
}

// add puts a job into the index, or leaves it if it is there.
func (s *Spool) add(e *entry) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.jobs[e.id]; old != nil {
		return old
	}
	s.jobs[e.id] = e
	s.used += e.size
	if e.state == Pending {
		s.enqueue(e)
		s.poke()
	} else {
		s.finished += e.size
	}
	return e
}

// enqueue puts a pending job in its place. s.mu is held.
func (s *Spool) enqueue(e *entry) {
	i, found := slices.BinarySearchFunc(s.pending, e, older)
	if !found {
		s.pending = slices.Insert(s.pending, i, e)
	}
}

// dequeue takes a job out of the pending ones. s.mu is held.
func (s *Spool) dequeue(e *entry) {
	if i, found := slices.BinarySearchFunc(s.pending, e, older); found {
		s.pending = slices.Delete(s.pending, i, i+1)
	}
}

// drop forgets a job whose folder is no longer there. s.mu is held.
func (s *Spool) drop(e *entry) {
	if s.jobs[e.id] != e {
		return
	}
	delete(s.jobs, e.id)
	s.dequeue(e)
	s.used -= e.size
	if e.state != Pending {
		s.finished -= e.size
	}
	if e.cancel != nil {
		e.cancel()
	}
	e.notify()
}

// finish records that a pending job has become done or failed. s.mu is held.
func (s *Spool) finish(e *entry, state State, size int64, ended time.Time) {
	if s.jobs[e.id] != e || e.state != Pending {
		return
	}
	s.dequeue(e)
	e.state, e.ended = state, ended
	s.used += size - e.size
	e.size = size
	s.finished += size
	s.deliver(e)
	e.notify()
}

func (e *entry) notify() {
	if e.changed != nil {
		close(e.changed)
		e.changed = nil
	}
}

// Waiting returns the number of jobs that wait for a worker.
func (s *Spool) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending)
}

// place returns how many jobs are to be worked on before e, and e itself; 0 if it
// does not wait here. s.mu is held.
func (s *Spool) place(e *entry) int {
	if i, found := slices.BinarySearchFunc(s.pending, e, older); found {
		return i + 1
	}
	return 0
}

// load reads from disk what the index has of a job. Its error is fs.ErrNotExist
// when there is no such job.
func (s *Spool) load(id string) (*entry, error) {
	e := &entry{id: id, size: overhead}
	// In this order: in is removed only after out or error has its name.
	in, hasIn, err := size(s.job(id, "in"))
	if err != nil {
		return nil, err
	}
	out, hasOut, err := size(s.job(id, "out"))
	if err != nil {
		return nil, err
	}
	_, hasError, err := size(s.job(id, "error"))
	if err != nil {
		return nil, err
	}
	switch {
	case hasOut:
		e.state = Done
		e.size += out
		r, err := s.result(id)
		e.ended = r.Finished
		if err != nil {
			e.ended = s.now() // unreadable: its time to live begins now
		}
		e.delivered = exists(s.job(id, "delivered"))
	case hasError:
		e.state = Failed
		f, err := s.failure(id)
		e.ended = f.Finished
		if err != nil {
			e.ended = s.now()
		}
		e.delivered = exists(s.job(id, "delivered"))
	case !hasIn && !exists(s.job(id)):
		return nil, fs.ErrNotExist
	}
	if e.state == Pending {
		e.size += in
	} else if hasIn { // killed before it was removed
		os.Remove(s.job(id, "in"))
	}
	// A job whose file job can't be read is pending, and fails when taken up.
	if m, err := s.meta(id); err == nil {
		e.received = m.Received
	}
	return e, nil
}

// Rescan brings the index up to date with the folder: new jobs of others, jobs
// that others finished, delivered or removed. Then it sweeps.
func (s *Spool) Rescan() error {
	names, err := readNames(s.path("jobs"))
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
	var look []string // pending, not here: maybe finished by another
	var undelivered []*entry
	scarce := s.used+s.reserved > s.quota/2 // before, it is no matter what could go
	for id, e := range s.jobs {
		if scarce && e.state != Pending && !e.delivered {
			undelivered = append(undelivered, e)
		}
		switch {
		case !there[id]:
			// Submitted after the folder was read, perhaps: look at it alone.
			look = append(look, id)
		case e.state == Pending && !e.running:
			look = append(look, id)
		}
		delete(there, id)
	}
	s.mu.Unlock()

	for id := range there {
		e, err := s.load(id)
		if err == nil {
			s.add(e)
		} else if !errors.Is(err, fs.ErrNotExist) {
			s.log.Error("reading a job", "job", jobid.Short(id), "err", diskError(err))
		}
	}
	for _, id := range look {
		s.refresh(id)
	}
	for _, e := range undelivered {
		if exists(s.job(e.id, "delivered")) {
			s.mu.Lock()
			e.delivered = true
			s.mu.Unlock()
		}
	}
	s.sweep()
	s.poke()
	return nil
}

// refresh compares one job of the index with the disk.
func (s *Spool) refresh(id string) {
	if exists(s.job(id)) && !exists(s.job(id, "out")) && !exists(s.job(id, "error")) {
		return // still pending
	}
	now, err := s.load(id)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return // the next round sees
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.jobs[id]
	switch {
	case e == nil || e.running && err == nil:
	case err != nil:
		s.drop(e)
	case e.state == Pending && now.state != Pending:
		s.finish(e, now.state, now.size, now.ended)
	}
}

func (s *Spool) meta(id string) (Meta, error) {
	return readRecord(s.job(id, "job"), id, parseMeta)
}

func (s *Spool) result(id string) (Result, error) {
	return readRecord(s.job(id, "result"), id, parseResult)
}

func (s *Spool) failure(id string) (Failure, error) {
	return readRecord(s.job(id, "error"), id, parseFailure)
}

func readRecord[T any](path, id string, parse func([]byte) (T, error)) (T, error) {
	var zero T
	b, err := readSmall(path)
	if err != nil {
		return zero, err
	}
	v, err := parse(b)
	if err != nil {
		return zero, fault.New(fault.Internal, "job %s: spool: damaged record: %w", jobid.Short(id), err)
	}
	return v, nil
}
