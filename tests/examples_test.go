package tests

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

// literal returns the literal blocks and lines of one section of a manual page,
// each as the text that a reader copies.
func literal(t *testing.T, file, section string) (blocks []string) {
	t.Helper()
	_, src, ok := strings.Cut(string(read(t, filepath.Join(root, "man", file))), "\n.Sh "+section+"\n")
	if !ok {
		t.Fatalf("%s has no %s", file, section)
	}
	src, _, _ = strings.Cut(src, "\n.Sh ")
	open := false
	for _, l := range strings.Split(src, "\n") {
		switch {
		case strings.HasPrefix(l, ".Bd -literal"):
			open, blocks = true, append(blocks, "")
		case strings.HasPrefix(l, ".Ed"):
			open = false
		case strings.HasPrefix(l, ".Dl "):
			blocks = append(blocks, unroff(strings.TrimPrefix(l, ".Dl "))+"\n")
		case open:
			blocks[len(blocks)-1] += unroff(l) + "\n"
		}
	}
	return blocks
}

// block returns the one block of a section that begins with prefix.
func block(t *testing.T, file, section, prefix string) string {
	t.Helper()
	for _, b := range literal(t, file, section) {
		if strings.HasPrefix(b, prefix) {
			return b
		}
	}
	t.Fatalf("%s: no block in %s begins with %q", file, section, prefix)
	return ""
}

// The batch of imgtools(7): the filters under xargs and GNU parallel.
func TestManBatch(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "mkdir photos")
	save(t, dir, "foo.jpg", photo(640, 480, 8))
	must(t, dir, "cp foo.jpg photos/a.jpg; scale -o photos/b.jpg 640x400! foo.jpg")
	must(t, dir, block(t, "imgtools.7", "EXAMPLES", "find photos "))
	for _, name := range []string{"a.jpg", "b.jpg"} {
		if got, want := read(t, filepath.Join(dir, "gray", name)), must(t, dir, "gray photos/"+name); !bytes.Equal(got, want) {
			t.Errorf("gray/%s: %d bytes, not what gray gives", name, len(got))
		}
		if m, _ := decode(t, read(t, filepath.Join(dir, "small", name))); m.Bounds().Dx() != 160 {
			t.Errorf("small/%s is %v", name, m.Bounds())
		}
	}
	s := startImgd(t)
	t.Setenv("IMGD", s.url)
	must(t, dir, block(t, "imgtools.7", "EXAMPLES", "imgput -g "))
	if m, _ := decode(t, read(t, filepath.Join(dir, "small.jpg"))); m.Bounds().Dx() != 160 {
		t.Errorf("small.jpg is %v", m.Bounds())
	}
}

