package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/daemon/worker"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/shell/cli"
)

// TestMain makes the test binary scaled, when it is started as that.
func TestMain(m *testing.M) {
	if os.Getenv("SCALED_TEST") != "" || os.Getenv("IMGTOOLS_WORKER") != "" {
		cli.Main("scaled", serve)
	}
	os.Exit(m.Run())
}

// start starts a daemon on a Unix socket and waits until it is ready.
func start(t *testing.T, args ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	cmd := exec.Command(os.Args[0], append([]string{"-a", path, "-n", "1"}, args...)...)
	cmd.Env = append(os.Environ(), "SCALED_TEST=1")
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
	line, err := bufio.NewReader(log).ReadString('\n')
	if err != nil || !strings.Contains(line, "1 workers on unix:"+path) {
		t.Fatalf("%q, %v", line, err)
	}
	return path
}

// exchange sends bytes and returns those that come back. (Package net would be in
// the daemon too, which is this same program, and with cgo undo its sandbox.)
func exchange(t *testing.T, path, sent string) string {
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
	if _, err := io.WriteString(c, sent); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestDaemonScales(t *testing.T) {
	path := start(t)
	for sent, want := range map[string]string{
		"img/1 scale 1x1! kernel=box len=13\nP5\n2 1\n255\n\x00\xff": "ok type=image/x-portable-graymap width=1 height=1 len=12\nP5\n1 1\n255\n\x80",
		"img/1 gray\n": "err usage this daemon does scale, not gray\n",
	} {
		if got := exchange(t, path, sent); got != want {
			t.Errorf("%q is answered by %q; want %q", sent, got, want)
		}
	}
}

// samples returns pictures of every format: those that lie about here, and one that
// the operation itself writes in each format that it can write.
func samples(t *testing.T, op worker.Operation) map[string]string {
	t.Helper()
	m := map[string]string{"16 bit": "P6\n2 2\n65535\n" + strings.Repeat("\x12\x34\xff\x00\x80\x80", 4)}
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/image").Output()
	if err != nil {
		t.Fatal(err)
	}
	webp, _ := filepath.Glob(strings.TrimSpace(string(dir)) + "/testdata/*.webp")
	jpeg, _ := filepath.Glob("../../pkg/picture/jpeg/testdata/*.jpg")
	if len(webp) < 5 || len(jpeg) < 20 {
		t.Fatalf("%d WebP and %d JPEG", len(webp), len(jpeg))
	}
	for _, f := range append(webp, jpeg...) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m[filepath.Base(f)] = string(b)
	}
	ppm := "P6\n20 10\n255\n" + strings.Repeat("\x00\x40\xff", 200)
	for _, format := range ops.Formats {
		_, m[format] = direct(t, op, "img/1 scale 1 format="+format, ppm)
	}
	return m
}

// direct runs the operation in this process and returns its answer, the line and
// the picture.
func direct(t *testing.T, op worker.Operation, line, picture string) (reply, out string) {
	t.Helper()
	in, err := os.CreateTemp(t.TempDir(), "in")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	io.WriteString(in, picture)
	f, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	req, err := wire.ParseRequest(line)
	if err != nil {
		t.Fatal(err)
	}
	r, err := op(req, in, f)
	if err != nil {
		return wire.ErrLine(err) + "\n", ""
	}
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	r.Len = int64(len(b))
	return r.String() + "\n", string(b)
}

// TestAllFormatsInTheSandbox: a worker that gave up everything says of each picture
// just what the operation says here.
func TestAllFormatsInTheSandbox(t *testing.T) {
	path := start(t, "-sandbox", "strict")
	op := operation(raster.Limits{Mem: 1 << 28})
	good := 0
	for name, picture := range samples(t, op) {
		for _, words := range []string{"1/3", "75% kernel=mitchell format=png", "40x40! linear fine"} {
			reply, out := direct(t, op, "img/1 scale "+words, picture)
			got := exchange(t, path, "img/1 scale "+words+" len="+strconv.Itoa(len(picture))+"\n"+picture)
			if got != reply+out {
				t.Errorf("%s%s: %.100q of %d bytes; want %.100q of %d", name, words, got, len(got), reply, len(reply)+len(out))
			}
			if strings.HasPrefix(reply, "ok ") {
				good++
			}
		}
	}
	if good < 100 {
		t.Errorf("only %d went well", good)
	}
}
