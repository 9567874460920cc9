package ops

import (
	"reflect"
	"strings"
	"testing"

	"imgtools/pkg/fault"
)

func words(s string) []Word {
	var ws []Word
	for _, f := range strings.Fields(s) {
		k, v, _ := strings.Cut(f, "=")
		ws = append(ws, Word{k, v})
	}
	return ws
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Ops
	}{
		{"", Ops{Gray: "601"}},
		{"name=a.png", Ops{Gray: "601", Name: "a.png"}},
		{"gray", Ops{Gray: "601"}},
		{"gray=709 scale=1/4 kernel=box fine linear=1", Ops{Gray: "709", Scale: "1/4", Kernel: "box", Fine: true, Linear: true}},
		{"gray=0 scale=640x480> linear=0", Ops{Scale: "640x480>"}},
		{"gray luma=luminance", Ops{Gray: "luminance"}},
		{"scale=50% format=JPG quality=90", Ops{Scale: "50%", Format: "jpeg", Quality: 90}},
	} {
		o, err := Parse(words(c.in))
		if err != nil || o != c.want {
			t.Errorf("%q = %+v, %v; want %+v", c.in, o, err, c.want)
			continue
		}
		if again, err := Parse(o.Words()); err != nil || !reflect.DeepEqual(again, o) {
			t.Errorf("%q: its words give %+v, %v", c.in, again, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for in, part := range map[string]string{
		"rotate=90":            `unknown word "rotate"`,
		"gray gray":            "gray is given twice",
		"gray=red":             "601 709 luminance",
		"gray=0":               "no operation",
		"kernel=box":           "kernel without scale",
		"gray fine":            "fine without scale",
		"format=png":           "no operation",
		"quality=3":            "no operation",
		"scale=0":              `scale: "0"`,
		"gray format=webp":     "not one of",
		"gray quality=101":     "1 to 100",
		"scale=1/2 luma=709":   "luma without gray",
		"gray=709 luma=601":    "differ",
		"scale=1/2 linear=yes": "not 1 or 0",
	} {
		_, err := Parse(words(in))
		if err == nil || fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: %v; want usage error with %q", in, err, part)
		}
	}
}
