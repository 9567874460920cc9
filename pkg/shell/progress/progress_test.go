package progress

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"imgtools/pkg/shell/faketerm"
)

// TestMain runs the test binary as a command with a line of progress when it is
// told to: it shows WORDS until its standard input ends.
func TestMain(m *testing.M) {
	if words := os.Getenv("PROGRESS_TEST"); words != "" {
		l := Start(os.Stderr, false, func() string { return words })
		os.Stdin.Read(make([]byte, 1))
		fmt.Fprintln(l.Over(os.Stdout), "out")
		l.Stop()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func command(words string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"PROGRESS_TEST=" + words}
	return cmd
}

func shows(words string) func(string) bool {
	return func(said string) bool { return strings.HasSuffix(faketerm.Screen(said), words) }
}

func TestLineIsWrittenAnewAndGoneAtTheEnd(t *testing.T) {
	term := faketerm.Open(t, 80, 24, 0, 0)
	var n atomic.Int32
	l := Start(term.Near, false, func() string {
		if n.Add(1) == 1 {
			return "a long line at first"
		}
		return "short"
	})
	term.Await("first line", shows("a long line at first"))
	term.Await("second line", shows("short"))
	fmt.Fprintln(l.Over(term.Near), "message")
	term.Await("line under the message", shows("message\nshort"))
	l.Stop()
	l.Stop()
	said := term.Await("end", shows("message\n"))
	if strings.Count(said, "\n") != 1 {
		t.Errorf("%q", said)
	}
}

func TestLineFitsTheWindow(t *testing.T) {
	term := faketerm.Open(t, 20, 5, 0, 0)
	l := Start(term.Near, false, func() string { return strings.Repeat("x", 100) })
	defer l.Stop()
	term.Await("line", func(said string) bool { return faketerm.Screen(said) == strings.Repeat("x", 19) })
}

func TestSilentWhereItShouldBe(t *testing.T) {
	term := faketerm.Open(t, 80, 24, 0, 0)
	text := func() string { return "text" }
	var buf bytes.Buffer
	pipe, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	if Start(&buf, false, text) != nil || Start(pipe, false, text) != nil || Start(term.Near, true, text) != nil {
		t.Error("a line where there is no terminal, or quiet")
	}
	t.Setenv("TERM", "dumb")
	if Start(term.Near, false, text) != nil {
		t.Error("a line on a dumb terminal")
	}
	var none *Line
	if none.Over(&buf) != &buf {
		t.Error("no line, and another writer")
	}
	none.Stop()
}

// What goes to a file while the line is on the terminal is not touched.
func TestOtherOutputsAreLeftAlone(t *testing.T) {
	term := faketerm.Open(t, 80, 24, 0, 0)
	l := Start(term.Near, false, func() string { return "text" })
	defer l.Stop()
	var buf bytes.Buffer
	if l.Over(&buf) != &buf {
		t.Error("a writer over a file")
	}
}

// Of two commands on one terminal one shows its line at a time, and the next
// when it ends.
func TestOneLineAtATime(t *testing.T) {
	term := faketerm.Open(t, 80, 24, 0, 0)
	first := command("first")
	in, err := first.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	term.Start(first)
	term.Await("first line", shows("first"))
	second := Start(term.Near, false, func() string { return "second" })
	defer second.Stop()
	seen := strings.Count(term.Said(), "first")
	term.Await("more of the first", func(said string) bool { return strings.Count(said, "first") > seen+3 })
	if strings.Contains(term.Said(), "second") {
		t.Errorf("both: %q", term.Said())
	}
	in.Close()
	if err := first.Wait(); err != nil {
		t.Fatal(err)
	}
	said := term.Await("second line", shows("second"))
	if !strings.Contains(faketerm.Screen(said), "out\nsecond") {
		t.Errorf("%q", said)
	}
}

func TestInterruptedLineIsGone(t *testing.T) {
	term := faketerm.Open(t, 80, 24, 0, 0)
	cmd := command("line")
	term.Start(cmd)
	term.Await("line", shows("line"))
	term.Type("\x03")
	if err := cmd.Wait(); err == nil || err.Error() != "signal: interrupt" {
		t.Errorf("ended with %v", err)
	}
	term.Await("end", func(said string) bool { return strings.TrimSuffix(faketerm.Screen(said), "^C") == "" })
}

func TestWords(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 4404019: "4.2 MiB", 1 << 40: "1.0 TiB", 1 << 50: "1024.0 TiB"} {
		t.Run(want, func(t *testing.T) {
			if got := Bytes(n); got != want {
				t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
			}
		})
	}
	for d, want := range map[time.Duration]string{time.Second: "1s", 59 * time.Second: "59s", 61 * time.Second: "1m01s", 3*time.Hour + 7*time.Minute: "3h07m"} {
		t.Run(want, func(t *testing.T) {
			if got := Time(d); got != want {
				t.Errorf("Time(%v) = %q, want %q", d, got, want)
			}
		})
	}
	for part, want := range map[float64]int{0: 0, 0.25: 5, 0.99: 19, 1: 20, 2: 20} {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			if got := Bar(part, 1); got != "["+strings.Repeat("#", want)+strings.Repeat(".", 20-want)+"]" {
				t.Errorf("Bar(%v) = %q", part, got)
			}
		})
	}
	ago := time.Now().Add(-10 * time.Second)
	if got := Left(1, 4, ago); got != ", 31s left" && got != ", 30s left" {
		t.Errorf("a quarter in 10 s: %q", got)
	}
	if Left(0, 4, ago)+Left(4, 4, ago)+Left(1, 4, time.Now()) != "" {
		t.Error("a time with nothing to go by")
	}
}
