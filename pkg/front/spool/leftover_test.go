package spool

import (
	"os"
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
