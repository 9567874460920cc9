package daemontest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/eventually"
)

// Process is a running daemon.
type Process struct {
	t    *testing.T
	Cmd  *exec.Cmd
	Path string // of its Unix socket, if it has one
	exit chan struct{}

	mu    sync.Mutex
	log   []string
	fresh chan struct{} // closed and replaced with each line
}

// Command returns the daemon's command, not started; its log goes to nowhere yet.
func Command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "DAEMON_TEST=1")
	return cmd
}

// Launch starts cmd and follows its log. At the end of the test it is killed, and
// must leave no worker.
func Launch(t *testing.T, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{t: t, Cmd: cmd, exit: make(chan struct{}), fresh: make(chan struct{})}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		for sc := bufio.NewScanner(r); sc.Scan(); {
			p.mu.Lock()
			p.log = append(p.log, sc.Text())
			close(p.fresh)
			p.fresh = make(chan struct{})
			p.mu.Unlock()
		}
	}()
	go func() { cmd.Wait(); close(p.exit) }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-p.exit
		select {
		case <-logged: // all workers have closed their end
		case <-time.After(eventually.Patience):
			t.Error("workers outlive their supervisor")
		}
		if t.Failed() {
			t.Logf("log:\n%s", strings.Join(p.log, "\n"))
		}
		r.Close()
	})
	return p
}

// Start starts a daemon on a Unix socket of its own and waits until it is ready.
func Start(t *testing.T, args ...string) *Process {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	p := Launch(t, Command(append([]string{"-a", path}, args...)...))
	p.Path = path
	p.Expect("workers on ")
	return p
}

// Expect waits for a line of the log that contains part and that no earlier
// Expect has returned, and returns it.
func (p *Process) Expect(part string) string {
	p.t.Helper()
	over := time.After(eventually.Patience)
	for {
		p.mu.Lock()
		for i, l := range p.log {
			if strings.Contains(l, part) {
				p.log[i] = "(seen) " + strings.ReplaceAll(l, part, "…")
				p.mu.Unlock()
				return l
			}
		}
		fresh := p.fresh
		p.mu.Unlock()
		select {
		case <-fresh:
		case <-over:
			p.t.Fatalf("no %q in the log", part)
		}
	}
}

// Says reports whether the log so far contains part.
func (p *Process) Says(part string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Contains(strings.Join(p.log, "\n"), part)
}

// Log returns the lines so far.
func (p *Process) Log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.log)
}

// WaitExit waits for the end of the supervisor and returns its exit status.
func (p *Process) WaitExit() int {
	p.t.Helper()
	select {
	case <-p.exit:
	case <-time.After(eventually.Patience):
		p.t.Fatal("the daemon does not exit")
	}
	return p.Cmd.ProcessState.ExitCode()
}

// Exits waits for the end of the supervisor with a status.
func (p *Process) Exits(want int) {
	p.t.Helper()
	if code := p.WaitExit(); code != want {
		p.t.Errorf("exit status %d, want %d", code, want)
	}
}

// Signal sends the supervisor a signal.
func (p *Process) Signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.Cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// Status asks the status socket.
func (p *Process) Status() map[string]string {
	p.t.Helper()
	return StatusAt(p.t, p.Path+".status")
}

// StatusAt asks the status socket at path.
func StatusAt(t *testing.T, path string) map[string]string {
	t.Helper()
	c, err := Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	text, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for line := range strings.Lines(string(text)) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		m[k] = v
	}
	return m
}

// Workers returns the processes whose parent is the supervisor.
func (p *Process) Workers() []int {
	p.t.Helper()
	return ChildrenOf(p.t, p.Cmd.Process.Pid)
}

var statLine = regexp.MustCompile(`^(\d+) \(.*\) (\S) (\d+) `)

// ChildrenOf returns the processes whose parent is parent.
func ChildrenOf(t *testing.T, parent int) (pids []int) {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		b, err := os.ReadFile(d)
		if m := statLine.FindSubmatch(b); err == nil && m != nil && string(m[2]) != "Z" && string(m[3]) == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(string(m[1]))
			pids = append(pids, pid)
		}
	}
	return pids
}

// Alive reports whether a process is there and no zombie.
func Alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	m := statLine.FindSubmatch(b)
	return err == nil && m != nil && string(m[2]) != "Z"
}

// Stop stops a process by SIGSTOP and waits until all its threads stand still. Until then
// one that runs may still accept a connection.
func Stop(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "the process is stopped", func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		for _, path := range threads {
			b, readErr := os.ReadFile(path)
			if m := statLine.FindSubmatch(b); readErr != nil || m == nil || string(m[2]) != "T" {
				return false
			}
		}
		return err == nil && len(threads) > 0
	})
}
