// Package wire has the lines of img/1, the protocol of grayd, scaled and heifd, which
// imgproto(7) describes:
//
//	img/1 scale 1/4 quality=85
//	ok type=image/jpeg width=1008 height=756 len=167013
//	err toolarge 4290 Mpixel > 250 Mpixel (-maxpixels)
//
// A scale by a list has a result for each size. What a reply says of the second and
// later ones has their number after the word:
//
//	img/1 scale 640x,320x
//	ok type=image/jpeg width=640 height=480 width2=320 height2=240 len=30127 len2=9881
//
// A request names a verb, for scale its geometry, and words; a reply is ok and
// words, of which len is always one, or err, a kind of package fault, and a text
// for people. Fields are separated by one space. In a value, a byte that is not a
// printable ASCII character other than the space, and a % before two hexadecimal
// digits, are written as % and two hexadecimal digits; any other % is itself.
package wire

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/ops"
)

const (
	// MaxLine is the longest line in bytes, its newline included.
	MaxLine = 1024
	// Version is the first field of every request.
	Version = "img/1"
	// Info is the verb that every daemon does: it describes the picture (package info).
	Info = "info"
	// Decode is the verb of heifd: it decodes a HEIC or AVIF for the other daemons.
	Decode = "decode"
	// MaxResults is the most results of one request.
	MaxResults = geometry.MaxSizes
)

// Request is a request to a daemon.
type Request struct {
	Verb     string     // "gray", "scale", Info or Decode
	Geometry string     // of scale, else ""
	Words    []ops.Word // in order, no key twice; len is not among them
	Len      int64      // bytes of the body that follows the line; -1: no len was given

	// Limit is the time for the work, which the worker sets for its Operation. It is not
	// on the line.
	Limit time.Duration
}

// ParseRequest reads a request line without its newline. It knows the form of
// words, not their meaning. Errors are of kind Usage.
func ParseRequest(line string) (Request, error) {
	fields, err := split(line)
	if err != nil {
		return Request{}, err
	}
	if fields[0] != Version {
		return Request{}, usage("not a request of %s: %s", Version, fault.Quote(line))
	}
	if len(fields) < 2 {
		return Request{}, usage("no verb")
	}
	r := Request{Verb: fields[1]}
	fields = fields[2:]
	if r.Verb == Info || r.Verb == Decode {
		err = r.words(fields)
		return r, err
	}
	operation, ok := ops.Lookup(r.Verb)
	if !ok || operation.Daemon == "" {
		return Request{}, usage("unknown verb %s", fault.Quote(r.Verb))
	}
	if !operation.Switch() {
		if len(fields) > 0 {
			r.Geometry = unescape(fields[0])
			fields = fields[1:]
		}
		if r.Geometry == "" || strings.Contains(r.Geometry, "=") {
			return Request{}, usage("%s without a %s", r.Verb, operation.Arg)
		}
		if n := r.Results(); n > MaxResults {
			return Request{}, usage("%d sizes; at most %d", n, MaxResults)
		}
	}
	err = r.words(fields)
	return r, err
}

// words reads the words of a request, which has at most one len.
func (r *Request) words(fields []string) error {
	ws, lens, err := words(fields, 1)
	r.Words, r.Len = ws, -1
	if len(lens) > 0 {
		r.Len = lens[0]
	}
	return err
}

// Results returns how many results the request has: one for each size of a list.
func (r Request) Results() int {
	if !geometry.Several(r.Geometry) {
		return 1
	}
	return 1 + strings.Count(r.Geometry, ",")
}

// String returns the line of r, without its newline. ParseRequest gives r again
// when its verb and keys are well-formed and the line is within MaxLine.
func (r Request) String() string {
	var b strings.Builder
	b.WriteString(Version + " " + r.Verb)
	if r.Geometry != "" {
		b.WriteString(" " + escape(r.Geometry))
	}
	join(&b, r.Words, r.Len)
	return b.String()
}

// Get returns the value of a word and whether it was given.
func (r Request) Get(key string) (string, bool) { return get(r.Words, key) }

// Reply is the answer to a request that succeeded.
type Reply struct {
	Words []ops.Word // in order, no key twice; len is not among them
	Len   int64      // bytes of the picture; -1 only in a reply still to be completed
	More  []int64    // of several results: bytes of the second and later ones (len2, len3)
}

// ParseReply reads a reply line without its newline. An err line comes back as
// an error of the kind it names, or of kind Internal when there is no such kind. A
// line that is no reply is an error of kind Internal.
func ParseReply(line string) (Reply, error) {
	if rest, ok := strings.CutPrefix(line, "err "); ok {
		word, text, _ := strings.Cut(rest, " ")
		kind, ok := fault.Parse(word)
		if !ok {
			return Reply{}, fault.New(fault.Internal, "reply %s: unknown kind of error", fault.Quote(line))
		}
		return Reply{}, fault.New(kind, "%s", fault.Line(text))
	}
	fields, err := split(line)
	if err != nil || fields[0] != "ok" {
		return Reply{}, fault.New(fault.Internal, "reply %s: neither ok nor err", fault.Quote(line))
	}
	ws, lens, err := words(fields[1:], MaxResults)
	if err == nil && len(lens) == 0 {
		err = usage("no len")
	}
	if err != nil {
		return Reply{}, fault.New(fault.Internal, "reply %s: %w", fault.Quote(line), err)
	}
	r := Reply{Words: ws, Len: lens[0]}
	if len(lens) > 1 {
		r.More = lens[1:]
	}
	return r, nil
}

