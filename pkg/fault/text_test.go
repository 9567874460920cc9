package fault

import (
	"strings"
	"testing"
)

func TestTextFromOutsideIsShortAndOneLine(t *testing.T) {
	for _, c := range []struct {
		of        func(string) string
		text, got string
	}{
		{Clip, "", ""},
		{Clip, strings.Repeat("x", 64), strings.Repeat("x", 64)},
		{Clip, strings.Repeat("x", 65), strings.Repeat("x", 64) + "…"},
		{Quote, "a\n\"b\x80", `"a\n\"b\x80"`},
		{Quote, strings.Repeat("x", 63) + "é", `"` + strings.Repeat("x", 63) + `\xc3…"`}, // cut within é
		{Line, "grün, 5 × 3", "grün, 5 × 3"},
		{Line, "a\r\nb\tc\x00\x7f\u0085\u009fd", "a  b c    d"},
		{Line, "a\xff\xfeb", "a?b"},
		{ASCII, "5×3 pixels, 203 cd/m²\nof é", "5x3 pixels, 203 cd/m2 of ?"},
	} {
		if got := c.of(c.text); got != c.got {
			t.Errorf("%q became %q, want %q", c.text, got, c.got)
		}
	}
}
