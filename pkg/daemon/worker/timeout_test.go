package worker

import (
	"testing"
	"time"
)

// timeout= lowers the worker's limit and never raises it.
func TestTimeoutOnlyLowersTheLimit(t *testing.T) {
	for _, c := range []struct {
		words string
		want  time.Duration
	}{
		{"", 30 * time.Second},
		{" timeout=10s", 10 * time.Second},
		{" timeout=1h", 30 * time.Second},
	} {
		t.Run(c.words, func(t *testing.T) {
			limits := make(chan time.Duration, 1)
			r := newRigWith(t, func(cfg *Config) {
				cfg.Timeout = 30 * time.Second
				cfg.Begin = func(d time.Duration) { limits <- d }
			})
			r.files(r.dial(), "img/1 gray"+c.words)
			if got := <-limits; got != c.want {
				t.Errorf("the work may take %v, want %v", got, c.want)
			}
		})
	}
}
