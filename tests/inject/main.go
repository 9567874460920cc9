//go:build linux && amd64

// Inject runs a command, numbers the calls by which it changes a folder, and lets
// one of them fail or ends the command just before it.
//
//	inject -dir folder [-log file] [-at n [-errno name [-times n]] [-hold path]] [-nosync] command [argument]...
//
// Counted are, in all threads together, write, pwrite64, ftruncate, fsync and
// fdatasync on files in the folder, and openat with O_CREAT, mkdir, rename, link,
// unlink and rmdir of names in it. With -at n the process is killed by SIGKILL
// where it is about to do the n-th; with -errno that call and, with -times, those
// after it fail instead. strace -e inject counts for each thread apart, and a Go
// program's calls come from any. With -nosync, fsync and fdatasync in the folder
// succeed and do nothing.
//
// The log has a line for each call that was counted: its number, name and path.
// Inject ends with the command's exit status, 128 + N when it died of signal N.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// call says where a counted system call has what it works on.
type call struct {
	name string
	fd   int // argument with a descriptor to work on, or relative to which path is; -1: none
	path int // argument with a path; -1: none
}

// The call of the old kind without a descriptor in front is what some libraries use.
var calls = map[uint64]call{
	unix.SYS_WRITE:     {"write", 0, -1},
	unix.SYS_PWRITE64:  {"pwrite64", 0, -1},
	unix.SYS_FTRUNCATE: {"ftruncate", 0, -1},
	unix.SYS_FSYNC:     {"fsync", 0, -1},
	unix.SYS_FDATASYNC: {"fdatasync", 0, -1},
	unix.SYS_OPENAT:    {"openat", 0, 1},
	unix.SYS_MKDIR:     {"mkdir", -1, 0},
	unix.SYS_MKDIRAT:   {"mkdirat", 0, 1},
	unix.SYS_RENAME:    {"rename", -1, 1},
	unix.SYS_RENAMEAT:  {"renameat", 2, 3},
	unix.SYS_RENAMEAT2: {"renameat2", 2, 3},
	unix.SYS_LINK:      {"link", -1, 1},
	unix.SYS_LINKAT:    {"linkat", 2, 3},
	unix.SYS_UNLINK:    {"unlink", -1, 0},
	unix.SYS_UNLINKAT:  {"unlinkat", 0, 1},
	unix.SYS_RMDIR:     {"rmdir", -1, 0},
}

var errnos = map[string]unix.Errno{"EIO": unix.EIO, "ENOSPC": unix.ENOSPC, "EMFILE": unix.EMFILE, "EDQUOT": unix.EDQUOT}

// tracer follows all threads of one process.
type tracer struct {
	pid    int
	dir    string // counted are calls at or below it
	at     int    // the call to be hit; 0: none
	times  int
	errno  unix.Errno // 0: kill
	hold   string     // stand still before a call with this path; "": nowhere
	nosync bool       // fsync and fdatasync do nothing
	resume chan os.Signal
	log    io.Writer
	n      int // calls counted
	inside map[int]bool
	result map[int]unix.Errno // of threads whose call was replaced and has not returned
}

func main() {
	dir := flag.String("dir", "", "count calls that change this `folder`")
	logName := flag.String("log", "", "write the counted calls to this `file`")
	at := flag.Int("at", 0, "hit the `n`-th call")
	errno := flag.String("errno", "", "let it fail with this `error` instead of killing")
	hold := flag.String("hold", "", "stand still before the first change that names this `path`, until SIGUSR1")
	times := flag.Int("times", 1, "let this `many` calls fail")
	nosync := flag.Bool("nosync", false, "let fsync and fdatasync succeed and do nothing")
	flag.Parse()
	t := &tracer{dir: *dir, at: *at, times: *times, hold: *hold, nosync: *nosync,
		log: io.Discard, inside: map[int]bool{}, result: map[int]unix.Errno{}}
	status, err := run(t, *logName, *errno, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "inject:", err)
		os.Exit(125)
	}
	os.Exit(status)
}

func run(t *tracer, logName, errno string, args []string) (int, error) {
	if errno != "" {
		if t.errno = errnos[errno]; t.errno == 0 {
			return 0, fmt.Errorf("-errno %s: not known", errno)
		}
	}
	if t.dir == "" || len(args) == 0 {
		return 0, errors.New("-dir and a command are needed")
	}
	var err error
	if t.dir, err = filepath.Abs(t.dir); err != nil {
		return 0, err
	}
	if logName != "" {
		f, err := os.Create(logName)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		t.log = f
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return 0, err
	}
	runtime.LockOSThread() // a tracer is one thread
	t.pid, err = syscall.ForkExec(path, args, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return 0, err
	}
	t.resume = make(chan os.Signal, 1)
	signal.Notify(t.resume, unix.SIGUSR1)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	go func() {
		for sig := range signals {
			unix.Kill(t.pid, sig.(syscall.Signal))
		}
	}()
	return t.follow()
}

