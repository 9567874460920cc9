package lease

import (
	"os"
	"path/filepath"
	"testing"
)

func open(t *testing.T, path string, flags int) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestHasWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "result")
	w := open(t, path, os.O_CREATE|os.O_WRONLY)
	r := open(t, path, os.O_RDONLY)
	if has, err := HasWriter(r); err != nil || !has {
		t.Errorf("with a writer: %v, %v", has, err)
	}
	w.Close()
	open(t, path, os.O_RDONLY)
	for range 2 { // the first lease was given back
		if has, err := HasWriter(r); err != nil || has {
			t.Errorf("with readers alone: %v, %v", has, err)
		}
	}
	if _, err := HasWriter(os.NewFile(1<<20, "closed")); err == nil {
		t.Error("a file that is not open has no error")
	}
}

func TestAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spare")
	f := open(t, path, os.O_CREATE|os.O_RDWR)
	for _, flags := range []int{os.O_RDONLY, os.O_WRONLY} {
		other := open(t, path, flags)
		if Alone(f) {
			t.Errorf("with another open, flags %d", flags)
		}
		other.Close()
		if !Alone(f) {
			t.Errorf("after it closed, flags %d", flags)
		}
	}
}
