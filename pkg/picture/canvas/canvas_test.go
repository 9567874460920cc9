package canvas

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// reference composes in float64 from the definition, each frame on a copy of the
// canvas: pixels are red, green, blue, alpha from 0 to 1.
type reference struct {
	w, h  int
	pix   [][4]float64 // as shown
	after [][4]float64 // as the next frame finds it
}

func (r *reference) frame(f Frame, src [][4]float64) {
	pix := append([][4]float64(nil), r.after...)
	before := append([][4]float64(nil), r.after...)
	r.after = make([][4]float64, len(pix))
	inside := func(x, y int) bool { return image.Pt(x, y).In(f.Rect) }
	for y := range r.h {
		for x := range r.w {
			if !inside(x, y) {
				continue
			}
			s, d := src[(y-f.Rect.Min.Y)*f.Rect.Dx()+x-f.Rect.Min.X], &pix[y*r.w+x]
			if f.Blend == Source {
				*d = s
				continue
			}
			under := d[3] * (1 - s[3])
			if a := s[3] + under; a > 0 {
				for i := range 3 {
					d[i] = (s[i]*s[3] + d[i]*under) / a
				}
				d[3] = a
			}
		}
	}
	r.pix = pix
	for i := range pix {
		switch {
		case !inside(i%r.w, i/r.w) || f.Dispose == None:
			r.after[i] = pix[i]
		case f.Dispose == Previous:
			r.after[i] = before[i]
		}
	}
}

// The canvas is rounded to whole samples after each frame, the reference is not:
// with a few frames the difference stays within two samples, and where alpha is
// low, within two samples of the premultiplied colour.
func TestFramesAreComposedAsDefined(t *testing.T) {
	for _, bits := range []uint8{8, 16} {
		t.Run(fmt.Sprint(bits, " bits"), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, uint64(bits)))
			for range 200 {
				if bits == 8 {
					compose[uint8](t, rnd, bits)
				} else {
					compose[uint16](t, rnd, bits)
				}
			}
		})
	}
}

