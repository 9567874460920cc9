package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

var idPattern = regexp.MustCompile(`^[a-z2-7]{26}$`)

// curl by both families, as the body and as a form, on the path that answers
// with the picture.
func TestCurl(t *testing.T) {
	s := startImgd(t)
	dir := t.TempDir()
	save(t, dir, "foo.jpg", photo(400, 300, 3))
	want := must(t, dir, "gray < foo.jpg")
	for _, host := range []string{"127.0.0.1", "[::1]", "localhost"} {
		t.Run(host, func(t *testing.T) {
			u := fmt.Sprintf("http://%s:%d/image", host, s.port)
			for _, line := range []string{
				"curl -sfg -T foo.jpg '" + u + "?gray'",
				"curl -sfg --data-binary @foo.jpg '" + u + "?gray'",
				"curl -sfg -X PUT --data-binary @foo.jpg '" + u + "'",
				"curl -sfg -F image=@foo.jpg '" + u + "?gray'",
				"curl -sfg -F gray=1 -F image=@foo.jpg '" + u + "'",
				"curl -sfg -F gray= -F scale= -F anything=@foo.jpg '" + u + "?gray'",
				"cat foo.jpg | curl -sfg -T - '" + u + "?gray'",
			} {
				if got := must(t, dir, line); !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, not what gray gives", line, len(got))
				}
			}
		})
	}
	sock := filepath.Join(s.run, "imgd.sock")
	if got := must(t, dir, "curl -sf --unix-socket "+sock+" -T foo.jpg 'http://localhost/image?gray'"); !bytes.Equal(got, want) {
		t.Error("the Unix socket's answer is not what gray gives")
	}
	half := must(t, dir, "scale 50% < foo.jpg")
	for _, q := range []string{"scale=50%", "scale=50%25", "scale=1/2", "scale=1%2F2", "scale=0.5"} {
		t.Run(q, func(t *testing.T) {
			if got := must(t, dir, "curl -sf -T foo.jpg '"+s.url+"/image?"+q+"'"); !bytes.Equal(got, half) {
				t.Errorf("?%s is not what scale 50%% gives", q)
			}
		})
	}
	head := string(must(t, dir, "curl -sf -D - -o /dev/null -T foo.jpg '"+s.url+"/image?gray&scale=1/4'"))
	for _, h := range []string{"Image-Width: 100", "Image-Height: 75", "Content-Type: image/jpeg", "X-Content-Type-Options: nosniff"} {
		if !strings.Contains(strings.ToLower(head), strings.ToLower(h)) {
			t.Errorf("no %q in\n%s", h, head)
		}
	}
}

