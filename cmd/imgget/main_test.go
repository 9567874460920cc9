package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"imgtools/cmd/internal/cmdtest"
	"imgtools/pkg/eventually"
	"imgtools/pkg/shell/client/fakeimgd"
)

func TestMain(m *testing.M) { cmdtest.Main(m, main) }

// imgget returns the command, in dir, with the server at address.
func imgget(t *testing.T, dir, address string, args ...string) *exec.Cmd {
	cmd := cmdtest.Command(t, dir, args...)
	cmd.Env = append(cmd.Env, "IMGD="+address)
	return cmd
}

// id returns the n-th job id of a test.
func id(n int) string {
	return strings.Repeat("a", 24) + string(rune('a'+n/26)) + string(rune('a'+n%26))
}

func folder(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		b, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		all = append(all, e.Name()+"="+string(b))
	}
	return strings.Join(all, ", ")
}

func check(t *testing.T, what, stdout, stderr string, status int, wantOut, wantErr string, wantStatus int) {
	t.Helper()
	if stdout != wantOut || stderr != wantErr || status != wantStatus {
		t.Errorf("%s: status %d, stdout %q, stderr %q\nwant %d, %q, %q", what, status, stdout, stderr, wantStatus, wantOut, wantErr)
	}
}

func TestOneResult(t *testing.T) {
	s := &fakeimgd.Server{}
	s.Add(id(0), "a.png", "a")
	url, sock := s.Start(t), s.StartUnix(t)
	dir := t.TempDir()
	for _, address := range []string{url, sock, "unix:" + sock, strings.Replace(url, "http://", "tcp:", 1)} {
		t.Run(address, func(t *testing.T) {
			stdout, stderr, status := cmdtest.Run(t, imgget(t, dir, address, id(0)))
			check(t, address, stdout, stderr, status, "gray a", "", 0)
			cmd := imgget(t, dir, address)
			cmd.Stdin = strings.NewReader("\n" + id(0) + "\r\n\n")
			stdout, stderr, status = cmdtest.Run(t, cmd)
			check(t, address+" from stdin", stdout, stderr, status, "gray a", "", 0)
		})
	}
	stdout, stderr, status := cmdtest.Run(t, imgget(t, dir, "", url+"/jobs/"+id(0)))
	check(t, "job URL", stdout, stderr, status, "gray a", "", 0)
	stdout, stderr, status = cmdtest.Run(t, imgget(t, dir, "", "-a", sock, "-o", "out.x", id(0)))
	check(t, "-o", stdout, stderr, status, "", "", 0)
	stdout, stderr, status = cmdtest.Run(t, imgget(t, dir, "", "-a", sock, "-o", "-", id(0)))
	check(t, "-o -", stdout, stderr, status, "gray a", "", 0)
	if f := folder(t, dir); f != "out.x=gray a" {
		t.Error(f)
	}
}

