package attention

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// painted is a picture of one plane whose samples f gives.
func painted[T uint8 | uint16](w, h int, l raster.Layout, bits uint8, f func(x, y, c int) T) raster.Rows {
	n := l.Samples()
	pix := make([]T, w*h*n)
	for i := range pix {
		pix[i] = f(i/n%w, i/n/w, i%n)
	}
	return &rastertest.Picture[T]{H: raster.NewHeader(w, h, l, bits), S: pix, Band: 7}
}

// find returns the focus as a part of the sides.
func find(t *testing.T, src raster.Rows) (x, y float64) {
	t.Helper()
	i, j, w, h, err := Find(src)
	if err != nil {
		t.Fatal(err)
	}
	if w < 1 || h < 1 || w > Side || h > Side || i < 0 || j < 0 || i >= w || j >= h {
		t.Fatalf("focus %d, %d of a map of %d×%d", i, j, w, h)
	}
	return (float64(i) + 0.5) / float64(w), (float64(j) + 0.5) / float64(h)
}

// The focus lies on noise in a smooth picture, on a strong colour in a gray one, and in
// the middle when there is nothing, whatever the layout, the depth and the size.
func TestFocus(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := make([]uint8, 1<<16)
	for i := range noise {
		noise[i] = uint8(rnd.UintN(256))
	}
	for _, size := range [][2]int{{1, 1}, {2, 1}, {40, 30}, {256, 256}, {257, 100}, {1000, 700}, {190, 1300}} {
		w, h := size[0], size[1]
		in := func(x, y int) bool { // a tenth of the sides, around 70 % and 30 %
			return 20*x > 13*w && 20*x < 15*w && 20*y > 5*h && 20*y < 7*h
		}
		ramp := func(x, y int) uint8 { return uint8(80 + 40*x/w) }
		busy := func(x, y, c int) uint8 {
			if in(x, y) {
				return noise[(x*31+y*977+c*7)%len(noise)]
			}
			return ramp(x, y)
		}
		for name, src := range map[string]raster.Rows{
			"gray":    painted(w, h, raster.Gray, 8, busy),
			"rgb":     painted(w, h, raster.RGB, 8, busy),
			"gray 16": painted(w, h, raster.Gray, 16, func(x, y, c int) uint16 { return uint16(busy(x, y, c)) * 257 }),
			"alpha": painted(w, h, raster.GrayA, 8, func(x, y, c int) uint8 { // busy where nothing is seen
				switch {
				case c == 1 && in(x, y):
					return 255
				case c == 1:
					return 0
				}
				return noise[(x*31+y*977)%len(noise)]
			}),
			"colour": painted(w, h, raster.RGB, 8, func(x, y, c int) uint8 {
				if in(x, y) {
					return [3]uint8{200, 40, 40}[c]
				}
				return ramp(x, y)
			}),
		} {
			t.Run(fmt.Sprint(name, " ", w, "x", h), func(t *testing.T) {
				x, y := find(t, src)
				if w >= 40 && (x < 0.6 || x > 0.8 || y < 0.2 || y > 0.4) {
					t.Errorf("focus at %.2f, %.2f, want 0.7, 0.3", x, y)
				}
			})
		}
		if x, y := find(t, painted(w, h, raster.RGB, 8, func(x, y, c int) uint8 { return 77 })); w >= 40 && (x < 0.47 || x > 0.53 || y < 0.47 || y > 0.53) {
			t.Errorf("%d×%d without detail: focus at %.3f, %.3f", w, h, x, y)
		}
	}
}

// The mean of a cell counts all its pixels, those of the last, smaller ones, too.
func TestCellsAreMeans(t *testing.T) {
	m, err := newMap(painted(257, 3, raster.Gray, 8, func(x, y, c int) uint8 { return uint8(x % 3 * 60) }))
	if err != nil || m.w != 86 || m.h != 1 {
		t.Fatalf("%d×%d, %v", m.w, m.h, err)
	}
	for i, v := range m.rgb[0] {
		if i == 85 { // columns 255 and 256
			v *= 2
		}
		if v != 60 {
			t.Fatalf("cell %d is %v, want 60", i, v)
		}
	}
}