// The clients in Python and shell, against a way to imgd on which things go wrong:
// the first request is refused for now, the second's answer is lost, and the
// result's first download breaks off.
func TestManClients(t *testing.T) {
	s := startImgd(t)
	to, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	save(t, dir, "foo.jpg", photo(320, 240, 8))
	want := must(t, dir, "imgput -a "+s.url+" -g -s 1/4 foo.jpg | imgget -a "+s.url)
	for _, first := range []string{"#!/usr/bin/python3", "#!/bin/sh"} {
		name := filepath.Base(first)
		write(t, dir, name, []byte(block(t, "imgtools.7", "EXAMPLES", first)))
		must(t, dir, "chmod +x "+name)
		var puts, gets atomic.Int32
		var paths [2]string
		way := httputil.NewSingleHostReverseProxy(to)
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := 0
			if r.Method == "PUT" {
				n = int(puts.Add(1))
				paths[min(n, 2)-1] = r.URL.Path
			} else {
				n = 10 * int(gets.Add(1))
			}
			switch n {
			case 1:
				io.Copy(io.Discard, r.Body)
				w.Header().Set("Retry-After", "0")
				http.Error(w, "busy", 503)
			case 2: // taken, and the answer lost
				way.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			case 10: // a part of it
				w.Header().Set("Content-Length", "1000")
				w.Write([]byte("half"))
				panic(http.ErrAbortHandler)
			default:
				way.ServeHTTP(w, r)
			}
		}))
		front.Config.ErrorLog = nil
		r := sh(t, dir, "./"+name+" "+strings.TrimPrefix(front.URL, "http://")+" foo.jpg out-"+name)
		if r.status != 0 {
			t.Errorf("%s: exit %d\n%s", name, r.status, r.err)
		} else if got := read(t, filepath.Join(dir, "out-"+name)); !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, not what imgput and imgget give", name, len(got))
		}
		if puts.Load() != 3 || gets.Load() < 2 || paths[0] != paths[1] || !idPattern.MatchString(strings.TrimPrefix(paths[0], "/jobs/")) {
			t.Errorf("%s: %d times PUT, of %q; %d times GET", name, puts.Load(), paths, gets.Load())
		}
		// What is refused for good ends it, with the server's words.
		write(t, dir, "no.jpg", []byte("no picture"))
		r = sh(t, dir, "./"+name+" "+strings.TrimPrefix(front.URL, "http://")+" no.jpg no-out.jpg")
		if r.status != 1 || !strings.Contains(r.err, "no.jpg: 415") {
			t.Errorf("%s of no picture: exit %d, %q", name, r.status, r.err)
		}
		front.Close()
	}
	if n := strings.Count(block(t, "imgtools.7", "EXAMPLES", "#!/usr/bin/python3"), "\n"); n > 25 {
		t.Errorf("the client in Python has %d lines", n)
	}
}

