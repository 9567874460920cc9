package front

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/front/spool"
	"imgtools/pkg/jobid"
)

// raw opens a connection and sends head, with Host.
func (s *site) raw(head string) (net.Conn, *bufio.Reader) {
	s.t.Helper()
	line, rest, _ := strings.Cut(head, "\r\n")
	return s.bytes(fmt.Sprintf("%s\r\nHost: %s\r\n%s", line, s.addr, rest))
}

// bytes opens a connection and sends text.
func (s *site) bytes(text string) (net.Conn, *bufio.Reader) {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(c, text)
	return c, bufio.NewReader(c)
}

func status(t *testing.T, br *bufio.Reader) (int, string) {
	t.Helper()
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

// What could never fit into the spool is too large, said before it is sent; what
// does not fit now is a matter of waiting.
func TestLargerThanTheSpool(t *testing.T) {
	s := start(t, func(c *Config) {
		var err error
		if c.Spool, err = spool.Open(spool.Config{Dir: t.TempDir(), TTL: time.Hour, Quota: 100_000}); err != nil {
			t.Fatal(err)
		}
	})
	s.job("hold" + strings.Repeat("x", 40_000))
	h := <-s.fake.held
	for _, path := range []string{"POST /jobs", "PUT /jobs/" + jobid.New(), "PUT /image"} {
		for length, want := range map[int]int{100_001: 413, 60_000: 507} {
			_, br := s.raw(fmt.Sprintf("%s HTTP/1.1\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", path, length))
			if got, body := status(t, br); got != want || !strings.Contains(body, "-quota") {
				t.Errorf("%s of %d bytes: %d %q, want %d", path, length, got, body, want)
			}
		}
	}
	several, kind := form(part{"image", "a", "A"}, part{"image", "b", strings.Repeat("x", 60_000)}, part{"image", "c", strings.Repeat("x", 60_000)})
	if a := s.do("POST", "/jobs", several, kind); a.status != 507 || strings.Count(a.body, "\n") != 2 {
		t.Errorf("a form longer than the spool: %+v; want its first job, and 507", a)
	}
	close(h.free)
}

// What is refused by its head is refused before 100 Continue; what is taken, after.
func TestExpectContinue(t *testing.T) {
	s := start(t, nil)
	for head, want := range map[string]int{
		"PUT /image?rotate=1 HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n": 400,
		"PUT /image HTTP/1.1\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n":   413,
		"POST /jobs HTTP/1.1\r\nContent-Length: 9999999999\r\nExpect: 100-continue\r\n\r\n": 413,
		"PUT /nothing HTTP/1.1\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n": 404,
		"PUT /metrics HTTP/1.1\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n": 405,
		"PUT /jobs/x HTTP/1.1\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n":  404,
		"PUT /image?gray HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n":     100,
	} {
		c, br := s.raw(head)
		got, _ := status(t, br)
		if got != want {
			t.Errorf("%q: %d, want %d", head, got, want)
		}
		if want == 100 {
			c.Write([]byte("A"))
			if got, body := status(t, br); got != 200 || body != "gray of A" {
				t.Errorf("%d %q", got, body)
			}
			continue
		}
		if _, err := br.ReadByte(); err != io.EOF {
			t.Errorf("%q: the connection is not closed: %v", head, err)
		}
	}
}

// A client that sends all before it reads still sees why it was refused, also
// when that is far more than sockets hold.
func TestRefusalIsSeenByWhoIsStillSending(t *testing.T) {
	s := start(t, nil)
	const size = 24 << 20
	for path, want := range map[string]int{"/image?rotate=1": 400, "/image": 413, "/nothing": 404} {
		c, br := s.raw(fmt.Sprintf("PUT %s HTTP/1.1\r\nContent-Length: %d\r\n\r\n", path, size))
		if n, err := c.Write(bytes.Repeat([]byte("x"), size)); err != nil {
			t.Errorf("%s: after %d bytes: %v", path, n, err)
		}
		if got, _ := status(t, br); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

// Who is refused with a short body keeps its connection; if that does not come, the
// answer does all the same.
func TestRefusalOfAShortBody(t *testing.T) {
	s := start(t, nil)
	c, br := s.raw("PUT /image?rotate=1 HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody")
	for range 2 {
		if got, _ := status(t, br); got != 400 {
			t.Fatalf("status %d", got)
		}
		fmt.Fprintf(c, "PUT /image?rotate=1 HTTP/1.1\r\nHost: %s\r\nContent-Length: 4\r\n\r\nbody", s.addr)
	}
	_, br = s.raw("PUT /image?rotate=1 HTTP/1.1\r\nContent-Length: 4\r\n\r\nbo")
	if got, _ := status(t, br); got != 400 {
		t.Errorf("without its end: status %d", got)
	}
	if _, err := br.ReadByte(); err != io.EOF {
		t.Errorf("the connection is not closed: %v", err)
	}
}

func TestSlowClients(t *testing.T) {
	s := start(t, func(c *Config) { c.Idle = 200 * time.Millisecond })
	// One that stops in the middle of its body.
	_, br := s.raw("PUT /image HTTP/1.1\r\nContent-Length: 100\r\n\r\nsome")
	if got, body := status(t, br); got != 408 || !strings.Contains(body, "4 bytes") {
		t.Errorf("body: %d %q", got, body)
	}
	// One that drips: it never stops for long, and is never done.
	c, br := s.raw("PUT /image HTTP/1.1\r\nContent-Length: 100000\r\n\r\n")
	dripped := make(chan bool)
	go func() {
		defer close(dripped)
		for t := time.NewTicker(20 * time.Millisecond); ; <-t.C {
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
		}
	}()
	if got, _ := status(t, br); got != 408 {
		t.Errorf("dripping: %d", got)
	}
	c.Close()
	<-dripped
	// One that never ends its head.
	_, br = s.raw("GET / HTTP/1.1\r\nX: ")
	if _, err := io.ReadAll(br); err != nil {
		t.Errorf("head: %v", err)
	}
	// One that sends half a body and leaves.
	c, _ = s.raw("PUT /image HTTP/1.1\r\nContent-Length: 100\r\n\r\nsome")
	c.Close()
	// None of them holds anything.
	s.until("the room of uploads", func() bool { return s.c.Spool.Usage().Reserved == 0 })
	if got := s.fake.came(); len(got) != 0 {
		t.Errorf("worked on %q", got)
	}
	if a := s.do("PUT", "/image", "A"); a.status != 200 {
		t.Errorf("%+v", a)
	}
}

// A connection that was idle for longer than a pause in a body may last, and then
// takes its time over the work, is served.
func TestPatienceWithTheWork(t *testing.T) {
	s := start(t, func(c *Config) { c.Idle = 100 * time.Millisecond })
	c, br := s.raw("PUT /image HTTP/1.1\r\nContent-Length: 4\r\n\r\nhold")
	h := <-s.fake.held
	late := time.NewTimer(300 * time.Millisecond)
	<-late.C
	close(h.free)
	if got, body := status(t, br); got != 200 || body != "gray of hold" {
		t.Errorf("%d %q", got, body)
	}
	late.Reset(300 * time.Millisecond)
	<-late.C
	fmt.Fprintf(c, "PUT /image HTTP/1.1\r\nHost: %s\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", s.addr)
	if got, _ := status(t, br); got != 100 {
		t.Errorf("%d", got)
	}
	c.Write([]byte("A"))
	if got, body := status(t, br); got != 200 || body != "gray of A" {
		t.Errorf("%d %q", got, body)
	}
}

// It takes longer than the idle time for what is sent at once, but goes on.
func TestClientThatReadsSlowly(t *testing.T) {
	t.Parallel()
	// So long an idle time that a busy machine may stop this test for seconds.
	const size, bite, idle = 2<<20 + 512<<10, 128 << 10, 5 * time.Second
	s := start(t, func(c *Config) { c.Idle = idle; c.MaxBytes = 64 << 20 })
	c, br := s.raw(fmt.Sprintf("PUT /image HTTP/1.1\r\nContent-Length: %d\r\n\r\n", size))
	c.(*net.TCPConn).SetReadBuffer(bite)
	if _, err := c.Write(bytes.Repeat([]byte("x"), size)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(br, nil)
	if err != nil || resp.StatusCode != 200 || resp.ContentLength < size {
		t.Fatal(resp, err)
	}
	pace := time.NewTicker(bite * idle / maxStride * 5 / 4) // a stride takes 5/4 of the idle time
	for left := resp.ContentLength; left > 0; left -= bite {
		if _, err := io.CopyN(io.Discard, resp.Body, min(left, bite)); err != nil {
			t.Fatalf("%v, %d bytes before the end", err, left)
		}
		<-pace.C
	}
}

// What the kernel still has to send of an answer stays as it is when its file is
// emptied, and used for others' pictures.
func TestAnswerIsSentAfterItsFileIsUsedAgain(t *testing.T) {
	s := start(t, nil)
	const size = 100 << 10
	letters := strings.Split("stuvwxyz", "")
	var answers []*bufio.Reader
	for i, letter := range letters {
		_, br := s.raw(fmt.Sprintf("PUT /image HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat(letter, size)))
		s.until("the end of "+letter, func() bool { return len(s.fake.came()) == i+1 && s.metrics.current.Load() == 0 })
		answers = append(answers, br)
	}
	for i, br := range answers {
		if got, body := status(t, br); got != 200 || strings.Count(body, letters[i]) < size || strings.Trim(body, letters[i]) != "gray of " {
			t.Errorf("%s: %d, %d bytes", letters[i], got, len(body))
		}
	}
}

func TestClientThatNeverReads(t *testing.T) {
	s := start(t, func(c *Config) { c.Idle, c.MaxBytes, c.MaxPixels = time.Second, 64<<20, 1e9 })
	c, _ := s.raw(fmt.Sprintf("PUT /image HTTP/1.1\r\nContent-Length: %d\r\n\r\n", 32<<20))
	c.(*net.TCPConn).SetReadBuffer(4096)
	if _, err := c.Write(bytes.Repeat([]byte("x"), 32<<20)); err != nil {
		t.Fatal(err)
	}
	s.until("the answer to be given up", func() bool { return s.metrics.current.Load() == 0 && len(s.fake.came()) == 1 })
}
