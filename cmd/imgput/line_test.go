package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imgtools/pkg/shell/client/fakeimgd"
	"imgtools/pkg/shell/faketerm"
)

// On a terminal: bytes, done of total and waiting for a busy server, the ids on
// lines of their own, and nothing left at the end.
func TestProgressOnTerminal(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte(strings.Repeat("x", 1024<<i)), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	hold, busy := make(chan struct{}), make(chan struct{})
	s := &fakeimgd.Server{}
	s.Fault = func(w http.ResponseWriter, r *http.Request, before int) bool {
		if !strings.Contains(r.URL.RawQuery, "name=2") {
			return false
		}
		select {
		case <-hold:
		default:
			<-hold
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(503)
			close(busy)
			return true
		}
		return false
	}
	term := faketerm.Open(t, 100, 24, 0, 0)
	cmd := imgput(t, dir, s.Start(t), "0", "1", "2")
	cmd.Stdout, cmd.Stderr = nil, nil
	term.Start(cmd)
	shows := func(line string) {
		t.Helper()
		term.Await(line, func(said string) bool { return strings.Contains(faketerm.Screen(said), line) })
	}
	shows("2 of 3 sent, 3.0 KiB of 7.0 KiB")
	shows("imgput: [########............] ")
	close(hold)
	<-busy
	shows(", imgd is busy: waiting")
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %q", err, term.Said())
	}
	var want string
	for _, j := range s.Jobs() {
		want += j.ID + "\n"
	}
	term.Await("ids and nothing else", func(said string) bool {
		a, b := strings.Split(faketerm.Screen(said), "\n"), strings.Split(want, "\n")
		if len(a) != len(b) {
			return false
		}
		for _, id := range b {
			if !strings.Contains("\n"+strings.Join(a, "\n")+"\n", "\n"+id+"\n") {
				return false
			}
		}
		return true
	})
}

// -quiet, a file and a pipe are silent.
func TestQuietOnTerminal(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	s := &fakeimgd.Server{Fault: func(w http.ResponseWriter, r *http.Request, before int) bool {
		if before == 0 {
			w.Header().Set("Retry-After", "1") // long enough for a line
			w.WriteHeader(503)
		}
		return before == 0
	}}
	term := faketerm.Open(t, 100, 24, 0, 0)
	cmd := imgput(t, dir, s.Start(t), "-quiet", "a")
	cmd.Stdout, cmd.Stderr = nil, nil
	term.Start(cmd)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	want := s.Jobs()[0].ID + "\r\n"
	if said := term.Await("id", func(said string) bool { return strings.HasSuffix(said, want) }); said != want {
		t.Errorf("%q", said)
	}
}
