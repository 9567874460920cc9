package jail

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/fdpass"
	"imgtools/pkg/daemon/sandbox"
	"imgtools/pkg/fault"
)

const (
	pairFD     = 3  // a launcher's end of the connection to its client
	maxRunning = 64 // programs of one launcher at the same time
)

// A launcher is the state of a launcher's process.
type launcher struct {
	mode   sandbox.Mode
	caps   Caps
	pair   syscall.RawConn
	null   *os.File
	folder *folder

	mu      sync.Mutex
	running map[string]*program // by the ID of the message
	ends    sync.WaitGroup      // of the programs
}

// launch is a launcher in a process of its own.
func launch(mode sandbox.Mode, args []string) error {
	unix.CloseOnExec(pairFD)
	// It lives as long as its client: signals to a whole control group or to a group of
	// processes that lost its parent don't end it. Programs don't inherit this.
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP, unix.SIGINT, unix.SIGTERM)
	os.WriteFile("/proc/self/comm", []byte("launcher"), 0) // for ps(1), instead of exe
	caps, err := parseCaps(args)
	if err != nil {
		return err
	}
	return serve(mode, caps, os.NewFile(pairFD, "pair"))
}

// serve serves the client at the other end of pair until it closes the connection or
// dies, then ends all programs. Its goroutine must be locked to its thread, which the
// programs die with.
func serve(mode sandbox.Mode, caps Caps, pair *os.File) (err error) {
	defer pair.Close()
	l := &launcher{mode: mode, caps: caps, running: map[string]*program{}}
	if l.pair, err = pair.SyscallConn(); err != nil {
		return err
	}
	if l.null, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err != nil {
		return err
	}
	defer l.null.Close()
	defer func() {
		l.endAll()
		if l.folder != nil {
			l.folder.remove()
		}
	}()
	for {
		buf := make([]byte, maxMessage)
		n, fds, err := fdpass.Recv(l.pair, buf, 2)
		if err == io.EOF || errors.Is(err, unix.ECONNRESET) {
			return nil
		}
		var files []*os.File
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "passed"))
		}
		if fields := split(buf[:n]); len(fields) >= 2 {
			l.serve(fields, files, err)
		}
		for _, f := range files {
			f.Close()
		}
		if n == 0 {
			return err
		}
	}
}

// serve does what a message asks for. err says that its files did not arrive.
func (l *launcher) serve(fields []string, files []*os.File, err error) {
	id := fields[1]
	if err != nil {
		l.answer(id, err)
		return
	}
	switch fields[0] {
	case "run":
		if err := l.run(id, fields, files); err != nil {
			l.answer(id, err)
		}
	case "kill":
		l.mu.Lock()
		p := l.running[id]
		l.mu.Unlock()
		if p != nil {
			p.end(errCancelled)
		}
	case "pipe":
		var fds [2]int
		err := os.NewSyscallError("pipe2", unix.Pipe2(fds[:], unix.O_CLOEXEC))
		if err == nil {
			err = unix.SetNonblock(fds[0], true) // so that the client's Close ends its Read
		}
		l.answer(id, err, fds[:]...)
	case "memory":
		fd, err := memory("out")
		l.answer(id, err, fd)
	default:
		l.answer(id, errMessage)
	}
}

// answer answers a message. The files are closed; they are there if err is nil.
func (l *launcher) answer(id string, err error, fds ...int) {
	if err != nil {
		fds = nil
	}
	fdpass.Send(l.pair, doneMessage(id, err), fds...) // fails if the client is gone
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// run starts a program. Its answer follows when the program has ended; errors are of
// a program that was not started.
func (l *launcher) run(id string, fields []string, files []*os.File) error {
	c, err := parseRun(fields)
	if err == nil {
		err = l.caps.lower(&c)
	}
	if err != nil {
		return err
	}
	if len(files) != 2 {
		return errMessage
	}
	c.In, c.Out = files[0], files[1]
	l.mu.Lock()
	n, twice := len(l.running), l.running[id] != nil
	l.mu.Unlock()
	switch {
	case twice:
		return errMessage
	case n >= maxRunning:
		return fault.New(fault.Busy, "%d programs are running", n)
	}
	if l.folder != nil && !l.folder.there() {
		l.folder.remove()
		l.folder = nil
	}
	if l.folder == nil {
		if l.folder, err = newFolder(); err != nil {
			return err
		}
	}
	if err := errors.Join(l.folder.link(c.InName, inFD), l.folder.link(c.OutName, outFD)); err != nil {
		return fmt.Errorf("jail: %w", err)
	}
	p, err := startProgram(l.mode, l.folder.path, c, l.null)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.running[id] = p
	l.mu.Unlock()
	l.ends.Go(func() {
		err := p.wait()
		l.mu.Lock()
		delete(l.running, id)
		l.mu.Unlock()
		l.answer(id, err)
	})
	return nil
}

// endAll ends all programs and waits for their ends.
func (l *launcher) endAll() {
	l.mu.Lock()
	for _, p := range l.running {
		p.end(errCancelled)
	}
	l.mu.Unlock()
	l.ends.Wait()
}

// memory makes an empty file in memory that can be sealed but not executed.
func memory(name string) (fd int, err error) {
	fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL { // Linux before 6.3
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	return fd, os.NewSyscallError("memfd_create", err)
}
