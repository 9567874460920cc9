package daemon_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/daemontest"
	"imgtools/pkg/eventually"
	"imgtools/pkg/fault"
)

func TestDescriptorForm(t *testing.T) {
	p := daemontest.Start(t)
	reply, out, err := p.Ask("img/1 gray", "some text")
	if err != nil || out != "SOME TEXT" || reply.Len != 9 {
		t.Fatalf("%v, %q, %v", reply, out, err)
	}
	if _, _, err := p.Ask("img/1 gray do=format", ""); fault.Of(err) != fault.Format || err.Error() != "no picture in this" {
		t.Errorf("an operation's error came as %v of kind %v", err, fault.Of(err))
	}
	eventually.True(t, "counted", func() bool { s := p.Status(); return s["served"] == "1" && s["failed"] == "1" })
	for k, want := range map[string]string{"workers": "2", "ready": "2", "busy": "0", "respawned": "0"} {
		if got := p.Status()[k]; got != want {
			t.Errorf("status %s is %q, want %q", k, got, want)
		}
	}
}

func TestWorkersShareOneListenerAndHaveNothingElse(t *testing.T) {
	p := daemontest.Start(t, "-n", "3", "-a", "tcp:localhost:0")
	pids := p.Workers()
	if len(pids) != 3 {
		t.Fatalf("%d workers", len(pids))
	}
	links := func(pid int) map[string]string {
		m := map[string]string{}
		es, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range es {
			m[e.Name()], _ = os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, e.Name()))
		}
		return m
	}
	first := links(pids[0])
	lifelines := map[string]bool{}
	for _, pid := range pids {
		l := links(pid)
		for _, fd := range []string{"4", "5", "6"} {
			if !strings.HasPrefix(l[fd], "socket:") || l[fd] != first[fd] {
				t.Errorf("worker %d: descriptor %s is %s, another's %s", pid, fd, l[fd], first[fd])
			}
		}
		lifelines[l["3"]] = true
		// Standard ones, lifeline, 3 listeners, the poller's 2, 36 memory files: 4 pictures, each with its 8 results.
		if len(l) != 3+1+3+2+36 {
			t.Errorf("worker %d has %d descriptors: %v", pid, len(l), l)
		}
		if cmd, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); !strings.HasPrefix(string(cmd), "testd: worker\x00") {
			t.Errorf("ps shows %q", cmd)
		}
		if env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); strings.Contains(string(env), "PATH=") {
			t.Errorf("a worker has its supervisor's environment: %q", env)
		}
		limits, _ := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
		for _, want := range []string{
			fmt.Sprintf(`Max data size +%d +%[1]d `, (256+64)<<20),
			fmt.Sprintf(`Max file size +%d +%[1]d `, 8<<20+1<<20),
			`Max core file size +1 +1 `,
			`Max address space +unlimited +unlimited `,
		} {
			if !regexp.MustCompile(want).Match(limits) {
				t.Errorf("no %q in\n%s", want, limits)
			}
		}
	}
	if len(lifelines) != 3 {
		t.Errorf("lifelines are shared: %v", lifelines)
	}
}

// TestStraysAreNotInherited: a descriptor that somebody leaked into the supervisor
// goes no further.
func TestStraysAreNotInherited(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path := filepath.Join(t.TempDir(), "s")
	cmd := daemontest.Command("-a", path)
	cmd.ExtraFiles = []*os.File{w, w, w, w, w, w, w, w, w, w, w, w}
	p := daemontest.Launch(t, cmd)
	w.Close()
	p.Expect("workers on ")
	stray, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/5", p.Cmd.Process.Pid))
	for _, pid := range p.Workers() {
		es, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		for _, e := range es {
			if l, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, e.Name())); l == stray {
				t.Errorf("worker %d has the stray %s as %s", pid, stray, e.Name())
			}
		}
	}
}

