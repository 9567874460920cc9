package raster_test

import (
	"fmt"
	"image/color"
	"math/rand/v2"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// noisy is a picture of one plane with random samples, in bands of band rows.
func noisy[T uint8 | uint16](w, h int, l raster.Layout, bits uint8, band int) *rastertest.Picture[T] {
	head := raster.NewHeader(w, h, l, bits)
	return &rastertest.Picture[T]{H: head, S: rastertest.Noise[T](rand.New(rand.NewPCG(7, 8)), w*h*l.Samples(), 1<<bits-1), Band: band}
}

func testCrop[T uint8 | uint16](t *testing.T, bits uint8) {
	const w, h = 23, 19
	for _, l := range []raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA} {
		for _, band := range []int{1, 4, 100} {
			for _, r := range []geometry.Rect{{X: 0, Y: 0, W: w, H: h}, {X: 3, Y: 5, W: 7, H: 9}, {X: 22, Y: 18, W: 1, H: 1}, {X: 0, Y: 0, W: 5, H: 1}, {X: 1, Y: 12, W: 22, H: 7}} {
				t.Run(fmt.Sprint(l, bits, band, r), func(t *testing.T) {
					src := noisy[T](w, h, l, bits, band)
					n := l.Samples()
					var want []uint16
					for y := r.Y; y < r.Y+r.H; y++ {
						for _, v := range src.S[(y*w+r.X)*n : (y*w+r.X+r.W)*n] {
							want = append(want, uint16(v))
						}
					}
					rest := 0
					for _, walk := range []bool{true, false} {
						again := src.Again()
						got, err := rastertest.Samples(raster.Crop(again, r, walk, func() { rest++ }))
						if err != nil {
							t.Fatal(err)
						}
						rastertest.Same(t, fmt.Sprint("walk ", walk), got, want)
						if walk && again.Y != h {
							t.Errorf("%d of %d rows were read", again.Y, h)
						}
						if below := !walk && again.Y < h; rest != map[bool]int{true: 1}[below] {
							t.Errorf("walk %v, read to row %d: said so %d times", walk, again.Y, rest)
						}
					}
				})
			}
		}
	}
}

func TestCrop(t *testing.T) {
	testCrop[uint8](t, 8)
	testCrop[uint16](t, 16)
	for _, r := range []geometry.Rect{{X: -1, Y: 0, W: 3, H: 3}, {X: 0, Y: 0, W: 0, H: 3}, {X: 2, Y: 0, W: 9, H: 3}, {X: 0, Y: 8, W: 3, H: 3}} {
		if _, err := raster.Crop(noisy[uint8](10, 10, raster.Gray, 8, 3), r, true, nil); fault.Of(err) != fault.Internal {
			t.Errorf("%s of 10×10: %v", r, err)
		}
	}
}

