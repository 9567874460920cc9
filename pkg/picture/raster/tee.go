package raster

import (
	"errors"
	"iter"
)

// Tee reads src once and gives its bands to several consumers: one decode can feed a
// large and a small scaling. It returns when all consumers have returned, with the error
// of each.
//
// Memory is one band. The consumers take turns: each runs until it asks for the next
// band, and when all that are still running have asked, they get the same one. They must
// not write to it, and must call Next in the goroutine that they were called in. An error
// of src, and io.EOF, reach every consumer. A consumer that returns early no longer holds
// up the others; when all have returned, the rest of src is not read.
//
// The consumers are coroutines and not goroutines that run at the same time. Meeting at
// every band would cost these a third of their time in waiting for each other.
func Tee(src Rows, consumers ...func(Rows) error) []error {
	t := &tee{src: src}
	errs := make([]error, len(consumers))
	running := make([]func() bool, len(consumers)) // runs a consumer until it asks; nil: it has returned
	for i, consume := range consumers {
		next, stop := iter.Pull(func(ask func(struct{}) bool) { errs[i] = consume(&teeRows{t, ask}) })
		defer stop()
		running[i] = func() bool { _, asked := next(); return asked }
	}
	for {
		waiting := 0
		for i, run := range running {
			if run == nil {
				continue
			}
			if !run() {
				running[i] = nil
				continue
			}
			waiting++
		}
		if waiting == 0 {
			return errs
		}
		t.band, t.err = src.Next()
	}
}

// tee is what the consumers share.
type tee struct {
	src  Rows
	band *Band // that they asked for last
	err  error
}

type teeRows struct {
	t   *tee
	ask func(struct{}) bool // lets the others run until the next band is there
}

func (r *teeRows) Header() *Header { return r.t.src.Header() }

// errStopped ends a consumer when another one has panicked.
var errStopped = errors.New("another consumer of the rows has panicked")

func (r *teeRows) Next() (*Band, error) {
	if r.t.err == nil && !r.ask(struct{}{}) {
		return nil, errStopped
	}
	if r.t.err != nil {
		return nil, r.t.err
	}
	return r.t.band, nil
}
