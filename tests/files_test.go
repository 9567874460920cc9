package tests

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"imgtools/pkg/eventually"
)

// gallery makes a folder of pictures to serve by URL.
func gallery(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "photos")
	if err := os.MkdirAll(filepath.Join(dir, "2026"), 0o755); err != nil {
		t.Fatal(err)
	}
	save(t, dir, "a b.jpg", photo(640, 480, 11))
	save(t, filepath.Join(dir, "2026"), "é.png", photo(300, 200, 12))
	return dir
}

// fetch gets a path of s, whatever the status of the answer.
func (s *server) fetch(t testing.TB, path string, header ...string) (*http.Response, []byte) {
	t.Helper()
	resp, b, err := s.do("GET", path, nil, header...)
	if err != nil {
		t.Fatal(err)
	}
	return resp, b
}

// works returns how many pictures of the folder s has made.
func (s *server) works() int { return strings.Count(s.log.String(), "path=/files/PATH status=200") }

// A picture by its URL is the one that the filter gives.
func TestFilesEqualFilters(t *testing.T) {
	dir := gallery(t)
	s := startImgd(t, "-root", dir)
	for query, line := range map[string]string{
		"":                                  "gray 'a b.jpg'",
		"scale=1/4":                         "scale 1/4 'a b.jpg'",
		"scale=100x80&fit=cover&format=png": "scale -fit cover -f png 100x80 'a b.jpg'",
		"crop=50%x50%25&gray":               "gray -crop 50%x50% 'a b.jpg'",
	} {
		t.Run(query, func(t *testing.T) {
			resp, got := s.fetch(t, "/files/a%20b.jpg?"+query)
			if want := must(t, dir, line); resp.StatusCode != 200 || !bytes.Equal(got, want) {
				t.Errorf("%d, %d bytes, want %d", resp.StatusCode, len(got), len(want))
			}
			again, b := s.fetch(t, "/files/a%20b.jpg?"+query, "If-None-Match", resp.Header.Get("ETag"))
			if again.StatusCode != 304 || len(b) > 0 {
				t.Errorf("asked again: %d, %d bytes", again.StatusCode, len(b))
			}
		})
	}
}

// What imgsign(1) shows in other languages signs as imgsign does. A language that is not
// installed is left out, except for the first two.
func TestSigningInOtherLanguages(t *testing.T) {
	dir := gallery(t)
	keys := write(t, t.TempDir(), "keys", []byte("KEY\n"))
	must(t, "", "chmod 600 "+keys)
	s := startImgd(t, "-root", dir, "-sign", keys)
	want := strings.TrimSpace(string(must(t, "", "imgsign "+keys+" 'a b.jpg?scale=640x'")))
	if resp, _ := s.fetch(t, want); resp.StatusCode != 200 {
		t.Fatalf("imgsign's: %d", resp.StatusCode)
	}
	for _, c := range []struct{ language, program, prefix, file string }{
		{"Python", "/usr/bin/python3", "import base64", "sign.py"},
		{"Go", "go run", "package main", "sign.go"},
		{"JavaScript", "node", "const { createHmac }", "sign.js"},
		{"PHP", "php", "<?php", "sign.php"},
	} {
		t.Run(c.language, func(t *testing.T) {
			if _, err := exec.LookPath(strings.Fields(c.program)[0]); err != nil {
				t.Skip(c.program + " is not installed")
			}
			text := block(t, "imgsign.1", "DESCRIPTION", c.prefix)
			got := strings.TrimSpace(string(must(t, "", c.program+" "+write(t, t.TempDir(), c.file, []byte(text)))))
			sig := regexp.MustCompile(`sig=[A-Za-z0-9_-]+`)
			if sig.FindString(got) != sig.FindString(want) {
				t.Errorf("%s\nimgsign: %s", got, want)
			}
			if resp, _ := s.fetch(t, got); resp.StatusCode != 200 {
				t.Errorf("%s: %d", got, resp.StatusCode)
			}
		})
	}
	if resp, _ := s.fetch(t, "/files/a%20b.jpg?scale=641x"); resp.StatusCode != 403 {
		t.Errorf("not signed: %d", resp.StatusCode)
	}
}

