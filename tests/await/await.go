// Package await waits, in tests, for what a process does: that it ends (Closed), and
// that it writes a line (Log). For a condition that no event announces there is
// package eventually.
package await

import (
	"bytes"
	"fmt"
	"sync"
	"time"
)

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
