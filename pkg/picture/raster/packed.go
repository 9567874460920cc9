package raster

import (
	"io"

	"imgtools/pkg/fault"
)

// Packed returns rows of one plane: those of YCbCr become RGB (8 bit), with the
// smaller planes brought to the size of the largest by a centred triangle, which
// for halves is the 3:1 of libjpeg's "fancy" upsampling; all others are returned
// as they are. Planes may be reduced, each by its own fraction; a plane that is
// smaller only in one direction is stretched only there.
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
		p.in[i].stretchX = newStretch(d.W, d.NX, d.DX, p.out.W, p.out.NX, p.out.DX)
		p.in[i].stretchY = newStretch(d.H, d.NY, d.DY, p.out.H, p.out.NY, p.out.DY)
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

// packed keeps of each plane the rows that are still needed, since planes may
// come at different speeds and a row mixes with the one after it.
type packed struct {
	src  Rows
	h    *Header
	out  PlaneDim
	in   [3]stretched
	y    int // the next row to give out
	eof  bool
	band Band
}

type stretched struct {
	dim                PlaneDim
	stretchX, stretchY stretch
	pix                []uint8 // rows first..first+n-1, dim.W samples each
	first, n           int
	mixed              []uint16 // a row between two rows, of 8 fraction bits
	line               []uint8  // a row at full size
}

func (p *packed) Header() *Header { return p.h }

func (p *packed) Next() (*Band, error) {
	for {
		if n := p.ready(); n > 0 {
			p.emit(n)
			return &p.band, nil
		}
		if p.y == p.out.H {
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
		for i := range p.in {
			p.in[i].take(&b.Planes[i], p.y)
		}
	}
}

// take drops the rows that row y and those after it do not need, and adds new ones.
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

// ready returns how many rows can be given out with what is there.
func (p *packed) ready() int {
	end := p.y
	for end < p.out.H && p.in[0].has(end) && p.in[1].has(end) && p.in[2].has(end) {
		end++
	}
	return end - p.y
}

// has reports whether the rows that row y of the result lies between are there.
func (s *stretched) has(y int) bool {
	return min(int(s.stretchY.at[y])+1, s.dim.H-1) < s.first+s.n
}

func (p *packed) emit(n int) {
	out := &p.band.Planes[0]
	p.band.Y = p.y
	out.resize(3*p.out.W, n, 8)
	for r := range n {
		for i := range p.in {
			p.in[i].row(p.y + r)
		}
		toRGB(out.Pix[r*out.Stride:(r+1)*out.Stride], p.in[0].line, p.in[1].line, p.in[2].line)
	}
	p.y += n
}

// row makes row y of the full size in s.line.
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
	for i := range s.mixed {
		s.mixed[i] = uint16(a[i])*(256-part) + uint16(b[i])*part
	}
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
	last := len(src) - 1
	prev := uint32(src[0])
	for i, c := range src {
		v, next := 3*uint32(c), uint32(src[min(i+1, last)])
		dst[2*i] = uint8((v + prev + 1<<9) >> 10)
		if 2*i+1 < len(dst) {
			dst[2*i+1] = uint8((v + next + 1<<9) >> 10)
		}
		prev = uint32(c)
	}
}

// stretch says, for each place along a side of the result, between which two
// samples of a plane it lies: at and at+1, and how far from at in 256ths.
type stretch struct {
	at    []int32
	part  []uint16
	same  bool // nothing to do
	twice bool // halves, as in 4:2:0
}

// newStretch lays a plane's side of n samples, of the true extent full·nx/dx,
// along one of out samples, full·ox/od: centre on centre.
func newStretch(n, nx, dx, out, ox, od int) stretch {
	// The place of output x in the plane is (x+0.5)·num/den − 0.5.
	num, den := int64(nx)*int64(od), int64(dx)*int64(ox)
	t := stretch{at: make([]int32, out), part: make([]uint16, out)}
	for x := range t.at {
		// Twice the denominator, for the two halves.
		p := (2*int64(x)+1)*num - den
		i := p / (2 * den)
		f := (p - i*2*den) * 256 / (2 * den)
		if p < 0 {
			i, f = 0, 0
		}
		if i >= int64(n)-1 {
			i, f = int64(n)-1, 0
		}
		t.at[x], t.part[x] = int32(i), uint16(f)
	}
	t.same = num == den && n >= out
	t.twice = 2*num == den && n == (out+1)/2
	return t
}

// toRGB is the conversion of JFIF (T.871 section 7), in 16-bit fixed point, rounded
// to nearest and clamped: 1.402; 0.344136 and 0.714136; 1.772.
func toRGB(dst, y, cb, cr []uint8) {
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
