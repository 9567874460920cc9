package spool

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/geometry"
	"imgtools/pkg/ops"
)

// Records are lines of "key: value". A reader ignores keys that it does not know, so
// keys may be added.

// Meta is the file job: what was asked for.
type Meta struct {
	Ops      ops.Ops // with Name
	Bytes    int64
	SHA256   string // hexadecimal
	Received time.Time
	Client   string // who handed it in: clients are served in turn; "": not known
}

// Result is the file result, and the file end of a job that is done: what out is, and of
// several sizes what out2, out3 and so on are.
type Result struct {
	Output            // out
	More     []Output // out2, out3 and so on
	Note     string
	Started  time.Time
	Finished time.Time

	tag string // out has the name out.TAG until it is renamed
}

// Output is one of the results of a job.
type Output struct {
	Type          string
	Size          int64
	SHA256        string // hexadecimal; "" of a job that version 1 has done
	Width, Height int
}

// Outputs returns the result, or all of several sizes.
func (r *Result) Outputs() []Output {
	return append([]Output{r.Output}, r.More...)
}

// Bytes returns how many bytes all results have.
func (r *Result) Bytes() (n int64) {
	for _, o := range r.Outputs() {
		n = plus(n, o.Size)
	}
	return n
}

// names returns the names of the files that a job gets when it is done.
func (r *Result) names() []string {
	names := []string{"result"}
	for n := range r.Outputs() {
		names = append(names, outName(n+1))
	}
	return names
}

// maxOutputs is the most results of a job.
const maxOutputs = geometry.MaxSizes

// outName returns the name of the file with result n of a job, from 1: out, out2.
func outName(n int) string {
	if n == 1 {
		return "out"
	}
	return "out" + strconv.Itoa(n)
}

// Failure is the file error, and the file end of a job that failed: why it failed.
type Failure struct {
	Kind     fault.Kind
	Detail   string
	Started  time.Time
	Finished time.Time

	tag string // error has the name error.TAG until it is renamed
}

// OpsText returns an operation as it stands in job and in the status: words
// separated by spaces, without the name.
func OpsText(o ops.Ops) string {
	var b strings.Builder
	for i, w := range o.Without("name") {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w.Key + "=" + w.Value)
	}
	return b.String()
}

// text collects lines of key: value, leaving out what is empty.
type text struct{ bytes.Buffer }

func (t *text) line(key, value string) {
	if value != "" {
		fmt.Fprintf(t, "%s: %s\n", key, strings.TrimSpace(fault.Line(value)))
	}
}

func (t *text) time(key string, v time.Time) {
	if !v.IsZero() {
		t.line(key, v.UTC().Format(time.RFC3339Nano))
	}
}

// recordVersion is the version of the record of a job with several results. An imgd that
// reads version 2 alone may know the word scale, but not out2: it would make one result.
const recordVersion = 3

func (m Meta) marshal() []byte {
	var t text
	version := recordVersion
	switch { // the lowest that an imgd which shares the spool needs to do the job
	case knownToVersion1(m.Ops):
		version = 1
	case len(m.Ops.Sizes()) == 0:
		version = 2
	}
	t.line("version", strconv.Itoa(version))
	t.line("ops", OpsText(m.Ops))
	t.line("defaults", defaults(m.Ops))
	t.line("name", m.Ops.Get("name"))
	t.line("bytes", strconv.FormatInt(m.Bytes, 10))
	t.line("sha256", m.SHA256)
	t.time("received", m.Received)
	t.line("client", m.Client)
	return t.Bytes()
}

// wordsOfVersion1 are the words that an imgd of version 1 reads. It fails a job with
// others.
var wordsOfVersion1 = []string{"gray", "luma", "scale", "kernel", "fine", "linear", "format", "quality", "name"}

// newValues are values of these words that it doesn't know.
var newValues = []string{format.WebP, ops.Auto, ops.Lossless}

// knownToVersion1 reports whether an imgd of version 1 does the same with o. A scale
// without fine is fast there.
func knownToVersion1(o ops.Ops) bool {
	for _, w := range o {
		if !slices.Contains(wordsOfVersion1, w.Key) || slices.Contains(newValues, w.Value) {
			return false
		}
	}
	return o.Has("gray") && !o.Has("scale")
}

