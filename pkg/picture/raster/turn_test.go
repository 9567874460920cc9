package raster

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"imgtools/pkg/fault"
)

// stored says, for EXIF orientation o, which stored pixel of a w × h picture is
// seen at x, y: the definitions of CIPA DC-008 4.6.5.1, written out one by one.
// 0th row and 0th column of the stored picture are: 1 top, left; 2 top, right;
// 3 bottom, right; 4 bottom, left; 5 left, top; 6 right, top; 7 right, bottom;
// 8 left, bottom.
func stored(o uint8, w, h, x, y int) (int, int) {
	switch o {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	}
	return x, y
}

func TestUprightOfEveryOrientationAndLayout(t *testing.T) {
	for o := uint8(1); o <= 8; o++ {
		for _, l := range []Layout{Gray, GrayA, RGB, RGBA, Indexed} {
			for _, bits := range []uint8{8, 16} {
				for _, size := range [][2]int{{1, 1}, {5, 1}, {1, 5}, {3, 4}, {130, 70}, {65, 129}} {
					name := fmt.Sprintf("orientation %d of %v %d bit %v", o, l, bits, size)
					w, h := size[0], size[1]
					head := NewHeader(w, h, l, bits)
					head.Orientation = o
					src := source(head, uint64(o), 3)
					up, err := Upright(src, Limits{})
					if err != nil {
						t.Fatal(name, err)
					}
					uh := up.Header()
					ow, oh := head.OrientedSize()
					if uh.W() != ow || uh.H() != oh || uh.FullW != ow || uh.FullH != oh || uh.Orientation != 1 || uh.Layout != l {
						t.Fatalf("%s: header %+v", name, uh)
					}
					got := read(t, up)[0]
					n := l.Samples()
					for y := range oh {
						for x := range ow {
							sx, sy := stored(o, w, h, x, y)
							if !slices.Equal(got[(y*ow+x)*n:(y*ow+x+1)*n], src.pix[0][(sy*w+sx)*n:(sy*w+sx+1)*n]) {
								t.Fatalf("%s: at %d, %d is not stored pixel %d, %d", name, x, y, sx, sy)
							}
						}
					}
				}
			}
		}
	}
}

// Turning planes and packing commute where planes end in whole samples; elsewhere
// the planes must be packed first. Either way the colours are the same.
func TestUprightOfPlanesIsThatOfTheColours(t *testing.T) {
	half := fraction(1, 2, 1, 2)
	for o := uint8(1); o <= 8; o++ {
		for _, size := range [][2]int{{16, 8}, {15, 8}, {16, 7}, {7, 9}, {1, 1}} {
			for _, c := range []PlaneDim{half, fraction(1, 2, 1, 1), fraction(1, 1, 1, 1)} {
				head := ycc(size[0], size[1], [3]PlaneDim{fraction(1, 1, 1, 1), c, c})
				head.Orientation = o
				up, err := Upright(source(head, 5, 4), Limits{})
				if err != nil {
					t.Fatal(err)
				}
				want, err := Upright(Packed(source(head, 5, 4)), Limits{})
				if err != nil {
					t.Fatal(err)
				}
				if w, h := head.OrientedSize(); up.Header().FullW != w || up.Header().FullH != h {
					t.Fatalf("orientation %d %v: %+v", o, size, up.Header())
				}
				a, b := read(t, Packed(up))[0], read(t, want)[0]
				if len(a) != len(b) {
					t.Fatalf("orientation %d %v: %d samples, want %d", o, size, len(a), len(b))
				}
				for i := range a {
					if d := int(a[i]) - int(b[i]); d < -2 || d > 2 { // the order of rounding
						t.Fatalf("orientation %d %v chroma %v: sample %d is %d, want %d", o, size, c, i, a[i], b[i])
					}
				}
			}
		}
	}
}

func (d PlaneDim) sized(w, h int) PlaneDim {
	d.W, d.H = w, h
	return d
}

