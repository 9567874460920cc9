package daemon_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon"
	"imgtools/pkg/daemon/fdpass"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// TestMain makes the test binary the daemon, when it is started as that.
func TestMain(m *testing.M) {
	if os.Getenv("DAEMON_TEST") == "" && os.Getenv("IMGTOOLS_WORKER") == "" {
		os.Exit(m.Run())
	}
	cfg := daemon.Config{
		Name: "testd", Verb: "gray", MaxPixels: 1 << 20, Operation: operation,
		Args: os.Args[1:], Stderr: os.Stderr,
	}
	boot := ""
	flag.Func("a", "", func(s string) error { cfg.Addresses = append(cfg.Addresses, s); return nil })
	flag.IntVar(&cfg.Workers, "n", 2, "")
	flag.DurationVar(&cfg.Timeout, "t", 10*time.Second, "")
	flag.Int64Var(&cfg.MaxMem, "maxmem", 256<<20, "")
	flag.StringVar(&cfg.Sandbox, "sandbox", "best", "")
	flag.StringVar(&boot, "boot", "", "how a worker starts: exit, hang")
	flag.Parse()
	if _, isWorker := os.LookupEnv("IMGTOOLS_WORKER"); isWorker {
		switch boot {
		case "exit":
			os.Exit(1)
		case "hang":
			select {}
		}
	}
	if err := daemon.Run(cfg); err != nil {
		fmt.Fprintln(os.Stderr, "testd:", err)
		os.Exit(fault.Of(err).Exit())
	}
	os.Exit(0)
}

// operation writes its input in capitals, after doing what the word do says. Its
// answer says which process it was.
func operation(req wire.Request, in *os.File, out io.Writer) (wire.Reply, error) {
	do, _ := req.Get("do")
	switch do {
	case "":
	case "hold": // until the input no longer ends in an exclamation mark
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for held := true; held; <-tick.C {
			text, err := io.ReadAll(io.NewSectionReader(in, 0, 1<<20))
			held = err == nil && strings.HasSuffix(string(text), "!")
		}
	case "spin":
		for {
		}
	case "stop": // the kind of loop that nothing inside can end
		unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGSTOP)
		for {
			runtime.Gosched()
		}
	case "panic":
		panic("as asked")
	case "nil":
		var p *int
		*p = 1
	case "memory":
		b := make([]byte, 1<<30)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
	case "fill": // much memory, and well within the limit
		b := make([]byte, 60<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
	case "large":
		for {
			if _, err := out.Write(make([]byte, 1<<20)); err != nil {
				return wire.Reply{}, err
			}
		}
	case "orphan": // closes its lifeline
		unix.Close(3)
		for {
			runtime.Gosched()
		}
	case "format":
		return wire.Reply{}, fault.New(fault.Format, "no picture in\n%s", "this")
	default:
		return wire.Reply{}, fault.New(fault.Usage, "unknown do")
	}
	text, err := io.ReadAll(io.NewSectionReader(in, 0, 1<<40))
	if err == nil {
		_, err = out.Write(bytes.ToUpper(text))
	}
	return wire.Reply{Words: []ops.Word{{Key: "pid", Value: strconv.Itoa(os.Getpid())}}}, err
}

// process is a running daemon.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	path string // of its Unix socket, if it has one
	exit chan struct{}

	mu    sync.Mutex
	log   []string
	fresh chan struct{} // closed and made anew with each line
}

// command returns the daemon's command, not started; its log goes to nowhere yet.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "DAEMON_TEST=1")
	return cmd
}

// launch starts cmd and follows its log. At the end of the test it is killed, and
// must leave no worker.
func launch(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, exit: make(chan struct{}), fresh: make(chan struct{})}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		for sc := bufio.NewScanner(r); sc.Scan(); {
			p.mu.Lock()
			p.log = append(p.log, sc.Text())
			close(p.fresh)
			p.fresh = make(chan struct{})
			p.mu.Unlock()
		}
	}()
	go func() { cmd.Wait(); close(p.exit) }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-p.exit
		select {
		case <-logged: // all workers have closed their end
		case <-time.After(patience):
			t.Error("workers outlive their supervisor")
		}
		if t.Failed() {
			t.Logf("log:\n%s", strings.Join(p.log, "\n"))
		}
		r.Close()
	})
	return p
}