// A job's whole life by HTTP.
func TestJobs(t *testing.T) {
	s := startImgd(t)
	dir := t.TempDir()
	foo := save(t, dir, "foo.png", photo(320, 200, 4))
	body := read(t, foo)
	want := must(t, dir, "scale 1/4 < foo.png")

	resp, b := s.want(t, 202, "POST", "/jobs?scale=1/4&name=foo.png", bytes.NewReader(body))
	id := strings.TrimSpace(string(b))
	if !idPattern.MatchString(id) || len(b) != 27 {
		t.Fatalf("POST /jobs said %q, want one id", b)
	}
	if l := resp.Header.Get("Location"); l != "/jobs/"+id && !strings.HasSuffix(l, "/jobs/"+id) {
		t.Errorf("Location %q", l)
	}
	resp, b = s.want(t, 200, "GET", "/jobs/"+id+"/image?wait=30", nil)
	if !bytes.Equal(b, want) {
		t.Errorf("the result has %d bytes, not the %d that scale gives", len(b), len(want))
	}
	if c := resp.Header.Get("Content-Disposition"); !strings.Contains(c, "foo.png") {
		t.Errorf("Content-Disposition %q", c)
	}
	_, b = s.want(t, 200, "GET", "/jobs/"+id, nil)
	for _, line := range []string{"state: done", "id: " + id} {
		if !strings.Contains(string(b), line) {
			t.Errorf("no %q in\n%s", line, b)
		}
	}
	_, b = s.want(t, 200, "GET", "/jobs/"+id, nil, "Accept", "application/json")
	var status struct {
		ID, State, Image string
		Out              struct {
			Bytes, Width, Height int
			Type                 string
		}
	}
	if err := json.Unmarshal(b, &status); err != nil || status.ID != id || status.State != "done" ||
		status.Out.Width != 80 || status.Out.Height != 50 || status.Out.Bytes != len(want) || status.Out.Type != "image/png" {
		t.Errorf("status %s: %v", b, err)
	}
	// As often as asked; ranges, HEAD and ETag as HTTP has them.
	for range 3 {
		if _, b = s.want(t, 200, "GET", "/jobs/"+id+"/image", nil); !bytes.Equal(b, want) {
			t.Error("the result changed")
		}
	}
	if _, b = s.want(t, 206, "GET", "/jobs/"+id+"/image", nil, "Range", "bytes=10-19"); !bytes.Equal(b, want[10:20]) {
		t.Errorf("range: %d bytes", len(b))
	}
	head, _ := s.want(t, 200, "HEAD", "/jobs/"+id+"/image", nil)
	if head.ContentLength != int64(len(want)) || head.Header.Get("ETag") == "" {
		t.Errorf("HEAD: length %d, ETag %q", head.ContentLength, head.Header.Get("ETag"))
	}
	s.want(t, 304, "GET", "/jobs/"+id+"/image", nil, "If-None-Match", head.Header.Get("ETag"))

	// An id of the client's own, repeated, and clashing.
	own := strings.Repeat("a2", 13)
	s.want(t, 202, "PUT", "/jobs/"+own+"?gray", bytes.NewReader(body))
	s.want(t, 202, "PUT", "/jobs/"+own+"?gray", bytes.NewReader(body))
	s.want(t, 409, "PUT", "/jobs/"+own+"?scale=1/2", bytes.NewReader(body))
	s.want(t, 200, "GET", "/jobs/"+own+"/image?wait=30", nil)
	s.want(t, 204, "DELETE", "/jobs/"+own, nil)
	s.want(t, 410, "GET", "/jobs/"+own, nil)
	s.want(t, 410, "PUT", "/jobs/"+own+"?gray", bytes.NewReader(body))
	s.want(t, 404, "GET", "/jobs/"+strings.Repeat("z", 26), nil)

	// Several pictures of one form are several jobs, in order.
	out := must(t, dir, fmt.Sprintf("curl -sf -F scale=1/4 -F image=@foo.png -F image=@foo.png -F image=@foo.png '%s/jobs'", s.url))
	ids := strings.Fields(string(out))
	if len(ids) != 3 {
		t.Fatalf("three files made %q", out)
	}
	for _, id := range ids {
		if _, b := s.want(t, 200, "GET", "/jobs/"+id+"/image?wait=30", nil); !bytes.Equal(b, want) {
			t.Errorf("job %s gave another picture", id)
		}
	}
}

// The page to a browser, the table of requests to curl.
func TestPage(t *testing.T) {
	s := startImgd(t)
	resp, b := s.want(t, 200, "GET", "/", nil, "Accept", "text/html,application/xhtml+xml")
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") || !bytes.Contains(b, []byte("multipart/form-data")) || !bytes.Contains(b, []byte(`type="file"`)) && !bytes.Contains(b, []byte("type=file")) {
		t.Errorf("GET / as HTML is %s without an upload form:\n%.500s", resp.Header.Get("Content-Type"), b)
	}
	resp, b = s.want(t, 200, "GET", "/", nil, "Accept", "*/*")
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") || !bytes.Contains(b, []byte("/jobs")) {
		t.Errorf("GET / to curl is %s:\n%.500s", resp.Header.Get("Content-Type"), b)
	}
	_, b = s.want(t, 200, "GET", "/metrics", nil)
	if !bytes.Contains(b, []byte("# TYPE ")) {
		t.Errorf("/metrics is not Prometheus text:\n%.500s", b)
	}
	s.want(t, 200, "GET", "/healthz", nil)
	s.want(t, 404, "GET", "/nothing", nil)
	resp, _ = s.want(t, 405, "DELETE", "/image", nil)
	if resp.Header.Get("Allow") == "" {
		t.Error("405 without Allow")
	}
}

