// Package progress tells on a terminal how far a command is: one line on
// standard error, written anew in its place and gone at the end.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/shell/cli"
)

// every is the time from one look at the state to the next; a command that is
// done sooner shows nothing.
const every = 200 * time.Millisecond

// clear takes the cursor to the beginning of its line and empties that (ECMA-48
// 8.3.41, EL).
const clear = "\r\x1b[K"

// Line is the line of one command. A nil Line shows nothing, and its methods may
// be called.
type Line struct {
	tty    *os.File
	turn   *os.File // the same terminal, opened anew for its lock; nil: no lock is to be had
	text   func() string
	forget func()

	mu    sync.Mutex
	shown bool
	ended bool
	once  sync.Once
	stop  chan struct{}
}

// Start shows text(), which is ASCII and without line ends, a few times a second
// until Stop; where it is empty, nothing. It returns nil if stderr is not a
// terminal, or quiet. text is called by a goroutine of its own.
func Start(stderr io.Writer, quiet bool, text func() string) *Line {
	tty, ok := stderr.(*os.File)
	if !ok || quiet || !cli.Terminal(tty) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	l := &Line{tty: tty, text: text, stop: make(chan struct{})}
	// An open file description of our own: what the commands of a pipeline
	// inherited is one, and so is its lock.
	if fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", tty.Fd()), unix.O_WRONLY|unix.O_NOCTTY|unix.O_CLOEXEC, 0); err == nil {
		l.turn = os.NewFile(uintptr(fd), tty.Name())
	}
	l.forget = cli.AtExit(l.wipe)
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				l.paint()
			case <-l.stop:
				return
			}
		}
	}()
	return l
}

// Stop takes the line away. It may be called again.
func (l *Line) Stop() {
	if l == nil {
		return
	}
	l.once.Do(func() {
		close(l.stop)
		l.wipe()
		l.forget()
		if l.turn != nil {
			l.turn.Close()
		}
	})
}

// wipe takes the line away for good.
func (l *Line) wipe() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown {
		io.WriteString(l.tty, clear)
	}
	l.shown, l.ended = false, true
}

// Over returns a writer to w that makes place for what it writes, whole lines,
// if w is a terminal.
func (l *Line) Over(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); l == nil || !ok || !cli.Terminal(f) {
		return w
	}
	return &over{l, w}
}

type over struct {
	l *Line
	w io.Writer
}

// Write clears the line also if it is not ours: that of the command before us in
// a pipeline is painted again soon.
func (o *over) Write(p []byte) (int, error) {
	o.l.mu.Lock()
	defer o.l.mu.Unlock()
	o.l.shown = false
	n, err := o.w.Write(append([]byte(clear), p...))
	return max(n-len(clear), 0), err
}

// paint writes the line as it is now.
func (l *Line) paint() {
	text := l.text()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || text == "" && !l.shown || !l.ours() {
		return
	}
	if n := l.width() - 1; len(text) > n {
		text = text[:n]
	}
	io.WriteString(l.tty, "\r"+text+clear[1:])
	l.shown = text != ""
}

// ours reports whether the line is ours to write: of the commands of a pipeline
// one shows its line at a time, and one in the background none.
func (l *Line) ours() bool {
	group, err := unix.IoctlGetInt(int(l.tty.Fd()), unix.TIOCGPGRP)
	front := err != nil || group == unix.Getpgrp() // an error: not the terminal that controls us
	if l.turn == nil {
		return front
	}
	if !front {
		unix.Flock(int(l.turn.Fd()), unix.LOCK_UN)
		return false
	}
	// Ours until the terminal is closed, by Stop or the end of the process.
	return unix.Flock(int(l.turn.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

// width is the terminal's, in characters.
func (l *Line) width() int {
	if ws, err := unix.IoctlGetWinsize(int(l.tty.Fd()), unix.TIOCGWINSZ); err == nil && ws.Col > 0 {
		return int(ws.Col)
	}
	return 80
}

// Bar draws how much of all is done: [#####.....].
func Bar(done, all float64) string {
	const cells = 20
	n := 0
	if all > 0 {
		n = min(max(int(cells*done/all), 0), cells)
	}
	return "[" + strings.Repeat("#", n) + strings.Repeat(".", cells-n) + "]"
}

// Left tells how long the rest will take if it goes on as it did since the
// start: ", 2m05s left"; "" as long as there is little to go by.
func Left(done, all float64, start time.Time) string {
	passed := time.Since(start)
	if done <= 0 || done >= all || passed < time.Second {
		return ""
	}
	return ", " + Time(time.Duration(float64(passed)*(all-done)/done)) + " left"
}

// Time writes a time of at least a second: 5s, 2m05s, 3h07m.
func Time(d time.Duration) string {
	s := int64((d + time.Second - 1) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
}

// Bytes writes a number of bytes: 512 B, 4.2 MiB.
func Bytes(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	x, unit := float64(n)/1024, 0
	for x >= 1024 && unit < 3 {
		x, unit = x/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", x, "KMGT"[unit])
}
