package spool

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What a first start leaves when it is killed goes with the rest, once it is old.
func TestVersionFileOfAKilledStart(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	s := open(t, Config{Dir: dir, Now: c.now})
	half := s.path(newVersion + "host.1.1")
	if err := os.WriteFile(half, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, Config{Dir: dir, Now: c.now})
	if !exists(half) {
		t.Error("a young one was removed: its maker may live")
	}
	c.add(2 * time.Hour)
	open(t, Config{Dir: dir, Now: c.now, TTL: 24 * time.Hour})
	if exists(half) {
		t.Error("it is still there")
	}
}

// The folder of the spool may be a link, and so may one above it.
func TestSpoolBehindALink(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/disk", 0o755); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"state": "disk", "spool": "disk/other"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir+"/disk/other", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"state/new/spool", "spool"} {
		t.Run(path, func(t *testing.T) {
			s := open(t, Config{Dir: filepath.Join(dir, path) + "/"})
			id := submit(t, s, "", "1", gray)
			finish(t, s, s.Next(), "out")
			if st, err := s.Status(id); err != nil || st.State != Done {
				t.Errorf("%+v, %v", st, err)
			}
		})
	}
}
