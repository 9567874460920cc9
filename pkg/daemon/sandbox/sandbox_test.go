package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"imgtools/pkg/eventually"
	"imgtools/pkg/fault"
)

// The test binary, started with a name of acts as its argument, enters the sandbox
// and does that. Descriptors 3, 4 and 5 are then a file to read, one to write, and
// a listening socket.
const (
	inFD, outFD, listenFD = 3, 4, 5
)

func TestMain(m *testing.M) {
	how := os.Getenv("SANDBOX_TEST")
	if how == "" {
		os.Exit(m.Run())
	}
	act := os.Args[1]
	up := make(chan bool)
	go func() {
		runtime.LockOSThread()
		up <- true
		for f := range earlier {
			f()
		}
	}()
	<-up
	held := ""
	var err error
	switch how {
	case "landlock":
		if _, err = noNewPrivs(); err == nil {
			held, err = landlock()
		}
	default:
		held, err = Enter(Mode(how))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	var f func() error
	for _, acts := range []map[string]func() error{forbidden, permitted, limited} {
		if acts[act] != nil {
			f = acts[act]
		}
	}
	if err := f(); err != nil {
		fmt.Println(err)
		os.Exit(4)
	}
	fmt.Println("done in " + held)
	os.Exit(0)
}

// earlier is served by a thread that was there before Enter.
var earlier = make(chan func())

// enter runs the test binary in a sandbox and returns how it ended.
func enter(t *testing.T, how, act string) (state *os.ProcessState, out string) {
	t.Helper()
	cmd, buf := child(t, how, act)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(eventually.Patience, func() { cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
	return cmd.ProcessState, buf.String()
}

func child(t *testing.T, how, act string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/in", []byte("input"), 0600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(dir + "/in")
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(dir+"/out", os.O_WRONLY|os.O_CREATE, 0600)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: dir + "/s"})
	}
	if err == nil {
		err = unix.Listen(fd, 5)
	}
	if err != nil {
		t.Fatal(err)
	}
	listener := os.NewFile(uintptr(fd), "listener")
	t.Cleanup(func() { in.Close(); out.Close(); listener.Close() })
	var buf bytes.Buffer
	cmd := exec.Command(os.Args[0], act)
	cmd.Env = append(os.Environ(), "SANDBOX_TEST="+how, "GODEBUG=decoratemappings=0,containermaxprocs=0,updatemaxprocs=0")
	cmd.ExtraFiles = []*os.File{in, out, listener}
	cmd.Stdout, cmd.Stderr = &buf, &buf
	return cmd, &buf
}

func call(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	if _, _, e := unix.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5]); e != 0 {
		return e
	}
	return nil
}

func str(s string) uintptr {
	p, _ := unix.BytePtrFromString(s)
	return uintptr(unsafe.Pointer(p))
}

var zeros [4096]byte

func zero() uintptr { return uintptr(unsafe.Pointer(&zeros)) }

// cwd is AT_FDCWD, which is a negative number.
var cwd = unix.AT_FDCWD