// The set-up by hand with systemd, as far as it goes without systemd as PID 1: the
// user, the links and the units in a scratch root, and the servers started by
// systemd-socket-activate with the very lines of the units.
func TestManService(t *testing.T) {
	scratch := t.TempDir()
	// What make install puts there, which TestReadmeCommands runs; and the targets
	// and commands that units refer to.
	must(t, scratch, "mkdir -p etc bin usr/local/bin usr/local/lib/systemd/system && cp "+binDir+"/* usr/local/bin/ && cp "+root+"/cmd/*/*.socket "+root+
		"/cmd/*/*.service /usr/lib/systemd/system/*.target usr/local/lib/systemd/system/ && cp /bin/kill bin/ && cp /etc/passwd /etc/group etc/")
	become := ""
	if os.Getuid() != 0 {
		become = "unshare -r "
	}
	steps := 0
	for _, line := range strings.Split(strings.ReplaceAll(block(t, "imgtools.7", "EXAMPLES", "make install"), "\\\n", ""), "\n") {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || f[0] == "make" || line == "systemctl daemon-reload": // no PID 1 here to reload
			continue
		case f[0] == "curl": // below
			continue
		case f[0] == "useradd":
			line = become + strings.Replace(line, "useradd", "useradd -P "+scratch, 1)
		case strings.HasPrefix(line, "systemctl enable --now "):
			line = strings.Replace(line, "enable --now", "--root="+scratch+" enable", 1)
		default:
			t.Errorf("unknown step %q", line)
			continue
		}
		must(t, scratch, line)
		steps++
	}
	if steps != 3 || !strings.Contains(string(read(t, filepath.Join(scratch, "etc/passwd"))), "\nimgtools:") {
		t.Errorf("%d steps, and the user is not in /etc/passwd", steps)
	}
	links, _ := filepath.Glob(filepath.Join(scratch, "etc/systemd/system/sockets.target.wants/*.socket"))
	if len(links) != 5 {
		t.Errorf("enabled: %v", links)
	}
	// With and without what makes it serve other machines.
	verify := "systemd-analyze --root=" + scratch + " verify --man=no imgd.service imgd.socket grayd.service grayd.socket scaled.service scaled.socket 2>&1"
	if out := must(t, scratch, verify); len(out) > 0 {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	for unit, first := range map[string]string{"imgd.service": "[Service]\n", "imgd.socket": "[Socket]\n"} {
		dir := filepath.Join(scratch, "etc/systemd/system", unit+".d")
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		write(t, dir, "local.conf", []byte(block(t, "imgtools.7", "EXAMPLES", first)))
	}
	if out := must(t, scratch, verify); len(out) > 0 {
		t.Errorf("systemd-analyze verify with local.conf: %s", out)
	}

	// Started by their sockets, with RUN and the binaries where they are here.
	run, port := runDir(t), freePort(t)
	dir := t.TempDir()
	save(t, dir, "foo.jpg", photo(320, 240, 8))
	must(t, dir, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key -out cert 2>/dev/null; echo sesame > token")
	for _, u := range []struct{ name, unit, sockets string }{
		{"grayd", string(read(t, filepath.Join(scratch, "usr/local/lib/systemd/system/grayd.service"))), "-l " + run + "/grayd.sock -l " + run + "/grayd.sock.status --fdname=requests:status"},
		{"scaled", string(read(t, filepath.Join(scratch, "usr/local/lib/systemd/system/scaled.service"))), "-l " + run + "/scaled.sock -l " + run + "/scaled.sock.status --fdname=requests:status"},
		{"imgd", block(t, "imgtools.7", "EXAMPLES", "[Service]\n"), fmt.Sprintf("-l 127.0.0.1:%d", port)},
	} {
		m := regexp.MustCompile(`(?m)^ExecStart=(/.*)$`).FindStringSubmatch(strings.ReplaceAll(u.unit, "\\\n", ""))
		if m == nil {
			t.Fatalf("%s: no ExecStart", u.name)
		}
		line := strings.NewReplacer("/usr/local/bin", binDir, "/run/imgtools", run, "${CREDENTIALS_DIRECTORY}", dir, "%H", "test.lan").Replace(m[1])
		c := exec.Command("systemd-socket-activate", strings.Fields(u.sockets+" -E PATH -E HOME="+t.TempDir()+" -E IMGTOOLS_RUN="+run+" "+line)...)
		activated := start(t, u.name, c)
		if _, err := activated.log.Wait(10*time.Second, activated.gone, func(s string) string {
			if strings.Count(s, "Listening on") == strings.Count(u.sockets, "-l ") {
				return "yes"
			}
			return ""
		}); err != nil {
			t.Fatalf("%s: %v", u.name, err)
		}
	}
	ask := fmt.Sprintf("curl -sS --cacert cert --resolve test.lan:%d:127.0.0.1 ", port)
	local := fmt.Sprintf("https://localhost:%d", port)
	if got, want := must(t, dir, ask+"-f -H 'Authorization: Bearer sesame' -T foo.jpg '"+local+"/image?scale=1/2'"), must(t, dir, "scale 1/2 foo.jpg"); !bytes.Equal(got, want) {
		t.Errorf("through the units' command lines: %d bytes, not what scale gives", len(got))
	}
	eventually.Within(t, 20*time.Second, "/readyz by the host's name says ready", func() bool {
		return string(must(t, dir, ask+"-k -H 'Authorization: Bearer sesame' "+fmt.Sprintf("https://test.lan:%d/readyz", port))) == "ready\n"
	})
	if got := must(t, dir, ask+"-o /dev/null -w '%{http_code}' "+local+"/metrics"); string(got) != "401" {
		t.Errorf("without a token: %s", got)
	}
}

// The servers' own examples, in their pages' order: what is started by one line is
// talked to by the next.
func TestManServerExamples(t *testing.T) {
	dir := t.TempDir()
	save(t, dir, "foo.jpg", photo(640, 480, 8))
	run, port := runDir(t), freePort(t)
	here := func(s string) string {
		return strings.NewReplacer("/run/imgtools", run, "$XDG_RUNTIME_DIR/imgtools", run, ":7001", fmt.Sprint(":", port), "nc ", "nc.openbsd ").Replace(s)
	}
	start := strings.Fields(here(block(t, "grayd.8", "EXAMPLES", "grayd ")))
	spawn(t, run, start[0], start[1:]...).waitFor(t, fmt.Sprint("127.0.0.1:", port))
	spawn(t, run, "scaled", "-n", "1").waitFor(t, filepath.Join(run, "scaled.sock"))
	if out := must(t, dir, here(block(t, "grayd.8", "EXAMPLES", "nc "))); !bytes.Contains(out, []byte("workers: 2\n")) {
		t.Errorf("the status of grayd: %s", out)
	}
	for _, c := range []struct{ page, prefix, out, filter string }{
		{"grayd.8", "printf ", "gray.jpg", "gray foo.jpg"},
		{"scaled.8", "printf ", "small.jpg", "scale 1/2 foo.jpg"},
		{"imgproto.7", "printf ", "small.jpg", "scale 1/2 foo.jpg"},
	} {
		os.Remove(filepath.Join(dir, c.out))
		must(t, dir, here(block(t, c.page, "EXAMPLES", c.prefix)))
		if got, want := read(t, filepath.Join(dir, c.out)), must(t, dir, c.filter); !bytes.Equal(got, want) {
			t.Errorf("%s: %s has %d bytes, not what %s gives", c.page, c.out, len(got), c.filter)
		}
	}
}

// The sessions of imgd(8) and imgspool(5): what is typed is typed here, and what is
// printed has the same form.
func TestManSessions(t *testing.T) {
	s := startImgd(t)
	dir := t.TempDir()
	save(t, dir, "foo.jpg", photo(1280, 960, 8))
	form := func(text string) string { // numbers, ids and times of any value
		for _, r := range [][2]string{{`[ \t]+$`, ""}, {`[0-9a-f]{64}`, "SHA256"}, {`\b[a-z2-7]{26}\b`, "ID"}, {`\d{4}-\d\d-\d\dT[0-9:.]+Z`, "TIME"}, {`^tag: \S+`, "tag: TAG"}, {`^client: \S+`, "client: ADDRESS"}, {`unix:\S+`, "unix:PATH"}, {`\b\d+(/|$)`, "N$1"}, {`[ \t]+`, " "}} {
			text = regexp.MustCompile("(?m)"+r[0]).ReplaceAllString(text, r[1])
		}
		return text
	}
	id := ""
	session := func(page, folder string) {
		t.Helper()
		_, src, _ := strings.Cut(string(read(t, filepath.Join(root, "man", page))), "\n.Sh EXAMPLES\n")
		src = src[strings.Index(src, "\n$ ")+3:]
		src = src[:strings.Index(src, "\n.Ed")]
		for _, step := range strings.Split(src, "\n$ ") {
			line, said, _ := strings.Cut(step, "\n")
			out := ""
			if line == "imgd &" {
				out = strings.Join(regexp.MustCompile(`(?m)^imgd: listening .*$`).FindAllString(s.log.String(), -1), "\n")
			} else {
				line = localServer.ReplaceAllLiteralString(line, s.url)
				line = regexp.MustCompile(`k3xq7[a-z2-7]+`).ReplaceAllString(line, id)
				cd, rest, ok := strings.Cut(line, "; ")
				if ok {
					folder = filepath.Join(folder, strings.TrimPrefix(cd, "cd "))
					line = rest
				}
				out = strings.TrimSpace(string(must(t, folder, line)))
				if line == "ls" {
					out = strings.Join(strings.Fields(out), " ")
				}
			}
			if idPattern.MatchString(out) {
				id = out
			}
			if said != "" && form(out) != form(said) {
				t.Errorf("%s: %s prints\n%s\nwhere the page has\n%s", page, line, out, said)
			}
		}
	}
	session("imgd.8", dir)
	for name, want := range map[string]int{"small.jpg": 320, "640.jpg": 640} {
		if m, _ := decode(t, read(t, filepath.Join(dir, name))); m.Bounds().Dx() != want {
			t.Errorf("%s is %v", name, m.Bounds())
		}
	}
	save(t, dir, "IMG_1.jpg", photo(1280, 960, 8))
	id = strings.TrimSpace(string(must(t, dir, "imgput -a "+s.url+" -g -s 1/4 IMG_1.jpg")))
	must(t, dir, "curl -sf '"+s.url+"/jobs/"+id+"?wait'")
	session("imgspool.5", s.spool)
}
