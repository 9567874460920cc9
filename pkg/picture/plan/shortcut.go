package plan

import (
	"image/color"
	"io"

	"imgtools/pkg/picture/gif"
	"imgtools/pkg/picture/jpeg"
	"imgtools/pkg/picture/png"
	"imgtools/pkg/picture/raster"
)

// againQuality is the quality of a JPEG that would have been copied but for its
// orientation or sampling: coding it again must lose little.
const againQuality = 95

// shortcut writes a picture that keeps its size and format without decoding it, where
// its format allows that, and leaves its metadata out. It reports whether it did.
func (j *job) shortcut(out io.Writer) (bool, error) {
	if !j.sameSize() || j.out.Name != j.p.Format || j.Ops.Has("frame") {
		return false, nil
	}
	h := j.p.Header()
	switch r := j.p.Reader.(type) {
	case *gif.Reader: // all frames
		return true, gif.RewritePalette(out, r, j.paletteColour())
	case *png.Reader:
		if h.Layout == raster.Indexed && h.Orientation == 1 && (j.gray || h.ICC == nil) {
			return true, png.RewritePalette(out, r, j.paletteColour())
		}
	case *jpeg.Reader:
		return j.copyJPEG(out, r)
	}
	return false, nil
}

// paletteColour returns what becomes of each colour of a palette.
func (j *job) paletteColour() func(color.NRGBA) color.NRGBA {
	if j.gray {
		return j.luma.Color
	}
	return func(c color.NRGBA) color.NRGBA { return c }
}

// copyJPEG copies the coefficients of a JPEG: all of them, or for gray those of Y,
// which is Rec. 601 luma. It can't when a quality is asked for, when gray is to be
// made with other weights, and when package jpeg says so, because of the orientation or
// sampling; then the picture is coded again with little loss.
func (j *job) copyJPEG(out io.Writer, r *jpeg.Reader) (bool, error) {
	if j.quality != 0 || j.gray && j.luma != raster.Rec601 && j.p.Header().Layout != raster.Gray {
		return false, nil
	}
	copied := jpeg.Copy
	if j.gray {
		copied = jpeg.Gray
	}
	if done, err := copied(out, r); done || err != nil {
		return true, err
	}
	j.quality = againQuality
	return false, nil
}
