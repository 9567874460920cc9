package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/shell/cli"
)

// TestMain makes the test binary scaled, when it is started as that.
func TestMain(m *testing.M) {
	if os.Getenv("SCALED_TEST") != "" || os.Getenv("IMGTOOLS_WORKER") != "" {
		cli.Main("scaled", serve)
	}
	os.Exit(m.Run())
}

func TestDaemonScales(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	cmd := exec.Command(os.Args[0], "-a", path, "-n", "1")
	cmd.Env = append(os.Environ(), "SCALED_TEST=1")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(os.Interrupt)
		io.Copy(os.Stderr, log)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}()
	if line, err := bufio.NewReader(log).ReadString('\n'); err != nil || !strings.Contains(line, "1 workers on unix:"+path) {
		t.Fatalf("%q, %v", line, err)
	}
	for sent, want := range map[string]string{
		"img/1 scale 1x1! kernel=box len=13\nP5\n2 1\n255\n\x00\xff": "ok type=image/x-portable-graymap width=1 height=1 len=12\nP5\n1 1\n255\n\x80",
		"img/1 gray\n": "err usage this daemon does scale, not gray\n",
	} {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(c, sent); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if err != nil || string(got) != want {
			t.Errorf("%q is answered by %q, %v; want %q", sent, got, err, want)
		}
		c.Close()
	}
}
