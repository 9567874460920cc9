package dispatch

import (
	"context"
	"errors"
	"time"

	"imgtools/pkg/backoff"
	"imgtools/pkg/fault"
)

// The retry policy. All of it stands in this file:
//
//	what happened to an attempt                       verdict
//	no daemon took the connection                     again
//	the daemon reset it before it had everything      again
//	the result stopped before its end (TCP)           again
//	err busy, or err timeout before it had everything again
//	err forbidden: the daemon serves other users      again
//	it had everything and closed without a word       death
//	it answered something that can't be true          death
//	err timeout                                       death, by time-out
//	any other err line, an error of our own           final
//
// again: the picture is not to blame. It is tried again, after a back-off, until
// patience has passed since the first refusal in a row.
// death: it is counted, and tried again while fewer than limits.Deaths workers died.
// final: it is the answer.
const (
	// defaultPatience is how long daemons that refuse are asked again.
	defaultPatience = 5 * time.Second

	// hangTimeouts and hangExtra bound one attempt: hangTimeouts × -t + hangExtra.
	// The daemon itself bounds the work. This ends what hangs: a request queued
	// behind other fronts' pictures, a daemon that was stopped.
	hangTimeouts = 4
	hangExtra    = 10 * time.Second

	// dialTime bounds a connection to one address.
	dialTime = 2 * time.Second

	// askTime is how long a worker may take to refuse a request that every worker
	// refuses. A worker that died has been replaced by then.
	askTime = 2 * time.Second
)

// pauses are those before an attempt after a refusal.
var pauses = backoff.Pauses{First: time.Millisecond, Max: 50 * time.Millisecond}

// event is what ended an attempt.
type event uint8

const (
	unreachable event = iota // no daemon took the connection
	unsent                   // the connection broke before the daemon had everything
	silent                   // the daemon had everything and closed without a word
	lied                     // it answered something that can't be true
	cut                      // its result stopped before the end
	refused                  // it answered err, before or after it had everything
)

// failure is an attempt that a daemon ended. Other errors of an attempt are our
// own: a file that can't be opened, a request line that is too long.
type failure struct {
	event event
	err   error
	sent  bool // refused: the daemon had everything it needed to work
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// verdict is what follows from a failed attempt.
type verdict uint8

const (
	final verdict = iota
	again
	death
)

// classify says what follows from an attempt that failed with err. timedOut is
// true for a death because the work took too long: the supervisor kills a worker
// that is over its time, so a silent end after that long counts as one.
func classify(err error, took, timeout time.Duration) (v verdict, timedOut bool) {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		return final, false
	}
	switch f.event {
	case unreachable, unsent, cut:
		return again, false
	case silent:
		return death, took >= timeout
	case lied:
		return death, false
	}
	switch fault.Of(f.err) {
	case fault.Busy, fault.Forbidden: // the daemon has no room, or serves other users than this one
		return again, false
	case fault.Timeout:
		if f.sent {
			return death, true
		}
		return again, false // its memory was needed for another request
	}
	return final, false
}

// patience measures how long daemons have refused in a row.
type patience struct {
	limit    time.Duration
	since    time.Time // of the first refusal; zero: none
	refusals int       // in a row, that sleep has waited for
}

// refuse counts a refusal and reports whether patience is over.
func (p *patience) refuse(now time.Time) bool {
	if p.since.IsZero() {
		p.since = now
	}
	return now.Sub(p.since) >= p.limit
}

// reset forgets the refusals: a daemon took the work.
func (p *patience) reset() { *p = patience{limit: p.limit} }

// sleep waits before the next attempt: longer after each refusal.
func (p *patience) sleep(ctx context.Context) error {
	p.refusals++
	return backoff.Sleep(ctx, backoff.Jitter(pauses.After(p.refusals)))
}
