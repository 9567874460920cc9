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
	result  Result   // Done
	failure Failure  // Failed
	outs    []string // Done: path of each result
	damaged bool     // Pending: it ended once, but a crash or the disk lost the result
}

// ending reads how a job has ended. Results count only if each has the size that
// their record says. Where one has not, the job is pending while its picture is there,
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
	var outs []string
	for i, o := range r.Outputs() {
		path, n, err := s.findOutput(id, outName(i+1), r.tag, o.Size)
		if err != nil {
			return ending{}, err
		}
		if path == "" {
			of := ""
			if i > 0 {
				of = outName(i+1) + ": "
			}
			return s.damagedEnd(id, r, fmt.Sprintf("%s%d of %d bytes are there", of, n, o.Size))
		}
		outs = append(outs, path)
	}
	return ending{state: Done, result: r, outs: outs}, nil
}

// findOutput returns the path of the result of that name and size, or "" and how many
// bytes were found. The holder renames out.TAG to out after it has made end. So out is
// looked for once more after out.TAG was not there.
func (s *Spool) findOutput(id, name, tag string, want int64) (path string, n int64, err error) {
	names := []string{name}
	if tag != "" && !strings.Contains(tag, "/") {
		names = []string{name, name + "." + tag, name}
	}
	for _, name := range names {
		path := s.job(id, name)
		found, ok, err := size(path)
		if err != nil {
			return "", 0, err
		}
		if ok && found == want {
			return path, found, nil
		}
		n = max(n, found)
	}
	return "", n, nil
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
