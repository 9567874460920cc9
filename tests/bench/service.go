package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// core is the one that all programs under measurement are bound to.
const core = "0"

// cpuOf returns the CPU time that a process has used, all its threads together,
// to the nanosecond: the clock that clock_getcpuclockid(3) names. /proc has it
// in hundredths of a second only.
func cpuOf(pid int) (time.Duration, error) {
	const sched = 2 // CPUCLOCK_SCHED of the kernel's posix-timers_types.h
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|sched), &ts); err != nil {
		return 0, fmt.Errorf("CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// children returns the processes that pid has started, oldest first.
func children(pid int) (kids []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, t := range tasks {
		b, _ := os.ReadFile(t)
		for _, f := range strings.Fields(string(b)) {
			if n, err := strconv.Atoi(f); err == nil {
				kids = append(kids, n)
			}
		}
	}
	return kids
}

// service is a program that stays: one of our servers, or a peer that takes
// requests on its standard input.
type service struct {
	cmd   *exec.Cmd
	path  string // its Unix socket
	ask   io.WriteCloser
	reply *bufio.Reader
	said  bytes.Buffer
}

// start runs a program on the core of all. Its words come in env and args.
func start(env []string, args ...string) (*service, error) {
	s := &service{cmd: exec.Command("taskset", append([]string{"-c", core}, args...)...)}
	s.cmd.Env = append(append(os.Environ(), oneCore...), env...)
	s.cmd.Stderr = &s.said
	return s, s.cmd.Start()
}

// stop ends it and waits for that.
func (s *service) stop() {
	if s.ask != nil {
		s.ask.Close()
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
}

// startDaemon runs grayd or scaled with one worker, on a socket in dir.
func startDaemon(dir, name string) (*service, error) {
	path := filepath.Join(dir, name+".sock")
	s, err := start(nil, name, "-n", "1", "-a", "unix:"+path)
	if err != nil {
		return nil, err
	}
	s.path = path
	if err := within(15*time.Second, func() error {
		c, err := dial(path)
		if err == nil {
			unix.Close(c)
		}
		return err
	}); err != nil {
		s.stop()
		return nil, fmt.Errorf("%s: %w %s", name, err, &s.said)
	}
	return s, nil
}

// within calls f until it has no error, for at most d.
func within(d time.Duration, f func() error) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(d); ; <-tick.C {
		err := f()
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

func dial(path string) (fd int, err error) {
	if fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, err
	}
	if err = unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// request is one request of img/1, as imgproto(7) has it: a line, and the files
// of a name each as descriptors. It returns the words of the answer.
func (s *service) request(line, in, out string) (map[string]string, error) {
	fd, err := dial(s.path)
	if err != nil {
		return nil, err
	}
	conn := os.NewFile(uintptr(fd), s.path)
	defer conn.Close()
	from, err := os.Open(in)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	to, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return nil, err
	}
	defer to.Close()
	if err := unix.Sendmsg(fd, []byte("img/1 "+line+"\n"), unix.UnixRights(int(from.Fd()), int(to.Fd())), nil, 0); err != nil {
		return nil, err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s: no answer: %w", line, err)
	}
	words := map[string]string{}
	f := strings.Fields(answer)
	if f[0] != "ok" {
		return nil, fmt.Errorf("%s: %s", line, strings.TrimSpace(answer))
	}
	for _, w := range f[1:] {
		k, v, _ := strings.Cut(w, "=")
		words[k] = v
	}
	return words, nil
}

// worker returns the one worker of a daemon.
func worker(pid int) (int, error) {
	kids := children(pid)
	if len(kids) != 1 {
		return 0, fmt.Errorf("process %d has %d workers, want 1", pid, len(kids))
	}
	return kids[0], nil
}

// workersCPU returns what the workers of daemons have used.
func workersCPU(daemons ...*service) (sum time.Duration, err error) {
	for _, d := range daemons {
		pid, err := worker(d.cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		used, err := cpuOf(pid)
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

// startPeer runs a peer that reads lines from its standard input, and answers each with
// `ok` or what was wrong. peerLine makes the lines of those that do jobs.
func startPeer(env []string, args ...string) (*service, error) {
	s := &service{cmd: exec.Command("taskset", append([]string{"-c", core}, args...)...)}
	s.cmd.Env = append(append(os.Environ(), oneCore...), env...)
	s.cmd.Stderr = &s.said
	var err error
	if s.ask, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.reply = bufio.NewReader(out)
	return s, s.cmd.Start()
}

// peerLine is a request to a peer without its newline.
func peerLine(p picture, j job, encoder, in, out string) string {
	w, h := j.goal(p)
	return fmt.Sprintf("%s %d %d %d %s %s %s", j.kind, w, h, j.quality, encoder, in, out)
}

// peer has a peer do a job, and returns the CPU time of that.
func (s *service) peer(p picture, j job, encoder, in, out string) (u used, err error) {
	return s.line(peerLine(p, j, encoder, in, out))
}

// line gives a peer a line to do, and returns the CPU time of that.
func (s *service) line(line string) (u used, err error) {
	before, err := cpuOf(s.cmd.Process.Pid)
	if err != nil {
		return u, err
	}
	if _, err := fmt.Fprintln(s.ask, line); err != nil {
		return u, err
	}
	answer, err := s.reply.ReadString('\n')
	if err != nil {
		return u, fmt.Errorf("no answer: %w %s", err, lastLine(s.said.String()))
	}
	if answer = strings.TrimSpace(answer); answer != "ok" {
		return u, errors.New(answer)
	}
	after, err := cpuOf(s.cmd.Process.Pid)
	return used{cpu: after - before}, err
}

// lastLine returns the last line of a text, which has a program's own error.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
