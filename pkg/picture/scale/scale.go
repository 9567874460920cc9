// Package scale makes a picture of any format smaller or larger: a picture in, a
// picture out.
//
// Sizes are those of the upright picture. Colour keeps its profile and 16 bits
// stay where the format has them; all other metadata goes. A JPEG is decoded at a
// reduced size where that loses nothing, and stays Y, Cb, Cr planes on its way to
// a JPEG.
package scale

import (
	"image/color"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/gif"
	"imgtools/pkg/picture/jpeg"
	"imgtools/pkg/picture/png"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/resample"
)

// Options of Run. Only Geometry is needed.
type Options struct {
	Geometry     string // as package geometry has it
	Kernel       string // of ops.Kernels; "" is lanczos3
	Fine, Linear bool
	Format       string // of ops.Formats; "" is the input's
	Quality      int    // of JPEG, 1 to 100; 0 is the default
	Limits       raster.Limits
	Ahead        bool // a large picture may be decoded on a CPU of its own

	// The input is an upright picture of OfW × OfH pixels reduced by Reduced/8;
	// zero fields: it is whole.
	OfW, OfH int
	Reduced  int
}

// Result says what was written.
type Result struct {
	Format string // its canonical name
	Type   string // its media type
	W, H   int
	Note   string // what else the user should hear: first of 12 frames
}

// job is one picture on its way.
type job struct {
	p            *codec.Picture
	o            Options
	format       string
	goalW, goalH int // upright
	same         bool
	stop         func() // ends the decoding
}

// Run reads the picture in the first size bytes of in and writes it in its new
// size to out. Errors are of the kinds of package fault.
func Run(out io.Writer, in io.ReaderAt, size int64, o Options) (Result, error) {
	g, err := geometry.Parse(o.Geometry)
	if err != nil {
		return Result{}, err
	}
	p, err := codec.Open(in, size, o.Limits)
	if err != nil {
		return Result{}, err
	}
	j := job{p: p, o: o, format: codec.OutputFormat(p, o.Format), stop: func() {}}
	fullW, fullH := p.Header().OrientedSize()
	if o.OfW != 0 || o.OfH != 0 {
		if err := checkReduced(p, o); err != nil {
			return Result{}, err
		}
		fullW, fullH = o.OfW, o.OfH
	}
	j.goalW, j.goalH = g.Goal(fullW, fullH)
	frames := 1
	if j.format == codec.GIF {
		frames = p.Frames
	}
	if err := o.Limits.CheckSize(int64(j.goalW), int64(j.goalH), frames); err != nil {
		return Result{}, err
	}
	// A reduced picture of 1 pixel may have the size of its goal, and its samples
	// are right only if it is whole.
	j.same = j.goalW == fullW && j.goalH == fullH && !j.reduced()
	return j.run(out)
}

func (j *job) reduced() bool { return j.o.Reduced != 0 && j.o.Reduced != 8 }

// checkReduced checks that o.OfW × o.OfH at o.Reduced/8 is the size of p.
func checkReduced(p *codec.Picture, o Options) error {
	n := o.Reduced
	if n == 0 {
		n = 8
	}
	if n < 1 || n > 8 {
		return fault.New(fault.Usage, "reduced=%d/8: not 1/8 to 8/8", n)
	}
	if err := o.Limits.CheckSize(int64(o.OfW), int64(o.OfH), 1); err != nil {
		return fault.New(fault.Usage, "of=%dx%d: %w", o.OfW, o.OfH, err)
	}
	w, h := p.Header().OrientedSize()
	if (o.OfW*n+7)/8 != w || (o.OfH*n+7)/8 != h || n != 8 && (p.Frames > 1 || p.Header().Orientation != 1) {
		return fault.New(fault.Usage, "of=%dx%d reduced=%d/8 is not this picture of %dx%d", o.OfW, o.OfH, n, w, h)
	}
	return nil
}

func (j *job) run(out io.Writer) (res Result, err error) {
	res = Result{Format: j.format, Type: codec.Type(j.format), W: j.goalW, H: j.goalH}
	defer func() { res.Note = j.p.Note(j.format) }()
	depth := 0
	if j.same {
		if done, err := j.copy(out); done || err != nil {
			return res, err
		}
		depth = j.p.Depth
	} else if r, ok := j.p.Reader.(*gif.Reader); ok && j.format == codec.GIF {
		return res, j.frames(out, r)
	}
	rows, err := j.rows()
	defer j.stop()
	if err != nil {
		return Result{}, err
	}
	res.Format, err = codec.Encode(out, rows, j.format, codec.Options{Quality: j.o.Quality, Depth: depth, Limits: j.o.Limits})
	res.Type = codec.Type(res.Format)
	return res, err
}