func TestExactlyOneWithoutFolder(t *testing.T) {
	s := &fakeimgd.Server{}
	s.Add(id(0), "a.png", "a")
	s.Add(id(1), "b.png", "b")
	url, dir := s.Start(t), t.TempDir()
	const two = "imgget: several job ids need -d\nsee imgget -h\n"
	for _, args := range [][]string{{id(0), id(1)}, {"-o", "out", id(0), id(1)}} {
		stdout, stderr, status := cmdtest.Run(t, imgget(t, dir, url, args...))
		check(t, "two", stdout, stderr, status, "", two, 2)
	}
	cmd := imgget(t, dir, url)
	cmd.Stdin = strings.NewReader(id(0) + "\n" + id(1) + "\n")
	stdout, stderr, status := cmdtest.Run(t, cmd)
	check(t, "two from stdin", stdout, stderr, status, "", two, 2)
	for _, args := range [][]string{nil, {"-o", "out"}, {"-d", "out"}, {"-"}} {
		for _, in := range []string{"", "\n\n"} {
			cmd := imgget(t, dir, url, args...)
			cmd.Stdin = strings.NewReader(in)
			stdout, stderr, status := cmdtest.Run(t, cmd)
			check(t, "none", stdout, stderr, status, "", "imgget: no job ids on standard input\n", 1)
		}
	}
	if n := len(s.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
	if f := folder(t, dir); f != "" {
		t.Error(f)
	}
}

func TestUsageErrors(t *testing.T) {
	for args, want := range map[string]string{
		"abc":                   `"abc": not a job id`,
		"-d x " + id(0) + " -o": "-o after an id: flags go first",
		"-o x -d y " + id(0):    "-o and -d exclude each other",
		"-q " + id(0):           "unknown flag -q",
		"-w soon " + id(0):      `invalid value "soon" for flag -w: not a time such as 90, 30s, 5m, 1h30m`,
	} {
		t.Run(args, func(t *testing.T) {
			dir := t.TempDir()
			stdout, stderr, status := cmdtest.Run(t, imgget(t, dir, "/none", strings.Fields(args)...))
			check(t, args, stdout, stderr, status, "", "imgget: "+want+"\nsee imgget -h\n", 2)
			if f := folder(t, dir); f != "" {
				t.Error(f)
			}
		})
	}
}

func TestManyResults(t *testing.T) {
	s := &fakeimgd.Server{}
	var ids, want []string
	for i := range 50 {
		name := fmt.Sprintf("%02d.jpg", i)
		ids = append(ids, s.Add(id(i), name, name))
		want = append(want, fmt.Sprintf("%02d.png=gray %s", i, name))
	}
	url, dir := s.Start(t), t.TempDir()
	cmd := imgget(t, dir, url, "-d", "out")
	cmd.Stdin = strings.NewReader(strings.Join(ids, "\n") + "\n" + ids[0]) // one of them twice
	stdout, stderr, status := cmdtest.Run(t, cmd)
	check(t, "stdin", stdout, stderr, status, "", "", 0)
	if f := folder(t, dir+"/out"); f != strings.Join(want, ", ") {
		t.Error(f)
	}
	if n := s.MostAtOnce(); n > 8 {
		t.Errorf("%d at once", n)
	}
	st, err := os.Stat(dir + "/out/00.png")
	if err != nil || !st.ModTime().Equal(fakeimgd.Modified) {
		t.Errorf("time %v, %v", st.ModTime(), err)
	}
	stdout, stderr, status = cmdtest.Run(t, imgget(t, dir, url, append([]string{"-d", "args"}, ids...)...))
	check(t, "arguments", stdout, stderr, status, "", "", 0)
	if f := folder(t, dir+"/args"); f != strings.Join(want, ", ") {
		t.Error(f)
	}
}

func TestEightAtOnce(t *testing.T) {
	var mu sync.Mutex
	arrived, all := 0, make(chan struct{})
	s := &fakeimgd.Server{Fault: func(http.ResponseWriter, *http.Request, int) bool {
		mu.Lock()
		if arrived++; arrived == 8 {
			close(all)
		}
		mu.Unlock()
		<-all
		return false
	}}
	args := []string{"-d", "."}
	for i := range 20 {
		args = append(args, s.Add(id(i), "", fmt.Sprint(i)))
	}
	stdout, stderr, status := cmdtest.Run(t, imgget(t, t.TempDir(), s.Start(t), args...))
	check(t, "eight", stdout, stderr, status, "", "", 0)
	if s.MostAtOnce() != 8 {
		t.Errorf("%d at once", s.MostAtOnce())
	}
}

// Each id is worked on as it comes, while standard input is still open.
func TestIDsAsTheyCome(t *testing.T) {
	fetched := make(chan string, 10)
	s := &fakeimgd.Server{}
	s.Fault = func(_ http.ResponseWriter, r *http.Request, _ int) bool { fetched <- r.URL.Path; return false }
	s.Add(id(0), "a.png", "a")
	s.Add(id(1), "b.png", "b")
	dir := t.TempDir()
	cmd := imgget(t, dir, s.Start(t), "-d", ".")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		io.WriteString(in, id(i)+"\n")
		if path := <-fetched; path != "/jobs/"+id(i)+"/image" { // hangs if it waits for the end
			t.Error(path)
		}
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if f := folder(t, dir); f != "a.png=gray a, b.png=gray b" {
		t.Error(f)
	}
}

func TestOriginalsStayAndResumeLeavesAlone(t *testing.T) {
	s := &fakeimgd.Server{}
	s.Add(id(0), "a.png", "a")
	s.Add(id(1), "a.png", "z") // same name, size and time
	s.Add(id(2), "../b.png", "b")
	url, dir := s.Start(t), t.TempDir()
	for _, name := range []string{"a.png", "b.png"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	get := func(what string, wantErr string, wantStatus int, args ...string) string {
		t.Helper()
		stdout, stderr, status := cmdtest.Run(t, imgget(t, dir, url, append([]string{"-d", "."}, args...)...))
		check(t, what, stdout, stderr, status, "", wantErr, wantStatus)
		return folder(t, dir)
	}
	get("one", "", 0, id(0)) // so that their order is known
	want := "a-1.png=gray a, a-2.png=gray z, a.png=mine, b-1.png=gray b, b.png=mine"
	if f := get("first", "", 0, id(1), id(2)); f != want && f != strings.Replace(want, "a-2.png=gray z, ", "", 1) {
		t.Error(f)
	}
	for range 2 {
		if f := get("again", "", 0, id(0), id(1), id(2)); f != want {
			t.Error(f)
		}
	}
	// What is missing is fetched, and what failed is told with what was left alone.
	os.Remove(filepath.Join(dir, "b-1.png"))
	s.Add(id(3), "c.png", "bad")
	if f := get("some", "imgget: c.png (aaaaaa…): not a picture: bad\nimgget: 1 written, 1 failed, 2 left alone\n", 1,
		id(0), id(1), id(2), id(3)); f != want {
		t.Error(f)
	}
	if f := get("-quiet", "imgget: c.png (aaaaaa…): not a picture: bad\n", 1, "-quiet", id(0), id(3)); f != want {
		t.Error(f)
	}
	want = "a-1.png=gray a, a-2.png=gray z, a.png=gray a, b-1.png=gray b, b.png=gray b"
	if f := get("-force", "", 0, "-force", id(0), id(2)); f != want {
		t.Error(f)
	}
}

// Two imgget of the same ids to the same folder, at the same time, write each
// result once.
func TestTwoAtOnceToOneFolder(t *testing.T) {
	s := &fakeimgd.Server{}
	release := s.Hold()
	var ids []string
	for i := range 20 {
		ids = append(ids, s.Add(id(i), "a.png", fmt.Sprint("picture ", i%10))) // each result twice
	}
	url, dir := s.Start(t), t.TempDir()
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			stdout, stderr, status := cmdtest.Run(t, imgget(t, dir, url, append([]string{"-d", "."}, ids...)...))
			check(t, "at once", stdout, stderr, status, "", "", 0)
		})
	}
	release()
	both.Wait()
	if n := strings.Count(folder(t, dir), "="); n != len(ids) {
		t.Errorf("%d files of %d ids: %s", n, len(ids), folder(t, dir))
	}
}

