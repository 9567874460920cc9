package prefork

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestScheduleOfFailingStarts(t *testing.T) {
	var b schedule
	now := time.Now()
	if !b.may(now, 5) {
		t.Error("at first, workers must start one after another")
	}
	want := []time.Duration{100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000}
	for i, ms := range want {
		if got := b.failed(now); got != ms*time.Millisecond {
			t.Errorf("failure %d: wait %v, want %v ms", i+1, got, int64(ms))
		}
		if got := b.failed(now.Add(time.Millisecond)); got != 0 {
			t.Errorf("failure %d: another of its wave waits %v", i+1, got)
		}
		if b.may(b.next.Add(-1), 0) || !b.may(b.next, 0) || b.may(b.next, 1) {
			t.Errorf("failure %d: may start too soon, not at all, or two at once", i+1)
		}
		now = b.next
	}
	for range 100 { // no overflow
		now = now.Add(time.Hour)
		if got := b.failed(now); got != 30*time.Second {
			t.Fatal(got)
		}
	}
	b.reset()
	if !b.may(now, 5) || b.failed(now) != 100*time.Millisecond {
		t.Error("not reset")
	}
}

func FuzzMessage(f *testing.F) {
	for _, s := range []string{"ready off", "state 30000 1 2", "state 0 0 0", "empty", "state -1 1 1", "state 1 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, ok := parse(s)
		if ok && (m.limit < 0 || m.served < 0 || m.failed < 0 || strings.ContainsAny(m.sandbox, "\n\x1b")) {
			t.Errorf("%q: %+v", s, m)
		}
	})
}

// After the death of a worker that was ready, none is started until it would have lived
// for minLife, whatever the load.
func TestDeathOfAReadyWorkerDelaysTheNextStart(t *testing.T) {
	exited, err := os.StartProcess("/bin/false", []string{"false"}, &os.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	how, err := exited.Wait()
	if err != nil {
		t.Fatal(err)
	}
	s := &supervisor{Config: Config{Warn: func(string, ...any) {}}}
	c := &child{ready: true, started: time.Now()}
	s.children = []*child{c}
	s.buried(c, how)
	s.schedule.reset() // another has become ready
	again := c.started.Add(minLife)
	if s.schedule.may(again.Add(-time.Nanosecond), 0) || !s.schedule.may(again, 0) {
		t.Errorf("the next start is %v after the start of the dead one, want %v", s.schedule.earliest().Sub(c.started), minLife)
	}
}
