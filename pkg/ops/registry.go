package ops

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/geometry"
	"imgtools/pkg/limits"
)

// Option is a row of the registry: an operation, or an option of one.
type Option struct {
	Key      string                                  // the word in HTTP and on the wire, and the long flag
	Short    string                                  // the flag of one letter, or ""
	Arg      string                                  // what the value is called in help; "" of a switch
	Help     string                                  // what it does, for -h; lists of values and defaults follow it
	Values   func() []string                         // the values there are, the default first; nil: Parse decides
	Open     bool                                    // there are more values than Values lists: points, lists of them
	Parse    func(key, value string) (string, error) // returns the canonical value, or says what is wrong with this one
	Default  func() string                           // for -h: what holds when the word is not given; nil: the first of Values
	Of       string                                  // the operation that the word is an option of; "": of any
	Alone    bool                                    // it may stand without that; whether it is of use then depends on the picture
	Number   bool                                    // the value is a whole number
	Daemon   string                                  // of an operation: the daemon that does it
	Sets     string                                  // luma sets the value of gray
	Opposite string                                  // fine is the opposite of fast: fine=0 is fast
	Stage    Stage                                   // which daemon of several needs to know the word
	Label    bool                                    // says nothing of the picture: name
	Internal bool                                    // for records and the wire: people are not offered it
	Local    []string                                // values that only the filters take; see ParsePublic
}

// Stage says which of the daemons that a request passes gets a word.
type Stage uint8

const (
	Own    Stage = iota // the one that does the operation it belongs to, or the last if to none
	First               // the first, which reads the file: frame
	Every               // all of them
	Nobody              // it stays in the front: name
)

// current is the registry in force; see Set.
var current atomic.Pointer[[]Option]

func init() { current.Store(&registry) }

// All returns the registry, operations and options in the order in which they are
// done and written.
func All() []Option { return *current.Load() }

// Set puts a registry in place of the present one until restore is called. It is for
// tests of what derives from the registry.
func Set(options []Option) (restore func()) {
	old := current.Swap(&options)
	return func() { current.Store(old) }
}

// registry is the table. To add an option, add its row here and what does it in
// package plan of the pictures.
var registry = []Option{
	{Key: "crop", Arg: "part", Help: "first cut out this part, WxH+X+Y in pixels or percent; without +X+Y gravity says where", Parse: parseCrop, Stage: First},
	{Key: "gray", Short: "g", Help: "turn gray; also when nothing else is asked for", Parse: parseGray, Values: Lumas, Daemon: "grayd"},
	{Key: "luma", Short: "l", Arg: "luma", Help: "what gray is", Values: Lumas, Of: "gray", Sets: "gray"},
	{Key: "scale", Short: "s", Arg: "geometry", Help: "scale: a factor (0.5, 1/2, 50%) or a box (640x480, 640x, x480, 640x480!); scale -d and jobs also take a list (320x,640x)", Parse: parseGeometry, Daemon: "scaled"},
	{Key: "fit", Arg: "fit", Help: "what a box means", Values: geometry.Fits, Of: "scale"},
	{Key: "enlarge", Arg: "enlarge", Help: "0: leave a picture as it is that would become larger", Values: func() []string { return []string{"1", "0"} }, Of: "scale"},
	{Key: "gravity", Arg: "gravity", Help: "which part crop and fit=cover keep, and where fit=pad puts the picture: a point (30%,70%)", Values: geometry.Gravities, Open: true, Parse: parseGravity, Stage: Every},
	{Key: "kernel", Short: "k", Arg: "kernel", Help: "resampling kernel", Values: Kernels, Of: "scale"},
	{Key: "fast", Help: "less time for lower quality, of what is scaled or cropped and of JPEG and WebP", Of: "scale", Alone: true},
	{Key: "fine", Help: "the best quality; the default", Of: "scale", Alone: true, Opposite: "fast"},
	{Key: "linear", Help: "resample in linear light", Of: "scale"},
	{Key: "background", Arg: "RRGGBB", Help: "colour under what is transparent and around fit=pad", Parse: parseColour, Default: func() string { return "ffffff" }},
	{Key: "profile", Arg: "profile", Help: "what becomes of the colour profile", Values: Profiles, Default: func() string { return "keep; gray of colour has none" }, Stage: First},
	{Key: "keep", Arg: "what", Help: "metadata to keep, also two: date,copyright", Values: Kept, Open: true, Local: []string{"all"}, Parse: parseKeep, Stage: Every},
	{Key: "frame", Arg: "n", Help: "only this frame of an animation or page of a TIFF, from 1", Parse: wholeNumber(1, maxFrame), Number: true, Stage: First},
	{Key: "format", Short: "f", Arg: "format", Help: "format to write", Values: formats, Parse: parseFormat, Default: func() string { return "the input's" }},
	{Key: "quality", Short: "q", Arg: "quality", Help: "1 to 100, of formats that have it, or lossless, of WebP", Parse: parseQuality, Default: defaultQuality},
	{Key: "bytes", Arg: "n", Help: "the best quality whose JPEG or WebP has no more bytes: 200K", Parse: parseBytes, Default: func() string { return "any size" }},
	{Key: "progressive", Help: "write a progressive JPEG, which shows roughly before it has come whole"},
	{Key: "usual", Parse: parseUsual, Default: usualQualities, Label: true, Internal: true},
	{Key: "name", Help: "file name of the result", Parse: anyText, Stage: Nobody, Label: true},
}

