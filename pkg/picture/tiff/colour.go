package tiff

import (
	"imgtools/pkg/picture/colour"
	"imgtools/pkg/picture/raster"
)

// direct reports whether unpacked samples are already in the page's layout, so that
// colour conversion, if any, happens in place.
func (t *page) direct() bool { return t.model != modelPalette && t.model != modelCMYK }

// indexes reports whether the first sample is an index, which is never scaled.
func (t *page) indexes() bool { return t.model == modelIndexed || t.model == modelPalette }

// colour8 turns unpacked samples of 8 bits into those of the page's layout. dst is src
// if direct.
func (t *page) colour8(dst, src []uint8) {
	switch t.model {
	case modelPalette:
		// Indexes without alpha stay Indexed, so there is alpha.
		for o, i := 0, 0; o < len(dst); o, i = o+4, i+2 {
			p := t.palette[3*int(src[i]):]
			for c := range 3 {
				dst[o+c] = uint8((uint32(p[c])*255 + 32767) / 65535)
			}
			dst[o+3] = src[i+1]
		}
	case modelCMYK:
		if t.inks != nil {
			t.inkTransform().Row8(dst, src, t.h.Layout.Samples()+1)
		} else {
			cmyk(dst, src, t.hasAlpha(), 255)
		}
	case modelYCbCr:
		t.yCbCr.rgb(dst, len(t.pick))
	case modelLab:
		t.lab.lab8(dst, len(t.pick))
	}
	n := t.h.Layout.Samples()
	if t.inverted && t.bits == 8 { // fewer bits are inverted by the unpacker's table
		for o := 0; o < len(dst); o += n {
			dst[o] = ^dst[o]
		}
	}
	if t.associated {
		for ; len(dst) > 0; dst = dst[n:] {
			a := uint32(dst[n-1])
			for c := range n - 1 {
				dst[c] = uint8(straight(uint32(dst[c]), a, 255))
			}
		}
	}
}

// colour16 does what colour8 does, for 16 bits.
func (t *page) colour16(dst, src []uint16) {
	n := t.h.Layout.Samples()
	switch t.model {
	case modelPalette:
		for o, i := 0, 0; o < len(dst); o, i = o+n, i+len(t.pick) {
			copy(dst[o:o+3], t.palette[3*int(src[i]):])
			if t.h.Layout == raster.RGBA {
				dst[o+3] = src[i+1]
			}
		}
	case modelCMYK:
		if t.inks != nil {
			t.inkTransform().Row16(dst, src, t.h.Layout.Samples()+1)
		} else {
			cmyk(dst, src, t.hasAlpha(), 65535)
		}
	case modelLab:
		t.lab.lab16(dst, len(t.pick))
	}
	if t.inverted {
		for o := 0; o < len(dst); o += n {
			dst[o] = ^dst[o]
		}
	}
	if t.associated {
		for ; len(dst) > 0; dst = dst[n:] {
			a := uint32(dst[n-1])
			for c := range n - 1 {
				dst[c] = uint16(straight(uint32(dst[c]), a, 65535))
			}
		}
	}
}

// inkTransform returns the transform of the page's inks to sRGB.
func (t *page) inkTransform() *colour.Transform {
	if t.toSRGB == nil {
		t.toSRGB = t.inks.Transform(t.h.Bits, int64(t.h.FullW)*int64(t.h.FullH))
	}
	return t.toSRGB
}

// cmyk converts pixels of inks in 0..top, and alpha if they have it, to RGB. Each ink
// takes its share of the light of one primary, black that of all:
// red = (top - cyan)·(top - black)/top.
func cmyk[T uint8 | uint16](dst, src []T, alpha bool, top uint64) {
	n := 3
	if alpha {
		n = 4
	}
	for ; len(dst) > 0; dst, src = dst[n:], src[n+1:] {
		white := top - uint64(src[3])
		for c := range 3 {
			dst[c] = T(((top-uint64(src[c]))*white + top/2) / top)
		}
		if alpha {
			dst[3] = src[4]
		}
	}
}

// straight returns a premultiplied sample divided by its alpha; both are 0..top.
func straight(c, a, top uint32) uint32 {
	if a == 0 {
		return 0
	}
	return min(top, uint32((uint64(c)*uint64(top)+uint64(a)/2)/uint64(a)))
}
