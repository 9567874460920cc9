package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"imgtools/cmd/internal/cmdtest"
	"imgtools/pkg/eventually"
	"imgtools/pkg/shell/client/fakeimgd"
)

func TestMain(m *testing.M) { cmdtest.Main(m, main) }

// imgput returns the command, in dir, with the server at address.
func imgput(t *testing.T, dir, address string, args ...string) *exec.Cmd {
	cmd := cmdtest.Command(t, dir, args...)
	cmd.Env = append(cmd.Env, "IMGD="+address)
	return cmd
}

// pictures makes files of the given names, whose bytes are their names.
func pictures(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func numbered(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%03d.jpg", i))
	}
	return names
}

// checkIDs holds the printed ids to the jobs of the files, in order.
func checkIDs(t *testing.T, s *fakeimgd.Server, stdout string, names []string) {
	t.Helper()
	in := map[string]string{}
	for _, j := range s.Jobs() {
		in[j.ID] = string(j.In)
	}
	ids := strings.Fields(stdout)
	var got []string
	for _, id := range ids {
		if !regexp.MustCompile(`^[a-z2-7]{26}$`).MatchString(id) {
			t.Errorf("id %q", id)
		}
		got = append(got, in[id])
	}
	if !slices.Equal(got, names) {
		t.Errorf("ids of %q, want %q", got, names)
	}
	if len(in) != len(names) {
		t.Errorf("%d jobs on the server for %d ids", len(in), len(names))
	}
}

func TestIDsInOrder(t *testing.T) {
	names := numbered(30)
	dir := pictures(t, names...)
	for _, start := range []func(*fakeimgd.Server) string{
		func(s *fakeimgd.Server) string { return s.Start(t) },
		func(s *fakeimgd.Server) string { return s.StartUnix(t) },
	} {
		s := &fakeimgd.Server{}
		stdout, stderr, status := cmdtest.Run(t, imgput(t, dir, start(s), names...))
		if status != 0 || stderr != "" {
			t.Errorf("%d, %q", status, stderr)
		}
		checkIDs(t, s, stdout, names)
		if n := s.MostAtOnce(); n > 4 {
			t.Errorf("%d uploads at once", n)
		}
	}
}

func TestFourAtOnce(t *testing.T) {
	names := numbered(9)
	dir := pictures(t, names...)
	var mu sync.Mutex
	arrived, all := 0, make(chan struct{})
	s := &fakeimgd.Server{}
	s.Fault = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		mu.Lock()
		if arrived++; arrived == 4 {
			close(all)
		}
		mu.Unlock()
		<-all // none of the first four is answered before all are there
		return false
	}
	stdout, _, status := cmdtest.Run(t, imgput(t, dir, s.Start(t), names...))
	if status != 0 || s.MostAtOnce() != 4 {
		t.Errorf("status %d, %d at once", status, s.MostAtOnce())
	}
	checkIDs(t, s, stdout, names)
}

// An id is printed as soon as all before it are, while others are on their way.
func TestIDAsSoonAsAcknowledged(t *testing.T) {
	dir := pictures(t, "a", "b")
	release := make(chan struct{})
	s := &fakeimgd.Server{Fault: func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if strings.Contains(r.URL.RawQuery, "name=b") {
			<-release
		}
		return false
	}}
	cmd := imgput(t, dir, s.Start(t), "a", "b")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n') // hangs if it is held back
	if err != nil {
		t.Fatal(err)
	}
	close(release)
	second, _ := lines.ReadString('\n')
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	checkIDs(t, s, first+second, []string{"a", "b"})
}

func TestOperationsInQuery(t *testing.T) {
	dir := pictures(t, "ä b.png")
	tests := []struct{ args, query string }{
		{"", "gray=601"},
		{"-g", "gray=601"},
		{"-gray -luma 709", "gray=709"},
		{"-s 1/4", "scale=1%2F4"},
		{"-g -s 640x480! -k box -fine -linear -f jpg -q 90", "gray=601&scale=640x480%21&kernel=box&linear=1&format=jpeg&quality=90"},
		{"--scale 50% --format=tif", "scale=50%25&format=tiff"},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			s := &fakeimgd.Server{}
			cmd := imgput(t, dir, s.Start(t), append(strings.Fields(tt.args), "./ä b.png")...)
			if _, stderr, status := cmdtest.Run(t, cmd); status != 0 || stderr != "" {
				t.Errorf("%s: %d, %q", tt.args, status, stderr)
				return
			}
			if q := s.Jobs()[0].Query; q != tt.query+"&name=%C3%A4+b.png" {
				t.Errorf("%s: %s", tt.args, q)
			}
		})
	}
}

