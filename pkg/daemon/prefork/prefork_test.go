package prefork_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/daemontest"
	"imgtools/pkg/daemon/prefork"
	"imgtools/pkg/eventually"
)

// TestMain makes the test binary a worker of a supervisor in the test itself (it
// does as its argument says), or a whole daemon.
func TestMain(m *testing.M) {
	if os.Getenv("PREFORK_TEST") == "" {
		daemontest.Main(m)
	}
	switch os.Args[1] {
	case "hang":
		unix.Pause()
	case "brief":
		if l, err := prefork.NewLifeline(3); err == nil {
			l.Ready("brief")
		}
		os.Exit(1)
	case "lie":
		for _, m := range []string{"nonsense", "state -1 0 0", "state 1 2", "ready \x1b[2J", "state 99999999999999999999 0 0"} {
			unix.Write(3, []byte(m))
		}
		fallthrough
	case "stay":
		l, err := prefork.NewLifeline(3)
		if err != nil {
			os.Exit(1)
		}
		slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
		l.Ready(fmt.Sprintf("test, timers %d ns late, %v", slack, err))
		l.Listen(func() { l.Empty(); os.Exit(0) }, func() { os.Exit(0) })
	}
	os.Exit(0)
}

// run runs a supervisor of two workers, and returns its log.
func run(t *testing.T, how string) (log chan string, signals chan os.Signal, ended chan error) {
	log, signals, ended = make(chan string, 1000), make(chan os.Signal, 10), make(chan error, 1)
	say := func(format string, args ...any) { log <- fmt.Sprintf(format, args...) }
	go func() {
		ended <- prefork.Run(prefork.Config{
			Path: os.Args[0], Args: []string{"worker", how}, Env: []string{"PREFORK_TEST=1"},
			Workers: 2, Boot: 200 * time.Millisecond, Timeout: time.Second, Signals: signals,
			Unlink: func() {}, Started: func(s string) { say("started: %s", s) },
			Notify: func(lines ...string) {}, Reloading: func() []string { return nil },
			Info: say, Warn: say,
		})
	}()
	return log, signals, ended
}

func expect(t *testing.T, log chan string, part string) {
	t.Helper()
	over := time.After(eventually.Patience)
	for {
		select {
		case l := <-log:
			if strings.Contains(l, part) {
				return
			}
		case <-over:
			t.Fatalf("no %q in the log", part)
		}
	}
}

func end(t *testing.T, signals chan os.Signal, ended chan error) {
	t.Helper()
	signals <- unix.SIGTERM
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(eventually.Patience):
		t.Fatal("the supervisor does not end")
	}
}

func TestNeverReady(t *testing.T) {
	log, signals, ended := run(t, "hang")
	expect(t, log, "not ready after 200ms: SIGKILL")
	expect(t, log, "killed by signal 9 (SIGKILL) before it was ready")
	expect(t, log, "next worker in 100ms")
	expect(t, log, "next worker in 200ms")
	end(t, signals, ended)
}

// A worker that dies as soon as it is ready is replaced with a pause, so that it
// can't keep a CPU busy with starts.
func TestWorkerThatDiesWhenReadyIsReplacedWithAPause(t *testing.T) {
	start := time.Now()
	log, signals, ended := run(t, "brief")
	const deaths = 12
	for range deaths {
		expect(t, log, "exit status 1")
	}
	// Two workers at most start within 100 ms: six pairs, with five pauses.
	if d, least := time.Since(start), (deaths/2-1)*100*time.Millisecond; d < least {
		t.Errorf("%d workers died within %v, want at least %v", deaths, d, least)
	}
	end(t, signals, ended)
}

// TestLyingWorker: what a worker says is not believed further than it must be.
func TestLyingWorker(t *testing.T) {
	log, signals, ended := run(t, "lie")
	expect(t, log, `unknown message "nonsense"`)
	expect(t, log, `unknown message "state -1 0 0"`)
	expect(t, log, "started: ?[2J")
	end(t, signals, ended)
}

func TestStartAndDrain(t *testing.T) {
	log, signals, ended := run(t, "stay")
	expect(t, log, "started: test")
	signals <- unix.SIGHUP
	expect(t, log, "reload: done")
	end(t, signals, ended)
}

func TestWorkersHaveTimerSlack(t *testing.T) {
	log, signals, ended := run(t, "stay")
	expect(t, log, "started: test, timers 4000000 ns late, <nil>")
	end(t, signals, ended)
}
