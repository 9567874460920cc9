package jail

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/fdpass"
	"imgtools/pkg/daemon/sandbox"
	"imgtools/pkg/fault"
)

// A Launcher is a client's end of the connection to a launcher. It is a Runner.
type Launcher struct {
	file *os.File
	pair syscall.RawConn
	gone chan struct{} // closed when the launcher is gone

	mu      sync.Mutex
	last    uint64
	waiting map[string]chan answer // by ID; nil when the launcher is gone
}

type answer struct {
	err   error
	files []*os.File
}

var errGone = fault.New(fault.Internal, "jail: the launcher has ended")

// StartLauncher starts a launcher. It checks that this system can confine programs
// (see Check). A worker calls it before it enters its sandbox; afterwards all
// methods work, with one descriptor for the connection and those that they return.
func StartLauncher(mode sandbox.Mode, caps Caps) (*Launcher, error) {
	l, proc, err := startLauncher(mode, caps)
	if err != nil {
		return nil, err
	}
	proc.Release() // a worker in its sandbox can't wait for it
	return l, nil
}

// With calls f with a launcher, which has ended when With returns. Its error is that of the
// start.
func With(mode sandbox.Mode, caps Caps, f func(Runner)) error {
	l, proc, err := startLauncher(mode, caps)
	if err != nil {
		return err
	}
	f(l)
	l.Close()
	proc.Wait() // its status says nothing that f does not know
	return nil
}

func startLauncher(mode sandbox.Mode, caps Caps) (*Launcher, *os.Process, error) {
	if err := Check(mode); err != nil {
		return nil, nil, err
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	defer unix.Close(fds[1])
	l := &Launcher{file: os.NewFile(uintptr(fds[0]), "launcher"), gone: make(chan struct{}), waiting: map[string]chan answer{}}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err == nil {
		defer null.Close()
		l.pair, err = l.file.SyscallConn()
	}
	var proc *os.Process
	if err == nil {
		proc, err = start(launcherName, append([]string{string(mode)}, caps.fields()...), false, null.Fd(), null.Fd(), 2, uintptr(fds[1]))
	}
	if err != nil {
		l.file.Close()
		return nil, nil, err
	}
	go l.receive()
	return l, proc, nil
}

// Gone returns a channel that is closed when the launcher has ended. A worker can't
// start another one and should end.
func (l *Launcher) Gone() <-chan struct{} { return l.gone }

// Close ends the launcher and its programs. It does not wait for them.
func (l *Launcher) Close() error { return l.file.Close() }

// receive gives the launcher's answers to those who wait for them.
func (l *Launcher) receive() {
	buf := make([]byte, maxMessage)
	for {
		n, fds, err := fdpass.Recv(l.pair, buf, 2)
		if n == 0 || err == io.EOF {
			break
		}
		a := answer{err: err}
		for _, fd := range fds {
			a.files = append(a.files, os.NewFile(uintptr(fd), "jail"))
		}
		id, result, ok := parseDone(buf[:n])
		if a.err == nil {
			a.err = result
		}
		l.mu.Lock()
		c := l.waiting[id]
		delete(l.waiting, id)
		l.mu.Unlock()
		if ok && c != nil {
			c <- a
			continue
		}
		for _, f := range a.files {
			f.Close()
		}
	}
	l.mu.Lock()
	l.waiting = nil
	l.mu.Unlock()
	close(l.gone)
}

// ask sends a message, which m makes for a new ID, with files, and waits for its
// answer. When ctx is done it has the program ended and still waits.
func (l *Launcher) ask(ctx context.Context, m func(id string) ([]byte, error), files ...*os.File) (answer, error) {
	c := make(chan answer, 1)
	l.mu.Lock()
	if l.waiting == nil {
		l.mu.Unlock()
		return answer{}, errGone
	}
	l.last++
	id := strconv.FormatUint(l.last, 10)
	l.waiting[id] = c
	l.mu.Unlock()

	p, err := m(id)
	if err == nil {
		err = withFDs(files, func(fds []int) error { return fdpass.Send(l.pair, p, fds...) })
	}
	if err != nil {
		l.mu.Lock()
		delete(l.waiting, id)
		l.mu.Unlock()
		if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
			err = errGone
		}
		return answer{}, err
	}
	done := ctx.Done()
	for {
		select {
		case a := <-c:
			return a, a.err
		case <-l.gone:
			select {
			case a := <-c: // came just before
				return a, a.err
			default:
				return answer{}, errGone
			}
		case <-done:
			done = nil
			if p, err := join("kill", id); err == nil {
				fdpass.Send(l.pair, p)
			}
		}
	}
}

// Run runs a program: see Runner.
func (l *Launcher) Run(ctx context.Context, c Command) error {
	if err := c.check(); err != nil {
		return err
	}
	_, err := l.ask(ctx, func(id string) ([]byte, error) { return runMessage(id, c) }, c.In, c.Out)
	switch cause := ctx.Err(); {
	case err == nil || cause == nil:
		return err
	case cause == context.DeadlineExceeded:
		return fault.As(fault.Timeout, cause)
	default:
		return fault.As(fault.Internal, cause)
	}
}

// withFDs calls f with the files' descriptors, without taking them out of
// non-blocking mode.
func withFDs(files []*os.File, f func(fds []int) error) error {
	fds := make([]int, len(files))
	call := func() error { return f(fds) }
	for i, file := range files {
		inner := call
		call = func() error {
			rc, err := file.SyscallConn()
			if err != nil {
				return err
			}
			var result error
			err = rc.Control(func(fd uintptr) {
				fds[i] = int(fd)
				result = inner()
			})
			return errors.Join(err, result)
		}
	}
	return call()
}

// files asks for n new files.
func (l *Launcher) files(what string, n int) ([]*os.File, error) {
	a, err := l.ask(context.Background(), func(id string) ([]byte, error) { return join(what, id) })
	if err == nil && len(a.files) != n {
		err = errMessage
	}
	if err != nil {
		for _, f := range a.files {
			f.Close()
		}
		return nil, err
	}
	return a.files, nil
}

// Pipe makes a pipe: see Runner.
func (l *Launcher) Pipe() (r, w *os.File, err error) {
	fs, err := l.files("pipe", 2)
	if err != nil {
		return nil, nil, err
	}
	return fs[0], fs[1], nil
}

// Memory makes an empty file in memory: see Runner.
func (l *Launcher) Memory() (*os.File, error) {
	fs, err := l.files("memory", 1)
	if err != nil {
		return nil, err
	}
	return fs[0], nil
}

// Direct returns a Runner for programs that are in no sandbox themselves: filters. It
// starts a launcher for the first program, and another one if that has died.
func Direct() Runner { return &direct{} }

type direct struct {
	mu sync.Mutex
	l  *Launcher
}

// launcher returns the launcher that runs.
func (d *direct) launcher() (*Launcher, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.l != nil {
		select {
		case <-d.l.gone:
			d.l.Close()
		default:
			return d.l, nil
		}
	}
	l, proc, err := startLauncher(sandbox.Strict, Caps{})
	if err != nil {
		return nil, err
	}
	go proc.Wait()
	d.l = l
	return l, nil
}

func (d *direct) Run(ctx context.Context, c Command) error {
	l, err := d.launcher()
	if err != nil {
		return err
	}
	return l.Run(ctx, c)
}

func (d *direct) Pipe() (r, w *os.File, err error) { return os.Pipe() }

func (d *direct) Memory() (*os.File, error) {
	fd, err := memory("out")
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "memory"), nil
}
