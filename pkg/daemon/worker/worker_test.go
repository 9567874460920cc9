package worker

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/fdpass"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/eventually"
	"imgtools/pkg/fault"
)

// rig is a worker in this process, whose operation copies, and waits before that
// for a receive from go on, if it is set.
type rig struct {
	t     *testing.T
	w     *Worker
	path  string
	begun chan struct{} // a send for each operation
	on    chan struct{}
	ended chan error // what Serve returned

	memFiles []*os.File // of the worker's stores
}

func newRig(t *testing.T, limit time.Duration) *rig {
	t.Helper()
	return newRigWith(t, func(c *Config) { c.Timeout = limit })
}

// newRigWith returns a rig whose Config was changed.
func newRigWith(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, path: filepath.Join(t.TempDir(), "s"), begun: make(chan struct{}, 100), on: make(chan struct{}), ended: make(chan error, 1)}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: r.path}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 100); err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Verb: "gray", Timeout: time.Minute, MaxMem: 1 << 30,
		Listeners: []Listener{{File: os.NewFile(uintptr(fd), "listener"), CheckPeer: true}},
		Begin:     func(time.Duration) {}, End: func(bool) {}, Log: t.Logf,
		Operation: func(req wire.Request, in *os.File, outs []io.Writer) (wire.Reply, error) {
			out := outs[0]
			r.begun <- struct{}{}
			if _, wait := req.Get("wait"); wait {
				<-r.on
			}
			b, err := io.ReadAll(io.NewSectionReader(in, 0, 1<<30))
			if err == nil {
				_, err = out.Write(b)
			}
			if _, twice := req.Get("twice"); twice && err == nil {
				_, err = out.Write(b)
			}
			return wire.Reply{}, err
		},
	}
	change(&cfg)
	r.w, err = New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.w.stores {
		r.memFiles = append(r.memFiles, s.in.File)
		for i := range s.outs {
			r.memFiles = append(r.memFiles, s.outs[i].File)
		}
	}
	served := make(chan struct{})
	go func() { r.ended <- r.w.Serve(); close(served) }()
	t.Cleanup(func() {
		go r.w.Stop()
		select {
		case <-served:
		case <-time.After(eventually.Patience):
			t.Error("Serve does not return after Stop")
		}
		r.w.cfg.Listeners[0].File.Close()
	})
	return r
}

func (r *rig) dial() *net.UnixConn {
	r.t.Helper()
	c, err := net.Dial("unix", r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(eventually.Patience))
	r.t.Cleanup(func() { c.Close() })
	return c.(*net.UnixConn)
}

// say sends text.
func (r *rig) say(c net.Conn, text string) {
	r.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		r.t.Fatal(err)
	}
}

// files sends a line with two files.
func (r *rig) files(c *net.UnixConn, line string) {
	r.t.Helper()
	dir := r.t.TempDir()
	if err := os.WriteFile(dir+"/in", []byte("in"), 0600); err != nil {
		r.t.Fatal(err)
	}
	in, err := unix.Open(dir+"/in", unix.O_RDONLY, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := unix.Open(dir+"/out", unix.O_WRONLY|unix.O_CREAT, 0600)
	if err != nil {
		r.t.Fatal(err)
	}
	rc, err := c.SyscallConn()
	if err == nil {
		err = fdpass.Send(rc, []byte(line+"\n"), in, out)
	}
	unix.Close(in)
	unix.Close(out)
	if err != nil {
		r.t.Fatal(err)
	}
}

// line reads the answer's line.
func (r *rig) line(c net.Conn) (wire.Reply, error) {
	r.t.Helper()
	s, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return wire.Reply{}, err
	}
	return wire.ParseReply(strings.TrimSuffix(s, "\n"))
}

// state waits until cond holds of the worker.
func (r *rig) state(what string, cond func(w *Worker) bool) {
	r.t.Helper()
	eventually.True(r.t, what, func() bool {
		r.w.mu.Lock()
		defer r.w.mu.Unlock()
		return cond(r.w)
	})
}

