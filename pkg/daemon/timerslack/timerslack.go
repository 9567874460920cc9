// Package timerslack lets the kernel fire a process's timers late (prctl(2),
// PR_SET_TIMERSLACK), which saves CPU time. Go's runtime has a thread that wakes
// every 20 µs at first whenever an idle process has work again: fifty times two
// switches on the one core that the work needs. With some milliseconds of slack
// it wakes once.
//
// A thread inherits its slack from the thread that created it. The runtime creates
// its own threads before main runs, so a process can't set it for itself: Start
// sets it for a child, Restart executes the program again.
package timerslack

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// restarted is set in the environment of a program that Restart has executed
// again, so that it does so once at most, whatever the kernel says.
const restarted = "IMGTOOLS_RESTARTED"

// set sets the calling thread's slack; 0 is what it had when it was created.
func set(d time.Duration) error {
	return unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(d.Nanoseconds()), 0, 0, 0)
}

// get returns the calling thread's slack.
func get() (time.Duration, error) {
	ns, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	return time.Duration(ns), err
}

// Restart executes this program again, in the same process and with the same
// arguments, with a slack of d. It returns when there is nothing to do: the slack
// is d or more already, as under systemd with TimerSlackNSec=, or can't be set.
// A thread of a real-time scheduler (chrt -f) has none, whatever is set.
func Restart(d time.Duration) {
	again := os.Getenv(restarted) != ""
	os.Unsetenv(restarted)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if now, err := get(); again || err != nil || now >= d || set(d) != nil {
		return
	}
	if now, err := get(); err != nil || now < d {
		return
	}
	if path, err := os.Executable(); err == nil {
		syscall.Exec(path, os.Args, append(os.Environ(), restarted+"=1"))
	}
	set(0)
}

// Start is syscall.StartProcess for a process with a slack of d.
func Start(d time.Duration, path string, args []string, attr *syscall.ProcAttr) (pid int, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	set(d)
	defer set(0)
	pid, _, err = syscall.StartProcess(path, args, attr)
	return pid, err
}