// follow lets the process run from stop to stop until it has ended.
func (t *tracer) follow() (int, error) {
	started := false
	for {
		var ws unix.WaitStatus
		tid, err := unix.Wait4(-1, &ws, unix.WALL, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, os.NewSyscallError("wait4", err)
		}
		switch {
		case ws.Exited() && tid == t.pid:
			return ws.ExitStatus(), nil
		case ws.Signaled() && tid == t.pid:
			return 128 + int(ws.Signal()), nil
		case !ws.Stopped():
			continue
		}
		deliver := 0
		switch sig := ws.StopSignal(); {
		case !started: // after exec
			started = true
			err := unix.PtraceSetOptions(t.pid, unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_TRACEEXEC|unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_EXITKILL)
			if err != nil {
				return 0, os.NewSyscallError("ptrace", err)
			}
			t.inside[tid] = false
		case sig == unix.SIGTRAP|0x80:
			t.inside[tid] = !t.inside[tid]
			if t.inside[tid] {
				t.enter(tid)
			} else if errno, replaced := t.result[tid]; replaced {
				t.leave(tid, errno)
			}
		case ws>>16 == unix.PTRACE_EVENT_EXEC: // of all threads one is left, in the middle of its call
			clear(t.inside)
			t.inside[t.pid] = true
		case ws>>16 != 0: // a thread was made
		default:
			if _, known := t.inside[tid]; known || sig != unix.SIGSTOP {
				deliver = int(sig)
			} else {
				t.inside[tid] = false // a new thread's first stop
			}
		}
		unix.PtraceSyscall(tid, deliver) // it may have been killed meanwhile
	}
}

// enter looks at a call that is about to be done.
func (t *tracer) enter(tid int) {
	var regs unix.PtraceRegs
	if unix.PtraceGetRegs(tid, &regs) != nil {
		return
	}
	c, ok := calls[regs.Orig_rax]
	if !ok || regs.Orig_rax == unix.SYS_OPENAT && regs.Rdx&unix.O_CREAT == 0 {
		return
	}
	path := t.subject(tid, c, []uint64{regs.Rdi, regs.Rsi, regs.Rdx, regs.R10})
	if path != t.dir && !strings.HasPrefix(path, t.dir+"/") {
		return
	}
	t.n++
	fmt.Fprintf(t.log, "%d %s %s\n", t.n, c.name, path)
	if path == t.hold && c.path >= 0 {
		t.hold = ""
		<-t.resume
	}
	switch hit := t.at > 0 && t.n >= t.at && t.n < t.at+t.times; {
	case hit && t.errno == 0:
		unix.Kill(t.pid, unix.SIGKILL)
	case hit:
		t.replace(tid, &regs, t.errno)
	case t.nosync && (c.name == "fsync" || c.name == "fdatasync"):
		t.replace(tid, &regs, 0)
	}
}

// replace lets a call do nothing and return an error, or 0.
func (t *tracer) replace(tid int, regs *unix.PtraceRegs, errno unix.Errno) {
	regs.Orig_rax = ^uint64(0) // no such call: nothing is done
	if unix.PtraceSetRegs(tid, regs) == nil {
		t.result[tid] = errno
	}
}

// leave gives a call that was not done its result.
func (t *tracer) leave(tid int, errno unix.Errno) {
	delete(t.result, tid)
	var regs unix.PtraceRegs
	if unix.PtraceGetRegs(tid, &regs) == nil {
		regs.Rax = -uint64(errno)
		unix.PtraceSetRegs(tid, &regs)
	}
}

// subject returns the path that a call works on.
func (t *tracer) subject(tid int, c call, args []uint64) string {
	base := ""
	if c.fd >= 0 {
		base, _ = os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, int32(args[c.fd])))
		base = strings.TrimSuffix(base, " (deleted)")
	}
	if c.path < 0 {
		return base
	}
	var buf [4096]byte
	n, _ := unix.PtracePeekData(tid, uintptr(args[c.path]), buf[:256])
	end := bytes.IndexByte(buf[:n], 0)
	if end < 0 {
		n, _ = unix.PtracePeekData(tid, uintptr(args[c.path]), buf[:])
		end = max(bytes.IndexByte(buf[:n], 0), 0)
	}
	path := string(buf[:end])
	if !filepath.IsAbs(path) {
		path = filepath.Join(base, path)
	}
	return filepath.Clean(path)
}
