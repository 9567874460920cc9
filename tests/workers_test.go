package tests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

// listeners returns the inodes of the listening sockets of a Unix path and of a
// TCP port, from /proc/net.
func listeners(t *testing.T, path string, port int) []string {
	t.Helper()
	var inodes []string
	for _, line := range strings.Split(string(read(t, "/proc/net/unix")), "\n") {
		f := strings.Fields(line)
		// Num RefCount Protocol Flags Type St Inode Path; 0x10000 is SO_ACCEPTCON.
		// The path is the one it was bound by, before it was renamed into place.
		if len(f) == 8 && (f[7] == path || f[7] == path+".new") && f[3] == "00010000" {
			inodes = append(inodes, f[6])
		}
	}
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		for _, line := range strings.Split(string(read(t, name)), "\n") {
			f := strings.Fields(line)
			if len(f) > 9 && f[3] == "0A" && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
				inodes = append(inodes, f[9])
			}
		}
	}
	return inodes
}

// sockets returns the inodes of the sockets that a process holds.
func sockets(t *testing.T, pid int) map[string]bool {
	t.Helper()
	m := map[string]bool{}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		l, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd.Name()))
		if n, ok := strings.CutPrefix(l, "socket:["); ok {
			m[strings.TrimSuffix(n, "]")] = true
		}
	}
	return m
}

// One supervisor, N workers, and in each the same listening sockets.
func TestOneListenerManyWorkers(t *testing.T) {
	port := freePort(t)
	run := runDir(t)
	sock := filepath.Join(run, "scaled.sock")
	d := spawn(t, run, "scaled", "-n", "3", "-a", "unix:"+sock,
		"-a", fmt.Sprintf("tcp:127.0.0.1:%d", port), "-a", fmt.Sprintf("tcp:[::1]:%d", port))
	d.waitFor(t, sock)
	d.waitFor(t, fmt.Sprintf("[::1]:%d", port))
	eventually.Within(t, 10*time.Second, "three workers", func() bool { return len(children(d.cmd.Process.Pid)) == 3 })
	pids := strings.Fields(string(must(t, "", fmt.Sprintf("pgrep -P %d", d.cmd.Process.Pid))))
	if len(pids) != 3 {
		t.Fatalf("pgrep -P shows %d workers %v, want 3", len(pids), pids)
	}
	shared := listeners(t, sock, port)
	if len(shared) != 3 {
		t.Fatalf("%d listening sockets, want a Unix, an IPv4 and an IPv6 one", len(shared))
	}
	for _, p := range pids {
		pid, _ := strconv.Atoi(p)
		held := sockets(t, pid)
		for _, inode := range shared {
			if !held[inode] {
				t.Errorf("worker %d does not hold listening socket %s: %v", pid, inode, held)
			}
		}
	}
}

// request sends one picture in the stream form and returns the answer.
func request(network, addr, line string, picture []byte) ([]byte, error) {
	c, err := net.Dial(network, addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(60 * time.Second))
	if _, err := fmt.Fprintf(c, "%s len=%d\n%s", line, len(picture), picture); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(c)
	if err == nil && !bytes.HasPrefix(b, []byte("ok ")) {
		err = fmt.Errorf("answered %.100q", b)
	}
	return b, err
}

// requestFiles asks by two descriptors, and returns the reply and the picture.
func requestFiles(t *testing.T, sock, line, path string) (string, []byte, error) {
	in, err := os.Open(path)
	if err != nil {
		return "", nil, err
	}
	defer in.Close()
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		return "", nil, err
	}
	defer out.Close()
	reply, err := say(t, sock, line+"\n", []int{int(in.Fd()), int(out.Fd())}, true)
	if err == nil && !strings.HasPrefix(reply, "ok ") {
		err = fmt.Errorf("answered %.100q", reply)
	}
	b, rerr := os.ReadFile(out.Name())
	return reply, b, errors.Join(err, rerr)
}