// A browser's form without JavaScript: 303 to a page that shows the result.
func TestBrowserForm(t *testing.T) {
	s := startImgd(t)
	dir := t.TempDir()
	save(t, dir, "foo.jpg", photo(200, 150, 5))
	out := must(t, dir, "curl -s -D - -o /dev/null -H 'Accept: text/html' -F scale=1/2 -F image=@foo.jpg "+s.url+"/jobs")
	m := regexp.MustCompile(`(?i)location: (\S+)`).FindStringSubmatch(string(out))
	if !strings.Contains(string(out), " 303 ") || m == nil {
		t.Fatalf("a browser's upload was answered\n%s", out)
	}
	page := string(must(t, dir, fmt.Sprintf("curl -sfL -H 'Accept: text/html' '%s%s'", s.url, strings.TrimPrefix(m[1], s.url))))
	if !strings.Contains(page, "/jobs/") {
		t.Errorf("the page after an upload names no job:\n%.800s", page)
	}
}

// reply splits an answer of the stream form into its words and the bytes.
func reply(t testing.TB, b []byte) (map[string]string, []byte) {
	t.Helper()
	line, data, ok := bytes.Cut(b, []byte("\n"))
	words := strings.Fields(string(line))
	if !ok || len(words) == 0 || words[0] != "ok" {
		t.Fatalf("the answer begins %.200q, want ok", b)
	}
	m := map[string]string{}
	for _, w := range words[1:] {
		k, v, _ := strings.Cut(w, "=")
		m[k] = v
	}
	if m["len"] != strconv.Itoa(len(data)) {
		t.Fatalf("len=%s with %d bytes", m["len"], len(data))
	}
	return m, data
}

// nc talks to a daemon by every address it has.
func TestNetcat(t *testing.T) {
	port := freePort(t)
	tcp4, tcp6 := fmt.Sprintf("127.0.0.1:%d", port), fmt.Sprintf("[::1]:%d", port)
	run := runDir(t)
	sock := filepath.Join(run, "scaled.sock")
	d := spawn(t, run, "scaled", "-n", "2", "-a", "unix:"+sock, "-a", "tcp:"+tcp4, "-a", "tcp:"+tcp6)
	for _, a := range []string{sock, tcp4, tcp6} {
		d.waitFor(t, a)
	}
	dir := t.TempDir()
	save(t, dir, "foo.jpg", photo(640, 480, 6))
	size := len(read(t, filepath.Join(dir, "foo.jpg")))
	want := must(t, dir, "scale 1/2 < foo.jpg")
	for _, nc := range []string{"-U " + sock, fmt.Sprintf("127.0.0.1 %d", port), fmt.Sprintf("::1 %d", port)} {
		t.Run(nc, func(t *testing.T) {
			for _, line := range []string{`img/1 scale 1/2\n`, fmt.Sprintf(`img/1 scale 1/2 len=%d\n`, size)} {
				words, data := reply(t, must(t, dir, "printf '"+line+"' | cat - foo.jpg | nc.openbsd -N "+nc))
				if !bytes.Equal(data, want) || words["width"] != "320" || words["height"] != "240" || words["type"] != "image/jpeg" {
					t.Errorf("nc %s: %v and %d bytes, not what scale gives", nc, words, len(data))
				}
			}
			out := string(must(t, dir, "printf 'img/1 scale 0\n' | nc.openbsd -N "+nc))
			if !strings.HasPrefix(out, "err usage ") || strings.Count(out, "\n") != 1 {
				t.Errorf("nc %s: scale 0 is answered %q", nc, out)
			}
			out = string(must(t, dir, "printf 'img/1 scale 1/2\nno picture' | nc.openbsd -N "+nc))
			if !strings.HasPrefix(out, "err format ") {
				t.Errorf("nc %s: no picture is answered %q", nc, out)
			}
		})
	}
}

