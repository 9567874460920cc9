package main

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// timerSlack is how late our timers may be. Go's runtime has a thread that looks
// around every 20 µs at first, whenever there is work again after a pause: with two
// switches each time it took a tenth of a request's CPU time.
const timerSlack = time.Millisecond

// relax starts this program anew, in this process, with timerSlack: a thread has
// it from the one that made it, and the runtime's is older than main (prctl(2),
// PR_SET_TIMERSLACK). Where that can't be, all goes on as it was. Under systemd
// TimerSlackNSec= says the same, and there is nothing to do.
func relax() {
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || slack >= int(timerSlack) {
		return
	}
	path, err := os.Executable()
	if err != nil || unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(timerSlack), 0, 0, 0) != nil {
		return
	}
	syscall.Exec(path, os.Args, os.Environ())
}
