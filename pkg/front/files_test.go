package front

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
	"imgtools/pkg/urlsign"
)

// gallery runs a server with a folder of files, and returns the folder.
func gallery(t *testing.T, change func(*Config)) (*site, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"a b.jpg": "A", "sub/é.jpg": "E", "hold.jpg": "hold", "hold bad.jpg": "hold bad", "bad.jpg": "bad", "big.jpg": strings.Repeat("x", 1<<20+1), "empty.jpg": ""} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return start(t, func(c *Config) {
		c.Root, c.MaxAge, c.Version = dir, time.Hour, "1"
		if change != nil {
			change(c)
		}
	}), dir
}

func presets(t *testing.T, text string) Presets {
	t.Helper()
	p, err := ParsePresets(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFiles(t *testing.T) {
	s, _ := gallery(t, nil)
	s.SetTokens([]string{"secret"}) // which /files doesn't need
	for _, c := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/files/a%20b.jpg", 200, "gray of A"},
		{"GET", "/files/a%20b.jpg?scale=1/2", 200, "small A"},
		{"GET", "/files/sub/%C3%A9.jpg?gray&scale=50%", 200, "small gray of E"},
		{"HEAD", "/files/a%20b.jpg?scale=1/2", 200, ""},
		{"GET", "/files/a%20b.jpg?scale=0", 400, "over 0"},
		{"GET", "/files/a%20b.jpg?rotate=1", 400, "unknown word"},
		{"GET", "/files/a%20b.jpg?keep=all", 400, "is for the commands gray and scale alone"},
		{"GET", "/files/a%20b.jpg?preset=x", 400, "there are no presets here (-preset)"},
		{"GET", "/files/none.jpg", 404, "no such picture"},
		{"GET", "/files/", 401, "a token is needed"}, // as all paths that are not there
		{"GET", "/files/sub", 404, "no such picture"},
		{"GET", "/files//a%20b.jpg", 404, "no such picture"},
		{"GET", "/files/../a%20b.jpg", 404, "no such picture"},
		{"GET", "/files/sub/%2e%2e/a%20b.jpg", 404, "no such picture"},
		{"GET", "/files/sub/..%2fa%20b.jpg", 404, "no such picture"},
		{"GET", "/files/%252e%252e/a%20b.jpg", 404, "no such picture"},
		{"GET", "/files/a%20b.jpg%00", 404, "no such picture"},
		{"GET", "/files/" + strings.Repeat("x/", 3000) + "a", 404, "no such picture"},
		{"GET", "/files/bad.jpg", 415, "not a picture"},
		{"GET", "/files/big.jpg", 413, "1048577 bytes > 1048576 bytes (-maxbytes)"},
		{"POST", "/files/a%20b.jpg", 405, "does not take"},
		{"PUT", "/files/a%20b.jpg", 405, "does not take"},
	} {
		t.Run(c.method+" "+c.path[:min(len(c.path), 40)], func(t *testing.T) {
			a := s.do(c.method, c.path, "")
			if a.status != c.status || !strings.Contains(a.body, c.want) {
				t.Fatalf("%d %q", a.status, a.body)
			}
			cache := a.header.Get("Cache-Control")
			if c.status == 200 && (cache != "public, max-age=3600" || a.header.Get("ETag") == "" || a.header.Get("Last-Modified") == "") || c.status >= 400 && cache != "no-store" {
				t.Errorf("headers %v", a.header)
			}
		})
	}
	if a := s.do("GET", "/metrics", ""); a.status != 401 {
		t.Errorf("/metrics without a token: %d", a.status)
	}
	none := start(t, nil)
	if a := none.do("GET", "/files/a", ""); a.status != 404 {
		t.Errorf("without -root: %d %q", a.status, a.body)
	}
}

func TestFilesAreAskedForBeforeWork(t *testing.T) {
	s, dir := gallery(t, nil)
	const path = "/files/a%20b.jpg?scale=1/2"
	first := s.do("GET", path, "")
	tag, modified := first.header.Get("ETag"), first.header.Get("Last-Modified")
	before := len(s.fake.came())
	for _, c := range []struct {
		name, method, header string
		status               int
	}{
		{"tag", "GET", "If-None-Match: " + tag, 304},
		{"weak tag", "GET", "If-None-Match: W/" + tag, 304},
		{"one of several", "GET", `If-None-Match: "x", ` + tag, 304},
		{"any", "GET", "If-None-Match: *", 304},
		{"HEAD", "HEAD", "If-None-Match: " + tag, 304},
		{"time", "GET", "If-Modified-Since: " + modified, 304},
		{"plain HEAD", "HEAD", "", 200},
		{"wanted tag, HEAD", "HEAD", "If-Match: " + tag, 200},
		{"any wanted, HEAD", "HEAD", "If-Match: *", 200},
		{"other tag wanted", "GET", `If-Match: "x"`, 412},
		{"weak tag wanted", "GET", "If-Match: W/" + tag, 412},
		{"too new", "GET", "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT", 412},
		{"not too new, HEAD", "HEAD", "If-Unmodified-Since: " + modified, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := s.do(c.method, path, "", c.header)
			cache := "public, max-age=3600"
			if c.status >= 400 { // a cache that kept it would answer others with it
				cache = "no-store"
			}
			if a.status != c.status || a.header.Get("ETag") != tag || a.header.Get("Cache-Control") != cache || a.body != "" {
				t.Errorf("%d %q %v", a.status, a.body, a.header)
			}
		})
	}
	if n := len(s.fake.came()); n != before {
		t.Errorf("%d pictures were worked on", n-before)
	}
	if a := s.do("GET", path, "", "Range: bytes=0-4"); a.status != 206 || a.body != "small" || a.header.Get("Content-Range") != "bytes 0-4/7" {
		t.Errorf("range: %d %q", a.status, a.body)
	}
	if a := s.do("GET", path, "", "Range: bytes=7-"); a.status != 416 || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("range beyond the end: %d %v", a.status, a.header)
	}
	for name, other := range map[string]string{"other operations": "/files/a%20b.jpg?scale=1/3", "gray": "/files/a%20b.jpg"} {
		if a := s.do("HEAD", other, "", "If-None-Match: "+tag); a.status != 200 || a.header.Get("ETag") == tag {
			t.Errorf("%s: %d, %s", name, a.status, a.header.Get("ETag"))
		}
	}
	if a := s.do("HEAD", "/files/a%20b.jpg?scale=50%&fine&kernel=lanczos3", ""); a.status != 200 {
		t.Errorf("%d", a.status)
	}
	if err := os.WriteFile(filepath.Join(dir, "a b.jpg"), []byte("B!"), 0o644); err != nil {
		t.Fatal(err)
	}
	if a := s.do("GET", path, "", "If-None-Match: "+tag); a.status != 200 || a.body != "small B!" || a.header.Get("ETag") == tag {
		t.Errorf("changed: %d %q", a.status, a.body)
	}
	newer, _ := gallery(t, func(c *Config) { c.Root, c.Version = dir, "2" })
	if a := newer.do("HEAD", path, ""); a.header.Get("ETag") == s.do("HEAD", path, "").header.Get("ETag") {
		t.Error("another version has the same tag")
	}
}

