package spool

import (
	"context"
	"errors"
	"io/fs"
	"os"
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
	st := &Status{ID: id}
	var err error
	if st.Meta, err = s.meta(id); err != nil && !exists(s.job(id, "error")) {
		return nil, err
	}
	switch {
	case exists(s.job(id, "out")):
		st.State = Done
		if st.Result, err = s.result(id); err != nil {
			return nil, err
		}
		st.Started = st.Result.Started
	case exists(s.job(id, "error")):
		st.State = Failed
		if st.Failure, err = s.failure(id); err != nil {
			return nil, err
		}
		st.Started = st.Failure.Started
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
	defer s.mu.Unlock()
	if e := s.jobs[id]; e != nil && st.State == Pending && !st.Running {
		st.Place = s.place(e)
	}
	if st.State != Pending {
		st.Expires = st.Finished().Add(s.ttl)
	}
	return st, nil
}

// Wait returns when the job is done, failed or removed, or ctx ends.
func (s *Spool) Wait(ctx context.Context, id string) {
	s.mu.Lock()
	e := s.jobs[id]
	s.mu.Unlock()
	if e == nil { // made by another imgd since the last rescan, perhaps
		found, err := s.load(id)
		if err != nil {
			return
		}
		e = s.add(found)
	}
	s.mu.Lock()
	if s.jobs[id] != e || e.state != Pending {
		s.mu.Unlock()
		return
	}
	if e.changed == nil {
		e.changed = make(chan struct{})
	}
	changed := e.changed
	s.mu.Unlock()
	select {
	case <-changed:
	case <-ctx.Done():
	}
}

// Result opens the result of a job that is done. The caller closes it. It stays
// readable when the job is removed.
func (s *Spool) Result(id string) (*os.File, error) {
	f, err := os.Open(s.job(id, "out"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.absent(id)
	}
	return f, diskError(err)
}

// Sent records that the bytes of a result from from up to to were delivered. When
// all were, in whatever pieces, the job may go when room is needed. A failure is
// delivered by Sent(id, 0, 0).
//
// A client may have read the result from disk before whoever made it has said so
// here: then finish looks at what was sent.
func (s *Spool) Sent(id string, from, to int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.jobs[id]
	if e == nil || e.delivered || from > e.sent {
		return
	}
	e.told, e.sent = true, max(e.sent, to)
	if e.state != Pending {
		s.deliver(e)
	}
}

// deliver marks a finished job as delivered if all of it was sent. s.mu is held:
// to make an empty file, which isn't fsynced, is no wait for the disk.
func (s *Spool) deliver(e *entry) {
	if !e.told || e.sent < e.size-overhead {
		return
	}
	e.delivered = true
	if f, err := os.OpenFile(s.job(e.id, "delivered"), os.O_WRONLY|os.O_CREATE, 0o600); err == nil {
		f.Close()
	}
	s.poke() // there may be room now
}

// Has reports whether there is a job of that id.
func (s *Spool) Has(id string) bool { return jobid.Valid(id) && exists(s.job(id)) }
