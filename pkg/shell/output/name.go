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
	"strings"

	"imgtools/pkg/filename"
	"imgtools/pkg/ops"
)

// extensions has the extensions of each format; a new name gets the first.
var extensions = map[string][]string{
	"jpeg": {"jpg", "jpeg", "jpe", "jfif"},
	"png":  {"png"},
	"gif":  {"gif"},
	"bmp":  {"bmp", "dib"},
	"tiff": {"tif", "tiff"},
	"pbm":  {"pbm", "pnm"},
	"pgm":  {"pgm", "pnm"},
	"ppm":  {"ppm", "pnm"},
	"pnm":  {"pnm", "pgm", "ppm", "pbm"},
	"pam":  {"pam"},
}

// types has the format of each media type.
var types = map[string]string{
	"image/jpeg":                    "jpeg",
	"image/png":                     "png",
	"image/gif":                     "gif",
	"image/bmp":                     "bmp",
	"image/tiff":                    "tiff",
	"image/x-portable-bitmap":       "pbm",
	"image/x-portable-graymap":      "pgm",
	"image/x-portable-pixmap":       "ppm",
	"image/x-portable-anymap":       "pnm",
	"image/x-portable-arbitrarymap": "pam",
}

// Format returns the format of a media type, or "".
func Format(mediaType string) string { return types[mediaType] }

// FormatOf returns the canonical name of the format of a file's extension, or "" if
// that is no format that we write.
func FormatOf(file string) string {
	f, err := ops.Format(strings.TrimPrefix(path.Ext(file), "."))
	if err != nil {
		return ""
	}
	return f
}

// Name returns the file name of a result: that of the original, cleaned, with an
// extension of its format. Without a name it is made of id. A format that is not in
// the table gives the extension bin.
func Name(original, format, id string) string {
	name := filename.Clean(original)
	if name == "" {
		name = id
	}
	name = filename.SetExtension(name, extensions[format])
	if filename.Extension(name) == "" {
		name += ".bin"
	}
	return filename.Clean(name) // with its extension it may be too long
}
