package geometry

import (
	"fmt"
	"strings"
	"testing"

	"imgtools/pkg/fault"
)

func TestCropRect(t *testing.T) {
	for _, c := range []struct {
		crop, gravity string
		w, h          int
		want          string
	}{
		{"10x20+3+4", "", 40, 30, "10x20+3+4"},
		{"40x30", "", 40, 30, "40x30+0+0"},
		{"11x9", "", 40, 30, "11x9+14+10"}, // of two middles the first
		{"10x10", "northwest", 40, 30, "10x10+0+0"},
		{"10x10", "southeast", 40, 30, "10x10+30+20"},
		{"10x10", "east", 40, 30, "10x10+30+10"},
		{"10x10", "30%,70%", 40, 30, "10x10+7+16"},
		{"10x10", "1%,99.9%", 40, 30, "10x10+0+20"},
		{"50%x50%", "", 40, 30, "20x15+10+7"},
		{"50%x100%+0+0", "", 5, 3, "3x3+0+0"},
		{"50%x100%+50%+0", "", 5, 3, "2x3+3+0"}, // what the line before left
		{"33.3%x10+66.7%+0%", "", 100, 10, "33x10+67+0"},
		{"0.001%x0.001%+0+0", "", 10, 10, "1x1+0+0"},
		{"100%x1+0+100%", "", 10, 10, "error"},
		{"41x1", "", 40, 30, "error"},
		{"1x1+40+0", "", 40, 30, "error"},
	} {
		t.Run(c.crop+" "+c.gravity, func(t *testing.T) {
			crop, err := ParseCrop(c.crop)
			if err != nil {
				t.Fatal(err)
			}
			g := Gravity{}
			if c.gravity != "" {
				if g, err = ParseGravity(c.gravity); err != nil {
					t.Fatal(err)
				}
			}
			r, err := crop.Rect(c.w, c.h, g)
			if c.want == "error" {
				if fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), fmt.Sprintf("%s reaches beyond the picture of %dx%d", r, c.w, c.h)) {
					t.Errorf("%v", err)
				}
			} else if err != nil || r.String() != c.want {
				t.Errorf("%s, %v; want %s", r, err, c.want)
			}
		})
	}
}

