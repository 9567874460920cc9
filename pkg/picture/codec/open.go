package codec

import (
	"io"
	"strconv"
	"strings"

	"imgtools/pkg/picture/bmp"
	"imgtools/pkg/picture/gif"
	"imgtools/pkg/picture/jpeg"
	"imgtools/pkg/picture/png"
	"imgtools/pkg/picture/pnm"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/tiff"
	"imgtools/pkg/picture/webp"
)

// Picture is a picture of any format whose header has been read.
type Picture struct {
	raster.Reader
	Format   string // JPEG … PNM
	Frames   int    // of an animation, or pages; the Reader is the first
	Depth    int    // 1, 2 or 4 of a gray PNG with so few bits, else 0
	Lossless bool   // the file holds the samples exactly as they were given

	in   io.ReaderAt
	size int64
	lim  raster.Limits
}

// Open reads the header of the picture in the first size bytes of r. The format
// is found by content. Errors are those of Sniff and of the format's reader.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Picture, error) {
	in := io.NewSectionReader(r, 0, size) // whatever lies beyond is not ours
	format, err := Sniff(in, size)
	if err != nil {
		return nil, err
	}
	p := &Picture{Format: format, Frames: 1, Lossless: true, in: in, size: size, lim: lim}
	if err := p.open(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Picture) open() (err error) {
	switch p.Format {
	case JPEG:
		p.Lossless = false
		p.Reader, err = jpeg.Open(p.in, p.size, p.lim)
	case PNG:
		var r *png.Reader
		if r, err = png.Open(p.in, p.size, p.lim); err == nil {
			p.Reader, p.Frames = r, r.Frames()
			if d := r.Depth(); d < 8 && r.Header().Layout == raster.Gray {
				p.Depth = d
			}
		}
	case GIF:
		var r *gif.Reader
		if r, err = gif.Open(p.in, p.size, p.lim); err == nil {
			p.Reader, p.Frames = r, r.Frames()
		}
	case TIFF:
		var r *tiff.Reader
		if r, err = tiff.Open(p.in, p.size, p.lim); err == nil {
			p.Reader, p.Frames = r, r.Frames()
		}
	case PNM:
		p.Reader, err = pnm.Open(p.in, p.size, p.lim)
	case BMP:
		p.Reader, err = bmp.Open(p.in, p.size, p.lim)
	case WebP:
		var r *webp.Reader
		if r, err = webp.Open(p.in, p.size, p.lim); err == nil {
			p.Reader, p.Lossless = r, r.Lossless()
		}
	}
	return err
}

// Opaque reports whether a picture with alpha has no pixel that lets anything
// through. It decodes the picture once more, up to the first that does; a
// picture without alpha is not decoded.
func (p *Picture) Opaque() (bool, error) {
	if !p.Header().Layout.HasAlpha() {
		return true, nil
	}
	again := *p
	if err := again.open(); err != nil {
		return false, err
	}
	rows, err := again.Rows(raster.Hint{})
	if err != nil {
		return false, err
	}
	return raster.Opaque(rows)
}

// Note joins what should be said of the picture when it has been written in a
// format: what is odd about its file, and that of several frames or pages only the
// first came out. It is called after the last row; "" if there is nothing to say.
func (p *Picture) Note(format string) string {
	notes := p.Notes()
	if p.Frames > 1 && !(p.Format == GIF && format == GIF) {
		what := "frames"
		if p.Format == TIFF {
			what = "pages"
		}
		notes = append([]string{"first of " + strconv.Itoa(p.Frames) + " " + what}, notes...)
	}
	return strings.Join(notes, "; ")
}
