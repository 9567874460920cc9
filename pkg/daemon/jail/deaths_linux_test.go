package jail

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/sandbox"
	"imgtools/pkg/eventually"
	"imgtools/pkg/fault"
)

// TestClientsAct is not a test but what another process of the test binary does: see
// client.
func TestClientsAct(t *testing.T) {
	act := os.Getenv("JAIL_TEST_CLIENT")
	if act == "" {
		t.Skip("only for other tests")
	}
	if act == "old kernel" {
		oldKernel(t)
		return
	}
	var run Runner = Direct()
	if act == "sandboxed" {
		l, err := StartLauncher(sandbox.Strict, Caps{Time: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		run = l
	}
	var cs []Command // files are opened before the sandbox
	for _, act := range []string{"copy", "nothing", "wait"} {
		cs = append(cs, command(t, act))
	}
	if act == "sandboxed" {
		if err := sandbox.Limit(sandbox.Limits{Data: 256 << 20, File: 1 << 20, Files: 64}); err != nil {
			t.Fatal(err)
		}
		if _, err := sandbox.Enter(sandbox.Strict); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 { // descriptors would run out
		if got, err := toPipe(t, run, cs[0]); err != nil || got != "the input" {
			t.Errorf("pipe: %q, %v", got, err)
		}
		if got, err := toMemory(t, run, cs[0]); err != nil || got != "the input" {
			t.Errorf("memory: %q, %v", got, err)
		}
	}
	if got, err := toPipe(t, run, cs[1]); err != nil || got != "" {
		t.Errorf("nothing: %q, %v", got, err)
	}
	r, w, err := run.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cs[2].Out = w
	ended := make(chan error, 1)
	go func() {
		err := run.Run(context.Background(), cs[2])
		w.Close()
		ended <- err
	}()
	if n, err := r.Read(make([]byte, 2)); n != 2 {
		t.Fatal(err, <-ended)
	}
	fmt.Printf("ready %v\n", t.Failed())
	fmt.Printf("ended: %v\n", <-ended)
	os.Stdout.Close()
	forever()
}

// oldKernel runs programs where Landlock is lacking.
func oldKernel(t *testing.T) {
	runtime.LockOSThread() // processes that it starts inherit its filter
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	p := sandbox.NewProgram()
	p.On(unix.SYS_LANDLOCK_CREATE_RULESET, sandbox.Errno(unix.ENOSYS))
	sandbox.Allow(&p)
	if err := p.InstallThread(); err != nil {
		t.Fatal(err)
	}
	err := Check(sandbox.Best)
	oneLine(t, err, fault.Unsupported)
	c := command(t, "copy")
	c.Out = c.In
	if again := Direct().Run(t.Context(), c); again == nil || again.Error() != err.Error() {
		t.Errorf("%v; want %v", again, err)
	}
	if err := Check(sandbox.Off); err != nil {
		t.Error(err)
	}
	l, _, err := startLauncher(sandbox.Off, Caps{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeLauncher(l)
	m, err := l.Memory()
	if err != nil {
		t.Fatal(err)
	}
	c.Out = m
	if err := l.Run(t.Context(), c); err != nil {
		t.Error(err)
	}
	// The jail looks itself, too.
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	_, err = startProgram(sandbox.Strict, t.TempDir(), c, null)
	oneLine(t, err, fault.Unsupported)
}

func TestWithoutLandlockNothingRuns(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestClientsAct$", "-test.timeout=1m", "-test.v")
	cmd.Env = append(os.Environ(), "JAIL_TEST_CLIENT=old kernel")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestClientsAct") {
		t.Errorf("%v: %s", err, out)
	}
}

// client starts another process of the test binary, which runs programs, the last of
// which waits, and returns when that is up.
func client(t *testing.T, act string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	cmd := exec.Command(os.Args[0], "-test.run=^TestClientsAct$", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), "JAIL_TEST_CLIENT="+act, "GOMAXPROCS=1", "GODEBUG=containermaxprocs=0,updatemaxprocs=0,decoratemappings=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	lines := bufio.NewReader(out)
	if l, err := lines.ReadString('\n'); l != "ready false\n" {
		rest, _ := lines.ReadString(0)
		t.Fatalf("%q, %v, %s", l, err, rest)
	}
	return cmd, lines
}

// TestDeadClientLeavesNothing: its launcher ends the program and removes its folder. Of a
// filter, whose launcher dies with it, the next one removes the folder.
func TestDeadClientLeavesNothing(t *testing.T) {
	for _, act := range []string{"filter", "sandboxed"} {
		for _, s := range []unix.Signal{unix.SIGKILL, unix.SIGTERM} {
			t.Run(act+"-"+unix.SignalName(s), func(t *testing.T) {
				cmd, _ := client(t, act)
				if ps := processes(t); !contains(ps, "double wait") || contains(ps, launcherName) != (act == "sandboxed") || len(folders(t)) != 1 {
					t.Fatalf("%q, %q", ps, folders(t))
				}
				cmd.Process.Signal(s)
				cmd.Wait()
				if act == "filter" {
					eventually.True(t, "the program has ended", func() bool { return len(processes(t)) == 0 })
					run := direct1(t)
					if _, err := toPipe(t, run, command(t, "nothing")); err != nil || len(folders(t)) != 1 {
						t.Errorf("%q, %v", folders(t), err)
					}
					run.Close()
				}
				allGone(t)
			})
		}
	}
}

// TestClosedRunnerLeavesNothing: a filter closes it when it ends, also by a signal.
func TestClosedRunnerLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	run := direct1(t)
	r, w, err := run.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := command(t, "wait")
	c.Out = w
	ended := make(chan error, 1)
	go func() {
		err := run.Run(t.Context(), c)
		w.Close()
		ended <- err
	}()
	if n, err := r.Read(make([]byte, 2)); n != 2 {
		t.Fatal(err, <-ended)
	}
	if err := run.Close(); err != nil {
		t.Error(err)
	}
	if ps, fs := processes(t), folders(t); len(ps) > 0 || len(fs) > 0 {
		t.Errorf("%q, %q", ps, fs)
	}
	if err := <-ended; err != errGone {
		t.Errorf("%v, want %v", err, errGone)
	}
	if got, err := toPipe(t, run, command(t, "copy")); err != nil || got != "the input" {
		t.Errorf("afterwards: %q, %v", got, err)
	}
}

// launcherOf returns the process number of a client's launcher.
func launcherOf(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range all {
		line, _ := os.ReadFile(p + "/cmdline")
		stat, _ := os.ReadFile(p + "/stat")
		_, after, _ := strings.Cut(string(stat), ") ")
		if f := strings.Fields(after); len(f) > 1 && f[1] == strconv.Itoa(cmd.Process.Pid) && strings.HasPrefix(string(line), launcherName) {
			pid, _ := strconv.Atoi(filepath.Base(p))
			return pid
		}
	}
	t.Fatal("no launcher")
	return 0
}

// TestDeadLauncherLeavesNoProgram: the program dies with it, the client gets one
// error, and the next launcher removes the folder.
func TestDeadLauncherLeavesNoProgram(t *testing.T) {
	cmd, lines := client(t, "sandboxed")
	unix.Kill(launcherOf(t, cmd), unix.SIGKILL)
	if l, err := lines.ReadString('\n'); l != "ended: "+errGone.Error()+"\n" {
		t.Errorf("%q, %v", l, err)
	}
	eventually.True(t, "the program has ended", func() bool { return !contains(processes(t), "double wait") })
	if n := len(folders(t)); n != 1 {
		t.Errorf("%d folders", n)
	}
	run := direct1(t)
	if _, err := toPipe(t, run, command(t, "nothing")); err != nil {
		t.Error(err)
	}
	if n := len(folders(t)); n != 1 { // the new one
		t.Errorf("%d folders", n)
	}
}

// TestStoppedLauncherEndsLater: what was missed while it was stopped is done then.
func TestStoppedLauncherEndsLater(t *testing.T) {
	cmd, _ := client(t, "sandboxed")
	pid := launcherOf(t, cmd)
	unix.Kill(pid, unix.SIGSTOP)
	cmd.Process.Kill()
	cmd.Wait()
	unix.Kill(pid, unix.SIGCONT)
	allGone(t)
}

func TestRemovedFolderIsMadeAgain(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	run := direct1(t)
	for i := range 3 {
		if got, err := toPipe(t, run, command(t, "copy")); err != nil || got != "the input" {
			t.Errorf("run %d: %q, %v", i, got, err)
		}
		fs := folders(t)
		if len(fs) != 1 {
			t.Fatalf("run %d: %q", i, fs)
		}
		if err := os.RemoveAll(fs[0]); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFoldersAreTakenOver: that of a launcher that was killed in the middle of a change,
// but none that is in use.
func TestFoldersAreTakenOver(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var made []*folder
	for range folderNames + 1 { // the last has a random name
		f, err := newFolder()
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, f)
	}
	if fs := folders(t); len(fs) != folderNames+1 {
		t.Errorf("%d folders", len(fs))
	}
	dead := made[3]
	if err := os.Chmod(dead.path, 0o700); err != nil {
		t.Fatal(err)
	}
	dead.lock.Close()
	f, err := newFolder()
	if err != nil || f.path != dead.path {
		t.Fatalf("%+v, %v; want %s", f, err, dead.path)
	}
	if st, err := os.Stat(f.path); err != nil || st.Mode().Perm() != 0o555 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	made[3] = f
	for _, f := range made {
		f.remove()
	}
	if fs := folders(t); len(fs) > 0 {
		t.Errorf("%q", fs)
	}
}

// TestFailedStepIsReported: a child says which of its system calls failed, and why, and
// executes nothing.
func TestFailedStepIsReported(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	run := direct1(t)
	for name, c := range map[string]struct {
		folder string
		change func(*child)
		want   string
		kind   fault.Kind
	}{
		"no folder":   {t.TempDir() + "/absent", nil, "the folder of its files: no such file or directory", fault.Internal},
		"no launcher": {t.TempDir(), func(p *child) { p.step("the launcher has ended").want++ }, "the launcher has ended", fault.Internal},
		"no Landlock": {t.TempDir(), func(p *child) { p.step("landlock_restrict_self").args[0] = 9999 }, "landlock_restrict_self: bad file descriptor", fault.Unsupported},
		"no seccomp":  {t.TempDir(), func(p *child) { p.step("seccomp").args[0] = 99 }, "seccomp: invalid argument", fault.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			command := command(t, "copy")
			if command.Out, err = run.Memory(); err != nil {
				t.Fatal(err)
			}
			defer command.Out.Close()
			said, err := os.CreateTemp(t.TempDir(), "")
			if err != nil {
				t.Fatal(err)
			}
			defer said.Close()
			p, err := prepare(sandbox.Strict, c.folder, command, null, said)
			if err != nil {
				t.Fatal(err)
			}
			defer p.close()
			if c.change != nil {
				c.change(p)
			}
			proc, err := p.start(said)
			if err != nil {
				t.Fatal(err)
			}
			state, err := proc.Wait()
			if err != nil || state.ExitCode() != exitRole {
				t.Errorf("%v, %v", state, err)
			}
			report, err := os.ReadFile(said.Name())
			if err != nil {
				t.Fatal(err)
			}
			if err := p.failure(report); err == nil || err.Error() != c.want || fault.Of(err) != c.kind {
				t.Errorf("%v: %v; want %s", fault.Of(err), err, c.want)
			}
		})
	}
}

// step returns the step of that name.
func (c *child) step(what string) *step {
	i := slices.IndexFunc(c.steps, func(s step) bool { return s.what == what })
	return &c.steps[i]
}

func TestMissingFolderForTemporaryFilesIsNamed(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/absent")
	_, err := toMemory(t, direct1(t), command(t, "copy"))
	oneLine(t, err, fault.Internal)
	if err == nil || !strings.Contains(err.Error(), "TMPDIR") || !strings.Contains(err.Error(), "/absent") {
		t.Errorf("%v", err)
	}
}

func TestOutputMustBePipeOrMemory(t *testing.T) {
	c := command(t, "copy")
	f, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c.Out = f
	oneLine(t, direct1(t).Run(t.Context(), c), fault.Internal)
}

func TestCapsHold(t *testing.T) {
	c := command(t, "copy")
	other, err := StartLauncher(sandbox.Strict, Caps{Programs: []string{"/usr/bin/env"}})
	if err != nil {
		t.Fatal(err)
	}
	defer closeLauncher(other)
	if _, err := toPipe(t, other, c); fault.Of(err) != fault.Internal || !strings.Contains(err.Error(), "may start") {
		t.Errorf("%v", err)
	}
	l, err := StartLauncher(sandbox.Strict, Caps{Programs: []string{c.Path}, Time: 300 * time.Millisecond, Output: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer closeLauncher(l)
	_, err = toMemory(t, l, command(t, "write"))
	oneLine(t, err, fault.TooLarge)
	_, err = toMemory(t, l, command(t, "wait"))
	oneLine(t, err, fault.Timeout)
}

// TestOffStillLimits: without the sandbox the time limit and the environment hold.
func TestOffStillLimits(t *testing.T) {
	l, err := StartLauncher(sandbox.Off, Caps{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeLauncher(l)
	if got, err := toPipe(t, l, command(t, "copy")); err != nil || got != "the input" {
		t.Errorf("%q, %v", got, err)
	}
	c := command(t, "wait")
	c.Time = 300 * time.Millisecond
	_, err = toMemory(t, l, c)
	oneLine(t, err, fault.Timeout)
	nothingLeft(t)
}

func TestMissingProgramIsUnsupported(t *testing.T) {
	run := direct1(t)
	for path, text := range map[string]string{
		"/usr/bin/imgtools-is-not-there": "no such file",
		"/etc/passwd":                    "permission denied",
	} {
		c := command(t, "")
		c.Path = path
		_, err := toPipe(t, run, c)
		oneLine(t, err, fault.Unsupported)
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestSenselessCommandsAreRefused(t *testing.T) {
	run := direct1(t)
	for name, change := range map[string]func(*Command){
		"relative":  func(c *Command) { c.Path = "true" },
		"slash":     func(c *Command) { c.InName = "../in" },
		"no name":   func(c *Command) { c.OutName = "" },
		"same name": func(c *Command) { c.OutName = c.InName },
		"no time":   func(c *Command) { c.Time = 0 },
		"no memory": func(c *Command) { c.Memory = 0 },
		"zero byte": func(c *Command) { c.Args = []string{"a\x00b"} },
		"long":      func(c *Command) { c.Args = []string{strings.Repeat("x", maxMessage)} },
	} {
		t.Run(name, func(t *testing.T) {
			c := command(t, "nothing")
			change(&c)
			_, err := toPipe(t, run, c)
			oneLine(t, err, fault.Internal)
		})
	}
	if got, err := toPipe(t, run, command(t, "copy")); err != nil || got != "the input" {
		t.Errorf("afterwards: %q, %v", got, err)
	}
}
