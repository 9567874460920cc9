// Package resample changes the size of a picture by rows: rows in, rows out,
// in the memory of the few rows that a kernel spans.
//
// Two passes, as the kernels are separable: each incoming row is resampled
// across at once and kept in a ring as high as the kernel; each outgoing row is
// a weighted sum of the ring. Between the passes nothing is clamped, since what
// the kernels' negative lobes overshoot in one direction the other may need.
//
// 8-bit pictures are worked in fixed point (fixed.go), 16-bit ones and linear
// light in float32 (float.go). Colour is premultiplied by alpha inside, straight
// outside. Results are clamped to what the samples can hold, and colour to alpha.
package resample

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// Options choose how to resample.
type Options struct {
	Kernel string // one of ops.Kernels; "" is lanczos3
	// Linear works in linear light: colour goes through the sRGB curve before
	// and after (IEC 61966-2-1), alpha, which is linear already, does not.
	Linear bool
	Limits raster.Limits // Mem bounds the tables and rows held
}

// Rows returns src resampled to w × h pixels: any layout but Indexed, 8 or 16
// bit, and both stay. Of YCbCr, Y becomes w × h and Cb and Cr half of that each
// way, rounded up (4:2:0, centred); with Linear it becomes RGB. The orientation
// is passed on, so w and h are in stored, not oriented, pixels.
//
// Output j is centred on input (j+1/2)·extent/w − 1/2, where extent is the true
// one of PlaneDim, which may be fractional: nothing shifts. At the edges the
// weights that fall outside the picture are left out and the others made up to 1.
func Rows(src raster.Rows, w, h int, o Options) (raster.Rows, error) {
	name := o.Kernel
	if name == "" {
		name = "lanczos3"
	}
	k, ok := kernels[name]
	if !ok {
		return nil, fault.New(fault.Usage, "kernel %q: unknown", o.Kernel)
	}
	if err := o.Limits.CheckSize(int64(w), int64(h), 1); err != nil {
		return nil, err
	}
	if o.Linear {
		src = raster.Packed(src)
	}
	in := src.Header()
	if in.Layout == raster.Indexed {
		return nil, fault.New(fault.Internal, "resample: indexed rows must be made colours first")
	}
	head := *in
	head.FullW, head.FullH = w, h
	head.Planes = make([]raster.PlaneDim, len(in.Planes))
	s := &stream{src: src, head: &head}
	kept := 0
	for i, d := range in.Planes {
		to := raster.Whole(w, h)
		if i > 0 {
			to = raster.PlaneDim{W: (w + 1) / 2, H: (h + 1) / 2, NX: 1, DX: 2, NY: 1, DY: 2}
		}
		head.Planes[i] = to
		if err := o.Limits.CheckMem(need(k, d, to, in)); err != nil {
			return nil, err
		}
		x := newAxis(k, d.W, to.W, layOf(in.FullW, d.NX, d.DX, d.OX, w, to.DX))
		y := newAxis(k, d.H, to.H, layOf(in.FullH, d.NY, d.DY, d.OY, h, to.DY))
		p := &s.planes[i]
		p.x, p.y, p.rows = x, y, d.H
		if x.copies(d.W, to.W) && y.copies(d.H, to.H) {
			kept++
			p.engine = &keep{}
		} else if in.Bits == 8 && !o.Linear {
			p.engine = newEngine8(x, y, d.W, to.W, in.Layout)
		} else {
			p.engine = newFloat(x, y, d.W, to.W, in.Layout, in.Bits, o.Linear)
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

// keep is the engine for a plane that has its size already, as the chroma of a
// reduced JPEG often does.
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

// need returns about how many bytes of tables and rows plane d takes.
func need(k kernel, d, to raster.PlaneDim, in *raster.Header) int64 {
	sets := func(in, out int) int64 { // of weights
		return int64(out)*(16+24) + int64(2*k.support*float64(max(in, out))+float64(out))*weightBytes
	}
	taps := min(int64(d.H), int64(2*k.support*max(1, float64(d.H)/float64(to.H)))+2)
	n := int64(in.Layout.Samples())
	return sets(d.W, to.W) + sets(d.H, to.H) + 4*n*int64(to.W)*(taps+1) + 9*n*int64(d.W) + 64*n*int64(to.W)
}

// engine resamples one plane: rows go in by push, in order; row j comes out by
// out once all rows of its window are in.
type engine interface {
	push(src *raster.Plane, row int)
	end()       // no more rows follow
	ready() int // rows ready to be summed; all that were pushed after end
	out(j int, dst *raster.Plane, row int)
}

// plane is one plane on its way.
type plane struct {
	engine
	x, y          *axis
	rows          int // of input
	height, width int // of output; samples
	pushed, done  int // rows in, rows out
	pix           []uint8
	pix16         []uint16
	band          int // rows that pix has room for
	got           int // rows in pix now
	next          int // first row of the source's band not yet pushed
}

// stream pulls bands from src as they are needed.
type stream struct {
	src    raster.Rows
	head   *raster.Header
	planes [3]plane
	in     *raster.Band
	err    error
	band   raster.Band
}

func (s *stream) Header() *raster.Header { return s.head }

// Next returns up to 16 rows, with up to 8 of chroma. Where one plane's input
// has run ahead of another's, planes may come uneven.
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
		// A plane that can't go on while another still has rows of this band to
		// take waits for the next call; else its rows would be lost.
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

// drain reads src to its end and returns io.EOF, or what is wrong with it: the
// last rows may be of no weight, and a damaged end shows only behind them.
func drain(src raster.Rows) error {
	for {
		if _, err := src.Next(); err != nil {
			return err
		}
	}
}

// work fills the plane's output as far as it goes. It reports whether rows of
// input are wanting; then all rows of band are taken.
func (p *plane) work(band *raster.Band, i int) bool {
	dst := raster.Plane{Pix: p.pix, Pix16: p.pix16, Stride: p.width}
	for p.got < p.band && p.done < p.height {
		for p.ready() < p.y.spans[p.done].start+p.y.taps {
			if band == nil || p.next >= band.Planes[i].Rows {
				return true
			}
			p.push(&band.Planes[i], p.next)
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