// maxFrame is the largest number that frame= takes; no picture has as many.
const maxFrame = 1<<31 - 1

// Lookup returns the row of a word.
func Lookup(key string) (Option, bool) {
	for _, opt := range All() {
		if opt.Key == key {
			return opt, true
		}
	}
	return Option{}, false
}

// Flags returns the options that a command has as flags: those of one operation and
// those of any, or all with the operations themselves when operation is "".
func Flags(operation string) []Option {
	var list []Option
	for _, opt := range All() {
		switch {
		case opt.Label:
		case operation == "", opt.Of == operation, opt.Of == "" && opt.Daemon == "", opt.Alone:
			list = append(list, opt)
		}
	}
	return list
}

// Flag is a flag of imgput with its value, "" of a switch: -s 1/4.
type Flag struct{ Name, Value string }

// FlagsFor returns the flags that say a word of Ops: -g -l 709 for gray=709.
func FlagsFor(w Word) []Flag {
	opt, ok := Lookup(w.Key)
	if !ok || opt.Label {
		return nil
	}
	if !opt.Switch() {
		return []Flag{{opt.flag(), w.Value}}
	}
	flags := []Flag{{Name: opt.flag()}}
	if setter := Setter(w.Key); setter.Key != "" && w.Value != opt.Usual() {
		flags = append(flags, Flag{setter.flag(), w.Value})
	}
	return flags
}

// Setter returns the option that gives a switch another value than the usual one: luma
// of gray. It is zero when there is none.
func Setter(operation string) Option {
	for _, opt := range All() {
		if opt.Sets == operation {
			return opt
		}
	}
	return Option{}
}

// flag returns the shortest spelling of the option's flag.
func (opt Option) flag() string {
	if opt.Short != "" {
		return "-" + opt.Short
	}
	return "-" + opt.Key
}

// Daemons returns the daemons that do the operations.
func Daemons() []string {
	var names []string
	for _, opt := range All() {
		if opt.Daemon != "" && !slices.Contains(names, opt.Daemon) {
			names = append(names, opt.Daemon)
		}
	}
	return names
}

// Switch reports whether the word needs no value.
func (opt Option) Switch() bool { return opt.Arg == "" && !opt.Label }

