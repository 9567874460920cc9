// Package resample changes the size of a picture: a filter of rows, which needs the
// memory of the few rows that a kernel spans.
//
// The samples of a picture are values of a continuous signal. Changing the size means
// to reconstruct that signal and to sample it again at other places. Reconstruction
// is a convolution with a kernel (kernel.go): an output is the weighted sum of the
// inputs around its place. The weights depend on the place only, so they are computed
// once for each column and row (axis.go). Where the picture shrinks the kernel is made
// wider, which removes detail too fine for the result; otherwise it would alias: a
// fine grid would become a coarse one that is not in the picture.
//
// The kernels are separable, so there are two passes. Each incoming row is resampled
// across at once and kept in a ring that holds as many rows as the kernel is high.
// Each outgoing row is a weighted sum of the rows in the ring:
//
//	row in ── across ── ring of rows ── down ── row out
//
// Values between the passes are not clamped: kernels with negative lobes overshoot
// beside an edge, and the second pass may bring the value back into range.
//
// 8-bit pictures are computed in fixed point (fixed.go), 16-bit pictures and linear
// light in float32 (float.go). Where the processor has AVX2, fixed_amd64.go and
// float_amd64.go compute the same, equal in every bit: eight rows at a time across, and
// eight neighbouring samples at a time down.
//
// Colour with alpha is premultiplied: the sum is taken of colour × alpha, and divided
// by the sum of alpha. A transparent pixel then adds nothing to its neighbours' colour,
// whatever colour it is said to have; with straight values the black that many programs
// store there would show as a dark seam. Results are clamped to the range of samples,
// and premultiplied colour to alpha.
package resample

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/raster"
)

// Options choose how to resample.
type Options struct {
	Kernel string // one of ops.Kernels; "" is lanczos3
	// Linear computes in linear light: colour is decoded with a curve and the result
	// is encoded with it. Alpha is linear already.
	Linear bool
	// Curves are for Linear: one of gray samples, or three of RGB. nil: that of sRGB
	// (IEC 61966-2-1).
	Curves []raster.Curve
	// Cut is the part of the result that is wanted; only it is computed. Zero: all.
	Cut    geometry.Rect
	Limits raster.Limits // Mem bounds tables and the rows held
}

