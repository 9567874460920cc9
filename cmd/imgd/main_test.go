package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/daemon/fdpass"
	"imgtools/pkg/fault"
	"imgtools/pkg/shell/cli"
)

// The test binary is imgd when this variable says so, and grayd and scaled when it
// is run under their names.
const asImgd = "IMGD_TEST"

func TestMain(m *testing.M) {
	if name := filepath.Base(os.Args[0]); name == "grayd" || name == "scaled" {
		fakeDaemon(name)
		return
	}
	if os.Getenv(asImgd) != "" {
		cli.Main("imgd", run)
		return
	}
	os.Exit(m.Run())
}

// fakeDaemon answers each request with its own name and the picture. It leaves
// its process id in a file beside its socket.
func fakeDaemon(name string) {
	addr := strings.TrimPrefix(os.Args[2], "unix:") // -a is the first flag
	os.Remove(addr)
	l, err := net.Listen("unix", addr)
	if err != nil {
		panic(err)
	}
	os.WriteFile(addr+".pid", []byte(strconv.Itoa(os.Getpid())), 0o600)
	for {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		go func() {
			defer c.Close()
			raw, err := c.(*net.UnixConn).SyscallConn()
			if err != nil {
				return
			}
			_, fds, err := fdpass.Recv(raw, make([]byte, 1024), 2)
			if err != nil || len(fds) != 2 {
				return
			}
			in, out := os.NewFile(uintptr(fds[0]), "in"), os.NewFile(uintptr(fds[1]), "out")
			n, _ := fmt.Fprintf(out, "%s: ", name)
			m, _ := io.Copy(out, in)
			in.Close()
			out.Close()
			fmt.Fprintf(c, "ok type=image/png width=1 height=1 len=%d\n", int64(n)+m)
		}()
	}
}

// instance is a running imgd.
type instance struct {
	t     *testing.T
	cmd   *exec.Cmd
	run   string
	lines chan string // of stderr; closed when it and its daemons have all ended
	url   string
	said  []string
}

// start runs imgd with args and waits until it listens.
func start(t *testing.T, run, spool string, args ...string) *instance {
	t.Helper()
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"grayd", "scaled"} {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(self, append([]string{"-p", "0", "-n", "2", "-spool", spool}, args...)...)
	cmd.Env = append(os.Environ(), asImgd+"=1", "IMGTOOLS_RUN="+run, "PATH="+bin)
	return launch(t, run, cmd)
}

func launch(t *testing.T, run string, cmd *exec.Cmd) *instance {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	i := &instance{t: t, cmd: cmd, run: run, lines: make(chan string, 1000)}
	go func() {
		defer close(i.lines)
		for sc := bufio.NewScanner(r); sc.Scan(); {
			i.lines <- sc.Text()
		}
	}()
	t.Cleanup(func() { cmd.Process.Kill(); i.ended(); cmd.Wait() })
	return i
}

// line returns the next line of stderr; ok is false when imgd and all that it
// started have closed it.
func (i *instance) line(late <-chan time.Time, what string) (line string, ok bool) {
	i.t.Helper()
	select {
	case line, ok = <-i.lines:
	case <-late:
		i.t.Fatalf("waited too long for %s:\n%s", what, strings.Join(i.said, "\n"))
	}
	if ok {
		i.said = append(i.said, line)
	}
	return line, ok
}

// hear returns the first line of stderr from now on that has part in it.
func (i *instance) hear(part string) string {
	i.t.Helper()
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	for {
		line, ok := i.line(late.C, strconv.Quote(part))
		if !ok {
			i.t.Fatalf("ended without saying %q:\n%s", part, strings.Join(i.said, "\n"))
		}
		if strings.Contains(line, part) {
			return line
		}
	}
}

// ready waits until it listens on TCP and on its Unix socket.
func (i *instance) ready() *instance {
	i.t.Helper()
	line := i.hear("listening on http")
	i.url = strings.TrimSuffix(line[strings.Index(line, "http"):], "/")
	i.hear("listening on unix:")
	return i
}

