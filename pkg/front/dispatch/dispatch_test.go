package dispatch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"imgtools/pkg/eventually"
	"imgtools/pkg/fault"
	"imgtools/pkg/front/fakedaemon"
	"imgtools/pkg/limits"
	"imgtools/pkg/ops"
)

// file is a File with a name, in the test's folder.
type file struct {
	path string
	own  *os.File
}

func (f file) Reader() (*os.File, error) { return os.Open(f.path) }
func (f file) Writer() (*os.File, error) { return os.OpenFile(f.path, os.O_WRONLY, 0) }
func (f file) Own() *os.File             { return f.own }
func (f file) Close()                    { f.own.Close(); os.Remove(f.path) }
func (f file) Size() (int64, error) {
	fi, err := os.Stat(f.path)
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

const asPNG = "type=image/png width=3 height=2"

type request = fakedaemon.Request

// daemon starts a fake daemon and returns its address, and the lines that it received.
func daemon(t *testing.T, network string, handle func(n int, r *request)) (addr string, lines func() []string) {
	t.Helper()
	d := fakedaemon.Start(t, network, handle)
	return d.Address, d.Lines
}

// dispatcher returns a Dispatcher over the given daemons, and the input "picture".
func dispatcher(t *testing.T, gray, scale string) (*Dispatcher, Input) {
	t.Helper()
	dir := t.TempDir()
	var n atomic.Int32
	c, err := New(Config{
		Gray: []string{gray}, Scale: []string{scale}, Timeout: 10 * time.Second, MaxPixels: 1e6, Patience: testPatience,
		Temp: func() (File, error) {
			path := filepath.Join(dir, fmt.Sprint("out", n.Add(1)))
			f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE, 0o600)
			return file{path, f}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("files are left: %v", left)
		}
	})
	in := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(in, []byte("picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	return c, file{path: in}
}

// counter counts deaths as the spool does.
func counter() (Deaths, *int) {
	n := new(int)
	return func(bool) (int, error) { *n++; return *n, nil }, n
}

// testPatience is short, so that a test of it is.
const testPatience = 300 * time.Millisecond

const nobody = "unix:/nonexistent/d.sock"

func TestOneDaemon(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		d, lines := daemon(t, network, func(_ int, r *request) { r.OK(asPNG+" note=first%20of%202", "<"+string(r.Body)+">") })
		for _, c := range []struct {
			gray, scale string
			o           ops.Ops
			line        string
		}{
			{d, nobody, ops.Must("gray=601").With("name", "a b"), "img/1 gray"},
			{d, nobody, ops.Must("gray=709 format=jpeg quality=7"), "img/1 gray luma=709 format=jpeg quality=7"},
			{nobody, d, ops.Must("scale=50% kernel=box fast linear"), "img/1 scale 50% kernel=box fast=1 linear=1"},
		} {
			cmp, in := dispatcher(t, c.gray, c.scale)
			deaths, _ := counter()
			r, err := cmp.Run(context.Background(), c.o, in, deaths)
			if err != nil {
				t.Fatalf("%s %+v: %v", network, c.o, err)
			}
			f, _ := r.File.Reader()
			b, _ := io.ReadAll(f)
			f.Close()
			r.File.Close()
			if string(b) != "<picture>" || r.Type != "image/png" || r.Width != 3 || r.Height != 2 || r.Size != 9 || r.Note != "first of 2" {
				t.Errorf("%s: %q %+v", network, b, r)
			}
			want := c.line + " maxpixels=1000000 timeout=10s"
			if network == "tcp" {
				want += " len=7"
			}
			if got := lines(); got[len(got)-1] != want {
				t.Errorf("asked %q, want %q", got[len(got)-1], want)
			}
		}
	}
}

func TestGrayThenScale(t *testing.T) {
	gray, grayLines := daemon(t, "unix", func(_ int, r *request) {
		r.OK("type=image/x-portable-graymap width=251 height=188 full=1001x750 reduced=2/8 goal=100x75 from=jpeg as=jpeg", "mid of "+string(r.Body))
	})
	scale, scaleLines := daemon(t, "tcp", func(_ int, r *request) { r.OK("type=image/jpeg width=100 height=75", "small of "+string(r.Body)) })
	c, in := dispatcher(t, gray, scale)
	deaths, _ := counter()
	r, err := c.Run(context.Background(), ops.Must("gray=601 scale=1/10 quality=90 fast"), in, deaths)
	if err != nil {
		t.Fatal(err)
	}
	f, _ := r.File.Reader()
	b, _ := io.ReadAll(f)
	f.Close()
	r.File.Close()
	if string(b) != "small of mid of picture" || r.Type != "image/jpeg" || r.Width != 100 {
		t.Errorf("%q %+v", b, r)
	}
	if want := "img/1 gray for=1/10 fast=1 quality=90 maxpixels=1000000 timeout=10s"; grayLines()[0] != want {
		t.Errorf("grayd was asked %q, want %q", grayLines()[0], want)
	}
	want := "img/1 scale 100x75! fast=1 format=jpeg quality=90 maxpixels=1000000 timeout=10s of=1001x750 reduced=2/8 len=14"
	if scaleLines()[0] != want {
		t.Errorf("scaled was asked %q, want %q", scaleLines()[0], want)
	}
}

func TestErrorsKeepTheirKind(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		for kind, line := range map[fault.Kind]string{
			fault.Format:   "err format not a picture",
			fault.TooLarge: "err toolarge 4290 Mpixel > 250 Mpixel",
			fault.Usage:    "err usage unknown word",
			fault.Internal: "err internal disk",
		} {
			d, lines := daemon(t, network, func(_ int, r *request) { r.Say(line) })
			c, in := dispatcher(t, d, nobody)
			deaths, n := counter()
			_, err := c.Run(context.Background(), ops.Must("gray=601"), in, deaths)
			if fault.Of(err) != kind || !strings.HasSuffix(line, err.Error()) {
				t.Errorf("%s %s: %v", network, line, err)
			}
			if *n != 0 || len(lines()) != 1 {
				t.Errorf("%s: %d deaths, %d tries", line, *n, len(lines()))
			}
		}
	}
}

