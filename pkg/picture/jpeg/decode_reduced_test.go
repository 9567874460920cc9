package jpeg

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"math"
	"testing"

	"imgtools/pkg/picture/raster"
)

// pnm decodes the P5 or P6 that djpeg writes.
func pnm(t testing.TB, p []byte) (w, h, n int, pix []byte) {
	t.Helper()
	var kind byte
	var most int
	if _, err := fmt.Sscanf(string(p[:min(len(p), 40)]), "P%c\n%d %d\n%d", &kind, &w, &h, &most); err != nil {
		t.Fatal(err)
	}
	n = 1
	if kind == '6' {
		n = 3
	}
	return w, h, n, p[len(p)-w*h*n:]
}

// at returns a hint that makes a picture of w × h come at n/8.
func at(n, w, h int) raster.Hint {
	if n == 8 {
		return raster.Hint{Luma: true}
	}
	return raster.Hint{Luma: true, GoalW: w * n / 8, GoalH: h * n / 8}
}

// djpeg's sizes of 3, 5, 6 and 7 eighths are n-point transforms, too; those of 1, 2
// and 4 take other coefficients along.
func TestReducedLumaIsWithinOneOfDjpeg(t *testing.T) {
	for _, size := range [][2]int{{128, 96}, {125, 91}} {
		for _, progressive := range []bool{false, true} {
			p := colourful(t, size[0], size[1])
			if progressive {
				p = run(t, p, "jpegtran", "-progressive")
			}
			for _, n := range []int{3, 5, 6, 7, 8} {
				got := mustDecode(t, p, at(n, size[0], size[1]))
				w, h, _, want := pnm(t, run(t, p, "djpeg", "-grayscale", "-scale", fmt.Sprintf("%d/8", n)))
				if got.H.W() != w || got.H.H() != h {
					t.Fatalf("%v at %d/8: %d×%d, not %d×%d", size, n, got.H.W(), got.H.H(), w, h)
				}
				if d := furthest(got.Planes[0].Pix, got.Planes[0].Stride, want, w, w, h); d > 1 {
					t.Errorf("%v at %d/8, progressive %v: differs by %d", size, n, progressive, d)
				}
			}
		}
	}
}

func TestProgressiveAndBaselineReduceAlike(t *testing.T) {
	p := colourful(t, 125, 91)
	q := run(t, p, "jpegtran", "-progressive")
	for n := 1; n <= 8; n++ {
		for _, planar := range []bool{false, true} {
			hint := at(n, 125, 91)
			hint.Luma, hint.Planar = false, planar
			a, b := mustDecode(t, p, hint), mustDecode(t, q, hint)
			for i := range a.H.Planes {
				if !bytes.Equal(a.Planes[i].Pix, b.Planes[i].Pix) {
					t.Errorf("%d/8, planar %v: plane %d differs", n, planar, i)
				}
			}
		}
	}
}