// copy writes a picture that keeps its size, and whose pixels its format can copy
// as they stand, without its metadata. It reports whether it did.
func (j *job) copy(out io.Writer) (bool, error) {
	h := j.p.Header()
	if j.format != j.p.Format {
		return false, nil
	}
	switch r := j.p.Reader.(type) {
	case *gif.Reader:
		return true, gif.RewritePalette(out, r, func(c color.NRGBA) color.NRGBA { return c })
	case *png.Reader:
		if h.Layout == raster.Indexed && h.Orientation == 1 && h.ICC == nil {
			return true, png.RewritePalette(out, r, func(c color.NRGBA) color.NRGBA { return c })
		}
	case *jpeg.Reader:
		if j.o.Quality != 0 {
			return false, nil
		}
		if done, err := jpeg.Copy(out, r); done || err != nil {
			return true, err
		}
		j.o.Quality = againQuality
	}
	return false, nil
}

// againQuality is that of a JPEG whose coefficients could have been kept but for
// its turning.
const againQuality = 95

// frames writes every frame of a GIF in the new size, each as a person sees it,
// with its delay.
func (j *job) frames(out io.Writer, r *gif.Reader) error {
	frames, err := r.Animation()
	if err != nil {
		return err
	}
	w, err := gif.NewWriter(out, j.goalW, j.goalH, r.Loop(), j.o.Limits)
	if err != nil {
		return err
	}
	for {
		f, err := frames.Next()
		if err == io.EOF {
			return w.Close()
		}
		if err != nil {
			return err
		}
		rows, err := resample.Rows(f.Rows, j.goalW, j.goalH, j.resampling())
		if err != nil {
			return err
		}
		if err := w.Frame(rows, f.Delay); err != nil {
			return err
		}
	}
}

func (j *job) resampling() resample.Options {
	return resample.Options{Kernel: j.o.Kernel, Linear: j.o.Linear, Limits: j.o.Limits}
}

// rows starts the decoding and resampling of a still picture. The result is as
// the picture is stored: it is turned after this, when it is smaller.
func (j *job) rows() (raster.Rows, error) {
	h := j.p.Header()
	planar := j.format == codec.JPEG && !j.o.Linear
	luma := j.format == codec.PGM && !j.o.Linear // as gray as after the scaling: weights are linear
	if j.same {
		return j.decode(raster.Hint{Planar: planar, Luma: luma})
	}
	w, hgt := j.goalW, j.goalH
	if raster.Swaps(h.Orientation) {
		w, hgt = hgt, w
	}
	hint := raster.Hint{Planar: planar, Luma: luma, Fine: j.o.Fine, Named: j.o.Kernel != ""}
	if !j.o.Linear {
		hint.GoalW, hint.GoalH = w, hgt
	}
	rows, err := j.decode(hint)
	if err != nil {
		return nil, err
	}
	if !planar {
		rows = raster.Packed(rows)
	}
	rows = raster.Expand(rows)
	if j.goalW*j.goalH > h.FullW*h.FullH { // turned while it is small
		if rows, err = raster.Upright(rows, j.o.Limits); err != nil {
			return nil, err
		}
		w, hgt = j.goalW, j.goalH
	}
	if j.reduced() {
		part := *rows.Header()
		d := part.Planes[0]
		part.FullW, part.FullH = j.o.OfW, j.o.OfH
		part.Planes = []raster.PlaneDim{{W: d.W, H: d.H, NX: j.o.Reduced, DX: 8, NY: j.o.Reduced, DY: 8}}
		rows = raster.WithHeader(rows, &part)
	}
	return resample.Rows(rows, w, hgt, j.resampling())
}

// decode starts the decoding, to be ended by j.stop.
func (j *job) decode(hint raster.Hint) (raster.Rows, error) {
	rows, err := j.p.Rows(hint)
	if err == nil && j.o.Ahead {
		rows, j.stop = raster.Ahead(rows)
	}
	return rows, err
}
