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
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Command is what to run and within which limits.
type Command struct {
	Args  []string
	Pipe  [][]string    // instead of Args: commands joined by pipes, without a shell
	From  string        // file that is standard input; "": Stdin
	To    string        // file that standard output goes to; "": Out
	Core  int           // the only one it may use, from 1; 0: all
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
	if c.Core > 0 {
		var set unix.CPUSet
		set.Set(c.Core - 1)
		if err := Bind(os.Getpid(), &set); err != nil {
			return r, err
		}
	}
	cmds, err := c.commands(ctx)
	if err != nil {
		return r, err
	}
	start := time.Now()
	for _, cmd := range cmds {
		if err := cmd.Start(); err != nil {
			cancel()
			return r, err
		}
	}
	for _, cmd := range cmds {
		// Its end of a pipe is to be closed here too, or the others never see the end.
		for _, f := range []any{cmd.Stdin, cmd.Stdout} {
			if f != os.Stdin && f != os.Stdout {
				f.(*os.File).Close()
			}
		}
	}
	for _, cmd := range cmds {
		err := cmd.Wait()
		if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
			return r, err
		}
		s := cmd.ProcessState
		ru, ok := s.SysUsage().(*syscall.Rusage)
		if !ok {
			return r, errors.New("no rusage")
		}
		r.CPU += s.UserTime() + s.SystemTime()
		r.Peak = max(r.Peak, ru.Maxrss<<10)
		if r.Exit == 0 { // as pipefail has it
			r.Exit, r.Ended = s.ExitCode(), s.String()
		}
	}
	r.Wall, r.TimedUp = time.Since(start), ctx.Err() != nil
	return r, nil
}

// commands makes what is to be run, joined by pipes.
func (c *Command) commands(ctx context.Context) (cmds []*exec.Cmd, err error) {
	pipe := c.Pipe
	if pipe == nil {
		pipe = [][]string{c.Args}
	}
	in, out := os.Stdin, os.Stdout
	if c.From != "" {
		if in, err = os.Open(c.From); err != nil {
			return nil, err
		}
	}
	if c.To != "" {
		if out, err = os.Create(c.To); err != nil {
			return nil, err
		}
	}
	for i, args := range pipe {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, os.Stderr
		if i < len(pipe)-1 {
			r, w, err := os.Pipe()
			if err != nil {
				return nil, err
			}
			in, cmd.Stdout = r, w
		}
		cmds = append(cmds, cmd)
	}
	return cmds, nil
}

// Bind lets a process, all its threads and what it starts from now on use some cores
// only.
func Bind(pid int, set *unix.CPUSet) error {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return err
	}
	for _, t := range tasks {
		tid, _ := strconv.Atoi(t.Name())
		if err := unix.SchedSetaffinity(tid, set); err != nil && err != unix.ESRCH {
			return err
		}
	}
	return nil
}

func (c *Command) name() string {
	if c.Pipe != nil {
		return c.Pipe[0][0]
	}
	return c.Args[0]
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
		return r, fmt.Errorf("%s: %w %s", c.name(), err, told.Bytes())
	}
	write.Close()
	return r, json.NewDecoder(read).Decode(&r)
}
