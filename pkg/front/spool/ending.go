package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
)

// ending is how a job has ended, or that it has not.
type ending struct {
	state   State
	result  Result  // Done
	failure Failure // Failed
	out     string  // Done: path of the result
	damaged bool    // Pending: it ended once, but a crash or the disk lost the result
}

// ending reads how a job has ended. A result counts only if it has the size that
// its record says. Where it has not, the job is pending while its picture is there,
// and failed otherwise.
func (s *Spool) ending(id string) (ending, error) {
	b, err := readSmall(s.job(id, "end"))
	if errors.Is(err, fs.ErrNotExist) {
		return s.endingOfVersion1(id)
	}
	if err != nil {
		return ending{}, err
	}
	if parseRecord(b).values["end"] == endFailed {
		f, err := parseFailure(b)
		if err != nil {
			return s.damagedEnd(id, Result{}, "the record of the failure: "+err.Error())
		}
		return ending{state: Failed, failure: f}, nil
	}
	return s.endDone(id, b)
}

// endingOfVersion1 is ending for a job that an imgd of version 1 ended, or that has
// not ended: done when out and result are there, failed when error is.
func (s *Spool) endingOfVersion1(id string) (ending, error) {
	_, hasOut, err := size(s.job(id, "out"))
	if err != nil {
		return ending{}, err
	}
	if hasOut {
		b, err := readSmall(s.job(id, "result"))
		if errors.Is(err, fs.ErrNotExist) {
			return s.damagedEnd(id, Result{}, "its record is not there")
		}
		if err != nil {
			return ending{}, err
		}
		return s.endDone(id, b)
	}
	b, err := readSmall(s.job(id, "error"))
	if errors.Is(err, fs.ErrNotExist) {
		return ending{}, nil
	}
	if err != nil {
		return ending{}, err
	}
	f, err := parseFailure(b)
	if err != nil {
		return s.damagedEnd(id, Result{}, "the record of the failure: "+err.Error())
	}
	return ending{state: Failed, failure: f}, nil
}

// endDone is ending for a job whose record b says that it is done.
func (s *Spool) endDone(id string, b []byte) (ending, error) {
	r, err := parseResult(b)
	if err != nil {
		return s.damagedEnd(id, Result{}, "its record: "+err.Error())
	}
	// The holder renames out.TAG to out after it has made end. So out is looked for
	// once more after out.TAG was not there.
	names := []string{"out"}
	if r.tag != "" && !strings.Contains(r.tag, "/") {
		names = []string{"out", "out." + r.tag, "out"}
	}
	n := int64(0)
	for _, name := range names {
		path := s.job(id, name)
		found, ok, err := size(path)
		if err != nil {
			return ending{}, err
		}
		if ok && found == r.Size {
			return ending{state: Done, result: r, out: path}, nil
		}
		n = max(n, found)
	}
	return s.damagedEnd(id, r, fmt.Sprintf("%d of %d bytes are there", n, r.Size))
}

// damagedEnd is the ending of a job whose result is damaged, as why says.
func (s *Spool) damagedEnd(id string, r Result, why string) (ending, error) {
	_, hasIn, err := size(s.job(id, "in"))
	if err != nil {
		return ending{}, err
	}
	if hasIn {
		return ending{damaged: true}, nil
	}
	folder, err := os.Lstat(s.job(id))
	if err != nil {
		return ending{}, err // removed meanwhile, most likely
	}
	if r.Finished.IsZero() {
		r.Finished = folder.ModTime()
	}
	s.log.Error("a result is damaged", "job", jobid.Short(id), "err", why)
	return ending{state: Failed, failure: Failure{
		Kind: fault.Internal, Detail: "the result is damaged: " + why, Started: r.Started, Finished: r.Finished,
	}}, nil
}
