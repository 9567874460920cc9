package raster

// Filter returns rows that f makes from the rows of src, one at a time. h is the header
// of the result; its planes have the same W and H as those of src, but the number of
// samples a pixel and their bits may differ. f gets planes of one row, of exactly
// W*Samples samples in Pix or Pix16, and writes every sample of dst.
func Filter(src Rows, h *Header, f func(dst, src Plane)) Rows {
	return &filter{src: src, h: h, f: f}
}

type filter struct {
	src  Rows
	h    *Header
	f    func(dst, src Plane)
	band Band
}

func (f *filter) Header() *Header { return f.h }

func (f *filter) Next() (*Band, error) {
	b, err := f.src.Next()
	if err != nil {
		return nil, err
	}
	f.band.Y = b.Y
	from := f.src.Header()
	for i := range f.h.Planes {
		in, out := &b.Planes[i], &f.band.Planes[i]
		nin := from.Planes[i].W * from.Layout.Samples()
		nout := f.h.Planes[i].W * f.h.Layout.Samples()
		out.Resize(nout, in.Rows, f.h.Bits)
		for y := range in.Rows {
			f.f(out.row(y, nout, f.h.Bits), in.row(y, nin, from.Bits))
		}
	}
	return &f.band, nil
}

// Resize makes room in p for rows rows of n samples, of 8 or 16 bits. It uses the memory
// that p has; what the samples are is not defined.
func (p *Plane) Resize(n, rows int, bits uint8) {
	p.Stride, p.Rows = n, rows
	if bits == 16 {
		if cap(p.Pix16) < n*rows {
			p.Pix16 = make([]uint16, n*rows)
		}
		p.Pix16 = p.Pix16[:n*rows]
		return
	}
	if cap(p.Pix) < n*rows {
		p.Pix = make([]uint8, n*rows)
	}
	p.Pix = p.Pix[:n*rows]
}

// row returns row y of p, of n samples, as a plane of one row.
func (p *Plane) row(y, n int, bits uint8) Plane { return p.rows(y, y+1, n, bits) }

// rows returns rows from to to-1 of p, of n samples.
func (p *Plane) rows(from, to, n int, bits uint8) Plane {
	q := Plane{Stride: p.Stride, Rows: to - from}
	if to == from {
		return q
	}
	i, j := from*p.Stride, (to-1)*p.Stride+n
	if bits == 16 {
		q.Pix16 = p.Pix16[i:j:j]
	} else {
		q.Pix = p.Pix[i:j:j]
	}
	return q
}

// WithHeader returns the rows of src with another header, for a change that leaves
// the samples alone: of full size, origin, palette, profile, orientation, or from
// YCbCr to the first plane as Gray. Planes must have the same W and H.
func WithHeader(src Rows, h *Header) Rows { return &relabelled{src, h} }

type relabelled struct {
	Rows
	h *Header
}

func (r *relabelled) Header() *Header { return r.h }

// with returns a copy of h with one plane and another layout and depth. The profile
// stays; a caller that changes the meaning of samples must remove it.
func (h *Header) with(l Layout, bits uint8) *Header {
	c := *h
	c.Planes = h.Planes[:1:1]
	c.Layout, c.Bits = l, bits
	if l != Indexed {
		c.Palette = nil
	}
	return &c
}
