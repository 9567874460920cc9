// Package cost runs a command and says what it used.
//
// Linux counts the peak memory of a process from the moment it was forked, when
// it still was a copy of its parent, so a large parent would be measured and not
// the command. Therefore Run has a second, small process of the same binary
// start the command: a program that uses Run calls Main first.
package cost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Command is what to run and within which limits.
type Command struct {
	Args  []string
	Env   []string      // nil: this process's
	Dir   string        // "": this process's
	Time  time.Duration // 0: no limit; beyond it the command is killed
	Data  uint64        // bytes, RLIMIT_DATA; 0: no limit
	Stdin io.Reader     `json:"-"`
	Out   io.Writer     `json:"-"` // stdout; nil: dropped
	Err   io.Writer     `json:"-"` // stderr; nil: dropped
}

// Result is what a command used. Its children that it waited for are counted.
type Result struct {
	CPU     time.Duration // user and system
	Wall    time.Duration
	Peak    int64  // bytes resident, of the largest process
	Exit    int    // exit status, -1 if it died of a signal
	Ended   string // in words: "exit status 1", "signal: killed"
	TimedUp bool   // killed at the time limit
}

const role = "IMGTOOLS_TESTS_COST" // has the Command as JSON in the second process

// Main is the second process, if this is one; it doesn't return then.
func Main() {
	spec := os.Getenv(role)
	if spec == "" {
		return
	}
	os.Unsetenv(role)
	var c Command
	if err := json.Unmarshal([]byte(spec), &c); err != nil {
		panic(err)
	}
	r, err := direct(c)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.NewFile(3, "result")).Encode(r)
	os.Exit(0)
}

// direct runs the command as a child of this process.
func direct(c Command) (r Result, err error) {
	if c.Data > 0 {
		l := unix.Rlimit{Cur: c.Data, Max: c.Data}
		if err := unix.Setrlimit(unix.RLIMIT_DATA, &l); err != nil {
			return r, err
		}
	}
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if c.Time > 0 {
		ctx, cancel = context.WithTimeout(ctx, c.Time)
	}
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	start := time.Now()
	err = cmd.Run()
	r.Wall = time.Since(start)
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		return r, err
	}
	s := cmd.ProcessState
	ru, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return r, errors.New("no rusage")
	}
	r.CPU, r.Peak = s.UserTime()+s.SystemTime(), ru.Maxrss<<10
	r.Exit, r.Ended, r.TimedUp = s.ExitCode(), s.String(), ctx.Err() != nil
	return r, nil
}

// Run runs a command. An error means that it could not be run or measured, not
// that it failed.
func Run(c Command) (r Result, err error) {
	spec, err := json.Marshal(c)
	if err != nil {
		return r, err
	}
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return r, err
	}
	defer read.Close()
	defer write.Close()
	cmd := exec.Command(self)
	cmd.Env = c.Env
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, role+"="+string(spec))
	cmd.Dir = c.Dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, c.Out, c.Err
	cmd.ExtraFiles = []*os.File{write}
	var told bytes.Buffer
	if c.Err == nil {
		cmd.Stderr = &told
	}
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("%s: %w %s", c.Args[0], err, told.Bytes())
	}
	write.Close()
	return r, json.NewDecoder(read).Decode(&r)
}
