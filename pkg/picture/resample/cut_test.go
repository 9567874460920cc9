package resample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/raster"
)

// A cut of the result is a part of the whole result, sample for sample, whatever the
// kernel, the factor, the layout and the depth.
func TestCutIsAPartOfTheWhole(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for name := range kernels {
		for _, c := range []struct {
			inW, inH, w, h int
			cut            geometry.Rect
		}{
			{60, 50, 25, 20, geometry.Rect{X: 4, Y: 3, W: 11, H: 9}},
			{60, 50, 25, 20, geometry.Rect{X: 24, Y: 19, W: 1, H: 1}},
			{60, 50, 25, 20, geometry.Rect{X: 0, Y: 0, W: 25, H: 7}},
			{60, 50, 60, 50, geometry.Rect{X: 5, Y: 7, W: 31, H: 22}},
			{30, 40, 60, 80, geometry.Rect{X: 30, Y: 1, W: 30, H: 40}}, // as many outputs as inputs
			{17, 13, 71, 66, geometry.Rect{X: 50, Y: 33, W: 20, H: 33}},
			{97, 88, 7, 9, geometry.Rect{X: 3, Y: 2, W: 2, H: 6}},
		} {
			for _, layout := range []raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA} {
				for _, bits := range []uint8{8, 16} {
					for _, linear := range []bool{false, true} {
						t.Run(fmt.Sprint(name, c, layout, bits, linear), func(t *testing.T) {
							src := newPicture(raster.NewHeader(c.inW, c.inH, layout, bits))
							patterns["random"](src, rnd)
							whole := resampled(t, src, c.w, c.h, Options{Kernel: name, Linear: linear})
							got := resampled(t, src, c.w, c.h, Options{Kernel: name, Linear: linear, Cut: c.cut})
							samePart(t, got, whole, 0, c.cut.X, c.cut.Y)
						})
					}
				}
			}
		}
	}
}

// Of planes of YCbCr luma is a part of the whole, and chroma is where the part begins at
// its samples. Elsewhere chroma is what the definition says of a part that begins in the
// middle of a sample: here it is a ramp, which must not shift.
func TestCutOfPlanes(t *testing.T) {
	head := raster.NewHeader(120, 100, raster.YCbCr, 8)
	half := raster.PlaneDim{W: 60, H: 50, NX: 1, DX: 2, NY: 1, DY: 2}
	head.Planes = []raster.PlaneDim{raster.Whole(120, 100), half, half}
	src := newPicture(head)
	src.fill(func(x, y, c int) float64 { return float64(2*x+y) / 200 })
	whole := resampled(t, src, 50, 40, Options{})
	even := resampled(t, src, 50, 40, Options{Cut: geometry.Rect{X: 10, Y: 8, W: 20, H: 16}})
	for i, at := range [][2]int{{10, 8}, {5, 4}, {5, 4}} {
		samePart(t, even, whole, i, at[0], at[1])
	}
	odd := resampled(t, src, 50, 40, Options{Cut: geometry.Rect{X: 11, Y: 9, W: 21, H: 15}})
	samePart(t, odd, whole, 0, 11, 9)
	d := odd.head.Planes[1]
	if d.W != 11 || d.H != 8 {
		t.Fatalf("chroma of 21×15 is %d×%d", d.W, d.H)
	}
	for i := range 10 * 7 {
		x, y := i%10, i/10
		// The middle of chroma sample x is 11 + 2x + 1 pixels of 50 to the right.
		cx, cy := float64(12+2*x)/50*60-0.5, float64(10+2*y)/40*50-0.5
		want := (2*cx+cy)/200*255 + 0.0
		if v := float64(odd.pix[1][y*d.W+x]); v < want-0.75 || v > want+0.75 {
			t.Fatalf("chroma %d, %d is %v, want %.2f", x, y, v, want)
		}
	}
}

func resampled(t *testing.T, src *picture, w, h int, o Options) *picture {
	t.Helper()
	src.y = [3]int{}
	rows, err := Rows(src, w, h, o)
	if err != nil {
		t.Fatal(err)
	}
	p, err := gather(rows)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// samePart checks that plane i of part is that of whole from x0, y0 on. Samples of 8 bits
// may differ by one, premultiplied: the fixed point in which they are summed leaves room
// for the weights that there are, and a part may have none of the edges.
func samePart(t *testing.T, part, whole *picture, i, x0, y0 int) {
	t.Helper()
	n := part.head.Layout.Samples()
	d, all := part.head.Planes[i], whole.head.Planes[i]
	for at, v := range part.pix[i] {
		x, y := at/n%d.W+x0, at/n/d.W+y0
		pixel := whole.pix[i][(y*all.W+x)*n:]
		want, alpha, most := pixel[at%n], 1.0, 0.0
		if part.head.Bits == 8 {
			most = 1.01
		}
		if part.head.Layout.HasAlpha() && at%n != n-1 {
			alpha = float64(pixel[n-1]) / whole.top()
		}
		if math.Abs(float64(v)-float64(want))*alpha > most {
			t.Fatalf("plane %d, sample %d at %d, %d: %d, want %d", i, at%n, x-x0, y-y0, v, want)
		}
	}
}
