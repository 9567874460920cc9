package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
	"imgtools/pkg/limits"
)

// Job is a pending job that this process holds the lock of. It ends with exactly
// one of Done, Fail and Release, which drop the lock.
type Job struct {
	ID string
	Meta
	Started time.Time
	// Context ends when the job is removed.
	Context context.Context

	s      *Spool
	e      *entry
	held   *os.File
	folder os.FileInfo
}

// Next takes the oldest pending job that nobody holds, or returns nil. Jobs that
// turn out to be finished, removed or unreadable are settled on the way. While
// finished jobs fill the quota it gives none.
func (s *Spool) Next() *Job {
	for {
		s.mu.Lock()
		var e *entry
		now := s.now()
		for _, p := range s.pending {
			if !p.after.After(now) {
				e = p
				break
			}
		}
		if e == nil {
			s.mu.Unlock()
			return nil
		}
		if over := s.finished - s.quota; over >= 0 {
			victims, enough := s.victims(over + 1)
			s.mu.Unlock()
			s.buryAll(victims)
			if !enough {
				return nil
			}
			continue
		}
		s.dequeue(e)
		e.running = true
		ctx, cancel := context.WithCancel(context.Background())
		e.cancel = cancel
		s.mu.Unlock()

		j, err := s.take(e)
		if j != nil {
			j.Context = ctx
			return j
		}
		cancel()
		switch {
		case errors.Is(err, errHeld):
			s.putBack(e, RescanEvery)
		case err != nil:
			s.log.Error("taking a job up", "job", jobid.Short(e.id), "err", diskError(err))
			s.putBack(e, 10*RescanEvery)
		}
	}
}

var errHeld = errors.New("held by another")

