package spool

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

func TestCheckOfASpool(t *testing.T) {
	top := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Dir(path)
	}
	opened := filepath.Join(top, "opened")
	if _, err := Open(Config{Dir: opened}); err != nil {
		t.Fatal(err)
	}
	cut := write("cut/"+newVersion+"x", "") // the first start, by a crash
	if err := os.Mkdir(filepath.Join(cut, "jobs"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, dir string
		version   int
		part      string
	}{
		{"not there", filepath.Join(top, "a", "b", "spool"), 0, ""},
		{"below a file", filepath.Join(write("file/x", ""), "x", "spool"), 0, "not a directory"},
		{"a file", filepath.Join(write("file2/x", ""), "x"), 0, "not a folder"},
		{"one that was opened", opened, Version, ""},
		{"empty but for lost+found", write("disk/lost+found/x", "") + "/..", 0, ""},
		{"a first start that was cut off", cut, 0, ""},
		{"jobs without a version", filepath.Dir(write("lost/jobs/x", "")), 0, "no spool"},
		{"newer", write("newer/version", "999\n"), 0, "newer than"},
		{"no number", write("odd/version", "x\n"), 0, "not a number"},
		{"a folder of something else", write("home/photo.jpg", ""), 0, "no spool"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := Check(c.dir)
			if v != c.version || (err == nil) != (c.part == "") || err != nil && (!strings.Contains(err.Error(), c.part) || fault.Of(err) != fault.Usage) {
				t.Errorf("version %d, %v; want %d, %q", v, err, c.version, c.part)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(top, "a")); err == nil {
		t.Error("a folder was made")
	}
}

// What is on tmpfs does not outlive the machine, nor will what is made there.
func TestFleetingFileSystem(t *testing.T) {
	var st unix.Statfs_t
	if err := unix.Statfs("/dev/shm", &st); err != nil || st.Type != unix.TMPFS_MAGIC {
		t.Skip("/dev/shm is not on tmpfs")
	}
	for _, dir := range []string{"/dev/shm", "/dev/shm/none/spool"} {
		if got := Fleeting(dir); got != "tmpfs" {
			t.Errorf("%s: %q, want tmpfs", dir, got)
		}
	}
	if got := Fleeting("/proc/self"); got != "" {
		t.Errorf("/proc/self: %q", got)
	}
}
