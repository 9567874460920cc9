package tests

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// codeBlocks returns the sh blocks of README.md, as lines without comments.
func codeBlocks(t *testing.T) (blocks [][]string) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(read(t, filepath.Join(root, "README.md"))), -1) {
		var lines []string
		for _, l := range strings.Split(m[1], "\n") {
			if l, _, _ = strings.Cut(l, " # "); strings.TrimSpace(l) != "" {
				lines = append(lines, strings.TrimSpace(l))
			}
		}
		blocks = append(blocks, lines)
	}
	return blocks
}

// Every command of the README does what it should, in the README's order; those
// that another test runs are left to it.
func TestReadmeCommands(t *testing.T) {
	elsewhere := map[string]string{
		"make":       "TestMakeRun",
		"make run":   "TestMakeRun",
		"make check": "the walls, man and lint tests are its parts",
		"make test":  "it runs this",
		"make deb":   "TestDebianPackage",
	}
	s := startImgd(t)
	t.Setenv("IMGD", s.url)
	dir := exampleFolder(t)
	blocks := codeBlocks(t)
	if len(blocks) < 4 {
		t.Fatalf("%d blocks of sh in the README", len(blocks))
	}
	ran := 0
	for _, block := range blocks {
		for _, line := range block {
			switch {
			case elsewhere[line] != "":
				continue
			case strings.HasPrefix(line, "make "):
				line = "make -s -C " + root + strings.TrimPrefix(strings.ReplaceAll(line, "/tmp/imgtools-root", dir+"/root"), "make")
			case strings.HasPrefix(line, "man "):
				line = "mandoc " + filepath.Join(root, strings.TrimPrefix(line, "man ")) // man itself need not be installed
			}
			line = localServer.ReplaceAllLiteralString(line, s.url)
			if r := sh(t, dir, line); r.status != 0 {
				t.Errorf("%s: exit %d\n%s", line, r.status, r.err)
			}
			ran++
		}
	}
	if ran < 8 {
		t.Errorf("only %d commands of the README were run", ran)
	}
	for name, want := range map[string]image.Point{
		"small.jpg": {640, 480}, "thumbs/IMG_1.jpg": {300, 200}, "gray/photos/a.jpg": {640, 480}, "web.jpg": {640, 480},
		"sizes/foo-320.jpg": {320, 240}, "sizes/foo-640.jpg": {640, 480}, "half.jpg": {320, 240},
	} {
		if m, _ := decode(t, read(t, filepath.Join(dir, name))); m.Bounds().Size() != want {
			t.Errorf("%s is %v, want %v", name, m.Bounds(), want)
		}
	}
	if b := read(t, filepath.Join(dir, "small.webp")); len(b) > 100<<10 || !bytes.HasPrefix(b, []byte("RIFF")) {
		t.Errorf("small.webp has %d bytes, and begins with %q", len(b), b[:4])
	}
	for _, f := range []string{"bin/imgd", "share/man/man8/imgd.8", "share/man/man1/gray.1", "share/man/man7/imgtools.7", "lib/systemd/system/grayd.service", "lib/systemd/system/scaled.socket"} {
		b, err := os.ReadFile(filepath.Join(dir, "root/usr", f))
		if err != nil {
			t.Error(err)
		}
		if strings.HasSuffix(f, ".service") && (bytes.Contains(b, []byte("/usr/local/bin")) || !bytes.Contains(b, []byte("/usr/bin/grayd"))) {
			t.Errorf("%s does not start /usr/bin/grayd:\n%s", f, b)
		}
	}
}

// The README is short, begins with what imgtools is, and what it names in the checkout
// is there.
func TestReadmeIsShortAndItsLinksLeadSomewhere(t *testing.T) {
	text := string(read(t, filepath.Join(root, "README.md")))
	if n := strings.Count(text, "\n"); n > 150 {
		t.Errorf("%d lines, more than 150", n)
	}
	if !strings.HasPrefix(text, "# imgtools\n\nimgtools resizes, crops, converts and grays pictures: as shell commands and as an upload service.\n") {
		t.Error("it does not begin with what imgtools is")
	}
	links := regexp.MustCompile("`((?:man|pkg|cmd|tests|\\.ci)/[^` ]+)`|\\]\\(([^)]+)\\)").FindAllStringSubmatch(text, -1)
	if len(links) < 20 {
		t.Errorf("only %d links", len(links))
	}
	for _, m := range links {
		if _, err := os.Stat(filepath.Join(root, m[1]+m[2])); err != nil {
			t.Error(err)
		}
	}
	makefile := string(read(t, filepath.Join(root, "Makefile")))
	for _, m := range regexp.MustCompile("`make ([a-z-]+)").FindAllStringSubmatch(text, -1) {
		if !regexp.MustCompile(`(?m)^([a-z-]+ )*` + m[1] + `( [a-z-]+)*:`).MatchString(makefile) {
			t.Errorf("make %s: no such target", m[1])
		}
	}
}

