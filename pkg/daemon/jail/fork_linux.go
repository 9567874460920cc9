package jail

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// A jail is a child of the launcher between fork and execve. No Go runtime works in it:
// of all threads it has only the one that forked, and locks may be held for ever by
// others. So it does nothing but system calls, one after another, whose arguments the
// launcher has prepared, and needs no memory of its own. That is cheaper than starting
// this binary once more for each program, by 2 ms of some 20 for a thumbnail.

// A step is one of these system calls.
type step struct {
	what   string // for the error
	kind   fault.Kind
	nr     uintptr
	args   [5]uintptr
	may    [2]syscall.Errno // errors that don't matter
	any    bool             // no error matters
	last   bool             // the first argument is the result of the step before
	expect bool             // the result must be want
	want   uintptr
	keep   *uint32 // where the result goes, or nil
}

// A child is what the launcher has prepared.
type child struct {
	steps  []step
	memory []any     // what arguments point to
	files  []int     // descriptors that close when it has started
	failed [2]uint32 // what it reports: which step, and its error
}

// add appends a step. Its result is valid until the next add.
func (c *child) add(what string, nr uintptr, args ...uintptr) *step {
	s := step{what: what, nr: nr}
	copy(s.args[:], args)
	c.steps = append(c.steps, s)
	return &c.steps[len(c.steps)-1]
}

// at keeps what p points to for the child, and returns its address.
func at[T any](c *child, p *T) uintptr {
	c.memory = append(c.memory, p)
	return uintptr(unsafe.Pointer(p))
}

// text keeps a string for the child, and returns its address.
func (c *child) text(s string) uintptr {
	b := append([]byte(s), 0)
	return at(c, &b[0])
}

// texts keeps strings for the child, and returns the address of their list.
func (c *child) texts(all []string) uintptr {
	list := make([]uintptr, len(all)+1)
	for i, s := range all {
		list[i] = c.text(s)
	}
	return at(c, &list[0])
}

// firstCopy is the lowest number of a descriptor that is prepared for the child, above those
// that it will have.
const firstCopy = 16

// file keeps a copy of a descriptor for the child, and returns its number.
func (c *child) file(fd uintptr) (uintptr, error) {
	n, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, firstCopy)
	if err != nil {
		return 0, os.NewSyscallError("fcntl", err)
	}
	c.files = append(c.files, n)
	return uintptr(n), nil
}

func (c *child) close() {
	for _, fd := range c.files {
		unix.Close(fd)
	}
}

// start starts the child. Why it failed, if it does, comes through setup.
func (c *child) start(setup *os.File) (*os.Process, error) {
	report, err := c.file(setup.Fd())
	if err != nil {
		return nil, err
	}
	pid, err := c.fork(report)
	if err != nil {
		return nil, err
	}
	return os.FindProcess(pid) // a child that was not waited for keeps its pid
}

// fork starts the child and returns its process number. A step that fails ends it, and is
// reported to the descriptor report. The calling goroutine must be locked to its thread.
func (c *child) fork(report uintptr) (pid int, err error) {
	// A signal in the child before its handlers are gone would run Go's handler.
	all, before := ^uint64(0), uint64(0)
	const size = unsafe.Sizeof(all)
	if _, _, e := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&before)), size, 0, 0); e != 0 {
		return 0, os.NewSyscallError("rt_sigprocmask", e)
	}
	n, e := forkSteps(c.steps, &c.failed, report)
	unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&before)), 0, size, 0, 0)
	runtime.KeepAlive(c)
	if e != 0 {
		return 0, os.NewSyscallError("clone", e)
	}
	return int(n), nil
}

// forkSteps is fork. In the child it does not return. It must not grow its stack there, nor
// store a pointer, which would call the runtime.
//
//go:nosplit
//go:norace
func forkSteps(steps []step, failed *[2]uint32, report uintptr) (pid uintptr, e syscall.Errno) {
	pid, _, e = syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if e != 0 || pid != 0 {
		return pid, e
	}
	last := uintptr(0)
	for i := range steps {
		s := &steps[i]
		first := s.args[0]
		if s.last {
			first = last
		}
		r, _, e := syscall.RawSyscall6(s.nr, first, s.args[1], s.args[2], s.args[3], s.args[4], 0)
		matters := e != 0 && !s.any && e != s.may[0] && e != s.may[1]
		if matters || s.expect && r != s.want {
			failed[0], failed[1] = uint32(i), uint32(e)
			syscall.RawSyscall(unix.SYS_WRITE, report, uintptr(unsafe.Pointer(failed)), unsafe.Sizeof(*failed))
			break
		}
		last = r
		if s.keep != nil {
			*s.keep = uint32(r)
		}
	}
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, exitRole, 0, 0)
	}
}

// failure returns the error that the child has reported in said.
func (c *child) failure(said []byte) error {
	var failed [2]uint32
	if len(said) != int(unsafe.Sizeof(failed)) {
		return errMessage
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&failed)), len(said)), said)
	if int(failed[0]) >= len(c.steps) {
		return errMessage
	}
	s := c.steps[failed[0]]
	if failed[1] == 0 {
		return fault.New(s.kind, "%s", s.what)
	}
	return fault.New(s.kind, "%s: %w", s.what, syscall.Errno(failed[1]))
}