// Default returns what a word means when it is given without a value, or not at all.
func Default(key string) string {
	opt, _ := Lookup(key)
	return opt.Usual()
}

// Usual returns what holds when the word is not given, for people; "" when nothing
// does.
func (opt Option) Usual() string {
	switch {
	case opt.Default != nil:
		return opt.Default()
	case opt.Values != nil:
		return opt.Values()[0]
	}
	return ""
}

// FlagValues returns the values that the flag takes in a command: in a filter, which
// does the operation, also those that only filters take. Values must not be nil.
func (opt Option) FlagValues(operation string) []string {
	if operation == "" {
		return opt.Values()
	}
	return slices.Concat(opt.Values(), opt.Local)
}

// Canonical returns the form of a value in which it is compared and passed on; "" of
// a switch that is off. Errors are of kind Usage and name the word.
func (opt Option) Canonical(value string) (string, error) {
	switch {
	case opt.Parse != nil:
		return opt.Parse(opt.Key, value)
	case opt.Values != nil:
		return oneOf(opt.Key, value, opt.Values())
	}
	return onOff(opt.Key, value)
}

// Lumas returns the weights that gray can be made with.
func Lumas() []string { return []string{"601", "709", "luminance"} }

// Profiles returns what can become of the colour profile of a picture: it is kept, or
// the picture is changed to sRGB.
func Profiles() []string { return []string{"keep", "srgb"} }

// Kept returns what can be kept of a picture's metadata wherever it is worked on. The
// filters can keep all of it.
func Kept() []string { return []string{"none", "date", "copyright"} }

// parseKeep reads a list of what to keep. Its canonical form is in the order of Kept.
func parseKeep(key, s string) (string, error) {
	opt, _ := Lookup(key)
	words := strings.Split(s, ",")
	if len(words) == 1 {
		return oneOf(key, s, slices.Concat(Kept(), opt.Local))
	}
	for _, w := range words {
		if _, err := oneOf(key, w, Kept()[1:]); err != nil {
			return "", err
		}
	}
	return strings.Join(slices.DeleteFunc(Kept(), func(w string) bool { return !slices.Contains(words, w) }), ","), nil
}

// Kernels returns the resampling kernels.
func Kernels() []string { return []string{"lanczos3", "box", "triangle", "catmullrom", "mitchell"} }

func parseGray(key, s string) (string, error) {
	switch s {
	case "", "1":
		return Lumas()[0], nil
	case "0":
		return "", nil
	}
	return oneOf(key, s, Lumas())
}

func parseGeometry(key, s string) (string, error) {
	if _, err := geometry.ParseSizes(s); err != nil {
		return "", fault.New(fault.Usage, "%s: %w", key, err)
	}
	return s, nil
}

// parseCrop takes a space for +, which is what + becomes in a query.
func parseCrop(key, s string) (string, error) {
	s = strings.ReplaceAll(s, " ", "+")
	if _, err := geometry.ParseCrop(s); err != nil {
		return "", fault.New(fault.Usage, "%s: %w", key, err)
	}
	return s, nil
}

func parseGravity(key, s string) (string, error) {
	if _, err := geometry.ParseGravity(s); err != nil {
		return "", fault.New(fault.Usage, "%s: %w", key, err)
	}
	return s, nil
}

// parseColour reads six hexadecimal digits.
func parseColour(key, s string) (string, error) {
	if _, err := strconv.ParseUint(s, 16, 24); err != nil || len(s) != 6 {
		return "", fault.New(fault.Usage, "%s %s: not a colour; write six hexadecimal digits, as in ff8000", key, fault.Quote(s))
	}
	return strings.ToLower(s), nil
}

// Auto is the value of format= for a format that every program shows: JPEG, or PNG with
// alpha. The front puts WebP in its place where a request's Accept names that.
const Auto = "auto"

func formats() []string { return append(format.Written(), Auto) }

