package jail

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/fault"
)

var sample = Command{
	Path: "/usr/bin/x", Args: []string{"", "a b", "in.heic"}, InName: "in.heic", OutName: "out.y4m",
	Time: 1500 * time.Millisecond, Memory: 1 << 40, Output: 7,
}

func TestCommandsSurviveMessages(t *testing.T) {
	for name, args := range map[string][]string{"some arguments": sample.Args, "no arguments": {}} {
		t.Run(name, func(t *testing.T) {
			c := sample
			c.Args = args
			p, err := runMessage("12", c)
			if err != nil {
				t.Fatal(err)
			}
			got, err := parseRun(split(p))
			if err != nil || !reflect.DeepEqual(got, c) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestCapsSurviveArguments(t *testing.T) {
	for _, caps := range []Caps{{Programs: []string{}}, {Programs: []string{"/a", "/b"}, Time: time.Minute, Memory: 3, Output: 1 << 60}} {
		if got, err := parseCaps(caps.fields()); err != nil || !reflect.DeepEqual(got, caps) {
			t.Errorf("%+v, %v; want %+v", got, err, caps)
		}
	}
}

func TestAnswersKeepTheirKind(t *testing.T) {
	for _, want := range []error{nil, fault.New(fault.Timeout, "x: took long"), errors.New("zero\x00byte"), errors.New(strings.Repeat("long", maxMessage))} {
		id, got, ok := parseDone(doneMessage("5", want))
		if id != "5" || !ok || (got == nil) != (want == nil) || fault.Of(got) != fault.Of(want) {
			t.Errorf("%s, %v, %v; want %v", id, got, ok, want)
		}
	}
}

// FuzzMessages: a launcher reads what its client sends, which a picture may have
// taken over, and a client what the launcher sends.
func FuzzMessages(f *testing.F) {
	p, err := runMessage("1", sample)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p)
	f.Add(doneMessage("1", fault.New(fault.Format, "x")))
	f.Add([]byte("run\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, p []byte) {
		parseDone(p)
		fields := split(p)
		c, err := parseRun(fields)
		if err != nil {
			return
		}
		if c.check() != nil || strings.Contains(c.InName+c.OutName, "/") || c.Path[0] != '/' {
			t.Errorf("%+v", c)
		}
		if again, err := runMessage(fields[1], c); len(p) < maxMessage && (err != nil || !bytes.Equal(split2(again), split2(p))) {
			t.Errorf("%q, %v; was %q", again, err, p)
		}
	})
}

// split2 returns a run message without its numbers, which have several spellings.
func split2(p []byte) []byte {
	fields := split(p)
	return []byte(strings.Join(append([]string{fields[1]}, fields[5:]...), "\x00"))
}