// Each of these costs a worker's life, or its good name; the second try is good.
func TestDeathIsRetriedOnceOnAnother(t *testing.T) {
	for name, bad := range map[string]func(r *request){
		"dies without a word":     func(r *request) {},
		"dies having written all": func(r *request) { r.Write("whole?") },
		"writes less than it says": func(r *request) {
			r.Write("12345")
			r.Say("ok " + asPNG + " len=6")
		},
		"writes more than it says": func(r *request) {
			r.Write("1234567")
			r.Say("ok " + asPNG + " len=6")
		},
		"makes a web page of it": func(r *request) { r.OK("type=text/html width=1 height=1", "<script>") },
		"talks nonsense":         func(r *request) { r.Say("hello") },
		"kinds that there aren't": func(r *request) {
			r.Say("err gremlins in the works")
		},
		"never ends its line": func(r *request) { io.WriteString(r.Conn, strings.Repeat("a", 100_000)) },
		"takes too long":      func(r *request) { r.Say("err timeout after 10s") },
	} {
		d, lines := daemon(t, "unix", func(n int, r *request) {
			if n == 1 {
				bad(r)
			} else {
				r.OK(asPNG, "good")
			}
		})
		c, in := dispatcher(t, d, nobody)
		deaths, n := counter()
		r, err := c.Run(context.Background(), ops.Must("gray=601"), in, deaths)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r.File.Close()
		if *n != 1 || len(lines()) != 2 || r.Size != 4 {
			t.Errorf("%s: %d deaths, %d tries, %+v", name, *n, len(lines()), r)
		}

		always, lines := daemon(t, "unix", func(_ int, r *request) { bad(r) })
		c, in = dispatcher(t, always, nobody)
		deaths, n = counter()
		_, err = c.Run(context.Background(), ops.Must("gray=601"), in, deaths)
		want := fault.Internal
		if name == "takes too long" {
			want = fault.Timeout
		}
		if fault.Of(err) != want || *n != 2 || len(lines()) != 2 {
			t.Errorf("%s, always: %v (%v), %d deaths, %d tries", name, err, fault.Of(err), *n, len(lines()))
		}
	}
}

func TestWriterLeftOnTheResult(t *testing.T) {
	var kept *os.File
	d, _ := daemon(t, "unix", func(n int, r *request) {
		if n == 1 {
			kept = r.Out
			io.WriteString(r.Out, "fine")
			r.In.Close()
			r.Keep()
			r.Say("ok " + asPNG + " len=4")
			return
		}
		r.OK(asPNG, "good")
	})
	c, in := dispatcher(t, d, nobody)
	deaths, n := counter()
	r, err := c.Run(context.Background(), ops.Must("gray=601"), in, deaths)
	if err != nil || *n != 1 {
		t.Fatalf("%v, %d deaths", err, *n)
	}
	r.File.Close()
	kept.Close()
}

func TestDaemonAwayAndBack(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "d.sock")
	c, in := dispatcher(t, path, nobody)
	deaths, n := counter()
	start := time.Now()
	_, err := c.Run(context.Background(), ops.Must("gray=601"), in, deaths)
	if fault.Of(err) != fault.Busy || *n != 0 || !strings.Contains(err.Error(), "no grayd") {
		t.Errorf("away: %v, %d deaths", err, *n)
	}
	if d := time.Since(start); d < 300*time.Millisecond || d > 5*time.Second {
		t.Errorf("looked for it %v", d)
	}
	// A daemon that resets the queue once, says busy once, and then works.
	d, lines := daemon(t, "unix", func(n int, r *request) {
		if n == 1 {
			r.Say("err busy no memory")
			return
		}
		r.OK(asPNG, "good")
	})
	c, in = dispatcher(t, d, nobody)
	r, err := c.Run(context.Background(), ops.Must("gray=601"), in, deaths)
	if err != nil || *n != 0 || len(lines()) != 2 {
		t.Fatalf("busy once: %v, %d deaths, %d tries", err, *n, len(lines()))
	}
	r.File.Close()
}

