package jail

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
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
	l, far, err := connect(mode)
	if err != nil {
		return nil, nil, err
	}
	defer far.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		l.Close()
		return nil, nil, err
	}
	defer null.Close()
	var proc *os.Process
	err = withFDs([]*os.File{null, far}, func(fds []int) (err error) {
		proc, err = start(append([]string{string(mode)}, caps.fields()...), uintptr(fds[0]), uintptr(fds[0]), 2, uintptr(fds[1]))
		return err
	})
	if err != nil {
		l.Close()
		return nil, nil, err
	}
	return l, proc, nil
}

// connect returns a client, and the other end of its connection for its launcher.
func connect(mode sandbox.Mode) (l *Launcher, far *os.File, err error) {
	if err := Check(mode); err != nil {
		return nil, nil, err
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	l = &Launcher{file: os.NewFile(uintptr(fds[0]), "launcher"), gone: make(chan struct{}), waiting: map[string]chan answer{}}
	far = os.NewFile(uintptr(fds[1]), "client")
	if l.pair, err = l.file.SyscallConn(); err != nil {
		l.Close()
		far.Close()
		return nil, nil, err
	}
	go l.receive()
	return l, far, nil
}

// Gone returns a channel that is closed when the launcher has ended, before a method
// returns an error for that. A worker can't start another one and should end.
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
	close(l.gone) // before any error says so
	l.mu.Unlock()
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
			<-l.gone // receive meets the end of the connection, too
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

// Direct returns a Runner for programs that are in no sandbox themselves: filters. Its
// launcher is a thread of this process, which costs less than a process. Close ends it.
// Where this process dies without that, programs die with it, and the next launcher
// removes the folder.
func Direct() RunCloser { return &direct{} }

type direct struct {
	mu    sync.Mutex
	l     *Launcher     // nil: not started
	ended chan struct{} // closed when the launcher has ended
}

// launcher returns the launcher, which it starts for the first program.
func (d *direct) launcher() (*Launcher, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.l != nil {
		return d.l, nil
	}
	l, far, err := connect(sandbox.Strict)
	if err != nil {
		return nil, err
	}
	d.l, d.ended = l, make(chan struct{})
	go func() {
		runtime.LockOSThread() // it ends with this goroutine
		defer close(d.ended)
		serve(sandbox.Strict, Caps{}, far) // an error ends the connection; the client says so
	}()
	return l, nil
}

func (d *direct) Run(ctx context.Context, c Command) error {
	l, err := d.launcher()
	if err != nil {
		return err
	}
	return l.Run(ctx, c)
}

// Close ends the programs, and returns when nothing of them is left.
func (d *direct) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.l == nil {
		return nil
	}
	err := d.l.Close()
	<-d.ended
	d.l = nil
	return err
}

func (d *direct) Pipe() (r, w *os.File, err error) { return os.Pipe() }

func (d *direct) Memory() (*os.File, error) {
	fd, err := memory("out")
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "memory"), nil
}
