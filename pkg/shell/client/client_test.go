package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/address"
	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
	"imgtools/pkg/ops"
	"imgtools/pkg/shell/client/fakeimgd"
)

const id1 = "aaaaaaaaaaaaaaaaaaaaaaaaaa"

var ctx = context.Background()

func connect(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

func section(s string) *io.SectionReader {
	return io.NewSectionReader(strings.NewReader(s), 0, int64(len(s)))
}

// fetch fetches a job into memory.
func fetch(c *Client, text string) (string, Result, error) {
	ref, err := ParseRef(text)
	if err != nil {
		return "", Result{}, err
	}
	var b bytes.Buffer
	var r Result
	opened := 0
	err = c.Fetch(ctx, ref, func(res Result) (io.Writer, error) {
		opened++
		r = res
		return &b, nil
	})
	if opened > 1 {
		err = fmt.Errorf("opened %d times", opened)
	}
	return b.String(), r, err
}

func TestPutAndFetch(t *testing.T) {
	s := &fakeimgd.Server{}
	for _, address := range []string{s.Start(t), s.StartUnix(t)} {
		t.Run(address, func(t *testing.T) {
			c := connect(t, Config{Address: address, Forever: true})
			id := jobid.New()
			words := []ops.Word{{Key: "scale", Value: "50%"}, {Key: "name", Value: "ü &.png"}}
			if _, err := c.Put(ctx, time.Now(), id, Query(words), section("picture")); err != nil {
				t.Fatal(err)
			}
			out, r, err := fetch(c, id)
			want := Result{Name: "ü &.png", Type: "image/png", Size: 12, Modified: fakeimgd.Modified, ETag: fakeimgd.ETag([]byte("gray picture"))}
			if err != nil || out != "gray picture" || !reflect.DeepEqual(r, want) {
				t.Errorf("%s: %q %+v %v", address, out, r, err)
			}
			if name := c.Name(ctx, Ref{ID: id}); name != "ü &.png" {
				t.Errorf("name %q", name)
			}
		})
	}
	if jobs := s.Jobs(); jobs[0].Query != "scale=50%25&name=%C3%BC+%26.png" {
		t.Errorf("query %s", jobs[0].Query)
	}
}

func TestFetchByURL(t *testing.T) {
	s, other := &fakeimgd.Server{}, &fakeimgd.Server{}
	url := s.Start(t)
	s.Add(id1, "", "a")
	c := connect(t, Config{Address: other.Start(t), Forever: true})
	if out, _, err := fetch(c, url+"/jobs/"+id1); err != nil || out != "gray a" {
		t.Errorf("%q, %v", out, err)
	}
	if n := len(other.Requests()); n > 0 {
		t.Errorf("%d requests to another server", n)
	}
}

func TestEmptyPictureIsSent(t *testing.T) {
	s := &fakeimgd.Server{}
	c := connect(t, Config{Address: s.Start(t)})
	if _, err := c.Put(ctx, time.Now(), id1, "", section("")); err != nil {
		t.Fatal(err)
	}
	if jobs := s.Jobs(); len(jobs) != 1 || len(jobs[0].In) != 0 {
		t.Errorf("%+v", jobs)
	}
}

func TestRepeatedPutIsHarmless(t *testing.T) {
	s := &fakeimgd.Server{}
	c := connect(t, Config{Address: s.Start(t)})
	for range 2 {
		if _, err := c.Put(ctx, time.Now(), id1, "?gray=601", section("a")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Put(ctx, time.Now(), id1, "?gray=601", section("b")); fault.Of(err) != fault.Conflict || Repeatable(err) {
		t.Error(err)
	}
	if n := len(s.Jobs()); n != 1 {
		t.Errorf("%d jobs", n)
	}
}

func TestAnswersAreErrors(t *testing.T) {
	tests := []struct {
		status      int
		ctype, body string
		kind        fault.Kind
		text        string
		again, full bool
	}{
		{400, "text/plain; charset=utf-8", "unknown word \"x\"\nmore\n", fault.Usage, `unknown word "x"`, false, false},
		{401, "text/plain", "token missing", fault.Unauthorized, "token missing", false, false},
		{413, "text/plain", "", fault.TooLarge, "HTTP 413 Request Entity Too Large", false, false},
		{415, "text/html", "<html>", fault.Format, "HTTP 415 Unsupported Media Type", false, false},
		{503, "text/plain", "queue full", fault.Busy, "queue full", true, false},
		{507, "text/plain", "spool full", fault.Full, "spool full", true, true},
		{502, "text/html", "<html>", fault.Busy, "HTTP 502 Bad Gateway", true, false},
		{500, "text/plain", "worker died twice", fault.Internal, "worker died twice", false, false},
		{302, "text/plain", "", fault.Internal, "HTTP 302 Found: redirected to http://elsewhere/", false, false},
		{200, "text/plain", "hello", fault.Internal, "not an imgd: HTTP 200 for a job", false, false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status, " ", tt.body), func(t *testing.T) {
			s := &fakeimgd.Server{Fault: func(w http.ResponseWriter, r *http.Request, _ int) bool {
				w.Header().Set("Content-Type", tt.ctype)
				w.Header().Set("Location", "http://elsewhere/")
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
				return true
			}}
			c := connect(t, Config{Address: s.Start(t)})
			_, err := c.Put(ctx, time.Now(), id1, "", section("a"))
			if fault.Of(err) != tt.kind || err.Error() != tt.text || Repeatable(err) != tt.again || Full(err) != tt.full {
				t.Errorf("%d: %v (%v, again %v, full %v)", tt.status, err, fault.Of(err), Repeatable(err), Full(err))
			}
		})
	}
}

func TestLostAnswerIsRepeatable(t *testing.T) {
	s := &fakeimgd.Server{}
	s.Fault = func(w http.ResponseWriter, r *http.Request, before int) bool {
		if before == 0 {
			io.Copy(io.Discard, r.Body)
			fakeimgd.Drop(w)
			return true
		}
		return false
	}
	c := connect(t, Config{Address: s.Start(t)})
	_, err := c.Put(ctx, time.Now(), id1, "", section("a"))
	if !Repeatable(err) || Full(err) || errors.Is(err, ErrAway) {
		t.Fatal(err)
	}
	if _, err := c.Put(ctx, time.Now(), id1, "", section("a")); err != nil {
		t.Error(err)
	}
}

func TestEarlyRefusalSendsNoBody(t *testing.T) {
	s := &fakeimgd.Server{Fault: func(w http.ResponseWriter, r *http.Request, _ int) bool {
		fakeimgd.Fail(w, 413, "too large")
		return true
	}}
	c := connect(t, Config{Address: s.Start(t)})
	read := &countingReader{n: 64 << 20}
	_, err := c.Put(ctx, time.Now(), id1, "", io.NewSectionReader(read, 0, read.n))
	if fault.Of(err) != fault.TooLarge || err.Error() != "too large" {
		t.Error(err)
	}
	if read.read > 0 {
		t.Errorf("%d bytes of the picture were read", read.read)
	}
}

// countingReader has n zero bytes and counts those read.
type countingReader struct {
	mu      sync.Mutex
	n, read int64
}

func (r *countingReader) ReadAt(p []byte, off int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read += int64(len(p))
	return len(p), nil
}

func TestSilentServerIsGivenUp(t *testing.T) {
	quit := make(chan struct{})
	defer close(quit)
	s := &fakeimgd.Server{Fault: func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		io.Copy(io.Discard, r.Body)
		<-quit
		return true
	}}
	url := s.Start(t)
	for _, cfg := range []Config{{Address: url, Wait: 100 * time.Millisecond}, {Address: url, Forever: true}} {
		c := connect(t, cfg)
		c.idle = 600 * time.Millisecond
		for _, size := range []int{0, 1000} {
			start := time.Now()
			_, err := c.Put(ctx, start, id1, "", section(strings.Repeat("x", size)))
			if !Repeatable(err) || !strings.Contains(err.Error(), "fell silent") {
				t.Error(err)
			}
			want := 150 * time.Millisecond
			if cfg.Forever {
				want = 1200 * time.Millisecond
			}
			if d := time.Since(start); d < want || d > want+2500*time.Millisecond {
				t.Errorf("%+v, %d bytes: given up after %v, want %v", cfg, size, d, want)
			}
		}
	}
}

func TestShrinkingFileIsNoLostConnection(t *testing.T) {
	c := connect(t, Config{Address: (&fakeimgd.Server{}).Start(t)})
	short := io.NewSectionReader(strings.NewReader("abc"), 0, 100)
	if _, err := c.Put(ctx, time.Now(), id1, "", short); err == nil || Repeatable(err) || !strings.Contains(err.Error(), "became shorter") {
		t.Error(err)
	}
}

func TestServerAway(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("IMGD", "")
	t.Setenv("IMGTOOLS_RUN", dir)
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(dir, "xdg"))
	t.Setenv("TMPDIR", dir)
	defer func() { runDirs = address.RunDirs }()
	runDirs = func(getenv func(string) string, uid int) []address.RunDir {
		dirs := address.RunDirs(getenv, uid)
		dirs[len(dirs)-1].Path = filepath.Join(dir, "system")
		return dirs
	}
	stale := filepath.Join(dir, "stale.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	run := fmt.Sprintf("%s/imgd.sock or %s/xdg/imgtools/imgd.sock or %s/imgtools-%d/imgd.sock or %s/system/imgd.sock", dir, dir, dir, os.Getuid(), dir)
	for _, tt := range []struct{ address, where string }{
		{"", run},
		{stale, stale},
		{"unix:" + dir + "/none", dir + "/none"},
		{"tcp:127.0.0.1:1", "tcp:127.0.0.1:1"},
		{"http://localhost:1", "http://localhost:1"},
	} {
		t.Run(tt.address, func(t *testing.T) {
			c := connect(t, Config{Address: tt.address, Forever: true})
			_, err := c.Put(ctx, time.Now(), id1, "", section("a"))
			want := "no imgd at " + tt.where + "; start one with 'imgd &' or set IMGD"
			if !errors.Is(err, ErrAway) || fault.Of(err) != fault.Busy || err.Error() != want || Repeatable(err) {
				t.Errorf("%v (%v)\nwant %s", err, fault.Of(err), want)
			}
			// Nobody waits for one who was never there.
			if _, _, err := fetch(c, id1); !errors.Is(err, ErrAway) {
				t.Error(err)
			}
		})
	}
}

func TestFindsServerInRun(t *testing.T) {
	s := &fakeimgd.Server{}
	sock := s.StartUnix(t)
	t.Setenv("IMGD", "")
	t.Setenv("IMGTOOLS_RUN", t.TempDir())
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(t.TempDir()))
	if err := os.MkdirAll(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "imgtools"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(sock, filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "imgtools", "imgd.sock")); err != nil {
		t.Fatal(err)
	}
	c := connect(t, Config{})
	if _, err := c.Put(ctx, time.Now(), id1, "", section("a")); err != nil {
		t.Error(err)
	}
	t.Setenv("IMGD", sock)
	c = connect(t, Config{})
	if out, _, err := fetch(c, id1); err != nil || out != "gray a" {
		t.Error(out, err)
	}
}