// start starts a daemon on a Unix socket of its own and waits until it is ready.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	p := launch(t, command(append([]string{"-a", path}, args...)...))
	p.path = path
	p.expect("workers on ")
	return p
}

// expect waits for a line of the log that contains part and that no earlier
// expect has returned, and returns it.
func (p *process) expect(part string) string {
	p.t.Helper()
	over := time.After(patience)
	for {
		p.mu.Lock()
		for i, l := range p.log {
			if strings.Contains(l, part) {
				p.log[i] = "(seen) " + strings.ReplaceAll(l, part, "…")
				p.mu.Unlock()
				return l
			}
		}
		fresh := p.fresh
		p.mu.Unlock()
		select {
		case <-fresh:
		case <-over:
			p.t.Fatalf("no %q in the log", part)
		}
	}
}

// says reports whether the log so far contains part.
func (p *process) says(part string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Contains(strings.Join(p.log, "\n"), part)
}

// waitExit waits for the end of the supervisor and returns its exit status.
func (p *process) waitExit() int {
	p.t.Helper()
	select {
	case <-p.exit:
	case <-time.After(patience):
		p.t.Fatal("the daemon does not exit")
	}
	return p.cmd.ProcessState.ExitCode()
}

// exits waits for the end of the supervisor with a status.
func (p *process) exits(want int) {
	p.t.Helper()
	if code := p.waitExit(); code != want {
		p.t.Errorf("exit status %d, want %d", code, want)
	}
}

func (p *process) signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// until polls cond, for what the kernel tells nobody.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for over := time.Now().Add(patience); !cond(); <-tick.C {
		if time.Now().After(over) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// status asks the status socket.
func (p *process) status() map[string]string {
	p.t.Helper()
	return statusAt(p.t, p.path+".status")
}

func statusAt(t *testing.T, path string) map[string]string {
	t.Helper()
	c, err := dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	text, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for line := range strings.Lines(string(text)) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		m[k] = v
	}
	return m
}

// workers returns the processes whose parent is the supervisor.
func (p *process) workers() []int {
	p.t.Helper()
	return childrenOf(p.t, p.cmd.Process.Pid)
}

var statLine = regexp.MustCompile(`^(\d+) \(.*\) (\S) (\d+) `)

func childrenOf(t *testing.T, parent int) (pids []int) {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		b, err := os.ReadFile(d)
		if m := statLine.FindSubmatch(b); err == nil && m != nil && string(m[2]) != "Z" && string(m[3]) == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(string(m[1]))
			pids = append(pids, pid)
		}
	}
	return pids
}

// alive reports whether a process is there and no zombie.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	m := statLine.FindSubmatch(b)
	return err == nil && m != nil && string(m[2]) != "Z"
}

// request is one in descriptor form, sent and not yet answered.
type request struct {
	conn    conn
	outPath string
	in      *os.File
	held    int64 // bytes to which the input must shrink before it is answered
}

