package prefork_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/daemontest"
	"imgtools/pkg/eventually"
	"imgtools/pkg/fault"
)

func TestKilledWorkers(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "2")
	// Idle: nothing is lost.
	for i := range 3 {
		unix.Kill(p.Workers()[0], unix.SIGKILL)
		p.UntilReady(2, i+1)
	}
	if _, out, err := p.Ask("img/1 gray", "idle"); err != nil || out != "IDLE" {
		t.Errorf("%q, %v", out, err)
	}
	// Busy: that request, and no other.
	held := p.Hold(1)
	other := p.Workers()
	reply, _, err := p.Ask("img/1 gray", "which")
	if err != nil {
		t.Fatal(err)
	}
	idle, _ := strconv.Atoi(reply.Get("pid"))
	victim := other[0]
	if victim == idle {
		victim = other[1]
	}
	unix.Kill(victim, unix.SIGKILL)
	if _, _, err := held.Answer(); err != io.EOF {
		t.Errorf("the request in hand: %v; want the end of the file", err)
	}
	p.Expect(fmt.Sprintf("worker %d: killed by signal 9 (SIGKILL)", victim))
	// All, with requests in the queue.
	p.UntilReady(2, 4)
	a, b := p.Hold(1), p.Hold(2)
	queued := p.Queue(5)
	for _, pid := range p.Workers() {
		unix.Kill(pid, unix.SIGKILL)
	}
	for _, r := range []*daemontest.Request{a, b} {
		if _, _, err := r.Answer(); err != io.EOF {
			t.Errorf("a request in hand: %v", err)
		}
	}
	for _, r := range queued {
		if _, out, err := r.Answer(); err != nil || out != "QUEUED" {
			t.Errorf("a queued request: %q, %v", out, err)
		}
	}
}

func TestKillsUnderLoadLoseOneEach(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "2")
	stop := make(chan struct{})
	wait := p.Load(4, stop)
	kills := 0
	for ; kills < 10; kills++ {
		if pids := p.Workers(); len(pids) > 0 {
			unix.Kill(pids[kills%len(pids)], unix.SIGKILL)
		}
		p.UntilReady(2, kills+1)
	}
	close(stop)
	if ok, lost := wait(); ok == 0 || lost > int64(kills) {
		t.Errorf("%d kills: %d requests lost, %d served", kills, lost, ok)
	}
}

func TestReloadLosesNothing(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "2")
	stop := make(chan struct{})
	wait := p.Load(4, stop)
	for range 3 {
		before := p.Workers()
		p.Signal(unix.SIGHUP)
		p.Expect("reload: done")
		eventually.True(t, "the old ones gone", func() bool {
			after := p.Workers()
			return len(after) == 2 && !slices.ContainsFunc(after, func(pid int) bool { return slices.Contains(before, pid) })
		})
	}
	// Two that come at once are at least one more, and end.
	p.Signal(unix.SIGHUP)
	p.Signal(unix.SIGHUP)
	p.Expect("reload: done")
	eventually.True(t, "two workers", func() bool { return len(p.Workers()) == 2 })
	close(stop)
	if ok, lost := wait(); ok == 0 || lost != 0 {
		t.Errorf("%d requests lost, %d served", lost, ok)
	}
	if got := p.Status()["respawned"]; got != "0" {
		t.Errorf("%s workers count as respawned", got)
	}
}

// TestReloadWaitsForWork: an old worker finishes its request.
func TestReloadWaitsForWork(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "1")
	held := p.Hold(1)
	p.Signal(unix.SIGHUP)
	p.Expect("reload: done")
	if _, out, err := p.Ask("img/1 gray", "new"); err != nil || out != "NEW" {
		t.Errorf("%q, %v", out, err)
	}
	if _, out, err := held.Answer(); err != nil || out != "HELD" {
		t.Errorf("the held request: %q, %v", out, err)
	}
	eventually.True(t, "one worker", func() bool { return len(p.Workers()) == 1 })
}