func TestServerGoneIsWaitedFor(t *testing.T) {
	s := &fakeimgd.Server{}
	path := filepath.Join(t.TempDir(), "imgd.sock")
	serve := func() *httptest.Server {
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		ts := &httptest.Server{Listener: l, Config: &http.Server{Handler: s}}
		ts.Start()
		return ts
	}
	first := serve()
	s.Add(id1, "", "a")
	c := connect(t, Config{Address: path, Forever: true})
	if _, _, err := fetch(c, id1); err != nil {
		t.Fatal(err)
	}
	first.CloseClientConnections()
	first.Close()
	_, err := c.Put(ctx, time.Now(), jobid.New(), "", section("b"))
	if !Repeatable(err) || errors.Is(err, ErrAway) {
		t.Fatal(err)
	}
	if !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("cause lost: %v", err)
	}
	got := make(chan error, 1)
	go func() {
		_, _, err := fetch(c, id1)
		got <- err
	}()
	second := serve()
	defer second.Close()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestRetryAfter(t *testing.T) {
	for in, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "0": 0, "-3": 0, "x": 0, "99999": time.Hour,
		"Wed, 21 Oct 2015 07:28:00 GMT": 0} {
		t.Run(in, func(t *testing.T) {
			if got := retryAfter(&http.Response{Header: http.Header{"Retry-After": {in}}}); got != want {
				t.Errorf("%q: %v", in, got)
			}
		})
	}
	in := time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat)
	if got := retryAfter(&http.Response{Header: http.Header{"Retry-After": {in}}}); got < 18*time.Second || got > 20*time.Second {
		t.Errorf("%s: %v", in, got)
	}
}