// String returns the line of r, without its newline.
func (r Reply) String() string {
	var b strings.Builder
	b.WriteString("ok")
	join(&b, r.Words, r.Lens()...)
	return b.String()
}

// Lens returns the bytes of each result.
func (r Reply) Lens() []int64 { return append([]int64{r.Len}, r.More...) }

// Numbered returns the key of what a reply says of result n, from 1: width, width2.
func Numbered(key string, n int) string {
	if n == 1 {
		return key
	}
	return key + strconv.Itoa(n)
}

// Get returns the value of a word, or "" when it was not said.
func (r Reply) Get(key string) string {
	v, _ := get(r.Words, key)
	return v
}

// ErrLine returns the line, without its newline, that says err: its kind and its
// text, made fit for one line of at most MaxLine bytes.
func ErrLine(err error) string {
	line := "err " + fault.Of(err).String() + " " + fault.Line(err.Error())
	if len(line) < MaxLine {
		return line
	}
	cut := MaxLine - 1 - len("…")
	for !utf8.RuneStart(line[cut]) {
		cut--
	}
	return line[:cut] + "…"
}

// split parts a line into its fields, of which there is at least one.
func split(line string) ([]string, error) {
	if len(line) >= MaxLine {
		return nil, usage("a line of %d bytes > %d", len(line)+1, MaxLine)
	}
	for i := range len(line) {
		if line[i] < ' ' || line[i] > '~' {
			return nil, usage("byte 0x%02x in the line", line[i])
		}
	}
	fields := strings.Split(line, " ")
	for _, f := range fields {
		if f == "" {
			return nil, usage("fields must be separated by one space: %s", fault.Quote(line))
		}
	}
	return fields, nil
}

// words reads key and key=value fields, and takes out of them len, len2 and so on, of
// which there are at most most and none is left out.
func words(fields []string, most int) (ws []ops.Word, lens []int64, err error) {
	seen := map[string]string{}
	for _, f := range fields {
		k, v, _ := strings.Cut(f, "=")
		if !isKey(k) {
			return nil, nil, usage("not a word: %s", fault.Quote(f))
		}
		if _, twice := seen[k]; twice {
			return nil, nil, usage("%s is given twice", k)
		}
		seen[k] = v
		if number, ok := strings.CutPrefix(k, "len"); !ok || strings.Trim(number, "0123456789") != "" {
			ws = append(ws, ops.Word{Key: k, Value: unescape(v)})
			continue
		}
		lens = append(lens, 0)
	}
	for i := range lens {
		key := Numbered("len", i+1)
		v, ok := seen[key]
		switch {
		case !ok:
			return nil, nil, usage("no %s", key)
		case i >= most:
			return nil, nil, usage("%s: the last may be %s", key, Numbered("len", most))
		}
		lens[i], err = strconv.ParseInt(v, 10, 64)
		if err != nil || lens[i] < 0 || v[0] == '+' {
			return nil, nil, usage("%s %s: not a number of bytes", key, fault.Quote(v))
		}
	}
	return ws, lens, nil
}

// isKey reports whether k is a lower-case letter and letters and digits.
func isKey(k string) bool {
	for i := range len(k) {
		c := k[i]
		if (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return k != ""
}

func join(b *strings.Builder, ws []ops.Word, lens ...int64) {
	for _, w := range ws {
		b.WriteString(" " + w.Key)
		if w.Value != "" {
			b.WriteString("=" + escape(w.Value))
		}
	}
	for i, n := range lens {
		if n >= 0 {
			b.WriteString(" " + Numbered("len", i+1) + "=" + strconv.FormatInt(n, 10))
		}
	}
}

func get(ws []ops.Word, key string) (string, bool) {
	for _, w := range ws {
		if w.Key == key {
			return w.Value, true
		}
	}
	return "", false
}

const hex = "0123456789ABCDEF"

func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c > ' ' && c <= '~' && !(c == '%' && coded(s[i:])) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if coded(s[i:]) {
			b.WriteByte(digit(s[i+1])<<4 | digit(s[i+2]))
			i += 2
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// coded reports whether s begins with % and two hexadecimal digits.
func coded(s string) bool {
	return len(s) >= 3 && s[0] == '%' && digit(s[1]) < 16 && digit(s[2]) < 16
}

// digit returns the value of a hexadecimal digit, and 255 for another byte.
func digit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

func usage(format string, args ...any) error {
	return fault.New(fault.Usage, format, args...)
}
