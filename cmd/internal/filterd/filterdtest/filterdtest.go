// Package filterdtest runs grayd and scaled in their tests: the operation in this
// process, and the daemon as a process. Only tests import it.
package filterdtest

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/daemon/worker"
	"imgtools/pkg/format"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
	"imgtools/pkg/shell/cli"
)

// Main is a TestMain that makes the test binary the daemon of that name, when Start
// or that daemon starts it.
func Main(m *testing.M, name string, serve func(args []string) error) {
	if os.Getenv("FILTERD_TEST") != "" || os.Getenv("IMGTOOLS_WORKER") != "" {
		cli.Main(name, serve)
	}
	os.Exit(m.Run())
}

// Start starts the daemon on a Unix socket and waits until it is ready.
func Start(t *testing.T, args ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	cmd := exec.Command(os.Args[0], append([]string{"-a", path, "-n", "1"}, args...)...)
	cmd.Env = append(os.Environ(), "FILTERD_TEST=1")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		io.Copy(os.Stderr, log)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	lines, line := bufio.NewReader(log), ""
	for line, err = lines.ReadString('\n'); err == nil && !strings.Contains(line, " workers on "); {
		line, err = lines.ReadString('\n') // heifd first says what it decodes
	}
	if err != nil || !strings.Contains(line, "1 workers on unix:"+path) {
		t.Fatalf("%q, %v", line, err)
	}
	return path
}

// Exchange sends bytes and returns those that come back. (Package net would be in
// the daemon too, which is this same program, and with cgo undo its sandbox.)
func Exchange(t *testing.T, path, sent string) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := os.NewFile(uintptr(fd), path)
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if sent != "" { // a status socket reads nothing, and may have answered already
		if _, err := io.WriteString(c, sent); err != nil {
			t.Fatal(err)
		}
	}
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

var workTime = regexp.MustCompile(`^(ok .*) ms=\d+ (.*len=)`)

// AnyTime returns an answer with ms=0 for the time that the work took.
func AnyTime(answer string) string { return workTime.ReplaceAllString(answer, "$1 ms=0 $2") }

// Request is a request line, parsed.
func Request(t *testing.T, line string) wire.Request {
	t.Helper()
	r, err := wire.ParseRequest(line)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Run gives a picture to the operation in this process, through files as a worker
// does, and returns the reply and what was written, also on error.
func Run(t *testing.T, op worker.Operation, line, picture string) (wire.Reply, string, error) {
	t.Helper()
	r, results, err := RunAll(t, op, line, picture)
	return r, strings.Join(results, ""), err
}

// RunAll is Run for a request with several results.
func RunAll(t *testing.T, op worker.Operation, line, picture string) (wire.Reply, []string, error) {
	t.Helper()
	req := Request(t, line)
	name := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(name, []byte(picture), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var outs []io.Writer
	for i := range req.Results() {
		out, err := os.Create(name + ".out" + strconv.Itoa(i))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		outs = append(outs, out)
	}
	r, err := op(req, in, outs)
	results := make([]string, len(outs))
	for i := range outs {
		results[i] = string(rastertest.File(t, name+".out"+strconv.Itoa(i)))
	}
	return r, results, err
}

// SameInTheSandbox starts the daemon with a worker that gives up everything, and
// checks that it says of each picture just what the operation says here. Requests
// begin with request and go on with each of words; plain is such a one with which
// a format can be asked for. The pictures are of every format: those that lie about
// here, and one that the operation itself writes in each format that it can write.
func SameInTheSandbox(t *testing.T, operation func(raster.Limits) worker.Operation, request, plain string, words ...string) {
	t.Helper()
	path := Start(t, "-sandbox", "strict")
	op := operation(raster.Limits{Mem: 1 << 28})
	good := 0
	for name, picture := range samples(t, op, request+plain) {
		for _, more := range words {
			line := request + more
			reply, out, err := Run(t, op, line, picture)
			var want string
			if err != nil {
				want = wire.ErrLine(err) + "\n"
			} else {
				good++
				reply.Words = append(reply.Words, ops.Word{Key: "ms", Value: "0"}) // the worker's
				reply.Len = int64(len(out))
				want = reply.String() + "\n" + out
			}
			got := AnyTime(Exchange(t, path, line+" len="+strconv.Itoa(len(picture))+"\n"+picture))
			if got != want {
				t.Errorf("%s%s: %.100q of %d bytes; want %.100q of %d", name, more, got, len(got), want, len(want))
			}
		}
	}
	if good < 100 {
		t.Errorf("only %d went well", good)
	}
}

func samples(t *testing.T, op worker.Operation, request string) map[string]string {
	t.Helper()
	m := map[string]string{"16 bit": "P6\n2 2\n65535\n" + strings.Repeat("\x12\x34\xff\x00\x80\x80", 4)}
	webp := rastertest.XImageFiles(t, "testdata/*.webp", 5)
	jpeg, _ := filepath.Glob("../../pkg/picture/jpeg/testdata/*.jpg")
	if len(jpeg) < 20 {
		t.Fatalf("%d JPEG", len(jpeg))
	}
	for _, f := range append(webp, jpeg...) {
		m[filepath.Base(f)] = string(rastertest.File(t, f))
	}
	ppm := "P6\n20 10\n255\n" + strings.Repeat("\x00\x40\xff", 200)
	for _, name := range format.Written() {
		_, out, err := Run(t, op, request+" format="+name, ppm)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m[name] = out
	}
	return m
}
