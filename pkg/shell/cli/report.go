package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"imgtools/pkg/fault"
)

// Report writes what a command has to say about the files or jobs that it works
// on, a line each on standard error, and keeps the exit status of all of them.
// Its methods may be called at the same time.
type Report struct {
	Command string // its name, which begins every line
	Stderr  io.Writer
	Quiet   bool // no closing line, and each kind of note once

	mu     sync.Mutex
	failed int
	status int // exit status, if anything failed
	notes  []noteCount
}

// noteCount is a kind of note, and how often it was given.
type noteCount struct {
	kind string // the note with N for every number
	text string // the note as it was first given
	same bool   // so far all had that text
	n    int
}

// Line writes one line.
func (r *Report) Line(text string) {
	fmt.Fprintf(r.Stderr, "%s: %s\n", r.Command, Line(text))
}

// Fail writes an error and counts it. One error that repeating would not help
// makes the exit status 1; else it is 75.
func (r *Report) Fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed++
	if !fault.Of(err).Again() {
		r.status = fault.ExitFail
	} else if r.status == 0 {
		r.status = fault.ExitAgain
	}
	r.Line(err.Error())
}

// Failed returns the number of calls of Fail.
func (r *Report) Failed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// Status returns the error for Main to exit with: nil if nothing failed.
func (r *Report) Status() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == 0 {
		return nil
	}
	return Status(r.status)
}

// Note writes the notes on one picture, which "; " separates: one line
//
//	gray: NAME: no end marker
//
// when it is called. With Quiet it only counts them, for Notes.
func (r *Report) Note(name, notes string) {
	if notes == "" {
		return
	}
	if !r.Quiet {
		r.Line(name + ": " + notes)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
next:
	for text := range strings.SplitSeq(notes, "; ") {
		kind := kindOf(text)
		for i, have := range r.notes {
			if have.kind == kind {
				r.notes[i].n++
				r.notes[i].same = have.same && have.text == text
				continue next
			}
		}
		r.notes = append(r.notes, noteCount{kind, text, true, 1})
	}
}

// Notes writes each kind of note that was counted, with its count:
//
//	gray: note: no end marker (12 pictures)
//	gray: note: truncated after N of N rows (2 pictures)
//
// Notes that differ only in their numbers are of one kind.
func (r *Report) Notes() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.notes {
		text, pictures := c.kind, "pictures"
		if c.same {
			text = c.text
		}
		if c.n == 1 {
			pictures = "picture"
		}
		r.Line(fmt.Sprintf("note: %s (%d %s)", text, c.n, pictures))
	}
	r.notes = nil
}

// kindOf returns a note with N for every number.
func kindOf(note string) string {
	var b strings.Builder
	digits := false
	for _, c := range note {
		if c >= '0' && c <= '9' {
			if !digits {
				b.WriteByte('N')
			}
			digits = true
			continue
		}
		digits = false
		b.WriteRune(c)
	}
	return b.String()
}