// Rows returns src resampled to w × h pixels. Layout and bits stay; Indexed is an
// error. Of YCbCr, Y becomes w × h, and Cb and Cr half as wide and high, rounded up
// (4:2:0, centred); with Linear it becomes RGB. The orientation is passed on, so w and
// h are in stored, not oriented, pixels. The density is multiplied by the factors.
//
// Output j is centred on input (j+1/2)·extent/w + origin − 1/2, with the exact extent
// and origin of PlaneDim, so nothing shifts. With a Cut the result has that size, and is
// what cutting the whole result would give, chroma excepted: its samples are centred on
// those of the part's luma. Samples outside the picture have no
// weight, and those that it covers in part count by that part.
func Rows(src raster.Rows, w, h int, o Options) (raster.Rows, error) {
	name := o.Kernel
	if name == "" {
		name = "lanczos3"
	}
	k, ok := kernels[name]
	if !ok {
		return nil, fault.New(fault.Usage, "kernel %q: unknown", o.Kernel)
	}
	cut := o.Cut
	if cut == (geometry.Rect{}) {
		cut = geometry.Whole(w, h)
	}
	if err := o.Limits.CheckSize(int64(cut.W), int64(cut.H), 1); err != nil {
		return nil, err
	}
	if max(w, h) > raster.MaxSide || cut.X < 0 || cut.Y < 0 || cut.X+cut.W > w || cut.Y+cut.H > h {
		return nil, fault.New(fault.TooLarge, "resample: %s of %dx%d", cut, w, h)
	}
	if o.Linear {
		src = raster.Packed(src)
	}
	in := src.Header()
	if in.Layout == raster.Indexed {
		return nil, fault.New(fault.Internal, "resample: indexed rows must be made colours first")
	}
	head := *in
	head.FullW, head.FullH = cut.W, cut.H
	head.Density = in.Density.Scaled(float64(w)/float64(in.FullW), float64(h)/float64(in.FullH))
	head.Planes = make([]raster.PlaneDim, len(in.Planes))
	s := &stream{src: src, head: &head}
	kept := 0
	for i, d := range in.Planes {
		to := raster.Whole(cut.W, cut.H)
		if i > 0 {
			to = raster.PlaneDim{W: (cut.W + 1) / 2, H: (cut.H + 1) / 2, NX: 1, DX: 2, NY: 1, DY: 2}
		}
		head.Planes[i] = to
		if err := o.Limits.CheckMem(need(k, d, to, in, h)); err != nil {
			return nil, err
		}
		x := newAxis(k, d.W, to.W, layOf(in.FullW, d.NX, d.DX, d.OX, w, to.DX).after(cut.X, to.DX))
		y := newAxis(k, d.H, to.H, layOf(in.FullH, d.NY, d.DY, d.OY, h, to.DY).after(cut.Y, to.DY))
		p := &s.planes[i]
		p.x, p.y, p.rows = x, y, d.H
		p.drop = y.from()
		if x.copies(d.W, to.W) && y.copies(d.H, to.H) {
			kept++
			p.engine = &keep{}
		} else if in.Bits == 8 && !o.Linear {
			p.engine = newEngine8(x, y, d.W, to.W, in.Layout)
		} else {
			p.engine = newEngineFloat(x, y, d.W, to.W, in, o)
		}
		p.band = max(1, 16/to.DY)
		p.height, p.width = to.H, to.W*in.Layout.Samples()
		n := p.band * p.width
		if in.Bits == 8 {
			p.pix = make([]uint8, n)
		} else {
			p.pix16 = make([]uint16, n)
		}
	}
	if kept == len(in.Planes) {
		return raster.WithHeader(src, &head), nil
	}
	return s, nil
}

// keep is the engine for a plane that already has its size, as chroma of a reduced
// JPEG often does.
type keep struct {
	pix   []uint8
	pix16 []uint16
	rows  int
}

func (k *keep) push(src *raster.Plane, row int) {
	if at := row * src.Stride; src.Pix16 != nil {
		k.pix16 = append(k.pix16[:0], src.Pix16[at:min(at+src.Stride, len(src.Pix16))]...)
	} else {
		k.pix = append(k.pix[:0], src.Pix[at:min(at+src.Stride, len(src.Pix))]...)
	}
	k.rows++
}

func (k *keep) end()       {}
func (k *keep) ready() int { return k.rows }

func (k *keep) out(_ int, dst *raster.Plane, row int) {
	at := row * dst.Stride
	if dst.Pix16 != nil {
		copy(dst.Pix16[at:at+dst.Stride], k.pix16)
	} else {
		copy(dst.Pix[at:at+dst.Stride], k.pix)
	}
}

// layOf returns how a picture lies on the samples of a plane: full pixels reduced to
// n/d from the origin o/d, to be made outFull/outD samples.
func layOf(full, n, d, o, outFull, outD int) lay {
	return lay{
		step:   newRatio(int64(full)*int64(n)*int64(outD), int64(d)*int64(outFull)),
		origin: newRatio(int64(o), int64(d)),
		extent: newRatio(int64(full)*int64(n), int64(d)),
	}
}

// after returns l without the outputs of the first pixels of the result, where d pixels
// are one output.
func (l lay) after(pixels, d int) lay {
	l.halves = int64(2 * pixels / d)
	return l
}