// ended waits until imgd and all that it started have closed their stderr.
func (i *instance) ended() {
	i.t.Helper()
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	for ok := true; ok; {
		_, ok = i.line(late.C, "the end of all")
	}
}

func ask(t *testing.T, client *http.Client, method, url, body string, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		req.Header.Set(k, v)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

func (i *instance) ask(method, path, body string, headers ...string) (int, string) {
	i.t.Helper()
	return ask(i.t, http.DefaultClient, method, i.url+path, body, headers...)
}

// pid returns the process id of a fake daemon, once it is not old.
func (i *instance) pid(name string, old int) int {
	i.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		files, _ := filepath.Glob(filepath.Join(i.run, "imgd-*", name+".sock.pid"))
		for _, f := range files {
			b, _ := os.ReadFile(f)
			if n, err := strconv.Atoi(string(b)); err == nil && n != old {
				return n
			}
		}
		<-tick.C
	}
	i.t.Fatalf("no %s other than %d", name, old)
	return 0
}

func TestEmbeddedDaemonsComeBackAndGoWithUs(t *testing.T) {
	run := t.TempDir()
	i := start(t, run, t.TempDir()).ready()
	if code, body := i.ask("PUT", "/image", "A"); code != 200 || body != "grayd: A" {
		t.Fatalf("%d %q", code, body)
	}
	old := i.pid("grayd", 0)
	syscall.Kill(old, syscall.SIGKILL)
	i.hear("grayd ended (signal: killed)")
	i.pid("grayd", old)
	if code, body := i.ask("PUT", "/image", "A"); code != 200 || body != "grayd: A" {
		t.Errorf("after its restart: %d %q", code, body)
	}
	// A second one with the same RUN serves TCP, and does without the Unix socket.
	second := start(t, run, t.TempDir())
	line := second.hear("listening on http")
	second.url = strings.TrimSuffix(line[strings.Index(line, "http"):], "/")
	if code, body := second.ask("PUT", "/image?scale=1/2", "A"); code != 200 || body != "scaled: A" {
		t.Errorf("the second: %d %q", code, body)
	}
	warned := false
	for _, l := range second.said {
		warned = warned || strings.Contains(l, "imgd.sock") && strings.Contains(l, "not served")
	}
	if !warned {
		t.Errorf("no warning: %q", second.said)
	}
	second.cmd.Process.Kill()
	second.ended()

	i.cmd.Process.Signal(syscall.SIGTERM)
	i.ended()
	if err := i.cmd.Wait(); err != nil {
		t.Errorf("after TERM: %v", err)
	}
	if _, err := os.Stat(filepath.Join(run, "imgd.sock")); err == nil {
		t.Error("the Unix socket is left")
	}
	if left, _ := filepath.Glob(filepath.Join(run, "imgd-*")); len(left) != 1 { // that of the second
		t.Errorf("left in RUN: %q", left)
	}
}

// kill -9 at any moment: every id that was told is done after a restart.
func TestKilledWithJobs(t *testing.T) {
	run, spool := t.TempDir(), t.TempDir()
	var ids []string
	for round := range 3 {
		i := start(t, run, spool).ready()
		for range 5 * (round + 1) {
			code, body := i.ask("POST", "/jobs", "A")
			if code != 202 {
				t.Fatalf("%d %s", code, body)
			}
			ids = append(ids, strings.TrimSpace(body))
		}
		i.cmd.Process.Kill()
		i.ended() // its daemons, too
		i.cmd.Wait()
	}
	i := start(t, run, spool).ready()
	if left, _ := filepath.Glob(filepath.Join(run, "imgd-*")); len(left) != 1 {
		t.Errorf("in RUN, with one that lives: %q", left)
	}
	for _, id := range ids {
		if code, body := i.ask("GET", "/jobs/"+id+"/image?wait", ""); code != 200 || body != "grayd: A" {
			t.Errorf("%d %q", code, body)
		}
	}
}

func TestTokensAndCertificatesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	token, cert, key := filepath.Join(dir, "token"), filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(token, "first\n\n")
	makeCert(t, cert, key, 1)
	i := start(t, t.TempDir(), t.TempDir(), "-token", token, "-cert", cert, "-key", key).ready()
	reloading := false // a connection of the old certificate may meet the new token
	serial := func() (n int64) {
		client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{
			InsecureSkipVerify: true,
			VerifyConnection:   func(c tls.ConnectionState) error { n = c.PeerCertificates[0].SerialNumber.Int64(); return nil },
		}}}
		defer client.CloseIdleConnections()
		if code, body := ask(t, client, "GET", i.url+"/metrics", "", "Authorization: Bearer first"); n == 1 && code != 200 && !reloading || n == 2 && code != 401 {
			t.Errorf("certificate %d: %d %s", n, code, body)
		}
		return n
	}
	if !strings.HasPrefix(i.url, "https://") || serial() != 1 {
		t.Errorf("%s", i.url)
	}
	unix := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", filepath.Join(i.run, "imgd.sock"))
	}}}
	defer unix.CloseIdleConnections()
	if code, _ := ask(t, unix, "PUT", "http://x/image", "A"); code != 200 {
		t.Errorf("unix: %d", code)
	}
	write(cert, "broken")
	i.cmd.Process.Signal(syscall.SIGHUP)
	i.hear("the old ones stay")
	if serial() != 1 {
		t.Error("a broken file was taken")
	}
	makeCert(t, cert, key, 2)
	write(token, "second\n")
	reloading = true
	i.cmd.Process.Signal(syscall.SIGHUP)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; serial() != 2; n++ {
		if n == 500 {
			t.Fatal("the new certificate is not served")
		}
		<-tick.C
	}
}

func makeCert(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	kder, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	for path, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: kder}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSocketActivation(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	path := filepath.Join(t.TempDir(), "n.sock")
	notified, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notified.Close()
	self, _ := os.Executable()
	cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, self, "-spool", t.TempDir(), "-grayd", "/nobody.sock", "-scaled", "/nobody.sock")
	cmd.Env = append(os.Environ(), asImgd+"=1", "LISTEN_FDS=1", "NOTIFY_SOCKET="+path, "IMGTOOLS_RUN="+t.TempDir())
	cmd.ExtraFiles = []*os.File{f}
	i := launch(t, "", cmd)
	f.Close()
	line := i.hear("listening on http")
	i.url = strings.TrimSuffix(line[strings.Index(line, "http"):], "/")
	tell := func() string {
		b := make([]byte, 1000)
		notified.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, err := notified.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	if got := tell(); got != "READY=1" {
		t.Errorf("told %q", got)
	}
	if code, _ := i.ask("GET", "/healthz", ""); code != 200 {
		t.Errorf("%d", code)
	}
	if code, _ := i.ask("GET", "/readyz", ""); code != 503 {
		t.Errorf("readyz without daemons: %d", code)
	}
	i.cmd.Process.Signal(syscall.SIGHUP)
	if got := tell(); !strings.HasPrefix(got, "RELOADING=1\nMONOTONIC_USEC=") {
		t.Errorf("told %q", got)
	}
	if got := tell(); got != "READY=1" {
		t.Errorf("told %q", got)
	}
	i.cmd.Process.Signal(syscall.SIGTERM)
	if got := tell(); got != "STOPPING=1" {
		t.Errorf("told %q", got)
	}
	i.ended()
	for _, l := range i.said {
		if strings.Contains(l, "listening on") && !strings.Contains(l, i.url) {
			t.Errorf("served beside the inherited socket: %s", l)
		}
	}
}

