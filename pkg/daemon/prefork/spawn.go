package prefork

import (
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/timerslack"
)

// timerSlack is how late a worker's timers may fire. A request that takes 20 ms of
// CPU time without it takes 18 with it.
const timerSlack = 4 * time.Millisecond

// spawn starts a worker. It has /dev/null as input and output, the supervisor's
// standard error, its end of a lifeline, and the listeners. It is in a process
// group of its own, so that Ctrl-C at a terminal reaches the supervisor alone.
func (s *supervisor) spawn(now time.Time) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		unix.Close(pair[0])
		unix.Close(pair[1])
		return &os.PathError{Op: "open", Path: os.DevNull, Err: err}
	}
	files := []uintptr{uintptr(null), uintptr(null), 2, uintptr(pair[1])}
	for _, fd := range s.Files {
		files = append(files, uintptr(fd))
	}
	pid, err := timerslack.Start(timerSlack, s.Path, s.Args, &syscall.ProcAttr{
		Env: s.Env, Files: files, Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	unix.Close(pair[1])
	unix.Close(null)
	if err != nil {
		unix.Close(pair[0])
		return &os.PathError{Op: "exec", Path: s.Path, Err: err}
	}
	proc, err := os.FindProcess(pid) // a child that was not waited for keeps its pid
	if err != nil {
		unix.Close(pair[0])
		return err
	}
	c := &child{
		pid: pid, proc: proc, gen: s.gen, started: now,
		line: os.NewFile(uintptr(pair[0]), "lifeline"),
	}
	c.due(unix.SIGKILL, now.Add(s.Boot))
	s.children = append(s.children, c)
	go s.follow(c)
	if s.draining {
		s.tellDrain(c)
	}
	return nil
}

// follow sends a child's messages, and then its end, to the supervisor's loop.
func (s *supervisor) follow(c *child) {
	buf := make([]byte, maxMessage)
	for {
		n, err := c.line.Read(buf)
		if err != nil {
			break
		}
		s.events <- event{c: c, msg: string(buf[:n])}
	}
	s.events <- event{c: c, eof: true}
	exit, err := c.proc.Wait()
	if err != nil { // does not happen: only follow waits for it
		s.Warn("wait for worker %d: %v", c.pid, err)
		return
	}
	c.line.Close()
	s.events <- event{c: c, exit: exit}
}

// retire tells a child to finish its request and exit, by shutting down its
// lifeline in one direction; its messages still arrive.
func (s *supervisor) retire(c *child) {
	c.leaving = true
	if c.limit == 0 && !c.hurt {
		c.due(unix.SIGKILL, time.Now().Add(s.Timeout+leaveTime))
	}
	if rc, err := c.line.SyscallConn(); err == nil {
		rc.Control(func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_WR) })
	}
}

// tellDrain tells a child to empty the queues and exit.
func (s *supervisor) tellDrain(c *child) {
	c.leaving = true
	c.line.SetWriteDeadline(time.Now().Add(graceTime))
	if _, err := io.WriteString(c.line, drainWord); err != nil {
		s.retire(c)
	}
}