// A hundred equal requests at once are one work; each gets the result.
func TestEqualRequestsShareOneWork(t *testing.T) {
	s, _ := gallery(t, func(c *Config) { c.Queue = 1 })
	const n = 100
	answers := make(chan answered, n)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { answers <- s.do("GET", "/files/hold.jpg?scale=1/2", "") })
	}
	h := <-s.fake.held
	s.until("all have come", func() bool { return s.metrics.current.Load() == n })
	s.until("all have joined", func() bool { return s.joined() == n })
	close(h.free)
	wg.Wait()
	for range n {
		if a := <-answers; a.status != 200 || a.body != "small hold" {
			t.Errorf("%d %q", a.status, a.body)
		}
	}
	if came := s.fake.came(); len(came) != 1 {
		t.Errorf("%d works", len(came))
	}
}

// The work goes on while one of those who wait for it is there, and ends with the last.
func TestWorkEndsWithTheLastWhoWaits(t *testing.T) {
	s, _ := gallery(t, nil)
	ctx1, leave1 := context.WithCancel(t.Context())
	ctx2, leave2 := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.try(ctx1, "GET", "/files/hold.jpg", "") })
	h := <-s.fake.held
	wg.Go(func() { s.try(ctx2, "GET", "/files/hold.jpg", "") })
	s.until("both have joined", func() bool { return s.joined() == 2 })
	leave1() // the one whose request began it
	s.until("one has left", func() bool { return s.joined() == 1 })
	select {
	case <-h.gone:
		t.Error("the work ended with the first who left")
	default:
	}
	leave2()
	<-h.gone
	wg.Wait()
	if n := s.joined(); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// A client that has asked for many pictures does not make another wait that asks for one
