package tests

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

// pictureFolder makes a folder of n small JPEGs in folders of ten, among other files.
func pictureFolder(t *testing.T, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "photos")
	for i := range n {
		sub := filepath.Join(dir, fmt.Sprint("day", i/10))
		if err := os.MkdirAll(sub, 0o777); err != nil {
			t.Fatal(err)
		}
		save(t, sub, fmt.Sprintf("IMG_%03d.jpg", i), photo(40+i%30, 30, uint64(i)))
	}
	write(t, dir, "notes.txt", []byte("not a picture\n"))
	write(t, dir, ".hidden.jpg", []byte("not a picture\n"))
	return dir
}

// contents returns the files below a folder, each with its bytes, but for results that
// are being written.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), ".imgtools-") {
			all[strings.TrimPrefix(path, dir)] = string(read(t, path))
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return all
}

// A folder of 500 pictures that is interrupted three times, each time in another way,
// and finished, has the results that one run gives.
func TestInterruptedFolder(t *testing.T) {
	const pictures = 500
	in := pictureFolder(t, pictures)
	before := contents(t, in)
	dir := filepath.Dir(in)
	must(t, dir, "scale -r -d whole 1/2 photos")
	want := contents(t, filepath.Join(dir, "whole"))
	if len(want) != pictures {
		t.Fatalf("%d results of %d", len(want), pictures)
	}
	out := filepath.Join(dir, "out")
	for i, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		c := exec.Command("scale", "-r", "-n", "1", "-skip", "-d", "out", "1/2", "photos")
		c.Dir = dir
		s := start(t, "scale", c)
		eventually.True(t, "more results", func() bool { return len(contents(t, out)) > 60*(i+1) })
		c.Process.Signal(sig)
		<-s.gone
		if c.ProcessState.Success() {
			t.Fatalf("run %d ended before the signal", i+1)
		}
		if done := len(contents(t, out)); done >= pictures {
			t.Fatalf("run %d had no work left: %d results", i+1, done)
		}
	}
	for i := range 2 {
		r := sh(t, dir, "scale -r -skip -d out 1/2 photos")
		var written, left int
		n, err := fmt.Sscanf(r.err, "scale: %d written, %d left alone, 1 not pictures\n", &written, &left)
		if n != 2 || err != nil || r.status != 0 || written+left != pictures || (written == 0) != (i == 1) {
			t.Fatalf("exit %d, %q", r.status, r.err)
		}
	}
	got := contents(t, out)
	if len(got) != len(want) {
		t.Errorf("%d results, want %d", len(got), len(want))
	}
	for name, b := range want {
		if got[name] != b {
			t.Errorf("%s: %d bytes, want %d", name, len(got[name]), len(b))
		}
	}
	for name, b := range contents(t, in) {
		if before[name] != b {
			t.Errorf("the original %s has changed", name)
		}
	}
}

// What -C lists is what is then written.
func TestCheckTellsTheResults(t *testing.T) {
	dir, names := sampleFolder(t)
	write(t, dir, "notes.txt", []byte("not a picture\n"))
	for _, flags := range []string{"-d out", "-f jpeg -d out", "-f jpeg -skip -d out"} {
		t.Run(flags, func(t *testing.T) {
			defer os.RemoveAll(filepath.Join(dir, "out"))
			line := "scale " + flags + " 1/3 " + strings.Join(names, " ")
			listed := strings.Split(strings.TrimSpace(string(must(t, dir, strings.Replace(line, "scale", "scale -C", 1)))), "\n")
			if len(listed) != len(names) {
				t.Fatalf("%d lines: %q", len(listed), listed)
			}
			must(t, dir, line)
			for _, l := range listed {
				var in, out, format string
				var w, h int
				if _, err := fmt.Sscanf(l, "%s -> %s %dx%d %s", &in, &out, &w, &h, &format); err != nil {
					t.Fatalf("%q: %v", l, err)
				}
				m, was := decode(t, read(t, filepath.Join(dir, out)))
				if m.Bounds().Dx() != w || m.Bounds().Dy() != h || was != format && format != "pnm" {
					t.Errorf("%q, but it is %v %s", l, m.Bounds().Size(), was)
				}
			}
			if again := must(t, dir, strings.Replace(line, "scale", "scale -C", 1)); strings.Contains(flags, "-skip") != (len(again) == 0) {
				t.Errorf("a second run would write %q", again)
			}
		})
	}
}

// TestKilledInplaceIsCleanedUp: what a filter that was killed has left in a folder goes with
// the next run there; a filter that is at work keeps its own.
func TestKilledInplaceIsCleanedUp(t *testing.T) {
	dir := t.TempDir()
	save(t, dir, "a.png", photo(60, 40, 1))
	save(t, dir, "b.png", photo(2600, 2000, 2))
	temporary := func() []string {
		names, err := filepath.Glob(filepath.Join(dir, ".imgtools-*"))
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	c := exec.Command("gray", "-inplace", "-keep", "none", "b.png")
	c.Dir = dir
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	eventually.Within(t, 20*time.Second, "the file of a filter at work", func() bool { return len(temporary()) == 1 })
	c.Process.Signal(syscall.SIGSTOP)
	if left := temporary(); len(left) != 1 {
		t.Skipf("it was done before it could be stopped: %q", left)
	}
	must(t, dir, "gray -inplace -keep none a.png")
	if left := temporary(); len(left) != 1 {
		t.Errorf("beside a filter at work another one left %q", left)
	}
	c.Process.Kill()
	c.Wait()
	eventually.Within(t, 20*time.Second, "the next runs to remove what the killed one left", func() bool {
		must(t, dir, "gray -inplace -keep none a.png")
		return len(temporary()) == 0
	})
	if m, _ := decode(t, read(t, filepath.Join(dir, "b.png"))); m.Bounds().Dx() != 2600 {
		t.Error("the original has changed")
	}
}