func parseFormat(key, s string) (string, error) {
	if f, ok := format.Lookup(s); ok && f.Write {
		return f.Name, nil
	}
	return oneOf(key, strings.ToLower(s), formats())
}

// maxBytes is the largest number that bytes= takes.
const maxBytes = 1 << 30

// parseBytes reads a number of bytes; K and M are powers of 1024. A canonical value has no
// unit.
func parseBytes(key, s string) (string, error) {
	n, err := limits.Binary.Parse(s)
	if err == nil && (n < 1 || n > maxBytes) {
		err = fmt.Errorf("not from 1 to %s", limits.Binary.Format(maxBytes))
	}
	if err != nil {
		return "", fault.New(fault.Usage, "%s %s: %w", key, fault.Quote(s), err)
	}
	return strconv.FormatInt(n, 10), nil
}

// usualQualities lists the formats that have a quality with its default: "jpeg:81". It is
// the value of the word usual, by which a job keeps the defaults that it was handed in
// under; see package spool.
func usualQualities() string {
	var list []string
	for _, f := range format.WithQuality() {
		list = append(list, f.Name+":"+strconv.Itoa(f.Quality))
	}
	return strings.Join(list, ",")
}

func parseUsual(key, s string) (string, error) {
	for _, item := range strings.Split(s, ",") {
		name, quality, _ := strings.Cut(item, ":")
		if f, ok := format.Lookup(name); !ok || f.Name != name {
			return "", fault.New(fault.Usage, "%s %s: not FORMAT:QUALITY", key, fault.Quote(s))
		}
		if _, err := wholeNumber(1, 100)(key, quality); err != nil {
			return "", err
		}
	}
	return s, nil
}

// UsualQuality returns the quality of a format when none is asked for, if o says so by the
// word usual; else 0.
func (o Ops) UsualQuality(name string) int {
	for _, item := range strings.Split(o.Get("usual"), ",") {
		if of, quality, _ := strings.Cut(item, ":"); of == name {
			n, _ := strconv.Atoi(quality)
			return n
		}
	}
	return 0
}

// Lossless is the value of quality= for a WebP that holds all samples exactly.
const Lossless = "lossless"

func parseQuality(key, s string) (string, error) {
	if s == Lossless {
		return s, nil
	}
	q, err := wholeNumber(1, 100)(key, s)
	if err != nil {
		return "", fault.New(fault.Usage, "%s %s: neither a whole number from 1 to 100 nor %s", key, fault.Quote(s), Lossless)
	}
	return q, nil
}

func defaultQuality() string {
	var list []string
	for _, f := range format.WithQuality() {
		list = append(list, strconv.Itoa(f.Quality)+" of "+f.Title)
	}
	return strings.Join(list, ", ")
}

func anyText(_, s string) (string, error) { return s, nil }

// wholeNumber returns a parser of whole numbers from least to most.
func wholeNumber(least, most int) func(key, value string) (string, error) {
	return func(key, s string) (string, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return "", fault.New(fault.Usage, "%s %s: not a whole number from %d to %d", key, fault.Quote(s), least, most)
		}
		return strconv.Itoa(n), nil
	}
}

func oneOf(key, s string, values []string) (string, error) {
	for _, v := range values {
		if v == s {
			return v, nil
		}
	}
	return "", fault.New(fault.Usage, "%s %s: not one of %s", key, fault.Quote(s), strings.Join(values, " "))
}

// onOff reads the value of a switch.
func onOff(key, s string) (string, error) {
	switch s {
	case "", "1":
		return "1", nil
	case "0":
		return "", nil
	}
	return "", fault.New(fault.Usage, "%s %s: not 1 or 0", key, fault.Quote(s))
}

// operationList names the operations: "gray or scale".
func operationList() string {
	var keys []string
	for _, opt := range All() {
		if opt.Daemon != "" {
			keys = append(keys, opt.Key)
		}
	}
	return strings.Join(keys, " or ")
}
