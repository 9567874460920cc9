package dispatch

import (
	"context"
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
