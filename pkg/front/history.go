package front

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
)

// history remembers the last hour, minute by minute, and the last errors of each kind, for
// /status. Its memory is bounded: minutesKept minutes, and errorsKept errors of a kind.
type history struct {
	now func() time.Time // nil: time.Now

	mu      sync.Mutex
	minutes [minutesKept]minute // that of Unix minute m is minutes[m % minutesKept]
	errors  map[fault.Kind][]failure
}

const (
	minutesKept   = 60
	errorsKept    = 5
	maxErrorBytes = 300 // of the text of an error
)

// minute is what happened in one minute.
type minute struct {
	number   int64 // Unix time in minutes
	requests int64
	pictures int64         // that were worked on
	work     time.Duration // of all of them
	spool    int64         // bytes, when last looked at
	failed   map[fault.Kind]int64
}

// failure is an error that was answered, or that ended a job.
type failure struct {
	At   time.Time
	In   string // the route, or "job"
	Text string
}

func (h *history) time() time.Time {
	if h.now != nil {
		return h.now()
	}
	return time.Now()
}

// current returns this minute. h.mu is held.
func (h *history) current() *minute {
	n := h.time().Unix() / 60
	m := &h.minutes[n%minutesKept]
	if m.number != n {
		*m = minute{number: n, failed: map[fault.Kind]int64{}}
	}
	return m
}

// request counts a request of a route. err is what it was refused with; nil: nothing. That
// a probe finds the server not ready is no error.
func (h *history) request(rt route, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current().requests++
	if err != nil && !rt.open {
		h.add(rt.name(), err)
	}
}

// fail counts an error that ended a job, or sent it back to the queue.
func (h *history) fail(in string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.add(in, err)
}

// add remembers an error. h.mu is held.
func (h *history) add(in string, err error) {
	kind := fault.Of(err)
	h.current().failed[kind]++
	text := fault.Line(jobid.Redact(err.Error()))
	if len(text) > maxErrorBytes {
		text = fault.Line(text[:maxErrorBytes]) + "…"
	}
	if h.errors == nil {
		h.errors = map[fault.Kind][]failure{}
	}
	list := h.errors[kind]
	h.errors[kind] = append(list[max(len(list)-errorsKept+1, 0):len(list):len(list)], failure{h.time(), in, text})
}

// worked counts the work on one picture. Work that its client did not wait for counts, too.
func (h *history) worked(w worked) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.current()
	m.pictures++
	m.work += w.took
}

// spool notes how many bytes the spool has.
func (h *history) spool(bytes int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current().spool = bytes
}

// lastHour returns the minutes of the last hour, the present one last. Those in which
// nothing was noted are zero.
func (h *history) lastHour() [minutesKept]minute {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.time().Unix() / 60
	var list [minutesKept]minute
	for i := range list {
		n := now - minutesKept + 1 + int64(i)
		if m := h.minutes[n%minutesKept]; m.number == n {
			list[i] = m
		}
	}
	return list
}

// failures are the last errors of a kind, the newest first.
type failures struct {
	Kind fault.Kind
	Hour int64 // how many there were in the last hour
	Last []failure
}

// lastFailures returns the last errors by kind, the kind with the newest first.
func (h *history) lastFailures() (list []failures) {
	hour := h.lastHour()
	h.mu.Lock()
	defer h.mu.Unlock()
	for kind, last := range h.errors {
		f := failures{Kind: kind, Last: slices.Clone(last)}
		slices.Reverse(f.Last)
		for _, m := range hour {
			f.Hour += m.failed[kind]
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b failures) int {
		return cmp.Or(b.Last[0].At.Compare(a.Last[0].At), cmp.Compare(a.Kind, b.Kind))
	})
	return list
}
