package prefork

import (
	"time"

	"imgtools/pkg/backoff"
)

// pauses are those between attempts to start a worker.
var pauses = backoff.Pauses{First: 100 * time.Millisecond, Max: 30 * time.Second}

// schedule says when a worker may be started, after others did not become ready.
type schedule struct {
	streak int       // failures since a worker was last ready
	next   time.Time // when the next may be started
}

// failed counts a failure and returns how long to wait. Workers that were started
// together and fail together count once: for the others it returns 0.
func (s *schedule) failed(now time.Time) time.Duration {
	if s.streak > 0 && now.Before(s.next) {
		return 0
	}
	s.streak++
	wait := pauses.After(s.streak)
	s.next = now.Add(wait)
	return wait
}

// reset is called when a worker has become ready.
func (s *schedule) reset() { *s = schedule{} }

// notBefore keeps the next start until t.
func (s *schedule) notBefore(t time.Time) {
	if t.After(s.next) {
		s.next = t
	}
}

// may reports whether a worker may be started now, while starting others are not
// ready yet: in a streak, one at a time.
func (s *schedule) may(now time.Time, starting int) bool {
	return !now.Before(s.next) && (s.streak == 0 || starting == 0)
}
