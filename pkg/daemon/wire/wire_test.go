package wire

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

func TestRequests(t *testing.T) {
	for line, want := range map[string]Request{
		"img/1 gray":                       {Verb: "gray", Len: -1},
		"img/1 gray luma=709 len=12":       {Verb: "gray", Words: []ops.Word{{Key: "luma", Value: "709"}}, Len: 12},
		"img/1 scale 1/4 quality=85":       {Verb: "scale", Geometry: "1/4", Words: []ops.Word{{Key: "quality", Value: "85"}}, Len: -1},
		"img/1 scale 50% fine linear":      {Verb: "scale", Geometry: "50%", Words: []ops.Word{{Key: "fine"}, {Key: "linear"}}, Len: -1},
		"img/1 scale 640x480> len=0":       {Verb: "scale", Geometry: "640x480>", Len: 0},
		"img/1 gray for=100x75! maxbytes=": {Verb: "gray", Words: []ops.Word{{Key: "for", Value: "100x75!"}, {Key: "maxbytes"}}, Len: -1},
		"img/1 gray a=%20b%2520 b=5%":      {Verb: "gray", Words: []ops.Word{{Key: "a", Value: " b%20"}, {Key: "b", Value: "5%"}}, Len: -1},
		"img/1 scale 640x,50% len=3":       {Verb: "scale", Geometry: "640x,50%", Len: 3},
		"img/1 gray a=b=c":                 {Verb: "gray", Words: []ops.Word{{Key: "a", Value: "b=c"}}, Len: -1},
	} {
		t.Run(line, func(t *testing.T) {
			r, err := ParseRequest(line)
			if err != nil || !reflect.DeepEqual(r, want) {
				t.Errorf("%q = %+v, %v; want %+v", line, r, err, want)
				return
			}
			if again, err := ParseRequest(r.String()); err != nil || !reflect.DeepEqual(again, r) {
				t.Errorf("%q: its line %q gives %+v, %v", line, r, again, err)
			}
		})
	}
}

// Info is a verb of every daemon, and has words only.
func TestInfoRequest(t *testing.T) {
	r, err := ParseRequest("img/1 info maxpixels=5 len=7")
	if v, _ := r.Get("maxpixels"); err != nil || r.Verb != Info || r.Geometry != "" || v != "5" || r.Len != 7 || r.String() != "img/1 info maxpixels=5 len=7" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := ParseRequest("img/1 info 1/4"); err == nil {
		t.Error("info takes a geometry")
	}
}

func TestBadRequests(t *testing.T) {
	for line, part := range map[string]string{
		"":                                        "separated by one space",
		"img/1":                                   "no verb",
		"img/2 gray":                              "not a request of img/1",
		"GET / HTTP/1.1\r":                        "byte 0x0d",
		"img/1 rotate 90":                         `unknown verb "rotate"`,
		"img/1 scale":                             "without a geometry",
		"img/1 scale quality=85":                  "without a geometry",
		"img/1 scale %3D":                         "without a geometry",
		"img/1  gray":                             "one space",
		"img/1 gray ":                             "one space",
		"img/1 gray\tfine":                        "byte 0x09",
		"img/1 gray name=é":                       "byte 0xc3",
		"img/1 gray =1":                           "not a word",
		"img/1 gray Fine":                         "not a word",
		"img/1 gray 1a":                           "not a word",
		"img/1 gray luma=601 luma=601":            "twice",
		"img/1 gray len=1 len=1":                  "twice",
		"img/1 gray len=":                         "not a number",
		"img/1 gray len":                          "not a number",
		"img/1 gray len=-1":                       "not a number",
		"img/1 gray len=+1":                       "not a number",
		"img/1 gray len=1e3":                      "not a number",
		"img/1 gray len=9223372036854775808":      "not a number",
		"img/1 gray len=1 len2=1":                 "len2: the last may be len",
		"img/1 scale 1x,2x,3x,4x,5x,6x,7x,8x,9x":  "9 sizes; at most 8",
		"img/1 gray " + strings.Repeat("a", 1013): "1025 bytes > 1024",
	} {
		t.Run(line, func(t *testing.T) {
			r, err := ParseRequest(line)
			if fault.Of(err) != fault.Usage || !strings.Contains(fmt.Sprint(err), part) {
				t.Errorf("%q = %+v, %v; want a usage error with %q", line, r, err, part)
			}
		})
	}
	longest := "img/1 gray " + strings.Repeat("a", 1012)
	if _, err := ParseRequest(longest); err != nil || len(longest)+1 != MaxLine {
		t.Errorf("a line of %d bytes with its newline: %v", len(longest)+1, err)
	}
}

