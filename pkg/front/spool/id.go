package spool

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

const (
	alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	idLen    = 26 // × 5 bits: 130
)

// NewID returns 130 random bits as 26 letters and digits.
func NewID() string { return randomLetters(idLen) }

func randomLetters(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails, by its contract
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return string(b)
}

// ValidID reports whether s has the form of an id.
func ValidID(s string) bool {
	return len(s) == idLen && strings.Trim(s, alphabet) == ""
}

// Short returns what logs and messages may show of an id: who knows the whole
// may read and remove the job.
func Short(id string) string { return id[:min(6, len(id))] }

// serial makes names that no other process of any host uses at this time.
type serial struct{ n atomic.Uint64 }

func (s *Spool) tag() string {
	return fmt.Sprintf("%s.%d.%d", s.host, os.Getpid(), s.n.Add(1))
}

// maxName bounds a file name, in bytes, so that it fits any file system with an
// extension added.
const maxName = 200

// CleanName makes a file name that came from outside fit to be one: the part
// after the last / or \, without control characters, broken UTF-8, leading dots
// and outer blanks, at most maxName bytes. What is not a name becomes "".
func CleanName(s string) string {
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(strings.TrimLeft(s, ". "))
	for len(s) > maxName {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return strings.TrimSpace(s)
}
