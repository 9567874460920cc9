// Package format is the one table of picture formats. Whatever depends on which
// formats there are asks it: the words of format= and -f, the extensions of result
// files, media types, help texts, completions, the tables of the manual, the web
// page, metrics, and the front's check of what a worker answers. To add a format,
// add its row to table.go, and its reader or writer to package codec.
//
// Everything is looked up when it is needed and nothing is derived at start, so that
// a test can put another table in place with Set.
package format

import (
	"slices"
	"strings"
	"sync/atomic"
)

// Format is a row of the table.
type Format struct {
	Name      string                 // the word for format= and -f, and of metrics: "jpeg"
	Aliases   []string               // other words for it: "jpg"
	Title     string                 // in messages and tables: "JPEG"
	Exts      []string               // file name extensions without their point; results get the first
	Media     string                 // media type; "" of a format that is only known by name
	Read      bool                   // package codec has a reader
	Write     bool                   // package codec has a writer
	Alpha     bool                   // a written file can have alpha, if only on or off
	Animation bool                   // a written file can have several frames
	Deep      bool                   // a written file can have 16 bits a sample
	Metadata  string                 // which of EXIF, XMP and IPTC a written file can have
	Quality   int                    // what quality= is when it is not given; 0: the format has none
	Side      int                    // longest side of a written file, in pixels; 0: any side that a picture can have
	Browser   bool                   // browsers show it
	Family    string                 // the name of the format that this one is read as: "pnm" for "pgm"
	Pages     bool                   // several pictures in a file are pages, not frames
	Programs  []string               // that decode it, best first; package codec has no reader of its own
	Begins    func(head []byte) bool // reports whether head begins a file of the format; nil: it is read as its Family, or not at all
	About     string                 // what of the format is read and written, for imgtools(7)
}

// Table is a list of formats, in the order in which lists of them are shown.
type Table []Format

var current atomic.Pointer[Table]

func init() { current.Store(&formats) }

// All returns the formats.
func All() Table { return *current.Load() }

// Set puts a table in place of the present one until restore is called. It is for
// tests of what derives from the table.
func Set(t Table) (restore func()) {
	old := current.Swap(&t)
	return func() { current.Store(old) }
}

func (t Table) find(is func(Format) bool) (Format, bool) {
	if i := slices.IndexFunc(t, is); i >= 0 {
		return t[i], true
	}
	return Format{}, false
}

// Lookup returns the format of a word, which is its name or an alias in any case of
// letters.
func Lookup(word string) (Format, bool) {
	word = strings.ToLower(word)
	return All().find(func(f Format) bool { return f.Name == word || slices.Contains(f.Aliases, word) })
}

// ByMedia returns the format of a media type.
func ByMedia(mediaType string) (Format, bool) {
	return All().find(func(f Format) bool { return f.Media == mediaType && mediaType != "" })
}

// ByExt returns the format that an extension, without its point and in any case of
// letters, means.
func ByExt(ext string) (Format, bool) {
	ext = strings.ToLower(ext)
	return All().find(func(f Format) bool { return slices.Contains(f.Exts, ext) })
}

// HasExt reports whether the extension is one of the format's, or of one that is read
// as the same: .pgm is as good for a file of PNM as .pnm, and .pnm for one of PGM.
func (f Format) HasExt(ext string) bool {
	ext = strings.ToLower(ext)
	if slices.Contains(f.Exts, ext) {
		return true
	}
	other, ok := ByExt(ext)
	return ok && (other.Family == f.Name || f.Family != "" && other.Name == f.Family)
}

// Ext returns the extension that results get, with its point.
func (f Format) Ext() string { return "." + f.Exts[0] }

// Several returns what several pictures in one file are called: frames or pages.
func (f Format) Several() string {
	if f.Pages {
		return "pages"
	}
	return "frames"
}

// Written returns the names of the formats that are written.
func Written() []string {
	var names []string
	for _, f := range All() {
		if f.Write {
			names = append(names, f.Name)
		}
	}
	return names
}

// ReadTitles says which formats are read: "JPEG, PNG and GIF".
func ReadTitles() string {
	var read []Format
	for _, f := range All() {
		if f.Read && f.Family == "" {
			read = append(read, f)
		}
	}
	return titles(read)
}

// QualityTitles says which formats have a quality: "JPEG and WebP".
func QualityTitles() string { return titles(WithQuality()) }

// titles joins the titles of formats for a sentence.
func titles(of []Format) string {
	var list []string
	for _, f := range of {
		list = append(list, f.Title)
	}
	if n := len(list); n > 1 {
		list[n-2] += " and " + list[n-1]
		list = list[:n-1]
	}
	return strings.Join(list, ", ")
}

// WithQuality lists the formats that have a quality, each with its default: "jpeg 81".
func WithQuality() []Format {
	var with []Format
	for _, f := range All() {
		if f.Write && f.Quality != 0 {
			with = append(with, f)
		}
	}
	return with
}
