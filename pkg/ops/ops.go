// Package ops is the registry of what can be asked for: operations on pictures and
// their options. A word means the same, and takes the same values, in a query, a form
// field, an img/1 line, a job file and as a flag, because all of them read it here.
//
// registry.go has the table, one row for each word. A request is Ops: the words in
// the table's order, each with a canonical value, without those that say what holds
// anyway. Parse makes it of words in any order. Operations are done in the order of
// the table, whatever the order of the words; a request without any operation is a
// conversion, which keeps colours and size.
package ops

import (
	"slices"
	"strconv"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
)

// Word is one word and its value: scale=1/4. A switch has the value "1".
type Word struct{ Key, Value string }

// Ops says what is to be done with a picture. The zero value is nothing at all.
type Ops []Word

// Gray is the request that an empty list of words means.
func Gray() Ops { return Ops{{"gray", Default("gray")}} }

// Parse reads words in any order. An unknown or repeated word, a bad value and
// an option without its operation are errors of kind Usage that name it.
// When no word but name is given, gray is meant.
func Parse(words []Word) (Ops, error) {
	given := map[string]string{}
	for _, w := range words {
		opt, ok := Lookup(w.Key)
		if !ok {
			return nil, fault.New(fault.Usage, "unknown word %s", fault.Quote(w.Key))
		}
		if _, twice := given[w.Key]; twice {
			return nil, fault.New(fault.Usage, "%s is given twice", w.Key)
		}
		value, err := opt.Canonical(w.Value)
		if err != nil {
			return nil, err
		}
		given[w.Key] = value
	}
	meant := false // by any word but name
	for _, opt := range All() {
		_, ok := given[opt.Key]
		meant = meant || ok && !opt.Label
	}
	if !meant {
		given["gray"] = Default("gray")
	}
	return assemble(given)
}

// assemble puts the words in the table's order, and refuses options whose operation
// is not asked for. An off value is none.
func assemble(given map[string]string) (Ops, error) {
	var o Ops
	for _, opt := range All() {
		value, ok := given[opt.Key]
		if !ok {
			continue
		}
		if opt.Of != "" && given[opt.Of] == "" && !opt.Alone {
			return nil, fault.New(fault.Usage, "%s without %s", opt.Key, opt.Of)
		}
		switch {
		case opt.Opposite != "" && value == "":
			o = o.With(opt.Opposite, "1")
		case opt.Opposite != "" && o.Has(opt.Opposite):
			return nil, fault.New(fault.Usage, "%s and %s exclude each other", opt.Opposite, opt.Key)
		case opt.Opposite != "" || value == "":
		case opt.Sets == "":
			o = append(o, Word{opt.Key, value})
		default: // luma=709 is gray=709
			was := o.Get(opt.Sets)
			if was != Default(opt.Sets) && was != value {
				return nil, fault.New(fault.Usage, "%s=%s and %s=%s differ", opt.Sets, was, opt.Key, value)
			}
			o = o.With(opt.Sets, value)
		}
	}
	if o.nothing() {
		return nil, fault.New(fault.Usage, "no operation: %s, or a format", operationList())
	}
	return o, o.checkPlacing()
}

// ParsePublic is Parse for a request that comes from others: a value that only the
// filters take is an error. keep=all would give away where a picture was taken.
func ParsePublic(words []Word) (Ops, error) {
	o, err := Parse(words)
	if err != nil {
		return nil, publicly(words, err)
	}
	for _, w := range o {
		if opt, _ := Lookup(w.Key); slices.Contains(opt.Local, w.Value) {
			return nil, fault.New(fault.Usage, "%s=%s is for the commands gray and scale alone; here: %s", w.Key, w.Value, strings.Join(opt.Values(), " "))
		}
	}
	return o, nil
}

// publicly returns the error of Parse for words that come from others: where it names all
// values of a word, without those that only the filters take.
func publicly(words []Word, err error) error {
	for _, w := range words {
		opt, _ := Lookup(w.Key)
		if len(opt.Local) == 0 || strings.Contains(w.Value, ",") {
			continue
		}
		if _, bad := opt.Canonical(w.Value); bad != nil && bad.Error() == err.Error() {
			_, err = oneOf(w.Key, w.Value, opt.Values())
		}
	}
	return err
}

// CheckBytes refuses bytes= with a format that has no quality to choose, whatever the
// picture. Without format= the picture decides.
func (o Ops) CheckBytes() error {
	f, ok := format.Lookup(o.Get("format"))
	if !o.Has("bytes") || !ok || f.Quality != 0 {
		return nil
	}
	var names []string
	for _, with := range format.WithQuality() {
		names = append(names, with.Name)
	}
	return fault.New(fault.Usage, "bytes=%s with format=%s: only for %s", o.Get("bytes"), f.Name, strings.Join(names, ", "))
}

// nothing reports whether no word but a label is left: gray=0 alone.
func (o Ops) nothing() bool {
	return !slices.ContainsFunc(o, func(w Word) bool { opt, _ := Lookup(w.Key); return !opt.Label })
}

// Get returns the value of a word, or "" when it is not given.
func (o Ops) Get(key string) string {
	for _, w := range o {
		if w.Key == key {
			return w.Value
		}
	}
	return ""
}

// Has reports whether a word is given.
func (o Ops) Has(key string) bool { return o.Get(key) != "" }

// Int returns the value of a word that is a whole number, or 0 when it is not given.
func (o Ops) Int(key string) int {
	n, _ := strconv.Atoi(o.Get(key)) // Parse has checked it
	return n
}

// With returns o with one more word in its place, or with another value of it. The
// value is canonical.
func (o Ops) With(key, value string) Ops {
	given := map[string]string{key: value}
	for _, w := range o {
		if w.Key != key {
			given[w.Key] = w.Value
		}
	}
	var with Ops
	for _, opt := range All() {
		if v := given[opt.Key]; v != "" {
			with = append(with, Word{opt.Key, v})
		}
	}
	return with
}

// Without returns o without the words of the given keys.
func (o Ops) Without(keys ...string) Ops {
	return slices.DeleteFunc(slices.Clone(o), func(w Word) bool { return slices.Contains(keys, w.Key) })
}

// Words returns o as words that Parse reads as o again.
func (o Ops) Words() []Word { return o }

// Equal reports whether o and other have the same words with the same values.
func (o Ops) Equal(other Ops) bool { return slices.Equal(o, other) }

// Operations returns the operations of o in the order in which they are done. A
// conversion has none.
func (o Ops) Operations() []Option {
	var list []Option
	for _, opt := range All() {
		if opt.Daemon != "" && o.Has(opt.Key) {
			list = append(list, opt)
		}
	}
	return list
}

// Label returns the operations of o joined by +, for metrics: gray, gray+scale; it is
// convert when there is none.
func (o Ops) Label() string {
	label := ""
	for _, opt := range o.Operations() {
		if label != "" {
			label += "+"
		}
		label += opt.Key
	}
	if label == "" {
		return "convert"
	}
	return label
}

// Must reads words with a space between them, "gray scale=1/4", for tests and for
// requests that are written in the code. It panics where Parse fails.
func Must(text string) Ops {
	var words []Word
	for field := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(field, "=")
		words = append(words, Word{key, value})
	}
	o, err := Parse(words)
	if err != nil {
		panic(err)
	}
	return o
}
