package spool

import (
	"os"
	"strings"
	"testing"
	"time"
)

// A result that can't be given its name leaves neither itself nor its record.
func TestResultThatCantBeNamed(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	id := submit(t, s, "", "x", gray)
	j := s.Next()
	if err := os.MkdirAll(s.job(id, "out", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	tmp, err := s.Temp()
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Done(tmp, Result{Type: "image/png", Size: 1, Width: 1, Height: 1}); err == nil {
		t.Error("no error")
	}
	names, _ := readNames(s.job(id))
	for _, n := range names {
		if n == "result" || strings.HasPrefix(n, "out.") {
			t.Errorf("%s is left of %q", n, names)
		}
	}
}

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
