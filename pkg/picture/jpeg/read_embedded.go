package jpeg

import (
	"io"

	"imgtools/pkg/picture/raster"
)

// OpenEmbedded opens a JPEG that is part of another file, which says itself what the
// components mean. Three components are YCbCr if yCbCr is set; otherwise components
// are samples as they are, whatever JFIF and Adobe markers and component ids say.
// Four come in pixels of four samples with the layout RGBA, though the last is not
// alpha. Metadata in the stream is ignored.
func OpenEmbedded(r io.ReaderAt, size int64, yCbCr bool, lim raster.Limits) (*Reader, error) {
	d, err := Open(r, size, lim)
	if err != nil {
		return nil, err
	}
	h := raster.NewHeader(d.frame.w, d.frame.h, raster.Gray, 8)
	switch n := len(d.frame.comps); {
	case n == 1:
		d.model = gray
	case n == 4:
		d.model, h.Layout = plain4, raster.RGBA
	case yCbCr:
		d.model, h.Layout = ycc, raster.YCbCr
		h.Planes = d.frame.dims(&[4]int{8, 8, 8})
	default:
		d.model, h.Layout = rgb, raster.RGB
	}
	d.hdr = *h
	return d, nil
}