func TestPause(t *testing.T) {
	busy := refused{fault.New(fault.Busy, "queue full"), false, time.Second}
	c := &Client{cfg: Config{Wait: time.Minute}}
	start := time.Now()
	if err := c.Pause(ctx, start, 0, busy); err != nil || time.Since(start) < time.Second || time.Since(start) > 10*time.Second {
		t.Errorf("%v after %v, want a second and up to half of that more", err, time.Since(start))
	}
	// What -w doesn't allow is not begun.
	for _, since := range []time.Time{time.Now().Add(-time.Minute), time.Now().Add(-59500 * time.Millisecond)} {
		start = time.Now()
		err := c.Pause(ctx, since, 0, busy)
		if fault.Of(err) != fault.Busy || err.Error() != "queue full" || time.Since(start) > 900*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	}
	if err := c.Pause(ctx, time.Now().Add(-time.Hour), 0, lost{errors.New("x")}); fault.Of(err) != fault.Busy {
		t.Errorf("%v", err)
	}
	bad := fault.New(fault.Format, "bad")
	if err := c.Pause(ctx, time.Now(), 0, bad); err != bad {
		t.Errorf("%v", err)
	}
	c.cfg = Config{Forever: true}
	if err := c.Pause(ctx, time.Now().Add(-time.Hour), 0, lost{errors.New("x")}); err != nil {
		t.Error(err)
	}
}

