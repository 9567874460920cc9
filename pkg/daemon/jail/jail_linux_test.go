package jail

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/sandbox"
	"imgtools/pkg/eventually"
	"imgtools/pkg/fault"
)

// The test binary is a launcher and a jail, too, and by the argument "double" a
// program that does what double_linux_test.go says.
func TestMain(m *testing.M) {
	Main()
	if len(os.Args) > 2 && os.Args[1] == "double" {
		double(os.Args[2], os.Args[3:])
	}
	os.Exit(m.Run())
}

// input is a file with that text.
func input(t testing.TB, text string) *os.File {
	t.Helper()
	name := t.TempDir() + "/input"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// command runs a double, whose Go runtime alone needs 1.2 GiB of addresses.
func command(t testing.TB, act string, args ...string) Command {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Command{
		Path: path, Args: append([]string{"double", act}, args...),
		In: input(t, "the input"), InName: "in.heic", OutName: "out.y4m",
		Time: eventually.Patience, Memory: 2 << 30, Output: 1 << 20,
	}
}

// toPipe runs c with a pipe as its output, and returns what it wrote.
func toPipe(t testing.TB, run Runner, c Command) (string, error) {
	t.Helper()
	r, w, err := run.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c.Out = w
	ended := make(chan error, 1)
	go func() {
		err := run.Run(t.Context(), c)
		w.Close()
		ended <- err
	}()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(text), <-ended
}

// toMemory runs c with memory as its output, and returns what it wrote.
func toMemory(t testing.TB, run Runner, c Command) (string, error) {
	t.Helper()
	m, err := run.Memory()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	c.Out = m
	err = run.Run(t.Context(), c)
	text, rerr := io.ReadAll(io.NewSectionReader(m, 0, 1<<30))
	if rerr != nil {
		t.Error(rerr)
	}
	return string(text), err
}

// runners are Direct and a launcher's client, which must do the same.
func runners(t *testing.T, f func(t *testing.T, run Runner)) {
	t.Run("direct", func(t *testing.T) { f(t, direct1(t)) })
	t.Run("launcher", func(t *testing.T) {
		l, err := StartLauncher(sandbox.Strict, Caps{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closeLauncher(l) })
		f(t, l)
	})
}

// closeLauncher ends a launcher and waits until it has ended.
func closeLauncher(l *Launcher) {
	unix.Shutdown(int(l.file.Fd()), unix.SHUT_WR)
	<-l.Gone()
	l.Close()
}

func direct1(t *testing.T) RunCloser {
	t.Helper()
	d := Direct().(*direct)
	t.Cleanup(func() { d.Close() })
	return d
}

func TestProgramReadsItsInputAndWritesItsOutput(t *testing.T) {
	runners(t, func(t *testing.T, run Runner) {
		for name, to := range map[string]func(testing.TB, Runner, Command) (string, error){"pipe": toPipe, "memory": toMemory} {
			t.Run(name, func(t *testing.T) {
				c := command(t, "copy")
				if _, err := c.In.Seek(3, io.SeekStart); err != nil { // the offset makes no difference
					t.Fatal(err)
				}
				if got, err := to(t, run, c); err != nil || got != "the input" {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
	})
}

func TestCancelledProgramEnds(t *testing.T) {
	runners(t, func(t *testing.T, run Runner) {
		r, w, err := run.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		c := command(t, "wait")
		c.Out = w
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			err := run.Run(ctx, c)
			w.Close()
			ended <- err
		}()
		if b, err := io.ReadFull(r, make([]byte, 2)); err != nil {
			t.Fatal(b, err, <-ended)
		}
		cancel()
		if err := <-ended; fault.Of(err) != fault.Internal || !strings.Contains(err.Error(), "canceled") {
			t.Errorf("%v", err)
		}
	})
}

func TestProgramThatTakesTooLongIsEnded(t *testing.T) {
	c := command(t, "wait")
	c.Time = 300 * time.Millisecond
	if _, err := toMemory(t, direct1(t), c); fault.Of(err) != fault.Timeout || !strings.HasSuffix(err.Error(), "took longer than 300ms") {
		t.Errorf("%v", err)
	}
}

// oneLine checks that err is of a kind and one short line.
func oneLine(t testing.TB, err error, kind fault.Kind) {
	t.Helper()
	if err == nil || fault.Of(err) != kind {
		t.Errorf("%v (%v), want kind %v", err, fault.Of(err), kind)
		return
	}
	for _, r := range err.Error() {
		if !unicode.IsPrint(r) {
			t.Errorf("%q", err.Error())
			return
		}
	}
	if len(err.Error()) > 400 {
		t.Errorf("%d bytes: %s", len(err.Error()), err)
	}
}
