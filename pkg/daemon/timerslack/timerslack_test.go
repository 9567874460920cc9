package timerslack

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	asChild = "TIMERSLACK_TEST" // the test binary calls Restart, then prints its timer slack
	slack   = 2 * time.Millisecond
)

func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		Restart(slack)
		now, err := get()
		_, left := os.LookupEnv(restarted)
		fmt.Print(os.Getpid(), os.Args[1:], now, err, left)
		return
	}
	os.Exit(m.Run())
}

// start runs the test binary as a child, prepared on the thread that creates it,
// and returns its process id and what it told.
func start(t *testing.T, prepare func() error, restore func()) (pid int, out string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-p", "0")
	cmd.Env = append(os.Environ(), asChild+"=1")
	var b strings.Builder
	cmd.Stdout, cmd.Stderr = &b, os.Stderr
	runtime.LockOSThread()
	err := prepare()
	if err == nil {
		err = cmd.Start()
	}
	restore()
	runtime.UnlockOSThread()
	if err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	defer stuck.Stop()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("it executes itself for ever: %v", err)
	}
	return cmd.Process.Pid, b.String()
}

// It is the same process with the same arguments afterwards, whatever its slack
// was at first.
func TestRestart(t *testing.T) {
	for at, want := range map[time.Duration]time.Duration{50 * time.Microsecond: slack, slack: slack, 3 * slack: 3 * slack} {
		t.Run(at.String(), func(t *testing.T) {
			pid, out := start(t, func() error { return set(at) }, func() { set(0) })
			if want := fmt.Sprint(pid, []string{"-p", "0"}, want, error(nil), false); out != want {
				t.Errorf("%q; want %q", out, want)
			}
		})
	}
}

// schedule sets the calling thread's scheduler (sched_setscheduler(2)).
func schedule(policy, priority int32) error {
	_, _, e := unix.Syscall(unix.SYS_SCHED_SETSCHEDULER, 0, uintptr(policy), uintptr(unsafe.Pointer(&priority)))
	if e != 0 {
		return e
	}
	return nil
}

// A real-time thread has no slack, however often it is set.
func TestRestartUnderARealTimeScheduler(t *testing.T) {
	const schedOther, schedFIFO = 0, 1
	runtime.LockOSThread()
	err := schedule(schedFIFO, 1)
	schedule(schedOther, 0)
	runtime.UnlockOSThread()
	if err != nil {
		t.Skip("no real-time scheduler for this user: ", err)
	}
	pid, out := start(t, func() error { return schedule(schedFIFO, 1) }, func() { schedule(schedOther, 0) })
	if !strings.HasPrefix(out, fmt.Sprint(pid, []string{"-p", "0"})) {
		t.Errorf("%q", out)
	}
}

// A child has the slack, and the thread that started it no longer.
func TestStart(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := get()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pid, err := Start(2*slack, os.Args[0], []string{"child"}, &syscall.ProcAttr{Env: []string{asChild + "=1"}, Files: []uintptr{0, w.Fd(), 2}})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	var b [200]byte
	n, _ := r.Read(b[:])
	unix.Wait4(pid, nil, 0, nil)
	if out, want := string(b[:n]), fmt.Sprint(pid, []string{}, 2*slack, error(nil), false); out != want {
		t.Errorf("the child has %q, want %q", out, want)
	}
	if after, err := get(); err != nil || after != before {
		t.Errorf("this thread's was %v and is %v, %v", before, after, err)
	}
}
