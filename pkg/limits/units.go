package limits

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Unit is what K stands for: M is its square, G its cube.
type Unit int64

const (
	Binary  Unit = 1024 // of bytes
	Decimal Unit = 1000 // of pixels
)

// Parse reads a whole number with an optional K, M or G: 500000, 64K, 100M, 2g.
func (k Unit) Parse(s string) (int64, error) {
	digits, unit := s, int64(1)
	if s != "" {
		letter := strings.ToUpper(s[len(s)-1:])
		if i := strings.Index("KMG", letter); i >= 0 {
			digits = s[:len(s)-1]
			for range i + 1 {
				unit *= int64(k)
			}
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if errors.Is(err, strconv.ErrRange) || err == nil && int64(n) > math.MaxInt64/unit {
		return 0, errors.New("too large")
	}
	if err != nil {
		return 0, errors.New("not a number such as 500000, 64K, 100M, 2G")
	}
	return int64(n) * unit, nil
}

// Format writes n with the largest unit that divides it: 100M, 64K, 500001.
func (k Unit) Format(n int64) string {
	unit := ""
	for i := 0; i < 3 && n != 0 && n%int64(k) == 0; i++ {
		n, unit = n/int64(k), "KMG"[i:i+1]
	}
	return strconv.FormatInt(n, 10) + unit
}

// ParseTime reads a duration as Go writes it (1h30m, 500ms), or a number of
// seconds (90, 1.5).
func ParseTime(s string) (time.Duration, error) {
	if strings.Trim(s, "0123456789.") == "" {
		s += "s"
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, errors.New("not a time such as 90, 30s, 5m, 1h30m")
	}
	return d, nil
}

// FormatTime writes a duration that ParseTime reads: 1h where Go writes 1h0m0s.
func FormatTime(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// ParseSeconds reads the whole seconds of a Retry-After header (RFC 9110 10.2.3),
// at most RetryAfter; ok is false for anything else, such as a date.
func ParseSeconds(s string) (d time.Duration, ok bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	return time.Duration(min(n, uint64(RetryAfter/time.Second))) * time.Second, true
}
