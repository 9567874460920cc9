package output

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"imgtools/pkg/eventually"
	"imgtools/pkg/shell/system"
)

// TestSweepRemovesWhatDeadProcessesLeft: and nothing else: no file that is being written,
// none that a link leads to, none of another name.
func TestSweepRemovesWhatDeadProcessesLeft(t *testing.T) {
	dir := t.TempDir()
	put := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	left := put(tmpName()) // as SIGKILL leaves it: without a lock
	kept := []string{put("a.jpg"), put(".imgtools-notes"), put(".imgtools-ABCDEFGHIJK1"), put(".imgtools-ABCDEFGHIJKLM")}
	other := t.TempDir() + "/x"
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, tmpName())
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	live, err := d.Create()
	if err != nil {
		t.Fatal(err)
	}
	closing, err := d.Create() // closed, and about to get its name
	if err != nil {
		t.Fatal(err)
	}
	unlock := closing.keepLock()
	closing.Close()
	kept = append(kept, link, live.tmp, closing.tmp)
	if Sweep(dir); !exists(left) {
		t.Error("a file without a lock is removed at once")
	}
	eventually.Within(t, 20*time.Second, "the file of a dead process to be removed", func() bool {
		Sweep(dir)
		return !exists(left)
	})
	for _, path := range kept {
		if !exists(path) {
			t.Errorf("%s is gone", filepath.Base(path))
		}
	}
	unlock()
	eventually.Within(t, 20*time.Second, "a file whose lock is gone to be removed", func() bool {
		Sweep(dir)
		return !exists(closing.tmp)
	})
	path, err := live.Commit("b.jpg")
	if err != nil || path != filepath.Join(dir, "b.jpg") {
		t.Error(path, err)
	}
	result, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	if !system.TryLock(result) {
		t.Error("the result is still locked")
	}
	var names []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if slices.Contains(names, filepath.Base(live.tmp)) || len(names) != 6 {
		t.Errorf("left: %q", names)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
