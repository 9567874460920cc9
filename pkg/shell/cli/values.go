package cli

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// value is one flag's variable. show is its text before any flag was read.
type value struct {
	set  func(string) error
	bool bool
}

func (v *value) Set(s string) error { return v.set(s) }
func (v *value) String() string     { return "" }
func (v *value) IsBoolFlag() bool   { return v.bool }

func (f *Flags) add(set func(string) error, isBool bool, def, short, long, arg, help string) {
	f.opts = append(f.opts, option{short, long, arg, help, def})
	for _, name := range []string{short, long} {
		if name != "" {
			f.set.Var(&value{set, isBool}, name, help)
		}
	}
}

// String adds a flag with any text as its value.
//
// As with all methods that add a flag, short or long may be "", arg is what the
// value is called, and what *p holds is the default: it is shown in -h unless it
// is empty or zero.
func (f *Flags) String(p *string, short, long, arg, help string) {
	f.add(func(s string) error { *p = s; return nil }, false, *p, short, long, arg, help)
}

// Strings adds a flag that may be given several times. The first one replaces
// the default.
func (f *Flags) Strings(p *[]string, short, long, arg, help string) {
	first := true
	f.add(func(s string) error {
		if first {
			*p, first = nil, false
		}
		*p = append(*p, s)
		return nil
	}, false, strings.Join(*p, " "), short, long, arg, help)
}

// Int adds a flag whose value is a whole number from 0.
func (f *Flags) Int(p *int, short, long, arg, help string) {
	f.add(func(s string) error {
		n, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			return errors.New("not a whole number from 0 to 2147483647")
		}
		*p = int(n)
		return nil
	}, false, number(int64(*p), 0), short, long, arg, help)
}

// Bytes adds a flag whose value is a number of bytes; K, M and G are powers of
// 1024.
func (f *Flags) Bytes(p *int64, short, long, arg, help string) {
	f.sized(p, 1024, short, long, arg, help)
}

// Pixels adds a flag whose value is a number of pixels; K, M and G are powers of
// 1000.
func (f *Flags) Pixels(p *int64, short, long, arg, help string) {
	f.sized(p, 1000, short, long, arg, help)
}

func (f *Flags) sized(p *int64, k int64, short, long, arg, help string) {
	f.add(func(s string) (err error) {
		*p, err = parseSized(s, k)
		return err
	}, false, number(*p, k), short, long, arg, help)
}

// parseSized reads a whole number with an optional K, M or G.
func parseSized(s string, k int64) (int64, error) {
	digits, unit := s, int64(1)
	if s != "" {
		if i := strings.IndexByte("KMG", s[len(s)-1]&^0x20); i >= 0 && s[len(s)-1] >= 'A' {
			digits = s[:len(s)-1]
			for range i + 1 {
				unit *= k
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

// number shows n with the largest unit that divides it, in powers of k; 0 is
// not shown.
func number(n, k int64) string {
	if n == 0 {
		return ""
	}
	unit := ""
	for i := 0; k > 0 && i < 3 && n%k == 0; i++ {
		n, unit = n/k, "KMG"[i:i+1]
	}
	return strconv.FormatInt(n, 10) + unit
}

// Duration adds a flag whose value is a time as Go writes it (1h30m, 500ms) or a
// number of seconds.
func (f *Flags) Duration(p *time.Duration, short, long, arg, help string) {
	def := ""
	if *p != 0 {
		def = showDuration(*p)
	}
	f.add(func(s string) (err error) {
		*p, err = parseDuration(s)
		return err
	}, false, def, short, long, arg, help)
}

func parseDuration(s string) (time.Duration, error) {
	if strings.Trim(s, "0123456789.") == "" {
		s += "s"
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, errors.New("not a time such as 90, 30s, 5m, 1h30m")
	}
	return d, nil
}

// showDuration writes 1h for Go's 1h0m0s.
func showDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Bool adds a flag that is there or not.
func (f *Flags) Bool(p *bool, short, long, help string) {
	f.add(func(s string) error {
		b, err := strconv.ParseBool(s)
		if err != nil {
			return errors.New("not true or false")
		}
		*p = b
		return nil
	}, true, "", short, long, "", help)
}
