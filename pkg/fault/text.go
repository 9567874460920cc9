package fault

import (
	"strconv"
	"strings"
	"unicode"
)

// maxQuoted is how many bytes of a value from outside an error shows.
const maxQuoted = 64

// Clip returns the beginning of a value from outside, short enough for an error,
// with an ellipsis if that is not all.
func Clip(s string) string {
	if len(s) > maxQuoted {
		return s[:maxQuoted] + "…"
	}
	return s
}

// Quote returns Clip of s as a quoted Go string: one line of printable characters.
func Quote(s string) string { return strconv.Quote(Clip(s)) }

// ASCII is Line for an HTTP header, whose readers disagree about other characters (RFC
// 9110 section 5.5): × becomes x, ² becomes 2, and any other becomes ?.
func ASCII(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '×':
			return 'x'
		case r == '²':
			return '2'
		case r > '~':
			return '?'
		}
		return r
	}, Line(s))
}

// Line makes text fit for one line: valid UTF-8, with a blank for each control
// character, line ends among them.
func Line(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
