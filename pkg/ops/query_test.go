package ops

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
)

func TestParseQuery(t *testing.T) {
	for in, want := range map[string][]Word{
		"":                         nil,
		"&&":                       nil,
		"gray":                     {{Key: "gray"}},
		"gray&scale=50%":           {{Key: "gray"}, {Key: "scale", Value: "50%"}},
		"scale=50%25":              {{Key: "scale", Value: "50%"}},
		"scale=50%&fine":           {{Key: "scale", Value: "50%"}, {Key: "fine"}},
		"name=a+b%2Bc%zz%4":        {{Key: "name", Value: "a b+c%zz%4"}},
		"scale=640x480%3E":         {{Key: "scale", Value: "640x480>"}},
		"a=b=c;d":                  {{Key: "a", Value: "b=c;d"}},
		"n%61me=%C3%A9":            {{Key: "name", Value: "é"}},
		"x=%+1":                    {{Key: "x", Value: "% 1"}},
		"x=%-1":                    {{Key: "x", Value: "%-1"}},
		"scale=1/2&scale=1/3&=odd": {{Key: "scale", Value: "1/2"}, {Key: "scale", Value: "1/3"}, {Value: "odd"}},
	} {
		if got, err := ParseQuery(in); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q %v, want %q", in, got, err, want)
		}
	}
	if _, err := ParseQuery(strings.Repeat("a&", MaxWords+1)); fault.Of(err) != fault.Usage {
		t.Errorf("too many: %v", err)
	}
}

// Where net/url reads a query without complaint we read the same.
func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{"gray&scale=50%", "a=%41+b", "%", "=&=", "x=%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		words, err := ParseQuery(raw)
		if err != nil {
			return
		}
		want, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		got := url.Values{}
		for _, w := range words {
			got.Add(w.Key, w.Value)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %q, url.ParseQuery: %q", raw, got, want)
		}
	})
}
