package raster

import (
	"slices"
	"strings"
	"testing"
)

func TestNotesAreBounded(t *testing.T) {
	var n NoteList
	n.Note("no end marker")
	n.Note("no %s marker", "end")
	n.Note("%s", strings.Repeat("é", 60))
	n.Note("third")
	n.Note("fourth")
	want := []string{"no end marker", strings.Repeat("é", 50), "third"}
	if !slices.Equal(n.Notes(), want) {
		t.Errorf("notes %q, want %q", n.Notes(), want)
	}
}
