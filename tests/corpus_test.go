package tests

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// buildTool builds a program of tests/ and returns its path.
func buildTool(t *testing.T, name string) string {
	t.Helper()
	exe := filepath.Join(t.TempDir(), name)
	c := exec.Command("go", "build", "-o", exe, "./tests/"+name)
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return exe
}

// The pictures that Go's image packages and x/image are tested with: what is
// valid comes out gray and small, what is broken is refused with a reason.
func TestCorpus(t *testing.T) {
	corpus := buildTool(t, "corpus")
	x, err := xImages()
	if err != nil {
		t.Fatal(err)
	}
	g := goImages(t)
	r := run(t, nil, corpus, "-bin", binDir, filepath.Join(g, "testdata"), filepath.Join(g, "png", "testdata"), x)
	lines := strings.Split(strings.TrimSpace(string(r.out)), "\n")
	last := lines[len(lines)-1]
	if r.status != 0 || !strings.Contains(last, " 0 bad") {
		t.Errorf("exit %d: %s\n%s", r.status, last, r.err)
	}
	ok := 0
	for _, l := range lines[:len(lines)-1] {
		m := regexp.MustCompile(`^(ok|refused|BAD) +(\S+): (.*)$`).FindStringSubmatch(l)
		if m == nil {
			t.Fatalf("line %q", l)
		}
		state, name, text := m[1], filepath.Base(m[2]), m[3]
		picture := regexp.MustCompile(`\.(png|jpeg|gif|bmp|tiff|webp)$`).MatchString(name) && !strings.HasPrefix(name, "invalid-")
		// Its indexes beyond the palette are black to libpng and to Go alike.
		picture = picture || name == "invalid-palette.png"
		switch {
		case state == "BAD":
			t.Error(l)
		case picture && state != "ok":
			t.Errorf("a valid picture: %s", l)
		case !picture && state == "ok":
			t.Errorf("no valid picture: %s", l)
		case state == "refused" && !regexp.MustCompile(`^(format|unsupported|toolarge): .{10}`).MatchString(text):
			t.Errorf("no reason: %s", l)
		}
		if state == "ok" {
			ok++
		}
	}
	if ok < 150 {
		t.Errorf("only %d pictures", ok)
	}
}

// The corpus command itself sees a wrong result: a filter that hangs, crashes,
// gives nothing, rubbish, or another size is BAD.
func TestCorpusSeesBadFilters(t *testing.T) {
	corpus := buildTool(t, "corpus")
	pictures := t.TempDir()
	save(t, pictures, "a.png", photo(30, 21, 1))
	for _, c := range []struct{ scale, says string }{
		{"#!/bin/sh\nexit 0\n", "empty result"},
		{"#!/bin/sh\necho rubbish\n", "another reader refuses"},
		{"#!/bin/sh\nkill -SEGV $$\n", "segmentation fault"},
		{"#!/bin/sh\necho scale: a; echo b >&2; echo c >&2; exit 1\n", "exit status 1"},
		{"#!/bin/sh\nexec cat " + filepath.Join(pictures, "a.png") + "\n", "scale 1/3 30x21"},
	} {
		bin := t.TempDir()
		for _, name := range []string{"gray", "grayd"} {
			must(t, "", "ln -s "+filepath.Join(binDir, name)+" "+bin)
		}
		write(t, bin, "scale", []byte(c.scale))
		must(t, bin, "chmod +x scale")
		r := run(t, nil, corpus, "-bin", bin, pictures)
		if r.status != 1 || !bytes.Contains(r.out, []byte("BAD")) || !bytes.Contains(r.out, []byte(c.says)) {
			t.Errorf("%q: exit %d, %s%s", c.scale, r.status, r.out, r.err)
		}
	}
}
