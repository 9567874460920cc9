package codec

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// Advice for the usual things that are sent in place of a picture's file.
const (
	adviceSend   = "send the picture's file itself: curl -T FILE"
	adviceBase64 = "decode it first: base64 -d <in >out.jpg, or " + adviceSend
	adviceData   = "decode what follows its comma: base64 -d <in >out.jpg, or " + adviceSend
	adviceHTML   = "it may be a server's error page in place of the picture; " + adviceSend
	adviceDouble = "it has only a Mac's metadata; send the picture, whose name has no ._ in front"
	adviceLFS    = "fetch the picture first: git lfs pull"
)

// notPicture names what arrives in place of pictures: text around or about one, and
// the small files that other programs leave beside one.
func notPicture(head []byte) (name, advice string) {
	has := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
	switch root := rootElement(text); {
	case has("\x00\x05\x16\x07"): // RFC 1740, appendix A
		return "AppleDouble", adviceDouble
	case has("version https://git-lfs.github.com/"):
		return "a Git LFS pointer", adviceLFS
	case len(text) >= 5 && strings.EqualFold(string(text[:5]), "data:"):
		return "a data URL", adviceData
	case root == "svg" || strings.HasSuffix(root, ":svg"):
		return "SVG", adviceSVG
	case root == "html" || htmlElements[root]:
		return "HTML", adviceHTML
	case root != "":
		return "XML", adviceSend
	case json(text):
		return "JSON", adviceSend
	}
	if inner := base64Of(text); inner != "" {
		return "base64 text of " + inner, adviceBase64
	}
	return "", ""
}

// htmlElements may begin an HTML document whose html element is left out.
var htmlElements = map[string]bool{"head": true, "title": true, "meta": true, "link": true, "style": true, "script": true,
	"body": true, "h1": true, "p": true, "div": true, "center": true, "pre": true, "a": true, "img": true}

// rootElement returns the name of the first element of a text in HTML or XML, in
// lower case, or of its document type. It skips an XML declaration, processing
// instructions and comments. Markup without an element is "?"; other text is "".
func rootElement(text []byte) string {
	s := string(text)
	root := ""
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		var end string
		switch {
		case strings.HasPrefix(s, "<!--"):
			end = "-->"
		case strings.HasPrefix(s, "<?"):
			end = "?>"
		default:
			const doctype = "<!doctype "
			if len(s) >= len(doctype) && strings.EqualFold(s[:len(doctype)], doctype) {
				s = "<" + strings.TrimLeft(s[len(doctype):], " \t\r\n")
			}
			if name := elementName(s); name != "" {
				return name
			}
			return root
		}
		root = "?"
		i := strings.Index(s, end)
		if i < 0 {
			return root
		}
		s = s[i+len(end):]
	}
}

// elementName returns the name of the start tag that s begins with, in lower case.
func elementName(s string) string {
	if s == "" || s[0] != '<' {
		return ""
	}
	name := s[1:]
	if i := strings.IndexAny(name, " \t\r\n/>"); i >= 0 {
		name = name[:i]
	}
	for _, c := range name {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.ContainsRune(":_-.", c) {
			return ""
		}
	}
	return strings.ToLower(name)
}

// json reports whether a text begins as a JSON object, an array of values, or a
// string does (RFC 8259).
func json(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	rest := bytes.TrimLeft(text[1:], " \t\r\n")
	switch text[0] {
	case '{':
		return len(rest) > 0 && (rest[0] == '"' || rest[0] == '}')
	case '[':
		return len(rest) > 0 && bytes.IndexByte([]byte(`{["]-0123456789tfn`), rest[0]) >= 0
	case '"':
		return base64Of(rest) != ""
	}
	return false
}

// base64Of returns the name of the picture that a text holds in base64 (RFC 4648),
// in lines or not, of either alphabet; "" if it holds none.
func base64Of(text []byte) string {
	var letters []byte
	for _, c := range text {
		switch {
		case c == '-':
			c = '+'
		case c == '_':
			c = '/'
		}
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' {
			letters = append(letters, c)
		} else if c != '\r' && c != '\n' && c != '=' && c != '"' {
			return ""
		}
	}
	head := make([]byte, base64.RawStdEncoding.DecodedLen(len(letters)))
	n, _ := base64.RawStdEncoding.Decode(head, letters[:len(letters)/4*4])
	head = head[:n]
	if f, ok := readFormat(head); ok {
		return f.Title
	}
	name, _ := knownFormat(head)
	return name
}