func TestFifthBodyDropsTheOldest(t *testing.T) {
	r := newRig(t, time.Minute)
	var cs []net.Conn
	for i := range numStores + 1 {
		c := r.dial()
		r.say(c, "img/1 gray len=4\nab")
		cs = append(cs, c)
		r.state("gathering", func(w *Worker) bool { return len(w.gathering) == min(i+1, numStores) && w.settling == 0 })
	}
	if _, err := r.line(cs[0]); fault.Of(err) != fault.Timeout || !strings.Contains(fmt.Sprint(err), "dropped") {
		t.Errorf("the oldest: %v", err)
	}
	for i, c := range cs[1:] {
		r.say(c, "cd")
		if reply, err := r.line(c); err != nil || reply.Len != 4 {
			t.Errorf("body %d: %v, %v", i+1, reply, err)
		}
	}
}

func TestBodyWithoutAPlaceIsBusy(t *testing.T) {
	r := newRig(t, time.Minute)
	late := r.dial() // accepted, and silent until all places are of whole bodies
	r.state("accepted", func(w *Worker) bool { return len(w.waiting) == 1 && w.settling == 0 })
	var cs []net.Conn
	for i := range numStores {
		c := r.dial()
		r.say(c, "img/1 gray wait len=4\nab")
		cs = append(cs, c)
		r.state("gathering", func(w *Worker) bool { return len(w.gathering) == i+1 })
	}
	for i, c := range cs {
		r.say(c, "cd")
		r.state("whole", func(w *Worker) bool { return w.pending == i+1 })
	}
	r.say(late, "img/1 gray len=4\n")
	if _, err := r.line(late); fault.Of(err) != fault.Busy {
		t.Errorf("%v", err)
	}
	close(r.on)
	for i, c := range cs {
		if reply, err := r.line(c); err != nil || reply.Len != 4 {
			t.Errorf("body %d: %v, %v", i, reply, err)
		}
	}
}

// TestNinthSilentConnectionDropsTheOldest also holds that a connection without a
// byte that is closed again is no error and no request.
func TestNinthSilentConnectionDropsTheOldest(t *testing.T) {
	r := newRig(t, time.Minute)
	first := r.dial()
	r.say(first, "img/1 gr")
	r.state("accepted", func(w *Worker) bool { return len(w.waiting) == 1 && w.settling == 0 })
	for range maxWaiting {
		r.dial()
	}
	if _, err := r.line(first); fault.Of(err) != fault.Timeout || !strings.Contains(fmt.Sprint(err), "dropped") {
		t.Errorf("%v", err)
	}
}

// TestTurnIsNotTakenByTheGone: a request in descriptor form that waits for its
// turn, and whose client leaves, is not worked on and ends nothing.
func TestTurnIsNotTakenByTheGone(t *testing.T) {
	r := newRig(t, time.Minute)
	gone := r.dial()
	r.state("accepted", func(w *Worker) bool { return len(w.waiting) == 1 && w.settling == 0 })
	first := r.dial()
	r.files(first, "img/1 gray wait")
	<-r.begun
	r.files(gone, "img/1 gray")
	r.state("waiting its turn", func(w *Worker) bool { return w.pending == 2 })
	gone.Close()
	r.state("known to be gone", func(w *Worker) bool { return len(w.job) == 1 && w.pending == 2 })
	close(r.on)
	if reply, err := r.line(first); err != nil || reply.Len != 2 {
		t.Errorf("%v, %v", reply, err)
	}
	r.state("nothing pending", func(w *Worker) bool { return w.pending == 0 })
	next := r.dial()
	r.files(next, "img/1 gray")
	if reply, err := r.line(next); err != nil || reply.Len != 2 {
		t.Errorf("the next: %v, %v", reply, err)
	}
}

func TestCancelEndsServe(t *testing.T) {
	r := newRig(t, time.Minute)
	c := r.dial()
	r.files(c, "img/1 gray wait")
	<-r.begun
	c.Close()
	if err := <-r.ended; err != ErrCancelled {
		t.Errorf("%v", err)
	}
}

