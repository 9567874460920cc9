// Package journal writes lines for people on standard error. Each line begins with
// the program's name or, where standard error is systemd's journal, with its
// priority (sd-daemon(3)): the journal knows the name.
package journal

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Priorities of lines in the journal.
const (
	Err     = "<3>"
	Warning = "<4>"
	Info    = "<6>"
	Debug   = "<7>"
)

// IsStderr reports whether standard error is the journal: its device and inode
// are those that JOURNAL_STREAM names (systemd.exec(5)). A command with its
// standard error elsewhere may have inherited the variable.
func IsStderr() bool {
	var st unix.Stat_t
	return unix.Fstat(2, &st) == nil &&
		os.Getenv("JOURNAL_STREAM") == strconv.FormatUint(uint64(st.Dev), 10)+":"+strconv.FormatUint(st.Ino, 10)
}

// Lines writes lines.
type Lines struct {
	w       io.Writer
	name    string
	journal bool
}

// New returns the lines of a program on w, which is the journal or not.
func New(w io.Writer, name string, journal bool) Lines { return Lines{w, name, journal} }

// Info writes a line that is good to know.
func (l Lines) Info(format string, args ...any) { l.write(Info, format, args...) }

// Warn writes a line that somebody should see.
func (l Lines) Warn(format string, args ...any) { l.write(Warning, format, args...) }

// write writes one message. Each line of it begins alike.
func (l Lines) write(priority, format string, args ...any) {
	prefix := l.name + ": "
	if l.journal {
		prefix = priority
	}
	text := strings.TrimRight(fmt.Sprintf(format, args...), "\n")
	fmt.Fprintf(l.w, "%s%s\n", prefix, strings.ReplaceAll(text, "\n", "\n"+prefix))
}
