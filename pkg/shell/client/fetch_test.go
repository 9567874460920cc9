package client

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
	"imgtools/pkg/shell/client/fakeimgd"
)

func TestFetchWaits(t *testing.T) {
	s := &fakeimgd.Server{}
	release := s.Hold()
	s.Add(id1, "", "a")
	asked := make(chan struct{}, 1)
	s.Fault = func(http.ResponseWriter, *http.Request, int) bool { asked <- struct{}{}; return false }
	c := connect(t, Config{Address: s.Start(t), Forever: true})
	go func() {
		<-asked
		release()
	}()
	if out, _, err := fetch(c, id1); err != nil || out != "gray a" {
		t.Errorf("%q, %v", out, err)
	}
}

// A server that answers 202 at once is asked again, though not without pause.
func TestFetchPollsServerThatDoesNotHold(t *testing.T) {
	const pending = 3
	s := &fakeimgd.Server{Fault: func(w http.ResponseWriter, _ *http.Request, before int) bool {
		if before < pending {
			w.WriteHeader(202)
		}
		return before < pending
	}}
	s.Add(id1, "", "a")
	c := connect(t, Config{Address: s.Start(t), Forever: true})
	start := time.Now()
	if out, _, err := fetch(c, id1); err != nil || out != "gray a" || len(s.Requests()) != pending+1 {
		t.Errorf("%q, %v, %q", out, err, s.Requests())
	}
	if time.Since(start) < pending*100*time.Millisecond {
		t.Errorf("%d requests in %v", pending, time.Since(start))
	}
}

func TestFetchGivesUpAfterWait(t *testing.T) {
	s := &fakeimgd.Server{}
	defer s.Hold()()
	s.Add(id1, "", "a")
	url := s.Start(t)
	for _, wait := range []time.Duration{0, time.Second} {
		t.Run(wait.String(), func(t *testing.T) {
			c := connect(t, Config{Address: url, Wait: wait})
			start := time.Now()
			out, _, err := fetch(c, id1)
			if !errors.Is(err, ErrPending) || fault.Of(err) != fault.Busy || out != "" {
				t.Errorf("-w %v: %q, %v", wait, out, err)
			}
			if d := time.Since(start); d < wait || d > wait+20*time.Second {
				t.Errorf("-w %v took %v", wait, d)
			}
		})
	}
}

// A server that accepts and says nothing doesn't hold up -w either.
func TestFetchGivesUpOnSilentServer(t *testing.T) {
	quit := make(chan struct{})
	defer close(quit)
	s := &fakeimgd.Server{Fault: func(_ http.ResponseWriter, r *http.Request, _ int) bool { <-quit; return true }}
	c := connect(t, Config{Address: s.Start(t), Wait: 100 * time.Millisecond})
	c.idle = 600 * time.Millisecond
	start := time.Now()
	_, _, err := fetch(c, id1)
	if fault.Of(err) != fault.Busy || !strings.Contains(err.Error(), "fell silent") {
		t.Error(err)
	}
	if time.Since(start) > 20*time.Second {
		t.Errorf("took %v", time.Since(start))
	}
}

func TestFailedJobIsNotAskedForAgain(t *testing.T) {
	s := &fakeimgd.Server{}
	s.Add(id1, "x.png", "bad picture")
	c := connect(t, Config{Address: s.Start(t), Forever: true})
	_, _, err := fetch(c, id1)
	if fault.Of(err) != fault.Format || err.Error() != "not a picture: bad picture" || len(s.Requests()) != 1 {
		t.Errorf("%v, %q", err, s.Requests())
	}
	if _, _, err := fetch(c, jobid.New()); fault.Of(err) != fault.NotFound {
		t.Error(err)
	}
}

func TestBusyServerIsAskedAgain(t *testing.T) {
	s := &fakeimgd.Server{Fault: func(w http.ResponseWriter, _ *http.Request, before int) bool {
		switch before {
		case 0:
			fakeimgd.Fail(w, 503, "starting")
		case 1:
			fakeimgd.Drop(w)
		}
		return before < 2
	}}
	s.Add(id1, "", "a")
	c := connect(t, Config{Address: s.Start(t), Forever: true})
	if out, _, err := fetch(c, id1); err != nil || out != "gray a" {
		t.Errorf("%q, %v", out, err)
	}
}

// picture is a result of some size in which every place is known.
func picture(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * i >> 8)
	}
	return b
}

