package raster

import "image/color"

// Conversions between layouts and depths. Each returns its argument when nothing has
// to be done. Each takes any layout of one plane, unless its comment says otherwise.

// To8 returns rows of 8 bits a sample: v/257 rounded to nearest.
func To8(src Rows) Rows {
	h := src.Header()
	if h.Bits == 8 {
		return src
	}
	return Filter(src, h.with(h.Layout, 8), func(dst, src Plane) {
		for i, v := range src.Pix16 {
			dst.Pix[i] = uint8((uint32(v) + 128) / 257)
		}
	})
}

// To16 returns rows of 16 bits a sample: v×257, which is exact. Indexed rows become
// colours first, since an index has 8 bits.
func To16(src Rows) Rows {
	src = Expand(src)
	h := src.Header()
	if h.Bits == 16 {
		return src
	}
	return Filter(src, h.with(h.Layout, 16), func(dst, src Plane) {
		for i, v := range src.Pix {
			dst.Pix16[i] = uint16(v) * 257
		}
	})
}

// Expand replaces indexes by their colours: Gray when the whole palette is gray, else
// RGB, with alpha when an entry is not opaque. An index beyond the palette is opaque
// black, as in libpng.
func Expand(src Rows) Rows {
	h := src.Header()
	if h.Layout != Indexed {
		return src
	}
	var table [256]color.NRGBA
	for i := range table {
		table[i].A = 255
	}
	copy(table[:], h.Palette)
	l := PaletteLayout(h.Palette)
	return Filter(src, h.with(l, 8), func(dst, src Plane) {
		d := dst.Pix
		switch l {
		case Gray:
			for i, v := range src.Pix {
				d[i] = table[v].R
			}
		case GrayA:
			for i, v := range src.Pix {
				c := table[v]
				d[2*i], d[2*i+1] = c.R, c.A
			}
		case RGB:
			for i, v := range src.Pix {
				c := table[v]
				p := d[3*i : 3*i+3 : 3*i+3]
				p[0], p[1], p[2] = c.R, c.G, c.B
			}
		default:
			for i, v := range src.Pix {
				c := table[v]
				p := d[4*i : 4*i+4 : 4*i+4]
				p[0], p[1], p[2], p[3] = c.R, c.G, c.B, c.A
			}
		}
	})
}

// PaletteLayout returns the layout with the fewest samples that holds all colours of p.
func PaletteLayout(p []color.NRGBA) Layout {
	gray, opaque := true, true
	for _, c := range p {
		gray = gray && c.R == c.G && c.G == c.B
		opaque = opaque && c.A == 255
	}
	switch {
	case gray && opaque:
		return Gray
	case gray:
		return GrayA
	case opaque:
		return RGB
	}
	return RGBA
}

// Flatten returns rows without alpha: the picture on a white page. See FlattenOn.
func Flatten(src Rows) Rows { return FlattenOn(src, color.NRGBA{255, 255, 255, 255}) }

// DropAlpha returns rows without their alpha. Colours do not change, so it is for
// pictures known to be opaque.
func DropAlpha(src Rows) Rows {
	h := src.Header()
	if !h.Layout.HasAlpha() {
		return src
	}
	n := h.Layout.Samples()
	return Filter(src, h.with(h.Layout-1, h.Bits), func(dst, src Plane) {
		dropLast(dst.Pix, src.Pix, n)
		dropLast(dst.Pix16, src.Pix16, n)
	})
}

// dropLast copies all but the last of the n samples of each pixel.
func dropLast[T uint8 | uint16](dst, src []T, n int) {
	if n == 2 {
		for i := range dst {
			dst[i] = src[2*i]
		}
		return
	}
	for ; len(src) >= 4 && len(dst) >= 3; src, dst = src[4:], dst[3:] {
		dst[0], dst[1], dst[2] = src[0], src[1], src[2]
	}
}

// Opaque reports whether every pixel is opaque. It reads src up to the first pixel that
// is not; src can't be used afterwards.
func Opaque(src Rows) (bool, error) {
	h := src.Header()
	if h.Layout == Indexed {
		return !PaletteLayout(h.Palette).HasAlpha(), nil
	}
	if !h.Layout.HasAlpha() {
		return true, nil
	}
	opaque := true
	err := Each(src, func(_, _ int, row Plane) bool {
		opaque = opaque && OpaqueRows(h, &row)
		return opaque
	})
	return opaque, err
}

// OpaqueRows reports whether every pixel of some rows is opaque, of a picture with alpha
// in its last sample.
func OpaqueRows(h *Header, rows *Plane) bool {
	n := h.Layout.Samples()
	w := h.W() * n
	for y := range rows.Rows {
		at := y * rows.Stride
		if rows.Pix16 != nil {
			if !allLargest(rows.Pix16[at:at+w], n) {
				return false
			}
		} else if !allLargest(rows.Pix[at:at+w], n) {
			return false
		}
	}
	return true
}

// allLargest reports whether the last of the n samples of every pixel is the largest that
// there is: no bit is 0.
func allLargest[T uint8 | uint16](row []T, n int) bool {
	all := ^T(0)
	if n == 4 {
		for ; len(row) >= 4; row = row[4:] {
			all &= row[3]
		}
	} else {
		for ; len(row) >= 2; row = row[2:] {
			all &= row[1]
		}
	}
	return all == ^T(0)
}

// ToRGB returns rows of any layout as RGB, or RGBA if they have alpha.
func ToRGB(src Rows) Rows {
	src = Expand(Packed(src))
	h := src.Header()
	if h.Layout != Gray && h.Layout != GrayA {
		return src
	}
	n := h.Layout.Samples()
	return Filter(src, h.with(h.Layout+2, h.Bits), func(dst, src Plane) {
		spread(dst.Pix, src.Pix, n)
		spread(dst.Pix16, src.Pix16, n)
	})
}

// spread copies gray pixels of n samples to colour pixels of n+2.
func spread[T uint8 | uint16](dst, src []T, n int) {
	for i, o := 0, 0; i < len(src); i, o = i+n, o+n+2 {
		dst[o], dst[o+1] = src[i], src[i]
		copy(dst[o+2:o+2+n], src[i:i+n])
	}
}