func TestStandardInput(t *testing.T) {
	dir := pictures(t, "a.png")
	for _, args := range [][]string{nil, {"-"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			s := &fakeimgd.Server{}
			cmd := imgput(t, dir, s.Start(t), args...)
			cmd.Stdin = io.MultiReader(strings.NewReader("from a "), strings.NewReader("pipe")) // no file: a pipe
			stdout, stderr, status := cmdtest.Run(t, cmd)
			if status != 0 || stderr != "" {
				t.Errorf("%d, %q", status, stderr)
			}
			checkIDs(t, s, stdout, []string{"from a pipe"})
			if q := s.Jobs()[0].Query; q != "gray=601" {
				t.Error(q)
			}
		})
	}
	s := &fakeimgd.Server{}
	cmd := imgput(t, dir, s.Start(t))
	f, err := os.Open(filepath.Join(dir, "a.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd.Stdin = f
	stdout, _, _ := cmdtest.Run(t, cmd)
	checkIDs(t, s, stdout, []string{"a.png"})
}

// A proxy is for URLs, not for sockets, other addresses and this machine.
// TestDeviceThatIsNoPicture: of a device or pipe that doesn't begin as a picture only the
// beginning is read. What is short is sent, and the server says what it is.
func TestDeviceThatIsNoPicture(t *testing.T) {
	s := &fakeimgd.Server{}
	dir := t.TempDir()
	cmd := imgput(t, dir, s.StartUnix(t), "/dev/zero")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if out, err := cmd.Output(); cmd.ProcessState.ExitCode() != 1 || len(out) > 0 || !strings.HasPrefix(stderr.String(), "imgput: /dev/zero: no picture known here; JPEG, ") {
		t.Errorf("%v, %q, %q", err, out, stderr.String())
	}
	cmd = imgput(t, dir, "unix:"+s.StartUnix(t))
	cmd.Stdin = strings.NewReader("<html>")
	if out, err := cmd.Output(); err != nil || len(out) != 27 || len(s.Jobs()) != 1 {
		t.Errorf("%v, %q, %d jobs", err, out, len(s.Jobs()))
	}
}

func TestNoProxyInTheWay(t *testing.T) {
	dir := pictures(t, "a")
	s := &fakeimgd.Server{}
	url := s.Start(t)
	for _, address := range []string{s.StartUnix(t), url, strings.Replace(url, "http://", "tcp:", 1)} {
		t.Run(address, func(t *testing.T) {
			cmd := imgput(t, dir, address, "a")
			cmd.Env = append(cmd.Env, "HTTP_PROXY=http://127.0.0.1:1", "http_proxy=http://127.0.0.1:1")
			if _, stderr, status := cmdtest.Run(t, cmd); status != 0 || stderr != "" {
				t.Errorf("%s: %d, %q", address, status, stderr)
			}
		})
	}
	cmd := imgput(t, dir, "http://imgd.example", "a")
	cmd.Env = append(cmd.Env, "HTTP_PROXY=http://"+strings.TrimPrefix(url, "http://"))
	if _, stderr, status := cmdtest.Run(t, cmd); status != 0 || stderr != "" {
		t.Errorf("through a proxy: %d, %q", status, stderr)
	}
	cmd = imgput(t, dir, "tcp:127.0.0.2:1", "a")
	cmd.Env = append(cmd.Env, "HTTP_PROXY="+url)
	if _, stderr, status := cmdtest.Run(t, cmd); status != 75 || !strings.HasPrefix(stderr, "imgput: no imgd at tcp:127.0.0.2:1; ") {
		t.Errorf("around a proxy: %d, %q", status, stderr)
	}
}

func TestUsageErrors(t *testing.T) {
	dir := pictures(t, "a")
	s := &fakeimgd.Server{}
	url := s.Start(t)
	for args, want := range map[string]string{
		"a -s":              "-s after a file: flags go first (a file: ./-s)",
		"-l 709 a":          "luma without gray",
		"-g -k box a":       "kernel without scale",
		"-s 0 a":            `scale: "0": a factor must be over 0`,
		"-s 640 a":          "scale: 640 as a factor? for a width write 640x",
		"-g -q 0 a":         `quality "0": neither a whole number from 1 to 100 nor lossless`,
		"-x a":              "unknown flag -x",
		"-a localhost:80 a": `address "localhost:80": not unix:/path, tcp:host:port, http://host:port or https://host`,
	} {
		t.Run(args, func(t *testing.T) {
			stdout, stderr, status := cmdtest.Run(t, imgput(t, dir, url, strings.Fields(args)...))
			if status != 2 || stdout != "" || stderr != "imgput: "+want+"\nsee imgput -h\n" {
				t.Errorf("%s: %d, %q, %q", args, status, stdout, stderr)
			}
		})
	}
	if n := len(s.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
}

func TestOneBadFileOthersGoOn(t *testing.T) {
	dir := pictures(t, "a", "b", "refused")
	s := &fakeimgd.Server{Fault: func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if strings.Contains(r.URL.RawQuery, "refused") {
			fakeimgd.Fail(w, 413, "120 MB > 100 MB (-maxbytes)")
			return true
		}
		return false
	}}
	url := s.Start(t)
	stdout, stderr, status := cmdtest.Run(t, imgput(t, dir, url, "none", "a", "refused", ".", "b"))
	want := "imgput: none: no such file or directory\nimgput: refused: 120 MB > 100 MB (-maxbytes)\nimgput: .: is a folder\nimgput: 2 sent, 3 failed\n"
	if status != 1 || stderr != want {
		t.Errorf("%d, %q", status, stderr)
	}
	checkIDs(t, s, stdout, []string{"a", "b"})
	stdout, stderr, status = cmdtest.Run(t, imgput(t, dir, url, "-quiet", "none", "refused"))
	if status != 1 || stdout != "" || strings.Contains(stderr, "sent") {
		t.Errorf("%d, %q, %q", status, stdout, stderr)
	}
	stdout, stderr, status = cmdtest.Run(t, imgput(t, dir, url, "refused"))
	if status != 1 || stdout != "" || stderr != "imgput: refused: 120 MB > 100 MB (-maxbytes)\n" {
		t.Errorf("%d, %q, %q", status, stdout, stderr)
	}
}

func TestServerAway(t *testing.T) {
	dir := pictures(t, "a", "b", "c")
	want := "imgput: no imgd at " + dir + "/none.sock; start one with 'imgd &' or set IMGD\n"
	for _, args := range [][]string{{"a"}, {"a", "b", "c"}, {"-w", "5", "a"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			start := time.Now()
			stdout, stderr, status := cmdtest.Run(t, imgput(t, dir, dir+"/none.sock", args...))
			if status != 75 || stdout != "" || stderr != want || time.Since(start) > 20*time.Second {
				t.Errorf("%q: %d, %q, %q", args, status, stdout, stderr)
			}
		})
	}
}