// forbidden must each end the process by SIGSYS under seccomp.
var forbidden = map[string]func() error{
	"open":              func() error { _, err := os.Open("/etc/passwd"); return err },
	"openat2":           func() error { return call(unix.SYS_OPENAT2, uintptr(cwd), str("/etc/passwd"), zero(), 24) },
	"create":            func() error { return os.WriteFile("x", nil, 0600) },
	"open_by_handle_at": func() error { return call(unix.SYS_OPEN_BY_HANDLE_AT, uintptr(cwd), zero(), 0) },
	"reopen": func() error {
		_, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", inFD), os.O_RDWR, 0)
		return err
	},
	"stat":          func() error { _, err := os.Stat("/etc/passwd"); return err },
	"readlink":      func() error { _, err := os.Readlink("/proc/self/exe"); return err },
	"getdents":      func() error { return call(unix.SYS_GETDENTS64, inFD, zero(), 100) },
	"mkdir":         func() error { return os.Mkdir("x", 0700) },
	"unlink":        func() error { return call(unix.SYS_UNLINKAT, uintptr(cwd), str("x"), 0) },
	"rename":        func() error { return os.Rename("x", "y") },
	"link":          func() error { return call(unix.SYS_LINKAT, inFD, str(""), uintptr(cwd), str("x"), unix.AT_EMPTY_PATH) },
	"symlink":       func() error { return os.Symlink("x", "y") },
	"fchmod":        func() error { return unix.Fchmod(outFD, 0777) },
	"fchown":        func() error { return unix.Fchown(outFD, 0, 0) },
	"setxattr":      func() error { return call(unix.SYS_FSETXATTR, outFD, str("user.x"), zero(), 1, 0) },
	"flock":         func() error { return unix.Flock(inFD, unix.LOCK_EX) },
	"lease":         func() error { _, err := unix.FcntlInt(inFD, unix.F_SETLEASE, unix.F_RDLCK); return err },
	"setown":        func() error { _, err := unix.FcntlInt(listenFD, unix.F_SETOWN, 1); return err },
	"dupfd":         func() error { _, err := unix.FcntlInt(inFD, unix.F_DUPFD_CLOEXEC, 0); return err },
	"ioctl":         func() error { return call(unix.SYS_IOCTL, 0, 0x5412, zero()) },
	"mount":         func() error { return unix.Mount("x", "/", "tmpfs", 0, "") },
	"chroot":        func() error { return unix.Chroot("/") },
	"chdir":         func() error { return os.Chdir("/") },
	"socket":        func() error { _, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); return err },
	"socket-unix":   func() error { _, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0); return err },
	"socketpair":    func() error { _, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err },
	"connect":       func() error { return unix.Connect(listenFD, &unix.SockaddrUnix{Name: "/run/x"}) },
	"bind":          func() error { return unix.Bind(listenFD, &unix.SockaddrUnix{Name: "/run/x"}) },
	"listen":        func() error { return unix.Listen(listenFD, 1) },
	"sendto":        func() error { return unix.Sendto(listenFD, []byte("x"), 0, &unix.SockaddrUnix{Name: "/run/x"}) },
	"setsockopt":    func() error { return unix.SetsockoptInt(listenFD, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) },
	"execve":        func() error { return unix.Exec("/bin/true", []string{"true"}, nil) },
	"execveat":      func() error { return call(unix.SYS_EXECVEAT, inFD, str(""), zero(), zero(), unix.AT_EMPTY_PATH) },
	"fork":          func() error { return call(unix.SYS_CLONE, uintptr(unix.SIGCHLD)) },
	"vfork":         func() error { return call(unix.SYS_CLONE, unix.CLONE_VFORK|unix.CLONE_VM|uintptr(unix.SIGCHLD)) },
	"namespace":     func() error { return call(unix.SYS_CLONE, unix.CLONE_NEWUSER|uintptr(unix.SIGCHLD)) },
	"start":         func() error { return exec.Command("/bin/true").Start() },
	"kill":          func() error { return unix.Kill(os.Getppid(), 0) },
	"kill-all":      func() error { return unix.Kill(-1, 0) },
	"tgkill":        func() error { return unix.Tgkill(1, 1, 0) },
	"pidfd_open":    func() error { _, err := unix.PidfdOpen(1, 0); return err },
	"pidfd_signal":  func() error { return unix.PidfdSendSignal(inFD, 0, nil, 0) },
	"pidfd_getfd":   func() error { _, err := unix.PidfdGetfd(inFD, 0, 0); return err },
	"ptrace":        func() error { return call(unix.SYS_PTRACE, unix.PTRACE_TRACEME) },
	"readv-process": func() error { return call(unix.SYS_PROCESS_VM_READV, 1, zero(), 1, zero(), 1, 0) },
	"writev":        func() error { return call(unix.SYS_PROCESS_VM_WRITEV, 1, zero(), 1, zero(), 1, 0) },
	"io_uring":      func() error { return call(unix.SYS_IO_URING_SETUP, 1, zero()) },
	"bpf":           func() error { return call(unix.SYS_BPF, 0, zero(), 100) },
	"perf":          func() error { return call(unix.SYS_PERF_EVENT_OPEN, zero(), 0, 0, 0, 0) },
	"userfaultfd":   func() error { return call(unix.SYS_USERFAULTFD, 0) },
	"keyctl":        func() error { return call(unix.SYS_KEYCTL, 0, 0) },
	"memfd_create":  func() error { _, err := unix.MemfdCreate("x", 0); return err },
	"exec-memory": func() error {
		_, err := unix.Mmap(-1, 0, 4096, unix.PROT_EXEC, unix.MAP_ANON|unix.MAP_PRIVATE)
		return err
	},
	"exec-later": func() error {
		b, err := unix.Mmap(-1, 0, 4096, unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		if err != nil {
			return err
		}
		return unix.Mprotect(b, unix.PROT_READ|unix.PROT_EXEC)
	},
	"setuid":    func() error { return call(unix.SYS_SETUID, 0) },
	"setgroups": func() error { return call(unix.SYS_SETGROUPS, 0, 0) },
	"capset":    func() error { return call(unix.SYS_CAPSET, zero(), zero()) },
	"unshare":   func() error { return call(unix.SYS_UNSHARE, unix.CLONE_NEWNS) },
	"setns":     func() error { return call(unix.SYS_SETNS, inFD, 0) },
	"prctl":     func() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) },
	"seccomp":   func() error { return call(unix.SYS_SECCOMP, 0, 0, 0) },
	"prlimit":   func() error { return unix.Prlimit(0, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 9, Max: 9}, nil) },
	"setitimer": func() error { return call(unix.SYS_SETITIMER, 0, zero(), 0) },
	"reboot":    func() error { return call(unix.SYS_REBOOT, 0, 0, 0) },
	"x32":       func() error { return call(0x40000000 | 39) },
	"unknown":   func() error { return call(1000) },
	"earlier-thread": func() error { // one that was there before Enter
		got := make(chan error)
		earlier <- func() { _, err := os.Open("/etc/passwd"); got <- err }
		return <-got
	},
	"later-thread": func() error { // a thread that is made after Enter
		got := make(chan error)
		go func() {
			runtime.LockOSThread()
			block := make(chan error)
			go func() {
				runtime.LockOSThread()
				_, err := os.Open("/etc/passwd")
				block <- err
			}()
			got <- <-block
		}()
		return <-got
	},
}

