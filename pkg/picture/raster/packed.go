package raster

import (
	"io"

	"imgtools/pkg/fault"
)

// Packed returns rows of one plane. YCbCr becomes RGB of 8 bits; other layouts are
// returned unchanged.
//
// The smaller planes are first brought to the grid of the largest by linear
// interpolation between the centres of their samples. For 4:2:0 the centres of two
// luma samples lie 1/4 and 3/4 between those of two chroma samples, which gives the
// weights 3:1 that libjpeg calls "fancy" upsampling. Planes may be reduced by
// different fractions and have different origins.
func Packed(src Rows) Rows {
	h := src.Header()
	if h.Layout != YCbCr {
		return src
	}
	big := h.largest()
	rgb := *h
	rgb.Layout = RGB
	rgb.Planes = []PlaneDim{h.Planes[big]}
	p := &packed{src: src, h: &rgb, out: h.Planes[big]}
	for i, d := range h.Planes {
		o := p.out
		p.in[i].stretchX = newStretch(side{d.W, d.NX, d.DX, d.OX}, side{o.W, o.NX, o.DX, o.OX})
		p.in[i].stretchY = newStretch(side{d.H, d.NY, d.DY, d.OY}, side{o.H, o.NY, o.DY, o.OY})
		p.in[i].dim = d
		p.in[i].mixed = make([]uint16, d.W)
		p.in[i].line = make([]uint8, p.out.W)
	}
	return p
}

// largest returns the first of the planes with the most samples.
func (h *Header) largest() (big int) {
	for i, d := range h.Planes {
		if b := h.Planes[big]; d.W*d.H > b.W*b.H {
			big = i
		}
	}
	return big
}

// packed keeps the rows of each plane that are still needed: planes may arrive at
// different speeds, and a row is mixed with the one after it.
type packed struct {
	src  Rows
	h    *Header
	out  PlaneDim
	in   [3]stretched
	y    int // the next row of the result
	eof  bool
	band Band
}

type stretched struct {
	dim                PlaneDim
	stretchX, stretchY stretch
	pix                []uint8 // rows first..first+n-1, dim.W samples each
	first, n           int
	mixed              []uint16 // a row interpolated between two, with 8 fraction bits
	line               []uint8  // a row at full size
}

func (p *packed) Header() *Header { return p.h }

func (p *packed) Next() (*Band, error) {
	for {
		if n := p.ready(); n > 0 {
			p.emit(n)
			return &p.band, nil
		}
		if p.eof && p.y == p.out.H {
			return nil, io.EOF
		}
		if p.eof {
			return nil, fault.New(fault.Internal, "a reader ended at row %d of %d", p.y, p.out.H)
		}
		b, err := p.src.Next()
		if err == io.EOF {
			p.eof = true
			continue
		}
		if err != nil {
			return nil, err
		}
		if p.y == p.out.H { // what follows is read only for its damage
			continue
		}
		for i := range p.in {
			p.in[i].take(&b.Planes[i], p.y)
		}
	}
}

// take adds the rows of b and drops those that lie above row y of the result.
func (s *stretched) take(b *Plane, y int) {
	w := s.dim.W
	if y < len(s.stretchY.at) {
		drop := min(int(s.stretchY.at[y])-s.first, s.n)
		if drop > 0 {
			s.pix = s.pix[:copy(s.pix, s.pix[drop*w:s.n*w])]
			s.first += drop
			s.n -= drop
		}
	}
	for r := range b.Rows {
		s.pix = append(s.pix, b.Pix[r*b.Stride:r*b.Stride+w]...)
	}
	s.n += b.Rows
}

// ready returns how many rows of the result can be made from the rows kept.
func (p *packed) ready() int {
	end := p.y
	for end < p.out.H && p.in[0].has(end) && p.in[1].has(end) && p.in[2].has(end) {
		end++
	}
	return end - p.y
}

// has reports whether both rows around row y of the result have arrived.
func (s *stretched) has(y int) bool {
	return min(int(s.stretchY.at[y])+1, s.dim.H-1) < s.first+s.n
}

func (p *packed) emit(n int) {
	out := &p.band.Planes[0]
	p.band.Y = p.y
	out.Resize(3*p.out.W, n, 8)
	for r := range n {
		for i := range p.in {
			p.in[i].row(p.y + r)
		}
		toRGB(out.Pix[r*out.Stride:(r+1)*out.Stride], p.in[0].line, p.in[1].line, p.in[2].line)
	}
	p.y += n
}

// row interpolates row y of the result into s.line.
func (s *stretched) row(y int) {
	w := s.dim.W
	at, part := int(s.stretchY.at[y]), uint16(s.stretchY.part[y])
	a := s.pix[(at-s.first)*w:][:w]
	if s.stretchX.same && part == 0 {
		copy(s.line, a)
		return
	}
	b := a
	if at+1 < s.dim.H {
		b = s.pix[(at+1-s.first)*w:][:w]
	}
	done := mixBlocks(s.mixed, a, b, part)
	mix(s.mixed[done:], a[done:], b[done:], part)
	if s.stretchX.same {
		for i, v := range s.mixed {
			s.line[i] = uint8((uint32(v) + 128) >> 8)
		}
		return
	}
	if s.stretchX.twice {
		double(s.line, s.mixed)
		return
	}
	s.stretchX.row(s.line, s.mixed)
}