// Whatever goes wrong on the way, each picture becomes one job.
func TestTroubleOnTheWay(t *testing.T) {
	names := numbered(12)
	dir := pictures(t, names...)
	faults := map[string]func(w http.ResponseWriter, r *http.Request){
		"busy":               func(w http.ResponseWriter, r *http.Request) { fakeimgd.Fail(w, 503, "queue full") },
		"full":               func(w http.ResponseWriter, r *http.Request) { fakeimgd.Fail(w, 507, "spool full") },
		"balancer":           func(w http.ResponseWriter, r *http.Request) { fakeimgd.Fail(w, 502, "no server") },
		"dropped at once":    func(w http.ResponseWriter, r *http.Request) { fakeimgd.Drop(w) },
		"dropped after body": func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); fakeimgd.Drop(w) },
		"answer cut": func(w http.ResponseWriter, r *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			io.WriteString(conn, "HTTP/1.1 202 Acc")
			conn.Close()
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			s := &fakeimgd.Server{}
			s.Fault = func(w http.ResponseWriter, r *http.Request, before int) bool {
				hit := r.Method == "PUT" && before == 0 && r.URL.Query().Get("name") > "003"
				if hit {
					fault(w, r)
				}
				return hit
			}
			stdout, stderr, status := cmdtest.Run(t, imgput(t, dir, s.Start(t), names...))
			if status != 0 || stderr != "" {
				t.Errorf("%s: %d, %q", name, status, stderr)
			}
			checkIDs(t, s, stdout, names)
		})
	}
}