// of them: the work that they share has a place in the queue for each. And when the
// place of the first is taken away, the work goes on.
func TestSharedWorkHasThePlaceOfEachClient(t *testing.T) {
	for name, room := range map[string]int{"in turns": 100, "with the queue full": 9} {
		t.Run(name, func(t *testing.T) {
			s, _ := gallery(t, func(c *Config) { c.Queue = room })
			s.SetTokens([]string{"many", "one"})
			answers := make(chan answered, 20)
			asked := 0
			ask := func(token, path string) {
				asked++
				go func() { answers <- s.do("GET", "/files/"+path, "", "Authorization: Bearer "+token) }()
			}
			queued := func(n int) {
				t.Helper()
				s.until(fmt.Sprintf("%d wait", n), func() bool { return s.queue.figures().images == n })
			}
			ask("many", "hold.jpg")
			h := <-s.fake.held
			for n := range 8 {
				ask("many", fmt.Sprintf("a%%20b.jpg?scale=1/%d", n+2))
				queued(n + 1)
			}
			ask("many", "sub/%C3%A9.jpg")
			queued(9)
			ask("one", "sub/%C3%A9.jpg")
			s.until("both have joined", func() bool { return s.joined() == 11 })
			queued(min(10, room))
			close(h.free)
			for range asked {
				if a := <-answers; a.status != 200 {
					t.Errorf("%d %q", a.status, a.body)
				}
			}
			if came := s.fake.came(); len(came) != 10 || came[1] != "E" {
				t.Errorf("the works, in order: %q", came)
			}
			s.until("no slot is taken, none waits", func() bool { f := s.queue.figures(); return f.busy == 0 && f.images == 0 && f.clients == 0 })
		})
	}
}

// A full queue refuses new works only: who asks for a picture that is worked on or waits
// already gets it with the others.
func TestFullQueueTakesEqualRequests(t *testing.T) {
	s, _ := gallery(t, func(c *Config) { c.Queue = 1 })
	answers := make(chan answered, 4)
	ask := func(path string) { go func() { answers <- s.do("GET", "/files/"+path, "") }() }
	ask("hold.jpg")
	h := <-s.fake.held
	ask("a%20b.jpg")
	s.until("the queue is full", func() bool { return s.queue.figures().images == 1 })
	if a := s.do("GET", "/files/sub/%C3%A9.jpg", ""); a.status != 503 || a.header.Get("Retry-After") == "" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("another: %d %q %v", a.status, a.body, a.header)
	}
	ask("hold.jpg")
	ask("a%20b.jpg")
	s.until("all have joined", func() bool { return s.joined() == 4 })
	close(h.free)
	for range 4 {
		if a := <-answers; a.status != 200 {
			t.Errorf("%d %q", a.status, a.body)
		}
	}
	if came := s.fake.came(); len(came) != 2 {
		t.Errorf("works: %q", came)
	}
}

// joined counts the requests that wait for a work.
func (s *site) joined() (n int) {
	s.flights.mu.Lock()
	defer s.flights.mu.Unlock()
	for _, f := range s.flights.now {
		n += f.joined
	}
	return n
}

// A picture that changes while it is read is no result, and no damaged picture either: the
// next request may find it whole.
func TestFileThatChangesWhileItIsRead(t *testing.T) {
	for name, file := range map[string]string{"result": "hold.jpg", "error": "hold bad.jpg"} {
		t.Run(name, func(t *testing.T) {
			s, dir := gallery(t, nil)
			path := "/files/" + url.PathEscape(file)
			done := make(chan answered)
			go func() { done <- s.do("GET", path, "") }()
			h := <-s.fake.held
			if err := os.WriteFile(filepath.Join(dir, file), []byte("new"), 0o644); err != nil {
				t.Fatal(err)
			}
			close(h.free)
			if a := <-done; a.status != 503 || a.header.Get("Cache-Control") != "no-store" || a.header.Get("ETag") != "" || !strings.Contains(a.body, "has changed while it was read") {
				t.Errorf("%d %q %v", a.status, a.body, a.header)
			}
			if a := s.do("GET", path, ""); a.status != 200 || a.body != "gray of new" {
				t.Errorf("%d %q", a.status, a.body)
			}
		})
	}
}