func TestStreamForm(t *testing.T) {
	p := daemontest.Start(t, "-a", "tcp:localhost:0")
	line := p.Expect("tcp:127.0.0.1:")
	port := regexp.MustCompile(`tcp:\[::1\]:(\d+)`).FindStringSubmatch(line)[1]
	big := strings.Repeat("large body ", 300000)
	for _, at := range [][2]string{{"unix", p.Path}, {"tcp", "127.0.0.1:" + port}, {"tcp", "[::1]:" + port}} {
		for _, c := range []struct {
			line, body string
			half       bool
		}{
			{"img/1 gray len=5", "hello", false},
			{"img/1 gray len=5", "hello and more", true},
			{"img/1 gray", "hello", true},
			{"img/1 gray len=0", "", false},
			{"img/1 gray", "", true},
			{fmt.Sprintf("img/1 gray len=%d", len(big)), big, false},
			{"img/1 gray", big, true},
		} {
			want := strings.ToUpper(c.body)
			if strings.HasSuffix(c.line, "len=5") {
				want = "HELLO"
			}
			if _, out, err := daemontest.Stream(at[0], at[1], c.line, c.body, c.half); err != nil || out != want {
				t.Errorf("%s %s: %.20q of %d bytes, %v; want %d", at[1], c.line, out, len(out), err, len(want))
			}
		}
	}
}

// TestNetcat is the example of the manual: nc as a client, by socket and by TCP.
func TestNetcat(t *testing.T) {
	nc, err := exec.LookPath("nc")
	if err != nil {
		t.Fatal(err)
	}
	p := daemontest.Start(t, "-a", "tcp:localhost:0")
	line := p.Expect("tcp:127.0.0.1:")
	port := regexp.MustCompile(`tcp:\[::1\]:(\d+)`).FindStringSubmatch(line)[1]
	for _, to := range [][]string{{"-U", p.Path}, {"127.0.0.1", port}, {"::1", port}} {
		cmd := exec.Command(nc, append([]string{"-N"}, to...)...)
		cmd.Stdin = strings.NewReader("img/1 gray\nhello")
		out, err := cmd.Output()
		if err != nil || !regexp.MustCompile(`^ok pid=\d+ ms=\d+ len=5\nHELLO$`).Match(out) {
			t.Errorf("nc %v: %q, %v", to, out, err)
		}
	}
}

