package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"imgtools/pkg/ops"
)

// mostShown is how many values of a flag stand in its synopsis, as in
// [-l 601|709|luminance]; longer lists are shown by -h alone.
const mostShown = 3

// Options adds the flags of the options of an operation, or with "" those of all
// operations, as package ops has them. words returns those that were given, after
// Parse; their values are still to be checked by ops.Parse.
func (f *Flags) Options(operation string) (words func() []ops.Word) {
	var given []ops.Word
	for _, opt := range ops.Flags(operation) {
		set := func(s string) error {
			given = append(given, ops.Word{Key: opt.Key, Value: s})
			return nil
		}
		if opt.Switch() {
			f.add(func(s string) error {
				on, err := strconv.ParseBool(s)
				if err != nil {
					return errNotBool
				}
				if on {
					return set("")
				}
				return nil
			}, true, "", opt.Short, opt.Key, "", opt.Help)
			continue
		}
		f.add(set, false, opt.Usual(), opt.Short, opt.Key, opt.Arg, opt.Help)
		if opt.Values != nil {
			f.list(opt.FlagValues(operation))
		}
	}
	return func() []ops.Word { return given }
}

// Choice adds a flag whose value is one of values. -h lists them.
func (f *Flags) Choice(p *string, short, long, arg string, values []string, help string) {
	f.add(func(s string) error {
		if !slices.Contains(values, s) {
			return fmt.Errorf("not one of %s", strings.Join(values, " "))
		}
		*p = s
		return nil
	}, false, *p, short, long, arg, help)
	f.list(values)
}

// list adds the values that the last flag takes to its help, where completions look for
// "one of", and a few of them to its synopsis.
func (f *Flags) list(values []string) {
	o := &f.opts[len(f.opts)-1]
	o.help += ", one of " + strings.Join(values, " ")
	if len(values) <= mostShown {
		o.values = strings.Join(values, "|")
	}
}

// Default changes what -h says holds when a flag is not given.
func (f *Flags) Default(name, text string) {
	for i := range f.opts {
		if o := &f.opts[i]; o.short == name || o.long == name {
			o.def = text
		}
	}
}

// Either makes two flags, added one after the other, alternatives in the synopsis:
// [-o file | -d dir].
func (f *Flags) Either(first, second string) { f.pairs = append(f.pairs, pair{first, second, " | "}) }

// Both says that two flags, added one after the other, go together:
// [-cert file -key file].
func (f *Flags) Both(first, second string) { f.pairs = append(f.pairs, pair{first, second, " "}) }

// pair is two flags that share brackets in the synopsis.
type pair struct{ first, second, between string }

// derived returns the synopsis of the flags, in the order in which they were added:
// "[-h] [-p port] [-i ip]...".
func (f *Flags) derived() string {
	words := []string{"[-h]"}
	for i := 0; i < len(f.opts); i++ {
		o := f.opts[i]
		text := o.brief()
		if i+1 < len(f.opts) {
			next := f.opts[i+1]
			for _, p := range f.pairs {
				if o.is(p.first) && next.is(p.second) {
					text += p.between + next.brief()
					i++
				}
			}
		}
		text = "[" + text + "]"
		if o.many {
			text += "..."
		}
		words = append(words, text)
	}
	return strings.Join(words, " ")
}

func (o option) is(name string) bool { return name != "" && (o.short == name || o.long == name) }

// brief returns the shorter spelling with its argument: "-o file".
func (o option) brief() string {
	name := o.short
	if name == "" {
		name = o.long
	}
	switch {
	case o.values != "":
		return "-" + name + " " + o.values
	case o.arg != "":
		return "-" + name + " " + o.arg
	}
	return "-" + name
}
