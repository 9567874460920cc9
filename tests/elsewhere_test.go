package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each of our lines in COMING FROM ELSEWHERE runs, and where the other program is
// here too, its line makes a picture of the same size and kind.
func TestManElsewhere(t *testing.T) {
	s := startImgd(t)
	t.Setenv("IMGD", s.url)
	pairs := regexp.MustCompile(`(?m)^\.It Ql (.*)\n\.Ql (.*)$`).FindAllStringSubmatch(tour(t, "COMING FROM ELSEWHERE"), -1)
	if len(pairs) < 12 {
		t.Fatalf("%d pairs of calls", len(pairs))
	}
	// What a line of shell leaves behind: the size of the picture, and whether it is gray.
	foo := read(t, save(t, t.TempDir(), "foo.jpg", photo(800, 600, 8)))
	made := func(line string) string {
		dir := t.TempDir()
		write(t, dir, "foo.jpg", foo)
		if err := os.Mkdir(filepath.Join(dir, "small"), 0o777); err != nil {
			t.Fatal(err)
		}
		if r := sh(t, dir, line); r.status != 0 {
			t.Errorf("%s: exit %d\n%s", line, r.status, r.err)
			return ""
		}
		return string(must(t, dir, "find . -type f ! -path ./foo.jpg | xargs -r /usr/bin/identify -format '%wx%h %[channels]\n'"))
	}
	both := 0
	for _, p := range pairs {
		theirs, ours := unroff(p[1]), localServer.ReplaceAllLiteralString(unroff(p[2]), s.url)
		got := made(ours)
		if strings.Count(got, "\n") != 1 {
			t.Errorf("%s made %q", ours, got)
		}
		name, _, _ := strings.Cut(theirs, " ")
		path := map[string]string{"convert": "/usr/bin/convert", "mogrify": "/usr/bin/mogrify"}[name]
		if path != "" {
			both++
		} else if name == "vipsthumbnail" || name == "jpegtran" { // extras
			path, _ = exec.LookPath(name)
		}
		if path != "" {
			if want := made(path + strings.TrimPrefix(theirs, name)); got != want {
				t.Errorf("%s made %q\n%s made %q", ours, got, theirs, want)
			}
		}
	}
	if both < 3 {
		t.Errorf("only %d calls of ImageMagick", both)
	}
}

// The table of errors agrees with imgd(8)'s and with pkg/fault.
func TestManErrors(t *testing.T) {
	type row struct{ kind, status, exit, again string }
	got := map[string]row{}
	for _, m := range regexp.MustCompile(`(?m)^\.It (\w+) Ta (\d+) Ta (\d+) Ta (yes|no) Ta \S`).FindAllStringSubmatch(tour(t, "OPERATION"), -1) {
		got[m[1]] = row{m[1], m[2], m[3], m[4]}
	}
	exits := map[string]string{"ExitFail": "1", "ExitUsage": "2", "ExitAgain": "75"}
	words := map[string]string{"true": "yes", "false": "no"}
	kinds := regexp.MustCompile(`(?m)^\s+\w+: +\{"(\w+)", (\d+), (\w+), (true|false), (?:true|false)\},`).FindAllStringSubmatch(string(read(t, filepath.Join(root, "pkg/fault/fault.go"))), -1)
	if len(kinds) < 16 || len(kinds) != len(got) {
		t.Errorf("%d kinds in pkg/fault, %d in imgtools.7", len(kinds), len(got))
	}
	imgd := string(read(t, filepath.Join(root, "man/imgd.8")))
	for _, k := range kinds {
		if want := (row{k[1], k[2], exits[k[3]], words[k[4]]}); got[k[1]] != want {
			t.Errorf("imgtools.7 has %v, pkg/fault %v", got[k[1]], want)
		}
		if !regexp.MustCompile(`(?m)^\.It ` + k[1] + ` Ta ` + k[2] + `\b`).MatchString(imgd) {
			t.Errorf("imgd.8 has no line for %s with %s", k[1], k[2])
		}
	}
}

// What an operator is told to watch is there to be watched.
func TestManWatching(t *testing.T) {
	s := startImgd(t)
	_, metrics := s.want(t, 200, "GET", "/metrics", nil)
	names := regexp.MustCompile(`imgtools_[a-z_]+`).FindAllString(tour(t, "OPERATION"), -1)
	if len(names) < 8 {
		t.Errorf("only %d figures: %v", len(names), names)
	}
	for _, n := range names {
		if !strings.Contains(string(metrics), "# TYPE "+n+" ") {
			t.Errorf("/metrics has no %s", n)
		}
	}
}
