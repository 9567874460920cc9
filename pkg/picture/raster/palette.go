package raster

import (
	"image/color"
	"slices"
)

// Readers of palette formats meet indexes that are out of range. Most programs show
// them black. A reader that can't add black to its palette takes the darkest colour.

// WithBlack returns palette with opaque black in it, and the index of black. Black is
// appended if it is missing. The palette must have less than 256 colours.
func WithBlack(palette []color.NRGBA) ([]color.NRGBA, uint8) {
	black := color.NRGBA{A: 255}
	if i := slices.Index(palette, black); i >= 0 {
		return palette, uint8(i)
	}
	return append(slices.Clip(palette), black), uint8(len(palette))
}

// Darkest returns the index of the colour nearest to opaque black; of several equal
// ones, the first.
func Darkest(palette []color.NRGBA) uint8 {
	at, least := uint8(0), 1<<16
	for i, c := range palette {
		if v := int(c.R) + int(c.G) + int(c.B) + 3*int(255-c.A); v < least {
			at, least = uint8(i), v
		}
	}
	return at
}

// Clamp replaces indexes that are n or more by the index black, and reports whether
// there were any.
func Clamp(indexes []uint8, n int, black uint8) bool {
	found := false
	if n < 256 {
		for i, v := range indexes {
			if int(v) >= n {
				indexes[i], found = black, true
			}
		}
	}
	return found
}
