// Package filename makes names that came from outside fit to be file names, and
// gives them the extension of a format. The HTTP front, the filters and the
// clients use it, so a result has one name wherever it is written.
package filename

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"imgtools/pkg/format"
)

// MaxLen bounds a cleaned name, in bytes. An extension and a number ("-99999")
// still fit into the 255 bytes that file systems allow.
const MaxLen = 200

// Clean returns the part of s after the last / or \, without control characters,
// bidirectional controls, invalid UTF-8, leading dots and surrounding blanks. A
// longer name than MaxLen bytes is cut, in front of a known extension. Clean returns
// "" when nothing is left.
func Clean(s string) string {
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(strings.TrimLeft(s, ". "))
	if len(s) > MaxLen {
		ext := ""
		if known := Extension(s); known != "" {
			ext = s[len(s)-len(known)-1:]
		}
		s = strings.TrimSpace(Cut(s[:len(s)-len(ext)], MaxLen-len(ext))) + ext
	}
	return s
}

// Visible reports whether a path is of names between slashes, of which none is empty,
// begins with a dot or has a NUL. Only such paths are served by URL.
func Visible(path string) bool {
	for name := range strings.SplitSeq(path, "/") {
		if name == "" || name[0] == '.' || strings.IndexByte(name, 0) >= 0 {
			return false
		}
	}
	return true
}

// Cut returns the longest prefix of s that has at most n bytes and ends with a
// whole character.
func Cut(s string, n int) string {
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// Extension returns the known extension of a name, without its dot and in lower
// case, or "".
func Extension(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return ""
	}
	ext := strings.ToLower(name[i+1:])
	if _, known := format.ByExt(ext); known {
		return ext
	}
	return ""
}

// SetExtension returns name with an extension of a format, such as FORMAT.Exts[0]. A
// name that has one of them already is returned as it is. Another known extension is
// replaced; any other is part of the name ("report.2024", "Dr. Who"). The zero Format,
// which has no extension, leaves the name alone.
func SetExtension(name string, f format.Format) string {
	if len(f.Exts) == 0 {
		return name
	}
	ext := Extension(name)
	if ext != "" && f.HasExt(ext) {
		return name
	}
	if ext != "" {
		name = name[:len(name)-len(ext)-1]
	}
	return name + f.Ext()
}

// Suffixed returns a name with a suffix in front of its extension: a-320.png.
func Suffixed(name, suffix string) string {
	ext := path.Ext(name)
	return name[:len(name)-len(ext)] + suffix + ext
}
