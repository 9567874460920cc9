package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"imgtools/pkg/limits"
)

// value is one flag's variable, as package flag wants it.
type value struct {
	set  func(string) error
	bool bool
}

func (v *value) Set(s string) error { return v.set(s) }
func (v *value) String() string     { return "" }
func (v *value) IsBoolFlag() bool   { return v.bool }

func (f *Flags) add(set func(string) error, isBool bool, def, short, long, arg, help string) {
	f.opts = append(f.opts, option{short: short, long: long, arg: arg, help: help, def: def})
	for _, name := range []string{short, long} {
		if name != "" {
			f.set.Var(&value{set, isBool}, name, help)
		}
	}
}

// String adds a flag with any text as its value.
//
// As in all methods that add a flag, short or long may be "", arg is the name of the
// value in -h, and *p holds the default, which -h shows unless it is empty or zero.
func (f *Flags) String(p *string, short, long, arg, help string) {
	f.add(func(s string) error { *p = s; return nil }, false, *p, short, long, arg, help)
}

// Path adds a flag whose value is the name of a file or folder, which is not empty.
func (f *Flags) Path(p *string, short, long, arg, help string) {
	f.add(func(s string) error {
		if s == "" {
			return errors.New("the name is empty")
		}
		*p = s
		return nil
	}, false, *p, short, long, arg, help)
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
	f.opts[len(f.opts)-1].many = true
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
	}, false, shown(*p, strconv.Itoa), short, long, arg, help)
}

// Bytes adds a flag whose value is a number of bytes; K, M and G are powers of
// 1024.
func (f *Flags) Bytes(p *int64, short, long, arg, help string) {
	f.sized(p, limits.Binary, short, long, arg, help)
}

// Pixels adds a flag whose value is a number of pixels; K, M and G are powers of
// 1000.
func (f *Flags) Pixels(p *int64, short, long, arg, help string) {
	f.sized(p, limits.Decimal, short, long, arg, help)
}

func (f *Flags) sized(p *int64, k limits.Unit, short, long, arg, help string) {
	f.add(func(s string) (err error) {
		*p, err = k.Parse(s)
		return err
	}, false, shown(*p, k.Format), short, long, arg, help)
}

// shown returns a default as -h shows it; 0 is not shown.
func shown[T comparable](v T, format func(T) string) string {
	var zero T
	if v == zero {
		return ""
	}
	return format(v)
}

// Duration adds a flag whose value is a time as Go writes it (1h30m, 500ms) or a
// number of seconds.
func (f *Flags) Duration(p *time.Duration, short, long, arg, help string) {
	f.add(func(s string) (err error) {
		*p, err = limits.ParseTime(s)
		return err
	}, false, shown(*p, limits.FormatTime), short, long, arg, help)
}

var errNotBool = errors.New("not true or false")

// Bool adds a flag without a value.
func (f *Flags) Bool(p *bool, short, long, help string) {
	f.add(func(s string) error {
		b, err := strconv.ParseBool(s)
		if err != nil {
			return errNotBool
		}
		*p = b
		return nil
	}, true, "", short, long, "", help)
}
