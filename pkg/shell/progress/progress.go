// Package progress shows on a terminal how far a command has come: one line on
// standard error that is repainted in place and cleared at the end.
//
// A command calls Start with a function that returns the line's text, writes its own
// output through Over so that the two don't mix, and calls Stop. Of the commands of a
// pipeline, which share a terminal, one shows its line at a time: it holds a lock on
// the terminal.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/system"
)

// every is the time between two repaints. A command that ends sooner shows nothing.
const every = 200 * time.Millisecond

// clear moves the cursor to the beginning of its line and erases the line (ECMA-48
// 8.3.41, EL).
const clear = "\r\x1b[K"

// Line is the line of one command. The methods of a nil Line do nothing.
type Line struct {
	tty    *os.File
	turn   *os.File // the same terminal, opened again for its lock; nil: it can't be locked
	text   func() string
	forget func()

	mu    sync.Mutex
	shown bool
	ended bool
	once  sync.Once
	stop  chan struct{}
}

// Start shows text(), which is ASCII without line ends, a few times a second until
// Stop. It shows nothing while text() is empty. It returns nil if stderr is not a
// terminal, or if quiet is set. text is called in another goroutine.
func Start(stderr io.Writer, quiet bool, text func() string) *Line {
	tty, ok := stderr.(*os.File)
	if !ok || quiet || !cli.Terminal(tty) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	l := &Line{tty: tty, text: text, stop: make(chan struct{})}
	// The commands of a pipeline inherit one open file description and would share
	// its lock (flock(2)), so this opens another one.
	if f, err := system.Reopen(tty, os.O_WRONLY); err == nil {
		l.turn = f
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

// Stop clears the line. It may be called more than once.
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

// wipe clears the line and ends repainting.
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

// Write clears the line even if it is that of another command in the pipeline, which
// repaints it soon.
func (o *over) Write(p []byte) (int, error) {
	o.l.mu.Lock()
	defer o.l.mu.Unlock()
	o.l.shown = false
	n, err := o.w.Write(append([]byte(clear), p...))
	return max(n-len(clear), 0), err
}

// paint repaints the line.
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

// ours reports whether this command may show its line: it is in the foreground, and
// no other command of the pipeline shows one.
func (l *Line) ours() bool {
	front, controlled := system.Foreground(l.tty)
	front = front || !controlled
	if l.turn == nil {
		return front
	}
	if !front {
		system.Unlock(l.turn)
		return false
	}
	// The lock lasts until Stop or the end of the process closes the file.
	return system.TryLock(l.turn)
}

// width returns the terminal's width in characters.
func (l *Line) width() int {
	if w := system.WindowOf(l.tty); w.Cols > 0 {
		return w.Cols
	}
	return 80
}

// Bar draws the part done of all: [#####.....].
func Bar(done, all float64) string {
	const cells = 20
	n := 0
	if all > 0 {
		n = min(max(int(cells*done/all), 0), cells)
	}
	return "[" + strings.Repeat("#", n) + strings.Repeat(".", cells-n) + "]"
}

// Left estimates how long the rest takes at the speed since start: ", 2m05s left".
// It returns "" in the first second.
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
