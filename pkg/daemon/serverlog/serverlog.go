// Package serverlog makes the log of a server's requests and jobs: structured
// records on standard error, with the priorities of package journal where that is
// the journal. It is apart from package journal because grayd and scaled, whose
// workers should stay small, don't use log/slog.
package serverlog

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"

	"imgtools/pkg/daemon/journal"
)

// New returns a log on w, as text or as JSON. Where w is the journal each record
// begins with its priority.
func New(w io.Writer, json, toJournal bool) *slog.Logger {
	var b bytes.Buffer
	to := w
	if toJournal {
		to = &b
	}
	var h slog.Handler = slog.NewTextHandler(to, nil)
	if json {
		h = slog.NewJSONHandler(to, nil)
	}
	if toJournal {
		h = prioritized{h, &sync.Mutex{}, &b, w}
	}
	return slog.New(h)
}

// prioritized writes the priority of a record before the line that another handler
// has made.
type prioritized struct {
	slog.Handler // writes to line
	mu           *sync.Mutex
	line         *bytes.Buffer
	w            io.Writer
}

func (p prioritized) Handle(ctx context.Context, r slog.Record) error {
	priority := journal.Debug
	switch {
	case r.Level >= slog.LevelError:
		priority = journal.Err
	case r.Level >= slog.LevelWarn:
		priority = journal.Warning
	case r.Level >= slog.LevelInfo:
		priority = journal.Info
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
