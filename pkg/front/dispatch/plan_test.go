package dispatch

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

const asMid = "type=image/x-portable-graymap width=251 height=188 full=1001x750 reduced=2/8 goal=100x75 from=jpeg as=jpeg"

// -t is for all stages together: the second gets what the first has left.
func TestTimeIsSharedByTheStages(t *testing.T) {
	for name, c := range map[string]struct {
		ms   string
		want string // the second stage's timeout=; "": it is not asked
	}{
		"no ms": {"", "10s"}, "little": {" ms=5", "9.995s"}, "more than the call took": {" ms=3600000", ""}, "negative": {" ms=-1", "10s"}, "nonsense": {" ms=x", "10s"},
	} {
		t.Run(name, func(t *testing.T) {
			gray, _ := daemon(t, "unix", func(_ int, r *request) {
				<-time.After(10 * time.Millisecond) // so that 5 ms can have been worked
				r.OK(asMid+c.ms, "mid")
			})
			scale, lines := daemon(t, "unix", func(_ int, r *request) { r.OK(asPNG, "small") })
			d, in := dispatcher(t, gray, scale)
			if c.want == "" {
				d.c.Timeout = 5 * time.Millisecond
			}
			deaths, _ := counter()
			r, err := d.Run(context.Background(), ops.Must("gray=601 scale=1/10"), in, deaths)
			if c.want == "" {
				if fault.Of(err) != fault.Timeout || len(lines()) != 0 {
					t.Errorf("%v, and scaled was asked %q", err, lines())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r.File.Close()
			if line := lines()[0]; !strings.Contains(line, " timeout="+c.want+" ") {
				t.Errorf("scaled was asked %q, want timeout=%s", line, c.want)
			}
		})
	}
}

// The first daemon crops, and is told how the rest is fitted. The next one gets what is
// left to do, with gravity and background as the first one's answer has them.
func TestPartsArePassedOn(t *testing.T) {
	for _, c := range []struct{ ops, answer, first, second string }{
		{"gray crop=400x300+101+51 scale=1/4", "origin=7x1 goal=100x75",
			"for=1/4 crop=400x300+101+51", "scale 100x75! format=jpeg of=400x300 reduced=3/8 origin=7x1"},
		{"gray crop=400x300 gravity=attention scale=1/4", "goal=100x75 gravity=50%,51%",
			"for=1/4 crop=400x300 gravity=attention", "scale 100x75! format=jpeg of=400x300 reduced=3/8"},
		{"gray scale=90x90 fit=cover gravity=attention background=ff0000", "goal=90x90 gravity=31.25%,70% background=4c4c4c",
			"for=90x90 fit=cover gravity=attention background=ff0000", "scale 90x90 fit=cover gravity=31.25%,70% background=4c4c4c format=jpeg of=400x300 reduced=3/8"},
		{"gray crop=400x300+0+0 scale=90x90 fit=pad enlarge=0 gravity=west", "goal=90x90 gravity=west",
			"for=90x90 crop=400x300+0+0 fit=pad enlarge=0 gravity=west", "scale 90x90 fit=pad enlarge=0 gravity=west format=jpeg of=400x300 reduced=3/8"},
	} {
		t.Run(c.ops, func(t *testing.T) {
			gray, first := daemon(t, "unix", func(_ int, r *request) {
				r.OK("type=image/x-portable-graymap width=151 height=113 full=400x300 reduced=3/8 from=jpeg as=jpeg "+c.answer, "mid")
			})
			scale, second := daemon(t, "unix", func(_ int, r *request) { r.OK(asPNG, "small") })
			d, in := dispatcher(t, gray, scale)
			deaths, _ := counter()
			r, err := d.Run(context.Background(), ops.Must(c.ops), in, deaths)
			if err != nil {
				t.Fatal(err)
			}
			r.File.Close()
			limits := regexp.MustCompile(` (maxpixels|timeout|len)=\S+`)
			if got := limits.ReplaceAllString(first()[0], ""); got != "img/1 gray "+c.first {
				t.Errorf("grayd was asked %q, want %q", got, c.first)
			}
			if got := limits.ReplaceAllString(second()[0], ""); got != "img/1 "+c.second {
				t.Errorf("scaled was asked %q, want %q", got, c.second)
			}
		})
	}
}

func TestNotesAreJoinedAndBounded(t *testing.T) {
	long := strings.Repeat("é", 80)
	for _, c := range []struct {
		notes []string
		want  string
	}{
		{nil, ""},
		{[]string{"", "no end marker"}, "no end marker"},
		{[]string{"no end marker", "no end marker"}, "no end marker"},
		{[]string{"a; b", "b; c; d"}, "a; b; c"},
		{[]string{"a\nb"}, "a b"},
		{[]string{long}, strings.Repeat("é", 50)},
	} {
		t.Run(strings.Join(c.notes, "+"), func(t *testing.T) {
			if got := joinNotes(c.notes); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
