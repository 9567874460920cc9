// Package faketerm is a terminal for tests: a pseudo-terminal (pty(7)) whose master
// side the test reads and types on.
package faketerm

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Terminal is a pseudo-terminal.
type Terminal struct {
	t    *testing.T
	far  *os.File
	Near *os.File // the side that a command has as its standard streams

	mu      sync.Mutex
	said    strings.Builder
	answers map[string]string
	changed chan struct{} // closed and replaced when more was written
}

// Open returns a terminal of cols × rows characters and, if not 0, w × h pixels. It
// is closed when the test ends.
func Open(t *testing.T, cols, rows, w, h uint16) *Terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	term := &Terminal{t: t, far: os.NewFile(uintptr(fd), "/dev/ptmx"), answers: map[string]string{}, changed: make(chan struct{})}
	t.Cleanup(func() { term.far.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: cols, Row: rows, Xpixel: w, Ypixel: h}); err != nil {
		t.Fatal(err)
	}
	if term.Near, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { term.Near.Close() })
	go term.listen()
	return term
}

// Answer has the terminal type answer whenever question is written to it. It is
// called before anything is written.
func (t *Terminal) Answer(question, answer string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answers[question] = answer
}

// listen records what is written to the terminal, and answers it.
func (t *Terminal) listen() {
	buf := make([]byte, 4096)
	asked := map[string]int{}
	for {
		n, err := t.far.Read(buf)
		if err != nil {
			return // closed
		}
		t.mu.Lock()
		t.said.Write(buf[:n])
		said := t.said.String()
		close(t.changed)
		t.changed = make(chan struct{})
		answer := ""
		for q, a := range t.answers {
			for ; asked[q] < strings.Count(said, q); asked[q]++ {
				answer += a
			}
		}
		t.mu.Unlock()
		t.far.WriteString(answer)
	}
}

// Type sends s to the program as if a person had typed it.
func (t *Terminal) Type(s string) {
	if _, err := t.far.WriteString(s); err != nil {
		t.t.Error(err)
	}
}

// Start starts cmd in the foreground of the terminal, an xterm. Streams that cmd
// doesn't have yet become the terminal.
func (t *Terminal) Start(cmd *exec.Cmd) {
	t.t.Helper()
	if cmd.Stdin == nil {
		cmd.Stdin = t.Near
	}
	if cmd.Stdout == nil {
		cmd.Stdout = t.Near
	}
	if cmd.Stderr == nil {
		cmd.Stderr = t.Near
	}
	cmd.Env = append([]string{"TERM=xterm"}, cmd.Env...)
	// A new session gets the terminal that is open as the child's descriptor 3.
	cmd.ExtraFiles = []*os.File{t.Near}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if err := cmd.Start(); err != nil {
		t.t.Fatal(err)
	}
}

// Said returns all that was written so far.
func (t *Terminal) Said() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.said.String()
}

// Await waits until ok is true of what was written, and returns that.
func (t *Terminal) Await(what string, ok func(said string) bool) string {
	t.t.Helper()
	end := time.NewTimer(20 * time.Second)
	defer end.Stop()
	for {
		t.mu.Lock()
		said, changed := t.said.String(), t.changed
		t.mu.Unlock()
		if ok(said) {
			return said
		}
		select {
		case <-changed:
		case <-end.C:
			t.t.Fatalf("no %s on the terminal:\n%q", what, said)
		}
	}
}

// Screen returns the text that a person sees in the end: it follows carriage returns
// and the erasing of lines, and leaves out colours.
func Screen(said string) string {
	var lines []string
	line, at := []rune{}, 0
	for rest := []rune(said); len(rest) > 0; {
		r := rest[0]
		rest = rest[1:]
		switch r {
		case '\r':
			at = 0
		case '\n':
			lines = append(lines, strings.TrimRight(string(line), " "))
			line, at = nil, 0
		case '\x1b':
			n := 1 // ESC [ parameters, and one letter
			for n < len(rest) && (rest[n] == '?' || rest[n] == ';' || rest[n] >= '0' && rest[n] <= '9') {
				n++
			}
			if n < len(rest) && rest[n] == 'K' {
				line = line[:min(at, len(line))]
			}
			rest = rest[min(n+1, len(rest)):]
		default:
			for len(line) <= at {
				line = append(line, ' ')
			}
			line[at] = r
			at++
		}
	}
	return strings.TrimRight(strings.Join(append(lines, string(line)), "\n"), " ")
}
