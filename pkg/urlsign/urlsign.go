// Package urlsign signs the URLs of pictures, so that imgd makes only the sizes that
// somebody with a key has asked for. imgsign(1) signs, imgd(8) verifies.
//
// What is signed is a text of lines: the path, and the words of the query but for sig,
// as WORD=VALUE, sorted by their bytes. All are decoded:
//
//	/files/a b.jpg
//	exp=1893456000
//	scale=640x
//
// The signature is the HMAC-SHA256 of that text (RFC 2104) in base64url without padding
// (RFC 4648, section 5), and is the word sig of the query. exp is the Unix time at which
// the URL ends to be valid.
package urlsign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/filename"
	"imgtools/pkg/ops"
)

// Prefix begins the path of every picture that is served by its URL.
const Prefix = "/files/"

// Words of the query that are not operations.
const (
	SigWord = "sig"
	ExpWord = "exp"
)

// text returns what is signed.
func text(path string, words []ops.Word) []byte {
	var lines []string
	for _, w := range words {
		lines = append(lines, w.Key+"="+w.Value)
	}
	slices.Sort(lines)
	return []byte(strings.Join(append([]string{path}, lines...), "\n"))
}

// signature returns the signature by a key.
func signature(key, path string, words []ops.Word) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(text(path, words))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// oneLine reports whether nothing in a request can pass for two lines of the text.
func oneLine(path string, words []ops.Word) bool {
	bad := func(s string) bool { return strings.ContainsAny(s, "\n\x00") }
	return !bad(path) && !slices.ContainsFunc(words, func(w ops.Word) bool { return bad(w.Key) || bad(w.Value) })
}

// Sign returns the signed URL, without its host, of a picture: path is below Prefix, or
// begins with it. until is when it ends to be valid; zero is never.
func Sign(key, path string, words []ops.Word, until time.Time) (string, error) {
	path = Prefix + strings.TrimPrefix(path, Prefix)
	for _, w := range words {
		if w.Key == SigWord || w.Key == ExpWord {
			return "", fault.New(fault.Usage, "%s= is made here and not given", w.Key)
		}
	}
	if !oneLine(path, words) {
		return "", fault.New(fault.Usage, "a line end in the path or in a word")
	}
	if !filename.Visible(strings.TrimPrefix(path, Prefix)) {
		return "", fault.New(fault.Usage, "%s: never served: names are not empty and don't begin with a dot", fault.Quote(path))
	}
	if !until.IsZero() {
		words = append(slices.Clone(words), ops.Word{Key: ExpWord, Value: strconv.FormatInt(until.Unix(), 10)})
	}
	var query []string
	for _, w := range words {
		query = append(query, url.QueryEscape(w.Key)+"="+url.QueryEscape(w.Value))
	}
	query = append(query, SigWord+"="+signature(key, path, words))
	return (&url.URL{Path: path}).EscapedPath() + "?" + strings.Join(query, "&"), nil
}

// SignLine is Sign for a line PATH?OPS: PATH is the name below the folder as it is, and OPS
// are as in a query. Operations that are none are an error.
func SignLine(key, line string, until time.Time) (string, error) {
	path, query := line, ""
	if i := strings.LastIndexByte(line, '?'); i >= 0 {
		path, query = line[:i], line[i+1:]
	}
	words, err := ops.ParseQuery(query)
	if err == nil {
		var o ops.Ops
		if o, err = ops.ParsePublic(words); err == nil {
			err = o.CheckSingle()
		}
	}
	if err != nil {
		return "", fault.New(fault.Of(err), "%s: %w", line, err)
	}
	return Sign(key, path, words, until)
}

// Verify reports whether the words of a query have a valid signature by one of the keys,
// and returns the others, and until when the URL is valid; zero is for ever. It takes the
// same time whichever key and however much of the signature is right.
func Verify(keys []string, path string, words []ops.Word, now time.Time) (rest []ops.Word, until time.Time, ok bool) {
	var sig []string
	var signed []ops.Word
	for _, w := range words {
		switch w.Key {
		case SigWord:
			sig = append(sig, strings.TrimRight(w.Value, "="))
		case ExpWord:
			signed = append(signed, w)
			n, err := strconv.ParseInt(w.Value, 10, 64)
			if err != nil || !until.IsZero() {
				return nil, until, false
			}
			until = time.Unix(n, 0)
		default:
			signed = append(signed, w)
			rest = append(rest, w)
		}
	}
	if len(sig) != 1 || !oneLine(path, signed) {
		return nil, until, false
	}
	for _, key := range keys {
		if hmac.Equal([]byte(sig[0]), []byte(signature(key, path, signed))) {
			ok = true
		}
	}
	return rest, until, ok && (until.IsZero() || now.Before(until))
}
