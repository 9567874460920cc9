// Package output writes result files: their names, temporary files beside them,
// and the promise never to overwrite what is there.
package output

import (
	"path"
	"strings"

	"imgtools/pkg/filename"
	"imgtools/pkg/ops"
)

// extensions has those of each format, the one we give first.
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

// FormatOf returns the format that a file's extension means, in canonical form,
// or "" when it means none that we write.
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
