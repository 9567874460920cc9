package spool

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
)

// How a job ends. The process that holds its lock writes the outcome under names of its own,
//
//	out.TAG     the result; of several out2.TAG, out3.TAG and so on, too
//	result.TAG  its record, or error.TAG, the record of a failure
//
// and links the record to the name end. link(2) fails when end is there, so of two
// processes that both believe to hold the lock (a file server that was restarted
// forgets locks) one wins, and the other removes its own files. The winner gives its
// files their usual names and fsyncs the folder. Only then is the picture removed.
//
// After a crash end may be there without the rest. Then the picture is there, too,
// and the next holder removes end and starts again.

// errLost says that another process has taken or ended the job.
var errLost = errors.New("another process has taken or ended the job")

// Done makes out, and of several sizes those of more, the job's results, which r
// describes, and closes them. When that can't be written the job fails, or is tried again
// if the disk is full or away. The returned error is for the log; this process has no more
// to do with the job.
func (j *Job) Done(out *Temp, r Result, more ...*Temp) error {
	outs := append([]*Temp{out}, more...)
	for _, t := range outs {
		defer t.Close()
	}
	r.Started, r.Finished = j.Started, j.s.now()
	err := j.conclude(func(tag string) ([]string, error) { return j.writeResult(outs, &r, tag) })
	if err == nil {
		j.finished(Done, plus(r.Bytes(), overhead), r.Finished)
		return nil
	}
	if j.lost(err) {
		return nil
	}
	err = fmt.Errorf("writing the result: %w", diskError(err))
	j.Full(err)
	return err
}

// Fail ends the job with the reason cause.
func (j *Job) Fail(cause error) {
	f := Failure{Kind: fault.Of(cause), Detail: cause.Error(), Started: j.Started, Finished: j.s.now()}
	err := j.conclude(func(tag string) ([]string, error) {
		f.tag = tag
		return []string{"error"}, j.s.create(j.s.job(j.ID, "error."+tag), f.marshal())
	})
	switch {
	case err == nil:
		j.finished(Failed, overhead, f.Finished)
	case j.lost(err):
	default:
		// Not even that can be written. It is tried again when the disk may be better.
		j.s.log.Error("writing a failure", "job", jobid.Short(j.ID), "cause", cause, "err", diskError(err))
		j.Release(errorPause)
	}
}

// Full ends an attempt that err ended. When the disk was full or away, the job is
// tried again later, but not for longer than its time to live. Otherwise it fails.
func (j *Job) Full(err error) {
	pause, again := map[fault.Kind]time.Duration{fault.Full: fullPause, fault.Busy: errorPause}[fault.Of(err)]
	if again && j.s.now().Sub(j.Received) < j.s.ttl {
		j.Release(pause)
		return
	}
	j.Fail(err)
}

// conclude makes the outcome that write writes the end of the job, durably. write
// returns the names of its files, the record first. Of an outcome that is not to be nothing
// stays.
func (j *Job) conclude(write func(tag string) (names []string, err error)) error {
	if !j.mine() {
		return errLost
	}
	s, tag := j.s, j.s.tag()
	names, err := write(tag)
	if err == nil && !j.still() {
		err = fs.ErrNotExist
	}
	if err == nil {
		err = s.link(s.job(j.ID, names[0]+"."+tag), s.job(j.ID, "end"))
		// Not there: the next holder has removed what this one had half done.
		if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
			err = errLost
		}
	}
	if err != nil {
		j.discard(tag)
		return err
	}
	if err := s.giveNames(j.ID, tag, names...); err != nil {
		return j.undo(tag, err)
	}
	if err := s.syncDir(s.job(j.ID)); err != nil {
		return j.undo(tag, err)
	}
	return nil
}