func TestPlace(t *testing.T) {
	for _, c := range []struct {
		scale, fit, enlarge, gravity string
		w, h                         int
		want                         string // size scaled to, part kept, size and place of the result
	}{
		{"100x100", "", "", "", 400, 200, "100x50 100x50+0+0 100x50+0+0"},
		{"100x100", "inside", "", "", 400, 200, "100x50 100x50+0+0 100x50+0+0"},
		{"100x100", "cover", "", "", 400, 200, "200x100 100x100+50+0 100x100+0+0"},
		{"100x100", "cover", "", "west", 400, 200, "200x100 100x100+0+0 100x100+0+0"},
		{"100x100", "cover", "", "80%,0%", 400, 200, "200x100 100x100+100+0 100x100+0+0"},
		{"100x100", "cover", "", "60%,0%", 400, 200, "200x100 100x100+70+0 100x100+0+0"},
		{"100x100", "outside", "", "", 400, 200, "200x100 200x100+0+0 200x100+0+0"},
		{"100x100^", "", "", "", 200, 401, "100x201 100x201+0+0 100x201+0+0"},
		{"100x100^", "cover", "", "", 400, 200, "error"},
		{"100x100", "stretch", "", "", 400, 200, "100x100 100x100+0+0 100x100+0+0"},
		{"100x100!", "stretch", "", "", 400, 200, "100x100 100x100+0+0 100x100+0+0"},
		{"100x100", "pad", "", "", 400, 200, "100x50 100x50+0+0 100x100+0+25"},
		{"100x100", "pad", "", "south", 400, 200, "100x50 100x50+0+0 100x100+0+50"},
		{"100x100", "pad", "", "0%,30%", 400, 200, "100x50 100x50+0+0 100x100+0+15"},
		{"100x100", "pad", "0", "", 40, 20, "40x20 40x20+0+0 100x100+30+40"},
		{"100x100", "cover", "0", "", 40, 20, "40x20 40x20+0+0 40x20+0+0"},
		{"100x100", "cover", "0", "", 400, 20, "400x20 100x20+150+0 100x20+0+0"},
		{"100x100", "inside", "0", "", 40, 20, "40x20 40x20+0+0 40x20+0+0"},
		{"2", "", "0", "", 40, 20, "40x20 40x20+0+0 40x20+0+0"},
		{"100x100<", "cover", "", "", 400, 200, "400x200 100x100+150+50 100x100+0+0"},
		{"100x100<", "pad", "", "", 400, 200, "400x200 100x100+150+50 100x100+0+0"},
		{"3x3", "cover", "", "", 10000, 9999, "3x3 3x3+0+0 3x3+0+0"},
		{"300x200", "cover", "", "", 100000, 1, "20000000x200 300x200+9999850+0 300x200+0+0"},
		{"x100", "pad", "", "", 1, 1, "error"},
	} {
		t.Run(strings.Join([]string{c.scale, c.fit, c.enlarge, c.gravity, fmt.Sprint(c.w)}, " "), func(t *testing.T) {
			g, err := ForWords(c.scale, c.fit, c.enlarge)
			if c.want == "error" {
				if fault.Of(err) != fault.Usage || err == nil {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			gravity := Gravity{}
			if c.gravity != "" {
				if gravity, err = ParseGravity(c.gravity); err != nil {
					t.Fatal(err)
				}
			}
			p := g.Place(c.w, c.h, gravity)
			if got := fmt.Sprintf("%dx%d %s %s", p.ScaledW, p.ScaledH, p.Cut, Rect{p.X, p.Y, p.W, p.H}); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if w, h := g.Goal(c.w, c.h); w != p.W || h != p.H {
				t.Errorf("the goal is %dx%d", w, h)
			}
		})
	}
}

// A focus stays on its spot of the picture when a part is cut out, as far as the part has
// it; a direction is the part's own.
func TestGravityInAPart(t *testing.T) {
	part := Rect{X: 100, Y: 50, W: 200, H: 100}
	for in, want := range map[string]string{"30%,50%": "10%,50%", "0%,0%": "0%,0%", "100%,100%": "100%,100%", "33.333%,26%": "16.67%,2%", "north": "north", "attention": "attention"} {
		g, err := ParseGravity(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.In(part, 400, 200).String(); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
	if g := Point(0, 99, 3, 100); g.String() != "16.67%,99.5%" {
		t.Errorf("a pixel is %s", g)
	}
	for _, name := range append(Gravities(), "0%,0%", "12.5%,99.75%", Point(1, 2, 7, 9).String()) {
		if g, err := ParseGravity(name); err != nil || g.String() != name || g.Attention() != (name == Attention) {
			t.Errorf("%s: %s, %v", name, g, err)
		}
	}
}

// Whatever the words, what is kept lies in the picture and in the result.
func FuzzPlace(f *testing.F) {
	f.Add("100x100", "cover", "0", "30%,70%", "50%x50%+1+1", 40, 30)
	f.Add("3x9", "pad", "", "south", "7x7", 9, 9)
	f.Fuzz(func(t *testing.T, scale, fit, enlarge, gravity, crop string, w, h int) {
		if w < 1 || h < 1 || w > MaxSide || h > MaxSide {
			return
		}
		v, _ := ParseGravity(gravity) // or the centre
		if c, err := ParseCrop(crop); err == nil {
			r, err := c.Rect(w, h, v)
			if err == nil && (r.X < 0 || r.Y < 0 || r.W < 1 || r.H < 1 || r.X+r.W > w || r.Y+r.H > h) {
				t.Fatalf("crop %s of %dx%d: %s", crop, w, h, r)
			}
			if err == nil {
				v = v.In(r, w, h)
				if again, err := ParseGravity(v.String()); v.String() != "" && (err != nil || again.String() != v.String()) {
					t.Fatalf("gravity %q in %s: %q, %v", gravity, r, v, err)
				}
				w, h = r.W, r.H
			}
		}
		g, err := ForWords(scale, fit, enlarge)
		if err != nil {
			return
		}
		p := g.Place(w, h, v)
		if p.Cut.X < 0 || p.Cut.Y < 0 || p.Cut.W < 1 || p.Cut.H < 1 || p.Cut.X+p.Cut.W > p.ScaledW || p.Cut.Y+p.Cut.H > p.ScaledH ||
			p.X < 0 || p.Y < 0 || p.X+p.Cut.W > p.W || p.Y+p.Cut.H > p.H {
			t.Fatalf("%s %s %s %s of %dx%d: %+v", scale, fit, enlarge, gravity, w, h, p)
		}
	})
}
