package tiff

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/webp"
)

// slack is how many pixels an embedded picture may be larger than its segment: up to
// four MCUs of a JPEG.
const slack = 64

// embedded returns the bytes of a segment that is a picture of its own. Where a segment
// has alpha and its picture has not, it is opaque. Bytes outside the part that is wanted
// may have any value.
func (t *Reader) embedded(format string, r raster.Reader, part geometry.Rect) (io.Reader, error) {
	if h := r.Header(); h.FullW < t.segW || h.FullW > t.segW+slack || h.FullH > t.codedH+slack {
		return nil, fault.New(fault.Format, "%s of %d×%d in a segment of %d×%d", format, h.FullW, h.FullH, t.segW, t.segH)
	}
	if part.W == 0 { // the decoder is to go through the segment, and give as little as it can
		part = geometry.Rect{W: 1, H: 1}
	}
	luma := t.coloured != nil
	if h := r.Header(); luma && h.Layout != raster.YCbCr {
		return nil, errComponents(format, h.Layout.Samples(), 3)
	}
	rows, err := r.Rows(raster.Hint{Part: part, Luma: luma})
	if err != nil {
		return nil, err
	}
	rows = raster.Packed(rows)
	if luma && rows.Header().Layout != raster.Gray { // Y has fewer samples than Cb or Cr
		rows = raster.Grayed(rows, raster.Rec601)
	}
	if t.compression == compWebP {
		rows = fitAlpha(rows, t.stored() == 4)
	}
	if got := rows.Header().Layout.Samples(); got != t.stored() {
		return nil, errComponents(format, got, t.stored())
	}
	return &rowReader{rows: rows, n: int(t.rowBytes())}, nil
}

func errComponents(format string, got, want int) error {
	return fault.New(fault.Format, "%s of %d components, not %d", format, got, want)
}

// fitAlpha returns RGB or RGBA of 8 bits with or without alpha.
func fitAlpha(rows raster.Rows, alpha bool) raster.Rows {
	if !alpha {
		return raster.DropAlpha(rows)
	}
	if rows.Header().Layout != raster.RGB {
		return rows
	}
	opaque := *rows.Header()
	opaque.Layout = raster.RGBA
	return raster.Filter(rows, &opaque, func(dst, src raster.Plane) {
		for i, o := 0, 0; i < len(src.Pix); i, o = i+3, o+4 {
			copy(dst.Pix[o:o+3], src.Pix[i:])
			dst.Pix[o+3] = 255
		}
	})
}

// rowReader gives the first n bytes of each row of a picture of 8 bits.
type rowReader struct {
	rows raster.Rows
	n    int
	band raster.Plane
	y    int // next row of band
	left []byte
}

func (r *rowReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(r.left) == 0 {
			if r.y == r.band.Rows {
				b, err := r.rows.Next()
				if err != nil {
					return n, err
				}
				r.band, r.y = b.Planes[0], 0
				continue
			}
			r.left = r.band.Pix[r.y*r.band.Stride:][:r.n]
			r.y++
		}
		c := copy(p[n:], r.left)
		n, r.left = n+c, r.left[c:]
	}
	return n, nil
}

// openWebP starts on a segment of n bytes at off that is a WebP, as libtiff writes them,
// and of which part is wanted.
func (t *Reader) openWebP(off, n int64, part geometry.Rect) (io.Reader, error) {
	lim := t.lim
	lim.Lenient = false // what is missing is dealt with where all segments are
	w, err := webp.Open(io.NewSectionReader(t.file.r, off, n), n, lim)
	if err != nil {
		return nil, err
	}
	return t.embedded("WebP", w, part)
}
