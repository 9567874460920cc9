package tests

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/eventually"
	"imgtools/tests/await"
)

// server is an imgd, a grayd, a scaled, or another command that a test started and
// that runs until the test ends.
type server struct {
	name string
	cmd  *exec.Cmd
	log  *await.Log
	gone chan struct{} // closed when it has ended and been reaped

	run   string       // its RUN folder
	spool string       // imgd only
	port  int          // imgd only
	url   string       // imgd only: http://127.0.0.1:PORT
	http  *http.Client // imgd only: no proxies, no reuse across servers
}

// spawn starts a server with RUN of its own; it is ended when the test ends.
func spawn(t testing.TB, run, name string, args ...string) *server {
	t.Helper()
	c := exec.Command(name, args...) // ours come first in PATH
	c.Env = append(os.Environ(), "IMGTOOLS_RUN="+run)
	s := start(t, name, c)
	s.run = run
	return s
}

// start starts a command that runs until the test ends, and then ends it by stop.
func start(t testing.TB, name string, c *exec.Cmd) *server {
	t.Helper()
	s := &server{name: name, cmd: c, log: await.NewLog(), gone: make(chan struct{})}
	c.Stdout, c.Stderr = s.log, s.log
	c.WaitDelay = time.Second // a child may hold stderr open a moment longer
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		c.Wait()
		close(s.gone)
	}()
	t.Cleanup(func() {
		s.stop(t)
		if t.Failed() {
			t.Logf("%s said:\n%s", strings.Join(c.Args, " "), tail(s.log, 40))
		}
	})
	return s
}

// startGroup is start in a process group of its own, which stop ends by INT as
// Ctrl-C does.
func startGroup(t testing.TB, name string, c *exec.Cmd) *server {
	t.Helper()
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return start(t, name, c)
}

// runDir returns a new RUN folder; its path is short, as a socket's must be.
func runDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "run-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

var portLine = regexp.MustCompile(`(?:127\.0\.0\.1|localhost|\[::1\]):([1-9][0-9]*)`)

// startImgd starts imgd with its own daemons, any free port and a fresh spool,
// and returns when it is ready. Later flags go over the ones given here.
func startImgd(t testing.TB, args ...string) *server {
	t.Helper()
	return restartImgd(t, runDir(t), filepath.Join(t.TempDir(), "spool"), args...)
}

// restartImgd is startImgd on a given RUN and spool.
func restartImgd(t testing.TB, run, spool string, args ...string) *server {
	t.Helper()
	s := spawn(t, run, "imgd", append([]string{"-p", "0", "-n", "2", "-spool", spool}, args...)...)
	s.spool = spool
	if err := s.attach(t); err != nil {
		t.Fatalf("imgd printed no port: %v", err)
	}
	s.ready(t)
	return s
}

// attach waits until imgd has printed its port, and makes the client for it.
func (s *server) attach(t testing.TB) error {
	port, err := s.log.Wait(20*time.Second, s.gone, func(out string) string {
		if m := portLine.FindStringSubmatch(out); m != nil {
			return m[1]
		}
		return ""
	})
	if err != nil {
		return err
	}
	s.port, _ = strconv.Atoi(port)
	s.url = "http://127.0.0.1:" + port
	tr := &http.Transport{MaxIdleConnsPerHost: 256, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext}
	s.http = &http.Client{Transport: tr, Timeout: 2 * time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(tr.CloseIdleConnections)
	return nil
}

// ready waits for /readyz to say 200.
func (s *server) ready(t testing.TB) {
	t.Helper()
	last := ""
	if !eventually.Is(20*time.Second, func() bool {
		if s.ended() {
			t.Fatalf("imgd ended before it was ready:\n%s", s.log)
		}
		resp, err := s.http.Get(s.url + "/readyz")
		if err != nil {
			last = err.Error()
			return false
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		last = fmt.Sprint(resp.Status, " ", string(b))
		return resp.StatusCode == 200
	}) {
		t.Fatalf("imgd not ready: %s\n%s", last, s.log)
	}
}

// startDaemon starts grayd or scaled and waits until it serves on the socket
// NAME.sock of a fresh RUN, whose path it returns.
func startDaemon(t testing.TB, name string, args ...string) (*server, string) {
	t.Helper()
	run := runDir(t)
	s := spawn(t, run, name, args...)
	sock := filepath.Join(run, name+".sock")
	s.waitFor(t, sock)
	return s, sock
}

// waitFor waits until address (a path, or host:port) takes connections.
func (s *server) waitFor(t testing.TB, address string) {
	t.Helper()
	network := "unix"
	if !strings.Contains(address, "/") {
		network = "tcp"
	}
	eventually.Within(t, 20*time.Second, s.name+" listens on "+address, func() bool {
		if s.ended() {
			t.Fatalf("%s ended:\n%s", s.name, s.log)
		}
		c, err := net.Dial(network, address)
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
}

// stop ends the server by TERM, a group by INT. If that takes over 15 s the test
// fails.
func (s *server) stop(t testing.TB) {
	t.Helper()
	if s.ended() {
		return
	}
	s.signal(syscall.SIGTERM, syscall.SIGINT)
	if !await.Closed(s.gone, 15*time.Second) {
		t.Errorf("%s still runs 15 s after it was told to end", s.name)
		s.kill()
	}
}

// kill ends the server by KILL and waits until it is gone.
func (s *server) kill() {
	s.signal(syscall.SIGKILL, syscall.SIGKILL)
	<-s.gone
}

func (s *server) ended() bool {
	select {
	case <-s.gone:
		return true
	default:
		return false
	}
}

// signal sends one to the process, or toGroup to its group if it has its own.
func (s *server) signal(one, toGroup syscall.Signal) {
	if a := s.cmd.SysProcAttr; a != nil && a.Setpgid {
		syscall.Kill(-s.cmd.Process.Pid, toGroup)
		return
	}
	s.cmd.Process.Signal(one)
}

// do sends a request and reads the whole answer. body may be nil; header has names, each
// followed by its value.
func (s *server) do(method, path string, body io.Reader, header ...string) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, body)
	if err != nil {
		return nil, nil, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if host := req.Header.Get("Host"); host != "" { // net/http sends this one from here
		req.Host = host
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, b, err
}

// want is do that must answer with status.
func (s *server) want(t testing.TB, status int, method, path string, body io.Reader, header ...string) (*http.Response, []byte) {
	t.Helper()
	resp, b, err := s.do(method, path, body, header...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if resp.StatusCode != status {
		t.Fatalf("%s %s: %s, want %d\n%.300q", method, path, resp.Status, status, b)
	}
	return resp, b
}

// freePort returns a TCP port that is free on 127.0.0.1 and ::1 just now.
func freePort(t testing.TB) int {
	t.Helper()
	for range 50 {
		a, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := a.Addr().(*net.TCPAddr).Port
		b, err := net.Listen("tcp", net.JoinHostPort("::1", strconv.Itoa(port)))
		a.Close()
		if err == nil {
			b.Close()
			return port
		}
	}
	t.Fatal("no port is free on both 127.0.0.1 and ::1")
	return 0
}

// each runs f(0) … f(n-1), at most width at once, and returns when all are done.
func each(n, width int, f func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(width, n) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
