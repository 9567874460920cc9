package main

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
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/shell/cli"
)

// TestMain makes the test binary grayd, when it is started as that.
func TestMain(m *testing.M) {
	if os.Getenv("GRAYD_TEST") != "" || os.Getenv("IMGTOOLS_WORKER") != "" {
		cli.Main("grayd", serve)
	}
	os.Exit(m.Run())
}

// start starts a daemon on a Unix socket and waits until it is ready.
func start(t *testing.T, args ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	cmd := exec.Command(os.Args[0], append([]string{"-a", path, "-n", "1"}, args...)...)
	cmd.Env = append(os.Environ(), "GRAYD_TEST=1")
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

// TestManualExample replays the transcripts of imgproto(7): what follows C: is
// sent, and what follows W: must come back.
func TestManualExample(t *testing.T) {
	page, err := os.ReadFile("../../man/imgproto.7")
	if err != nil {
		t.Fatal(err)
	}
	path := start(t)
	said := regexp.MustCompile(`^([CW]): (".*")$`)
	var sent, want string
	transcripts := 0
	for line := range strings.Lines(string(page) + "\n") {
		m := said.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			if sent != "" {
				transcripts++
				if got := exchange(t, path, sent); got != want {
					t.Errorf("%q is answered by\n%q, and the page says\n%q", sent, got, want)
				}
			}
			sent, want = "", ""
			continue
		}
		text, err := strconv.Unquote(strings.ReplaceAll(m[2], `\e`, `\`)) // roff's \e is a backslash
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if m[1] == "C" {
			sent += text
		} else {
			want += text
		}
	}
	if transcripts < 2 {
		t.Errorf("%d transcripts in the page", transcripts)
	}
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

// TestLimitsReachTheOperation: the flags of the supervisor hold in a worker.
func TestLimitsReachTheOperation(t *testing.T) {
	path := start(t, "-maxpixels", "1")
	got := exchange(t, path, "img/1 gray len=17\nP6\n2 1\n255\n\xff\x00\x00\xff\xff\xff")
	if got != "err toolarge 2 pixels > 1 pixels (-maxpixels)\n" {
		t.Errorf("%q", got)
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
		_, m[format] = direct(t, op, "img/1 gray format="+format, ppm)
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
		for _, words := range []string{"", " luma=luminance format=png", " for=1/3"} {
			reply, out := direct(t, op, "img/1 gray"+words, picture)
			got := exchange(t, path, "img/1 gray"+words+" len="+strconv.Itoa(len(picture))+"\n"+picture)
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
