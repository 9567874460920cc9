package meta

import (
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf16"
)

// Bounds of a profile's name.
const (
	maxICCTags = 100 // that are looked at
	maxICCName = 100 // characters
)

// ICCName returns the description of an ICC profile, such as "Display P3"; "" if it has
// none. It is one line.
//
// After the header of 128 bytes stand the number of tags and, for each, its signature,
// offset and size (ICC.1:2022, 7.3). The description is of one of two types:
//
//	desc   4 reserved, 4 length n, n bytes of ASCII that end with NUL (ICC.1:2001, 6.5.17)
//	mluc   4 reserved, 4 number of records, 4 size of a record; a record is language,
//	       country, 4 length in bytes, 4 offset of UTF-16, from the tag's start (10.15)
func ICCName(profile []byte) string {
	const header = 128
	if ICCSpace(profile) == "" || len(profile) < header+4 {
		return ""
	}
	tags := profile[header+4:]
	for range min(binary.BigEndian.Uint32(profile[header:]), maxICCTags) {
		if len(tags) < 12 {
			return ""
		}
		if string(tags[:4]) == "desc" {
			return iccText(part(profile, binary.BigEndian.Uint32(tags[4:]), binary.BigEndian.Uint32(tags[8:])))
		}
		tags = tags[12:]
	}
	return ""
}

// part returns n bytes of b from at on, or nil if they are not there.
func part(b []byte, at, n uint32) []byte {
	if uint64(at)+uint64(n) > uint64(len(b)) {
		return nil
	}
	return b[at : at+n]
}

// iccText returns the text of a tag.
func iccText(tag []byte) string {
	switch {
	case len(tag) >= 12 && string(tag[:4]) == "desc":
		return iccLine([]rune(string(part(tag, 12, binary.BigEndian.Uint32(tag[8:])))))
	case len(tag) >= 28 && string(tag[:4]) == "mluc":
		text := part(tag, binary.BigEndian.Uint32(tag[24:]), binary.BigEndian.Uint32(tag[20:]))
		var units []uint16
		for ; len(text) >= 2 && len(units) < 2*maxICCName; text = text[2:] {
			units = append(units, binary.BigEndian.Uint16(text))
		}
		return iccLine(utf16.Decode(units))
	}
	return ""
}

// iccLine returns printable text up to a NUL.
func iccLine(text []rune) string {
	var b strings.Builder
	for i, r := range text {
		if r == 0 || i == maxICCName {
			break
		}
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}
