package raster

import (
	"image/color"
	"io"
	"math"
	"math/rand/v2"
	"testing"
)

// planes is a source of given planes. Its bands have odd heights and strides, and the
// next call overwrites them.
type planes struct {
	h    *Header
	pix  [3][]uint16
	done [3]int
	step int
	band Band
}

func (p *planes) Header() *Header { return p.h }

func (p *planes) Next() (*Band, error) {
	all := p.h.Planes[0].H
	if p.done[0] == all {
		return nil, io.EOF
	}
	end := min(p.done[0]+max(p.step, 1), all)
	p.band.Y = p.done[0]
	for i, d := range p.h.Planes {
		n := d.W * p.h.Layout.Samples()
		to := d.H * end / all
		q := &p.band.Planes[i]
		for j := range q.Pix {
			q.Pix[j] = 0xaa
		}
		for j := range q.Pix16 {
			q.Pix16[j] = 0xaaaa
		}
		*q = Plane{Stride: n + 3, Rows: to - p.done[i]}
		for y := p.done[i]; y < to; y++ {
			for _, v := range append(p.pix[i][y*n:(y+1)*n:(y+1)*n], 7, 7, 7) {
				if p.h.Bits == 16 {
					q.Pix16 = append(q.Pix16, v)
				} else {
					q.Pix = append(q.Pix, uint8(v))
				}
			}
		}
		p.done[i] = to
	}
	return &p.band, nil
}

// source returns rows of random samples.
func source(h *Header, seed uint64, step int) *planes {
	rnd := rand.New(rand.NewPCG(seed, 1))
	p := &planes{h: h, step: step}
	for i, d := range h.Planes {
		for range d.W * d.H * h.Layout.Samples() {
			p.pix[i] = append(p.pix[i], uint16(rnd.IntN(1<<h.Bits)))
		}
	}
	return p
}

