package tests

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/eventually"
)

// say sends a line with descriptors in one message, and returns what comes back
// until the end of file. With hold it does not shut down writing.
func say(t *testing.T, sock, line string, fds []int, hold bool) (string, error) {
	t.Helper()
	c, err := net.Dial("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	u := c.(*net.UnixConn)
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	if _, _, err := u.WriteMsgUnix([]byte(line), rights, nil); err != nil {
		return "", err
	}
	if !hold {
		u.CloseWrite()
	}
	b, err := io.ReadAll(c)
	return string(b), err
}

// descriptors returns how many a process has open.
func descriptors(t testing.TB, pid int) int {
	t.Helper()
	es, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(es)
}

// Whatever is said to a daemon's socket, it answers with an error or not at all,
// its workers stay the same processes with the same number of descriptors, and
// who asks properly meanwhile is served.
func TestFaultAbuseOfDaemons(t *testing.T) {
	picture := read(t, clouds(t))
	dir := t.TempDir()
	open := func(name string, flags int) int {
		fd, err := unix.Open(name, flags|unix.O_CLOEXEC, 0o600)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	in := open(clouds(t), unix.O_RDONLY)
	out := open(filepath.Join(dir, "out"), unix.O_WRONLY|unix.O_CREAT)
	full := open(save(t, dir, "full.png", photo(9, 9, 1)), unix.O_WRONLY)
	folder, null := open(dir, unix.O_RDONLY), open("/dev/null", unix.O_RDWR)
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pipe[0]); unix.Close(pipe[1]) })
	many := slices.Repeat([]int{in}, 200)

	for _, d := range []struct{ name, verb string }{{"grayd", "gray"}, {"scaled", "scale 1/4"}} {
		s, sock := startDaemon(t, d.name, "-n", "2")
		eventually.Within(t, 10*time.Second, "two workers", func() bool { return len(children(s.cmd.Process.Pid)) == 2 })
		want := must(t, "", d.verb+" < "+clouds(t))
		good := func() error {
			b, err := request("unix", sock, "img/1 "+d.verb, picture)
			if err == nil && !bytes.HasSuffix(b, want) {
				err = fmt.Errorf("another picture")
			}
			return err
		}
		for range 8 { // each worker has had work
			if err := good(); err != nil {
				t.Fatal(err)
			}
		}
		line := "img/1 " + d.verb
		abuses := []struct {
			line string
			fds  []int
			hold bool
		}{
			{strings.Repeat("x", 5000), nil, true},
			{strings.Repeat("x", 5000) + "\n", nil, false},
			{line, nil, false},
			{line, []int{in, out}, true}, // never an end of line
			{"\n", nil, false},
			{"\x00\xff\xfe\n", nil, false},
			{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", nil, false},
			{line + "\n", []int{in}, true},
			{line + "\n", []int{in, out, out}, true},
			{line + "\n", many, true},
			{line + "\n", []int{pipe[0], out}, true},
			{line + "\n", []int{in, pipe[1]}, true},
			{line + "\n", []int{folder, out}, true},
			{line + "\n", []int{null, null}, true},
			{line + "\n", []int{out, in}, true},
			{line + "\n", []int{in, full}, true},
			{line + "\n", []int{in, in}, true},
			{line + " len=5\n", []int{in, out}, true},
			{line + " len=99999\nshort", nil, false},
			{line + " len=-5\n", nil, false},
			{line + " len=99999999999999999999\n", nil, false},
			{line + " len=0\n", nil, false},
			{line + "\n", nil, false}, // an empty body
			{line + "\nno picture", nil, false},
			{line + " format=exe len=1\nx", nil, false},
			{line + " timeout=0 len=1\nx", nil, false},
			{"img/2 " + d.verb + " len=1\nx", nil, false},
		}
		pids := func() (all []int) {
			for _, p := range children(s.cmd.Process.Pid) {
				all = append(all, p.pid)
			}
			return all
		}
		workers := pids()
		held := map[int]int{}
		for _, pid := range workers {
			held[pid] = descriptors(t, pid)
		}
		row := faultRow{fault: "protocol abuse at " + d.name}
		var mu sync.Mutex
		each(len(abuses)*few(1, 10), 4, func(i int) {
			a := abuses[i%len(abuses)]
			got, err := say(t, sock, a.line, a.fds, a.hold)
			if strings.HasPrefix(got, "ok") || got != "" && !strings.HasPrefix(got, "err ") || strings.Count(got, "\n") > 1 {
				t.Errorf("%.60q with %d descriptors was answered %q (%v)", a.line, len(a.fds), got, err)
			}
			lost := 0
			if err := good(); err != nil {
				t.Errorf("beside %.60q: %v", a.line, err)
				lost++
			}
			mu.Lock()
			defer mu.Unlock()
			row.times++
			row.served += 1 - lost
			row.lostDaemon += lost
		})
		row.lostImgd = -1
		begin := time.Now()
		if now := pids(); !slices.Equal(now, workers) {
			t.Errorf("%s: workers %v became %v", d.name, workers, now)
		}
		eventually.Within(t, 10*time.Second, "descriptors as before", func() bool {
			for pid, n := range held {
				if descriptors(t, pid) > n {
					return false
				}
			}
			return true
		})
		row.recovery = time.Since(begin)
		reportFault(t, row)
	}
}

