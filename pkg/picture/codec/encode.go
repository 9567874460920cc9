package codec

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/bmp"
	"imgtools/pkg/picture/gif"
	"imgtools/pkg/picture/jpeg"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/png"
	"imgtools/pkg/picture/pnm"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/tiff"
)

// Options of Encode.
type Options struct {
	Quality int // of JPEG, 1 to 100; 0 is DefaultQuality
	Depth   int // of gray PNG: 1, 2 or 4 bits, if the samples have no more; 0: 8 or 16
	Limits  raster.Limits
}

// DefaultQuality is that of a JPEG when none is asked for.
const DefaultQuality = 85

// Encode writes rows, turned upright, in a format, and returns the format that
// was written: of PNM the one that holds the picture. What the format cannot hold
// is changed:
//
//	jpeg  8 bit, flattened on white, no palette; YCbCr planes go in as they are
//	png   everything as it is
//	gif   8 bit; at most 256 colours, alpha on or off
//	bmp   8 bit
//	tiff  as it is; a palette only if it is opaque
//	pnm   pgm for gray, ppm for colour, pam with alpha; no palette
//	pgm   grayed (Rec. 601), flattened on white
//	ppm   flattened on white, gray as three samples
//	pam   as it is; no palette
//
// A profile of a colour space that the samples are not in is left out. A picture
// to be turned is held where it is smallest: before or after these changes.
func Encode(w io.Writer, rows raster.Rows, format string, o Options) (string, error) {
	if Type(format) == "" || format == WebP {
		return "", fault.New(fault.Usage, "format %q is not written", format)
	}
	fitted := fit(rows, format)
	if fitted.Header().Bytes() <= rows.Header().Bytes() {
		rows = fitted
	}
	rows, err := raster.Upright(rows, o.Limits)
	if err != nil {
		return "", err
	}
	rows = fit(rows, format)
	if format == PNM {
		format = pnmFor(rows.Header().Layout)
	}
	return format, write(w, rows, format, o)
}

// fit changes rows to what a format holds.
func fit(rows raster.Rows, format string) raster.Rows {
	rows = fitProfile(rows)
	switch format {
	case JPEG:
		return raster.To8(raster.Flatten(raster.Expand(jpegPlanes(rows))))
	case GIF, BMP:
		return raster.To8(raster.Packed(rows))
	case TIFF:
		if rows.Header().Layout == raster.Indexed && raster.PaletteLayout(rows.Header().Palette).HasAlpha() {
			return raster.Expand(rows)
		}
	case PGM:
		return raster.Flatten(raster.Expand(raster.Grayed(rows, raster.Rec601)))
	case PPM:
		return raster.Flatten(raster.ToRGB(rows))
	case PNM, PAM:
		return raster.Expand(raster.Packed(rows))
	}
	return raster.Packed(rows)
}

// jpegPlanes returns planes as they are if a JPEG can have them: chroma as wide
// and high as luma or half of it; others packed.
func jpegPlanes(rows raster.Rows) raster.Rows {
	h := rows.Header()
	if h.Layout != raster.YCbCr {
		return rows
	}
	half := func(n, d, yn, yd int) bool { return n*yd == d*yn || 2*n*yd == d*yn }
	y := h.Planes[0]
	for _, d := range h.Planes[1:] {
		if d != h.Planes[1] || !half(d.NX, d.DX, y.NX, y.DX) || !half(d.NY, d.DY, y.NY, y.DY) {
			return raster.Packed(rows)
		}
	}
	return rows
}

func write(w io.Writer, rows raster.Rows, format string, o Options) error {
	switch format {
	case JPEG:
		if o.Quality == 0 {
			o.Quality = DefaultQuality
		}
		return jpeg.Encode(w, rows, o.Quality)
	case PNG:
		return png.Encode(w, rows, png.EncodeOptions{Depth: o.Depth})
	case BMP:
		return bmp.Encode(w, rows)
	case GIF:
		return gif.Encode(w, rows, o.Limits)
	case TIFF:
		return tiff.Encode(w, rows, tiff.EncodeOptions{Limits: o.Limits})
	case PGM, PPM, PAM:
		return pnm.Encode(w, rows, pnm.EncodeOptions{PAM: format == PAM})
	}
	return fault.New(fault.Internal, "no writer of %s", format)
}

// pnmFor returns the least of the netpbm formats that holds a layout.
func pnmFor(l raster.Layout) string {
	switch l {
	case raster.Gray:
		return PGM
	case raster.RGB:
		return PPM
	}
	return PAM
}

// fitProfile returns rows without their ICC profile if it is one of another
// colour space than their samples: of CMYK ink on RGB, of RGB on gray.
func fitProfile(rows raster.Rows) raster.Rows {
	h := rows.Header()
	if h.ICC == nil {
		return rows
	}
	want := "RGB "
	if h.Layout == raster.Gray || h.Layout == raster.GrayA {
		want = "GRAY"
	}
	if meta.ICCSpace(h.ICC) == want {
		return rows
	}
	bare := *h
	bare.ICC = nil
	return raster.WithHeader(rows, &bare)
}
