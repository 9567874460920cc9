package filter

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// batch makes the process's threads ones that do not interrupt others when they wake
// (SCHED_BATCH, sched(7)), nor so each other: at first a thread of Go's runtime wakes
// every 20 µs to look around, at which the picture's work would be switched away from
// if it has one core. Who runs us with another policy than the normal one keeps it.
func batch() {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range threads {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if a, err := unix.SchedGetAttr(tid, 0); err == nil && a.Policy == unix.SCHED_NORMAL {
			a.Policy = unix.SCHED_BATCH
			unix.SchedSetAttr(tid, a, 0) // with any error all is as it was
		}
	}
}