func TestForbiddenCallsEndTheProcess(t *testing.T) {
	if err := Check(Strict); err != nil {
		t.Fatal(err)
	}
	for act := range forbidden {
		t.Run(act, func(t *testing.T) {
			state, out := enter(t, "strict", act)
			if ws := state.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != unix.SIGSYS {
				t.Errorf("it ended with %v and said %q", state, out)
			}
		})
	}
}

// TestLandlockAloneDenies: calls that seccomp would end the process for fail by
// Landlock, too, each with its error.
func TestLandlockAloneDenies(t *testing.T) {
	version, err := landlockVersion()
	if err != nil {
		t.Fatal(err)
	}
	denied := map[string]error{
		"open": unix.EACCES, "create": unix.EACCES, "reopen": unix.EACCES, "mkdir": unix.EACCES, "symlink": unix.EACCES,
		"execve": unix.EACCES, "start": unix.EACCES, "mount": unix.EPERM, "earlier-thread": unix.EACCES, "later-thread": unix.EACCES,
	}
	if rights(version, errata()).Scoped&unix.LANDLOCK_SCOPE_SIGNAL != 0 {
		denied["kill"] = unix.EPERM
	}
	for act, want := range denied {
		if state, out := enter(t, "landlock", act); state.ExitCode() != 4 || !strings.Contains(out, want.Error()) {
			t.Errorf("%s: %v, %q; want %v", act, state, out, want)
		}
	}
}

func TestRights(t *testing.T) {
	for _, c := range []struct {
		version, errata int
		fs, net, scoped uint64
	}{
		{1, 0, 0x1fff, 0, 0}, {2, 0, 0x3fff, 0, 0}, {3, 0, 0x7fff, 0, 0}, {4, 0, 0x7fff, 3, 0}, {5, 0, 0xffff, 3, 0},
		{6, 0, 0xffff, 3, 1}, {7, 1, 0xffff, 3, 1}, {7, 2, 0xffff, 3, 3}, {8, 0, 0xffff, 3, 3}, {9, 0, 0x1ffff, 3, 3}, {99, 0, 0x1ffff, 3, 3},
	} {
		if a := rights(c.version, c.errata); a.Handled_access_fs != c.fs || a.Handled_access_net != c.net || a.Scoped != c.scoped {
			t.Errorf("version %d, errata %d: %+v", c.version, c.errata, a)
		}
	}
}