func TestReloadWithBrokenProgramKeepsWorkers(t *testing.T) {
	t.Parallel()
	for name, program := range map[string]string{
		"not a program": "garbage",
		"exits":         "#!/bin/sh\nexit 1\n",
		"not there":     "",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			copied := filepath.Join(dir, "testd")
			b, err := os.ReadFile(os.Args[0])
			if err != nil {
				t.Fatal(err)
			}
			install(t, copied, b)
			cmd := daemontest.Command("-a", filepath.Join(dir, "s"), "-n", "2")
			cmd.Path = copied
			p := daemontest.Launch(t, cmd)
			p.Path = filepath.Join(dir, "s")
			p.Expect("workers on ")
			before := p.Workers()
			os.Remove(copied)
			if program != "" {
				install(t, copied, []byte(program))
			}
			p.Signal(unix.SIGHUP)
			p.Expect("the old ones stay")
			if after := p.Workers(); !slices.Equal(before, after) {
				t.Errorf("workers %v became %v", before, after)
			}
			if _, out, err := p.Ask("img/1 gray", "still"); err != nil || out != "STILL" {
				t.Errorf("%q, %v", out, err)
			}
			os.Remove(copied)
			install(t, copied, b)
			p.Signal(unix.SIGHUP)
			p.Expect("reload: done")
		})
	}
}

// install writes a program. Another process writes: a descriptor open for
// writing here is inherited, until its exec, by what parallel tests start, and
// to run the program is refused meanwhile ("text file busy").
func install(t *testing.T, path string, program []byte) {
	t.Helper()
	cmd := exec.Command("sh", "-c", `cat >"$0" && chmod 700 "$0"`, path)
	cmd.Stdin = bytes.NewReader(program)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("write %s: %v: %s", path, err, out)
	}
}

func TestTermEmptiesTheQueue(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "1")
	held := p.Hold(1)
	queued := p.Queue(20)
	p.Signal(unix.SIGTERM)
	p.Expect("draining")
	eventually.True(t, "the path gone", func() bool { _, err := os.Lstat(p.Path); return os.IsNotExist(err) })
	if _, err := os.Lstat(p.Path + ".status"); !os.IsNotExist(err) {
		t.Errorf("status: %v", err)
	}
	if _, out, err := held.Answer(); err != nil || out != "HELD" {
		t.Errorf("the held request: %q, %v", out, err)
	}
	daemontest.Answered(t, queued)
	p.Exits(0)
}

// TestWorkerDyingInADrainLeavesNoQueue: the last worker dies of its request.
func TestWorkerDyingInADrainLeavesNoQueue(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "1")
	held := p.Hold(1)
	queued := p.Queue(5)
	p.Signal(unix.SIGINT)
	p.Expect("draining")
	unix.Kill(p.Workers()[0], unix.SIGKILL)
	if _, _, err := held.Answer(); err != io.EOF {
		t.Errorf("the held request: %v", err)
	}
	daemontest.Answered(t, queued)
	p.Exits(0)
}

func TestSecondTermEndsAtOnce(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "2")
	held := p.Hold(1)
	p.Signal(unix.SIGTERM)
	p.Expect("draining")
	p.Signal(unix.SIGTERM)
	p.Exits(fault.ExitFail)
	if _, _, err := held.Answer(); err != io.EOF {
		t.Errorf("the held request: %v", err)
	}
}

func TestTermDuringBoot(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	p := daemontest.Launch(t, daemontest.Command("-a", path, "-n", "4"))
	eventually.True(t, "a worker", func() bool { return len(p.Workers()) > 0 })
	p.Signal(unix.SIGTERM)
	p.Exits(0)
}

// TestSupervisorKilled: its worker finishes what it has and goes. (That it goes is
// checked for every test, by launch.)
func TestSupervisorKilled(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "2")
	held := p.Hold(1)
	pids := p.Workers()
	p.Signal(unix.SIGKILL)
	p.WaitExit()
	eventually.True(t, "the idle one gone", func() bool {
		return slices.ContainsFunc(pids, func(pid int) bool { return !daemontest.Alive(pid) })
	})
	if _, out, err := held.Answer(); err != nil || out != "HELD" {
		t.Errorf("the held request: %q, %v", out, err)
	}
	// Its path is stale now, and the next instance takes it.
	q := daemontest.Launch(t, daemontest.Command("-a", p.Path))
	q.Path = p.Path
	q.Expect("workers on ")
	if _, out, err := q.Ask("img/1 gray", "next"); err != nil || out != "NEXT" {
		t.Errorf("%q, %v", out, err)
	}
}

