package front

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"imgtools/pkg/daemon/fdpass"
	"imgtools/pkg/front/spool"
)

// fake is a daemon with real descriptors: it answers gray with "gray of PICTURE"
// and scale with "small PICTURE". A picture that begins with "hold" is held until
// the test lets it go, "bad" is no picture, "kill" kills the worker.
type fake struct {
	path string
	held chan *held

	mu  sync.Mutex
	log []string // the pictures in the order in which they came
}

// held is a picture that is being worked on.
type held struct {
	body string
	gone chan struct{} // closed when the client closes the connection
	free chan struct{} // the test closes it
}

func newFake(t *testing.T) *fake {
	f := &fake{path: filepath.Join(t.TempDir(), "d.sock"), held: make(chan *held, 100)}
	l, err := net.Listen("unix", f.path)
	if err != nil {
		t.Fatal(err)
	}
	status, err := net.Listen("unix", f.path+".status")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				f.serve(c.(*net.UnixConn))
			})
		}
	})
	wg.Go(func() {
		for {
			c, err := status.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "workers: 1\nready: 1\nbusy: 0\n")
			c.Close()
		}
	})
	t.Cleanup(func() { l.Close(); status.Close(); wg.Wait() })
	return f
}

func (f *fake) serve(c *net.UnixConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 1024)
	n, fds, err := fdpass.Recv(raw, buf, 2)
	if err != nil || len(fds) != 2 {
		return
	}
	in, out := os.NewFile(uintptr(fds[0]), "in"), os.NewFile(uintptr(fds[1]), "out")
	defer in.Close()
	defer out.Close()
	body, _ := io.ReadAll(in)
	f.mu.Lock()
	f.log = append(f.log, string(body))
	f.mu.Unlock()
	switch {
	case bytes.HasPrefix(body, []byte("hold")):
		h := &held{string(body), make(chan struct{}), make(chan struct{})}
		go func() { c.Read(make([]byte, 1)); close(h.gone) }()
		f.held <- h
		select {
		case <-h.free:
		case <-h.gone:
			return
		}
	case bytes.HasPrefix(body, []byte("bad")):
		io.WriteString(c, "err format not a picture\n")
		return
	case bytes.HasPrefix(body, []byte("kill")):
		return
	}
	result := "gray of " + string(body)
	more := ""
	if strings.HasPrefix(string(buf[:n]), "img/1 scale") {
		result = "small " + string(body)
	} else if strings.Contains(string(buf[:n]), " for=") {
		more = " full=4x4 goal=2x2 from=png as=png"
	}
	io.WriteString(out, result)
	out.Close()
	in.Close()
	fmt.Fprintf(c, "ok type=image/png width=4 height=2%s len=%d\n", more, len(result))
}

func (f *fake) came() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.log...)
}

// site is a running server.
type site struct {
	*Server
	t    *testing.T
	url  string
	addr string
	fake *fake
	http *http.Client
}

// start runs a server with one fake daemon for both kinds, of one worker. change
// may alter its Config.
func start(t *testing.T, change func(*Config)) *site {
	t.Helper()
	f := newFake(t)
	c := Config{
		Gray: []string{f.path}, Scale: []string{f.path}, Workers: 1, Timeout: time.Minute, MaxPixels: 1e6,
		Queue: 10, MaxBytes: 1 << 20, Idle: 10 * time.Second,
	}
	if change != nil {
		change(&c)
	}
	if c.Spool == nil {
		c.Spool = openSpool(t, t.TempDir())
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Serve(l, nil); err != nil {
			t.Error(err)
		}
	})
	wg.Go(s.Run)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Shutdown(ctx)
		wg.Wait()
	})
	client := &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(client.CloseIdleConnections)
	return &site{s, t, "http://" + l.Addr().String(), l.Addr().String(), f, client}
}

func openSpool(t *testing.T, dir string) *spool.Spool {
	t.Helper()
	sp, err := spool.Open(spool.Config{Dir: dir, TTL: time.Hour, Quota: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	return sp
}

// answered is an answer, read whole.
type answered struct {
	status int
	header http.Header
	body   string
}

// do sends a request; headers are "Name: value".
func (s *site) do(method, path, body string, headers ...string) answered {
	s.t.Helper()
	a, err := s.try(context.Background(), method, path, body, headers...)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *site) try(ctx context.Context, method, path, body string, headers ...string) (answered, error) {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, r)
	if err != nil {
		return answered{}, err
	}
	for _, h := range headers {
		k, v, ok := strings.Cut(h, ": ")
		if !ok {
			continue
		}
		if k == "Host" {
			req.Host = v
		}
		req.Header.Set(k, v)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return answered{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answered{resp.StatusCode, resp.Header, string(b)}, err
}

// job submits a picture and returns the id.
func (s *site) job(body string) string {
	s.t.Helper()
	a := s.do("POST", "/jobs", body)
	if a.status != 202 {
		s.t.Fatalf("job: %d %s", a.status, a.body)
	}
	return strings.TrimSpace(a.body)
}

// until polls for what the system gives no event for.
func (s *site) until(what string, ok func() bool) {
	s.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(10 * time.Second)
	defer late.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late.C:
			s.t.Fatalf("waited too long for %s", what)
		}
	}
}

// part is a part of a form; a field when file is "-".
type part struct{ name, file, body string }

func form(parts ...part) (body, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		if p.file == "-" {
			w.WriteField(p.name, p.body)
			continue
		}
		pw, _ := w.CreateFormFile(p.name, p.file)
		io.WriteString(pw, p.body)
	}
	w.Close()
	return b.String(), "Content-Type: " + w.FormDataContentType()
}

func fromJSON(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}
