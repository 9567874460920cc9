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