// make run builds, serves, and ends with three lines that work when pasted.
func TestMakeRun(t *testing.T) {
	port := freePort(t)
	run, home := runDir(t), t.TempDir()
	c := exec.Command("make", "-s", "run", fmt.Sprintf("PORT=%d", port))
	c.Dir = root
	c.Env = append(os.Environ(), "IMGTOOLS_RUN="+run, "HOME="+home)
	made := startGroup(t, "make run", c)
	log := made.log
	_, err := log.Wait(2*time.Minute, made.gone, func(s string) string {
		return regexp.MustCompile(`(?m)^.*imgput .*\| .*imgget .*\n`).FindString(s)
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) < 3 {
		t.Fatalf("make run prints\n%s", log)
	}
	lines = lines[len(lines)-3:]
	url := fmt.Sprintf("http://localhost:%d/", port)
	if got := strings.Fields(lines[0]); got[len(got)-1] != url {
		t.Errorf("the first line is %q, want %s", lines[0], url)
	}
	must(t, root, "curl -sf -4 "+url+" && curl -sf -6 "+url)
	second := exec.Command("make", "-s", "run", fmt.Sprintf("PORT=%d", port))
	second.Dir, second.Env = root, append(os.Environ(), "IMGTOOLS_RUN="+runDir(t), "HOME="+t.TempDir())
	if out, err := second.CombinedOutput(); err == nil || !strings.Contains(string(out), "\nanother port: make run PORT=n\n") {
		t.Errorf("a second one at the same port: %v\n%s", err, out)
	}
	lines[0] = strings.TrimSpace(lines[0])
	out := t.TempDir()
	for i, words := range []string{"curl -T ", "imgput "} {
		line := strings.TrimSpace(lines[i+1])
		if !strings.Contains(line, words) {
			t.Errorf("line %q, want one with %q", line, words)
		}
		file := regexp.MustCompile(`> (/tmp/\S+)$`).FindStringSubmatch(line)
		if file == nil {
			t.Errorf("line %q writes to no file in /tmp", line)
			continue
		}
		result := filepath.Join(out, filepath.Base(file[1]))
		r := sh(t, root, "export IMGTOOLS_RUN="+run+"; "+strings.Replace(line, file[1], result, 1))
		if r.status != 0 {
			t.Errorf("%s: exit %d %s", line, r.status, r.err)
			continue
		}
		if m, _ := decode(t, read(t, result)); m.Bounds().Dx() < 10 {
			t.Errorf("%s gave a picture of %v", line, m.Bounds())
		}
	}
	if _, err := os.Stat(filepath.Join(home, ".local/state/imgtools")); err != nil {
		t.Errorf("no spool in the user's state folder: %v", err)
	}
}

// Without Go, or with an old one, make says so in one line.
func TestMakeNeedsGo(t *testing.T) {
	tools := t.TempDir()
	for _, name := range []string{"sh", "cut", "make"} {
		must(t, tools, "ln -s $(command -v "+name+") .")
	}
	r := sh(t, root, "PATH="+tools+" make -s all")
	if r.status == 0 || !strings.Contains(r.err, "go is not installed; imgtools needs Go 1.26 or newer") {
		t.Errorf("without go: exit %d, %q", r.status, r.err)
	}
	for _, old := range []string{"go1.19.8", "go1.25.4", "go1.3"} {
		write(t, tools, "go", []byte("#!/bin/sh\ncase $1 in env) echo "+old+";; version) echo go version "+old+" linux/amd64;; *) exit 9;; esac\n"))
		must(t, tools, "chmod +x go")
		r = sh(t, root, "PATH="+tools+" make -s all")
		if r.status == 0 || !strings.Contains(r.err, "needs Go 1.26 or newer, and go is "+old) {
			t.Errorf("with %s: exit %d, %q", old, r.status, r.err)
		}
	}
}

// tests/setup.sh prints nothing when all it needs is installed. Otherwise, run by a user
// who may not install packages, it names those that are missing.
func TestSetupNamesWhatIsMissing(t *testing.T) {
	if r := sh(t, root, "tests/setup.sh"); r.status != 0 || len(r.out)+len(r.err) > 0 {
		t.Errorf("with everything there: exit %d, %q %q", r.status, r.out, r.err)
	}
	tools := t.TempDir()
	must(t, tools, "ln -s $(command -v sh) $(command -v cat) $(command -v mandoc) .; printf '#!/bin/sh\\necho 1000\\n' > id; chmod +x id")
	r := sh(t, root, "PATH="+tools+" "+tools+"/sh tests/setup.sh")
	if r.status != 1 || !strings.Contains(r.err, "curl") || !strings.Contains(r.err, "apt-get install") || strings.Contains(r.err, "mandoc") || strings.Count(r.err, "\n") != 1 {
		t.Errorf("without tools and not root: exit %d, %q", r.status, r.err)
	}
}