func compose[T uint8 | uint16](t *testing.T, rnd *rand.Rand, bits uint8) {
	w, h := 1+rnd.IntN(9), 1+rnd.IntN(9)
	c, err := New(w, h, bits, raster.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	ref := &reference{w: w, h: h, after: make([][4]float64, w*h)}
	full := float64(^T(0))
	for n := range 4 {
		x, y := rnd.IntN(w+6)-3, rnd.IntN(h+6)-3
		f := Frame{image.Rect(x, y, x+1+rnd.IntN(w), y+1+rnd.IntN(h)), Disposal(rnd.IntN(3)), Blend(rnd.IntN(2))}
		l := []raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA, raster.RGBA}[rnd.IntN(5)]
		p := &rastertest.Picture[T]{
			H: raster.NewHeader(f.Rect.Dx(), f.Rect.Dy(), l, bits), Band: 1 + rnd.IntN(3),
			S: rastertest.Noise[T](rnd, f.Rect.Dx()*f.Rect.Dy()*l.Samples(), int(full)+1),
		}
		if l.HasAlpha() { // often opaque or transparent
			for i := l.Samples() - 1; i < len(p.S); i += l.Samples() {
				p.S[i] = []T{0, T(full), p.S[i]}[rnd.IntN(3)]
			}
		}
		px, err := rastertest.Pixels(p.Again(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Begin(f); err != nil {
			t.Fatal(err)
		}
		if err := c.Draw(p); err != nil {
			t.Fatal(err)
		}
		ref.frame(f, floats(px))
		got, err := rastertest.Pixels(c.Rows(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range floats(got) {
			want := ref.pix[i]
			for k := range 4 {
				d := math.Abs(g[k] - want[k])
				if k < 3 {
					d *= want[3] // a colour counts as much as it is seen
				}
				if d > 2.5/full {
					t.Fatalf("frame %d %+v: pixel %d is %v, want %v", n, f, i, g, want)
				}
			}
		}
	}
}

func floats(p [][4]uint16) [][4]float64 {
	out := make([][4]float64, len(p))
	for i := range p {
		for k, v := range p[i] {
			out[i][k] = float64(v) / 65535
		}
	}
	return out
}

// One frame over a known pixel, by value: no error adds up here.
func TestBlendOfOnePixelIsRoundedOnce(t *testing.T) {
	for d := range 256 {
		for s := range 256 {
			px := [4]uint8{200, uint8(s), 7, uint8(d)}
			src := [4]uint8{10, uint8(d), 250, uint8(max(s, 1))}
			sa, da := float64(src[3])/255, float64(px[3])/255
			a := sa + da*(1-sa)
			want := [4]float64{3: a * 255}
			for i := range 3 {
				want[i] = (float64(src[i])*sa + float64(px[i])*da*(1-sa)) / a
			}
			over(&px, src)
			for i := range px {
				if math.Abs(float64(px[i])-want[i]) > 0.5001 {
					t.Fatalf("alpha %d over %d: sample %d is %d, want %.3f", s, d, i, px[i], want[i])
				}
			}
		}
	}
}

func TestFramesOfOtherDepthsAndPalettesAreTaken(t *testing.T) {
	at := Frame{Rect: image.Rect(0, 0, 2, 1)}
	for _, bits := range []uint8{8, 16} {
		c, err := New(2, 1, bits, raster.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Begin(at); err != nil {
			t.Fatal(err)
		}
		other := &rastertest.Picture[uint16]{H: raster.NewHeader(2, 1, raster.Gray, 24-bits), S: []uint16{0, 1<<(24-bits) - 1}, Band: 1}
		if err := c.Draw(other); err != nil {
			t.Fatal(err)
		}
		got, err := rastertest.Pixels(c.Rows(), nil)
		if err != nil {
			t.Fatal(err)
		}
		rastertest.Same(t, fmt.Sprint(bits), got, [][4]uint16{{0, 0, 0, 65535}, {65535, 65535, 65535, 65535}})
	}
}

func TestWrongSizeIsRefused(t *testing.T) {
	c, err := New(2, 2, 8, raster.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Begin(Frame{Rect: image.Rect(0, 0, 2, 2)}); err != nil {
		t.Fatal(err)
	}
	p := &rastertest.Picture[uint8]{H: raster.NewHeader(1, 2, raster.Gray, 8), S: make([]uint8, 2), Band: 1}
	if err := c.Draw(p); fault.Of(err) != fault.Internal || err == nil {
		t.Error(err)
	}
}

func TestMemoryIsCheckedBeforeItIsTaken(t *testing.T) {
	for _, c := range []struct {
		bits    uint8
		dispose Disposal
		mem     int64
		ok      bool
	}{
		{8, None, 39999, false}, {8, None, 40000, true}, {16, None, 79999, false}, {16, Background, 80000, true},
		{8, Previous, 79999, false}, {8, Previous, 80000, true}, {16, Previous, 159999, false}, {16, Previous, 160000, true},
	} {
		t.Run(fmt.Sprintf("%d bits, disposal %d, %d bytes", c.bits, c.dispose, c.mem), func(t *testing.T) {
			v, err := New(100, 100, c.bits, raster.Limits{Mem: c.mem})
			if err == nil {
				err = v.Begin(Frame{Rect: image.Rect(-5, -5, 200, 200), Dispose: c.dispose})
			}
			if c.ok != (err == nil) || err != nil && fault.Of(err) != fault.TooLarge {
				t.Error(err)
			}
		})
	}
}

func TestChangesAreTheSmallestRectangle(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		w, h, n := 1+rnd.IntN(20), 1+rnd.IntN(20), 1+rnd.IntN(8)
		a := rastertest.Noise[uint8](rnd, w*h*n, 256)
		b := append([]uint8(nil), a...)
		var want image.Rectangle
		for range rnd.IntN(4) {
			x, y := rnd.IntN(w), rnd.IntN(h)
			i := (y*w+x)*n + rnd.IntN(n)
			b[i] = a[i] ^ 1
			want = want.Union(image.Rect(x, y, x+1, y+1))
		}
		if got := Changes(a, b, w, n); got != want {
			t.Fatalf("%d×%d of %d bytes: %v, want %v", w, h, n, got, want)
		}
	}
}
