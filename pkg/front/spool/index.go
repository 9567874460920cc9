package spool

import (
	"cmp"
	"slices"
	"time"
)

// State is what a job's files say about it.
type State uint8

const (
	Pending State = iota
	Done
	Failed
	numStates
)

// entry is what is known in memory of one job.
type entry struct {
	id       string
	client   string // who handed it in
	received time.Time
	state    State
	running  bool      // in this process
	after    time.Time // pending: not to be tried before
	size     int64     // bytes that it counts with
	ended    time.Time // done or failed: when; never in the future

	sent      *[maxOutputs]int64 // how much of each result was delivered, from its start on; nil: nothing
	delivered bool

	changed chan struct{} // closed when it is finished or removed; nil if nobody waits
	cancel  func()        // running: stops the work
}

// index has all jobs of the spool. Spool.mu guards it.
type index struct {
	jobs      map[string]*entry
	waiting            // the pending ones that are not running here
	delivered []*entry // finished and delivered; in the order of endedFirst
	count     [numStates]int
	running   int   // in this process
	used      int64 // bytes of all entries
	finished  int64 // of these, bytes of finished ones
	removable int64 // of these, bytes of delivered ones
}

func older(a, b *entry) int {
	return cmp.Or(a.received.Compare(b.received), cmp.Compare(a.id, b.id))
}

func endedFirst(a, b *entry) int {
	return cmp.Or(a.ended.Compare(b.ended), cmp.Compare(a.id, b.id))
}

// insert puts e in its place in a sorted list.
func insert[E any](list []E, e E, order func(a, b E) int) []E {
	i, found := slices.BinarySearchFunc(list, e, order)
	if !found {
		list = slices.Insert(list, i, e)
	}
	return list
}

// without takes e out of a sorted list.
func without[E any](list []E, e E, order func(a, b E) int) []E {
	if i, found := slices.BinarySearchFunc(list, e, order); found {
		list = slices.Delete(list, i, i+1)
	}
	return list
}

// enter adds a job that is not in the index.
func (x *index) enter(e *entry) {
	x.jobs[e.id] = e
	x.account(e, 1)
	x.list(e)
}

// list puts e on the list of its state.
func (x *index) list(e *entry) {
	switch {
	case e.state == Pending && !e.running:
		x.wait(e)
	case e.state != Pending && e.delivered:
		x.delivered = insert(x.delivered, e, endedFirst)
	}
}

// unlist takes e off the list of its state.
func (x *index) unlist(e *entry) {
	x.unwait(e)
	if e.state != Pending {
		x.delivered = without(x.delivered, e, endedFirst)
	}
}

// account adds e to the sums, or with sign -1 takes it out.
func (x *index) account(e *entry, sign int) {
	n := int64(sign) * e.size
	x.count[e.state] += sign
	x.used += n
	if e.running {
		x.running += sign
	}
	if e.state != Pending {
		x.finished += n
		if e.delivered {
			x.removable += n
		}
	}
}

// change alters an entry of the index.
func (x *index) change(e *entry, alter func()) {
	if x.jobs[e.id] != e {
		alter()
		return
	}
	x.unlist(e)
	x.account(e, -1)
	alter()
	x.account(e, 1)
	x.list(e)
}

// leave takes a job out of the index.
func (x *index) leave(e *entry) {
	x.unlist(e)
	x.account(e, -1)
	delete(x.jobs, e.id)
}

// waitingJobs returns how many jobs are pending and not running here.
func (x *index) waitingJobs() int { return x.count[Pending] - x.running }

// add puts a job into the index, or leaves it if it is there.
func (s *Spool) add(e *entry) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.jobs[e.id]; old != nil {
		return old
	}
	s.enter(e)
	if e.state == Pending {
		s.poke()
	}
	return e
}

// drop forgets a job whose folder is no longer there. s.mu is held.
func (s *Spool) drop(e *entry) {
	if s.jobs[e.id] != e {
		return
	}
	s.leave(e)
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
	s.change(e, func() { e.state, e.ended, e.size = state, ended, size })
	if ended.After(s.latest) {
		s.latest = ended
	}
	s.deliver(e)
	e.notify()
}

func (e *entry) notify() {
	if e.changed != nil {
		close(e.changed)
		e.changed = nil
	}
}

// EachClient calls f for each client that has a job that waits or runs here, with the
// number of those that wait.
func (s *Spool) EachClient(f func(client string, waiting int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, c := range s.clients {
		f(name, len(c.jobs))
	}
}

// Waiting returns the number of jobs that wait for a worker.
func (s *Spool) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waitingJobs()
}