// startInFront starts a server on a port, by which s is reached with do and the like.
func startInFront(t *testing.T, s *server, port int, c *exec.Cmd) *server {
	t.Helper()
	front := start(t, c.Args[0], c)
	front.waitFor(t, fmt.Sprintf("127.0.0.1:%d", port))
	front.url, front.http = fmt.Sprintf("http://127.0.0.1:%d", port), s.http
	return front
}

// startNginx starts nginx by the configuration in imgtools(7) in front of a server. more
// is put into its server block.
func startNginx(t *testing.T, s *server, more string) *server {
	t.Helper()
	top, port := t.TempDir(), freePort(t)
	conf := block(t, "imgtools.7", "EXAMPLES", "proxy_cache_path")
	for old, replacement := range map[string]string{
		"/var/cache/nginx/photos": filepath.Join(top, "cache"), "listen 80;": fmt.Sprintf("listen 127.0.0.1:%d;%s", port, more), "http://127.0.0.1:8080": s.url,
	} {
		if !strings.Contains(conf, old) {
			t.Fatalf("no %s in\n%s", old, conf)
		}
		conf = strings.Replace(conf, old, replacement, 1)
	}
	for _, d := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		conf = fmt.Sprintf("%s_temp_path %s;\n", d, filepath.Join(top, d)) + conf
	}
	path := write(t, top, "nginx.conf", []byte("daemon off; master_process off; error_log stderr; pid "+top+"/pid;\nevents {}\nhttp {\naccess_log off;\n"+conf+"}\n"))
	return startInFront(t, s, port, exec.Command("/usr/sbin/nginx", "-c", path, "-p", top))
}

// The configuration of nginx in imgtools(7): the second time a picture comes from the
// cache, an old one is asked about, and of equal requests one goes through.
func TestNginxInFront(t *testing.T) {
	dir, top := gallery(t), t.TempDir()
	presets := write(t, top, "presets", []byte(block(t, "imgtools.7", "EXAMPLES", "thumb  ")))
	s := startImgd(t, "-root", dir, "-preset", presets, "-host", "photos.example.org", "-maxage", "1h")
	front := startNginx(t, s, "")
	get := func(path string) (*http.Response, []byte) { return front.fetch(t, path, "Host", "photos.example.org") }
	var first []byte
	for i, want := range []string{"MISS", "HIT", "HIT"} {
		resp, b := get("/files/a%20b.jpg?preset=thumb")
		if cache := resp.Header.Get("X-Cache"); resp.Status != "200 OK" || cache != want {
			t.Fatalf("request %d: %s, %s", i+1, resp.Status, cache)
		}
		if m, format := decode(t, b); format != "jpeg" || m.Bounds().Dx() != 300 || m.Bounds().Dy() != 200 {
			t.Errorf("%s %v", format, m.Bounds())
		}
		if i == 0 {
			first = b
		} else if !bytes.Equal(b, first) {
			t.Error("the cache has another picture")
		}
	}
	for path, status := range map[string]string{"/files/none.jpg?preset=thumb": "404", "/files/a%20b.jpg?scale=2": "403"} {
		for range 2 {
			if resp, _ := get(path); !strings.HasPrefix(resp.Status, status) {
				t.Errorf("%s: %s", path, resp.Status)
			}
		}
		eventually.True(t, "errors are not kept: both requests went through", func() bool {
			return strings.Count(s.log.String(), "path=/files/PATH status="+status) == 2
		})
	}
	before := s.works()
	each(30, 30, func(int) {
		resp, b, err := front.do("GET", "/files/2026/%C3%A9.png?preset=small", nil, "Host", "photos.example.org")
		if err != nil || resp.Status != "200 OK" {
			t.Errorf("%v, %q", err, b)
		}
	})
	if n := s.works() - before; n != 1 {
		t.Errorf("%d of 30 equal requests went through", n)
	}
}

