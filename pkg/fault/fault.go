// Package fault has the kinds of error, an error with a kind, and the one
// table that gives each kind its HTTP status, its exit status, whether trying again
// may help, and whether a worker can mean it.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what sort of failure an error is. The list is closed.
type Kind uint8

const (
	Internal    Kind = iota // our fault: a worker died twice, a disk failed
	Usage                   // the request itself is wrong
	Format                  // not a picture, or a damaged one
	Unsupported             // understood, and not done here
	TooLarge                // bytes, pixels or memory, in or out
	Timeout                 // the work (not the queue) took too long
	Busy                    // no room now; try again
	Full                    // the spool is full; try again (front only)

	// The rest are the front's own.
	Unauthorized   // 401
	Forbidden      // 403
	NotFound       // 404
	Method         // 405
	RequestTimeout // 408: the client was too slow
	Conflict       // 409
	Gone           // 410
	Misdirected    // 421: a Host that is not ours

	// Undecoded stands on the wire alone: another daemon decodes this format. To users it
	// is Unsupported.
	Undecoded
	numKinds
)

// Exit statuses of every command.
const (
	ExitOK    = 0
	ExitFail  = 1
	ExitUsage = 2
	ExitAgain = 75 // EX_TEMPFAIL of sysexits.h
)

// row is what is known of a kind.
type row struct {
	name  string
	http  int
	exit  int
	again bool
	work  bool // a worker can mean it; the others are the front's own
}

var table = [numKinds]row{
	Internal:       {"internal", 500, ExitFail, false, true},
	Usage:          {"usage", 400, ExitUsage, false, true},
	Format:         {"format", 415, ExitFail, false, true},
	Unsupported:    {"unsupported", 415, ExitFail, false, true},
	TooLarge:       {"toolarge", 413, ExitFail, false, true},
	Timeout:        {"timeout", 422, ExitFail, false, true},
	Busy:           {"busy", 503, ExitAgain, true, true},
	Full:           {"full", 507, ExitAgain, true, false},
	Unauthorized:   {"unauthorized", 401, ExitFail, false, false},
	Forbidden:      {"forbidden", 403, ExitFail, false, true}, // of a worker: it serves other users
	NotFound:       {"notfound", 404, ExitFail, false, false},
	Method:         {"method", 405, ExitFail, false, false},
	RequestTimeout: {"slow", 408, ExitFail, false, false},
	Conflict:       {"conflict", 409, ExitFail, false, false},
	Gone:           {"gone", 410, ExitFail, false, false},
	Misdirected:    {"misdirected", 421, ExitFail, false, false},
	Undecoded:      {"undecoded", 415, ExitFail, false, true},
}

// String returns the kind's word, as it stands on the wire and in status.
func (k Kind) String() string { return k.row().name }

// HTTP returns the kind's HTTP status.
func (k Kind) HTTP() int { return k.row().http }

// Exit returns the exit status of a command that failed of this kind.
func (k Kind) Exit() int { return k.row().exit }

// Again reports whether the same request may succeed later.
func (k Kind) Again() bool { return k.row().again }

// Worker reports whether a worker can mean the kind. A worker that answers with
// another one lies.
func (k Kind) Worker() bool { return k.row().work }

func (k Kind) row() row {
	if k >= numKinds {
		k = Internal
	}
	return table[k]
}

// Kinds returns the kinds that users meet, in the order of the table.
func Kinds() (kinds []Kind) {
	for k := range numKinds {
		if k != Undecoded {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// Parse returns the kind with the given word.
func Parse(word string) (Kind, bool) {
	for k := range table {
		if table[k].name == word {
			return Kind(k), true
		}
	}
	return Internal, false
}

// FromHTTP returns the kind that a status of 400 and up stands for. Where two
// kinds share a status (415) it returns the first; other statuses below 500 are
// Usage, others above Internal.
func FromHTTP(status int) Kind {
	for k := range table {
		if table[k].http == status {
			return Kind(k)
		}
	}
	if status < 500 {
		return Usage
	}
	return Internal
}

// Error is an error with a kind.
type Error struct {
	Kind Kind
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of kind k whose text is made as by fmt.Errorf; %w works.
func New(k Kind, format string, args ...any) error {
	return &Error{k, fmt.Errorf(format, args...)}
}

// As returns err with kind k, whatever kind it had; nil stays nil.
func As(k Kind, err error) error {
	if err == nil {
		return nil
	}
	return &Error{k, err}
}

// Of returns the kind of err: the outermost one in its chain, or Internal.
func Of(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}
