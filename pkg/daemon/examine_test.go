package daemon

import (
	"fmt"
	"testing"
)

// What an examination finds is the text of the status; it is said when it is new.
func TestExamination(t *testing.T) {
	found := []string{"heic: none", "heic: none", "heic: heif-convert"}
	var said []string
	e := examination{
		examine: func() []string { defer func() { found = found[1:] }(); return []string{found[0], "avif: avifdec"} },
		info:    func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) },
	}
	for i, want := range []struct {
		text string
		said int
	}{{"heic: none\navif: avifdec\n", 1}, {"heic: none\navif: avifdec\n", 1}, {"heic: heif-convert\navif: avifdec\n", 2}} {
		e.again()
		if e.text() != want.text || len(said) != want.said {
			t.Errorf("after %d: %q, said %q", i+1, e.text(), said)
		}
	}
}
