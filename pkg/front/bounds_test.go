package front

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/front/spool"
	"imgtools/pkg/jobid"
)

// A body that no handler reads must not hold its connection: the answer comes, and
// the connection is closed or free for the next request.
func TestBodyThatNeverComesToAHandlerThatReadsNone(t *testing.T) {
	s := start(t, func(c *Config) { c.Idle = 300 * time.Millisecond })
	id := s.job("A")
	for _, request := range []string{
		"GET /", "GET /healthz", "HEAD /healthz", "GET /readyz", "GET /metrics", "GET /jobs/" + id, "GET /jobs/" + id + "/image?wait",
		"GET /page/page.css", "OPTIONS /image", "DELETE /jobs/" + jobid.New(), "GET /nothing",
	} {
		for _, length := range []string{"Content-Length: 100", "Content-Length: 10000000", "Transfer-Encoding: chunked"} {
			t.Run(request+" "+length, func(t *testing.T) {
				t.Parallel()
				_, br := s.raw(request + " HTTP/1.1\r\n" + length + "\r\n\r\n")
				method, _, _ := strings.Cut(request, " ")
				resp, err := http.ReadResponse(br, &http.Request{Method: method})
				if err != nil {
					t.Fatal(err)
				}
				io.Copy(io.Discard, resp.Body)
				if _, err := br.ReadByte(); err != io.EOF {
					t.Errorf("the connection is not closed: %v", err)
				}
			})
		}
	}
}

func TestUnreadBodyKeepsTheConnection(t *testing.T) {
	s := start(t, nil)
	c, br := s.raw("GET /healthz HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody")
	for range 2 {
		if got, body := status(t, br); got != 200 || body != "ok\n" {
			t.Fatalf("%d %q", got, body)
		}
		fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: %s\r\nContent-Length: 4\r\n\r\nbody", s.addr)
	}
}

func TestOptionsListsTheMethods(t *testing.T) {
	s := start(t, nil)
	for path, want := range map[string]string{
		"/": "GET, HEAD, OPTIONS", "/image": "POST, PUT, OPTIONS", "/info": "POST, PUT, OPTIONS", "/jobs/" + jobid.New(): "GET, HEAD, PUT, DELETE, OPTIONS",
	} {
		t.Run(path, func(t *testing.T) {
			a := s.do("OPTIONS", path, "")
			if a.status != http.StatusNoContent || a.header.Get("Allow") != want || a.body != "" {
				t.Errorf("%d, Allow %q, %q", a.status, a.header.Get("Allow"), a.body)
			}
			a = s.do("PATCH", path, "")
			if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != want {
				t.Errorf("PATCH: %d, Allow %q", a.status, a.header.Get("Allow"))
			}
		})
	}
	if a := s.do("OPTIONS", "/nothing", ""); a.status != 404 {
		t.Errorf("unknown path: %d", a.status)
	}
}

func TestHTTP10NeedsNoHost(t *testing.T) {
	s := start(t, nil)
	for _, c := range []struct {
		head string
		want int
	}{
		{"GET /metrics HTTP/1.0\r\n\r\n", 200},
		{"GET /healthz HTTP/1.0\r\n\r\n", 200},
		{"GET /metrics HTTP/1.0\r\nHost: evil.com\r\n\r\n", 421},
		{"GET /healthz HTTP/1.1\r\nHost: evil.com\r\n\r\n", 200},
	} {
		t.Run(c.head, func(t *testing.T) {
			_, br := s.bytes(c.head)
			if got, body := status(t, br); got != c.want {
				t.Errorf("%d %s, want %d", got, body, c.want)
			}
		})
	}
}

// No part of an id beyond its first letters is repeated, however the path is wrong.
func TestIDInAnUncleanPathIsNotRepeated(t *testing.T) {
	var log syncBuffer
	s := start(t, func(c *Config) { c.Log = jsonLog(&log) })
	id := s.job("A")
	for _, path := range []string{
		"//jobs/" + id, "/./jobs/" + id, "/jobs//" + id, "/jobs/" + id + "/", "/jobs/" + id + "/nothing", "/jobs/" + id + "x",
		"/" + id, "/x/" + id + "/" + id, "/JOBS/" + id,
	} {
		t.Run(path, func(t *testing.T) {
			a := s.do("GET", path, "")
			if a.status != 404 || strings.Contains(a.body, id[:7]) {
				t.Errorf("%d %q", a.status, a.body)
			}
		})
	}
	if all := strings.Join(log.lines(""), ""); strings.Contains(all, id[:7]) {
		t.Errorf("the log has more of %s than its first letters: %s", id, all)
	}
}

func TestBodiesInACodingAreRefused(t *testing.T) {
	s := start(t, nil)
	for _, c := range []struct {
		header string
		want   int
	}{
		{"Content-Encoding: gzip", 415}, {"Content-Encoding: br", 415}, {"Content-Encoding: identity", 200},
		{"Content-Type: multipart/mixed; boundary=x", 415}, {"Content-Type: multipart/related; boundary=x", 415}, {"Content-Type: text/html", 200},
	} {
		t.Run(c.header, func(t *testing.T) {
			if a := s.do("PUT", "/image", "A", c.header); a.status != c.want {
				t.Errorf("%d %s, want %d", a.status, a.body, c.want)
			}
		})
	}
}