// An answer that is lost after the job was made is asked for again under the
// same id: there are not two jobs.
func TestLostAnswerMakesOneJob(t *testing.T) {
	dir := pictures(t, "a")
	s := &fakeimgd.Server{}
	s.Fault = func(w http.ResponseWriter, r *http.Request, before int) bool {
		if before == 0 {
			s.Lose(w, r)
		}
		return before == 0
	}
	stdout, stderr, status := cmdtest.Run(t, imgput(t, dir, s.Start(t), "a"))
	if status != 0 || stderr != "" || len(s.Requests()) != 2 {
		t.Errorf("%d, %q, %q", status, stderr, s.Requests())
	}
	checkIDs(t, s, stdout, []string{"a"})
}

// fetchAll runs imgput on files and fetches each job as its id is printed, which
// makes room on the server. It returns the originals in the order of the ids.
func fetchAll(t *testing.T, dir, url string, names []string) (originals []string) {
	t.Helper()
	cmd := imgput(t, dir, url, names...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	sc := bufio.NewScanner(out)
	for sc.Scan() {
		resp, err := http.Get(url + "/jobs/" + sc.Text() + "/image")
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		originals = append(originals, strings.TrimPrefix(string(b), "gray "))
	}
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v, %q", err, stderr.String())
	}
	return originals
}

// A batch larger than the spool goes through as results are fetched, also when
// there is room for fewer pictures than are sent at once.
func TestBatchLargerThanSpool(t *testing.T) {
	names := numbered(20)
	dir := pictures(t, names...)
	for _, room := range []int{1, 3, 8} {
		t.Run(fmt.Sprintf("room for %d", room), func(t *testing.T) {
			s := &fakeimgd.Server{Room: room}
			if got := fetchAll(t, dir, s.Start(t), names); !slices.Equal(got, names) {
				t.Errorf("fetched %q", got)
			}
			if n := len(s.Jobs()); n != len(names) {
				t.Errorf("%d jobs left", n)
			}
		})
	}
}

// While a batch waits for room, imgput deletes jobs whose ids it has not printed.
// When the answer to a DELETE is lost, it asks again before it prints that id: no
// id of a deleted job is printed, and no picture becomes two jobs.
func TestLostAnswerToDelete(t *testing.T) {
	names := numbered(6)
	dir := pictures(t, names...)
	for _, done := range []bool{true, false} {
		t.Run(fmt.Sprintf("carried out %v", done), func(t *testing.T) {
			s := &fakeimgd.Server{Room: 3}
			var deletes atomic.Int32
			var full sync.Once
			s.Fault = func(w http.ResponseWriter, r *http.Request, before int) bool {
				switch {
				case r.Method == "DELETE" && before == 0:
					deletes.Add(1)
					if done {
						s.Lose(w, r)
					} else {
						fakeimgd.Drop(w)
					}
					return true
				case r.Method != "PUT":
					return false
				}
				refused := false
				if r.URL.Query().Get("name") == names[0] {
					full.Do(func() {
						if !eventually.Is(10*time.Second, func() bool { return len(s.Jobs()) >= 2 }) {
							t.Error("no two files behind the head became jobs")
						}
						fakeimgd.Fail(w, 507, "spool full")
						refused = true
					})
				}
				return refused
			}
			if got := fetchAll(t, dir, s.Start(t), names); !slices.Equal(got, names) {
				t.Errorf("fetched %q", got)
			}
			if n := len(s.Jobs()); n != len(names) {
				t.Errorf("%d jobs left", n)
			}
			if deletes.Load() == 0 {
				t.Error("nothing was deleted: the test shows nothing")
			}
		})
	}
}

