package raster

import (
	"fmt"
	"unicode/utf8"
)

const (
	maxNotes   = 3   // notes kept of one picture
	maxNoteLen = 100 // bytes of each
)

// NoteList collects what is odd about a file whose pixels are all there: a missing
// end marker, a wrong checksum of a comment. A Reader embeds it, calls Note where
// it notices something, and thereby has the method that Reader asks for.
type NoteList struct{ list []string }

// Note adds a note, once. Beyond the third, notes are dropped; a note longer than
// 100 bytes is cut.
func (n *NoteList) Note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(text) > maxNoteLen {
		end := maxNoteLen
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	if len(n.list) == maxNotes {
		return
	}
	for _, have := range n.list {
		if have == text {
			return
		}
	}
	n.list = append(n.list, text)
}

// Notes returns the notes so far. They are complete once the rows have ended, as
// much of a file is only looked at while it is decoded.
func (n *NoteList) Notes() []string { return n.list }