// defaults lists the options that o leaves to their defaults, with the values that
// these have now, so that a later default changes no job that waits.
func defaults(o ops.Ops) string {
	var words []string
	for _, opt := range ops.All() {
		if opt.Key == "usual" && !o.Has("quality") && !o.Has("usual") {
			words = append(words, opt.Key+"="+opt.Usual())
		}
		if opt.Of == "" || !o.Has(opt.Of) || o.Has(opt.Key) || opt.Sets != "" || opt.Opposite != "" {
			continue
		}
		value := opt.Usual()
		if opt.Switch() {
			value = "0"
		}
		words = append(words, opt.Key+"="+value)
	}
	return strings.Join(words, " ")
}

// usualBefore is what the word usual was before records had it.
const usualBefore = "jpeg:85"

// allDefaults completes a list of defaults by those that records did not yet list when it
// was made. Before there were lists, scale was fast unless fine was said.
func allDefaults(list string, words []ops.Word) string {
	said := func(key string) bool {
		return slices.ContainsFunc(words, func(w ops.Word) bool { return w.Key == key })
	}
	if list == "" && said("scale") && !said("fine") && !said("fast") {
		list = "fine=0"
	}
	if !strings.Contains(list, "usual=") && !said("usual") && !said("quality") {
		list += " usual=" + usualBefore
	}
	return list
}

// withDefaults returns o with those options for which another default holds now.
func withDefaults(o ops.Ops, words string) (ops.Ops, error) {
	for w := range strings.FieldsSeq(words) {
		key, value, _ := strings.Cut(w, "=")
		opt, ok := ops.Lookup(key)
		if !ok {
			return nil, fault.New(fault.Unsupported, "defaults: unknown word %s", fault.Quote(key))
		}
		canonical, err := opt.Canonical(value)
		if err != nil {
			return nil, fault.As(fault.Unsupported, err)
		}
		if opt.Opposite != "" { // fine=0 is fast
			if canonical == "" {
				o = o.With(opt.Opposite, "1")
			}
			continue
		}
		if !o.Has(key) && canonical != "" && canonical != opt.Usual() {
			o = o.With(key, canonical)
		}
	}
	return o, nil
}

// The values of the key end.
const (
	endDone   = "done"
	endFailed = "failed"
)

func (r Result) marshal() []byte {
	var t text
	t.line("end", endDone)
	t.line("tag", r.tag)
	t.output("", r.Output)
	for i, o := range r.More {
		t.output(outName(i+2)+".", o)
	}
	t.line("note", r.Note)
	t.time("started", r.Started)
	t.time("finished", r.Finished)
	return t.Bytes()
}

// output writes what a record says of one result, in keys that begin with prefix.
func (t *text) output(prefix string, o Output) {
	t.line(prefix+"type", o.Type)
	t.line(prefix+"size", strconv.FormatInt(o.Size, 10))
	t.line(prefix+"sha256", o.SHA256)
	t.line(prefix+"width", strconv.Itoa(o.Width))
	t.line(prefix+"height", strconv.Itoa(o.Height))
}

func (f Failure) marshal() []byte {
	var t text
	t.line("end", endFailed)
	t.line("tag", f.tag)
	t.line("kind", f.Kind.String())
	detail := strings.TrimSpace(fault.Line(f.Detail))
	if len(detail) > 1024 {
		detail = strings.ToValidUTF8(detail[:1024], "") + "…"
	}
	t.line("detail", detail)
	t.time("started", f.Started)
	t.time("finished", f.Finished)
	return t.Bytes()
}

// record is a parsed text; its methods remember the first error.
type record struct {
	values map[string]string
	err    error
}

func parseRecord(b []byte) *record {
	r := &record{values: map[string]string{}}
	if len(b) == 0 || b[len(b)-1] != '\n' {
		r.err = fmt.Errorf("cut off after %d bytes", len(b))
		return r
	}
	for line := range strings.Lines(string(b)) {
		key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok {
			r.err = fmt.Errorf("line %s is not key: value", fault.Quote(line))
			return r
		}
		if _, twice := r.values[key]; twice {
			r.err = fmt.Errorf("%s is given twice", fault.Quote(key))
			return r
		}
		r.values[key] = value
	}
	return r
}

