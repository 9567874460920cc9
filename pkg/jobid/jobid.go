// Package jobid has the ids of jobs: 26 letters and digits that nobody can guess.
// An id is a capability: any client that knows it may read and delete the job, so
// logs and messages show only its first letters (Short).
package jobid

import (
	"crypto/rand"
	"strings"
)

// Alphabet has the 32 characters of an id, those of RFC 4648 base32 in lower
// case: 5 bits each.
const Alphabet = "abcdefghijklmnopqrstuvwxyz234567"

// Len is the number of characters of an id: 26 × 5 = 130 random bits.
const Len = 26

// shortLen is how many characters of an id logs and messages show.
const shortLen = 6

// New returns a new random id.
func New() string { return Random(Len) }

// Random returns n random characters of the alphabet.
func Random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // documented never to fail
	for i := range b {
		b[i] = Alphabet[b[i]&31]
	}
	return string(b)
}

// Valid reports whether s has the form of an id.
func Valid(s string) bool {
	return len(s) == Len && strings.Trim(s, Alphabet) == ""
}

// Short returns the part of an id that logs and messages may show.
func Short(id string) string { return id[:min(shortLen, len(id))] }

// Redact returns s with every full id in it cut to its first letters and "…".
// It is for text from a client, such as the path of a request.
func Redact(s string) string {
	isID := func(c byte) bool { return strings.IndexByte(Alphabet, c) >= 0 }
	var b strings.Builder
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && isID(s[j]) {
			j++
		}
		switch {
		case j-i >= Len:
			b.WriteString(Short(s[i:j]) + "…")
		case j > i:
			b.WriteString(s[i:j])
		default:
			b.WriteByte(s[i])
			j++
		}
		i = j
	}
	return b.String()
}
