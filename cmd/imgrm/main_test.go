package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"imgtools/cmd/internal/cmdtest"
	"imgtools/pkg/shell/client/fakeimgd"
	"imgtools/pkg/shell/faketerm"
)

func TestMain(m *testing.M) { cmdtest.Main(m, main) }

// imgrm returns the command with the server at address and a home of its own.
func imgrm(t *testing.T, home, address string, args ...string) *exec.Cmd {
	cmd := cmdtest.Command(t, "", args...)
	cmd.Env = append(cmd.Env, "HOME="+home, "TMPDIR="+home, "IMGTOOLS_RUN="+home, "IMGD="+address)
	return cmd
}

func check(t *testing.T, what string, cmd *exec.Cmd, wantErr string, wantStatus int) {
	t.Helper()
	stdout, stderr, status := cmdtest.Run(t, cmd)
	if stdout != "" || stderr != wantErr || status != wantStatus {
		t.Errorf("%s: status %d, stdout %q, stderr %q\nwant %d, %q", what, status, stdout, stderr, wantStatus, wantErr)
	}
}

// id returns the n-th job id of a test.
func id(n int) string { return strings.Repeat("a", 25) + string(rune('a'+n)) }

// left returns the numbers of the jobs that the server has.
func left(s *fakeimgd.Server) string {
	var all string
	for _, j := range s.Jobs() {
		all += j.ID[25:]
	}
	return all
}

func server() *fakeimgd.Server {
	s := &fakeimgd.Server{}
	for i := range 6 {
		s.Add(id(i), "", "x")
	}
	return s
}

func TestRemove(t *testing.T) {
	s := server()
	url, sock, home := s.Start(t), s.StartUnix(t), t.TempDir()
	check(t, "arguments", imgrm(t, home, sock, id(1), id(3), id(1)), "", 0)
	if got := left(s); got != "acef" {
		t.Errorf("left: %s", got)
	}
	cmd := imgrm(t, home, sock)
	cmd.Stdin = strings.NewReader(id(0) + "\n\n" + id(0) + "\n")
	check(t, "stdin", cmd, "", 0)
	check(t, "URL", imgrm(t, home, "", url+"/jobs/"+id(2)), "", 0)
	if got := left(s); got != "ef" {
		t.Errorf("left: %s", got)
	}
}

// Nothing is removed when an operand is wrong, and never what was not named.
func TestErrors(t *testing.T) {
	s := server()
	home, address := t.TempDir(), s.Start(t)
	check(t, "no id", imgrm(t, home, address, id(0), "*"), "imgrm: \"*\": not a job id\nsee imgrm -h\n", 2)
	check(t, "nothing", imgrm(t, home, address), "imgrm: no job ids on standard input\n", 1)
	term := faketerm.Open(t, 80, 24, 0, 0)
	cmd := imgrm(t, home, address)
	cmd.Stdin = term.Near
	check(t, "terminal", cmd, "usage: imgrm [-h] [-a ADDRESS] [-token FILE] [id]...\nsee imgrm -h\n", 2)
	if got := left(s); got != "abcdef" {
		t.Errorf("left: %s", got)
	}
	check(t, "one unknown", imgrm(t, home, address, id(0), id(20), id(1)), "imgrm: aaaaaa…: no such job\n", 1)
	check(t, "gone", imgrm(t, home, address, id(0)), "imgrm: aaaaaa…: gone\n", 1)
	if got := left(s); got != "cdef" {
		t.Errorf("left: %s", got)
	}
	check(t, "no server", imgrm(t, home, home+"/none", id(2)), "imgrm: no imgd at "+home+"/none; start one with 'imgd &' or set IMGD\n", 75)
}

// An answer that is lost is asked for again, and that the job is gone then is
// what was wanted.
func TestLostAnswer(t *testing.T) {
	s := server()
	s.Fault = func(w http.ResponseWriter, r *http.Request, before int) bool {
		if before > 0 {
			return false
		}
		again := r.Clone(r.Context())
		again.URL.RawQuery = "" // the server does it
		var rec discard
		s.ServeHTTP(&rec, again)
		fakeimgd.Drop(w)
		return true
	}
	address := s.StartUnix(t)
	check(t, "lost", imgrm(t, t.TempDir(), address, id(4)), "", 0)
	if got := left(s); got != "abcdf" {
		t.Errorf("left: %s", got)
	}
}

// discard is an answer that nobody gets.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header {
	if d.h == nil {
		d.h = http.Header{}
	}
	return d.h
}
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// What is removed leaves the user's list.
func TestOwnList(t *testing.T) {
	s := server()
	home, sock := t.TempDir(), s.StartUnix(t)
	path := filepath.Join(home, ".local/state/imgput/jobs")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	mine := func(n int) string { return id(n) + "\tunix:" + sock + "\t1700000000\n" }
	if err := os.WriteFile(path, []byte(mine(0)+mine(1)+mine(9)), 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, "remove", imgrm(t, home, sock, id(0), id(9)), "imgrm: aaaaaa…: no such job\n", 1)
	if b, err := os.ReadFile(path); err != nil || string(b) != mine(1) {
		t.Errorf("the list is %q, %v", b, err)
	}
}

// A job of several sizes is deleted once and as a whole, whichever of them is named.
func TestSeveralSizes(t *testing.T) {
	s := &fakeimgd.Server{}
	s.AddSizes(id(0), "a.png", "a", "320x,640x")
	s.AddSizes(id(1), "b.png", "b", "320x,640x")
	home, address := t.TempDir(), s.Start(t)
	check(t, "all names of one", imgrm(t, home, address, id(0), id(0)+"/2"), "", 0)
	check(t, "the second alone", imgrm(t, home, address, id(1)+"/2"), "", 0)
	if left := s.Jobs(); len(left) != 0 {
		t.Errorf("%d jobs are left", len(left))
	}
}
