package jail

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestFirstLineIsFitForAnError(t *testing.T) {
	for said, want := range map[string]string{
		"":                            "",
		"\n\n  \r\n":                  "",
		"error: bad\nmore":            "error: bad",
		"no end":                      "no end",
		"10%\r20%\rfailed\n":          "failed",
		"windows\r\n":                 "windows",
		"a\x00b\x1b[31m\tc\u202ed":    "a b [31m c d",
		"caf\u00e9 \xff\xfe!":         "caf\u00e9 !",
		strings.Repeat("x", maxQuote): strings.Repeat("x", maxQuote),
		strings.Repeat("y", 500):      strings.Repeat("y", maxQuote) + "...",
		"\x00\x01\nsecond":            "second",
	} {
		if got := firstLine([]byte(said)); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}

func FuzzFirstLine(f *testing.F) {
	f.Add([]byte("\x1b[2J\xffx\r\ny"))
	f.Fuzz(func(t *testing.T, said []byte) {
		line := firstLine(said)
		if len(line) > maxQuote+3 || !utf8.ValidString(line) || strings.TrimSpace(line) != line {
			t.Errorf("%q", line)
		}
		for _, r := range line {
			if !unicode.IsPrint(r) {
				t.Errorf("%q", line)
			}
		}
	})
}