// read returns all samples of each plane.
func read(t *testing.T, src Rows) (out [3][]uint16) {
	t.Helper()
	h := src.Header()
	err := Each(src, func(p, y int, row Plane) bool {
		if want := h.Planes[p].W * h.Layout.Samples() * y; len(out[p]) != want {
			t.Fatalf("plane %d row %d after %d samples", p, y, len(out[p]))
		}
		for _, v := range row.Pix {
			out[p] = append(out[p], uint16(v))
		}
		out[p] = append(out[p], row.Pix16...)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func ycc(w, h int, dims [3]PlaneDim) *Header {
	hd := NewHeader(w, h, YCbCr, 8)
	hd.Planes = nil
	for _, d := range dims {
		d.W, d.H = (d.OX+w*d.NX+d.DX-1)/d.DX, (d.OY+h*d.NY+d.DY-1)/d.DY
		hd.Planes = append(hd.Planes, d)
	}
	return hd
}

func fraction(nx, dx, ny, dy int) PlaneDim { return PlaneDim{NX: nx, DX: dx, NY: ny, DY: dy} }

// from returns the plane with the origin ox/DX, oy/DY.
func (d PlaneDim) from(ox, oy int) PlaneDim {
	d.OX, d.OY = ox, oy
	return d
}

// bilinear is the definition of Packed's upsampling: the value at the centre of
// sample x, y of the plane big, in float64, edges repeated.
func bilinear(pix []uint16, d, big PlaneDim, x, y int) float64 {
	at := func(x, n, nx, dx, o, bx, bd, bo int) (int, int, float64) {
		centre := (float64(x) + 0.5 - float64(bo)/float64(bd)) * float64(bd) / float64(bx)
		p := centre*float64(nx)/float64(dx) + float64(o)/float64(dx) - 0.5
		i := math.Floor(p)
		clip := func(v float64) int { return int(math.Max(0, math.Min(v, float64(n-1)))) }
		return clip(i), clip(i + 1), p - i
	}
	x0, x1, fx := at(x, d.W, d.NX, d.DX, d.OX, big.NX, big.DX, big.OX)
	y0, y1, fy := at(y, d.H, d.NY, d.DY, d.OY, big.NY, big.DY, big.OY)
	v := func(x, y int) float64 { return float64(pix[y*d.W+x]) }
	return (1-fy)*((1-fx)*v(x0, y0)+fx*v(x1, y0)) + fy*((1-fx)*v(x0, y1)+fx*v(x1, y1))
}

func TestPackedUpsamplesEverySubsamplingCentred(t *testing.T) {
	one := fraction(1, 1, 1, 1)
	for name, dims := range map[string][3]PlaneDim{
		"4:4:4":            {one, one, one},
		"4:2:0":            {one, fraction(1, 2, 1, 2), fraction(1, 2, 1, 2)},
		"4:2:2":            {one, fraction(1, 2, 1, 1), fraction(1, 2, 1, 1)},
		"4:4:0":            {one, fraction(1, 1, 1, 2), fraction(1, 1, 1, 2)},
		"4:1:1":            {one, fraction(1, 4, 1, 1), fraction(1, 4, 1, 1)},
		"4:1:0":            {one, fraction(1, 4, 1, 2), fraction(1, 4, 1, 2)},
		"two thirds":       {one, fraction(2, 3, 1, 3), fraction(2, 3, 1, 3)},
		"Cb and Cr differ": {one, fraction(1, 2, 1, 1), fraction(1, 1, 1, 2)},
		"Y is the smaller": {fraction(1, 2, 1, 2), one, one},
		"origins":          {one, fraction(1, 2, 1, 2).from(1, 1), fraction(1, 2, 1, 2).from(1, 0)},
		"origins of all":   {one.from(1, 1), fraction(1, 2, 1, 2).from(1, 1), fraction(1, 2, 1, 2).from(1, 1)},
		"3/8 and 2/8, cut": {fraction(3, 8, 3, 8).from(7, 2), fraction(2, 16, 2, 16).from(10, 9), fraction(2, 16, 2, 16).from(10, 9)},
		"3/8 with 2/8":     {fraction(3, 8, 3, 8), fraction(2, 16, 2, 16), fraction(2, 16, 2, 16)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range [][2]int{{1, 1}, {2, 2}, {3, 1}, {1, 5}, {7, 6}, {16, 16}, {33, 17}, {40, 41}} {
				for step := 1; step < 20; step += 5 {
					checkPacked(t, source(ycc(size[0], size[1], dims), 3, step))
				}
			}
		})
	}
}

// checkPacked compares Packed of src with bilinear and the definition of JFIF.
func checkPacked(t *testing.T, src *planes) {
	t.Helper()
	got := read(t, Packed(src))[0]
	big := src.h.Planes[src.h.largest()]
	if len(got) != 3*big.W*big.H {
		t.Fatalf("%d samples of %v", len(got), big)
	}
	for i := range got {
		x, y := i/3%big.W, i/3/big.W
		var c [3]float64
		for p := range c {
			c[p] = bilinear(src.pix[p], src.h.Planes[p], big, x, y)
		}
		want := [3]float64{c[0] + 1.402*(c[2]-128), c[0] - 0.344136*(c[1]-128) - 0.714136*(c[2]-128), c[0] + 1.772*(c[1]-128)}[i%3]
		// Chroma is rounded to 8 bits, and 256ths of a sample, before it is mixed.
		if e := math.Abs(float64(got[i]) - math.Max(0, math.Min(want, 255))); e > 2.6 {
			t.Fatalf("%d×%d, bands of %d: sample %d is %d, want %.2f", src.h.FullW, src.h.FullH, src.step, i, got[i], want)
		}
	}
}

func TestPackedAgreesWithTheStandardConversion(t *testing.T) {
	src := source(ycc(64, 64, [3]PlaneDim{fraction(1, 1, 1, 1), fraction(1, 1, 1, 1), fraction(1, 1, 1, 1)}), 9, 7)
	got := read(t, Packed(src))[0]
	for i := range 64 * 64 {
		r, g, b := color.YCbCrToRGB(uint8(src.pix[0][i]), uint8(src.pix[1][i]), uint8(src.pix[2][i]))
		for k, v := range []uint8{r, g, b} {
			if d := int(got[3*i+k]) - int(v); d < -1 || d > 1 {
				t.Fatalf("pixel %d: %v, want %v", i, got[3*i:3*i+3], []uint8{r, g, b})
			}
		}
	}
}

func TestDoubleEqualsThePlainTwin(t *testing.T) {
	for w := 1; w < 66; w++ {
		rnd := rand.New(rand.NewPCG(uint64(w), 1))
		src := make([]uint16, (w+1)/2)
		for i := range src {
			src[i] = uint16(rnd.IntN(255*256 + 1))
		}
		fast, plain := make([]uint8, w), make([]uint8, w)
		s := newStretch(side{len(src), 1, 2, 0}, side{w, 1, 1, 0})
		if !s.twice {
			t.Fatalf("width %d does not take the fast path", w)
		}
		double(fast, src)
		s.row(plain, src)
		if string(fast) != string(plain) {
			t.Fatalf("width %d: %v, plain %v", w, fast, plain)
		}
	}
}

func TestPackedSaysWhenPlanesEndEarly(t *testing.T) {
	h := ycc(8, 8, [3]PlaneDim{fraction(1, 1, 1, 1), fraction(1, 2, 1, 2), fraction(1, 2, 1, 2)})
	src := source(h, 1, 2)
	src.done = [3]int{0, 1, 1} // one chroma row will be missing
	src.pix[0] = src.pix[0][:8*8]
	rows := Packed(src)
	var err error
	for err == nil {
		_, err = rows.Next()
	}
	if err == io.EOF {
		t.Error("a missing chroma row passes as an end")
	}
}

func BenchmarkPacked420(b *testing.B) {
	h := ycc(2000, 500, [3]PlaneDim{fraction(1, 1, 1, 1), fraction(1, 2, 1, 2), fraction(1, 2, 1, 2)})
	src, err := Hold(source(h, 1, 16), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(2000 * 500)
	for b.Loop() {
		rows := Packed(src.Rows())
		for {
			if _, err := rows.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}