// number reads a whole number that is not negative.
func (r *record) number(key string, most int64) int64 {
	n, err := strconv.ParseInt(r.values[key], 10, 64)
	if (err != nil || n < 0 || n > most) && r.err == nil {
		r.err = fmt.Errorf("%s %s: not a number from 0 to %d", key, fault.Quote(r.values[key]), most)
	}
	return n
}

// time reads a time; without must an absent one is the zero time.
func (r *record) time(key string, must bool) time.Time {
	v, ok := r.values[key]
	if !ok && !must {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, v)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s %s: not a time", key, fault.Quote(v))
	}
	return t.UTC()
}

// hash checks the form of a SHA-256.
func (r *record) hash(v string) {
	if (len(v) != 64 || strings.Trim(v, "0123456789abcdef") != "") && r.err == nil {
		r.err = fmt.Errorf("sha256 %s: not 64 hexadecimal digits", fault.Quote(v))
	}
}

const maxInt64 = 1<<63 - 1

// parseMeta reads the file job. Its error is of kind Unsupported when a later version
// has written it, or with words that this one does not know.
func parseMeta(b []byte) (Meta, error) {
	r := parseRecord(b)
	if r.err != nil {
		return Meta{}, r.err
	}
	v := r.number("version", 1<<31-1)
	if r.err == nil && v > recordVersion {
		return Meta{}, fault.New(fault.Unsupported, "version %d > %d", v, recordVersion)
	}
	if r.err == nil && v == 0 {
		r.err = fmt.Errorf("version 0")
	}
	var m Meta
	var words []ops.Word
	for w := range strings.FieldsSeq(r.values["ops"]) {
		key, value, _ := strings.Cut(w, "=")
		words = append(words, ops.Word{Key: key, Value: value})
	}
	if len(words) == 0 && r.err == nil {
		r.err = fmt.Errorf("no ops")
	}
	var err error
	if m.Ops, err = ops.Parse(words); err == nil {
		m.Ops, err = withDefaults(m.Ops, allDefaults(r.values["defaults"], words))
	}
	if err != nil && r.err == nil {
		r.err = fault.As(fault.Unsupported, err)
	}
	if name := r.values["name"]; name != "" {
		m.Ops = m.Ops.With("name", name)
	}
	m.Bytes = r.number("bytes", maxInt64)
	m.SHA256 = r.values["sha256"]
	r.hash(m.SHA256)
	m.Received = r.time("received", true)
	m.Client = r.values["client"]
	return m, r.err
}

// parseResult reads the file result.
func parseResult(b []byte) (Result, error) {
	r := parseRecord(b)
	if r.err != nil {
		return Result{}, r.err
	}
	v := Result{
		Output:   r.output(""),
		Note:     r.values["note"],
		tag:      r.values["tag"],
		Started:  r.time("started", false),
		Finished: r.time("finished", true),
	}
	for n := 2; ; n++ {
		prefix := outName(n) + "."
		if _, ok := r.values[prefix+"size"]; !ok {
			break
		}
		if n > maxOutputs && r.err == nil {
			r.err = fmt.Errorf("more than %d results", maxOutputs)
			break
		}
		v.More = append(v.More, r.output(prefix))
	}
	return v, r.err
}

// output reads what a record says of one result, in keys that begin with prefix.
func (r *record) output(prefix string) Output {
	o := Output{
		Type:   r.values[prefix+"type"],
		Size:   r.number(prefix+"size", maxInt64),
		Width:  int(r.number(prefix+"width", 1<<31-1)),
		Height: int(r.number(prefix+"height", 1<<31-1)),
		SHA256: r.values[prefix+"sha256"],
	}
	if o.SHA256 != "" {
		r.hash(o.SHA256)
	}
	if o.Type == "" && r.err == nil {
		r.err = fmt.Errorf("no %stype", prefix)
	}
	return o
}

// parseFailure reads the file error. A kind that is not known is internal.
func parseFailure(b []byte) (Failure, error) {
	r := parseRecord(b)
	if r.err != nil {
		return Failure{}, r.err
	}
	kind, _ := fault.Parse(r.values["kind"])
	v := Failure{
		Kind:     kind,
		Detail:   r.values["detail"],
		tag:      r.values["tag"],
		Started:  r.time("started", false),
		Finished: r.time("finished", true),
	}
	return v, r.err
}