// take locks a job and looks at it again. Without a job and without an error it
// has been settled.
func (s *Spool) take(e *entry) (*Job, error) {
	folder, err := os.Stat(s.job(e.id))
	if errors.Is(err, fs.ErrNotExist) {
		s.forget(e)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	held, taken, err := lock(s.job(e.id, "lock"), false)
	if errors.Is(err, fs.ErrNotExist) && !exists(s.job(e.id)) {
		s.forget(e)
		return nil, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		held, taken, err = lock(s.job(e.id, "lock"), true)
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
		s.forget(e)
		return nil, nil
	}
	if exists(s.job(e.id, "out")) || exists(s.job(e.id, "error")) {
		held.Close()
		s.settle(e)
		return nil, nil
	}
	j.clean()
	if j.Meta, err = s.meta(e.id); err != nil {
		j.Fail(fault.As(fault.Internal, fmt.Errorf("the job can't be read: %w", diskError(err))))
		return nil, nil
	}
	if in, ok, err := size(s.job(e.id, "in")); err != nil || !ok || in != j.Bytes {
		j.Fail(fault.New(fault.Internal, "the picture can't be read: %d of %d bytes are there", in, j.Bytes))
		return nil, nil
	}
	if n := j.Deaths(); n >= limits.Deaths {
		j.Fail(fault.New(fault.Internal, "%d workers died of this picture", n))
		return nil, nil
	}
	var t text
	t.line("host", s.host)
	t.line("pid", fmt.Sprint(os.Getpid()))
	t.time("started", j.Started)
	held.Truncate(0)
	held.WriteAt(t.Bytes(), 0) // for people and the status; not relied on
	return j, nil
}

// still reports whether the folder under the job's id is the one that was locked.
func (j *Job) still() bool {
	fi, err := os.Stat(j.s.job(j.ID))
	return err == nil && os.SameFile(fi, j.folder)
}

// clean removes what an earlier holder left half done.
func (j *Job) clean() {
	names, _ := readNames(j.s.job(j.ID))
	for _, n := range names {
		if strings.HasPrefix(n, "out.") || strings.HasPrefix(n, "error.") {
			os.Remove(j.s.job(j.ID, n))
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
	path := j.s.job(j.ID, "deaths")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return 0, diskError(err)
	}
	_, err = f.Write([]byte{'x'})
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = syncDir(j.s.job(j.ID))
	}
	return j.Deaths(), diskError(err)
}

// Done makes out the job's result, which r describes, and closes out. When that
// can't be written the job fails. The returned error is for the log; the job has
// ended in any case.
func (j *Job) Done(out *Temp, r Result) error {
	defer out.Close()
	s := j.s
	r.Started, r.Finished = j.Started, s.now()
	err := j.commit(out, r)
	if err != nil && !j.still() {
		j.end() // removed meanwhile
		s.forget(j.e)
		return nil
	}
	if err != nil {
		err = fmt.Errorf("writing the result: %w", diskError(err))
		j.Full(err)
		return err
	}
	os.Remove(s.job(j.ID, "in"))
	s.mu.Lock()
	s.finish(j.e, Done, r.Size+overhead, r.Finished)
	s.mu.Unlock()
	j.end()
	return nil
}

func (j *Job) commit(out *Temp, r Result) (err error) {
	tmp, record := j.s.job(j.ID, "out."+j.s.tag()), j.s.job(j.ID, "result")
	defer func() {
		if err != nil { // of a result that is not to be, nothing stays
			os.Remove(tmp)
			os.Remove(record)
		}
	}()
	if err := out.sync(); err != nil {
		return err
	}
	if err := writeSynced(record, r.marshal()); err != nil {
		return err
	}
	if err := out.link(tmp); err != nil {
		return err
	}
	if err := j.rename(tmp, "out"); err != nil {
		return err
	}
	out.kept()
	return nil
}

// rename gives tmp its final name, which is the change of state, and fsyncs it.
func (j *Job) rename(tmp, name string) error {
	if !j.still() {
		return fs.ErrNotExist
	}
	if err := os.Rename(tmp, j.s.job(j.ID, name)); err != nil {
		return err
	}
	if err := syncDir(j.s.job(j.ID)); err != nil {
		os.Remove(j.s.job(j.ID, name))
		return err
	}
	return nil
}

// Fail ends the job with the reason cause.
func (j *Job) Fail(cause error) {
	s := j.s
	f := Failure{Kind: fault.Of(cause), Detail: cause.Error(), Started: j.Started, Finished: s.now()}
	tmp := s.job(j.ID, "error."+s.tag())
	err := writeSynced(tmp, f.marshal())
	if err == nil {
		err = j.rename(tmp, "error")
	}
	if err != nil && !j.still() {
		j.end()
		s.forget(j.e)
		return
	}
	if err != nil {
		// Not even that can be written. It stays pending, and is tried again when
		// the disk may be better.
		os.Remove(tmp)
		s.log.Error("writing a failure", "job", jobid.Short(j.ID), "cause", cause, "err", diskError(err))
		j.Release(15 * RescanEvery)
		return
	}
	os.Remove(s.job(j.ID, "in"))
	s.mu.Lock()
	s.finish(j.e, Failed, overhead, f.Finished)
	s.mu.Unlock()
	j.end()
}

// Full ends an attempt that found no room on disk, as err says: the job is tried
// again later, but not for ever. With an error of another kind the job fails.
func (j *Job) Full(err error) {
	if fault.Of(err) == fault.Full && j.s.now().Sub(j.Received) < j.s.ttl {
		j.Release(15 * RescanEvery)
		return
	}
	j.Fail(err)
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
	j.e.running = false
	if j.e.cancel != nil {
		j.e.cancel()
		j.e.cancel = nil
	}
}

// putBack returns a job to the pending ones.
func (s *Spool) putBack(e *entry, after time.Duration) {
	s.mu.Lock()
	e.running = false
	e.cancel = nil
	e.after = s.now().Add(after)
	if s.jobs[e.id] == e && e.state == Pending {
		s.enqueue(e)
	}
	s.mu.Unlock()
	if after <= 0 {
		s.poke()
	} else if after < RescanEvery { // else the rescan wakes
		time.AfterFunc(after, s.poke)
	}
}

// forget drops a job from the index.
func (s *Spool) forget(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(e)
}

// settle updates the index of a job that somebody else has finished.
func (s *Spool) settle(e *entry) {
	now, err := s.load(e.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e.running, e.cancel = false, nil
	switch {
	case err != nil:
		s.drop(e)
	case now.state != Pending:
		s.finish(e, now.state, now.size, now.ended)
	default:
		s.enqueue(e)
	}
}