func TestNotes(t *testing.T) {
	s := &fakeimgd.Server{Notes: map[string]string{id(0): "no end marker", id(1): "no end marker; 3 bytes missing"}}
	s.Add(id(0), "a.jpg", "a")
	s.Add(id(1), "", "b")
	url, dir := s.Start(t), t.TempDir()
	for _, tt := range []struct{ name, args, stdout, stderr string }{
		{"one result", id(0), "gray a", "imgget: a.jpg: note: no end marker\n"},
		{"a result without a name", id(1), "gray b", "imgget: aaaaaa…: note: no end marker; 3 bytes missing\n"},
		{"to a folder", "-d . " + id(0), "", "imgget: a.png: note: no end marker\n"},
		{"-quiet counts them", "-quiet -force -d . " + id(0) + " " + id(1), "",
			"imgget: note: no end marker (2 pictures)\nimgget: note: 3 bytes missing (1 picture)\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, status := cmdtest.Run(t, imgget(t, dir, url, strings.Fields(tt.args)...))
			check(t, tt.args, stdout, stderr, status, tt.stdout, tt.stderr, 0)
		})
	}
}

func TestNames(t *testing.T) {
	s := &fakeimgd.Server{Type: "image/jpeg"}
	s.Add(id(0), "Zoë \"犬\".png", "a")
	s.Add(id(1), "", "b")
	s.Add(id(2), "..\n/.x\x1b[m.JPG", "c")
	dir := t.TempDir()
	stdout, stderr, status := cmdtest.Run(t, imgget(t, dir, s.Start(t), "-d", ".", id(0), id(1), id(2)))
	check(t, "names", stdout, stderr, status, "", "", 0)
	if f := folder(t, dir); f != "Zoë \"犬\".jpg=gray a, "+id(1)+".jpg=gray b, x[m.JPG=gray c" {
		t.Errorf("%q", f)
	}
}