// The configuration of Caddy in imgtools(7).
func TestCaddyInFront(t *testing.T) {
	dir, top := gallery(t), t.TempDir()
	presets := write(t, top, "presets", []byte(block(t, "imgtools.7", "EXAMPLES", "thumb  ")))
	s := startImgd(t, "-root", dir, "-preset", presets, "-host", "photos.example.org")
	port := freePort(t)
	conf := block(t, "imgtools.7", "EXAMPLES", "photos.example.org {")
	conf = strings.Replace(conf, "photos.example.org {", fmt.Sprintf("http://photos.example.org:%d {\n\tbind 127.0.0.1", port), 1)
	conf = strings.Replace(conf, "127.0.0.1:8080", strings.TrimPrefix(s.url, "http://"), 1)
	path := write(t, top, "Caddyfile", []byte("{\n\tadmin off\n\tauto_https off\n}\n"+conf))
	c := exec.Command("/usr/bin/caddy", "run", "--adapter", "caddyfile", "--config", path)
	c.Env = append(os.Environ(), "HOME="+top, "XDG_DATA_HOME="+top, "XDG_CONFIG_HOME="+top)
	front := startInFront(t, s, port, c)
	resp, b := front.fetch(t, "/files/a%20b.jpg?preset=large", "Host", fmt.Sprintf("photos.example.org:%d", port))
	if resp.StatusCode != 200 || resp.Header.Get("Cache-Control") != "public, max-age=3600" {
		t.Fatalf("%d %v\n%s", resp.StatusCode, resp.Header, b)
	}
	decode(t, b)
}

// Off loopback pictures by URL need presets or signatures, and -C says so.
func TestFilesOffLoopback(t *testing.T) {
	dir := gallery(t)
	keys := write(t, t.TempDir(), "keys", []byte("KEY\n"))
	presets := write(t, t.TempDir(), "presets", []byte("thumb scale=100x\n"))
	spool := filepath.Join(t.TempDir(), "spool")
	for flags, status := range map[string]int{"": 2, "-sign " + keys: 0, "-preset " + presets: 0, "-i 127.0.0.1": 0} {
		if !strings.Contains(flags, "-i ") {
			flags += " -i 0.0.0.0"
		}
		line := "imgd -C -p 0 -n 1 -spool " + spool + " -root " + dir + " " + flags
		if r := sh(t, "", line); r.status != status || status != 0 && !strings.Contains(r.err, "anyone could ask for any size") {
			t.Errorf("%s: %d %q %q", line, r.status, r.out, r.err)
		}
	}
	if r := sh(t, "", "imgd -p 0 -n 1 -i 0.0.0.0 -spool "+spool+" -root "+dir); r.status != 2 || !strings.Contains(r.err, "anyone could ask for any size") {
		t.Errorf("%d %q", r.status, r.err)
	}
}

// A page of 50 thumbnails, each in three widths, in a browser with nginx between. The
// second time no picture is worked on, and none is even asked for.
func TestPageOfThumbnails(t *testing.T) {
	const pictures = 50
	dir, top := t.TempDir(), t.TempDir()
	for i := range pictures {
		save(t, dir, fmt.Sprintf("%02d.jpg", i), photo(160, 120, uint64(i)))
	}
	presets := write(t, top, "presets", []byte("w40 scale=40x\nw80 scale=80x\nw120 scale=120x\n"))
	s := startImgd(t, "-root", dir, "-preset", presets, "-maxage", "1h")
	var page strings.Builder
	page.WriteString("<!doctype html><title>gallery</title>\n")
	for i := range pictures {
		for _, width := range []string{"w40", "w80", "w120"} {
			fmt.Fprintf(&page, "<img src=\"/files/%02d.jpg?preset=%s\" alt=\"\">\n", i, width)
		}
	}
	site := t.TempDir()
	write(t, site, "index.html", []byte(page.String()))
	write(t, site, "favicon.ico", nil)
	front := startNginx(t, s, "server_name 127.0.0.1; root "+site+";")
	b := startBrowser(t, "en", true)
	const shown = "document.readyState === 'complete' && document.images.length === 150 && [...document.images].every((i) => i.complete && i.naturalWidth > 0)"
	b.open(front.url + "/")
	b.until("all pictures are shown", shown)
	b.look("gallery")
	var widths []int
	b.run("return [0, 1, 2].map((i) => document.images[i].naturalWidth)", &widths)
	if fmt.Sprint(widths) != "[40 80 120]" || s.works() != 3*pictures {
		t.Errorf("widths %v, %d works", widths, s.works())
	}
	b.open("about:blank")
	b.open(front.url + "/")
	b.until("all pictures are shown again", shown)
	var fetched int
	b.run("return performance.getEntriesByType('resource').filter((e) => e.name.includes('/files/') && e.transferSize > 0).length", &fetched)
	if fetched != 0 || s.works() != 3*pictures {
		t.Errorf("the second time %d pictures were fetched, and there were %d works", fetched, s.works())
	}
	if list := b.complaints(); len(list) > 0 {
		t.Errorf("%q", list)
	}
}

