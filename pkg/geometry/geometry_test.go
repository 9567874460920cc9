package geometry

import (
	"strings"
	"testing"

	"imgtools/pkg/fault"
)

func TestGoal(t *testing.T) {
	for _, c := range []struct {
		g            string
		w, h, gw, gh int
	}{
		{"1/5", 500, 399, 100, 80},
		{"100x", 2000, 4, 100, 1},
		{"0.5", 3, 3, 2, 2},
		{"50%", 5, 1, 3, 1},
		{"12.5%", 1001, 750, 125, 94},
		{".25", 1001, 750, 250, 188},
		{"1/3", 1, 1, 1, 1},
		{"16", 10, 10, 160, 160},
		{"640x480", 4032, 3024, 640, 480},
		{"640x480", 1000, 3000, 160, 480},
		{"640x480", 100, 50, 640, 320},
		{"640x480>", 100, 50, 100, 50},
		{"640x480>", 1000, 50, 640, 32},
		{"640x480<", 1000, 500, 1000, 500},
		{"640x480<", 100, 50, 640, 320},
		{"640x", 100, 50, 640, 320},
		{"x480", 100, 50, 960, 480},
		{"640x480!", 1, 1, 640, 480},
		{"640x480!>", 100, 5000, 100, 5000},
		{"2>", 10, 10, 10, 10},
		{"1/2<", 10, 10, 10, 10},
		{"3x3", 10000, 9999, 3, 3},
	} {
		g, err := Parse(c.g)
		if err != nil {
			t.Errorf("%s: %v", c.g, err)
			continue
		}
		if gw, gh := g.Goal(c.w, c.h); gw != c.gw || gh != c.gh {
			t.Errorf("%s of %d×%d = %d×%d, want %d×%d", c.g, c.w, c.h, gw, gh, c.gw, c.gh)
		}
		if g.String() != c.g {
			t.Errorf("String %q, want %q", g, c.g)
		}
	}
}

func TestErrorsNameTheWord(t *testing.T) {
	for _, s := range []string{"", "0", "-1", "NaN", "Inf", "0,5", "1e9", "1/0", "0x", "x", "x0", "640x480x3", "axb",
		"17", "0/1", "640x!", "!", "50%%", "1/2/3", "2>>", "2><", "--1", "+-1", "0%", "1e-3", "999999999999x",
		strings.Repeat("9", 100), "٣", " 1", "1 "} {
		_, err := Parse(s)
		if err == nil {
			t.Errorf("%q: accepted", s)
			continue
		}
		if fault.Of(err) != fault.Usage {
			t.Errorf("%q: kind %v", s, fault.Of(err))
		}
		if len(s) < 30 && !strings.Contains(err.Error(), s) {
			t.Errorf("%q: message does not name it: %v", s, err)
		}
	}
	_, err := Parse("640")
	if want := "640 as a factor? for a width write 640x"; err == nil || err.Error() != want {
		t.Errorf("640: %v, want %s", err, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0.5", "1/2", "50%", "640x480!>", "x", "1e9", "-0"} {
		f.Add(s, 100, 50)
	}
	f.Fuzz(func(t *testing.T, s string, w, h int) {
		g, err := Parse(s)
		if err != nil || w < 1 || h < 1 || w > MaxSide || h > MaxSide {
			return
		}
		if gw, gh := g.Goal(w, h); gw < 1 || gh < 1 || gw > MaxSide+1 || gh > MaxSide+1 {
			t.Errorf("%q of %d×%d = %d×%d", s, w, h, gw, gh)
		}
	})
}
