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