func TestPresetsAndSignatures(t *testing.T) {
	sign := func(key, path, query string, until time.Time) string {
		w, err := ops.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := urlsign.Sign(key, path, w, until)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	thumbs := presets(t, "# sizes\nthumb scale=1/2&format=png\n\nmono  gray scale=1/4\n")
	good := sign("k2", "a b.jpg", "scale=1/2", time.Time{})
	for _, c := range []struct {
		name         string
		keys         []string
		presets      bool
		path         string
		status       int
		want, notSay string
	}{
		{"preset", nil, true, "/files/a%20b.jpg?preset=thumb", 200, "small A", ""},
		{"preset of two operations", nil, true, "/files/a%20b.jpg?preset=mono", 200, "small gray of A", ""},
		{"unknown preset", nil, true, "/files/a%20b.jpg?preset=none", 400, "none of that name", ""},
		{"preset and more", nil, true, "/files/a%20b.jpg?preset=thumb&scale=2", 400, "scale beside preset", ""},
		{"two presets", nil, true, "/files/a%20b.jpg?preset=thumb&preset=mono", 400, "given twice", ""},
		{"operations beside presets", nil, true, "/files/a%20b.jpg?scale=1/2", 403, "only presets are served", ""},
		{"none beside presets", nil, true, "/files/a%20b.jpg", 403, "only presets are served", ""},
		{"signed", []string{"k1", "k2"}, true, good, 200, "small A", ""},
		{"signed for a while", []string{"k2"}, false, sign("k2", "a b.jpg", "scale=1/2", time.Now().Add(time.Minute)), 200, "small A", ""},
		{"signed until before", []string{"k2"}, false, sign("k2", "a b.jpg", "scale=1/2", time.Now().Add(-time.Minute)), 403, "needs a signature that is valid", "expired"},
		{"preset beside keys", []string{"k1"}, true, "/files/a%20b.jpg?preset=thumb", 200, "small A", ""},
		{"not signed", []string{"k1"}, true, "/files/a%20b.jpg?scale=1/2", 403, "needs a signature that is valid", "small"},
		{"signed by another", []string{"k1"}, true, good, 403, "needs a signature that is valid", "small"},
		{"altered", []string{"k2"}, true, good + "&fine", 403, "needs a signature that is valid", "small"},
		{"signed, but not there", []string{"k2"}, true, sign("k2", "none.jpg", "scale=1/2", time.Time{}), 404, "no such picture", ""},
		{"signed, but wrong", []string{"k2"}, true, sign("k2", "a b.jpg", "scale=0", time.Time{}), 400, "over 0", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := gallery(t, nil)
			s.SetSignKeys(c.keys)
			if c.presets {
				s.SetPresets(thumbs)
			}
			a := s.do("GET", c.path, "")
			if a.status != c.status || !strings.Contains(a.body, c.want) || c.notSay != "" && strings.Contains(a.body, c.notSay) {
				t.Errorf("%d %q", a.status, a.body)
			}
			if c.name == "signed for a while" {
				var age int
				if n, _ := fmt.Sscanf(a.header.Get("Cache-Control"), "public, max-age=%d", &age); n != 1 || age > 60 || age < 50 {
					t.Errorf("it may be kept longer than it is valid: %q", a.header.Get("Cache-Control"))
				}
			}
		})
	}
	// Uploads take presets as well.
	s := start(t, nil)
	s.SetPresets(thumbs)
	body, kind := form(part{"preset", "-", "mono"}, part{"image", "x.png", "X"})
	for _, c := range []struct{ path, body, header, want string }{
		{"/image?preset=thumb", "X", "", "small X"},
		{"/image?preset=mono&name=y", "X", "", "small gray of X"},
		{"/image", body, kind, "small gray of X"},
	} {
		if a := s.do("POST", c.path, c.body, c.header); a.status != 200 || a.body != c.want {
			t.Errorf("%s: %d %q", c.path, a.status, a.body)
		}
	}
	if a := s.do("POST", "/jobs?preset=mono", "X"); a.status != 202 {
		t.Errorf("job: %d %q", a.status, a.body)
	}
	if a := s.do("POST", "/image?preset=thumb&gray", "X"); a.status != 400 {
		t.Errorf("preset and more: %d %q", a.status, a.body)
	}
}

func TestParsePresets(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a scale=1/2\na gray\n", "line 2: preset a is there twice"},
		{"\n# x\na scale=0\n", "line 3: preset a: scale: "},
		{"a\n", "line 1: preset a: no operations"},
		{"a/b gray", "line 1: preset \"a/b\": a name is of letters, digits, . _ -"},
		{"a gray&keep=all", "line 1: preset a: keep=all is for"},
		{"a gray&keep=everything", "line 1: preset a: keep \"everything\": not one of none date copyright"},
		{"a format=jpeg&bytes=3K\nb bytes=3K&format=png", "line 2: preset b: bytes=3072 with format=png: only for jpeg"},
		{"a preset=b", "line 1: preset a: unknown word \"preset\""},
	} {
		t.Run(c.want, func(t *testing.T) {
			if _, err := ParsePresets(c.text); err == nil || fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// The server's own name is asked for: a page whose name leads here by DNS rebinding
// could else read pictures.
func TestFilesNeedTheirHost(t *testing.T) {
	s, _ := gallery(t, nil)
	req, err := http.NewRequest("GET", s.url+"/files/a%20b.jpg", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	resp, err := s.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 421 {
		t.Errorf("%d", resp.StatusCode)
	}
}