// A ramp goes through the same values at the same places at all sizes: nothing shifts.
func TestReductionDoesNotShift(t *testing.T) {
	const side = 256
	m := image.NewGray(image.Rect(0, 0, side, side))
	value := func(x float64) float64 { return 20 + x*0.8 }
	for y := range side {
		for x := range side {
			m.SetGray(x, y, color.Gray{Y: uint8(math.Round(value(float64(x)+float64(y)*0) / 1))})
		}
	}
	var out bytes.Buffer
	if err := stdjpeg.Encode(&out, m, &stdjpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 8; n++ {
		held := mustDecode(t, out.Bytes(), at(n, side, side))
		if d := held.H.Planes[0]; d.NX*8 != n*d.DX {
			t.Fatalf("%d/8: extent %d/%d", n, d.NX, d.DX)
		}
		sum, count := 0.0, 0
		for x := 1; x < held.H.W()-1; x++ {
			want := value((float64(x)+0.5)*8/float64(n) - 0.5)
			sum += float64(held.Planes[0].Pix[x]) - want
			count++
		}
		// a shift of 0.05 of a reduced sample is 0.05·8/n·0.8 in value; rounding
		// to samples takes a part of it
		if mean := sum / float64(count); math.Abs(mean) > 0.15 {
			t.Errorf("%d/8: values are off by %.3f", n, mean)
		}
	}
}

func TestPlanesHaveTheirExactExtents(t *testing.T) {
	p := colourful(t, 1001, 75) // 4:2:0
	for _, c := range []struct {
		goalW, goalH int
		fine         bool
		y, cb        raster.PlaneDim
	}{
		{250, 19, false, raster.PlaneDim{W: 251, H: 19, NX: 2, DX: 8, NY: 2, DY: 8}, raster.PlaneDim{W: 126, H: 10, NX: 2, DX: 16, NY: 2, DY: 16}},
		{250, 19, true, raster.PlaneDim{W: 376, H: 29, NX: 3, DX: 8, NY: 3, DY: 8}, raster.PlaneDim{W: 126, H: 10, NX: 2, DX: 16, NY: 2, DY: 16}},
		{0, 0, false, raster.Whole(1001, 75), raster.PlaneDim{W: 501, H: 38, NX: 1, DX: 2, NY: 1, DY: 2}},
	} {
		h := mustDecode(t, p, raster.Hint{Planar: true, GoalW: c.goalW, GoalH: c.goalH, Fine: c.fine}).H
		if h.Planes[0] != c.y || h.Planes[1] != c.cb || h.Planes[2] != c.cb {
			t.Errorf("to %d×%d: %v", c.goalW, c.goalH, h.Planes)
		}
	}
}

func TestReductionChooses(t *testing.T) {
	for _, c := range []struct {
		w, h, gw, gh int
		fine, named  bool
		n            int
	}{
		{4032, 3024, 1008, 756, false, false, 2},
		{4032, 3024, 1008, 756, true, false, 3},
		{4032, 3024, 1008, 756, true, true, 4},
		{4032, 3024, 2016, 1512, false, false, 4},
		{1001, 750, 100, 75, false, false, 1},
		{1001, 750, 250, 188, false, false, 2}, // a quarter, rounded
		{1000, 1000, 300, 300, false, false, 3},
		{1000, 1000, 900, 900, false, false, 8},
		{1000, 1000, 1000, 1000, false, false, 8},
		{1000, 1000, 2000, 2000, false, false, 8},
		{1000, 1000, 10, 900, false, false, 8}, // the side that is shrunk less decides
		{1000, 1000, 1, 1, false, false, 1},
		{1, 1, 1, 1, false, false, 8},
		{65535, 1, 8192, 1, false, false, 8},
	} {
		if n := Reduction(c.w, c.h, c.gw, c.gh, c.fine, c.named); n != c.n {
			t.Errorf("%d×%d to %d×%d, fine %v, named %v: %d/8, not %d/8", c.w, c.h, c.gw, c.gh, c.fine, c.named, n, c.n)
		}
	}
}

func TestLumaIsPlaneY(t *testing.T) {
	for _, name := range corpus(t) {
		p := read(t, name)
		planar := mustDecode(t, p, raster.Hint{Planar: true})
		if planar.H.Layout != raster.YCbCr {
			continue
		}
		luma := mustDecode(t, p, raster.Hint{Luma: true})
		if luma.H.Layout != raster.Gray || !bytes.Equal(luma.Planes[0].Pix, planar.Planes[0].Pix) {
			t.Errorf("%s: luma is another", name)
		}
	}
}

func TestRGBIsWithinTwoOfDjpeg(t *testing.T) {
	for _, name := range []string{"base_1x1.jpg", "base_2x1.jpg", "base_2x2.jpg", "prog_2x2.jpg", "rgb.jpg", "gray.jpg"} {
		p := read(t, name)
		got := mustDecode(t, p, raster.Hint{})
		w, h, n, want := pnm(t, run(t, p, "djpeg"))
		if got.H.Layout.Samples() != n || got.H.W() != w || got.H.H() != h {
			t.Fatalf("%s: %v", name, got.H)
		}
		if d := furthest(got.Planes[0].Pix, got.Planes[0].Stride, want, w*n, w*n, h); d > 2 {
			t.Errorf("%s: differs by %d", name, d)
		}
	}
}
