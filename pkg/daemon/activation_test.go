package daemon_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/daemontest"
	"imgtools/pkg/eventually"
	"imgtools/pkg/fault"
)

// manager is a notify socket, as systemd's.
type manager struct {
	t    *testing.T
	conn daemontest.Conn
	path string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "n")
	fd, _ := daemontest.Bound(t, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, "unix", path)
	c := daemontest.Conn{File: os.NewFile(uintptr(fd), path)}
	t.Cleanup(func() { c.Close() })
	return &manager{t, c, path}
}

// next returns the next datagram that begins with one of prefixes, leaving out
// others.
func (m *manager) next(prefixes ...string) string {
	m.t.Helper()
	m.conn.SetReadDeadline(time.Now().Add(eventually.Patience))
	for buf := make([]byte, 4096); ; {
		n, err := m.conn.Read(buf)
		if err != nil {
			m.t.Fatalf("waiting for %q: %v", prefixes, err)
		}
		for _, p := range prefixes {
			if strings.HasPrefix(string(buf[:n]), p) {
				return string(buf[:n])
			}
		}
	}
}

// TestSocketActivate is the real tool, with sockets of each kind and their names.
func TestSocketActivate(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("systemd-socket-activate")
	if err != nil {
		t.Fatal(err)
	}
	m := newManager(t)
	dir := t.TempDir()
	v4, v6 := freePort(t, "127.0.0.1:0"), freePort(t, "[::1]:0")
	cmd := exec.Command(tool, "-l", dir+"/a", "-l", "127.0.0.1:"+v4, "-l", "[::1]:"+v6, "-l", dir+"/s",
		"--fdname=main:tcp:tcp6:status", "-E", "DAEMON_TEST", "-E", "NOTIFY_SOCKET", os.Args[0], "-n", "2")
	cmd.Env = append(os.Environ(), "DAEMON_TEST=1", "NOTIFY_SOCKET="+m.path)
	p := daemontest.Launch(t, cmd)
	p.Path = dir + "/a"
	eventually.True(t, "listening", func() bool { _, err := os.Stat(dir + "/s"); return err == nil })
	if _, out, err := p.Ask("img/1 gray", "unix"); err != nil || out != "UNIX" {
		t.Errorf("unix: %q, %v", out, err)
	}
	for _, addr := range []string{"127.0.0.1:" + v4, "[::1]:" + v6} {
		if _, out, err := daemontest.Stream("tcp", addr, "img/1 gray len=3", "tcp", false); err != nil || out != "TCP" {
			t.Errorf("%s: %q, %v", addr, out, err)
		}
	}
	if got := m.next("READY=1"); !strings.Contains(got, "\nSTATUS=") {
		t.Errorf("%q", got)
	}
	if s := daemontest.StatusAt(t, dir+"/s"); s["workers"] != "2" || s["ready"] != "2" {
		t.Errorf("status %v", s)
	}
	p.Expect("workers on main tcp tcp6;")
	for _, pid := range p.Workers() {
		env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if strings.Contains(string(env), "LISTEN_") || strings.Contains(string(env), "NOTIFY_SOCKET") {
			t.Errorf("a worker has %q", env)
		}
	}
	p.Signal(unix.SIGTERM)
	m.next("STOPPING=1")
	p.Exits(0)
	if _, err := os.Stat(dir + "/a"); err != nil {
		t.Errorf("a socket of the manager's was removed: %v", err)
	}
}

// freePort returns a port that nobody had a moment ago.
func freePort(t *testing.T, addr string) string {
	t.Helper()
	fd, port := daemontest.Bound(t, unix.SOCK_STREAM, "tcp", addr)
	unix.Close(fd)
	return strconv.Itoa(port)
}

// activated returns the command of a daemon that inherits a listener as 3, as
// systemd would start it.
func activated(t *testing.T, listener int, script string) *exec.Cmd {
	t.Helper()
	own, err := unix.FcntlInt(uintptr(listener), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(own), "listener")
	t.Cleanup(func() { f.Close() })
	cmd := exec.Command("/bin/sh", "-c", script, "sh", os.Args[0], "-n", "1")
	cmd.Env = append(os.Environ(), "DAEMON_TEST=1", "LISTEN_FDS=1")
	cmd.ExtraFiles = []*os.File{f}
	return cmd
}

// listener returns a listening socket at path, blocking, as systemd's are.
func listener(t *testing.T, path string) int {
	t.Helper()
	fd, _ := daemontest.Bound(t, unix.SOCK_STREAM, "unix", path)
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Listen(fd, 100); err != nil {
		t.Fatal(err)
	}
	return fd
}

