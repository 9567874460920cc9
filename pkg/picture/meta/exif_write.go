package meta

import (
	"bytes"
	"encoding/binary"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"imgtools/pkg/picture/raster"
)

// Tags of text that can be kept, Exif 2.32, 4.6.4 and 4.6.5.
const (
	tagDateTime     = 0x0132 // of the last change
	tagArtist       = 0x013b
	tagCopyright    = 0x8298
	tagExifVersion  = 0x9000 // in the Exif directory, as are all below
	tagTaken        = 0x9003 // DateTimeOriginal
	tagDigitized    = 0x9004
	tagOffset       = 0x9010 // of DateTime from UTC: "+01:00"
	tagOffsetTaken  = 0x9011
	tagOffsetDigit  = 0x9012
	tagSubSec       = 0x9290 // of DateTime: digits behind the point
	tagSubSecTaken  = 0x9291
	tagSubSecDigit  = 0x9292
	maxText         = 8 << 10 // bytes of a text that is kept
	exifVersion0232 = "0232"
)

// keptText is a tag whose text can be kept.
type keptText struct {
	tag   uint16
	exif  bool              // it stands in the Exif directory
	with  Keep              // what keeps it
	valid func(string) bool // nil: any text
}

// matches returns a function that reports whether a text matches a regular expression,
// which is compiled at the first call: most runs keep no metadata.
func matches(expression string) func(string) bool {
	compiled := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
	return func(s string) bool { return compiled().MatchString(s) }
}

var (
	dateText   = matches(`^\d{4}:\d\d:\d\d \d\d:\d\d:\d\d$`)
	offsetText = matches(`^[+-]\d\d:\d\d$`)
	digitsText = matches(`^\d{1,9}$`)
)

// keptTexts are in the order of their tags, in which a directory has its entries.
var keptTexts = []keptText{
	{tagDateTime, false, KeepDate, dateText},
	{tagArtist, false, KeepCopyright, nil},
	{tagCopyright, false, KeepCopyright, nil},
	{tagTaken, true, KeepDate, dateText},
	{tagDigitized, true, KeepDate, dateText},
	{tagOffset, true, KeepDate, offsetText},
	{tagOffsetTaken, true, KeepDate, offsetText},
	{tagOffsetDigit, true, KeepDate, offsetText},
	{tagSubSec, true, KeepDate, digitsText},
	{tagSubSecTaken, true, KeepDate, digitsText},
	{tagSubSecDigit, true, KeepDate, digitsText},
}

// Text is a text of an EXIF block that can be kept.
type Text struct {
	Tag   uint16
	Exif  bool // it stands in the Exif directory, else in the first
	Value string
}

// ReadTexts returns the texts that k keeps, in the order of their directories and tags.
// get returns the text of a tag, or "". A text of another form than its tag asks for is
// left out.
func ReadTexts(k Keep, get func(exif bool, tag uint16) string) (texts []Text) {
	for _, t := range keptTexts {
		if t.with&k == 0 {
			continue
		}
		if s := get(t.exif, t.tag); s != "" && (t.valid == nil || t.valid(s)) {
			texts = append(texts, Text{t.tag, t.exif, s})
		}
	}
	return texts
}

// Texts returns the texts of an EXIF block that k keeps.
func Texts(exif []byte, k Keep) []Text {
	b, first, ok := openEXIF(exif)
	if !ok {
		return nil
	}
	var second []byte
	if at, ok := b.integer(first, tagExifIFD); ok {
		second = b.directory(at)
	}
	return ReadTexts(k, func(exif bool, tag uint16) string {
		if exif {
			return b.text(second, tag)
		}
		return b.text(first, tag)
	})
}

// unknownDPI is the density that EXIF has when none is known (Exif 2.32, 4.6.4.1).
const unknownDPI = 72

// NewEXIF returns an EXIF block with these texts and this density, or nil if there are no
// texts and the density is not known.
func NewEXIF(texts []Text, d raster.Density) []byte {
	main, sub := densityFields(d), []field(nil)
	for _, t := range texts {
		to := &main
		if t.Exif {
			to = &sub
		}
		*to = append(*to, field{t.Tag, typeASCII, append([]byte(t.Value), 0)})
	}
	if len(main)+len(sub) == 0 {
		return nil
	}
	return writeEXIF(main, sub)
}

// densityFields returns the entries for a density.
func densityFields(d raster.Density) []field {
	unit := map[raster.DensityUnit]byte{raster.PerInch: 2, raster.PerCM: 3}[d.Unit]
	if unit == 0 || !(d.X > 0 && d.Y > 0 && max(d.X, d.Y) < math.MaxUint32/100) || unit == 2 && d.X == unknownDPI && d.Y == unknownDPI {
		return nil
	}
	hundredths := func(v float64) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(math.Round(v*100))), 100)
	}
	return []field{{tagXResolution, typeRational, hundredths(d.X)}, {tagYResolution, typeRational, hundredths(d.Y)}, {tagResolutionUnit, typeShort, []byte{0, unit}}}
}