func TestReplies(t *testing.T) {
	line := "ok type=image/jpeg width=1008 note=first%20of%2012%20frames len=167013"
	r, err := ParseReply(line)
	if err != nil || r.Len != 167013 || r.Get("type") != "image/jpeg" ||
		r.Get("note") != "first of 12 frames" || r.Get("height") != "" || r.String() != line {
		t.Errorf("%q = %+v, %v; its line is %q", line, r, err, r)
	}
	for line, want := range map[string]struct {
		kind fault.Kind
		text string
	}{
		"ok len=1 len3=1":                      {fault.Internal, `reply "ok len=1 len3=1": no len2`},
		"ok len2=1":                            {fault.Internal, `reply "ok len2=1": no len`},
		"ok len=1 len2=-1":                     {fault.Internal, `reply "ok len=1 len2=-1": len2 "-1": not a number of bytes`},
		"ok len=1 len1=1":                      {fault.Internal, `reply "ok len=1 len1=1": no len2`},
		"err busy no room for descriptors":     {fault.Busy, "no room for descriptors"},
		"err toolarge 4290 > 250 (-maxpixels)": {fault.TooLarge, "4290 > 250 (-maxpixels)"},
		"err format 3×3":                       {fault.Format, "3×3"},
		"err format a\x1b[2Jb":                 {fault.Format, "a [2Jb"},
		"err timeout":                          {fault.Timeout, ""},
		"err nonsense x":                       {fault.Internal, `reply "err nonsense x": unknown kind of error`},
		"ok type=image/png":                    {fault.Internal, `reply "ok type=image/png": no len`},
		"ok len=x":                             {fault.Internal, `reply "ok len=x": len "x": not a number of bytes`},
		"okay len=1":                           {fault.Internal, `reply "okay len=1": neither ok nor err`},
		"":                                     {fault.Internal, `reply "": neither ok nor err`},
	} {
		t.Run(line, func(t *testing.T) {
			_, err := ParseReply(line)
			if fault.Of(err) != want.kind || err == nil || err.Error() != want.text {
				t.Errorf("%q: %v of kind %v; want %q of kind %v", line, err, fault.Of(err), want.text, want.kind)
			}
		})
	}
}

func TestErrLine(t *testing.T) {
	long := errors.New(strings.Repeat("é", 2000))
	for _, c := range []struct {
		err  error
		want string
	}{
		{fault.New(fault.Format, "row 3: %w", io.ErrUnexpectedEOF), "err format row 3: unexpected EOF"},
		{io.EOF, "err internal EOF"},
		{fault.New(fault.Usage, "a\nok len=0\x00\xff"), "err usage a ok len=0 ?"},
		{long, "err internal " + strings.Repeat("é", 503) + "…"},
	} {
		got := ErrLine(c.err)
		if got != c.want || len(got) >= MaxLine {
			t.Errorf("%q of %d bytes; want %q", got, len(got), c.want)
		}
	}
}

// FuzzParse holds that whatever parses is written as a line that parses to the
// same, and that nothing panics.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"img/1 scale 1/4 quality=85", "img/1 gray for=50%25 a=%41%", "img/1 gray len=3", "img/1 scale %20",
		"ok type=image/jpeg width=1008 height=756 len=167013", "err busy x", "err \x80",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if r, err := ParseRequest(line); err == nil {
			s := r.String()
			again, err := ParseRequest(s)
			if len(s) < MaxLine && (err != nil || !reflect.DeepEqual(again, r)) {
				t.Errorf("%q = %+v; %q = %+v, %v", line, r, s, again, err)
			}
		} else if fault.Of(err) != fault.Usage {
			t.Errorf("%q: %v is no usage error", line, err)
		}
		r, err := ParseReply(line)
		if err == nil {
			s := r.String()
			if again, err := ParseReply(s); len(s) < MaxLine && (err != nil || !reflect.DeepEqual(again, r)) {
				t.Errorf("%q = %+v; %q = %+v, %v", line, r, s, again, err)
			}
			return
		}
		s := ErrLine(err)
		if _, again := ParseReply(s); len(s) >= MaxLine || fault.Of(again) != fault.Of(err) || strings.Contains(s, "\n") {
			t.Errorf("%v of kind %v became %q, %v", err, fault.Of(err), s, again)
		}
	})
}

// Of several results a reply says the size and bytes of each.
func TestReplyWithSeveralResults(t *testing.T) {
	line := "ok type=image/png width=640 height=480 width2=320 height2=240 len=9000 len2=4000 len3=1"
	r, err := ParseReply(line)
	if err != nil || !reflect.DeepEqual(r.Lens(), []int64{9000, 4000, 1}) || r.Get(Numbered("width", 2)) != "320" || r.String() != line {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := ParseReply("ok len2=2 type=image/png len=1"); err != nil || !reflect.DeepEqual(r.Lens(), []int64{1, 2}) {
		t.Errorf("another order: %+v, %v", r, err)
	}
	most := "ok len=0"
	for i := 2; i <= MaxResults; i++ {
		most += fmt.Sprintf(" len%d=0", i)
	}
	if r, err := ParseReply(most); err != nil || len(r.Lens()) != MaxResults {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := ParseReply(most + fmt.Sprintf(" len%d=0", MaxResults+1)); err == nil {
		t.Errorf("%d results", MaxResults+1)
	}
}

// A list of sizes is as many results; half a number is none.
func TestResultsOfARequest(t *testing.T) {
	for line, want := range map[string]int{
		"img/1 gray": 1, "img/1 info": 1, "img/1 scale 1/4": 1, "img/1 scale 0,5": 1, "img/1 scale 320x,640x": 2, "img/1 gray for=320x,640x": 1,
		"img/1 scale 1x,2x,3x,4x,5x,6x,7x,8x": 8,
	} {
		t.Run(line, func(t *testing.T) {
			if r, err := ParseRequest(line); err != nil || r.Results() != want {
				t.Errorf("%d, %v; want %d", r.Results(), err, want)
			}
		})
	}
}