func TestWaitRunsOut(t *testing.T) {
	names := numbered(6)
	dir := pictures(t, names...)
	for status, line := range map[int]string{503: "queue full", 507: "spool full"} {
		t.Run(line, func(t *testing.T) {
			s := &fakeimgd.Server{Fault: func(w http.ResponseWriter, r *http.Request, _ int) bool {
				fakeimgd.Fail(w, status, line)
				return true
			}}
			url := s.Start(t)
			for _, wait := range []string{"0", "0.5"} {
				start := time.Now()
				stdout, stderr, code := cmdtest.Run(t, imgput(t, dir, url, append([]string{"-w", wait}, names...)...))
				want := ""
				for _, n := range names {
					want += "imgput: " + n + ": " + line + "\n"
				}
				if code != 75 || stdout != "" || stderr != want+"imgput: 0 sent, 6 failed\n" {
					t.Errorf("%d, -w %s: %d, %q, %q", status, wait, code, stdout, stderr)
				}
				if d := time.Since(start); d > 20*time.Second {
					t.Errorf("-w %s took %v", wait, d)
				}
			}
		})
	}
}

// TestLongWaitIsSaidOnce: off a terminal a wait of seconds is said once in a run, with its
// reason and the flag; a short one isn't.
func TestLongWaitIsSaidOnce(t *testing.T) {
	dir := pictures(t, "a", "b")
	var refused atomic.Int64
	s := &fakeimgd.Server{Fault: func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.Method != "PUT" || refused.Add(1) > 3 {
			return false
		}
		w.Header().Set("Retry-After", "2")
		http.Error(w, "spool full", http.StatusInsufficientStorage)
		return true
	}}
	url := s.Start(t)
	stdout, stderr, code := cmdtest.Run(t, imgput(t, dir, url, "a", "b"))
	if code != 0 || len(strings.Fields(stdout)) != 2 || stderr != "imgput: waiting, then sending again: spool full (-w TIME limits the wait)\n" {
		t.Errorf("%d, %q, %q", code, stdout, stderr)
	}
	refused.Store(0)
	if _, stderr, code := cmdtest.Run(t, imgput(t, dir, url, "-quiet", "a", "b")); code != 0 || stderr != "" {
		t.Errorf("-quiet: %d, %q", code, stderr)
	}
}

// A mixed batch that failed for good in part is not worth trying again as it is.
func TestStatusOfMixedFailures(t *testing.T) {
	dir := pictures(t, "busy", "bad", "good")
	s := &fakeimgd.Server{Fault: func(w http.ResponseWriter, r *http.Request, _ int) bool {
		switch r.URL.Query().Get("name") {
		case "busy":
			fakeimgd.Fail(w, 503, "busy")
		case "bad":
			fakeimgd.Fail(w, 413, "too large")
		default:
			return false
		}
		return true
	}}
	url := s.Start(t)
	for args, want := range map[string]int{"busy good": 75, "busy bad": 1, "bad busy": 1, "bad good": 1, "busy": 75, "bad": 1, "good": 0} {
		t.Run(args, func(t *testing.T) {
			cmd := imgput(t, dir, url, append([]string{"-w", "0"}, strings.Fields(args)...)...)
			if _, stderr, status := cmdtest.Run(t, cmd); status != want {
				t.Errorf("%s: %d, want %d: %s", args, status, want, stderr)
			}
		})
	}
}

// A list of sizes prints what names each result, the list of the user has the job once.
func TestSeveralSizes(t *testing.T) {
	s := &fakeimgd.Server{}
	address := s.Start(t)
	dir := pictures(t, "a.jpg", "b.jpg")
	stdout, stderr, status := cmdtest.Run(t, imgput(t, dir, address, "-s", "320x,640x,x80", "a.jpg", "b.jpg"))
	jobs := s.Jobs()
	if status != 0 || stderr != "" || len(jobs) != 2 {
		t.Fatalf("%d, %q, %d jobs", status, stderr, len(jobs))
	}
	if string(jobs[0].In) != "a.jpg" {
		jobs[0], jobs[1] = jobs[1], jobs[0]
	}
	want := ""
	for _, j := range jobs {
		want += j.ID + "\n" + j.ID + "/2\n" + j.ID + "/3\n"
	}
	if stdout != want {
		t.Errorf("%q, want %q", stdout, want)
	}
	for list, says := range map[string]string{
		"1x,2x,3x,4x,5x,6x,7x,8x,9x": "9 sizes; at most 8",
		"320x,320x":                  "both results would be named -320",
		"320x,":                      "size 2 of 2 is empty",
	} {
		if _, stderr, status := cmdtest.Run(t, imgput(t, dir, address, "-s", list, "a.jpg")); status != 2 || !strings.Contains(stderr, says) {
			t.Errorf("%s: %d, %q", list, status, stderr)
		}
	}
}