// Planes keep every sample that the part touches, and say where it begins in the first.
func TestCropOfReducedPlanes(t *testing.T) {
	h := raster.NewHeader(1001, 750, raster.YCbCr, 8)
	h.Planes = []raster.PlaneDim{
		{W: 376, H: 282, NX: 3, DX: 8, NY: 3, DY: 8},  // 375.375 and 281.25 samples
		{W: 126, H: 94, NX: 2, DX: 16, NY: 2, DY: 16}, // 125.125 and 93.75
		{W: 126, H: 94, NX: 2, DX: 16, NY: 2, DY: 16},
	}
	got, err := raster.Crop(raster.WithHeader(noisy[uint8](1, 1, raster.Gray, 8, 1), h), geometry.Rect{X: 101, Y: 50, W: 300, H: 700}, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Luma from 303/8 = 37 7/8 to 1203/8 = 150 3/8; rows from 150/8 = 18 6/8 to 281 2/8.
	// Chroma from 202/16 = 12 10/16 to 802/16 = 50 2/16; rows from 100/16 = 6 4/16 to 93 12/16.
	want := []raster.PlaneDim{
		{W: 151 - 37, H: 282 - 18, NX: 3, DX: 8, NY: 3, DY: 8, OX: 7, OY: 6},
		{W: 51 - 12, H: 94 - 6, NX: 2, DX: 16, NY: 2, DY: 16, OX: 10, OY: 4},
		{W: 51 - 12, H: 94 - 6, NX: 2, DX: 16, NY: 2, DY: 16, OX: 10, OY: 4},
	}
	to := got.Header()
	rastertest.Same(t, "planes", to.Planes, want)
	if to.FullW != 300 || to.FullH != 700 {
		t.Errorf("the part is %d×%d", to.FullW, to.FullH)
	}
	if h.OnSamples(101, 50) || !h.OnSamples(16, 32) || h.OnSamples(4, 32) {
		t.Error("OnSamples")
	}
}

// A part of the upright picture lies where turning brings it from.
func TestStored(t *testing.T) {
	const w, h = 5, 4 // upright
	r := geometry.Rect{X: 1, Y: 0, W: 3, H: 2}
	for o := uint8(1); o <= 8; o++ {
		storedW, storedH := w, h
		if raster.Swaps(o) {
			storedW, storedH = h, w
		}
		turned := func(part geometry.Rect, whole bool) []uint16 {
			src := noisy[uint8](storedW, storedH, raster.Gray, 8, 2)
			src.H.Orientation = o
			rows := raster.Rows(src)
			var err error
			if !whole {
				if rows, err = raster.Crop(rows, part, true, nil); err != nil {
					t.Fatal(err)
				}
			}
			got, err := rastertest.Samples(raster.Upright(rows, raster.Limits{}))
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		all := turned(r, true)
		var want []uint16
		for y := r.Y; y < r.Y+r.H; y++ {
			want = append(want, all[y*w+r.X:y*w+r.X+r.W]...)
		}
		rastertest.Same(t, fmt.Sprint("orientation ", o), turned(raster.Stored(r, w, h, o), false), want)
	}
}

func testPad[T uint8 | uint16](t *testing.T, bits uint8) {
	scale := uint16(1)
	if bits == 16 {
		scale = 257
	}
	for _, c := range []struct {
		layout, becomes raster.Layout
		page            color.NRGBA
		pixel           []uint16
	}{
		{raster.Gray, raster.Gray, color.NRGBA{9, 9, 9, 255}, []uint16{9}},
		{raster.Gray, raster.RGB, color.NRGBA{9, 8, 7, 255}, []uint16{9, 8, 7}},
		{raster.RGB, raster.RGB, color.NRGBA{9, 8, 7, 255}, []uint16{9, 8, 7}},
		{raster.RGBA, raster.RGBA, color.NRGBA{9, 8, 7, 255}, []uint16{9, 8, 7, 255}},
	} {
		for _, at := range [][4]int{{7, 5, 0, 0}, {9, 5, 1, 0}, {7, 100, 0, 70}, {20, 6, 13, 1}} {
			t.Run(fmt.Sprint(c.layout, c.becomes, bits, at), func(t *testing.T) {
				src := noisy[T](7, 5, c.layout, bits, 2)
				rows, err := raster.Pad(src.Again(), at[0], at[1], at[2], at[3], c.page)
				if err != nil {
					t.Fatal(err)
				}
				if rows.Header().Layout != c.becomes {
					t.Fatalf("became %v", rows.Header().Layout)
				}
				got, err := rastertest.Samples(rows, nil)
				if err != nil {
					t.Fatal(err)
				}
				n, m := c.becomes.Samples(), c.layout.Samples()
				var want []uint16
				for i := range at[0] * at[1] * n {
					x, y, k := i/n%at[0]-at[2], i/n/at[0]-at[3], i%n
					if x < 0 || x >= 7 || y < 0 || y >= 5 {
						want = append(want, c.pixel[k]*scale)
					} else {
						want = append(want, uint16(src.S[(y*7+x)*m+min(k, m-1)]))
					}
				}
				rastertest.Same(t, "samples", got, want)
			})
		}
	}
}

func TestPad(t *testing.T) {
	testPad[uint8](t, 8)
	testPad[uint16](t, 16)
	if _, err := raster.Pad(noisy[uint8](7, 5, raster.Gray, 8, 2), 7, 6, 1, 0, color.NRGBA{}); fault.Of(err) != fault.Internal {
		t.Errorf("a page that is too narrow: %v", err)
	}
}

// A picture that ends early does so on a page, too.
func TestPadOfATruncatedPicture(t *testing.T) {
	src := noisy[uint8](7, 5, raster.Gray, 8, 2)
	rows, err := raster.Pad(src, 9, 9, 1, 1, color.NRGBA{})
	if err != nil {
		t.Fatal(err)
	}
	src.Y = 2 // two rows are missing
	if _, err := rastertest.Samples(rows, nil); fault.Of(err) != fault.Format {
		t.Errorf("%v", err)
	}
}