// Presets and keys are read again on HUP: a key can be replaced while the old one is
// still valid, and then taken out.
func TestReloadOfPresetsAndKeys(t *testing.T) {
	dir, top := gallery(t), t.TempDir()
	keys := write(t, top, "keys", []byte("old\n"))
	presets := write(t, top, "presets", []byte("thumb scale=40x\n"))
	s := startImgd(t, "-root", dir, "-sign", keys, "-preset", presets)
	signed := func() string { return strings.TrimSpace(string(must(t, top, "imgsign keys 'a b.jpg?scale=64x'"))) }
	old := signed()
	status := func(url string) int { resp, _ := s.fetch(t, url); return resp.StatusCode }
	reload := func(keyLines, presetLines string) {
		t.Helper()
		write(t, top, "keys", []byte(keyLines))
		write(t, top, "presets", []byte(presetLines))
		s.cmd.Process.Signal(syscall.SIGHUP)
	}
	if a, b := status(old), status("/files/a%20b.jpg?preset=wide"); a != 200 || b != 400 {
		t.Fatalf("at first %d, %d", a, b)
	}
	reload("new\nold\n", "thumb scale=40x\nwide scale=80x\n")
	eventually.True(t, "the new preset", func() bool { return status("/files/a%20b.jpg?preset=wide") == 200 })
	replaced := signed()
	if a, b := status(old), status(replaced); a != 200 || b != 200 || replaced == old {
		t.Errorf("with both keys %d, %d", a, b)
	}
	reload("new\n", "thumb scale=0\n") // and a preset that is wrong: the old ones stay
	eventually.True(t, "the old key is out", func() bool { return status(old) == 403 })
	if a, b := status(replaced), status("/files/a%20b.jpg?preset=wide"); a != 200 || b != 200 {
		t.Errorf("with the new key %d, %d", a, b)
	}
}

// Ten thousand sizes that nobody has signed cost no work, and a folder of many files no
// more than a small one.
func TestTenThousandSizes(t *testing.T) {
	dir := gallery(t)
	for i := range 5000 {
		write(t, dir, fmt.Sprintf("%05d.txt", i), nil)
	}
	keys := write(t, t.TempDir(), "keys", []byte("KEY\n"))
	s := startImgd(t, "-root", dir, "-sign", keys)
	const sizes = 10_000
	each(sizes, 8, func(i int) {
		resp, b, err := s.do("GET", fmt.Sprintf("/files/a%%20b.jpg?scale=%dx&sig=%043d", i+1, i), nil)
		if err != nil || resp.StatusCode != 403 {
			t.Errorf("size %d: %v, %q", i, err, b)
		}
	})
	if n := strings.Count(s.log.String(), "ms_worked"); n != 0 {
		t.Errorf("%d works", n)
	}
	good := strings.TrimSpace(string(must(t, "", "imgsign "+keys+" 'a b.jpg?scale=64x'")))
	if resp, _ := s.fetch(t, good); resp.StatusCode != 200 {
		t.Errorf("a signed one afterwards: %d", resp.StatusCode)
	}
}
