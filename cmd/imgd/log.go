package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Lines on standard error begin with the program's name or, when standard error is
// the journal, with their priority in the words of sd-daemon(3).

// journal reports whether standard error is systemd's journal: its device and
// inode are those of JOURNAL_STREAM (systemd.exec(5)), which commands started
// with another standard error inherit all the same.
func journal() bool {
	var st unix.Stat_t
	return unix.Fstat(2, &st) == nil && os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// say writes a line for people to stderr, warn one that they should see.
func say(format string, args ...any)  { tell("<6>", format, args...) }
func warn(format string, args ...any) { tell("<4>", format, args...) }

func tell(priority, format string, args ...any) {
	if !journal() {
		priority = "imgd: "
	}
	fmt.Fprintf(os.Stderr, priority+format+"\n", args...)
}

// newLog returns the log of requests and jobs on w: text, or json if told so, and
// for the journal with priorities.
func newLog(w io.Writer, json, journal bool) *slog.Logger {
	var b bytes.Buffer
	to := w
	if journal {
		to = &b
	}
	var h slog.Handler = slog.NewTextHandler(to, nil)
	if json {
		h = slog.NewJSONHandler(to, nil)
	}
	if journal {
		h = prioritized{h, &sync.Mutex{}, &b, w}
	}
	return slog.New(h)
}

// prioritized puts the priority of a record before the line that another handler
// makes of it.
type prioritized struct {
	slog.Handler // writes to line
	mu           *sync.Mutex
	line         *bytes.Buffer
	w            io.Writer
}

func (p prioritized) Handle(ctx context.Context, r slog.Record) error {
	priority := "<7>"
	switch {
	case r.Level >= slog.LevelError:
		priority = "<3>"
	case r.Level >= slog.LevelWarn:
		priority = "<4>"
	case r.Level >= slog.LevelInfo:
		priority = "<6>"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line.Reset()
	p.line.WriteString(priority)
	if err := p.Handler.Handle(ctx, r); err != nil {
		return err
	}
	_, err := p.w.Write(p.line.Bytes())
	return err
}

func (p prioritized) WithAttrs(attrs []slog.Attr) slog.Handler {
	p.Handler = p.Handler.WithAttrs(attrs)
	return p
}

func (p prioritized) WithGroup(name string) slog.Handler {
	p.Handler = p.Handler.WithGroup(name)
	return p
}
