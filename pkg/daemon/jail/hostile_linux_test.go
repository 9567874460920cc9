package jail

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/eventually"
	"imgtools/pkg/fault"
)

// processes returns the command lines of the processes of the test binary as a
// program, a jail or a launcher.
func processes(t testing.TB) []string {
	t.Helper()
	var found []string
	mine, err := os.Readlink(self)
	if err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		line, _ := os.ReadFile(p + "/cmdline")
		if exe, err := os.Readlink(p + "/exe"); err != nil || exe != mine {
			continue // another program, or one that has ended
		}
		if f := strings.Split(string(line), "\x00"); f[0] == launcherName || len(f) > 1 && f[1] == "double" {
			found = append(found, strings.Join(f, " "))
		}
	}
	return found
}

// nothingLeft checks that no program is left by a Run that has returned.
func nothingLeft(t *testing.T) {
	t.Helper()
	for _, p := range processes(t) {
		if !strings.HasPrefix(p, launcherName) {
			t.Errorf("left running: %s", p)
		}
	}
}

// TestRefusedCallsGetNowhere: the double tries each, and goes on.
func TestRefusedCallsGetNowhere(t *testing.T) {
	run := direct1(t)
	c := command(t, "try")
	c.Args = append(c.Args, c.In.Name())
	got, err := toPipe(t, run, c)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for line := range strings.SplitSeq(got, "\n") {
		i := strings.LastIndex(line, ": ")
		said[line[:i]] = line[i+2:]
	}
	tried := refused(c.In.Name())
	if len(said) != len(tried) {
		t.Errorf("%d results of %d attempts: %s", len(said), len(tried), got)
	}
	for name, result := range said {
		want := errors.New("permission denied")
		if strings.HasPrefix(name, "open /proc/") { // the number in it differs
			if result == "no such file or directory" {
				continue // hidepid of proc(5)
			}
		} else if a, ok := tried[name]; ok {
			want = a.want[0]
		} else {
			t.Errorf("%s: not tried", name)
		}
		if result != want.Error() {
			t.Errorf("%s: %s, want %v", name, result, want)
		}
	}
	if text, err := os.ReadFile(c.In.Name()); err != nil || string(text) != "the input" {
		t.Errorf("the original is now %q, %v", text, err)
	}
	if _, err := os.Stat("/tmp/imgtools-jail-was-here"); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
	nothingLeft(t)
}

func TestAttacksEndTheProgram(t *testing.T) {
	run := direct1(t)
	for name := range attacks {
		t.Run(name, func(t *testing.T) {
			_, err := toMemory(t, run, command(t, "attack", name))
			oneLine(t, err, fault.Format)
			if err == nil || !strings.HasSuffix(err.Error(), "killed for a system call that it may not make") {
				t.Errorf("%v", err)
			}
			nothingLeft(t)
		})
	}
}