// need estimates how many bytes of tables and rows plane d takes. to is its part of a
// picture that is scaled to the height h.
func need(k kernel, d, to raster.PlaneDim, in *raster.Header, h int) int64 {
	sets := func(in, out int) int64 { // bytes of weights
		return int64(out)*(16+24) + int64(2*k.support*float64(max(in, out))+float64(out))*weightBytes
	}
	taps := min(int64(d.H), int64(2*k.support*max(1, float64(d.H)*float64(to.DY)/float64(h)))+2)
	n := int64(in.Layout.Samples())
	return sets(d.W, to.W) + sets(d.H, to.H) + 4*n*int64(to.W)*(taps+1) + sampleBytes*n*int64(d.W) + 64*n*int64(to.W)
}

// engine resamples one plane. push takes its rows in order; out computes row j of the
// result once all rows of its window have been pushed.
type engine interface {
	push(src *raster.Plane, row int)
	end()       // no more rows follow
	ready() int // rows that out may use; after end, all that were pushed
	out(j int, dst *raster.Plane, row int)
}

// plane is the state of one plane.
type plane struct {
	engine
	x, y          *axis
	rows          int // of input
	height, width int // of output; samples
	drop          int // rows at the top that have no weight
	pushed, done  int // rows pushed or dropped, rows computed
	pix           []uint8
	pix16         []uint16
	band          int // capacity of pix, rows
	got           int // rows in pix
	next          int // the next row of the source's band to push
}

// stream is the resampled rows. It pulls bands from src as it needs them.
type stream struct {
	src    raster.Rows
	head   *raster.Header
	planes [3]plane
	in     *raster.Band
	err    error
	band   raster.Band
}

func (s *stream) Header() *raster.Header { return s.head }

// Next returns up to 16 rows of luma and 8 of chroma. When the source delivers one
// plane ahead of another, a band may have fewer rows of one plane.
func (s *stream) Next() (*raster.Band, error) {
	if s.err != nil {
		return nil, s.err
	}
	planes := s.planes[:len(s.head.Planes)]
	s.band.Y = planes[0].done
	for i := range planes {
		planes[i].got = 0
	}
	for {
		starved, left, got, all := false, false, 0, true
		for i := range planes {
			p := &planes[i]
			starved = p.work(s.in, i) || starved
			left = left || s.in != nil && p.done < p.height && p.next < s.in.Planes[i].Rows
			got += p.got
			all = all && p.done == p.height
		}
		if all && got == 0 {
			s.err = drain(s.src)
			return nil, s.err
		}
		// When one plane needs the next band while another has not used all rows of
		// this one, give out what is ready: the next band would overwrite them.
		if !starved || left {
			break
		}
		in, err := s.src.Next()
		if err == io.EOF {
			err = raster.Truncated(planes[0].pushed, planes[0].rows)
		}
		if err != nil {
			s.err = err
			return nil, err
		}
		s.in = in
		for i := range planes {
			planes[i].next = 0
		}
	}
	for i := range planes {
		p := &planes[i]
		s.band.Planes[i] = raster.Plane{Pix: p.pix, Pix16: p.pix16, Stride: p.width, Rows: p.got}
	}
	return &s.band, nil
}

// drain reads src to its end and returns io.EOF or the error of src. The last rows may
// have no weight, but damage behind them must still be reported.
func drain(src raster.Rows) error {
	for {
		if _, err := src.Next(); err != nil {
			return err
		}
	}
}

// work computes rows of the plane's output until its band is full, or until it needs
// more input; then it reports true, and has used all rows of band.
func (p *plane) work(band *raster.Band, i int) bool {
	dst := raster.Plane{Pix: p.pix, Pix16: p.pix16, Stride: p.width}
	for p.got < p.band && p.done < p.height {
		for p.ready() < p.y.spans[p.done].start+p.y.taps {
			if band == nil || p.next >= band.Planes[i].Rows {
				return true
			}
			if p.pushed >= p.drop {
				p.push(&band.Planes[i], p.next)
			}
			p.next++
			if p.pushed++; p.pushed == p.rows {
				p.end()
			}
		}
		p.out(p.done, &dst, p.got)
		p.got++
		p.done++
	}
	return false
}
