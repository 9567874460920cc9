package prefork

import "time"

const (
	firstWait = 100 * time.Millisecond
	maxWait   = 30 * time.Second
)

// backoff says when a worker may be started, after others did not become ready.
type backoff struct {
	streak int       // failures since a worker was last ready
	next   time.Time // when the next may be started
}

// failed counts a failure and returns how long to wait: 100 ms, then twice that,
// up to 30 s. Workers that were started together and fail together count once,
// and then it returns 0.
func (b *backoff) failed(now time.Time) time.Duration {
	if b.streak > 0 && now.Before(b.next) {
		return 0
	}
	wait := maxWait
	if b.streak < 9 { // 100 ms << 9 is over 30 s
		wait = min(firstWait<<b.streak, maxWait)
	}
	b.streak++
	b.next = now.Add(wait)
	return wait
}

// reset is called when a worker has become ready.
func (b *backoff) reset() { *b = backoff{} }

// notBefore keeps the next start until t.
func (b *backoff) notBefore(t time.Time) {
	if t.After(b.next) {
		b.next = t
	}
}

// may reports whether a worker may be started now, while starting others are not
// ready yet: in a streak, one at a time.
func (b *backoff) may(now time.Time, starting int) bool {
	return !now.Before(b.next) && (b.streak == 0 || starting == 0)
}
