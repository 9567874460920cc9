// Package output writes result files: their names, temporary files beside them,
// and the promise never to overwrite what is there.
package output

import (
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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

// inputs are extensions of pictures that we don't write.
var inputs = []string{"webp", "heic", "heif", "avif", "jxl"}

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

// maxName is the longest name of a file, in bytes, on all usual file systems.
const maxName = 255

// Name returns the name for a result: the base name of the original, without
// control characters and leading dots, with the extension of its format. Any of
// a format's extensions is kept as it is; another picture's extension is
// replaced. Without a name it is made of id.
func Name(original, format, id string) string {
	name := original[strings.LastIndexAny(original, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, name)
	name = strings.TrimLeft(name, ".")
	stem, ext := name, ""
	if i := strings.LastIndexByte(name, '.'); i >= 0 && picture(name[i+1:]) {
		stem, ext = name[:i], name[i+1:]
	}
	if stem == "" {
		stem = id
	}
	if mine := extensions[format]; mine != nil && !slices.Contains(mine, strings.ToLower(ext)) {
		ext = mine[0]
	}
	if ext == "" {
		ext = "bin" // a format that this version doesn't know
	}
	return cut(stem, maxName-len(ext)-len(".-99999")) + "." + ext
}

// picture reports whether an extension is that of pictures.
func picture(ext string) bool {
	ext = strings.ToLower(ext)
	if slices.Contains(inputs, ext) {
		return true
	}
	for _, e := range extensions {
		if slices.Contains(e, ext) {
			return true
		}
	}
	return false
}

// cut returns s without the characters that go beyond n bytes.
func cut(s string, n int) string {
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
