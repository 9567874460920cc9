package input

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"imgtools/pkg/fault"
)

func all(t *testing.T, in *Input) string {
	t.Helper()
	b, err := io.ReadAll(in.Reader())
	if err != nil || int64(len(b)) != in.Size {
		t.Errorf("%d bytes of %d, %v", len(b), in.Size, err)
	}
	return string(b)
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.png")
	if err := os.WriteFile(path, []byte("picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for range 2 { // from the first byte each time
		if s := all(t, in); s != "picture" || in.Base != "a.png" || in.Name != path {
			t.Errorf("%q %+v", s, in)
		}
	}
}

func TestErrorsSayTheCauseAlone(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none"), nil); !errors.Is(err, fs.ErrNotExist) || err.Error() != "no such file or directory" {
		t.Error(err)
	}
	if _, err := Open(dir, nil); err == nil || err.Error() != "is a folder" {
		t.Error(err)
	}
}

// What can't be read from any place is gathered, and leaves no file behind.
func TestFifoIsGathered(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("0123456789"), 100000)
	wrote := make(chan error, 1)
	go func() { wrote <- os.WriteFile(path, want, 0) }()
	in, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	if s := all(t, in); s != string(want) || in.Base != "fifo" {
		t.Errorf("%d bytes, %q", len(s), in.Base)
	}
	if entries, _ := os.ReadDir(tmp); len(entries) > 0 {
		t.Errorf("left %v", entries)
	}
}

func TestNoRoomToGather(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w.Close()
	defer func(old *os.File) { os.Stdin = old }(os.Stdin)
	os.Stdin = r
	if in, err := Open("-", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(in, err)
	}
}

// TestDeviceWithoutEnd: of what doesn't begin as a picture only the beginning is copied,
// and what has no end is refused at a limit.
func TestDeviceWithoutEnd(t *testing.T) {
	in, err := Open("/dev/zero", func(head io.ReaderAt, size int64) bool { return size != headSize })
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if in.Size != headSize || !in.Cut {
		t.Errorf("%d bytes were copied, said to be cut: %v", in.Size, in.Cut)
	}
	zero, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	bounded := &Input{file: zero, most: 1 << 20}
	defer bounded.Close()
	if err := bounded.spool(zero); fault.Of(err) != fault.TooLarge || err.Error() != "more than 1M from a pipe or device; a file may have more" {
		t.Error(err)
	}
}