// TestRefusals holds that each malformed request costs its sender the connection
// and nothing else.
func TestRefusals(t *testing.T) {
	p := daemontest.Start(t, "-n", "1")
	before := p.Workers()
	dir := t.TempDir()
	file := func(name string, flags int) *os.File {
		f, err := os.OpenFile(filepath.Join(dir, name), flags|os.O_CREATE, 0600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pr.Close()
	defer pw.Close()
	folder, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	os.WriteFile(filepath.Join(dir, "full"), []byte("text"), 0600)
	in, out := file("full", os.O_RDONLY), file("out", os.O_WRONLY)
	moved := file("moved", os.O_WRONLY)
	moved.Seek(1, io.SeekStart)
	path := file("full", os.O_RDONLY|unix.O_PATH)
	for _, c := range []struct {
		what, sent string
		fds        []*os.File
		kind       fault.Kind
		part       string
	}{
		{"no protocol", "GET / HTTP/1.1\r\n", nil, fault.Usage, "byte 0x0d"},
		{"another verb", "img/1 scale 1/2\n", nil, fault.Usage, "does gray, not scale"},
		{"a long line", strings.Repeat("a", 1024), nil, fault.Usage, "no end of line in 1024"},
		{"a long line with an end", strings.Repeat("a", 1024) + "\n", nil, fault.Usage, "1025 bytes > 1024"},
		{"half a line", "img/1 gr", nil, fault.Usage, "a line without its end"},
		{"an operation's own word", "img/1 gray do=what len=0\n", nil, fault.Usage, "unknown do"},
		{"short body", "img/1 gray len=5\nhell", nil, fault.Usage, "ended after 4 of 5 bytes"},
		{"too long a body", "img/1 gray maxbytes=4 len=5\nhello", nil, fault.TooLarge, "5 bytes > 4"},
		{"too long a body, unannounced", "img/1 gray maxbytes=4\nhello", nil, fault.TooLarge, "over 4 bytes"},
		{"much too long a body", "img/1 gray len=67108865\n", nil, fault.TooLarge, "67108865 bytes > 67108864"},
		{"bad limits", "img/1 gray maxbytes=0 len=0\n", nil, fault.Usage, "maxbytes"},
		{"bad time", "img/1 gray timeout=-1s len=0\n", nil, fault.Usage, "timeout"},
		{"one file", "img/1 gray\n", []*os.File{in}, fault.Usage, "1 descriptors, not 2"},
		{"three files", "img/1 gray\n", []*os.File{in, out, out}, fault.Usage, "3 descriptors, not 2"},
		{"more files than any request has", "img/1 gray\n", []*os.File{in, out, out, out, out, out, out, out, out, out}, fault.Usage, "10 or more descriptors > 9"},
		{"a pipe in", "img/1 gray\n", []*os.File{pr, out}, fault.Usage, "first descriptor is not of a regular file"},
		{"a pipe out", "img/1 gray\n", []*os.File{in, pw}, fault.Usage, "second descriptor is not of a regular file"},
		{"a folder", "img/1 gray\n", []*os.File{folder, out}, fault.Usage, "not of a regular file"},
		{"in for writing", "img/1 gray\n", []*os.File{out, out}, fault.Usage, "not open for reading"},
		{"in as a path", "img/1 gray\n", []*os.File{path, out}, fault.Usage, "not open for reading"},
		{"out for reading", "img/1 gray\n", []*os.File{in, file("empty", os.O_RDONLY)}, fault.Usage, "not open for writing"},
		{"out not empty", "img/1 gray\n", []*os.File{in, file("full", os.O_WRONLY)}, fault.Usage, "not empty"},
		{"out not at its start", "img/1 gray\n", []*os.File{in, moved}, fault.Usage, "offset is 1"},
		{"len and files", "img/1 gray len=4\n", []*os.File{in, out}, fault.Usage, "len with descriptors"},
		{"too large a file", "img/1 gray maxbytes=3\n", []*os.File{in, out}, fault.TooLarge, "4 bytes > 3"},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, _, err := daemontest.SendRaw(t, p.Path, c.sent, c.fds, true)
			if fault.Of(err) != c.kind || err == nil || !strings.Contains(err.Error(), c.part) {
				t.Errorf("%s: %v of kind %v; want %v with %q", c.what, err, fault.Of(err), c.kind, c.part)
			}
		})
	}
	if st, _ := out.Stat(); st.Size() != 0 {
		t.Errorf("%d bytes were written", st.Size())
	}
	if after := p.Workers(); !slices.Equal(before, after) {
		t.Errorf("worker %v became %v", before, after)
	}
}

func TestCancelReplacesTheWorkerAtOnce(t *testing.T) {
	for name, leave := range map[string]func(c daemontest.Conn){
		"close":     func(c daemontest.Conn) { c.Close() },
		"half-shut": func(c daemontest.Conn) { c.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			p := daemontest.Start(t, "-n", "1")
			before := p.Workers()
			r := p.Hold(1)
			leave(r.Conn)
			eventually.True(t, "a new worker", func() bool { s := p.Status(); return s["ready"] == "1" && s["respawned"] == "1" })
			if after := p.Workers(); len(after) != 1 || after[0] == before[0] {
				t.Errorf("worker %v became %v", before, after)
			}
			if _, out, err := p.Ask("img/1 gray", "next"); err != nil || out != "NEXT" {
				t.Errorf("%q, %v", out, err)
			}
			r.Discard()
		})
	}
}

func TestTimeLimitIsTheWorkersOwn(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "1", "-t", "10s")
	begin := time.Now()
	_, _, err := p.Ask("img/1 gray do=spin timeout=300ms", "")
	took := time.Since(begin)
	if fault.Of(err) != fault.Timeout || took < 300*time.Millisecond || took > 800*time.Millisecond {
		t.Errorf("after %v: %v", took, err)
	}
	p.Expect("over its time of 300ms")
	p.Expect("daemontest.operation") // the stack
	if _, out, err := p.Ask("img/1 gray timeout=99h", "next"); err != nil || out != "NEXT" {
		t.Errorf("%q, %v", out, err)
	}
	_, _, err = daemontest.Stream("unix", p.Path, "img/1 gray do=spin timeout=100ms len=0", "", false)
	if fault.Of(err) != fault.Timeout {
		t.Errorf("in a stream: %v", err)
	}
	if p.Says("testd: worker ") {
		t.Error("the supervisor took it for a failure")
	}
}

