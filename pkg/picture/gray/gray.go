// Package gray turns a picture of any format gray: a picture in, a picture out.
//
// Gray is made of straight colours, alpha stays as it was, 16 bits stay 16 bits
// where the format has them, palettes are grayed and their indexes left alone,
// and what is gray already keeps its samples. A JPEG with the default luma is not
// decoded: its Y is the gray picture.
package gray

import (
	"io"
	"slices"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/gif"
	"imgtools/pkg/picture/jpeg"
	"imgtools/pkg/picture/png"
	"imgtools/pkg/picture/raster"
)

// Options of Run. The zero value grays by Rec. 601 into the input's format.
type Options struct {
	Luma    string // of ops.Lumas; "" is 601
	Format  string // of ops.Formats; "" is the input's
	Quality int    // of JPEG, 1 to 100; 0: lossless where that can be, else the default
	Limits  raster.Limits
	Ahead   bool // a large picture may be decoded on a CPU of its own

	// For is the geometry that the picture will be scaled to afterwards; "" for
	// none. Then the picture is written as PNM, perhaps reduced already, and
	// Format, Kernel, Fine and Linear say what the scaling will be like.
	For          string
	Kernel       string
	Fine, Linear bool
}

// Result says what was written.
type Result struct {
	Format string // its canonical name
	Type   string // its media type
	W, H   int
	Note   string // what else the user should hear: first of 12 frames

	// Only with For: the full size of the upright picture, the n of n/8 that it
	// was reduced by, the size that For asks for, and the formats that the picture
	// came in and is to be written in.
	FullW, FullH int
	Reduced      int
	GoalW, GoalH int
	From, As     string
}

// Run reads the picture in the first size bytes of in and writes it gray to out.
// Errors are of the kinds of package fault.
func Run(out io.Writer, in io.ReaderAt, size int64, o Options) (Result, error) {
	luma, err := parseLuma(o.Luma)
	if err != nil {
		return Result{}, err
	}
	p, err := codec.Open(in, size, o.Limits)
	if err != nil {
		return Result{}, err
	}
	if o.For != "" {
		return runFor(out, p, luma, o)
	}
	return run(out, p, luma, codec.OutputFormat(p, o.Format), o)
}

func parseLuma(s string) (raster.Luma, error) {
	if s == "" {
		return raster.Rec601, nil
	}
	i := slices.Index(ops.Lumas, s)
	if i < 0 {
		return 0, fault.New(fault.Usage, "luma %q: not one of %v", s, ops.Lumas)
	}
	return []raster.Luma{raster.Rec601, raster.Rec709, raster.Luminance}[i], nil
}

// run writes p gray and whole.
func run(out io.Writer, p *codec.Picture, luma raster.Luma, format string, o Options) (res Result, err error) {
	defer func() { res.Note = p.Note(format) }()
	res = Result{Format: format, Type: codec.Type(format)}
	h := p.Header()
	res.W, res.H = h.OrientedSize()
	if format == p.Format {
		if done, err := keep(out, p, luma, &o); done || err != nil {
			return res, err
		}
	}
	rows, err := grayRows(p, luma, raster.Hint{Luma: luma == raster.Rec601}, codec.KeepsAlpha(format))
	if err != nil {
		return Result{}, err
	}
	if o.Ahead {
		var stop func()
		rows, stop = raster.Ahead(rows)
		defer stop()
	}
	res.Format, err = codec.Encode(out, rows, format, codec.Options{Quality: o.Quality, Depth: p.Depth, Limits: o.Limits})
	res.Type = codec.Type(res.Format)
	return res, err
}

// keep writes p gray without decoding it, where its format allows that: pixels that
// are indexes are copied and palettes mapped, for all frames of a GIF; of a JPEG,
// whose Y is Rec. 601 luma, the other components are left out, unless a quality
// is asked for. It reports whether it did; when a JPEG needs to be coded again,
// say because it has to be turned, it asks for a quality that loses little.
func keep(out io.Writer, p *codec.Picture, luma raster.Luma, o *Options) (bool, error) {
	h := p.Header()
	switch r := p.Reader.(type) {
	case *gif.Reader:
		return true, gif.RewritePalette(out, r, luma.Color)
	case *png.Reader:
		if h.Layout == raster.Indexed && h.Orientation == 1 {
			return true, png.RewritePalette(out, r, luma.Color)
		}
	case *jpeg.Reader:
		if o.Quality != 0 || luma != raster.Rec601 && h.Layout != raster.Gray {
			return false, nil
		}
		if done, err := jpeg.Gray(out, r); done || err != nil {
			return true, err
		}
		o.Quality = againQuality
	}
	return false, nil
}

// againQuality is that of a JPEG that could have been kept but for its turning or
// sampling.
const againQuality = 95

// grayRows starts the decoding of p into gray rows, not turned yet. Alpha goes if
// it lets nothing through; when it isn't wanted that isn't looked at.
func grayRows(p *codec.Picture, luma raster.Luma, hint raster.Hint, alpha bool) (raster.Rows, error) {
	opaque := false
	if alpha && p.Header().Layout.HasAlpha() {
		var err error
		if opaque, err = p.Opaque(); err != nil {
			return nil, err
		}
	}
	rows, err := p.Rows(hint)
	if err != nil {
		return nil, err
	}
	rows = raster.Grayed(rows, luma)
	if opaque {
		rows = raster.DropAlpha(rows)
	}
	return rows, nil
}