// With few open files allowed, idle clients don't keep others from being answered.
func TestFewOpenFiles(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := t.TempDir()
	cmd := exec.Command("/bin/sh", "-c", `ulimit -n 64; exec "$0" "$@"`, self, "-p", "0", "-i", "127.0.0.1", "-spool", t.TempDir(), "-grayd", "/nobody.sock", "-scaled", "/nobody.sock")
	cmd.Env = append(os.Environ(), asImgd+"=1", "IMGTOOLS_RUN="+run)
	i := launch(t, run, cmd).ready()
	for range 200 {
		c, err := net.Dial("tcp", strings.TrimPrefix(i.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	client := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	begin := time.Now()
	if code, body := ask(t, client, "GET", i.url+"/healthz", ""); code != 200 {
		t.Errorf("%d %s", code, body)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("answered after %v", took)
	}
}

func TestRefusedFlags(t *testing.T) {
	for _, args := range [][]string{
		{"-p", "70000"}, {"-p", "x"}, {"-n", "0"}, {"-queue", "-1"}, {"-t", "0"}, {"-ttl", "0"}, {"-maxbytes", "0"}, {"-cert", "x"}, {"-C", "-ready"},
		{"-log", "xml"}, {"operand"}, {"-spool", ""}, {"-quota", "-1"}, {"-maxbytes", "9223372036854775807"}, {"-maxmem", "1M"}, {"-sandbox", "some"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			if err := run(append([]string{"-C"}, args...)); fault.Of(err) != fault.Usage {
				t.Errorf("%v", err)
			}
		})
	}
	c, err := parse([]string{"-i", "::1", "--port=0", "-maxbytes", "1M", "-maxpixels", "2M", "-host", "a", "-host", "b"})
	if err != nil || c.IPs[0] != "::1" || len(c.IPs) != 1 || c.Port != 0 || !c.TCP || c.MaxBytes != 1<<20 || c.MaxPixels != 2e6 || len(c.Hosts) != 2 {
		t.Errorf("%+v %v", c, err)
	}
}

func TestDefaultSpool(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		uid  int
		want string
	}{
		{map[string]string{"STATE_DIRECTORY": "/var/lib/x:/y", "HOME": "/h"}, 0, "/var/lib/x"},
		{map[string]string{"HOME": "/root"}, 0, "/var/lib/imgtools"},
		{map[string]string{"HOME": "/h", "XDG_STATE_HOME": "/s"}, 7, "/s/imgtools"},
		{map[string]string{"HOME": "/h", "XDG_STATE_HOME": "relative"}, 7, "/h/.local/state/imgtools"},
		{nil, 7, ""},
	} {
		if got := defaultSpool(func(k string) string { return c.env[k] }, c.uid); got != c.want {
			t.Errorf("%v %d: %q", c.env, c.uid, got)
		}
	}
}

// With systemd's journal as its standard error each line begins with its priority.
func TestJournalPriorities(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, ours := range []bool{true, false} {
		f, err := os.Create(filepath.Join(t.TempDir(), "journal"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		fi, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		st := fi.Sys().(*syscall.Stat_t)
		if !ours {
			st.Ino++
		}
		cmd := exec.Command(self, "-i", "127.0.0.1", "-p", "0", "-spool", t.TempDir(), "-grayd", "/nonexistent/g", "-scaled", "/nonexistent/s")
		cmd.Env = append(os.Environ(), asImgd+"=1", "IMGTOOLS_RUN="+t.TempDir(), fmt.Sprintf("JOURNAL_STREAM=%d:%d", st.Dev, st.Ino))
		cmd.Stderr = f
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		begin := "imgd: listening on "
		if ours {
			begin = "<6>listening on "
		}
		tick := time.NewTicker(5 * time.Millisecond) // there is no event for a file that grew
		late := time.NewTimer(20 * time.Second)
		var said []byte
		for waiting := true; waiting && !strings.Contains(string(said), "unix:"); {
			select {
			case <-tick.C:
				said, _ = os.ReadFile(f.Name())
			case <-late.C:
				waiting = false
			}
		}
		tick.Stop()
		late.Stop()
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if !strings.HasPrefix(string(said), begin) {
			t.Errorf("stderr is the journal: %v; it begins %.80q", ours, said)
		}
	}
}