func TestUnknownRangeUnitIsIgnored(t *testing.T) {
	s := start(t, nil)
	id := s.job("A")
	s.do("GET", "/jobs/"+id+"?wait", "")
	for header, want := range map[string]int{"Range: pages=1-2": 200, "Range: nonsense": 200, "Range: bytes=0-3": 206, "Range: BYTES=0-3": 206, "Range: bytes=99-": 416} {
		t.Run(header, func(t *testing.T) {
			if a := s.do("GET", "/jobs/"+id+"/image", "", header); a.status != want {
				t.Errorf("%d %q, want %d", a.status, a.body, want)
			}
		})
	}
}

func TestRepeatedPutIntoAFullSpool(t *testing.T) {
	picture := "hold" + strings.Repeat("x", 40_000)
	s := start(t, func(c *Config) {
		var err error
		if c.Spool, err = spool.Open(spool.Config{Dir: t.TempDir(), TTL: time.Hour, Quota: 70_000}); err != nil {
			t.Fatal(err)
		}
	})
	id := jobid.New()
	if a := s.do("PUT", "/jobs/"+id, picture); a.status != 202 {
		t.Fatalf("%+v", a)
	}
	h := <-s.fake.held
	defer close(h.free)
	if a := s.do("PUT", "/jobs/"+jobid.New(), picture); a.status != 507 {
		t.Errorf("another job: %d %s", a.status, a.body)
	}
	if a := s.do("PUT", "/jobs/"+id, picture); a.status != 202 || a.body != id+"\n" {
		t.Errorf("the same again: %d %s", a.status, a.body)
	}
	if a := s.do("PUT", "/jobs/"+id, picture+"y"); a.status != 409 {
		t.Errorf("another picture: %d %s", a.status, a.body)
	}
	if a := s.do("PUT", "/jobs/"+id+"?scale=1/2", picture); a.status != 409 {
		t.Errorf("another operation: %d %s", a.status, a.body)
	}
	body, kind := form(part{"image", "a", picture})
	if a := s.do("PUT", "/jobs/"+id, body, kind); a.status != 202 && a.status != 409 { // with a name: other words
		t.Errorf("as a form: %d %s", a.status, a.body)
	}
}

func TestMeanCountsOnlyWorkWithAResult(t *testing.T) {
	s := start(t, nil)
	before := s.queue.figures().mean
	for range 20 {
		s.do("PUT", "/image", "bad")
		s.do("GET", "/jobs/"+s.job("bad too")+"?wait", "")
	}
	if got := s.queue.figures().mean; got != before {
		t.Errorf("refused pictures changed the mean from %v to %v", before, got)
	}
	s.do("PUT", "/image", "good")
	if got := s.queue.figures().mean; got >= before {
		t.Errorf("a picture did not change the mean %v", got)
	}
}

func TestLargestMaxBytes(t *testing.T) {
	s := start(t, func(c *Config) { c.MaxBytes = math.MaxInt64 })
	if a := s.do("PUT", "/image", "A"); a.status != 200 {
		t.Errorf("raw: %+v", a)
	}
	body, kind := form(part{"image", "a", "A"})
	if a := s.do("PUT", "/image", body, kind); a.status != 200 {
		t.Errorf("form: %+v", a)
	}
	for _, path := range []string{"PUT /image", "POST /jobs"} {
		_, br := s.raw(fmt.Sprintf("%s HTTP/1.1\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", path, int64(math.MaxInt64)))
		if got, body := status(t, br); got != 413 {
			t.Errorf("%s of 2^63-1 bytes: %d %s", path, got, body)
		}
	}
	s.until("the room to be given back", func() bool { return s.c.Spool.Usage().Reserved == 0 })
}

// A picture whose length no header gives may have -maxbytes bytes. A longer one is
// refused; it is never cut.
func TestPictureOfUnknownLength(t *testing.T) {
	const most = 1000
	s := start(t, func(c *Config) { c.MaxBytes = most })
	for _, n := range []int{most, most + 1} {
		picture, want := strings.Repeat("A", n), 200
		if n > most {
			want = 413
		}
		t.Run(fmt.Sprintf("chunked, %d bytes", n), func(t *testing.T) {
			req, err := http.NewRequest("PUT", s.url+"/image", struct{ io.Reader }{strings.NewReader(picture)})
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s, want %d", resp.Status, want)
			}
		})
		t.Run(fmt.Sprintf("form, %d bytes", n), func(t *testing.T) {
			body, kind := form(part{"image", "a", picture})
			if a := s.do("PUT", "/image", body, kind); a.status != want {
				t.Errorf("%d, want %d", a.status, want)
			}
		})
	}
	if came := s.fake.came(); slices.ContainsFunc(came, func(body string) bool { return len(body) != most }) || len(came) != 2 {
		t.Errorf("%d pictures came to the daemon, want 2 of %d bytes", len(came), most)
	}
}
