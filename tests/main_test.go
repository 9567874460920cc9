// Package tests runs the real programs: it builds the commands once,
// starts them as a user would, and looks at what comes out. It imports nothing
// of the project, so what it holds is what others can rely on.
package tests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/eventually"
	"imgtools/tests/await"
)

// binDir has the commands under test; it is first on PATH.
var binDir string

// root is the project's top folder.
var root string

func TestMain(m *testing.M) {
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	tmp, err := os.MkdirTemp("", "imgtools-tests-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(tmp)
	binDir = filepath.Join(tmp, "bin")
	if root, err = filepath.Abs(".."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	build := exec.Command("go", "build", "-trimpath", "-o", binDir+"/", "./cmd/...")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	// What the user's surroundings say must not reach the commands.
	for _, k := range []string{"IMGD", "IMGD_TOKEN_FILE", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET",
		"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "PORT", "PREFIX", "DESTDIR"} {
		os.Unsetenv(k)
	}
	// HOME will be another; the tests call go themselves, which keeps its modules there.
	for _, k := range []string{"GOPATH", "GOMODCACHE", "GOCACHE"} {
		v, err := exec.Command("go", "env", k).Output()
		if err != nil {
			fmt.Fprintf(os.Stderr, "go env %s: %v\n", k, err)
			return 1
		}
		os.Setenv(k, strings.TrimSpace(string(v)))
	}
	os.Setenv("PATH", binDir+":/usr/bin:/bin:"+os.Getenv("PATH"))
	os.Setenv("HOME", tmp)
	os.Setenv("IMGTOOLS_RUN", filepath.Join(tmp, "run"))
	status := m.Run()
	printFaults(os.Stdout)
	if left := leftovers(5 * time.Second); len(left) > 0 {
		fmt.Fprintf(os.Stderr, "still running after the tests: %v\n", left)
		status = 1
	}
	return status
}

// leftovers returns the processes that still run a binary of binDir after d, and
// kills them.
func leftovers(d time.Duration) []string {
	var left []string
	if eventually.Is(d, func() bool {
		left = left[:0]
		for _, p := range processes(binDir + "/") {
			left = append(left, fmt.Sprintf("%d %s", p.pid, p.cmdline))
		}
		return len(left) == 0
	}) {
		return nil
	}
	for _, p := range processes(binDir + "/") {
		syscall.Kill(p.pid, syscall.SIGKILL)
	}
	return left
}

// process is one line of /proc.
type process struct {
	pid, ppid int
	exe       string
	cmdline   string
	state     byte // R, S, D, T, Z
}

// processes returns the living processes whose binary's path begins with prefix.
func processes(prefix string) []process {
	var ps []process
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		exe, err := os.Readlink(d + "/exe")
		if err != nil || !strings.HasPrefix(exe, prefix) {
			continue
		}
		p := process{exe: strings.TrimSuffix(exe, " (deleted)")}
		p.pid, _ = strconv.Atoi(filepath.Base(d))
		cmd, _ := os.ReadFile(d + "/cmdline")
		p.cmdline = string(bytes.TrimSpace(bytes.ReplaceAll(cmd, []byte{0}, []byte{' '})))
		stat, _ := os.ReadFile(d + "/stat")
		if i := bytes.LastIndexByte(stat, ')'); i >= 0 {
			f := strings.Fields(string(stat[i+1:]))
			if len(f) > 1 {
				p.state = f[0][0]
				p.ppid, _ = strconv.Atoi(f[1])
			}
		}
		if p.state != 'Z' {
			ps = append(ps, p)
		}
	}
	return ps
}

// children returns the living direct children of pid that run the same binary.
func children(pid int) []process {
	var kids []process
	for _, p := range processes(binDir + "/") {
		if p.ppid == pid {
			kids = append(kids, p)
		}
	}
	return kids
}

// result is what a command left behind.
type result struct {
	out    []byte
	err    string // stderr
	status int    // exit status; 128 + the signal's number if it died of one
}

// run runs a command with stdin from in (nil: nothing) and waits for it.
func run(t testing.TB, in io.Reader, name string, args ...string) result {
	t.Helper()
	return runIn(t, "", in, name, args...)
}

// runIn is run in a folder.
func runIn(t testing.TB, dir string, in io.Reader, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	c.Stdin = in
	c.WaitDelay = time.Minute // for what the line left in the background
	var out, errb bytes.Buffer
	c.Stdout, c.Stderr = &out, &errb
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return result{out.Bytes(), errb.String(), statusOf(c.ProcessState)}
}

func statusOf(s *os.ProcessState) int {
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return s.ExitCode()
}

// sh runs a line of shell in dir with pipefail, so that no stage fails unseen.
func sh(t testing.TB, dir, line string) result {
	t.Helper()
	return runIn(t, dir, nil, "bash", "-c", "set -o pipefail; "+line)
}

// must is sh that has to exit 0; it returns stdout.
func must(t testing.TB, dir, line string) []byte {
	t.Helper()
	r := sh(t, dir, line)
	if r.status != 0 {
		t.Fatalf("%s: exit %d\n%s", line, r.status, r.err)
	}
	return r.out
}

// tail returns the last n lines of a log that aren't about the tests' own polling.
func tail(log *await.Log, n int) string {
	var lines []string
	for _, line := range strings.Split(strings.TrimSpace(log.String()), "\n") {
		if !strings.Contains(line, "path=/readyz") && !strings.Contains(line, "path=/healthz") && !strings.Contains(line, "path=/metrics") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
