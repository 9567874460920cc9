package front

import (
	"mime"
	"strings"

	"imgtools/pkg/filename"
	"imgtools/pkg/format"
)

// disposition returns a Content-Disposition with the name of a result, whose
// extension is made that of its media type. A name that isn't ASCII is given
// twice: with underscores for clients that know filename= only, and in full as
// filename*= (RFC 6266 section 4.3, RFC 8187).
func disposition(name, mediaType string) string {
	name = fileName(name, mediaType)
	ascii := strings.Map(func(r rune) rune {
		if r > '~' {
			return '_'
		}
		return r
	}, name)
	v := mime.FormatMediaType("inline", map[string]string{"filename": ascii})
	if v == "" {
		return "inline"
	}
	if ascii != name {
		v += "; filename*=UTF-8''" + attrChars(name)
	}
	return v
}

// attrChars escapes the bytes of s that are not attr-char of RFC 8187 section 3.2.1.
func attrChars(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("!#$&+-.^_`|~", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// fileName gives a name the extension of a media type.
func fileName(name, mediaType string) string {
	f, _ := format.ByMedia(mediaType)
	return filename.SetExtension(name, f)
}
