package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"imgtools/cmd/internal/cmdtest"
	"imgtools/pkg/shell/client/fakeimgd"
	"imgtools/pkg/shell/faketerm"
)

func TestMain(m *testing.M) { cmdtest.Main(m, main) }

// imgls returns the command with the server at address and a home of its own.
func imgls(t *testing.T, home, address string, args ...string) *exec.Cmd {
	cmd := cmdtest.Command(t, "", args...)
	cmd.Env = append(cmd.Env, "HOME="+home, "TMPDIR="+home, "IMGTOOLS_RUN="+home, "IMGD="+address)
	return cmd
}

func check(t *testing.T, what string, cmd *exec.Cmd, wantOut, wantErr string, wantStatus int) {
	t.Helper()
	stdout, stderr, status := cmdtest.Run(t, cmd)
	if stdout != wantOut || stderr != wantErr || status != wantStatus {
		t.Errorf("%s: status %d, stdout %q, stderr %q\nwant %d, %q, %q", what, status, stdout, stderr, wantStatus, wantOut, wantErr)
	}
}

// id returns the n-th job id of a test.
func id(n int) string {
	return strings.Repeat("a", 24) + string(rune('a'+n/26)) + string(rune('a'+n%26))
}

// server has a job of each state.
func server() (s *fakeimgd.Server, lines []string) {
	s = &fakeimgd.Server{State: map[string]fakeimgd.State{
		id(1): {State: "queued", Place: 12},
		id(2): {State: "running"},
		id(3): {State: "failed", Detail: "truncated after 41 of 63 rows"},
	}}
	for i, name := range []string{"a.png", "b c.jpg", "", "d\x1b[2J\nd.jpg"} {
		s.Add(id(i), name, "x")
	}
	return s, []string{
		id(0) + "  done         -  a.png\n",
		id(1) + "  queued      12  b c.jpg\n",
		id(2) + "  running      -  -\n",
		id(3) + "  failed       -  d\\u001b[2J d.jpg: truncated after 41 of 63 rows\n",
	}
}

func TestStates(t *testing.T) {
	s, lines := server()
	url, sock := s.Start(t), s.StartUnix(t)
	for _, address := range []string{url, sock} {
		t.Run(address, func(t *testing.T) {
			all := strings.Join(lines, "")
			check(t, "arguments", imgls(t, t.TempDir(), address, id(0), id(1), id(2), id(3)), all, "", 0)
			cmd := imgls(t, t.TempDir(), address)
			cmd.Stdin = strings.NewReader(id(0) + "\n\n" + id(1) + "\r\n" + id(2) + "\n" + id(3))
			check(t, "stdin", cmd, all, "", 0)
			cmd = imgls(t, t.TempDir(), address, id(3), "-", id(0))
			cmd.Stdin = strings.NewReader(id(1) + "\n")
			check(t, "both", cmd, lines[3]+lines[1]+lines[0], "", 0)
		})
	}
	job := url + "/jobs/" + id(0)
	check(t, "URL", imgls(t, t.TempDir(), "", job), strings.Replace(lines[0], id(0), job, 1), "", 0)
}

func TestErrors(t *testing.T) {
	s, lines := server()
	home, address := t.TempDir(), s.Start(t)
	check(t, "unknown", imgls(t, home, address, id(0), id(9), id(1)), lines[0]+lines[1], "imgls: aaaaaa…: no such job\n", 1)
	check(t, "no id", imgls(t, home, address, id(0), "abc"), "", "imgls: \"abc\": not a job id\nsee imgls -h\n", 2)
	cmd := imgls(t, home, address)
	cmd.Stdin = strings.NewReader("abc\n" + id(0) + "\n")
	check(t, "no id on stdin", cmd, lines[0], "imgls: \"abc\": not a job id\n", 1)
	cmd = imgls(t, home, address)
	cmd.Stdin = strings.NewReader("")
	check(t, "nothing on stdin", cmd, "", "imgls: no job ids on standard input\n", 1)
	check(t, "no server", imgls(t, home, home+"/none", id(0)), "", "imgls: no imgd at "+home+"/none; start one with 'imgd &' or set IMGD\n", 75)
	cmd = imgls(t, home, "")
	cmd.Env = append(cmd.Env, "XDG_RUNTIME_DIR="+home+"/x")
	check(t, "no server for the list", cmd, "", "imgls: no imgd at "+home+"/imgd.sock or "+home+"/x/imgtools/imgd.sock or "+
		fmt.Sprintf("%s/imgtools-%d/imgd.sock", home, os.Getuid())+" or /run/imgtools/imgd.sock; start one with 'imgd &' or set IMGD\n", 75)
	check(t, "no home", imgls(t, "", address), "", "imgls: no list: neither XDG_STATE_HOME nor HOME is set\n", 1)
}

// A server that is busy for a moment is asked again.
func TestBusyServer(t *testing.T) {
	s, lines := server()
	s.Fault = func(w http.ResponseWriter, r *http.Request, before int) bool {
		if before < 2 {
			fakeimgd.Fail(w, 503, "busy")
		}
		return before < 2
	}
	check(t, "busy", imgls(t, t.TempDir(), s.Start(t), id(0)), lines[0], "", 0)
}

