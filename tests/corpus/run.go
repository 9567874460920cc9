package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"imgtools/tests/cost"
)

const (
	timeLimit   = 10 * time.Second
	memoryLimit = 1 << 30
)

// outcome is one run of one filter.
type outcome struct {
	out     []byte
	line    string // what was said on standard error
	refused bool   // exit 1 with one line
	err     error  // what must never happen: a crash, a limit exceeded
	took    time.Duration
	memory  int64
}

func (o outcome) String() string {
	if o.refused {
		return o.line
	}
	return fmt.Sprintf("%d bytes", len(o.out))
}

// start runs a filter on a file, or on the bytes of in when path is "".
func start(bin, path string, in []byte, name string, args ...string) (o outcome) {
	if path != "" {
		args = append(args, "--", path)
	}
	what := strings.Join(append([]string{name}, args...), " ")
	var out, said bytes.Buffer
	used, err := cost.Run(cost.Command{
		Args: append([]string{filepath.Join(bin, name)}, args...),
		Time: timeLimit,
		Data: memoryLimit + 64<<20, // what Go reserves beside its heap is within the 64 MiB
		// With a path this is an empty input, and not a terminal.
		Stdin: bytes.NewReader(in), Out: &out, Err: &said,
	})
	if err != nil {
		o.err = err
		return o
	}
	o.took, o.memory, o.out = used.Wall, used.Peak, out.Bytes()
	text := strings.TrimSuffix(said.String(), "\n")
	o.line = strings.TrimPrefix(text, name+": ")
	switch {
	case used.TimedUp:
		o.err = fmt.Errorf("%s: not done in %v", what, timeLimit)
	case o.memory > memoryLimit:
		o.err = fmt.Errorf("%s: used %d MiB", what, o.memory>>20)
	case used.Exit == 0 && len(o.out) == 0:
		o.err = fmt.Errorf("%s: exit 0 and an empty result", what)
	case used.Exit == 0 && text != "":
		// A note, such as "first of 12 frames", is one line.
		if strings.Contains(text, "\n") {
			o.err = fmt.Errorf("%s: exit 0 and said %q", what, text)
		}
	case used.Exit == 0:
	case used.Exit == 1 && text != "" && !strings.Contains(text, "\n"):
		o.refused = true
	default:
		if len(text) > 300 {
			text = text[:300] + "…"
		}
		o.err = fmt.Errorf("%s: %s: %q", what, used.Ended, text)
	}
	return o
}

// oracle is a grayd, whose answer names the kind of an error. A filter only has exit
// status 1.
type oracle struct {
	cmd    *exec.Cmd
	dir    string
	socket string
}

func startOracle(bin string) (*oracle, error) {
	dir, err := os.MkdirTemp("", "corpus-")
	if err != nil {
		return nil, err
	}
	o := &oracle{dir: dir, socket: filepath.Join(dir, "grayd.sock")}
	o.cmd = exec.Command(filepath.Join(bin, "grayd"), "-n", "1", "-a", "unix:"+o.socket)
	o.cmd.Env = append(os.Environ(), "IMGTOOLS_RUN="+dir)
	o.cmd.Stderr = io.Discard
	if err := o.cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-tick.C {
		c, err := net.Dial("unix", o.socket)
		if err == nil {
			c.Close()
			return o, nil
		}
		if time.Now().After(deadline) {
			o.stop()
			return nil, fmt.Errorf("grayd does not serve: %w", err)
		}
	}
}

func (o *oracle) stop() {
	o.cmd.Process.Signal(syscall.SIGTERM)
	o.cmd.Wait()
	os.RemoveAll(o.dir)
}

// kind sends grayd a file that gray refused, and returns the kind of its error.
func (o *oracle) kind(path string) (string, error) {
	picture, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	c, err := net.Dial("unix", o.socket)
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(4 * timeLimit))
	// A daemon may answer before it has read everything, and then the write fails.
	_, werr := fmt.Fprintf(c, "img/1 gray len=%d\n%s", len(picture), picture)
	b, rerr := io.ReadAll(c)
	words := strings.SplitN(string(b), " ", 3)
	if len(words) < 3 || words[0] != "err" {
		return "", errors.Join(fmt.Errorf("answered %.80q", b), werr, rerr)
	}
	return words[1], nil
}
