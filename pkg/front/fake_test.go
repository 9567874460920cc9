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
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/eventually"
	"imgtools/pkg/front/fakedaemon"
	"imgtools/pkg/front/spool"
)

// fake is a daemon with real descriptors: it answers gray with "gray of PICTURE"
// and scale with "small PICTURE". A picture that begins with "hold" is held until
// the test lets it go, "bad" (also at its end) is no picture, "kill" kills the worker, "heic" is for heifd, "odd" has a note.
type fake struct {
	path string
	held chan *held

	mu   sync.Mutex
	log  []string // the pictures in the order in which they came
	line string   // of the last request
}

// held is a picture that is being worked on.
type held struct {
	body string
	gone chan struct{} // closed when the client closes the connection
	free chan struct{} // the test closes it
}

func newFake(t *testing.T) *fake {
	f := &fake{held: make(chan *held, 100)}
	d := fakedaemon.Start(t, "unix", f.serve)
	d.Status(t, "workers: 1\nready: 1\nbusy: 0\n")
	f.path = d.Path()
	return f
}

func (f *fake) serve(_ int, r *fakedaemon.Request) {
	body := string(r.Body)
	f.mu.Lock()
	f.log, f.line = append(f.log, body), r.Line
	f.mu.Unlock()
	switch {
	case strings.HasPrefix(body, "hold"):
		h := &held{body, make(chan struct{}), make(chan struct{})}
		go func() { r.Conn.Read(make([]byte, 1)); close(h.gone) }()
		f.held <- h
		select {
		case <-h.free:
		case <-h.gone:
			return
		}
		if strings.HasSuffix(body, "bad") {
			r.Say("err format not a picture")
			return
		}
	case strings.HasPrefix(body, "bad"):
		r.Say("err format not a picture")
		return
	case strings.HasPrefix(body, "kill"):
		return
	case strings.HasPrefix(r.Line, "img/1 decode"):
		r.OK("type=image/tiff width=4 height=2 from=heic as=jpeg", "decoded "+body)
		return
	case strings.HasPrefix(body, "heic"):
		r.Say("err undecoded HEIC of 4×2 pixels: no program here decodes it")
		return
	}
	if strings.HasPrefix(r.Line, "img/1 info") {
		r.OK("type=application/json", `{"format":"png","width":4,"height":2,"frames":1,"depth":8,"colour":"rgb","orientation":1,"profile":"`+body+`"}`)
		return
	}
	words := "type=image/png width=4 height=2"
	if strings.Contains(r.Line, " for=") {
		words += " full=4x4 goal=2x2 from=png as=png"
	}
	if strings.HasPrefix(body, "odd") {
		words += " note=" + url.PathEscape("10×10 at é")
	}
	if req, err := wire.ParseRequest(r.Line); err == nil && req.Results() > 1 {
		var more []string
		for n := 2; n <= req.Results(); n++ {
			more = append(more, fmt.Sprintf("small%d %s", n, body))
			words += fmt.Sprintf(" width%d=%d height%d=%d", n, 10*n, n, n)
		}
		r.OK(words, "small "+body, more...)
	} else if strings.HasPrefix(r.Line, "img/1 scale") {
		r.OK(words, "small "+body)
	} else {
		r.OK(words, "gray of "+body)
	}
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
		Timeout:       time.Minute, // bounds only tests that fail
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

// until waits for what the system gives no event for.
func (s *site) until(what string, ok func() bool) {
	s.t.Helper()
	eventually.True(s.t, what, ok)
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