func TestToken(t *testing.T) {
	var mu sync.Mutex
	var got []string
	note := func(w http.ResponseWriter, r *http.Request, _ int) bool {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Header.Get("Authorization"))
		return false
	}
	mine, other := &fakeimgd.Server{Fault: note}, &fakeimgd.Server{Fault: note}
	mineURL, otherURL, sock := mine.Start(t), other.Start(t), mine.StartUnix(t)
	mine.Add(id1, "", "a")
	other.Add(id1, "", "a")
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("IMGD", "")
	tests := []struct{ address, env, flag, ref, want string }{
		{mineURL, file, "", id1, "Bearer secret"},
		{mineURL, "", file, id1, "Bearer secret"},
		{mineURL, "", "", id1, ""},
		{mineURL, file, "", mineURL + "/jobs/" + id1, "Bearer secret"},
		{mineURL, file, "", otherURL + "/jobs/" + id1, ""}, // not the server it is for
		{"", file, "", otherURL + "/jobs/" + id1, "Bearer secret"},
		{sock, file, "", id1, ""}, // not needed
		{sock, file, "", otherURL + "/jobs/" + id1, ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%+v", tt), func(t *testing.T) {
			got = nil
			t.Setenv("IMGD_TOKEN_FILE", tt.env)
			c := connect(t, Config{Address: tt.address, TokenFile: tt.flag, Forever: true})
			if _, _, err := fetch(c, tt.ref); err != nil || len(got) != 1 || got[0] != tt.want {
				t.Errorf("%+v: %q, %v", tt, got, err)
			}
		})
	}
}

func TestTLSTroubleIsLasting(t *testing.T) {
	secure := httptest.NewTLSServer(&fakeimgd.Server{})
	defer secure.Close()
	secure.Config.ErrorLog = nil
	plain := (&fakeimgd.Server{}).Start(t)
	for _, address := range []string{secure.URL, strings.Replace(plain, "http:", "https:", 1)} {
		t.Run(address, func(t *testing.T) {
			c := connect(t, Config{Address: address, Forever: true})
			if _, err := c.Put(ctx, time.Now(), id1, "", section("a")); err == nil || Repeatable(err) || errors.Is(err, ErrAway) || strings.Contains(err.Error(), id1) {
				t.Errorf("%s: %v", address, err)
			}
		})
	}
}

// TestSchemeOfAnotherServer: HTTPS to a server of HTTP is refused with the address that helps.
func TestSchemeOfAnotherServer(t *testing.T) {
	s := &fakeimgd.Server{}
	c := connect(t, Config{Address: strings.Replace(s.Start(t), "http:", "https:", 1), Forever: true})
	_, err := c.Put(context.Background(), time.Now(), jobid.New(), "", io.NewSectionReader(strings.NewReader("x"), 0, 1))
	if err == nil || !strings.Contains(err.Error(), "speaks HTTP and not HTTPS (-a http://HOST)") || Repeatable(err) {
		t.Error(err)
	}
}
