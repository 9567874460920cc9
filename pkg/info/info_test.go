package info

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"imgtools/pkg/fault"
)

var full = Info{Format: "jpeg", Width: 30, Height: 40, Frames: 2, Depth: 8, Colour: RGB, Alpha: true, Orientation: 6,
	Profile: "Display P3", Density: &Density{72, 72, Inch}, Date: "2026-11-29T18:30:00+01:00", Notes: []string{"no end marker", "odd"}}

func TestString(t *testing.T) {
	with := func(turn func(*Info)) Info {
		i := Info{Format: "png", Width: 1, Height: 2, Frames: 1, Depth: 4, Colour: Palette, Orientation: 1}
		turn(&i)
		return i
	}
	for _, c := range []struct {
		in   Info
		want string
	}{
		{full, "jpeg 30x40, 8 bit rgb with alpha, 2 frames, orientation 6, profile Display P3, 72 dpi, 2026-11-29T18:30:00+01:00; note: no end marker; odd"},
		{with(func(*Info) {}), "png 1x2, 4 bit palette"},
		{with(func(i *Info) { i.Density = &Density{118.11, 60, CM} }), "png 1x2, 4 bit palette, 118.11x60 per cm"},
		{with(func(i *Info) { i.Density = &Density{2, 1, Ratio} }), "png 1x2, 4 bit palette, density ratio 2:1"},
	} {
		if got := c.in.String(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestJSONAndBack(t *testing.T) {
	got, err := Parse(full.JSON(""))
	if err != nil || !reflect.DeepEqual(got, full) {
		t.Errorf("%+v, %v", got, err)
	}
	var named struct{ File, Format string }
	if err := json.Unmarshal(full.JSON("a.jpg"), &named); err != nil || named.File != "a.jpg" || named.Format != "jpeg" {
		t.Errorf("%+v, %v", named, err)
	}
}

func TestParseRefusesWhatNoPictureIs(t *testing.T) {
	turned := func(old, new string) string { return strings.Replace(string(full.JSON("")), old, new, 1) }
	for name, in := range map[string]string{
		"no JSON":             "<html>",
		"too long":            turned(`"odd"`, `"`+strings.Repeat("o", MaxBytes)+`"`),
		"no size":             turned(`"width":30`, `"width":0`),
		"no frames":           turned(`"frames":2`, `"frames":-1`),
		"a control character": turned("Display P3", `a\u001b[2J`),
		"a line end":          turned("odd", `odd\nSet-Cookie: a`),
	} {
		t.Run(name, func(t *testing.T) {
			if i, err := Parse([]byte(in)); err == nil || fault.Of(err) != fault.Internal {
				t.Errorf("%+v, %v", i, err)
			}
		})
	}
}