// killer kills one worker of supervisor each time the count of finished
// requests has grown by step, until stop is closed. It returns how many.
func killer(supervisor func() []process, finished *atomic.Int64, step int64, stop <-chan struct{}) int {
	kills := 0
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for next := step; ; {
		select {
		case <-stop:
			return kills
		case <-tick.C:
		}
		if finished.Load() < next {
			continue
		}
		if w := supervisor(); len(w) > 0 {
			syscall.Kill(w[rand.IntN(len(w))].pid, syscall.SIGKILL)
			kills++
			next = finished.Load() + step
		}
	}
}

// At the daemon itself a killed worker costs at most the request in its hands.
// (Of the stream form it also has those that it gathers, up to its four stores.)
func TestKilledWorkersAtDaemon(t *testing.T) {
	d, sock := startDaemon(t, "scaled", "-n", "2")
	path := clouds(t)
	want := must(t, "", "scale 1/4 < "+path)
	var finished, lost atomic.Int64
	stop := make(chan struct{})
	var kills int
	var wg sync.WaitGroup
	wg.Go(func() {
		kills = killer(func() []process { return children(d.cmd.Process.Pid) }, &finished, 12, stop)
	})
	each(200, 12, func(int) {
		_, b, err := requestFiles(t, sock, "img/1 scale 1/4", path)
		switch {
		case err != nil:
			lost.Add(1)
		case !bytes.Equal(b, want):
			t.Errorf("another picture: %.80q", b)
		}
		finished.Add(1)
	})
	close(stop)
	wg.Wait()
	if kills < 5 {
		t.Errorf("only %d kills during 200 requests", kills)
	}
	if lost.Load() > int64(kills) {
		t.Errorf("%d of 200 requests lost to %d kills", lost.Load(), kills)
	}
	t.Logf("%d kills, %d of 200 requests lost", kills, lost.Load())
	eventually.Within(t, 10*time.Second, "two workers again", func() bool { return len(children(d.cmd.Process.Pid)) == 2 })
}

// workersOf returns the living workers of the daemons that s started.
func (s *server) workersOf(name string) []process {
	var ws []process
	for _, d := range daemonsOf(s.cmd.Process.Pid) {
		if name == "" || filepath.Base(d.exe) == name {
			ws = append(ws, children(d.pid)...)
		}
	}
	return ws
}

// daemonStatus asks a daemon that s started how it is: its status socket's lines.
func (s *server) daemonStatus(t *testing.T, name string) map[string]string {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(s.run, "imgd-*", name+".sock.status"))
	if len(paths) != 1 {
		t.Fatalf("status sockets of %s: %v", name, paths)
	}
	return readStatus(t, paths[0])
}

// readStatus reads the status that a daemon serves at path.
func readStatus(t *testing.T, path string) map[string]string {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, line := range strings.Split(string(b), "\n") {
		k, v, _ := strings.Cut(line, ": ")
		m[k] = v
	}
	return m
}

// daemonsOf returns the daemons that an imgd started.
func daemonsOf(pid int) []process {
	var ds []process
	for _, p := range children(pid) {
		if b := filepath.Base(p.exe); b == "grayd" || b == "scaled" {
			ds = append(ds, p)
		}
	}
	return ds
}

// Through imgd a killed worker costs nothing: it asks again.
func TestKilledWorkersThroughImgd(t *testing.T) {
	s := startImgd(t)
	picture := read(t, clouds(t))
	_, gray := s.want(t, 200, "PUT", "/image?gray", bytes.NewReader(picture))
	_, both := s.want(t, 200, "PUT", "/image?gray&scale=1/4", bytes.NewReader(picture))
	var finished atomic.Int64
	stop := make(chan struct{})
	var kills int
	var wg sync.WaitGroup
	wg.Go(func() { kills = killer(func() []process { return s.workersOf("") }, &finished, 15, stop) })
	each(200, 12, func(i int) {
		path, want := "/image?gray", gray
		if i%2 == 1 {
			path, want = "/image?gray&scale=1/4", both
		}
		resp, b, err := s.do("PUT", path, bytes.NewReader(picture))
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("request %d: %v %.200q", i, err, b)
		} else if !bytes.Equal(b, want) {
			t.Errorf("request %d: another picture of %d bytes", i, len(b))
		}
		finished.Add(1)
	})
	close(stop)
	wg.Wait()
	if kills < 5 {
		t.Errorf("only %d kills during 200 requests", kills)
	}
	t.Logf("%d kills, 0 of 200 requests lost", kills)
}

