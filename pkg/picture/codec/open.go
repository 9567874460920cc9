package codec

import (
	"fmt"
	"io"

	"imgtools/pkg/format"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/raster"
)

// Picture is a picture of any format whose header has been read.
type Picture struct {
	raster.Reader
	Format   string // its name in package format; any netpbm format is pnm
	Frames   int    // pictures in the file that can be chosen, at least 1
	Depth    int    // 1, 2 or 4 of gray samples with so few bits, else 0
	Lossless bool   // the file holds the samples exactly as they were given

	decoder Decoder // of HEIC and AVIF
	chosen  int     // by Select; 0: none was
	in      io.ReaderAt
	size    int64
	lim     raster.Limits
}

// Methods that some readers have beside those of raster.Reader.
type (
	counted  interface{ Frames() int }
	bitDepth interface{ Depth() int }     // bits of a sample in the file
	lossless interface{ Lossless() bool } // for formats that are so only at times
	told     interface{ Metadata() raster.Metadata }
)

// Open reads the header of the picture in the first size bytes of r. The format
// is found by content. HEIC and AVIF are refused with advice (Unsupported). Errors are
// those of Sniff and of the format's reader.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Picture, error) {
	return OpenWith(r, size, lim, nil)
}

// OpenWith is Open where d decodes HEIC and AVIF; nil: nothing does.
func OpenWith(r io.ReaderAt, size int64, lim raster.Limits, d Decoder) (*Picture, error) {
	in := io.NewSectionReader(r, 0, size) // a reader must not see what lies beyond
	name, err := Sniff(in, size)
	if err != nil {
		return nil, err
	}
	if d == nil {
		d = none{}
	}
	p := &Picture{Format: name, Frames: 1, in: in, size: size, lim: lim, decoder: d}
	if p.Reader, err = p.open(); err != nil {
		return nil, err
	}
	if r, ok := p.Reader.(counted); ok {
		p.Frames = r.Frames()
	}
	p.Depth = p.depth()
	p.Lossless = name != format.JPEG && !p.Foreign()
	if r, ok := p.Reader.(lossless); ok {
		p.Lossless = r.Lossless()
	}
	return p, nil
}

// open returns a reader of the file.
func (p *Picture) open() (raster.Reader, error) {
	if p.Foreign() {
		return p.decoder.Open(p.in, p.size, p.lim)
	}
	return coders[p.Format].open(p.in, p.size, p.lim)
}

// Foreign reports whether another program decodes the pixels.
func (p *Picture) Foreign() bool { return p.Format == format.HEIC || p.Format == format.AVIF }

// Select makes the picture frame n, from 1, of those in the file.
func (p *Picture) Select(n int) error {
	r, ok := p.Reader.(raster.Framed)
	if !ok {
		if n == 1 {
			return nil
		}
		return raster.NoFrame(n, 1)
	}
	p.chosen = n
	if err := r.Select(n); err != nil {
		return err
	}
	p.Depth = p.depth()
	return nil
}

// Metadata returns the metadata of the file.
func (p *Picture) Metadata() raster.Metadata {
	if r, ok := p.Reader.(told); ok {
		return r.Metadata()
	}
	return raster.Metadata{}
}

// depth returns what Depth is of the frame that the reader is on.
func (p *Picture) depth() int {
	if r, ok := p.Reader.(bitDepth); ok && r.Depth() < 8 && p.Header().Layout == raster.Gray {
		return r.Depth()
	}
	return 0
}

// Bits returns the bits of a sample in the file: of an index if it has a palette. More
// than 16 count as 16.
func (p *Picture) Bits() int {
	if r, ok := p.Reader.(bitDepth); ok {
		return r.Depth()
	}
	return int(p.Header().Bits)
}

// Animated returns the reader of a picture whose frames are to be shown one after
// another, or nil: of a still, or after Select.
func (p *Picture) Animated() raster.Animated {
	if r, ok := p.Reader.(raster.Animated); ok && p.Frames > 1 && p.chosen == 0 {
		return r
	}
	return nil
}

// Opaque reports whether a picture with alpha has no pixel that lets anything
// through. It decodes the picture once more, up to the first that does; a
// picture without alpha is not decoded.
func (p *Picture) Opaque() (bool, error) {
	if !p.Header().Layout.HasAlpha() {
		return true, nil
	}
	again, err := p.Again()
	if err != nil {
		return false, err
	}
	rows, err := again.Rows(raster.Hint{})
	if err != nil {
		return false, err
	}
	return raster.Opaque(rows)
}

// Again returns another reader of the picture, or of the frame that was selected.
func (p *Picture) Again() (raster.Reader, error) {
	again, err := p.open()
	if err == nil && p.chosen != 0 {
		if framed, ok := again.(raster.Framed); ok {
			err = framed.Select(p.chosen)
		}
	}
	return again, err
}

// OutputFormat returns the name of the format to write: the one asked for, else the
// input's, else, where that is not written, PNG if the input is lossless or has alpha
// and JPEG if not. HEIC and AVIF with alpha become WebP. With auto asked for it is PNG if the input has alpha, and JPEG if not.
func OutputFormat(p *Picture, asked string) string {
	f, ok := format.Lookup(p.Format)
	switch {
	case asked == ops.Auto && p.hasAlpha():
		return format.PNG
	case asked == ops.Auto:
		return format.JPEG
	case asked != "":
		return asked
	case ok && f.Write:
		return p.Format
	case p.Foreign() && p.hasAlpha():
		return format.WebP
	case p.Lossless || p.hasAlpha():
		return format.PNG
	}
	return format.JPEG
}

// hasAlpha reports whether pixels may be transparent.
func (p *Picture) hasAlpha() bool {
	h := p.Header()
	return h.Layout.HasAlpha() || h.Layout == raster.Indexed && raster.PaletteLayout(h.Palette).HasAlpha()
}

// AllNotes returns the notes on the picture when it has been written: that of several
// frames or pages only the first came out, unless all did or one was chosen, and what
// is odd about its file. It is called after the last row.
func (p *Picture) AllNotes(allFrames bool) []string {
	notes := p.Notes()
	if p.Frames > 1 && !allFrames && p.chosen == 0 {
		f, _ := format.Lookup(p.Format)
		notes = append([]string{fmt.Sprintf("first of %d %s", p.Frames, f.Several())}, notes...)
	}
	return notes
}
