package tiff

import (
	"image/color"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// colourMap reads the colour map: all reds, then all greens, then all blues, of 16
// bits. Up to 8 bits without alpha the page stays Indexed, else its indexes are
// replaced by their colours.
func (t *Reader) colourMap(d directory) error {
	if t.wide() || t.bits > 8 && t.bits != 16 {
		return fault.New(fault.Unsupported, "palette TIFF of %s samples of %d bits is not read", t.formatName(), t.bits)
	}
	n := 1 << t.bits
	m, err := t.file.numbers(d, tagColorMap, int64(3*n))
	if err != nil {
		return err
	}
	if len(m) < 3*n {
		return fault.New(fault.Format, "colour map of %d values, not %d", len(m), 3*n)
	}
	// Old writers gave 8-bit values. Like libtiff, take a map without any larger value
	// for such a one.
	wide := false
	for _, v := range m {
		wide = wide || v > 255
	}
	t.palette = make([]uint16, 0, 3*n)
	for i := range n {
		for c := range 3 {
			v := uint16(m[c*n+i])
			if !wide {
				v *= 257
			}
			t.palette = append(t.palette, v)
		}
	}
	if t.model == modelIndexed && t.bits == 16 {
		t.model, t.h.Layout = modelPalette, raster.RGB
	}
	if t.model == modelPalette {
		return nil
	}
	at := func(i int) uint8 { return uint8((uint32(t.palette[i])*255 + 32767) / 65535) }
	t.h.Palette = make([]color.NRGBA, n)
	for i := range t.h.Palette {
		t.h.Palette[i] = color.NRGBA{R: at(3 * i), G: at(3*i + 1), B: at(3*i + 2), A: 255}
	}
	return nil
}
