package spool

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"reflect"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
)

// Status is what is known of a job, read from its files.
type Status struct {
	ID      string
	Meta    Meta
	State   State
	Running bool // a process holds its lock
	Place   int  // 1: the next one; 0: not known, or it does not wait
	Started time.Time
	Result  Result  // State Done
	Failure Failure // State Failed
	Expires time.Time

	outs []string // State Done: path of each result
}

// Pending reports whether the job has neither a result nor an error.
func (st *Status) Pending() bool { return st.State == Pending }

// Finished returns when the job was done or failed.
func (st *Status) Finished() time.Time {
	if st.State == Failed {
		return st.Failure.Finished
	}
	return st.Result.Finished
}

// Status reads the status of a job. Its error is of kind Gone or NotFound when
// there is no such job.
func (s *Spool) Status(id string) (*Status, error) {
	if !jobid.Valid(id) {
		return nil, fault.New(fault.NotFound, "no job %s", jobid.Short(id))
	}
	st, err := s.status(id)
	if errors.Is(err, fs.ErrNotExist) && !exists(s.job(id)) {
		return nil, s.absent(id)
	}
	if err != nil {
		return nil, diskError(err)
	}
	if s.isGone(id) { // about to be renamed away
		return nil, errGone(id)
	}
	return st, nil
}

func (s *Spool) status(id string) (*Status, error) {
	end, err := s.ending(id)
	if err != nil {
		return nil, err
	}
	st := &Status{ID: id, State: end.state, Result: end.result, Failure: end.failure, outs: end.outs}
	if st.Meta, err = s.meta(id); err != nil && end.state != Failed && fault.Of(err) != fault.Unsupported {
		return nil, err
	}
	switch end.state {
	case Done:
		st.Started = end.result.Started
	case Failed:
		st.Started = end.failure.Started
	default:
		if st.Running, err = locked(s.job(id, "lock")); err != nil && !(errors.Is(err, fs.ErrNotExist) && exists(s.job(id))) {
			return nil, err
		}
		if st.Running {
			if b, err := readSmall(s.job(id, "lock")); err == nil {
				st.Started = parseRecord(b).time("started", false)
			}
		}
	}
	s.mu.Lock()
	e := s.jobs[id]
	stale := e != nil && e.state != st.State && !e.running
	if e != nil && st.State == Pending && !st.Running {
		st.Place = s.place(e)
	}
	if st.State != Pending {
		st.Expires = s.clamp(st.Finished()).Add(s.ttl)
		if e != nil && e.state != Pending {
			st.Expires = e.ended.Add(s.ttl)
		}
	}
	s.mu.Unlock()
	if stale { // finished by another imgd, or its result was lost
		s.refresh(id)
	}
	return st, nil
}

// Wait returns when one of the jobs is done, failed or removed, or ctx ends.
func (s *Spool) Wait(ctx context.Context, ids ...string) {
	ended := func(ch <-chan struct{}) reflect.SelectCase {
		return reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ch)}
	}
	any := []reflect.SelectCase{ended(ctx.Done())}
	for _, id := range ids {
		changed := s.endOf(id)
		if changed == nil {
			return
		}
		any = append(any, ended(changed))
	}
	reflect.Select(any)
}

// endOf returns a channel that is closed when a pending job has ended. It is nil if the
// job isn't pending.
func (s *Spool) endOf(id string) <-chan struct{} {
	if !jobid.Valid(id) { // no path is made of it
		return nil
	}
	e := s.known(id)
	if e == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs[id] != e || e.state != Pending {
		return nil
	}
	if e.changed == nil {
		e.changed = make(chan struct{})
	}
	return e.changed
}

// Result opens result n, from 1, of a job that is done. The caller closes it. It stays
// readable when the job is removed.
func (s *Spool) Result(st *Status, n int) (*os.File, error) {
	for _, path := range []string{st.outs[n-1], s.job(st.ID, outName(n))} { // out.TAG may have become out
		f, err := openFile(path, os.O_RDONLY, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, diskError(err)
		}
		if fi, err := f.Stat(); err != nil || fi.Size() != st.Result.Outputs()[n-1].Size {
			f.Close()
			return nil, fault.New(fault.Busy, "the result of job %s has just changed", jobid.Short(st.ID))
		}
		return f, nil
	}
	return nil, s.absent(st.ID)
}

// Sent records that the bytes of result n from from up to to were delivered. When
// all of all results were, in whatever pieces, the job may go when room is needed. A
// failure is delivered by Sent(id, 1, 0, 0).
//
// A client may have read the result from disk before the process that made it has
// recorded it here. Then finish looks at what was sent.
func (s *Spool) Sent(id string, n int, from, to int64) {
	e := s.known(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e == nil || e.delivered {
		return
	}
	if e.sent == nil {
		if from > 0 {
			return
		}
		e.sent = new([maxOutputs]int64)
	}
	sent := &e.sent[n-1]
	if from > *sent {
		return
	}
	*sent = max(*sent, to)
	if e.state != Pending {
		s.deliver(e)
	}
}

// deliver marks a finished job as delivered if all of it was sent. s.mu is held. The
// mark is not fsynced, so this does not wait for the disk.
func (s *Spool) deliver(e *entry) {
	if e.sent == nil || e.delivered {
		return
	}
	all := int64(0)
	for _, n := range e.sent {
		all += n
	}
	if all < e.size-overhead {
		return
	}
	s.change(e, func() { e.delivered, e.sent = true, nil })
	s.mark(s.job(e.id, "delivered"))
	s.tell(e.id)
	s.poke() // there may be room now
}

// Has reports whether there is a job of that id.
func (s *Spool) Has(id string) bool { return jobid.Valid(id) && exists(s.job(id)) }
