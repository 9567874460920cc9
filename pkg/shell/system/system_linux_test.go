package system

import (
	"fmt"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestBatch: all threads get the policy, with the nice value they had, except those
// that have another policy than the normal one.
func TestBatch(t *testing.T) {
	type policy struct {
		policy uint32
		nice   int32
		err    error
	}
	own, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan policy)
	tell := func(before *unix.SchedAttr, now, done chan bool) {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		tid := unix.Gettid()
		if err := unix.SchedSetAttr(tid, before, 0); err != nil {
			t.Error(err)
		}
		close(done)
		<-now
		a, err := unix.SchedGetAttr(tid, 0)
		got <- policy{a.Policy, a.Nice, err}
	}
	for _, c := range []struct {
		before *unix.SchedAttr
		want   policy
	}{
		{&unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: 7}, policy{unix.SCHED_BATCH, 7, nil}},
		// The nice value is this process's, as a test may run under nice(1).
		{&unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE, Nice: own.Nice}, policy{unix.SCHED_IDLE, own.Nice, nil}},
	} {
		t.Run(fmt.Sprint(c.want), func(t *testing.T) {
			now, done := make(chan bool), make(chan bool)
			go tell(c.before, now, done)
			<-done
			Batch()
			close(now)
			if p := <-got; p != c.want {
				t.Errorf("%+v, want %+v", p, c.want)
			}
		})
	}
}
