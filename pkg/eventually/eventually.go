// Package eventually waits, in tests, for a condition that no event announces: the
// state of another process, the size of a file, a line of a status. What a channel
// or a connection announces is waited for there. Only tests import it.
package eventually

import (
	"testing"
	"time"
)

// Patience is how long a test waits for what must happen. It bounds only tests
// that fail.
const Patience = 20 * time.Second

const interval = 2 * time.Millisecond

// True waits until cond returns true; after Patience the test fails. what says
// what is awaited.
func True(t testing.TB, what string, cond func() bool) {
	t.Helper()
	Within(t, Patience, what, cond)
}

// Within is True with another patience.
func Within(t testing.TB, patience time.Duration, what string, cond func() bool) {
	t.Helper()
	if !Is(patience, cond) {
		t.Fatalf("not within %v: %s", patience, what)
	}
}

// Is waits until cond returns true, for at most patience, and reports whether it did.
func Is(patience time.Duration, cond func() bool) bool {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for end := time.Now().Add(patience); !cond(); <-tick.C {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}