// permitted are what a worker does, and must go on doing.
var permitted = map[string]func() error{
	"files": func() error {
		in, out := os.NewFile(inFD, "in"), os.NewFile(outFD, "out")
		b, err := io.ReadAll(io.NewSectionReader(in, 0, 100))
		if err == nil && string(b) != "input" {
			err = fmt.Errorf("read %q", b)
		}
		if err == nil {
			_, err = out.Write(b)
		}
		if err == nil {
			_, err = out.WriteAt(b, 100)
		}
		if err == nil {
			err = out.Truncate(2)
		}
		if err == nil {
			_, err = out.Seek(0, io.SeekStart)
		}
		if fi, serr := out.Stat(); err == nil && (serr != nil || fi.Size() != 2) {
			err = fmt.Errorf("%v, %v", fi, serr)
		}
		return errors.Join(err, in.Close(), out.Close())
	},
	"copy": func() error { // the kernel's own ways of copying are absent, and Go goes on
		n, err := io.Copy(os.NewFile(outFD, "out"), os.NewFile(inFD, "in"))
		if err == nil && n != 5 {
			err = fmt.Errorf("%d bytes", n)
		}
		return err
	},
	"collect": func() error {
		for range 20 {
			garbage = make([]byte, 20<<20)
			for i := 0; i < len(garbage); i += 4096 {
				garbage[i] = 1
			}
			garbage = nil
			runtime.GC()
		}
		debug.FreeOSMemory()
		return nil
	},
	"preempt": func() error { // loops without a call in them must yield to a collection
		var stop atomic.Bool
		for range 4 {
			go func() {
				for n := 0; ; n++ {
					if n == 1<<62 {
						stop.Store(true)
					}
				}
			}()
		}
		for range 5 {
			runtime.GC()
		}
		if stop.Load() {
			return errors.New("a loop ended")
		}
		return nil
	},
	"threads": func() error {
		var wg sync.WaitGroup
		up, all := make(chan bool), make(chan bool)
		for range 30 {
			wg.Go(func() {
				runtime.LockOSThread()
				up <- true
				<-all
			})
		}
		for range 30 {
			<-up
		}
		close(all)
		wg.Wait()
		return nil
	},
	"timers": func() error {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for range 20 {
			<-tick.C
		}
		return nil
	},
	"accept": func() error {
		if _, _, err := unix.Accept4(listenFD, unix.SOCK_CLOEXEC); err != unix.EAGAIN {
			return fmt.Errorf("accept: %w", err)
		}
		f := os.NewFile(listenFD, "listener") // joins the poller
		f.SetReadDeadline(time.Now().Add(time.Millisecond))
		rc, err := f.SyscallConn()
		if err == nil {
			err = rc.Read(func(uintptr) bool { return false })
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		return nil
	},
	"fault": func() (err error) {
		defer func() {
			if recover() == nil {
				err = errors.New("no panic")
			}
		}()
		var p *int
		*p = 1
		return nil
	},
	"stopped": func() error { // see TestStopAndContinue
		term := make(chan os.Signal, 1)
		signal.Notify(term, unix.SIGTERM)
		fmt.Println("up")
		select {
		case <-term:
			return nil
		case <-time.After(eventually.Patience):
			return errors.New("nobody ended it")
		}
	},
}

var garbage []byte

// limited exceed a limit that they set.
var limited = map[string]func() error{
	"limit-file": func() error {
		if err := Limit(Limits{Data: 1 << 30, File: 1000, Files: 20}); err != nil {
			return err
		}
		out := os.NewFile(outFD, "out")
		if n, err := out.Write(zeros[:1000]); err != nil {
			return fmt.Errorf("within the limit, after %d bytes", n)
		}
		_, err := out.Write(zeros[:1])
		return err
	},
	"limit-files": func() error {
		if err := Limit(Limits{Data: 1 << 30, File: 1000, Files: 20}); err != nil {
			return err
		}
		for range 21 {
			if _, err := unix.Dup(inFD); err != nil {
				return err
			}
		}
		return nil
	},
	"limit-data": func() error {
		if err := Limit(Limits{Data: 128 << 20, File: 1000, Files: 20}); err != nil {
			return err
		}
		// Piece by piece: see Limits.Data. The collector is left out since it does not
		// look whether it got the memory it asks for: it would end by SIGSEGV at times.
		debug.SetGCPercent(-1)
		for range 32 {
			garbage = make([]byte, 32<<20)
		}
		return nil
	},
	"limit-values": func() error {
		if err := Limit(Limits{Data: 1 << 30, File: 1000, Files: 20}); err != nil {
			return err
		}
		for _, res := range []int{unix.RLIMIT_DATA, unix.RLIMIT_FSIZE, unix.RLIMIT_NOFILE, unix.RLIMIT_CORE} {
			var l syscall.Rlimit
			if err := syscall.Getrlimit(res, &l); err != nil || l.Cur != l.Max || l.Max > 1<<30 {
				return fmt.Errorf("limit %d is %+v, %v", res, l, err)
			}
		}
		return nil
	},
}

func TestWorkGoesOn(t *testing.T) {
	for act := range permitted {
		if act == "stopped" {
			continue // needs somebody to stop it, below
		}
		for _, procs := range []string{"1", "4"} {
			t.Run(act+"-"+procs, func(t *testing.T) {
				t.Setenv("GOMAXPROCS", procs)
				version, _ := landlockVersion()
				want := fmt.Sprintf("done in no_new_privs landlock-%d seccomp\n", version)
				if state, out := enter(t, "strict", act); state.ExitCode() != 0 || out != want {
					t.Errorf("%v, %q; want %q", state, out, want)
				}
			})
		}
	}
}

// TestStopAndContinue: a sleeping thread that is stopped and continued restarts
// its system call.
func TestStopAndContinue(t *testing.T) {
	cmd, _ := child(t, "strict", "stopped")
	cmd.Stdout = nil
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	lines := bufio.NewReader(out)
	if l, err := lines.ReadString('\n'); err != nil || l != "up\n" {
		t.Fatalf("%q, %v", l, err)
	}
	for range 10 {
		cmd.Process.Signal(unix.SIGSTOP)
		var ws unix.WaitStatus
		if _, err := unix.Wait4(cmd.Process.Pid, &ws, unix.WUNTRACED, nil); err != nil || !ws.Stopped() {
			t.Fatalf("%v, %v", ws, err)
		}
		cmd.Process.Signal(unix.SIGCONT)
		if _, err := unix.Wait4(cmd.Process.Pid, &ws, unix.WCONTINUED, nil); err != nil || !ws.Continued() {
			t.Fatalf("%v, %v", ws, err)
		}
	}
	cmd.Process.Signal(unix.SIGTERM)
	rest, _ := io.ReadAll(lines)
	if err := cmd.Wait(); err != nil || !strings.HasPrefix(string(rest), "done in ") {
		t.Errorf("%v, %q", err, rest)
	}
}

func TestModes(t *testing.T) {
	for _, m := range []Mode{Strict, Best, Off} {
		if got, err := ParseMode(string(m)); err != nil || got != m {
			t.Errorf("%s: %s, %v", m, got, err)
		}
	}
	if _, err := ParseMode("none"); fault.Of(err) != fault.Usage {
		t.Errorf("%v", err)
	}
	if state, out := enter(t, "off", "open"); state.ExitCode() != 0 || out != "done in off\n" {
		t.Errorf("off: %v, %q", state, out)
	}
	if state, out := enter(t, "best", "open"); state.Sys().(syscall.WaitStatus).Signal() != unix.SIGSYS {
		t.Errorf("best: %v, %q", state, out)
	}
}

// TestLimits: each limit holds in a process that set it.
func TestLimits(t *testing.T) {
	for act, want := range map[string]string{
		"limit-file": unix.EFBIG.Error(), "limit-files": unix.EMFILE.Error(), "limit-data": "memory", "limit-values": "done in off",
	} {
		if state, out := enter(t, "off", act); state.Success() != (act == "limit-values") || !strings.Contains(out, want) {
			t.Errorf("%s: %v, %q; want %q", act, state, out, want)
		}
	}
}