// Many are asked about, eight at once, and told in order.
func TestManyInOrder(t *testing.T) {
	var arrived atomic.Int32
	all := make(chan struct{})
	s := &fakeimgd.Server{Fault: func(http.ResponseWriter, *http.Request, int) bool {
		if arrived.Add(1) == 8 {
			close(all)
		}
		<-all // none of the first eight is answered before all are there
		return false
	}}
	var args []string
	var want strings.Builder
	for i := range 100 {
		args = append(args, s.Add(id(i), fmt.Sprint(i), "x"))
		fmt.Fprintf(&want, "%s  done         -  %d\n", id(i), i)
	}
	check(t, "many", imgls(t, t.TempDir(), s.Start(t), args...), want.String(), "", 0)
	if n := s.MostAtOnce(); n != 8 {
		t.Errorf("%d at once", n)
	}
}

// Without ids it is the user's list: of this server, without what is gone, which
// is taken out.
func TestOwnList(t *testing.T) {
	s, lines := server()
	home, sock := t.TempDir(), s.StartUnix(t)
	path := filepath.Join(home, ".local/state/imgput/jobs")
	check(t, "none", imgls(t, home, sock), "", "", 0)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	mine := func(n int) string { return id(n) + "\tunix:" + sock + "\t1700000000\n" }
	other := id(3) + "\thttp://other.example\t1700000000\n"
	if err := os.WriteFile(path, []byte(mine(1)+mine(8)+other+mine(0)), 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, "list", imgls(t, home, sock), lines[1]+lines[0], "", 0)
	if b, err := os.ReadFile(path); err != nil || string(b) != mine(1)+other+mine(0) {
		t.Errorf("the list is %q, %v", b, err)
	}
	// A terminal is not read.
	term := faketerm.Open(t, 80, 24, 0, 0)
	cmd := imgls(t, home, sock)
	term.Start(cmd)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	want := lines[1] + lines[0]
	term.Await("list", func(said string) bool { return faketerm.Screen(said) == want })
	// The socket that is found is the same server as the one that is named.
	run := t.TempDir()
	if err := os.Rename(sock, run+"/imgd.sock"); err != nil {
		t.Fatal(err)
	}
	moved := strings.ReplaceAll(mine(0), sock, run+"/imgd.sock")
	if err := os.WriteFile(path, []byte(moved), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd = imgls(t, home, "")
	cmd.Env = append(cmd.Env, "IMGTOOLS_RUN="+run)
	check(t, "found", cmd, lines[0], "", 0)
	cmd = imgls(t, home, "./imgd.sock")
	cmd.Dir = run
	check(t, "relative", cmd, lines[0], "", 0)
}

func TestLongAndJSON(t *testing.T) {
	s, lines := server()
	s.State[id(0)] = fakeimgd.State{State: "done", More: map[string]any{
		"ops": "gray&scale=1/4", "received": "2026-11-29T18:00:01+01:00", "started": "2026-11-29T17:00:02Z", "finished": "2026-11-29T17:00:02.25Z",
		"in": map[string]int{"bytes": 2400000}, "out": map[string]any{"bytes": 180000, "type": "image/jpeg", "width": 1008, "height": 756}}}
	sock := s.StartUnix(t)
	all := []string{id(0), id(1), id(2), id(3)}
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"long", []string{"-long"}, id(0) + "  done         -  2026-11-29T17:00:01Z    0.25    2400000     180000     1008x756  gray&scale=1/4  a.png\n" +
			id(1) + "  queued      12  -                          -          -          -            -  -  b c.jpg\n" +
			id(2) + "  running      -  -                          -          -          -            -  -  -\n" +
			id(3) + "  failed       -  -                          -          -          -            -  -  d\\u001b[2J d.jpg: truncated after 41 of 63 rows\n"},
		{"state", []string{"-state", "failed"}, lines[3]},
		{"no job in that state", []string{"-state", "queued", "-long", id(0)}, ""},
		{"json", []string{"-json", "-state", "queued"}, `{"id":"` + id(1) + `","name":"b c.jpg","place":12,"state":"queued"}` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := c.args
			if args[len(args)-1] != id(0) {
				args = append(args, all...)
			}
			check(t, c.name, imgls(t, t.TempDir(), sock, args...), c.want, "", 0)
		})
	}
	check(t, "both", imgls(t, t.TempDir(), sock, "-long", "-json", id(0)), "", "imgls: -long and -json exclude each other\nsee imgls -h\n", 2)
	check(t, "no state", imgls(t, t.TempDir(), sock, "-state", "lost", id(0)), "", "imgls: invalid value \"lost\" for flag -state: not one of queued running done failed\nsee imgls -h\n", 2)
}

// ID/2 shows its job; with -long what the second result is.
func TestSeveralSizes(t *testing.T) {
	s := &fakeimgd.Server{}
	s.AddSizes(id(0), "a.png", "a", "320x,640x")
	address := s.Start(t)
	check(t, "the line", imgls(t, t.TempDir(), address, id(0)+"/2"), id(0)+"/2  done         -  a.png\n", "", 0)
	stdout, _, _ := cmdtest.Run(t, imgls(t, t.TempDir(), address, "-long", id(0), id(0)+"/2"))
	lines := strings.Split(stdout, "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], " 100x1 ") || !strings.Contains(lines[1], " 200x2 ") {
		t.Errorf("%q", stdout)
	}
	check(t, "a third", imgls(t, t.TempDir(), address, id(0)+"/3"), "", "imgls: aaaaaa…/3: no result 3 of 2\n", 1)
}