// send sends line with two files, the first with text.
func send(dir, path, line, text string) (*request, error) {
	in, err := os.CreateTemp(dir, "in")
	if err != nil {
		return nil, err
	}
	if _, err := in.WriteString(text); err != nil {
		return nil, err
	}
	r := &request{outPath: in.Name() + ".out", in: in, held: -1}
	ro, err := os.Open(in.Name())
	if err != nil {
		return nil, err
	}
	defer ro.Close()
	out, err := os.OpenFile(r.outPath, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if strings.Contains(line, "do=hold") {
		r.held = int64(len(text))
		if _, err := in.WriteString("!"); err != nil {
			return nil, err
		}
	}
	if r.conn, err = dial("unix", path); err != nil {
		return nil, err
	}
	rc, err := r.conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	return r, fdpass.Send(rc, []byte(line+"\n"), int(ro.Fd()), int(out.Fd()))
}

// answer lets a held request go and returns what came of it; the output is checked
// against len.
func (r *request) answer() (wire.Reply, string, error) {
	if r.held >= 0 {
		if err := r.in.Truncate(r.held); err != nil {
			return wire.Reply{}, "", err
		}
	}
	r.in.Close()
	defer r.conn.Close()
	line, err := bufio.NewReader(r.conn).ReadString('\n')
	if err != nil {
		return wire.Reply{}, "", err
	}
	reply, err := wire.ParseReply(strings.TrimSuffix(line, "\n"))
	if err != nil {
		return reply, "", err
	}
	out, err := os.ReadFile(r.outPath)
	if err == nil && int64(len(out)) != reply.Len {
		err = fmt.Errorf("%d bytes in the file, %d said", len(out), reply.Len)
	}
	return reply, string(out), err
}

// ask is one request in descriptor form.
func (p *process) ask(line, text string) (wire.Reply, string, error) {
	p.t.Helper()
	r, err := send(p.t.TempDir(), p.path, line, text)
	if err != nil {
		p.t.Fatal(err)
	}
	return r.answer()
}

// hold sends a request that is worked on until it is answered, and waits until
// busy workers are at work.
func (p *process) hold(busy int) *request {
	p.t.Helper()
	r, err := send(p.t.TempDir(), p.path, "img/1 gray do=hold", "held")
	if err != nil {
		p.t.Fatal(err)
	}
	until(p.t, fmt.Sprint(busy, " busy workers"), func() bool { return p.status()["busy"] == strconv.Itoa(busy) })
	return r
}

// queue sends n requests, which wait while all workers are held.
func (p *process) queue(n int) (queued []*request) {
	p.t.Helper()
	for range n {
		r, err := send(p.t.TempDir(), p.path, "img/1 gray", "queued")
		if err != nil {
			p.t.Fatal(err)
		}
		queued = append(queued, r)
	}
	return queued
}

// answered checks the answers to all that queue sent.
func answered(t *testing.T, queued []*request) {
	t.Helper()
	for i, r := range queued {
		if _, out, err := r.answer(); err != nil || out != "QUEUED" {
			t.Errorf("queued request %d: %q, %v", i, out, err)
		}
	}
}

// stream is one request in the stream form; with half, the client then shuts down
// writing.
func stream(network, addr, line, body string, half bool) (wire.Reply, string, error) {
	c, err := dial(network, addr)
	if err != nil {
		return wire.Reply{}, "", err
	}
	defer c.Close()
	if _, err := io.WriteString(c, line+"\n"+body); err != nil {
		return wire.Reply{}, "", err
	}
	if half {
		c.CloseWrite()
	}
	return result(c)
}

// result reads a reply and the bytes that follow it.
func result(c io.Reader) (wire.Reply, string, error) {
	all, err := io.ReadAll(c)
	if err != nil {
		return wire.Reply{}, "", err
	}
	line, rest, ok := strings.Cut(string(all), "\n")
	if !ok {
		return wire.Reply{}, "", io.ErrUnexpectedEOF
	}
	reply, err := wire.ParseReply(line)
	if err == nil && int64(len(rest)) != reply.Len {
		err = fmt.Errorf("%d bytes, %d said", len(rest), reply.Len)
	}
	return reply, rest, err
}

// sendRaw sends bytes with any descriptors and returns what comes back; with
// half, it shuts down writing after them.
func sendRaw(t *testing.T, path, bytes string, files []*os.File, half bool) (wire.Reply, string, error) {
	t.Helper()
	c, err := dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	rc, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var fds []int
	for _, f := range files {
		raw, err := f.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) { fds = append(fds, int(fd)) })
	}
	if err := fdpass.Send(rc, []byte(bytes), fds...); err != nil {
		t.Fatal(err)
	}
	if half {
		c.CloseWrite()
	}
	return result(c)
}