func TestBrokenDownloadGoesOn(t *testing.T) {
	const size = 1 << 20
	want := picture(size)
	etag := fakeimgd.ETag(want)
	tests := map[string]struct {
		etag   string
		ranges bool // the server honours Range
	}{
		"with ranges":    {etag, true},
		"without ranges": {etag, false},
		"without etag":   {"", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var ranges []string
			cuts := []int{0, 1, 300000, 700000}
			s := &fakeimgd.Server{Result: func([]byte) []byte { return want }}
			s.Fault = func(w http.ResponseWriter, r *http.Request, before int) bool {
				ranges = append(ranges, r.Header.Get("Range"))
				if before < len(cuts) && (r.Header.Get("Range") == "" || !tt.ranges) {
					fakeimgd.DropAfter(w, "", tt.etag, want, cuts[before])
					return true
				}
				if !tt.ranges {
					r.Header.Del("Range")
					if tt.etag == "" {
						fakeimgd.DropAfter(w, "", "", want, size)
						return true
					}
				}
				return false
			}
			s.Add(id1, "", "a")
			c := connect(t, Config{Address: s.Start(t), Forever: true})
			out, r, err := fetch(c, id1)
			if err != nil || !bytes.Equal([]byte(out), want) || r.Size != size {
				t.Errorf("%d of %d bytes, %v", len(out), size, err)
			}
			if tt.ranges && (len(ranges) != 3 || ranges[0] != "" || ranges[1] != "" || ranges[2] != "bytes=1-") {
				t.Errorf("asked for %q", ranges)
			}
			if tt.etag == "" && strings.Join(ranges, "") != "" {
				t.Errorf("asked for %q without an ETag", ranges)
			}
		})
	}
}

func TestStalledDownloadGoesOn(t *testing.T) {
	want := picture(100000)
	quit := make(chan struct{})
	defer close(quit)
	s := &fakeimgd.Server{Result: func([]byte) []byte { return want }}
	s.Fault = func(w http.ResponseWriter, r *http.Request, before int) bool {
		if before > 0 {
			return false
		}
		w.Header().Set("ETag", fakeimgd.ETag(want))
		w.Header().Set("Content-Length", "100000")
		w.Write(want[:50000])
		w.(http.Flusher).Flush()
		<-quit
		return true
	}
	s.Add(id1, "", "a")
	c := connect(t, Config{Address: s.Start(t), Forever: true})
	c.idle = 200 * time.Millisecond
	if out, _, err := fetch(c, id1); err != nil || !bytes.Equal([]byte(out), want) {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

func TestChangedResultIsNotMixed(t *testing.T) {
	first := picture(1000)
	s := &fakeimgd.Server{Result: func([]byte) []byte { return bytes.Repeat([]byte{7}, 1000) }}
	s.Fault = func(w http.ResponseWriter, r *http.Request, before int) bool {
		if before == 0 {
			fakeimgd.DropAfter(w, "", fakeimgd.ETag(first), first, 500)
		}
		return before == 0
	}
	s.Add(id1, "", "a")
	c := connect(t, Config{Address: s.Start(t), Forever: true})
	if out, _, err := fetch(c, id1); err == nil || fault.Of(err).Again() || len(out) != 500 {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

func TestPictureWithoutLengthIsRefused(t *testing.T) {
	s := &fakeimgd.Server{Fault: func(w http.ResponseWriter, r *http.Request, _ int) bool {
		conn, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(conn, "HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n\r\nhalf a pict")
		conn.Close()
		return true
	}}
	c := connect(t, Config{Address: s.Start(t), Forever: true})
	if out, _, err := fetch(c, id1); err == nil || out != "" || !strings.Contains(err.Error(), "no length") {
		t.Errorf("%q, %v", out, err)
	}
}

func TestOutputTroubleEndsFetch(t *testing.T) {
	s := &fakeimgd.Server{}
	s.Add(id1, "", "a")
	c := connect(t, Config{Address: s.Start(t), Forever: true})
	ref, _ := ParseRef(id1)
	full := errors.New("disk full")
	pr, pw := io.Pipe()
	pr.CloseWithError(full)
	if err := c.Fetch(ctx, ref, func(Result) (io.Writer, error) { return pw, nil }); err != full {
		t.Error(err)
	}
	if err := c.Fetch(ctx, ref, func(Result) (io.Writer, error) { return nil, ErrSkip }); err != ErrSkip {
		t.Error(err)
	}
	if n := len(s.Requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
}