// TestStoppedSupervisorKillsNobody: it hears only afterwards that a request, over
// its time by then, ended long ago.
func TestStoppedSupervisorKillsNobody(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "1", "-t", "800ms")
	before := p.Workers()
	held := p.Hold(1)
	p.Signal(unix.SIGSTOP)
	if _, out, err := held.Answer(); err != nil || out != "HELD" {
		t.Fatalf("%q, %v", out, err)
	}
	// More than the lifeline holds: a worker doesn't wait for its supervisor.
	for range 400 {
		if _, _, err := p.Ask("img/1 gray", "stopped"); err != nil {
			t.Fatal(err)
		}
	}
	<-time.After(3 * time.Second) // the time that its judgement must survive
	p.Signal(unix.SIGCONT)
	eventually.True(t, "counted", func() bool { return p.Status()["served"] == "401" })
	<-time.After(lateTime) // and the time after which it judges
	if after := p.Workers(); !slices.Equal(before, after) {
		t.Errorf("worker %v became %v", before, after)
	}
	if s := p.Status(); s["busy"] != "0" || s["failed"] != "0" {
		t.Errorf("status %v", s)
	}
}

const lateTime = 1100 * time.Millisecond

func TestStoppedWorkerHoldsNothing(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "2")
	stopped := p.Workers()[0]
	daemontest.Stop(t, stopped)
	for range 20 {
		if reply, _, err := p.Ask("img/1 gray", "x"); err != nil || reply.Get("pid") == strconv.Itoa(stopped) {
			t.Fatalf("%v, %v", reply, err)
		}
	}
	unix.Kill(stopped, unix.SIGCONT)
	held := p.Hold(1)
	if _, out, err := p.Ask("img/1 gray", "both"); err != nil || out != "BOTH" {
		t.Errorf("%q, %v", out, err)
	}
	if _, _, err := held.Answer(); err != nil {
		t.Error(err)
	}
}

// TestDeathsAtWork: whatever an operation does to its process, the client learns
// of it, the next request is served, and the log says why.
func TestDeathsAtWork(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "1", "-t", "60s")
	for i, c := range []struct{ do, log string }{
		{"panic", "exit status 2"},
		{"nil", "exit status 2"},
		{"memory", "exit status 2"},
		{"orphan", "closed its lifeline: SIGKILL"},
		{"stop timeout=700ms", "over its time of 700ms and did not end itself: SIGQUIT"},
	} {
		begin := time.Now()
		_, _, err := p.Ask("img/1 gray do="+c.do, "")
		took := time.Since(begin)
		if err != io.EOF {
			t.Errorf("%s: %v", c.do, err)
		}
		if took > 30*time.Second {
			t.Errorf("%s: after %v", c.do, took)
		}
		p.Expect(c.log)
		p.UntilReady(1, i+1)
		if _, out, err := p.Ask("img/1 gray", c.do); err != nil || out != strings.ToUpper(c.do) {
			t.Errorf("after %s: %q, %v", c.do, out, err)
		}
	}
	if !p.Says("as asked") || !p.Says("daemontest.operation") {
		t.Error("the log has no stack of the panic")
	}
}

// TestWorkerIsReplacedAfterMuchMemory: each such request goes well, and no request
// after it is lost.
func TestWorkerIsReplacedAfterMuchMemory(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "1", "-maxmem", strconv.Itoa(96<<20))
	for i := range 3 {
		before := p.Workers()
		if _, out, err := p.Ask("img/1 gray do=fill", "much"); err != nil || out != "MUCH" {
			t.Fatalf("%q, %v", out, err)
		}
		if reply, _, err := p.Ask("img/1 gray", "next"); err != nil || reply.Get("pid") == strconv.Itoa(before[0]) {
			t.Errorf("the next went to %v, and before there was %v; %v", reply, before, err)
		}
		p.UntilReady(1, i+1)
	}
	if p.Says("testd: worker ") {
		t.Error("the supervisor took it for a failure")
	}
}

