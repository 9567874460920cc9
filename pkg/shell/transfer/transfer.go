// Package transfer is what imgput, imgget, imgls and imgrm do: Put sends pictures
// to imgd, Get fetches results, List and Remove ask about jobs and delete them.
//
// All of them work on several pictures or jobs at once, name each one that failed
// on standard error, go on with the others, and return one exit status for all.
// A server that is busy, full or lost is asked again; how that is done and for how
// long is package client's business. A server that never answered (client.ErrAway)
// ends the run.
//
// A picture passes these states in Put, and ids are printed in the order of the
// files:
//
//	waiting ──► uploading ──► accepted ──► head ──► its id is printed
//	                ▲             │ the spool is full, and the head needs room
//	                └── deleted ◄─┘
//
// The head is the first file whose id is not printed yet.
package transfer

import (
	"errors"
	"io"

	"imgtools/pkg/shell/client"
	"imgtools/pkg/shell/input"
)

// errNoIDs is the error of a pipeline whose first command printed no ids.
var errNoIDs = errors.New("no job ids on standard input")

// jobIDs are the operands of a command that works on jobs.
type jobIDs struct {
	operands []string // job ids or URLs; "-" or none: the lines of stdin
	stdin    io.Reader
}

// check returns the error of the first operand that is not a job's id or URL, so
// that a wrong one is found before anything is done.
func (ids jobIDs) check() error {
	for _, s := range ids.operands {
		if _, err := client.ParseRef(s); err != nil && s != "-" {
			return err
		}
	}
	return nil
}

// each calls f with each operand, or line of standard input, until f returns
// false. Its error is errNoIDs when there was none.
func (ids jobIDs) each(f func(string) bool) error {
	any := false
	err := input.IDs(ids.operands, ids.stdin, func(s string) bool { any = true; return f(s) })
	if err == nil && !any {
		return errNoIDs
	}
	return err
}