// giveNames gives the files of an outcome their names without TAG.
func (s *Spool) giveNames(id, tag string, names ...string) error {
	if tag == "" || strings.Contains(tag, "/") {
		return nil // of version 1
	}
	for _, name := range names {
		tagged := s.job(id, name+"."+tag)
		// An imgd of version 1 may have made the name. It has written the same.
		switch err := s.link(tagged, s.job(id, name)); {
		case errors.Is(err, fs.ErrNotExist): // it has its name
		case errors.Is(err, fs.ErrExist) && isOut(name) && !sameSize(tagged, s.job(id, name)):
			// Something else has the name: the result is read under the other.
		case err != nil && !errors.Is(err, fs.ErrExist):
			return err
		default:
			s.remove(tagged)
		}
	}
	return nil
}

// outcomeFiles are the names that the files of an outcome have in the end, but for end.
var outcomeFiles = func() []string {
	names := []string{"result", "error"}
	for n := range maxOutputs {
		names = append(names, outName(n+1))
	}
	return names
}()

// isOut reports whether a file of that name is a result.
func isOut(name string) bool { return strings.HasPrefix(name, "out") }

func sameSize(a, b string) bool {
	n, _, aerr := size(a)
	m, _, berr := size(b)
	return aerr == nil && berr == nil && n == m
}

// undo takes an end back that could not be made durable.
func (j *Job) undo(tag string, err error) error {
	if j.still() {
		j.s.remove(j.s.job(j.ID, "end"))
		for _, name := range outcomeFiles {
			j.s.remove(j.s.job(j.ID, name))
		}
		j.discard(tag)
	}
	return err
}

// discard removes the files that this process has written for an outcome.
func (j *Job) discard(tag string) {
	for _, name := range outcomeFiles {
		j.s.remove(j.s.job(j.ID, name+"."+tag))
	}
}

// writeResult writes the results and their record, durably but for their names.
func (j *Job) writeResult(outs []*Temp, r *Result, tag string) (names []string, err error) {
	if len(outs) != len(r.Outputs()) {
		return nil, fmt.Errorf("%d files for %d results", len(outs), len(r.Outputs()))
	}
	for i, out := range outs {
		o := &r.Output
		if i > 0 {
			o = &r.More[i-1]
		}
		if o.SHA256, err = sum(out); err != nil {
			return nil, err
		}
		if err := out.sync(); err != nil {
			return nil, err
		}
	}
	r.tag = tag
	if err := j.s.create(j.s.job(j.ID, "result."+tag), r.marshal()); err != nil {
		return nil, err
	}
	for i, out := range outs {
		if err := out.link(j.s.job(j.ID, outName(i+1)+"."+tag)); err != nil {
			return nil, err
		}
		out.kept()
	}
	return r.names(), nil
}

// sum returns the SHA-256 of a file in hexadecimal digits.
func sum(t *Temp) (string, error) {
	r, err := t.Reader()
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", diskError(err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// mine reports whether the job is still this process's to end: its lock is held, its
// folder is there, and no other process has ended it.
func (j *Job) mine() bool {
	if setLock(j.held) != nil || !j.still() {
		return false
	}
	end, err := j.s.ending(j.ID)
	return err != nil || end.state == Pending
}

// lost ends a job of which err, or its folder, says that it is not this process's
// any more, and reports whether that is so.
func (j *Job) lost(err error) bool {
	if !errors.Is(err, errLost) && j.still() {
		return false
	}
	if j.s.check() != nil && !errors.Is(err, errLost) {
		return false // nothing can be seen: it may well be there
	}
	j.end()
	j.s.log.Warn("a job was taken, ended or removed by another", "job", jobid.Short(j.ID))
	j.s.putBack(j.e, heldPause)
	j.s.refresh(j.ID)
	return true
}

// finished ends a job that has its end: the picture is not needed any more.
func (j *Job) finished(state State, size int64, ended time.Time) {
	s := j.s
	s.remove(s.job(j.ID, "in"))
	s.tell(j.ID)
	s.mu.Lock()
	s.change(j.e, func() { j.e.running = false })
	s.finish(j.e, state, size, ended)
	s.mu.Unlock()
	j.end()
}