// TestSilentPeersStopNobody: more silent connections than workers and places.
func TestSilentPeersStopNobody(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "2")
	var silent []daemontest.Conn
	for i := range 60 {
		c, err := daemontest.Dial("unix", p.Path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			io.WriteString(c, "img/1 gray len=1000000\nbeginning of a body")
		}
		silent = append(silent, c)
	}
	begin := time.Now()
	for range 20 {
		if _, out, err := p.Ask("img/1 gray", "heard"); err != nil || out != "HEARD" {
			t.Fatalf("%q, %v", out, err)
		}
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("20 requests took %v", took)
	}
	for i, c := range silent {
		c.SetReadDeadline(time.Now().Add(eventually.Patience))
		if _, _, err := daemontest.Result(c); fault.Of(err) != fault.Timeout {
			t.Errorf("silent connection %d: %v", i, err)
		}
	}
}

func TestSlowTransfersEnd(t *testing.T) {
	t.Parallel()
	p := daemontest.Start(t, "-n", "1")
	begin := time.Now()
	_, _, err := daemontest.SendRaw(t, p.Path, "img/1 gray len=10\nhalf", nil, false)
	took := time.Since(begin)
	if fault.Of(err) != fault.Timeout || !strings.Contains(err.Error(), "4 bytes of the picture in ") || took < 1900*time.Millisecond || took > 20*time.Second {
		t.Errorf("a stalled body: after %v %v", took, err)
	}
	begin = time.Now()
	_, _, err = daemontest.SendRaw(t, p.Path, "img/1 gray", nil, false)
	took = time.Since(begin)
	if fault.Of(err) != fault.Timeout || took < 900*time.Millisecond || took > 10*time.Second {
		t.Errorf("a stalled line: after %v %v", took, err)
	}

	// A client that doesn't take its result holds no worker.
	body := strings.Repeat("x", 8<<20)
	c, err := daemontest.Dial("unix", p.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "img/1 gray len=%d\n%s", len(body), body)
	eventually.True(t, "served", func() bool { return p.Status()["served"] == "1" })
	if _, out, err := p.Ask("img/1 gray", "next"); err != nil || out != "NEXT" {
		t.Errorf("%q, %v", out, err)
	}
	begin = time.Now()
	if rest, err := io.ReadAll(c); err != nil || len(rest) >= len(body) {
		// It took nothing until now, and reads fast: it may get all.
		if !strings.HasPrefix(string(rest), "ok ") {
			t.Errorf("%d bytes, %v", len(rest), err)
		}
	}
}