func TestFailures(t *testing.T) {
	s := &fakeimgd.Server{}
	s.Add(id(0), "a.png", "bad a")
	s.Add(id(1), "", "bad b")
	url, dir := s.Start(t), t.TempDir()
	for _, tt := range []struct{ id, want string }{
		{id(0), "imgget: a.png (aaaaaa…): not a picture: bad a\n"},
		{id(1), "imgget: aaaaaa…: not a picture: bad b\n"},
		{id(9), "imgget: aaaaaa…: no such job\n"},
	} {
		t.Run(tt.id, func(t *testing.T) {
			for _, args := range [][]string{nil, {"-o", "out.png"}, {"-d", "."}} {
				stdout, stderr, status := cmdtest.Run(t, imgget(t, dir, url, append(args, tt.id)...))
				check(t, fmt.Sprint(args), stdout, stderr, status, "", tt.want, 1)
			}
		})
	}
	// A job that was asked for something impossible is no reason to read imgget -h.
	s.Fault = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if !strings.HasSuffix(r.URL.Path, "/image") {
			return false
		}
		fakeimgd.Fail(w, 400, "frame 2: the file has only one picture")
		return true
	}
	for _, c := range []struct {
		args   []string
		status int
	}{{nil, 2}, {[]string{"-o", "out.png"}, 2}, {[]string{"-d", "."}, 1}} {
		stdout, stderr, status := cmdtest.Run(t, imgget(t, dir, url, append(c.args, id(0))...))
		check(t, fmt.Sprint(c.args), stdout, stderr, status, "", "imgget: a.png (aaaaaa…): frame 2: the file has only one picture\n", c.status)
	}
	cmd := imgget(t, dir, url, "-d", ".")
	cmd.Stdin = strings.NewReader("imgput: something\n")
	stdout, stderr, status := cmdtest.Run(t, cmd)
	check(t, "no id", stdout, stderr, status, "", "imgget: \"imgput: something\": not a job id\n", 1)
	if f := folder(t, dir); f != "" {
		t.Error(f)
	}
}

func TestServerAway(t *testing.T) {
	dir := t.TempDir()
	want := "imgget: no imgd at " + dir + "/none; start one with 'imgd &' or set IMGD\n"
	for _, args := range [][]string{{id(0)}, {"-d", ".", id(0)}, {"-d", ".", "-w", "5", id(0), id(1), id(2)}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			stdout, stderr, status := cmdtest.Run(t, imgget(t, dir, dir+"/none", args...))
			check(t, fmt.Sprint(args), stdout, stderr, status, "", want, 75)
		})
	}
	// Also while nobody has closed standard input.
	cmd := imgget(t, dir, dir+"/none", "-d", ".")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	go io.WriteString(in, id(0)+"\n")
	stdout, stderr, status := cmdtest.Run(t, cmd)
	check(t, "open stdin", stdout, stderr, status, "", want, 75)
	if f := folder(t, dir); f != "" {
		t.Error(f)
	}
}