func TestFailingStartsBackOff(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	p := daemontest.Launch(t, daemontest.Command("-a", filepath.Join(t.TempDir(), "s"), "-n", "3", "-boot", "exit"))
	for _, wait := range []string{"100ms", "200ms", "400ms", "800ms"} {
		p.Expect("next worker in " + wait)
	}
	if took := time.Since(begin); took < 700*time.Millisecond {
		t.Errorf("four failures in %v", took)
	}
	died := strings.Count(strings.Join(p.Log(), "\n"), "before it was ready")
	if died != 3+3 { // all at first, then one at a time
		t.Errorf("%d workers died", died)
	}
	p.Signal(unix.SIGTERM)
	p.Exits(0)
}

func TestSecondInstance(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t)
	q := daemontest.Launch(t, daemontest.Command("-a", p.Path))
	q.Expect("process " + strconv.Itoa(p.Cmd.Process.Pid) + " serves it already")
	q.Exits(fault.ExitFail)
	if _, out, err := p.Ask("img/1 gray", "first"); err != nil || out != "FIRST" {
		t.Errorf("%q, %v", out, err)
	}
}

// limitFiles sets how many descriptors a process may have, and returns what undoes
// that.
func limitFiles(t *testing.T, pid int, n uint64) (undo func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: old.Max}, nil); err != nil {
		t.Fatal(err)
	}
	return func() { unix.Prlimit(pid, unix.RLIMIT_NOFILE, &old, nil) }
}

// firstFree returns the lowest descriptor that a process doesn't have.
func firstFree(t *testing.T, pid int) uint64 {
	t.Helper()
	for n := uint64(0); ; n++ {
		if _, err := os.Lstat(fmt.Sprintf("/proc/%d/fd/%d", pid, n)); err != nil {
			return n
		}
	}
}

func TestFullDescriptorTables(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "1")
	// The worker's, such that a connection fits and descriptors don't.
	pid := p.Workers()[0]
	free := firstFree(t, pid)
	undo := limitFiles(t, pid, free+1)
	if _, _, err := p.Ask("img/1 gray", ""); fault.Of(err) != fault.Busy {
		t.Errorf("no room for descriptors: %v", err)
	}
	undo()
	// Such that no connection fits: it waits, and is served when there is room.
	eventually.True(t, "the connection closed", func() bool { return firstFree(t, pid) == free })
	undo = limitFiles(t, pid, free)
	r, err := daemontest.Send(t.TempDir(), p.Path, "img/1 gray", "patient")
	if err != nil {
		t.Fatal(err)
	}
	p.Expect("accept: too many open files")
	undo()
	if _, out, err := r.Answer(); err != nil || out != "PATIENT" {
		t.Errorf("%q, %v", out, err)
	}
	// The supervisor's, when it must start a worker.
	undo = limitFiles(t, p.Cmd.Process.Pid, firstFree(t, p.Cmd.Process.Pid))
	unix.Kill(pid, syscall.SIGKILL)
	p.Expect("start worker: ")
	p.Expect("next worker in 200ms")
	undo()
	if _, out, err := p.Ask("img/1 gray", "again"); err != nil || out != "AGAIN" {
		t.Errorf("%q, %v", out, err)
	}
}

// TestWorkerTermFinishes: TERM sent to a worker itself.
func TestWorkerTermFinishes(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "1")
	held := p.Hold(1)
	unix.Kill(p.Workers()[0], unix.SIGTERM)
	if _, out, err := held.Answer(); err != nil || out != "HELD" {
		t.Errorf("%q, %v", out, err)
	}
	p.UntilReady(1, 1)
	for _, sig := range []syscall.Signal{unix.SIGHUP, unix.SIGINT} {
		unix.Kill(p.Workers()[0], sig)
	}
	if _, out, err := p.Ask("img/1 gray", "there"); err != nil || out != "THERE" {
		t.Errorf("%q, %v", out, err)
	}
	if got := p.Status()["respawned"]; got != "1" {
		t.Errorf("%s respawned", got)
	}
}
