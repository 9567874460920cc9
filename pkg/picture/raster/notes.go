package raster

import (
	"fmt"
	"unicode/utf8"
)

const (
	maxNotes   = 3   // notes kept of one picture
	maxNoteLen = 100 // bytes of each
)

// NoteList collects notes on a file that is faulty although its pixels are intact: a
// missing end marker, a wrong checksum of a comment. A Reader embeds a NoteList, which
// gives it the method Notes, and calls Note.
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

// Notes returns the notes so far. They are complete after the last row, since most of
// a file is only read while it is decoded.
func (n *NoteList) Notes() []string { return n.list }
