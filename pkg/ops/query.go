package ops

import (
	"strconv"
	"strings"

	"imgtools/pkg/fault"
)

// MaxWords is the most words of a query or a form.
const MaxWords = 2000

// ParseQuery reads the query of a URL. + is a space and %XX a byte. A % without two
// hexadecimal digits behind it stands for itself, as in scale=50%; net/url would drop
// such a pair silently. A word without = has the value "".
func ParseQuery(raw string) ([]Word, error) {
	var words []Word
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		if len(words) == MaxWords {
			return nil, fault.New(fault.Usage, "more than %d words in the query", MaxWords)
		}
		key, value, _ := strings.Cut(pair, "=")
		words = append(words, Word{Key: unescape(key), Value: unescape(value)})
	}
	return words, nil
}

func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			c = ' '
		} else if c == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil && s[i+1] != '+' {
				c = byte(v)
				i += 2
			}
		}
		b = append(b, c)
	}
	return string(b)
}
