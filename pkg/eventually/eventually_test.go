package eventually

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTrueReturnsWhenItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		True(t, "a second is over", func() bool { return time.Since(start) >= time.Second })
		if took := time.Since(start); took > time.Second+interval {
			t.Errorf("it took %v", took)
		}
	})
}

// failing is a test that notes its failure.
type failing struct {
	testing.TB
	failed bool
}

func (f *failing) Helper()               {}
func (f *failing) Fatalf(string, ...any) { f.failed = true; panic(f) }

func TestWithinFailsWhenItNeverIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failing{TB: t}
		defer func() {
			if recover() != f || !f.failed {
				t.Error("it did not fail")
			}
		}()
		Within(f, time.Minute, "never", func() bool { return false })
	})
}
