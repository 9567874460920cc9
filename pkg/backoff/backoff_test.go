package backoff

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func TestPausesDoubleUpToMax(t *testing.T) {
	p := Pauses{100 * time.Millisecond, 30 * time.Second}
	for i, ms := range []time.Duration{100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000} {
		if got := p.After(i + 1); got != ms*time.Millisecond {
			t.Errorf("after %d failures %v, want %d ms", i+1, got, ms)
		}
	}
	if got := p.After(math.MaxInt); got != p.Max {
		t.Errorf("after very many failures %v", got)
	}
}

func TestJitterAddsUpToHalf(t *testing.T) {
	least, most := time.Hour, time.Duration(0)
	for range 1000 {
		d := Jitter(time.Second)
		least, most = min(least, d), max(most, d)
	}
	if least < time.Second || least > 1050*time.Millisecond || most > 1500*time.Millisecond || most < 1450*time.Millisecond {
		t.Errorf("from %v to %v", least, most)
	}
	if d := Jitter(0); d != 0 {
		t.Errorf("of no pause: %v", d)
	}
}

func TestSleepTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := Sleep(t.Context(), time.Hour); err != nil || time.Since(start) != time.Hour {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := Sleep(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