func TestTimeoutEndsServe(t *testing.T) {
	r := newRig(t, 50*time.Millisecond)
	c := r.dial()
	r.say(c, "img/1 gray wait len=0\n")
	if _, err := r.line(c); fault.Of(err) != fault.Timeout || err.Error() != "over 50ms of work (-t)" {
		t.Errorf("%v", err)
	}
	if err := <-r.ended; !errors.Is(err, ErrTimeout) {
		t.Errorf("%v", err)
	}
}

// The word timeout= only lowers the limit.
func TestRequestDoesNotRaiseTheTimeLimit(t *testing.T) {
	r := newRig(t, 50*time.Millisecond)
	c := r.dial()
	r.say(c, "img/1 gray wait timeout=1h len=0\n")
	if _, err := r.line(c); fault.Of(err) != fault.Timeout || err.Error() != "over 50ms of work (-t)" {
		t.Errorf("%v", err)
	}
}

// TestNoAcceptWhileWorking: a connection stays in the queue.
func TestNoAcceptWhileWorking(t *testing.T) {
	r := newRig(t, time.Minute)
	c := r.dial()
	r.files(c, "img/1 gray wait")
	<-r.begun
	queued := r.dial()
	r.files(queued, "img/1 gray")
	r.state("one request known", func(w *Worker) bool { return w.pending == 1 && len(w.waiting) == 0 && w.settling == 0 })
	select {
	case <-r.begun:
		t.Error("a second request was begun")
	default:
	}
	r.on <- struct{}{}
	for _, c := range []net.Conn{c, queued} {
		if _, err := r.line(c); err != nil {
			t.Error(err)
		}
	}
}

// TestStopFinishesWhatIsGathered: a body half there when the worker is told to
// stop is gathered, worked on and answered.
func TestStopFinishesWhatIsGathered(t *testing.T) {
	r := newRig(t, time.Minute)
	c := r.dial()
	r.say(c, "img/1 gray len=4\nab")
	r.state("gathering", func(w *Worker) bool { return len(w.gathering) == 1 })
	r.w.Stop()
	queued := r.dial()
	r.say(c, "cd")
	if reply, err := r.line(c); err != nil || reply.Len != 4 {
		t.Errorf("%v, %v", reply, err)
	}
	c.Close()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	r.w.cfg.Listeners[0].File.Close()
	if _, err := r.line(queued); err == nil {
		t.Error("a connection after Stop was served")
	}
}

func TestPace(t *testing.T) {
	start := time.Now()
	for n, want := range map[int64]time.Duration{
		0: 2 * time.Second, 64 << 10: 3 * time.Second, 512 << 10: 10 * time.Second, 1 << 40: 10 * time.Second,
	} {
		if got := pace(start, n).Sub(start); got != want {
			t.Errorf("%d bytes: %v, want %v", n, got, want)
		}
	}
}

// waits reports whether a goroutine waits for something in a method of Worker.
func waits(something, method string) bool {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for g := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(g, "["+something) && strings.Contains(g, "(*Worker)."+method+"(") {
			return true
		}
	}
	return false
}

// A worker that gets the order to drain while it accepts gives up the socket.
func TestDrainMeetsAccept(t *testing.T) {
	r := newRigWith(t, func(c *Config) { c.Listeners[0].Kept = true })
	const network, mutex = "IO wait", "sync.Mutex.Lock"
	eventually.True(t, "it is idle", func() bool { return waits(network, "accept") })
	r.w.mu.Lock()
	go r.w.Drain()
	eventually.True(t, "Drain is called", func() bool { return waits(mutex, "end") })
	r.dial().Close()
	eventually.True(t, "the connection is about to be accepted", func() bool { return waits(mutex, "accept") })
	r.w.mu.Unlock()
	select {
	case <-r.ended:
	case <-time.After(eventually.Patience):
		t.Error("the worker does not end")
	}
}
