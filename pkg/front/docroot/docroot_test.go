package docroot

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// tree makes a folder with a file outside of it, and returns the folder.
func tree(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	dir := filepath.Join(top, "root")
	for _, d := range []string{"root/sub/deep", "root/.git"} {
		if err := os.MkdirAll(filepath.Join(top, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"secret": "secret", "root/a.jpg": "a", "root/sub/b c.jpg": "b", "root/sub/deep/é.jpg": "e",
		"root/.hidden": "no", "root/.git/x.jpg": "no", "root/100%.jpg": "percent"} {
		if err := os.WriteFile(filepath.Join(top, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"link.jpg": "a.jpg", "out.jpg": "../secret", "up": "..", "abs.jpg": "/etc/passwd", "sublink": "sub"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, dir string) *Root {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOnlyRegularFilesBeneathAreThere(t *testing.T) {
	r := open(t, tree(t))
	for path, want := range map[string]string{
		"a.jpg": "a", "sub/b c.jpg": "b", "sub/deep/é.jpg": "e", "100%.jpg": "percent",
		"": "", ".": "", "..": "", "../secret": "", "sub/../../secret": "", "sub/../a.jpg": "", "sub//b c.jpg": "", "/etc/passwd": "", "a.jpg/": "", "a.jpg/x": "",
		"sub": "", "fifo": "", ".hidden": "", ".git/x.jpg": "", "sub/.": "", "link.jpg": "", "out.jpg": "", "up/secret": "", "abs.jpg": "", "sublink/b c.jpg": "",
		"none": "", "a.jpg\x00": "", "a\x00.jpg": "", strings.Repeat("x", 300): "", strings.Repeat("x/", 4000): "", "%2e%2e/secret": "",
		"proc/self/fd/0": "",
	} {
		t.Run(path[:min(len(path), 20)], func(t *testing.T) {
			f, err := r.Open(path)
			if want == "" {
				if err == nil || fault.Of(err) != fault.NotFound {
					t.Errorf("%q: %v", path, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			b, err := io.ReadAll(f)
			if string(b) != want || err != nil || f.Info.Size != int64(len(want)) {
				t.Errorf("%q, %v, %d bytes", b, err, f.Info.Size)
			}
			again, err := f.Reader()
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if b, _ := io.ReadAll(again); string(b) != want {
				t.Errorf("read again: %q", b)
			}
			if _, err := again.Write([]byte("x")); err == nil {
				t.Error("it can be written")
			}
		})
	}
}

// While folders are renamed and replaced by links, a path never leads outside.
func TestRenameRaces(t *testing.T) {
	dir := tree(t)
	outside := filepath.Join(filepath.Dir(dir), "outside")
	if err := os.MkdirAll(outside, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outside, "b c.jpg"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "trap")); err != nil {
		t.Fatal(err)
	}
	r := open(t, dir)
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		sub, trap, moved := filepath.Join(dir, "sub"), filepath.Join(dir, "trap"), filepath.Join(filepath.Dir(dir), "moved")
		for !stop.Load() {
			unix.Renameat2(unix.AT_FDCWD, sub, unix.AT_FDCWD, trap, unix.RENAME_EXCHANGE)
			os.Rename(sub, moved) // out of the folder, while it may be walked
			os.Rename(moved, sub)
		}
	}()
	found := 0
	for range 20_000 {
		f, err := r.Open("sub/b c.jpg")
		if err != nil {
			if k := fault.Of(err); k != fault.NotFound && k != fault.Busy {
				t.Fatal(err)
			}
			continue
		}
		b, _ := io.ReadAll(f)
		f.Close()
		if string(b) != "b" {
			t.Fatalf("read %q", b)
		}
		found++
	}
	stop.Store(true)
	<-done
	if found == 0 {
		t.Error("the file was never there: the race was not run")
	}
}

func TestChangesAreSeen(t *testing.T) {
	dir := tree(t)
	r := open(t, dir)
	path := filepath.Join(dir, "a.jpg")
	for name, change := range map[string]func() error{
		"grown":     func() error { return os.WriteFile(path, []byte("aaa"), 0o644) },
		"shrunk":    func() error { return os.Truncate(path, 0) },
		"same size": func() error { return os.WriteFile(path, []byte("b"), 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte("a"), 0o644); err != nil {
				t.Fatal(err)
			}
			// So that the change gets another time, however coarse the clock.
			if err := os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
			f, err := r.Open("a.jpg")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if f.Changed() {
				t.Error("changed before it was")
			}
			if err := change(); err != nil {
				t.Fatal(err)
			}
			if !f.Changed() {
				t.Error("the change is not seen")
			}
		})
	}
}

func TestFolderThatIsAway(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none")); fault.Of(err) != fault.Usage {
		t.Errorf("at start: %v", err)
	}
	dir := tree(t)
	r := open(t, dir)
	if err := os.Rename(dir, dir+"2"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open("a.jpg"); fault.Of(err) != fault.Busy {
		t.Errorf("gone: %v", err)
	}
	if err := os.Rename(dir+"2", dir); err != nil {
		t.Fatal(err)
	}
	f, err := r.Open("a.jpg")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	for name, text := range map[string]string{"secret": "secret", "root/a": "fine", "root/b/c": "fine"} {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		os.WriteFile(path, []byte(text), 0o644)
	}
	r, err := Open(filepath.Join(dir, "root"))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"a", "b/c", "../secret", "b/../../secret", "..", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		file, err := r.Open(path)
		if err != nil {
			return
		}
		defer file.Close()
		if b, _ := io.ReadAll(file); !bytes.Equal(b, []byte("fine")) {
			t.Errorf("%q: %q", path, b)
		}
	})
}