// openEXIF returns the directories of a block, with or without "Exif\0\0" in front, and
// the first of them.
func openEXIF(exif []byte) (b block, first []byte, ok bool) {
	b.data = bytes.TrimPrefix(exif, []byte("Exif\x00\x00"))
	if len(b.data) < 8 {
		return b, nil, false
	}
	switch string(b.data[:4]) {
	case "II*\x00":
		b.order = binary.LittleEndian
	case "MM\x00*":
		b.order = binary.BigEndian
	default:
		return b, nil, false
	}
	return b, b.directory(int64(b.order.Uint32(b.data[4:]))), true
}

// value returns the bytes of an entry's values, of the given size each, as far as they
// are there.
func (b *block) value(entry []byte, size int64) []byte {
	n := int64(b.order.Uint32(entry[4:])) * size
	if n <= 4 {
		return entry[8 : 8+n]
	}
	at := int64(b.order.Uint32(entry[8:]))
	if at > int64(len(b.data)) {
		return nil
	}
	return b.data[at:min(at+n, int64(len(b.data)))]
}

// text returns the text of a tag, cleaned.
func (b *block) text(dir []byte, tag uint16) string {
	e, ok := b.find(dir, tag)
	if typ := uint16(0); ok {
		typ = b.order.Uint16(e[2:])
		ok = typ == typeASCII || typ == typeUTF8 || typ == typeByte
	}
	if !ok {
		return ""
	}
	return CleanText(b.value(e, 1), tag)
}

// CleanText returns what the value of a tag says: a text that NUL ends. Copyright may
// have two parts, of the photographer and of the editor, with a NUL between them (Exif
// 2.32, 4.6.4.5); that becomes "; ".
func CleanText(value []byte, tag uint16) string {
	var parts []string
	for part := range bytes.SplitSeq(value, []byte{0}) {
		if s := cleanText(string(part)); s != "" {
			parts = append(parts, s)
		}
	}
	if tag != tagCopyright {
		parts = parts[:min(len(parts), 1)]
	}
	return strings.Join(parts, "; ")
}

// cleanText returns a text without control characters and surrounding blanks, of at
// most maxText bytes. What is no UTF-8 is taken for Latin-1, as older cameras write it.
func cleanText(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	s = strings.TrimRight(s, "\x00 ")
	if clean := strings.ToValidUTF8(s, ""); len(clean) < len(s)-3 || len(clean) < len(s) && len(s) < maxText {
		runes := make([]rune, len(s))
		for i := range len(s) {
			runes[i] = rune(s[i])
		}
		s = string(runes)
	} else {
		s = clean
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return -1
		}
		return r
	}, s))
}

// field is an entry of a directory that is to be written.
type field struct {
	tag, typ uint16
	value    []byte // its bytes; of ASCII with the NUL
}

// count returns the number of values in the field.
func (f field) count() uint32 {
	size := map[uint16]int{typeShort: 2, typeRational: 8}[f.typ]
	return uint32(len(f.value) / max(1, size))
}

// writeEXIF returns a block, big-endian, of a first directory and, if sub is not empty,
// an Exif directory. Both have their entries sorted by tag.
func writeEXIF(main, sub []field) []byte {
	o := binary.BigEndian
	if len(sub) > 0 {
		main = append(main, field{tagExifIFD, typeLong, nil})
		sub = append([]field{{tagExifVersion, typeUndefined, []byte(exifVersion0232)}}, sub...)
	}
	byTag := func(a, b field) int { return int(a.tag) - int(b.tag) }
	slices.SortFunc(main, byTag)
	slices.SortFunc(sub, byTag)
	const head = 8
	length := func(dir []field) int { return 2 + 12*len(dir) + 4 }
	subAt := head + length(main)
	rest := subAt // where values longer than 4 bytes go
	if len(sub) > 0 {
		rest += length(sub)
	}
	out := append([]byte("MM\x00*"), 0, 0, 0, head)
	var values []byte
	for _, dir := range [][]field{main, sub} {
		if len(dir) == 0 {
			continue
		}
		out = o.AppendUint16(out, uint16(len(dir)))
		for _, f := range dir {
			out = o.AppendUint16(o.AppendUint16(out, f.tag), f.typ)
			switch {
			case f.tag == tagExifIFD:
				out = o.AppendUint32(o.AppendUint32(out, 1), uint32(subAt))
			case len(f.value) <= 4:
				out = o.AppendUint32(out, f.count())
				out = append(out, append(f.value, 0, 0, 0, 0)[:4]...)
			default:
				out = o.AppendUint32(o.AppendUint32(out, f.count()), uint32(rest+len(values)))
				values = append(values, f.value...)
				if len(values)%2 == 1 {
					values = append(values, 0) // values begin at even positions (TIFF 6.0, section 2)
				}
			}
		}
		out = o.AppendUint32(out, 0) // no further directory
	}
	return append(out, values...)
}
