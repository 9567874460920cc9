package tests

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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
	r := run(t, nil, corpus, "-bin", binDir, "-peers", "none", filepath.Join(g, "testdata"), filepath.Join(g, "png", "testdata"), x)
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
		// Indexes beyond the palette are black to libpng and to Go alike; the others are
		// damaged only after their pixels.
		readable := []string{"invalid-palette.png", "invalid-noend.png", "invalid-trunc.png", "invalid-zlib.png"}
		picture = picture || slices.Contains(readable, name)
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
		r := run(t, nil, corpus, "-bin", bin, "-peers", "none", pictures)
		if r.status != 1 || !bytes.Contains(r.out, []byte("BAD")) || !bytes.Contains(r.out, []byte(c.says)) {
			t.Errorf("%q: exit %d, %s%s", c.scale, r.status, r.out, r.err)
		}
	}
}

// Corpus compares with other programs: it reports other pixels, another orientation and
// size, and who refuses what, and counts them by format.
func TestCorpusComparesWithOtherPrograms(t *testing.T) {
	corpus := buildTool(t, "corpus")
	pictures := t.TempDir()
	save(t, pictures, "a.jpg", photo(30, 21, 1))
	write(t, pictures, "b.jpg", []byte("\xff\xd8\xff no picture at all"))
	for _, c := range []struct{ name, djpeg, says, table string }{
		{"other pixels", `printf 'P6\n30 21\n255\n'; head -c 1890 /dev/zero`, "djpeg sees other pixels (by ", `jpeg djpeg 1 0 1 0 1 0 0 0 0`},
		{"turned", `printf 'P6\n21 30\n255\n'; head -c 1890 /dev/zero`, "djpeg sees another orientation", `jpeg djpeg 1 0 1 0 0 1 0 0 0`},
		{"another size", `printf 'P6\n10 10\n255\n'; head -c 300 /dev/zero`, "djpeg sees 10×10 pixels, not 30×21", `jpeg djpeg 1 0 1 0 0 0 1 0 0`},
		{"refuses all", `echo 'no such thing' >&2; exit 1`, "djpeg refuses it (no such thing)", `jpeg djpeg 0 1 0 1 0 0 0 0 0`},
		{"reads what we refuse", `printf 'P6\n1 1\n255\nabc'`, "b.jpg: format: ", `jpeg djpeg 1 0 1 0 0 0 1 0 0`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "djpeg", []byte("#!/bin/sh\n"+c.djpeg+"\n"))
			must(t, dir, "chmod +x djpeg")
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			r := run(t, nil, corpus, "-bin", binDir, "-peers", "djpeg", pictures)
			out := string(r.out)
			if r.status != 0 || !strings.Contains(out, c.says) {
				t.Errorf("exit %d, no %q in\n%s%s", r.status, c.says, out, r.err)
			}
			if line := strings.Join(strings.Fields(out), " "); !strings.Contains(line, c.table) {
				t.Errorf("no %q in\n%s", c.table, out)
			}
		})
	}
	t.Run("time over", func(t *testing.T) {
		r := run(t, nil, corpus, "-bin", binDir, "-peers", "djpeg", "-time", "0s", pictures)
		if r.status != 0 || !bytes.Contains(r.out, []byte("2 files were not compared")) {
			t.Errorf("exit %d, %s%s", r.status, r.out, r.err)
		}
	})
}