// A reset while the request waits to be accepted is not the picture's fault.
func TestResetInTheQueueIsNoDeath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c, in := dispatcher(t, path, nobody)
	deaths, n := counter()
	done := make(chan error)
	go func() {
		_, err := c.Run(context.Background(), ops.Must("gray=601"), in, deaths)
		done <- err
	}()
	eventually.True(t, "the request is in the queue", func() bool {
		b, _ := os.ReadFile("/proc/net/unix")
		return bytes.Count(b, []byte(path)) > 1
	})
	l.Close()
	if err := <-done; fault.Of(err) != fault.Busy || *n != 0 {
		t.Errorf("%v (%v), %d deaths", err, fault.Of(err), *n)
	}
}

// A balancer without servers takes a connection and what is sent, and ends it. It
// is not the picture that is to blame; a worker that is there when asked is.
func TestBalancerWithoutServersIsNoDeath(t *testing.T) {
	for _, empty := range []bool{true, false} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				b := make([]byte, 4096)
				n, _ := conn.Read(b)
				if !empty && strings.HasPrefix(string(b[:n]), "img/1 ask ") {
					io.WriteString(conn, "err usage unknown verb\n")
				}
				conn.Close()
			}
		})
		c, in := dispatcher(t, nobody, "tcp:"+l.Addr().String())
		deaths, died := counter()
		_, err = c.Run(t.Context(), ops.Must("scale=1/2"), in, deaths)
		l.Close()
		wg.Wait()
		if empty && (fault.Of(err) != fault.Busy || *died != 0) {
			t.Errorf("no server: %v after %d deaths", err, *died)
		}
		if !empty && (fault.Of(err) != fault.Internal || *died != limits.Deaths) {
			t.Errorf("workers die: %v after %d deaths", err, *died)
		}
	}
}

func TestSeveralAddresses(t *testing.T) {
	a, aLines := daemon(t, "unix", func(_ int, r *request) { r.OK(asPNG, "a") })
	b, bLines := daemon(t, "tcp", func(_ int, r *request) { r.OK(asPNG, "b") })
	c, in := dispatcher(t, a, nobody)
	p, err := newPool("grayd", []string{nobody, a, b})
	if err != nil {
		t.Fatal(err)
	}
	c.pools["grayd"] = p
	deaths, _ := counter()
	for range 12 {
		r, err := c.Run(context.Background(), ops.Must("gray=601"), in, deaths)
		if err != nil {
			t.Fatal(err)
		}
		r.File.Close()
	}
	if na, nb := len(aLines()), len(bLines()); na+nb != 12 || na == 0 || nb == 0 {
		t.Errorf("%d and %d", na, nb)
	}
}

func TestCancelClosesTheConnection(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		started, gone := make(chan bool), make(chan error)
		d, _ := daemon(t, network, func(_ int, r *request) {
			started <- true
			_, err := r.Conn.Read(make([]byte, 1))
			gone <- err
		})
		c, in := dispatcher(t, d, nobody)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() {
			deaths, _ := counter()
			_, err := c.Run(ctx, ops.Must("gray=601"), in, deaths)
			done <- err
		}()
		<-started
		cancel()
		if err := <-gone; err == nil {
			t.Error("the daemon was not told")
		}
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
}

func TestProbe(t *testing.T) {
	d := fakedaemon.Start(t, "unix", func(int, *request) {})
	d.Status(t, "workers: 4\nready: 3\nbusy: 1\nserved: 10\nfailed: 2\nrespawned: 5\nsandbox: strict\n")
	tcp, _ := daemon(t, "tcp", func(int, *request) {})
	c, _ := dispatcher(t, d.Address, tcp)
	got := c.Probe(context.Background())
	want := []Health{
		{Name: "grayd", Reachable: true, Known: true, Workers: 4, Ready: 3, Busy: 1, Served: 10, Failed: 2, Respawned: 5, Sandbox: "strict"},
		{Name: "scaled", Reachable: true},
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
	c, _ = dispatcher(t, nobody, nobody)
	for _, h := range c.Probe(context.Background()) {
		if h.Reachable {
			t.Errorf("%+v", h)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, bad := range []string{"", "unix:", "grayd", "tcp:host", "tcp::80", "tcp:h:0", "tcp:h:70000", "http://x/", "tcp:[::1]"} {
		if _, err := New(Config{Gray: []string{bad}, Scale: []string{"/x"}}); fault.Of(err) != fault.Usage || err == nil {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for in, want := range map[string]addr{
		"unix:/a/b":      {"unix", "/a/b", "unix:/a/b"},
		"./b.sock":       {"unix", "./b.sock", "unix:./b.sock"},
		"tcp:[::1]:99":   {"tcp", "[::1]:99", "tcp:[::1]:99"},
		"tcp:host.lan:9": {"tcp", "host.lan:9", "tcp:host.lan:9"},
	} {
		if got, err := parseAddr(in); err != nil || got != want {
			t.Errorf("%q: %+v %v", in, got, err)
		}
	}
}