// Clients that leave in the middle of the work cost their worker, and nobody else.
func TestFaultClientsThatLeave(t *testing.T) {
	s, sock := startDaemon(t, "scaled", "-n", "2")
	picture := read(t, clouds(t))
	want := must(t, "", "scale 1/4 < "+clouds(t))
	row := faultRow{fault: "client leaves its daemon in the middle of the work", lostImgd: -1}
	for i := range few(4, 40) {
		in, err := os.Open(clouds(t))
		if err != nil {
			t.Fatal(err)
		}
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("unix", sock)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = c.(*net.UnixConn).WriteMsgUnix([]byte("img/1 scale 800%\n"), unix.UnixRights(int(in.Fd()), int(out.Fd())), nil)
		if err != nil {
			t.Fatal(err)
		}
		in.Close()
		eventually.Within(t, 20*time.Second, "the work has begun", func() bool {
			fi, err := out.Stat()
			return err == nil && fi.Size() > 0
		})
		out.Close()
		c.Close()
		begin := time.Now()
		b, err := request("unix", sock, "img/1 scale 1/4", picture)
		row.times++
		if err != nil || !bytes.HasSuffix(b, want) {
			t.Errorf("request %d after a client that left: %v", i, err)
			row.lostDaemon++
		} else {
			row.served++
		}
		eventually.Within(t, 10*time.Second, "two workers again", func() bool { return len(children(s.cmd.Process.Pid)) == 2 })
		row.recovery = max(row.recovery, time.Since(begin))
	}
	reportFault(t, row)
}

// What breaks HTTP is answered with 4xx or not at all; imgd goes on.
func TestFaultAbuseOfHTTP(t *testing.T) {
	d := startDaemons(t)
	s := restartImgd(t, runDir(t), filepath.Join(t.TempDir(), "spool"), append([]string{"-n", "1"}, d.flags()...)...)
	picture := read(t, save(t, t.TempDir(), "p.png", photo(60, 40, 1)))
	s.want(t, 200, "PUT", "/image?gray", bytes.NewReader(picture))
	s.http.CloseIdleConnections()
	before := descriptors(t, s.cmd.Process.Pid)
	row := faultRow{fault: "protocol abuse at imgd", lostDaemon: -1}
	head := "PUT /image?gray HTTP/1.1\r\nHost: localhost\r\n"
	abuses := []string{
		"\r\n\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00", strings.Repeat("A", 300<<10),
		"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("a", 300<<10) + "\r\n\r\n",
		"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		head + "Content-Length: 100\r\n\r\nshort", head + "Content-Length: -1\r\n\r\n", head + "Content-Length: 9999999999999999999999\r\n\r\n",
		head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
		head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", head + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\nabc",
		head + "Transfer-Encoding: gzip\r\n\r\nabc", head + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
		"PUT /image?gray HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 50\r\n\r\n--x\r\nContent-Disposition: form-data; name=\"image\"; f",
		"PUT /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
		"GET /jobs/../gone HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /jobs/%2e%2e%2f%2e%2e/image HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"CONNECT evil:25 HTTP/1.1\r\nHost: localhost\r\n\r\n", "TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET http://evil/ HTTP/1.1\r\nHost: evil\r\n\r\n",
	}
	var mu sync.Mutex
	each(len(abuses)*few(1, 20), 4, func(i int) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(30 * time.Second))
		io.WriteString(c, abuses[i%len(abuses)])
		c.(*net.TCPConn).CloseWrite()
		b, _ := io.ReadAll(c)
		if len(b) > 0 && !bytes.HasPrefix(b, []byte("HTTP/1.1 4")) && !bytes.HasPrefix(b, []byte("HTTP/1.1 5")) && !bytes.HasPrefix(b, []byte("HTTP/1.1 3")) {
			t.Errorf("%.80q was answered %.200q", abuses[i%len(abuses)], b)
		}
		resp, b, err := s.do("PUT", "/image?gray", bytes.NewReader(picture))
		mu.Lock()
		defer mu.Unlock()
		row.times++
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("beside %.80q: %v %.100q", abuses[i%len(abuses)], err, b)
			row.lostImgd++
		} else {
			row.served++
		}
	})
	begin := time.Now()
	s.http.CloseIdleConnections()
	eventually.Within(t, 20*time.Second, "descriptors as before", func() bool { return descriptors(t, s.cmd.Process.Pid) <= before+2 })
	row.recovery = time.Since(begin)
	if left := names(t, filepath.Join(s.spool, "incoming")); len(left) > 0 {
		t.Errorf("incoming has %v", left)
	}
	if s.cmd.Process.Signal(syscall.Signal(0)) != nil {
		t.Error("imgd is gone")
	}
	reportFault(t, row)
}