// A daemon of imgd's own that dies is started again; killed imgd leaves none behind.
func TestEmbeddedDaemonsComeAndGo(t *testing.T) {
	s := startImgd(t)
	picture := read(t, clouds(t))
	ds := daemonsOf(s.cmd.Process.Pid)
	if len(ds) != 2 {
		t.Fatalf("imgd started %v, want grayd and scaled", ds)
	}
	for _, d := range ds {
		syscall.Kill(d.pid, syscall.SIGKILL)
	}
	eventually.Within(t, 15*time.Second, "pictures are served again", func() bool {
		resp, _, err := s.do("PUT", "/image?gray&scale=1/4", bytes.NewReader(picture))
		return err == nil && resp.StatusCode == 200
	})
	var all []process
	ds = daemonsOf(s.cmd.Process.Pid)
	all = append(append(all, ds...), s.workersOf("")...)
	s.kill()
	eventually.Within(t, 10*time.Second, "the daemons of a killed imgd are gone", func() bool {
		for _, p := range all {
			if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid)); err == nil && !bytes.Contains(b, []byte(") Z ")) {
				return false
			}
		}
		return true
	})
}

// A worker that is stopped takes no request, so it keeps nobody waiting.
func TestStoppedWorkerKeepsNobodyWaiting(t *testing.T) {
	s := startImgd(t)
	picture := read(t, clouds(t))
	stopped := s.workersOf("grayd")[0].pid
	syscall.Kill(stopped, syscall.SIGSTOP)
	defer syscall.Kill(stopped, syscall.SIGCONT)
	each(40, 8, func(i int) {
		resp, b, err := s.do("PUT", "/image?gray", bytes.NewReader(picture))
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("request %d beside a stopped worker: %v %.200q", i, err, b)
		}
	})
}

// A worker that hangs with a request in hand is killed at the time limit; the
// request is tried again, and answered.
func TestHungWorkerIsReplaced(t *testing.T) {
	s := startImgd(t, "-n", "1", "-t", "2s")
	picture := read(t, save(t, t.TempDir(), "big.jpg", photo(1600, 1200, 9)))
	worker := s.workersOf("scaled")[0].pid
	done := make(chan error, 1)
	start := time.Now()
	go func() {
		resp, b, err := s.do("PUT", "/image?scale=300%", bytes.NewReader(picture)) // seconds of work for one core
		if err == nil && resp.StatusCode != 200 && resp.StatusCode != 422 {
			err = fmt.Errorf("%s %q", resp.Status, b)
		}
		done <- err
	}()
	eventually.Within(t, 10*time.Second, "the worker is at work", func() bool { return s.daemonStatus(t, "scaled")["busy"] == "1" })
	syscall.Kill(worker, syscall.SIGSTOP)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took < 2*time.Second || took > 15*time.Second {
		t.Errorf("answered after %v, with a limit of 2 s", took)
	}
	eventually.Within(t, 10*time.Second, "another worker", func() bool {
		w := s.workersOf("scaled")
		return len(w) == 1 && w[0].pid != worker
	})
	s.want(t, 200, "PUT", "/image?scale=1/8", bytes.NewReader(picture))
}

// Each thread of imgd has its timers 1 ms late; for others than root the kernel
// does not tell.
func TestTimersOfImgd(t *testing.T) {
	s := startImgd(t, "-n", "1")
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", s.cmd.Process.Pid))
	if err != nil || len(threads) < 3 {
		t.Fatal(threads, err)
	}
	for _, thread := range threads {
		b, err := os.ReadFile("/proc/" + thread.Name() + "/timerslack_ns")
		if errors.Is(err, os.ErrPermission) && os.Geteuid() != 0 || errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue
		}
		if err != nil || string(b) != "1000000\n" {
			t.Errorf("thread %s: %q, %v", thread.Name(), b, err)
		}
	}
}
