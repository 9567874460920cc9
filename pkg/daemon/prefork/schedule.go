package prefork

import (
	"time"

	"imgtools/pkg/backoff"
)

// pauses are those between attempts to start a worker.
var pauses = backoff.Pauses{First: 100 * time.Millisecond, Max: 30 * time.Second}

// schedule decides when a worker may be started. Workers that fail before they are
// ready delay the next start.
type schedule struct {
	streak int       // failures since a worker was last ready
	next   time.Time // when the next may be started, after a failure
	pause  time.Time // when the next may be started, after the death of one that was ready
}

// failed counts a failure and returns the pause until the next start. Of workers
// that were started together and fail together only the first counts: for the
// others it returns 0.
func (s *schedule) failed(now time.Time) time.Duration {
	if s.streak > 0 && now.Before(s.next) {
		return 0
	}
	s.streak++
	wait := pauses.After(s.streak)
	s.next = now.Add(wait)
	return wait
}

// reset is called when a worker has become ready. It ends a streak, and not the pause
// after the death of another.
func (s *schedule) reset() { s.streak, s.next = 0, time.Time{} }

// notBefore delays the next start until t.
func (s *schedule) notBefore(t time.Time) {
	if t.After(s.pause) {
		s.pause = t
	}
}

// earliest returns when the next may be started.
func (s *schedule) earliest() time.Time {
	if s.pause.After(s.next) {
		return s.pause
	}
	return s.next
}

// may reports whether a worker may be started while starting others are not ready
// yet. After a failure workers are started one at a time.
func (s *schedule) may(now time.Time, starting int) bool {
	return !now.Before(s.earliest()) && (s.streak == 0 || starting == 0)
}
