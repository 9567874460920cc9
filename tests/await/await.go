// Package await is what tests wait with: for a condition that the system reports by
// no event (Until, True), for a process to end (Closed), and for a line of its output (Log).
// Nothing in it sleeps for a time and then hopes.
package await

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"
)

// every is the time between two looks at a condition.
const every = 10 * time.Millisecond

// Until polls cond and fails the test when it has not come true within d.
func Until(t testing.TB, d time.Duration, what string, cond func() bool) {
	t.Helper()
	if !True(d, cond) {
		t.Fatalf("not within %v: %s", d, what)
	}
}

// True polls cond and reports whether it came true within d.
func True(d time.Duration, cond func() bool) bool {
	tick := time.NewTicker(every)
	defer tick.Stop()
	deadline := time.NewTimer(d)
	defer deadline.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline.C:
			return false
		}
	}
	return true
}

// Closed reports whether ch is closed, or something is sent on it, within d.
func Closed(ch <-chan struct{}, d time.Duration) bool {
	deadline := time.NewTimer(d)
	defer deadline.Stop()
	select {
	case <-ch:
		return true
	case <-deadline.C:
		return false
	}
}

// Log gathers the output of a process and wakes those who wait for a line of it. Its
// methods may be called at the same time. Use NewLog.
type Log struct {
	mu      sync.Mutex
	b       bytes.Buffer
	changed chan struct{} // closed and replaced at each write
}

// NewLog returns an empty log.
func NewLog() *Log { return &Log{changed: make(chan struct{})} }

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Write(p)
	close(l.changed)
	l.changed = make(chan struct{})
	return len(p), nil
}

// String returns what was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Wait waits until match returns a value for what was written so far, and returns
// that value. Its error, when d is over or gone is closed, has the whole log.
func (l *Log) Wait(d time.Duration, gone <-chan struct{}, match func(string) string) (string, error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		l.mu.Lock()
		s, changed := l.b.String(), l.changed
		l.mu.Unlock()
		if v := match(s); v != "" {
			return v, nil
		}
		select {
		case <-changed:
		case <-gone:
			return "", fmt.Errorf("it ended:\n%s", l)
		case <-timer.C:
			return "", fmt.Errorf("nothing within %v:\n%s", d, l)
		}
	}
}
