package codec

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// Options of Encode.
type Options struct {
	Quality     int   // 1 to 100, of formats that have it; 0 is the format's default
	Lossless    bool  // of WebP: all samples exactly; Quality does not count
	Fast        bool  // of JPEG and WebP: less time for a larger file
	Progressive bool  // of JPEG
	Bytes       int64 // of JPEG and WebP: the largest file wanted; 0: any
	Plain       bool  // of TIFF: not compressed, for a picture that only travels
	Depth       int   // of gray PNG 1, 2 or 4 bits, of gray TIFF 1, if the samples have no more; 0: 8 or 16
	Limits      raster.Limits
}

// Encode writes rows, turned upright, in a format, and returns the name of the format
// that was written: for pnm the one of the family that holds the picture. The rows are
// changed to what the format can hold:
//
//	jpeg  8 bit, flattened on white, no palette; YCbCr planes go in as they are
//	png   everything as it is
//	gif   8 bit; at most 256 colours, alpha on or off
//	webp  8 bit; a lossy one of YCbCr 4:2:0, planes of that sampling go in as they are
//	bmp   8 bit
//	tiff  as it is; a palette only if it is opaque; gray of 1 bit by T.6
//	pnm   pgm for gray, ppm for colour, pam with alpha; no palette
//	pgm   grayed (Rec. 601), flattened on white
//	ppm   flattened on white, gray as three samples
//	pam   as it is; no palette
//
// A profile of a colour space that the samples are not in is left out. A picture
// to be turned is held where it is smallest: before or after these changes.
func Encode(w io.Writer, rows raster.Rows, name string, o Options) (string, error) {
	f, ok := format.Lookup(name)
	code, coded := coders[f.Name]
	if !ok || !f.Write || !coded {
		return "", fault.New(fault.Usage, "format %q is not written", name)
	}
	fit := func(rows raster.Rows) raster.Rows { return code.fit(fitProfile(rows)) }
	fitted := fit(rows)
	if fitted.Header().Bytes() <= rows.Header().Bytes() {
		rows = fitted
	}
	rows, err := raster.Upright(rows, o.Limits)
	if err != nil {
		return "", err
	}
	rows = fit(rows)
	if f.Name == format.PNM {
		f.Name = pnmFor(rows.Header().Layout)
		code = coders[f.Name]
	}
	if o.Quality == 0 {
		o.Quality = f.Quality
	}
	return f.Name, code.encode(w, rows, o)
}

func fitJPEG(rows raster.Rows) raster.Rows {
	return raster.To8(raster.Flatten(raster.Expand(jpegPlanes(rows))))
}

func fitPacked8(rows raster.Rows) raster.Rows { return raster.To8(raster.Packed(rows)) }

func fitTIFF(rows raster.Rows) raster.Rows {
	if rows.Header().Layout == raster.Indexed && raster.PaletteLayout(rows.Header().Palette).HasAlpha() {
		return raster.Expand(rows)
	}
	return raster.Packed(rows)
}

func fitPGM(rows raster.Rows) raster.Rows {
	return raster.Flatten(raster.Expand(raster.Grayed(rows, raster.Rec601)))
}

func fitPPM(rows raster.Rows) raster.Rows { return raster.Flatten(raster.ToRGB(rows)) }
func fitPAM(rows raster.Rows) raster.Rows { return raster.Expand(raster.Packed(rows)) }

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

// pnmFor returns the least of the netpbm formats that holds a layout.
func pnmFor(l raster.Layout) string {
	switch l {
	case raster.Gray:
		return format.PGM
	case raster.RGB:
		return format.PPM
	}
	return format.PAM
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
