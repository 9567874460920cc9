package show

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"imgtools/pkg/shell/faketerm"
)

func TestBlocks(t *testing.T) {
	const r, g, b = "\xff\x00\x00", "\x00\xff\x00", "\x00\x00\xff"
	for _, c := range []struct {
		pix   string
		width int
		want  string
	}{
		{"", 1, ""},
		{r, 1, "\x1b[38;2;255;0;0m▀\x1b[0m\n"},
		{r + g, 1, "\x1b[38;2;255;0;0;48;2;0;255;0m▀\x1b[0m\n"},
		{r + r + g + g, 2, "\x1b[38;2;255;0;0;48;2;0;255;0m▀▀\x1b[0m\n"},
		{r + g + b + b, 2, "\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[38;2;0;255;0;48;2;0;0;255m▀\x1b[0m\n"},
		{r + g + b, 1, "\x1b[38;2;255;0;0;48;2;0;255;0m▀\x1b[0m\n\x1b[38;2;0;0;255m▀\x1b[0m\n"},
	} {
		t.Run(fmt.Sprintf("%q", c.want), func(t *testing.T) {
			var out bytes.Buffer
			if err := Blocks(&out, []byte(c.pix), c.width); err != nil || out.String() != c.want {
				t.Errorf("%x, %d wide: %q, %v; want %q", c.pix, c.width, out.String(), err, c.want)
			}
		})
	}
}

// The pieces of a picture, put together again, are the picture, and each is
// short enough; only the first has keys and only the last says it is.
func TestKittyPieces(t *testing.T) {
	piece := regexp.MustCompile("^\x1b_G(a=T,f=100,q=2,)?m=([01]);([A-Za-z0-9+/=]*)\x1b\\\\")
	for _, n := range []int{0, 1, 3071, 3072, 3073, 6144, 10000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			png := bytes.Repeat([]byte("\x89PNG..."), n/7+1)[:n]
			var out bytes.Buffer
			if err := Kitty(&out, png); err != nil {
				t.Fatal(err)
			}
			rest, text, more := out.String(), "", "1"
			for i := 0; rest != "\n"; i++ {
				m := piece.FindStringSubmatch(rest)
				if m == nil || (m[1] != "") != (i == 0) || len(m[3]) > 4096 || more == "0" {
					t.Fatalf("%d bytes, piece %d: %.100q", n, i, rest)
				}
				rest, text, more = rest[len(m[0]):], text+m[3], m[2]
			}
			if got, err := base64.StdEncoding.DecodeString(text); err != nil || !bytes.Equal(got, png) || more != "0" {
				t.Errorf("%d bytes came as %d, %v", n, len(got), err)
			}
		})
	}
}

func TestWindow(t *testing.T) {
	t.Setenv("TERM", "linux") // is not asked
	for _, c := range []struct {
		cols, rows uint16
		want       Screen
	}{
		{80, 24, Screen{W: 80, H: 46}},
		{0, 0, Screen{W: 80, H: 46}},
		{5, 1, Screen{W: 5, H: 2}},
	} {
		t.Run(fmt.Sprint(c.cols, "x", c.rows), func(t *testing.T) {
			term := faketerm.Open(t, c.cols, c.rows, 0, 0)
			if got := Look(term.Near); got != c.want || !Can(term.Near) {
				t.Errorf("%d × %d: %+v, want %+v", c.cols, c.rows, got, c.want)
			}
			if said := term.Said(); said != "" {
				t.Errorf("asked %q", said)
			}
		})
	}
	t.Setenv("TERM", "dumb")
	if Can(faketerm.Open(t, 80, 24, 0, 0).Near) {
		t.Error("pictures on a dumb terminal")
	}
}

func TestAnswers(t *testing.T) {
	const ok = "\x1b_Gi=31;OK\x1b\\"
	for said, want := range map[string][2]bool{
		"":                              {false, false},
		ok:                              {false, true},
		ok + "\x1b[?62;c":               {true, true},
		"\x1b[?62;4c":                   {true, false},
		"typed\x1b[?6c":                 {true, false},
		"\x1b[?62;":                     {false, false},
		"\x1b_Gi=31;EBAD\x1b\\\x1b[?1c": {true, false},
	} {
		t.Run(fmt.Sprintf("%q", said), func(t *testing.T) {
			if got := [2]bool{answered([]byte(said)), kitty([]byte(said))}; got != want {
				t.Errorf("%q: %v, want %v", said, got, want)
			}
		})
	}
	for _, no := range []string{"screen", "screen-256color", "tmux-256color", "linux", "vt100"} {
		t.Run(no, func(t *testing.T) {
			if mayAsk(no, "") {
				t.Errorf("%s is asked", no)
			}
		})
	}
	if mayAsk("xterm-kitty", "/tmp/tmux-0/default,1,0") || !mayAsk("xterm-kitty", "") {
		t.Error("xterm-kitty")
	}
	if strings.Count(question, "\x1b") != 3 {
		t.Error(question)
	}
}