// TestWildProgramsEnd: each ends or is ended, with one error, and nothing is left.
func TestWildProgramsEnd(t *testing.T) {
	run := direct1(t)
	for _, c := range []struct {
		name string
		args []string
		time time.Duration // 0: long
		kind fault.Kind
		text string // its beginning
	}{
		{"map", nil, 0, fault.TooLarge, "out of memory at 2G: exit status 1: cannot allocate memory"},
		{"allocate", nil, 0, fault.TooLarge, "out of memory at 2G: exit status 2: "},
		{"write", nil, 0, fault.TooLarge, "wrote over 1M"},
		{"truncate", nil, 0, fault.TooLarge, "wrote over 1M"},
		{"threads", nil, 0, fault.Format, "exit status 2: runtime: failed to create new OS thread"},
		{"spin", nil, 300 * time.Millisecond, fault.Timeout, "took longer than 300ms"},
		{"stop", nil, 300 * time.Millisecond, fault.Timeout, "took longer than 300ms"},
		{"wait", nil, 300 * time.Millisecond, fault.Timeout, "took longer than 300ms"},
		{"reexec", nil, 300 * time.Millisecond, fault.Timeout, "took longer than 300ms"},
		{"shout", nil, 0, fault.Format, "wrote over 1M of messages"},
		{"rubbish", nil, 0, fault.Format, "exit status 7: [31mbad pixel !!!"},
		{"signal", []string{"SIGSEGV"}, 0, fault.Format, "signal: segmentation fault"},
		{"signal", []string{"SIGABRT"}, 0, fault.Format, "signal: aborted"},
		{"signal", []string{"SIGTERM"}, 0, fault.Format, "signal: terminated"},
		{"signal", []string{"SIGKILL"}, 0, fault.TooLarge, "killed by the system; out of memory?"},
		{"signal", []string{"SIGXCPU"}, 0, fault.Timeout, "took longer than 20s"},
	} {
		t.Run(strings.Join(append([]string{c.name}, c.args...), "-"), func(t *testing.T) {
			cmd := command(t, c.name, c.args...)
			if c.time > 0 {
				cmd.Time = c.time
			}
			_, err := toMemory(t, run, cmd)
			oneLine(t, err, c.kind)
			if err != nil && !strings.HasPrefix(err.Error(), c.text) {
				t.Errorf("%v; want %s", err, c.text)
			}
			nothingLeft(t)
			if got, err := toMemory(t, run, command(t, "copy")); err != nil || got != "the input" {
				t.Errorf("afterwards: %q, %v", got, err)
			}
		})
	}
}

// TestUnreadPipeEndsTheProgram: a program that writes into a pipe without end stops
// when the reader has had enough.
func TestUnreadPipeEndsTheProgram(t *testing.T) {
	runners(t, func(t *testing.T, run Runner) {
		r, w, err := run.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		c := command(t, "write")
		c.Out = w
		ended := make(chan error, 1)
		go func() {
			err := run.Run(t.Context(), c)
			w.Close()
			ended <- err
		}()
		if _, err := io.ReadFull(r, make([]byte, 1<<20)); err != nil {
			t.Fatal(err, <-ended)
		}
		r.Close()
		err = <-ended
		oneLine(t, err, fault.Format)
		if err == nil || !strings.Contains(err.Error(), "broken pipe") {
			t.Errorf("%v", err)
		}
		nothingLeft(t)
	})
}

func TestProgramThatDoesNothingSucceedsWithNothing(t *testing.T) {
	if got, err := toPipe(t, direct1(t), command(t, "nothing")); err != nil || got != "" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRootsProgramsAreNobodys(t *testing.T) {
	want := "65534 65534 65534 65534"
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		want = fmt.Sprint(uid, uid, gid, gid)
	}
	if got, err := toPipe(t, direct1(t), command(t, "user")); err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestProgramsEnvironment(t *testing.T) {
	t.Setenv("SECRET", "x")
	want := strings.Join(programEnv, " ")
	if got, err := toPipe(t, direct1(t), command(t, "environment")); err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestProgramsRunAtTheSameTime(t *testing.T) {
	runners(t, func(t *testing.T, run Runner) {
		const n = 5
		var rs [n]*os.File
		ended := make(chan error, n)
		for i := range n {
			r, w, err := run.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			rs[i] = r
			c := command(t, "write")
			c.Out = w
			go func() {
				err := run.Run(t.Context(), c)
				w.Close()
				ended <- err
			}()
		}
		for _, r := range rs { // all are up before the first ends
			if _, err := io.ReadFull(r, make([]byte, 100<<10)); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range rs {
			r.Close()
			if err := <-ended; fault.Of(err) != fault.Format {
				t.Errorf("%v", err)
			}
		}
		nothingLeft(t)
	})
}

// folders returns the folders of launchers among the temporary files.
func folders(t testing.TB) []string {
	t.Helper()
	fs, err := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

// allGone waits until no process and no folder is left.
func allGone(t *testing.T) {
	t.Helper()
	eventually.True(t, "no process and no folder is left", func() bool { return len(processes(t)) == 0 && len(folders(t)) == 0 })
}

func contains(lines []string, part string) bool {
	return slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, part) })
}
