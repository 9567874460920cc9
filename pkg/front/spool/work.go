package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
	"imgtools/pkg/limits"
)

// How long a job that could not be done is left alone.
const (
	heldPause  = RescanEvery      // another process holds its lock
	errorPause = RescanEvery      // its files could not be read
	fullPause  = 15 * RescanEvery // there was no room for the result
)

// Job is a pending job whose lock this process holds. It ends with exactly one call
// of Done, Fail, Full or Release, which drops the lock.
type Job struct {
	ID string
	Meta
	Started time.Time
	// Context ends when the job is removed.
	Context context.Context

	s      *Spool
	e      *entry
	client *client // whose turn this is; nil while it is being taken
	held   *os.File
	folder os.FileInfo
}

// Next takes a pending job that nobody holds, or returns nil: the oldest of the client
// whose turn it is. Jobs that
// turn out to be finished, removed or unreadable are settled on the way. It returns
// nil while finished jobs fill the quota and while the spool can't be used.
func (s *Spool) Next() *Job {
	for {
		e, victims := s.choose()
		if len(victims) > 0 {
			s.buryAll(victims)
			continue
		}
		if e == nil {
			return nil
		}
		ctx, cancel := context.WithCancel(context.Background())
		s.mu.Lock()
		e.cancel = cancel
		s.mu.Unlock()
		j, err := s.take(e)
		if j != nil {
			j.Context = ctx
			s.mu.Lock()
			j.client = s.begin(e)
			s.mu.Unlock()
			return j
		}
		cancel()
		switch {
		case errors.Is(err, errHeld):
			s.putBack(e, heldPause)
		case err != nil:
			s.log.Error("taking a job up", "job", jobid.Short(e.id), "err", diskError(err))
			s.putBack(e, errorPause)
		}
	}
}

// choose returns the job to be tried next, marked as running, or nil; or delivered
// jobs that are to be buried first, to make room.
func (s *Spool) choose() (e *entry, victims []*entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble != nil || !s.loaded {
		return nil, nil
	}
	if e = s.next(s.now()); e == nil {
		return nil, nil
	}
	if over := s.finished - s.quota; over >= 0 {
		victims, _ = s.victims(plus(over, 1))
		return nil, victims
	}
	s.change(e, func() { e.running = true })
	return e, nil
}

var errHeld = errors.New("held by another")

// take locks a job and looks at it again. Without a job and without an error it
// has been settled.
func (s *Spool) take(e *entry) (*Job, error) {
	folder, err := os.Lstat(s.job(e.id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.vanished(e)
	}
	if err != nil {
		return nil, err
	}
	held, taken, err := s.lock(s.job(e.id, "lock"), true)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.vanished(e)
	}
	if err != nil {
		return nil, err
	}
	if taken {
		return nil, errHeld
	}
	j := &Job{ID: e.id, Started: s.now(), s: s, e: e, held: held, folder: folder}
	if !j.still() {
		held.Close()
		return nil, s.vanished(e)
	}
	end, err := s.ending(e.id)
	if err != nil {
		held.Close()
		return nil, err
	}
	if end.state != Pending {
		held.Close()
		s.settle(e)
		return nil, nil
	}
	j.clean()
	if j.Meta, err = s.meta(e.id); err != nil {
		if known := fault.Of(err); known == fault.Unsupported && s.now().Sub(s.receivedAt(e)) < s.ttl {
			held.Close()
			return nil, errHeld // left to an imgd that knows it
		}
		if kind := fault.Of(diskError(err)); kind == fault.Busy {
			held.Close()
			return nil, err
		}
		j.Fail(fault.As(fault.Internal, fmt.Errorf("the job can't be read: %w", diskError(err))))
		return nil, nil
	}
	in, ok, err := size(s.job(e.id, "in"))
	if err != nil {
		held.Close()
		return nil, err
	}
	if !ok || in != j.Bytes {
		j.Fail(fault.New(fault.Internal, "the picture can't be read: %d of %d bytes are there", in, j.Bytes))
		return nil, nil
	}
	if n := j.Deaths(); n >= limits.Deaths {
		j.Fail(fault.New(fault.Internal, "%d workers died of this picture", n))
		return nil, nil
	}
	j.sign()
	return j, nil
}

