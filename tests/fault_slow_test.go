package tests

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

// connect opens n connections to imgd and says text on each; they are closed when
// the test ends.
func (s *server) connect(t *testing.T, n int, text string) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, 0, n)
	t.Cleanup(func() {
		for _, c := range conns {
			c.Close()
		}
	})
	for range n {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", s.port), 10*time.Second)
		if err != nil {
			t.Fatalf("connection %d: %v", len(conns), err)
		}
		conns = append(conns, c)
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
	}
	return conns
}

// drip sends one byte a second on every connection until stop or until imgd has
// closed it.
func drip(conns []net.Conn, stop <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		for _, c := range conns {
			c.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
			c.Write([]byte("x"))
		}
	}
}

// closedBy counts the connections that imgd closes within d, reading whatever it
// says before; those that don't read get nothing but time.
func closedBy(conns []net.Conn, d time.Duration) (closed int) {
	deadline := time.Now().Add(d)
	for _, c := range conns {
		c.SetReadDeadline(deadline)
		if _, err := io.Copy(io.Discard, c); err == nil || !isTimeout(err) {
			closed++
		}
	}
	return closed
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}

// Hundreds of clients that drip their headers, drip their bodies, or never read
// their answers, and thousands that say nothing hold neither worker nor queue:
// pictures are served as before. In time they are shown the door, and what they
// held is free again.
func TestFaultSlowClients(t *testing.T) {
	d := startDaemons(t)
	s := restartImgd(t, runDir(t), filepath.Join(t.TempDir(), "spool"), append([]string{"-n", "1"}, d.flags()...)...)
	dir := t.TempDir()
	small := read(t, save(t, dir, "p.png", photo(60, 40, 1)))
	s.want(t, 200, "PUT", "/image?gray", bytes.NewReader(small))
	s.http.CloseIdleConnections()
	pid := s.cmd.Process.Pid
	before := descriptors(t, pid)
	head := "PUT /image?scale=1600%25&format=ppm HTTP/1.1\r\nHost: localhost\r\n"
	for _, c := range []struct {
		what, says string
		n          int
		drips      bool
		closes     time.Duration // imgd closes them within that; 0: not before its idle time
	}{
		{"clients that drip their headers", "PUT /image HTTP/1.1\r\nHost: localhost\r\nX: ", few(100, 500), true, 25 * time.Second},
		{"clients that drip their bodies", head + "Content-Length: 100000\r\n\r\n", few(100, 500), true, 100 * time.Second},
		// 40 × 30 pixels in, 1.2 MB out: more than the socket's buffers hold.
		{"clients that never read their answer", "", few(5, 50), false, 100 * time.Second},
		{"clients that say nothing", "", few(1000, 10000), false, 0},
	} {
		says := c.says
		if strings.Contains(c.what, "never read") {
			p := read(t, save(t, dir, "q.png", photo(100, 75, 1)))
			says = head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(p), p)
		}
		conns := s.connect(t, c.n, says)
		stop := make(chan struct{})
		if c.drips {
			go drip(conns, stop)
		}
		row := faultRow{fault: c.what, times: c.n, lostDaemon: -1}
		slowest := time.Duration(0)
		for range few(5, 30) {
			begin := time.Now()
			resp, b, err := s.do("PUT", "/image?gray", bytes.NewReader(small))
			if err != nil || resp.StatusCode != 200 {
				t.Errorf("beside %d %s: %v %.100q", c.n, c.what, err, b)
				row.lostImgd++
			} else {
				row.served++
			}
			slowest = max(slowest, time.Since(begin))
			s.want(t, 200, "GET", "/healthz", nil)
		}
		if limit := time.Duration(few(20, 5)) * time.Second; slowest > limit {
			t.Errorf("beside %d %s a small picture took %v", c.n, c.what, slowest)
		}
		if allFaults && c.closes > 0 {
			begin := time.Now()
			if strings.Contains(c.what, "never read") {
				eventually.Within(t, c.closes, "they are given up", func() bool { return descriptors(t, pid) <= before+5 })
			} else if n := closedBy(conns, c.closes); n != c.n {
				t.Errorf("%s: %d of %d were closed within %v", c.what, n, c.n, c.closes)
			}
			row.recovery = time.Since(begin)
		}
		close(stop)
		for _, conn := range conns {
			conn.Close()
		}
		s.http.CloseIdleConnections()
		eventually.Within(t, 30*time.Second, "descriptors as before "+c.what, func() bool { return descriptors(t, pid) <= before+5 })
		reportFault(t, row)
	}
	if left := names(t, filepath.Join(s.spool, "incoming")); len(left) > 0 {
		t.Errorf("incoming has %v", left)
	}
}
