// Package backoff says how long to pause between attempts that fail: each pause is
// twice the one before, up to a limit, so that what is overloaded or broken is
// asked ever more rarely.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pauses are First, 2 × First, 4 × First and so on, up to Max. Both are over 0.
type Pauses struct{ First, Max time.Duration }

// After returns the pause after n failures in a row, n from 1.
func (p Pauses) After(n int) time.Duration {
	d := p.First
	for ; n > 1 && d < p.Max; n-- {
		d *= 2
	}
	return min(d, p.Max)
}

// Jitter returns d and up to half of it more, at random, so that clients that were
// refused together don't return together.
func Jitter(d time.Duration) time.Duration { return d + rand.N(d/2+1) }

// Sleep waits for d. It returns ctx's error when ctx ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