// A gray plane reduced to 3/8 ends within a sample. Mirrored, it begins within one,
// and the same samples still lie on the same places of the picture.
func TestUprightMovesTheOrigin(t *testing.T) {
	for o := uint8(1); o <= 8; o++ {
		t.Run(fmt.Sprint(o), func(t *testing.T) {
			h := NewHeader(17, 21, Gray, 8)
			h.Planes[0] = fraction(3, 8, 3, 8).from(2, 5)
			d := &h.Planes[0]
			d.W, d.H = (d.OX+17*3+7)/8, (d.OY+21*3+7)/8
			h.Orientation = o
			up, err := Upright(source(h, 1, 2), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			// centre is the place in the picture, 0 to 1, of sample i of n.
			centre := func(i, origin, full int) float64 {
				return (float64(i) + 0.5 - float64(origin)/8) / (float64(full) * 3 / 8)
			}
			u, uh := up.Header().Planes[0], up.Header()
			for y := range u.H {
				for x := range u.W {
					sx, sy := stored(o, d.W, d.H, x, y)
					// The place of the stored sample, turned as a picture of 1 × 1 is.
					px, py := centre(sx, d.OX, 17), centre(sy, d.OY, 21)
					mx, my := Mirrors(o)
					if mx {
						px = 1 - px
					}
					if my {
						py = 1 - py
					}
					if Swaps(o) {
						px, py = py, px
					}
					if gx, gy := centre(x, u.OX, uh.FullW), centre(y, u.OY, uh.FullH); math.Abs(gx-px) > 1e-9 || math.Abs(gy-py) > 1e-9 {
						t.Fatalf("sample %d, %d lies at %.3f, %.3f, want %.3f, %.3f", x, y, gx, gy, px, py)
					}
				}
			}
		})
	}
}

func TestUprightSwapsTheDensity(t *testing.T) {
	h := NewHeader(4, 2, Gray, 8)
	h.Density = Density{300, 150, PerInch}
	for o := uint8(1); o <= 8; o++ {
		h.Orientation = o
		want := Density{300, 150, PerInch}
		if o >= 5 {
			want = Density{150, 300, PerInch}
		}
		up, err := Upright(source(h, 1, 1), Limits{})
		if err != nil || up.Header().Density != want {
			t.Errorf("orientation %d: %+v, %v", o, up.Header().Density, err)
		}
	}
}

func TestDensityScales(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Density
		x, y float64
		want Density
	}{
		{"half", Density{300, 300, PerInch}, 0.5, 0.5, Density{150, 150, PerInch}},
		{"each way its own", Density{100, 100, PerCM}, 2, 0.25, Density{200, 25, PerCM}},
		{"ratio, same shape", Density{1, 1, Aspect}, 0.251, 0.25, Density{1, 1, Aspect}},
		{"ratio, stretched", Density{1, 1, Aspect}, 1, 0.5, Density{2, 1, Aspect}},
		{"unknown", Density{}, 3, 1, Density{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.in.Scaled(c.x, c.y); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestEvenPlanesStayPlanes(t *testing.T) {
	head := ycc(16, 8, [3]PlaneDim{fraction(1, 1, 1, 1), fraction(1, 2, 1, 1), fraction(1, 2, 1, 1)})
	head.Orientation = 6
	up, err := Upright(source(head, 1, 1), Limits{})
	if err != nil || up.Header().Layout != YCbCr || up.Header().Planes[1] != fraction(1, 1, 1, 2).sized(8, 8) {
		t.Errorf("%+v, %v", up.Header(), err)
	}
}

func TestHoldAsksFirst(t *testing.T) {
	head := NewHeader(1000, 1000, RGB, 16)
	head.Orientation = 6
	src := source(head, 1, 1)
	if _, err := Upright(src, Limits{Mem: 5_999_999}); fault.Of(err) != fault.TooLarge {
		t.Errorf("6 MB in 5999999 bytes: %v", err)
	}
	if src.done[0] != 0 {
		t.Error("rows were read before the limit was")
	}
	if _, err := Upright(src, Limits{Mem: 6_000_000}); err != nil {
		t.Error(err)
	}
}

func TestEachRefusesWrongNumbersOfRows(t *testing.T) {
	h := NewHeader(2, 4, Gray, 8)
	few := source(h, 1, 1)
	few.done[0] = 1
	if err := Each(few, func(_, _ int, _ Plane) bool { return true }); fault.Of(err) != fault.Internal || err == nil {
		t.Errorf("3 of 4 rows: %v", err)
	}
	many := WithHeader(source(h, 1, 3), NewHeader(2, 3, Gray, 8))
	if err := Each(many, func(_, _ int, _ Plane) bool { return true }); err == nil {
		t.Error("4 of 3 rows: no error")
	}
}

func TestHeldRowsAreThePicture(t *testing.T) {
	h := ycc(9, 200, [3]PlaneDim{fraction(1, 1, 1, 1), fraction(1, 2, 1, 2), fraction(1, 2, 1, 2)})
	src := source(h, 8, 33)
	held, err := Hold(src, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, held.Rows()); !slices.Equal(got[0], src.pix[0]) || !slices.Equal(got[1], src.pix[1]) || !slices.Equal(got[2], src.pix[2]) {
		t.Error("another picture came out")
	}
}
