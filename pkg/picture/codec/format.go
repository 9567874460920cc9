// Package codec opens a picture of any format as rows, found by its content, and
// writes rows in any format, changed to what that format can hold.
package codec

// Formats of pictures. PNM stands for the three formats below it: as an input it
// is whichever it was, as an output the least that holds the picture.
const (
	JPEG = "jpeg"
	PNG  = "png"
	GIF  = "gif"
	BMP  = "bmp"
	TIFF = "tiff"
	WebP = "webp" // read only
	PNM  = "pnm"
	PGM  = "pgm"
	PPM  = "ppm"
	PAM  = "pam"
)

// Accepted is for the messages that say what is read.
const Accepted = "JPEG, PNG, GIF, WebP, BMP, TIFF, PNM and PAM"

var types = map[string]string{
	JPEG: "image/jpeg",
	PNG:  "image/png",
	GIF:  "image/gif",
	BMP:  "image/bmp",
	TIFF: "image/tiff",
	WebP: "image/webp",
	PNM:  "image/x-portable-anymap",
	PGM:  "image/x-portable-graymap",
	PPM:  "image/x-portable-pixmap",
	PAM:  "image/x-portable-arbitrarymap",
}

// Type returns the media type of a format, "" of an unknown one.
func Type(format string) string { return types[format] }

// Ext returns the file name extension of a format, with its point.
func Ext(format string) string {
	switch format {
	case JPEG:
		return ".jpg"
	case TIFF:
		return ".tif"
	}
	return "." + format
}

// OutputFormat returns the format to write: the one asked for, else the input's,
// else, where that is not written (WebP), PNG if the input is lossless or has
// alpha and JPEG if not.
func OutputFormat(p *Picture, asked string) string {
	switch {
	case asked != "":
		return asked
	case p.Format != WebP:
		return p.Format
	case p.Lossless || p.Header().Layout.HasAlpha():
		return PNG
	}
	return JPEG
}

// KeepsAlpha reports whether a written format can have alpha, if only on or off.
func KeepsAlpha(format string) bool { return format != JPEG && format != PGM && format != PPM }
