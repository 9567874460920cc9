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
)

// server is an imgd, grayd or scaled that a test started.
type server struct {
	name string
	cmd  *exec.Cmd
	log  *logBuf
	gone chan struct{} // closed when it has ended and been reaped

	run   string       // its RUN folder
	spool string       // imgd only
	port  int          // imgd only
	url   string       // imgd only: http://127.0.0.1:PORT
	http  *http.Client // imgd only: no proxies, no reuse across servers
}

// spawn starts a server with RUN of its own; it is killed when the test ends.
func spawn(t testing.TB, run, name string, args ...string) *server {
	t.Helper()
	s := &server{name: name, log: newLogBuf(), gone: make(chan struct{}), run: run}
	s.cmd = exec.Command(name, args...) // ours come first in PATH
	s.cmd.Env = append(os.Environ(), "IMGTOOLS_RUN="+run)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.WaitDelay = time.Second // a child may hold stderr open a moment longer
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.cmd.Wait()
		close(s.gone)
	}()
	t.Cleanup(func() {
		s.stop(t)
		if t.Failed() {
			t.Logf("%s %s said:\n%s", name, strings.Join(args, " "), s.log.tail(40))
		}
	})
	return s
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
	port, err := s.log.wait(20*time.Second, s.gone, func(out string) string {
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
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(20 * time.Second)
	for {
		resp, err := s.http.Get(s.url + "/readyz")
		if err == nil {
			b, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode == 200 {
				return
			}
			last = fmt.Sprint(resp.Status, " ", string(b))
		} else {
			last = err.Error()
		}
		select {
		case <-s.gone:
			t.Fatalf("imgd ended before it was ready:\n%s", s.log)
		case <-tick.C:
		}
		if time.Now().After(deadline) {
			t.Fatalf("imgd not ready: %s\n%s", last, s.log)
		}
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
	eventually(t, 20*time.Second, s.name+" listens on "+address, func() bool {
		select {
		case <-s.gone:
			t.Fatalf("%s ended:\n%s", s.name, s.log)
		default:
		}
		c, err := net.Dial(network, address)
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
}

// stop ends the server by TERM, by KILL if it takes over 15 s, which fails the test.
func (s *server) stop(t testing.TB) {
	t.Helper()
	select {
	case <-s.gone:
		return
	default:
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.gone:
	case <-time.After(15 * time.Second):
		t.Errorf("%s still runs 15 s after TERM", s.name)
		s.kill()
	}
}

// kill ends the server by KILL and waits until it is gone.
func (s *server) kill() {
	s.cmd.Process.Kill()
	<-s.gone
}

// client returns an environment in which imgput and imgget find s over TCP.
func (s *server) env() string { return "IMGD=" + s.url }

// do sends a request and reads the whole answer. body may be nil.
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
