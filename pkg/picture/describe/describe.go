// Package describe says what a picture is from its header: its pixels are not decoded.
package describe

import (
	"fmt"
	"io"
	"math"

	"imgtools/pkg/info"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/heif"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// Unlimited are limits for a picture that is only described, of any number of pixels.
var Unlimited = raster.Limits{Pixels: math.MaxInt64}

// IsPicture reports whether the first size bytes of in are a picture of a format that is
// read.
func IsPicture(in io.ReaderAt, size int64) bool {
	_, err := codec.Sniff(in, size)
	return err == nil
}

// Read describes the picture in the first size bytes of in. Errors are those of
// codec.Open, and those of heif.Open for HEIC and AVIF, which are described from their
// boxes.
func Read(in io.ReaderAt, size int64, lim raster.Limits) (info.Info, error) {
	if heif.Is(in, size) {
		return readHEIF(in, size, lim)
	}
	p, err := codec.Open(in, size, lim)
	if err != nil {
		return info.Info{}, err
	}
	h := p.Header()
	i := info.Info{Format: p.Format, Frames: p.Frames, Depth: p.Bits(), Orientation: int(h.Orientation),
		Profile: profile(h), Density: density(h.Density), Date: meta.DateOf(p.Metadata().EXIF)}
	i.Width, i.Height = h.OrientedSize()
	i.Colour, i.Alpha = info.RGB, h.Layout.HasAlpha()
	switch h.Layout {
	case raster.Gray, raster.GrayA:
		i.Colour = info.Gray
	case raster.Indexed:
		i.Colour, i.Alpha = info.Palette, raster.PaletteLayout(h.Palette).HasAlpha()
	}
	var notes raster.NoteList // which bounds their number: an icon has its own and those of the picture in it
	for _, n := range p.Notes() {
		notes.Note("%s", n)
	}
	i.Notes = notes.Notes()
	return i, nil
}

// readHEIF describes a HEIC or AVIF file.
func readHEIF(in io.ReaderAt, size int64, lim raster.Limits) (info.Info, error) {
	p, err := heif.Open(in, size, lim)
	if err != nil {
		return info.Info{}, err
	}
	i := info.Info{Format: p.Format(), Width: p.W, Height: p.H, Frames: p.Frames, Depth: p.Depth, Colour: info.RGB, Alpha: p.Alpha,
		Orientation: int(p.Orientation), Density: density(meta.ParseEXIF(p.Metadata.EXIF).Density), Date: meta.DateOf(p.Metadata.EXIF)}
	if p.Chroma == heif.Mono {
		i.Colour = info.Gray
	}
	h := raster.Header{ICC: p.ICC}
	if p.ICC == nil && !p.SRGB() {
		h.Coding.CICP = p.CICP
	}
	i.Profile = profile(&h)
	if p.Unsupported != "" {
		p.Note("%s", p.Unsupported)
	}
	i.Notes = p.Notes()
	return i, nil
}

// profile names the colour space of a picture that is not plain sRGB.
func profile(h *raster.Header) string {
	switch c := h.Coding; {
	case c.CICP != [4]uint8{}:
		return fmt.Sprintf("CICP %d/%d/%d/%d", c.CICP[0], c.CICP[1], c.CICP[2], c.CICP[3])
	case h.ICC != nil:
		if name := meta.ICCName(h.ICC); name != "" {
			return name
		}
		return "unnamed"
	case c.Gamma != 0:
		return fmt.Sprintf("gamma %.5f", float64(c.Gamma)/100_000)
	}
	return ""
}

func density(d raster.Density) *info.Density {
	if !(d.X > 0 && d.X <= math.MaxInt32 && d.Y > 0 && d.Y <= math.MaxInt32) { // nor NaN
		return nil
	}
	return &info.Density{X: d.X, Y: d.Y, Unit: map[raster.DensityUnit]string{raster.PerInch: info.Inch, raster.PerCM: info.CM, raster.Aspect: info.Ratio}[d.Unit]}
}