// sign writes into the lock who holds it, for people and for the status. No code
// relies on it.
func (j *Job) sign() {
	var t text
	t.line("host", j.s.host)
	t.line("pid", fmt.Sprint(os.Getpid()))
	t.time("started", j.Started)
	j.held.Truncate(0)
	j.held.WriteAt(t.Bytes(), 0)
	j.s.did("write", j.s.job(j.ID, "lock"))
}

// receivedAt is when a job was received. For a job whose record can't be read, that
// is the time of its file.
func (s *Spool) receivedAt(e *entry) time.Time {
	if !e.received.IsZero() {
		return e.received
	}
	if fi, err := os.Lstat(s.job(e.id, "job")); err == nil {
		return fi.ModTime()
	}
	return time.Time{}
}

// still reports whether the folder under the job's id is the one that was locked.
func (j *Job) still() bool {
	fi, err := os.Lstat(j.s.job(j.ID))
	return err == nil && os.SameFile(fi, j.folder)
}

// clean removes what earlier holders left half done, and an end whose result was
// lost.
func (j *Job) clean() {
	names, _ := readNames(j.s.job(j.ID))
	for _, n := range names {
		base, _, _ := strings.Cut(n, ".")
		if base == "end" || slices.Contains(outcomeFiles, base) {
			if err := j.s.remove(j.s.job(j.ID, n)); err != nil {
				j.s.log.Error("removing what is left of a result", "job", jobid.Short(j.ID), "err", diskError(err))
			}
		}
	}
}

// Reader returns a new open file description of the picture. The caller closes it.
func (j *Job) Reader() (*os.File, error) { return reopen(j.s.job(j.ID, "in"), os.O_RDONLY) }

// Deaths returns how many workers died of the picture.
func (j *Job) Deaths() int {
	n, _, _ := size(j.s.job(j.ID, "deaths"))
	return int(min(n, 1<<20))
}

// Died records that a worker died of the picture or ran out of time, so that it
// outlives this process, and returns how many did.
func (j *Job) Died() (int, error) {
	err := j.s.extend(j.s.job(j.ID, "deaths"), []byte{'x'})
	if err == nil {
		err = j.s.syncDir(j.s.job(j.ID))
	}
	return j.Deaths(), diskError(err)
}

// Release makes the job pending again, to be tried not before after has passed.
func (j *Job) Release(after time.Duration) {
	j.end()
	j.s.putBack(j.e, after)
}

// end drops the lock.
func (j *Job) end() {
	j.held.Close()
	j.s.mu.Lock()
	defer j.s.mu.Unlock()
	if j.client != nil {
		j.s.ended(j.client)
	}
	if j.e.cancel != nil {
		j.e.cancel()
		j.e.cancel = nil
	}
}

// putBack returns a job to the pending ones.
func (s *Spool) putBack(e *entry, after time.Duration) {
	s.mu.Lock()
	s.change(e, func() {
		e.running, e.cancel = false, nil
		e.after = s.now().Add(after)
	})
	s.mu.Unlock()
	if after <= 0 {
		s.poke()
	} else if after < RescanEvery { // else Watch does
		time.AfterFunc(after, s.poke)
	}
}

// vanished drops a job whose folder is not there. Its error says that the whole
// spool is not there.
func (s *Spool) vanished(e *entry) error {
	if err := s.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change(e, func() { e.running = false })
	s.drop(e)
	return nil
}

// settle updates the index of a job that another process has finished or removed.
func (s *Spool) settle(e *entry) {
	s.mu.Lock()
	s.change(e, func() { e.running, e.cancel = false, nil })
	s.mu.Unlock()
	s.refresh(e.id)
}
