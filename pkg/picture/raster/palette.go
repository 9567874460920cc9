package raster

import "image/color"

// Readers of palette formats meet indexes beyond the palette. Most programs show
// them black; a header's palette can't grow for that once it is known, so they
// become the palette's darkest colour, which is black where it has black.

// Darkest returns the index of the colour nearest to opaque black, the first of
// equals.
func Darkest(palette []color.NRGBA) uint8 {
	at, least := uint8(0), 1<<16
	for i, c := range palette {
		if v := int(c.R) + int(c.G) + int(c.B) + 3*int(255-c.A); v < least {
			at, least = uint8(i), v
		}
	}
	return at
}

// Clamp replaces indexes from n on by black, and reports whether there were any.
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