// What is queued when one daemon ends, even in the middle of a drain, the next one
// serves.
func TestRestartWithInheritedSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	l := listener(t, path)
	const script = `LISTEN_PID=$$ exec "$@"`
	one := daemontest.Launch(t, activated(t, l, script))
	one.Path = path
	one.Expect("workers on ")
	r, err := daemontest.Send(t.TempDir(), path, "img/1 gray do=hold", "in hand")
	if err != nil {
		t.Fatal(err)
	}
	worker := one.Workers()[0]
	eventually.True(t, "the request taken", func() bool { return holdsFile(worker, r.OutPath) })
	socket, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", l))
	if err != nil {
		t.Fatal(err)
	}
	one.Signal(unix.SIGTERM)
	eventually.True(t, "the worker draining", func() bool { return !holdsFile(worker, socket) })
	queued, err := daemontest.Send(t.TempDir(), path, "img/1 gray", "queued")
	if err != nil {
		t.Fatal(err)
	}
	if _, out, err := r.Answer(); err != nil || out != "IN HAND" {
		t.Errorf("in hand: %q, %v", out, err)
	}
	one.Exits(0)
	two := daemontest.Launch(t, activated(t, l, script))
	reply, out, err := queued.Answer()
	if err != nil || out != "QUEUED" || reply.Get("pid") == strconv.Itoa(worker) {
		t.Errorf("queued: %v, %q, %v", reply, out, err)
	}
	two.Expect("workers on ")
}

// holdsFile reports whether a process has the file at path open.
func holdsFile(pid int, path string) bool {
	es, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	for _, e := range es {
		if l, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, e.Name())); l == path {
			return true
		}
	}
	return false
}

func TestSocketsOfAnotherProcessAreRefused(t *testing.T) {
	t.Parallel()
	l := listener(t, filepath.Join(t.TempDir(), "s"))
	p := daemontest.Launch(t, activated(t, l, `export LISTEN_PID=$$; "$@"; exit $?`))
	p.Expect("LISTEN_PID is ")
	p.Exits(fault.ExitUsage)
}

func TestServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	cmd := daemontest.Command("-a", filepath.Join(t.TempDir(), "s"), "-n", "2")
	// WATCHDOG_PID would have to be that of the daemon; without it all are meant.
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC=100000")
	p := daemontest.Launch(t, cmd)
	if got := m.next("READY=1"); !strings.HasPrefix(got, "READY=1\nSTATUS=2 of 2 workers ready; sandbox no_new_privs ") {
		t.Errorf("%q", got)
	}
	m.next("WATCHDOG=1")
	first := time.Now()
	for range 4 {
		m.next("WATCHDOG=1")
	}
	if took := time.Since(first); took < 150*time.Millisecond || took > 20*time.Second {
		t.Errorf("4 beats of 50 ms in %v", took)
	}

	var before unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &before)
	p.Signal(unix.SIGHUP)
	got := m.next("RELOADING=1", "READY=1")
	parts := regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=(\d+)$`).FindStringSubmatch(got)
	if parts == nil {
		t.Fatalf("%q", got)
	}
	var after unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &after)
	if usec, _ := strconv.ParseInt(parts[1], 10, 64); usec < before.Nano()/1000 || usec > after.Nano()/1000 {
		t.Errorf("MONOTONIC_USEC=%d, not from %d to %d", usec, before.Nano()/1000, after.Nano()/1000)
	}
	m.next("READY=1")
	p.Expect("reload: done")
	p.Signal(unix.SIGTERM)
	m.next("STOPPING=1")
}

// TestJournalPrefixes: a line of the journal has its priority and no name.
func TestJournalPrefixes(t *testing.T) {
	t.Parallel()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(log.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	cmd := daemontest.Command("-a", filepath.Join(t.TempDir(), "s"), "-n", "1")
	cmd.Env = append(cmd.Env, fmt.Sprintf("JOURNAL_STREAM=%d:%d", st.Dev, st.Ino))
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text := func() string { b, _ := os.ReadFile(log.Name()); return string(b) }
	eventually.True(t, "ready", func() bool { return strings.HasPrefix(text(), "<6>1 workers on unix:") })
	unix.Kill(daemontest.ChildrenOf(t, cmd.Process.Pid)[0], unix.SIGKILL)
	eventually.True(t, "a death told", func() bool { return strings.Contains(text(), "\n<4>worker ") })
	cmd.Process.Signal(unix.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
