// Package output writes results: to standard output, to the file of -o, or into the
// folder of -d.
//
// A result is written to a temporary file beside its destination, which gets its name
// when it is complete. So nobody sees half a result, and a failure leaves the old file
// as it was. Where nothing can be renamed (standard output, a FIFO, a device) the
// complete result is copied.
//
//	Open or Dir.Create ──► File: write, perhaps Mark ──► Commit or Discard
//
// In a folder nothing is overwritten: a name that is taken becomes NAME-1.EXT.
package output

import (
	"path"
	"strconv"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/filename"
	"imgtools/pkg/format"
)

// Format returns the name of the format of a media type, or "".
func Format(mediaType string) string {
	f, _ := format.ByMedia(mediaType)
	return f.Name
}

// FormatOf returns the name of the format that a file's extension means, or "" when it
// means none. A format that is not written is a usage error.
func FormatOf(file string) (string, error) {
	f, ok := format.ByExt(strings.TrimPrefix(path.Ext(file), "."))
	if ok && !f.Write {
		return "", fault.New(fault.Usage, "%s: %s is not written; -f FORMAT says what to write", file, f.Title)
	}
	return f.Name, nil
}

// Numbered returns the n-th name that a file may get because those before are taken:
// a.png, a-1.png, a-2.png.
func Numbered(name string, n int) string {
	if n == 0 {
		return name
	}
	return filename.Suffixed(name, "-"+strconv.Itoa(n))
}

// Name returns the file name of a result: that of the original, cleaned, with an
// extension of its format. Without a name it is made of id. A format that is not in
// the table gives the extension bin.
func Name(original, formatName, id string) string {
	f, _ := format.Lookup(formatName)
	name := filename.Clean(original)
	if name == "" {
		name = id
	}
	name = filename.SetExtension(name, f)
	if filename.Extension(name) == "" {
		name += ".bin"
	}
	return filename.Clean(name) // with its extension it may be too long
}
