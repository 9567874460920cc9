package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

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

func exchange(t *testing.T, path, sent string) string {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
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