func TestWaitRunsOut(t *testing.T) {
	s := &fakeimgd.Server{}
	s.Add(id(0), "a.png", "a")
	s.Add(id(1), "b.png", "b")
	defer s.Hold()()
	url, dir := s.Start(t), t.TempDir()
	for _, wait := range []string{"0", "1"} {
		t.Run("-w "+wait, func(t *testing.T) {
			for _, args := range [][]string{{"-w", wait}, {"-w", wait, "-o", "x"}, {"-w", wait, "-d", "."}} {
				start := time.Now()
				stdout, stderr, status := cmdtest.Run(t, imgget(t, dir, url, append(args, id(0))...))
				check(t, fmt.Sprint(args), stdout, stderr, status, "", "imgget: "+id(0)+": still pending\n", 75)
				if d := time.Since(start); d > 20*time.Second {
					t.Errorf("-w %s took %v", wait, d)
				}
			}
		})
	}
	faulty := &fakeimgd.Server{Fault: func(w http.ResponseWriter, r *http.Request, _ int) bool {
		switch r.URL.Path {
		case "/jobs/" + id(2) + "/image":
			fakeimgd.Fail(w, 503, "starting")
		case "/jobs/" + id(3) + "/image":
			fakeimgd.Fail(w, 410, "gone")
		default:
			s.ServeHTTP(w, r)
		}
		return true
	}}
	url = faulty.Start(t)
	stdout, stderr, status := cmdtest.Run(t, imgget(t, dir, url, "-w", "0", "-d", ".", id(0), id(1), id(2)))
	lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
	if stdout != "" || status != 75 || len(lines) != 4 || lines[3] != "imgget: 0 written, 0 failed, 0 left alone, 3 pending" {
		t.Errorf("%d, %q", status, stderr)
	}
	for _, want := range []string{id(0) + ": still pending\n", id(1) + ": still pending\n", id(2) + ": still pending: starting\n"} {
		if !strings.Contains(stderr, "imgget: "+want) {
			t.Errorf("%q lacks %q", stderr, want)
		}
	}
	_, stderr, status = cmdtest.Run(t, imgget(t, dir, url, "-w", "0", "-d", ".", id(0), id(3)))
	if status != 1 || !strings.HasSuffix(stderr, "imgget: 0 written, 1 failed, 0 left alone, 1 pending\n") {
		t.Errorf("%d, %q", status, stderr)
	}
	if f := folder(t, dir); f != "" {
		t.Error(f)
	}
}

