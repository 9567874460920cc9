package raster

import (
	"image/color"
	"slices"
	"testing"
)

func TestIndexesBeyondThePaletteBecomeItsDarkestColour(t *testing.T) {
	p := []color.NRGBA{{9, 9, 9, 255}, {0, 0, 0, 0}, {1, 2, 3, 255}, {0, 0, 7, 255}, {6, 0, 0, 255}}
	if got := Darkest(p); got != 2 {
		t.Errorf("darkest is %d", got)
	}
	in := []uint8{0, 4, 5, 255}
	if !Clamp(in, 5, 2) || !slices.Equal(in, []uint8{0, 4, 2, 2}) {
		t.Errorf("clamped to %v", in)
	}
	if Clamp(in, 5, 3) || Clamp([]uint8{255}, 256, 0) {
		t.Error("found indexes beyond the palette where there are none")
	}
}

func TestWithBlackAddsBlackOnce(t *testing.T) {
	p := []color.NRGBA{{9, 9, 9, 255}, {0, 0, 0, 0}}
	q, at := WithBlack(p[:1])
	if at != 1 || len(q) != 2 || q[1] != (color.NRGBA{A: 255}) || p[1].A != 0 {
		t.Errorf("%v, black at %d; the original %v", q, at, p)
	}
	if r, at := WithBlack(q); at != 1 || len(r) != 2 {
		t.Errorf("%v, black at %d", r, at)
	}
}
