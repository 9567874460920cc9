package raster

import "image/color"

// Some files have indexes beyond their palette. Most programs show them black. Since a
// palette can't grow after the header is known, such an index becomes that of the
// darkest colour, which is black where the palette has black.

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