// mix interpolates between two rows: b has part 256ths of the weight.
func mix(dst []uint16, a, b []uint8, part uint16) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = uint16(a[i])*(256-part) + uint16(b[i])*part
	}
}

// row is the plain twin of double, for any ratio.
func (t *stretch) row(dst []uint8, src []uint16) {
	last := len(src) - 1
	for x := range dst {
		i, part := int(t.at[x]), uint32(t.part[x])
		v := uint32(src[i])*(256-part) + uint32(src[min(i+1, last)])*part
		dst[x] = uint8((v + 1<<15) >> 16)
	}
}

// double stretches src to twice its width, or one less: each sample is 3/4 of
// the nearer and 1/4 of the other neighbour.
func double(dst []uint8, src []uint16) {
	n := doubleBlocks(dst, src)
	doubleWords(dst, src, 0, min(1, len(src)))
	doubleWords(dst, src, n+1, len(src))
}

// doubleWords is double of samples from to end-1 of src.
func doubleWords(dst []uint8, src []uint16, from, end int) {
	last := len(src) - 1
	prev := uint32(src[max(from-1, 0)])
	for i := from; i < end; i++ {
		c := src[i]
		v, next := 3*uint32(c), uint32(src[min(i+1, last)])
		dst[2*i] = uint8((v + prev + 1<<9) >> 10)
		if 2*i+1 < len(dst) {
			dst[2*i+1] = uint8((v + next + 1<<9) >> 10)
		}
		prev = uint32(c)
	}
}

// stretch gives, for each sample x along a side of the result, the two samples of a
// plane around it, at[x] and at[x]+1, and its distance from the first in 256ths.
type stretch struct {
	at    []int32
	part  []uint16
	same  bool // the plane already has the grid of the result
	twice bool // the plane has half as many samples, as chroma of 4:2:0
}

// side is one direction of a PlaneDim: n samples, reduced to num/den, with the
// origin o/den.
type side struct{ n, num, den, o int }

// newStretch lays plane side in along side out of the result.
//
// Sample x of out has its centre at (x + 1/2 − out.o/out.den) · out.den/out.num
// pixels of the full picture. The sample of in with the same centre is, with
// r = in.num/in.den ÷ out.num/out.den,
//
//	(x + 1/2 − out.o/out.den) · r + in.o/in.den − 1/2
//
// which is computed as a fraction over 2·in.den·out.num.
func newStretch(in, out side) stretch {
	num, den := int64(in.num)*int64(out.den), int64(in.den)*int64(out.num) // r
	shift := 2 * (int64(in.o)*int64(out.num) - int64(out.o)*int64(in.num))
	t := stretch{at: make([]int32, out.n), part: make([]uint16, out.n)}
	for x := range t.at {
		p := (2*int64(x)+1)*num - den + shift
		i := p / (2 * den)
		f := (p - i*2*den) * 256 / (2 * den)
		if p < 0 {
			i, f = 0, 0
		}
		if i >= int64(in.n)-1 {
			i, f = int64(in.n)-1, 0
		}
		t.at[x], t.part[x] = int32(i), uint16(f)
	}
	t.same = num == den && shift == 0 && in.n >= out.n
	t.twice = 2*num == den && shift == 0 && in.n == (out.n+1)/2
	return t
}

// toRGB converts YCbCr to RGB as JFIF does (T.871 section 7):
//
//	R = Y + 1.402 (Cr−128)
//	G = Y − 0.344136 (Cb−128) − 0.714136 (Cr−128)
//	B = Y + 1.772 (Cb−128)
//
// with factors in 65536ths, rounded to nearest and clamped. Most pixels need no
// clamping, which one comparison of each finds out.
func toRGB(dst, y, cb, cr []uint8) {
	done := toRGBBlocks(dst, y, cb, cr)
	toRGBWords(dst[3*done:], y[done:], cb[done:], cr[done:])
}

// toRGBWords is the plain twin of toRGBBlocks.
func toRGBWords(dst, y, cb, cr []uint8) {
	const top = 256<<16 - 1
	cb, cr = cb[:len(y)], cr[:len(y)]
	dst = dst[:3*len(y)]
	for i, v := range y {
		l := int32(v)<<16 + 1<<15
		b, r := int32(cb[i])-128, int32(cr[i])-128
		red, green, blue := l+91881*r, l-22554*b-46802*r, l+116130*b
		if uint32(red) > top || uint32(green) > top || uint32(blue) > top {
			red, green, blue = max(0, min(red, top)), max(0, min(green, top)), max(0, min(blue, top))
		}
		d := dst[3*i : 3*i+3 : 3*i+3]
		d[0], d[1], d[2] = uint8(red>>16), uint8(green>>16), uint8(blue>>16)
	}
}