// imgd served by daemons of its user, over Unix sockets and over TCP.
func TestOwnDaemons(t *testing.T) {
	dir := t.TempDir()
	save(t, dir, "foo.jpg", photo(400, 300, 3))
	gray, grayPath := startDaemon(t, "grayd", "-n", "1")
	_, scaledPath := startDaemon(t, "scaled", "-n", "1")
	_, heifdPath := startDaemon(t, "heifd", "-n", "1")
	port := freePort(t)
	run := runDir(t)
	tcp := fmt.Sprintf("tcp:127.0.0.1:%d", port)
	g2 := spawn(t, run, "grayd", "-n", "1", "-a", tcp)
	g2.waitFor(t, fmt.Sprintf("127.0.0.1:%d", port))
	for _, grayd := range []string{"unix:" + grayPath, tcp} {
		t.Run(grayd, func(t *testing.T) {
			s := startImgd(t, "-grayd", grayd, "-scaled", "unix:"+scaledPath, "-heifd", "unix:"+heifdPath)
			if kids := children(s.cmd.Process.Pid); len(kids) != 0 {
				t.Errorf("imgd with addresses of daemons started %v", kids)
			}
			_, got := s.want(t, 200, "PUT", "/image?gray", bytes.NewReader(read(t, filepath.Join(dir, "foo.jpg"))))
			if !bytes.Equal(got, must(t, dir, "gray < foo.jpg")) {
				t.Errorf("through %s: not what gray gives", grayd)
			}
			_, got = s.want(t, 200, "PUT", "/image?gray&scale=1/4", bytes.NewReader(read(t, filepath.Join(dir, "foo.jpg"))))
			if m, _ := decode(t, got); m.Bounds().Dx() != 100 {
				t.Errorf("through %s: %v", grayd, m.Bounds())
			}
			s.stop(t)
		})
	}
	// Without its daemon imgd says so, and waits for it to come back.
	s := startImgd(t, "-grayd", "unix:"+grayPath, "-scaled", "unix:"+scaledPath)
	gray.kill()
	os.Remove(grayPath)
	eventually.Within(t, 15*time.Second, "/readyz says 503", func() bool {
		resp, _, err := s.do("GET", "/readyz", nil)
		return err == nil && resp.StatusCode == 503
	})
	s.want(t, 200, "GET", "/healthz", nil)
}

// Connections that say nothing, or half of what they must, stop nobody.
func TestSilentPeers(t *testing.T) {
	port := freePort(t)
	run := runDir(t)
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	sock := filepath.Join(run, "scaled.sock")
	d := spawn(t, run, "scaled", "-n", "2", "-a", "unix:"+sock, "-a", "tcp:"+addr)
	d.waitFor(t, addr)
	d.waitFor(t, sock)
	dir := t.TempDir()
	save(t, dir, "foo.jpg", photo(320, 240, 6))
	picture := read(t, filepath.Join(dir, "foo.jpg"))
	want := must(t, dir, "scale 1/2 < foo.jpg")
	for _, says := range []string{"", "img/1 sc", "img/1 scale 1/2 len=100000\n", "img/1 scale 1/2\n" + string(picture[:1000])} {
		t.Run(fmt.Sprintf("%.20q", says), func(t *testing.T) {
			for range 5 * 2 {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.Close() })
				if _, err := io.WriteString(c, says); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 6 {
				start := time.Now()
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				c.SetDeadline(start.Add(20 * time.Second))
				fmt.Fprintf(c, "img/1 scale 1/2 len=%d\n%s", len(picture), picture)
				b, err := io.ReadAll(c)
				c.Close()
				if err != nil {
					t.Fatalf("request %d behind peers that said %.20q: %v after %v", i, says, err, time.Since(start))
				}
				if _, data := reply(t, b); !bytes.Equal(data, want) {
					t.Error("another picture")
				}
				if took := time.Since(start); took > 8*time.Second {
					t.Errorf("request %d behind peers that said %.20q took %v", i, says, took)
				}
			}
		})
	}
}

// The same for HTTP: clients that stall in their headers or bodies.
func TestSilentHTTPClients(t *testing.T) {
	s := startImgd(t)
	dir := t.TempDir()
	picture := read(t, save(t, dir, "foo.png", photo(100, 80, 6)))
	for _, says := range []string{"", "PUT /image HTTP/1.1\r\nHost: loc", "PUT /image HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nabc"} {
		for range 20 {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			io.WriteString(c, says)
		}
	}
	for range 5 {
		start := time.Now()
		s.want(t, 200, "PUT", "/image", bytes.NewReader(picture))
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("a picture took %v behind stalled clients", took)
		}
	}
}
