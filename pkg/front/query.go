package front

import (
	"strconv"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
	"imgtools/pkg/ops"
)

// parseQuery reads the query of a URL. + is a space and %XX a byte. A % without two
// hexadecimal digits behind it stands for itself, as in scale=50%; net/url would drop
// such a pair silently. A word without = has the value "".
func parseQuery(raw string) ([]ops.Word, error) {
	var words []ops.Word
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		if len(words) == maxWords {
			return nil, fault.New(fault.Usage, "more than %d words in the query", maxWords)
		}
		key, value, _ := strings.Cut(pair, "=")
		words = append(words, ops.Word{Key: unescape(key), Value: unescape(value)})
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

// take removes all words with the given key and returns their values.
func take(words []ops.Word, key string) (values []string, rest []ops.Word) {
	for _, w := range words {
		if w.Key == key {
			values = append(values, w.Value)
		} else {
			rest = append(rest, w)
		}
	}
	return values, rest
}

// parseWait reads a query in which there may be wait, and nothing else.
func parseWait(raw string) (time.Duration, error) {
	words, err := parseQuery(raw)
	if err != nil {
		return 0, err
	}
	values, rest := take(words, "wait")
	switch {
	case len(rest) > 0:
		return 0, fault.New(fault.Usage, "unknown word %s", fault.Quote(rest[0].Key))
	case len(values) == 0:
		return 0, nil
	case len(values) > 1:
		return 0, fault.New(fault.Usage, "wait is given twice")
	case values[0] == "":
		return limits.Wait, nil
	}
	d, err := limits.ParseTime(values[0])
	if err != nil {
		return 0, fault.New(fault.Usage, "wait %s: %w", fault.Quote(values[0]), err)
	}
	return min(d, limits.Wait), nil
}