// TestWorkersAcceptOnlyWhenFree: with one worker held, every other request is
// served by the other one.
func TestWorkersAcceptOnlyWhenFree(t *testing.T) {
	p := daemontest.Start(t, "-n", "2", "-a", "tcp:localhost:0", "-t", "60s")
	held := p.Hold(1)
	var mu sync.Mutex
	by := map[string]int{}
	var wg sync.WaitGroup
	dir := t.TempDir()
	for range 4 {
		wg.Go(func() {
			for range 25 {
				r, err := daemontest.Send(dir, p.Path, "img/1 gray", "x")
				if err != nil {
					t.Error(err)
					return
				}
				reply, _, err := r.Answer()
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				by[reply.Get("pid")]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	reply, out, err := held.Answer()
	if err != nil || out != "HELD" {
		t.Fatalf("%q, %v", out, err)
	}
	if len(by) != 1 || by[reply.Get("pid")] != 0 {
		t.Errorf("held by %s, the others served by %v", reply.Get("pid"), by)
	}
}

func TestManyClients(t *testing.T) {
	p := daemontest.Start(t, "-n", "2")
	var wg sync.WaitGroup
	dir := t.TempDir()
	for i := range 100 {
		wg.Go(func() {
			text := "client " + strconv.Itoa(i)
			if i%4 == 0 {
				if _, out, err := daemontest.Stream("unix", p.Path, "img/1 gray", text, true); err != nil || out != strings.ToUpper(text) {
					t.Errorf("stream: %q, %v", out, err)
				}
				return
			}
			r, err := daemontest.Send(dir, p.Path, "img/1 gray", text)
			if err != nil {
				t.Error(err)
				return
			}
			if _, out, err := r.Answer(); err != nil || out != strings.ToUpper(text) {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
	wg.Wait()
}

// TestLargeResultIsRefusedAndForgotten: a write beyond RLIMIT_FSIZE is an error and
// no death.
func TestLargeResultIsRefused(t *testing.T) {
	p := daemontest.Start(t, "-n", "1")
	before := p.Workers()
	if _, _, err := p.Ask("img/1 gray do=large", ""); fault.Of(err) != fault.TooLarge {
		t.Errorf("%v", err)
	}
	if _, _, err := daemontest.Stream("unix", p.Path, "img/1 gray do=large", "", true); fault.Of(err) != fault.TooLarge {
		t.Errorf("in a stream: %v", err)
	}
	if after := p.Workers(); !slices.Equal(before, after) {
		t.Errorf("worker %v became %v", before, after)
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	for _, c := range []struct{ arg, value, part string }{
		{"-n", "0", "0 workers"},
		{"-t", "0s", "time limit"},
		{"-maxmem", "1", "a worker needs 16M"},
		{"-sandbox", "loose", `sandbox "loose": not strict, best or off`},
		{"-a", "nonsense", `address "nonsense"`},
	} {
		t.Run(c.arg+" "+c.value, func(t *testing.T) {
			p := daemontest.Launch(t, daemontest.Command("-a", filepath.Join(t.TempDir(), "s"), c.arg, c.value))
			p.Expect(c.part)
			if code := p.WaitExit(); code != fault.ExitUsage {
				t.Errorf("%s %s: exit status %d", c.arg, c.value, code)
			}
		})
	}
}

// TestNoPackageNet: nor does this test, which is the daemon in the others.
func TestNoPackageNet(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-test", "imgtools/pkg/daemon").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range []string{"net", "os/user", "runtime/cgo"} {
		if linked(t, out, pkg) {
			t.Errorf("pkg/daemon links package %s", pkg)
		}
	}
}

// TestOtherUsers: where the socket's mode lets others connect, they are told why
// they are not served, unless they have the daemon's group. Only root can be others;
// for anybody else all clients are themselves, and are served.
func TestOtherUsers(t *testing.T) {
	dir, err := os.MkdirTemp("", "other") // t.TempDir is not open to others
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0755)
	path := filepath.Join(dir, "s")
	p := daemontest.Launch(t, daemontest.Command("-a", path, "-n", "1"))
	p.Expect("workers on ")
	os.Chmod(path, 0666)
	root := os.Geteuid() == 0
	for _, c := range []struct {
		cred  *syscall.Credential
		wants string
	}{
		{&syscall.Credential{Uid: 65534, Gid: 65534}, "err forbidden user 65534 is neither user 0 nor in group 0\n"},
		{&syscall.Credential{Uid: 65534, Gid: 65534, Groups: []uint32{uint32(os.Getegid())}}, "ok pid="},
		{nil, "ok pid="},
	} {
		cmd := exec.Command("nc", "-N", "-U", path)
		cmd.Dir = "/"
		cmd.Stdin = strings.NewReader("img/1 gray\nhello")
		if root && c.cred != nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.cred}
		} else {
			c.wants = "ok pid="
		}
		if out, err := cmd.Output(); err != nil || !strings.HasPrefix(string(out), c.wants) {
			t.Errorf("%+v: %q, %v; want %q", c.cred, out, err, c.wants)
		}
	}
}

// linked reports whether a package is in this binary's dependencies.
func linked(t *testing.T, list []byte, pkg string) bool {
	t.Helper()
	return strings.Contains("\n"+string(list), "\n"+pkg+"\n")
}