// Whatever breaks on the way, what is written is whole.
func TestTroubleOnTheWay(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789"), 50000)
	s := &fakeimgd.Server{Result: func(in []byte) []byte { return append(big, in...) }}
	s.Fault = func(w http.ResponseWriter, r *http.Request, before int) bool {
		n := int(r.URL.Path[len("/jobs/")+25] - 'a')
		if before > 0 || !strings.HasSuffix(r.URL.Path, "/image") {
			return false
		}
		out := append(bytes.Clone(big), byte('0'+n))
		switch n {
		case 0:
			fakeimgd.Drop(w)
		case 1:
			fakeimgd.DropAfter(w, fmt.Sprintf("%d.png", n), fakeimgd.ETag(out), out, 0)
		case 2:
			fakeimgd.DropAfter(w, fmt.Sprintf("%d.png", n), fakeimgd.ETag(out), out, 12345)
		case 3:
			fakeimgd.DropAfter(w, fmt.Sprintf("%d.png", n), fakeimgd.ETag(out), out, len(out)-1)
		case 4:
			fakeimgd.Fail(w, 503, "starting")
		case 5:
			w.WriteHeader(202)
		default:
			return false
		}
		return true
	}
	url, dir := s.Start(t), t.TempDir()
	args := []string{"-d", "."}
	for i := range 7 {
		args = append(args, s.Add(id(i), fmt.Sprintf("%d.png", i), fmt.Sprint(i)))
	}
	stdout, stderr, status := cmdtest.Run(t, imgget(t, dir, url, append([]string{"-o", "-"}, args[4])...))
	check(t, "stdout", stdout, stderr, status, string(big)+"2", "", 0)
	stdout, stderr, status = cmdtest.Run(t, imgget(t, dir, url, args...))
	check(t, "folder", stdout, stderr, status, "", "", 0)
	for i := range 7 {
		b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%d.png", i)))
		if err != nil || string(b) != string(big)+fmt.Sprint(i) {
			t.Errorf("%d: %d bytes, %v", i, len(b), err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 7 {
		t.Errorf("%d files", len(entries))
	}
}

// Interrupted in the middle of a download it leaves nothing behind, dies of the
// signal, and doesn't touch the job.
func TestInterrupted(t *testing.T) {
	quit := make(chan struct{})
	defer close(quit)
	half := make(chan struct{}, 2)
	s := &fakeimgd.Server{Fault: func(w http.ResponseWriter, r *http.Request, _ int) bool {
		w.Header().Set("Content-Length", "1000")
		w.Write(make([]byte, 500))
		w.(http.Flusher).Flush()
		half <- struct{}{}
		<-quit
		return true
	}}
	s.Add(id(0), "a.png", "a")
	url := s.Start(t)
	for _, args := range [][]string{{"-d", "."}, {"-o", "out.png"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			dir := t.TempDir()
			cmd := imgget(t, dir, url, append(args, id(0))...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-half
			eventually.Within(t, 5*time.Second, "the temporary file is there", func() bool { return folder(t, dir) != "" })
			if f := folder(t, dir); !regexp.MustCompile(`^\.imgtools-\w+=\x00*$`).MatchString(f) {
				t.Errorf("in the middle: %q", f)
			}
			cmd.Process.Signal(syscall.SIGTERM)
			cmd.Wait()
			if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != syscall.SIGTERM || stderr.Len() > 0 {
				t.Errorf("%v, %q", cmd.ProcessState, stderr.String())
			}
			if f := folder(t, dir); f != "" {
				t.Errorf("left behind: %q", f)
			}
		})
	}
	for _, r := range s.Requests() {
		if strings.HasPrefix(r, "DELETE") {
			t.Error(r)
		}
	}
}

// ID/2 is the second of several sizes, with the name that the server gives it.
func TestSeveralSizes(t *testing.T) {
	s := &fakeimgd.Server{}
	address := s.Start(t)
	s.AddSizes(id(0), "a.png", "a", "320x,640x")
	s.Add(id(1), "b.png", "b")
	dir := t.TempDir()
	stdout, stderr, status := cmdtest.Run(t, imgget(t, dir, address, id(0)+"/2"))
	check(t, "one", stdout, stderr, status, "size 2: gray a", "", 0)
	cmd := imgget(t, dir, address, "-d", "out")
	cmd.Stdin = strings.NewReader(id(0) + "\n" + id(0) + "/2\n" + id(0) + "/1\n" + id(0) + "/2\n" + id(1) + "\n")
	stdout, stderr, status = cmdtest.Run(t, cmd)
	check(t, "all", stdout, stderr, status, "", "", 0)
	if f := folder(t, filepath.Join(dir, "out")); f != "a-320.png=size 1: gray a, a-640.png=size 2: gray a, b.png=gray b" {
		t.Error(f)
	}
	stdout, stderr, status = cmdtest.Run(t, imgget(t, dir, "", "-d", "out", address+"/jobs/"+id(0)+"/2/image", id(0)+"/3", "-a", address))
	if status != 2 { // flags go first
		t.Errorf("%d, %q", status, stderr)
	}
	stdout, stderr, status = cmdtest.Run(t, imgget(t, dir, address, "-d", "out", address+"/jobs/"+id(0)+"/2/image", id(0)+"/3"))
	check(t, "a third", stdout, stderr, status, "", "imgget: a.png (aaaaaa…/3): job has no result 3 of 2\nimgget: 0 written, 1 failed, 1 left alone\n", 1)
	if _, stderr, status := cmdtest.Run(t, imgget(t, dir, address, id(0)+"/9")); status != 2 || !strings.Contains(stderr, "1 to 8") {
		t.Errorf("%d, %q", status, stderr)
	}
}
