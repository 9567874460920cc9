package resample

import (
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/raster"
)

var packed = []raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA}

func mustRun(t *testing.T, p *picture, w, h int, o Options) *picture {
	t.Helper()
	r, err := Rows(p, w, h, o)
	if err != nil {
		t.Fatal(err)
	}
	got, err := gather(r)
	if err != nil {
		t.Fatal(err)
	}
	p.y = [3]int{}
	return got
}

// bound is the largest error that the package allows itself: 1 of 255, 2 of 65535.
func bound(bits uint8) float64 {
	if bits == 8 {
		return 1
	}
	return 2
}

func TestKernelsOfOpsAreAllThere(t *testing.T) {
	for _, name := range ops.Kernels() {
		if _, ok := kernels[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
	if len(kernels) != len(ops.Kernels()) {
		t.Errorf("%d kernels, ops has %d", len(kernels), len(ops.Kernels()))
	}
}

func TestAgainstReference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	top := map[string]float64{}
	for _, name := range ops.Kernels() {
		for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
			for _, l := range packed {
				for _, o := range []struct {
					bits   uint8
					linear bool
				}{{8, false}, {16, false}, {8, true}, {16, true}} {
					for range 6 {
						// Sides 1 to 65, factors 1/17 to 9, each way its own.
						w, h := 1+r.IntN(65), 1+r.IntN(65)
						f := func(n int) int {
							return max(1, int(math.Round(float64(n)*math.Exp((r.Float64()*2-1)*math.Log(9)-0.3))))
						}
						ow, oh := f(w), f(h)
						if r.IntN(6) == 0 {
							ow, oh = max(1, w/17), max(1, h/17)
						}
						src := newPicture(raster.NewHeader(w, h, l, o.bits))
						src.band = 1 + r.IntN(5)
						patterns[pattern](src, r)
						got := mustRun(t, src, ow, oh, Options{Kernel: name, Linear: o.linear})
						e := worst(got, src, name, o.linear)
						key := fmt.Sprint(o.bits, " bit, linear ", o.linear, ", alpha ", l.HasAlpha())
						top[key] = max(top[key], e)
						if e > bound(o.bits) {
							t.Errorf("%s %s %v %d bit linear=%v %d×%d to %d×%d: off by %.3f", name, pattern, l, o.bits, o.linear, w, h, ow, oh, e)
						}
					}
				}
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(top)) {
		t.Logf("%s: worst %.3f", k, top[k])
	}
}

// Every size from 1 to 65 to some sizes, gray, all kernels.
func TestEverySize(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, name := range ops.Kernels() {
		for n := 1; n <= 65; n++ {
			for _, m := range []int{1, max(1, n/17), max(1, n/4), max(1, n*2/3), n, n + 1, 9 * n} {
				src := newPicture(raster.NewHeader(n, 66-n, raster.Gray, 8))
				patterns["extremes"](src, r)
				got := mustRun(t, src, m, max(1, m/2), Options{Kernel: name})
				if e := worst(got, src, name, false); e > 1 {
					t.Errorf("%s %d×%d to %d×%d: off by %.3f", name, n, 66-n, m, max(1, m/2), e)
				}
			}
		}
	}
}

func TestExtremeFactors(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct{ w, h, ow, oh int }{
		{5000, 3, 5, 1}, {3, 5000, 1, 5}, {700, 700, 1, 1}, {5000, 2, 1, 2}, {1, 1, 16, 16}, {3, 2, 48, 32}, {2, 1500, 32, 7},
	} {
		for _, l := range []raster.Layout{raster.Gray, raster.RGBA} {
			for _, bits := range []uint8{8, 16} {
				for _, name := range []string{"lanczos3", "triangle"} {
					src := newPicture(raster.NewHeader(c.w, c.h, l, bits))
					patterns["extremes"](src, r)
					got := mustRun(t, src, c.ow, c.oh, Options{Kernel: name})
					if e := worst(got, src, name, false); e > bound(bits) {
						t.Errorf("%s %v %d bit %v: off by %.3f", name, l, bits, c, e)
					}
				}
			}
		}
	}
}

// Reduced decodes deliver a fractional extent; so does 4:2:0 of odd sizes.
func TestFractionalPlanes(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for i := range 60 {
		name := ops.Kernels()[i%len(ops.Kernels())]
		fw, fh := 1+r.IntN(400), 1+r.IntN(400)
		plane := func(n, d int) raster.PlaneDim {
			return raster.PlaneDim{W: (fw*n + d - 1) / d, H: (fh*n + d - 1) / d, NX: n, DX: d, NY: n, DY: d}
		}
		n := 1 + r.IntN(8)
		head := raster.NewHeader(fw, fh, raster.YCbCr, 8)
		c := plane(1+r.IntN(8), 16)
		head.Planes = []raster.PlaneDim{plane(n, 8), c, c}
		src := newPicture(head)
		patterns["random"](src, r)
		w, h := 1+r.IntN(fw), 1+r.IntN(fh)
		got := mustRun(t, src, w, h, Options{Kernel: name})
		for i, want := range [][2]int{{w, h}, {(w + 1) / 2, (h + 1) / 2}, {(w + 1) / 2, (h + 1) / 2}} {
			if d := got.head.Planes[i]; d.W != want[0] || d.H != want[1] {
				t.Fatalf("plane %d of %d×%d: %+v", i, w, h, d)
			}
		}
		if e := worst(got, src, name, false); e > 1 {
			t.Errorf("%s %d×%d by %d/8, chroma %d/16, to %d×%d: off by %.3f", name, fw, fh, n, c.NX, w, h, e)
		}
	}
}

// Planes of a cut picture begin and end within samples; the decoder may deliver more
// samples than the picture covers.
func TestPlanesWithOrigins(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 20))
	for _, name := range ops.Kernels() {
		t.Run(name, func(t *testing.T) {
			for range 40 {
				fw, fh, n := 1+r.IntN(300), 1+r.IntN(300), 1+r.IntN(8)
				plane := func(n, d int) raster.PlaneDim {
					ox, oy := r.IntN(2*d), r.IntN(2*d)
					more := r.IntN(3)
					return raster.PlaneDim{W: (ox+fw*n+d-1)/d + more, H: (oy+fh*n+d-1)/d + more, NX: n, DX: d, NY: n, DY: d, OX: ox, OY: oy}
				}
				head := raster.NewHeader(fw, fh, raster.YCbCr, 8)
				c := plane(n, 16)
				head.Planes = []raster.PlaneDim{plane(n, 8), c, c}
				src := newPicture(head)
				patterns["random"](src, r)
				w, h := 1+r.IntN(fw), 1+r.IntN(2*fh)
				if e := worst(mustRun(t, src, w, h, Options{Kernel: name}), src, name, false); e > 1 {
					t.Errorf("%d×%d as %+v to %d×%d: off by %.3f", fw, fh, head.Planes[0], w, h, e)
				}
			}
		})
	}
}

// What lies outside the picture has no weight: the result of a cut plane does not
// change with it, and a whole origin gives what the cut samples alone give.
func TestSamplesOutsideDoNotCount(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	for _, name := range ops.Kernels() {
		t.Run(name, func(t *testing.T) {
			inner := newPicture(raster.NewHeader(31, 23, raster.RGB, 8))
			patterns["random"](inner, r)
			h := raster.NewHeader(31, 23, raster.RGB, 8)
			h.Planes[0] = raster.PlaneDim{W: 40, H: 30, NX: 1, DX: 1, NY: 1, DY: 1, OX: 5, OY: 3}
			outer := newPicture(h)
			patterns["random"](outer, r)
			for y := range 23 {
				copy(outer.pix[0][3*((y+3)*40+5):], inner.pix[0][3*31*y:3*31*(y+1)])
			}
			for _, size := range [][2]int{{31, 23}, {10, 50}, {62, 7}} {
				a := mustRun(t, inner, size[0], size[1], Options{Kernel: name})
				b := mustRun(t, outer, size[0], size[1], Options{Kernel: name})
				for i, v := range a.pix[0] {
					if d := int(v) - int(b.pix[0][i]); d < -1 || d > 1 { // another pairing of rows rounds differently
						t.Fatalf("to %v: sample %d is %d, want %d", size, i, b.pix[0][i], v)
					}
				}
			}
		})
	}
}

// The centre of mass of a symmetric blob stays within 0.05 output pixel.
func TestNothingShifts(t *testing.T) {
	for _, name := range ops.Kernels() {
		t.Run(name, func(t *testing.T) {
			for _, c := range []struct{ w, n, d, ow int }{
				{120, 8, 8, 7}, {120, 8, 8, 30}, {121, 8, 8, 50}, {121, 8, 8, 120}, {64, 8, 8, 65}, {64, 8, 8, 576},
				{1001, 2, 8, 250}, {1001, 3, 8, 250}, {1003, 5, 8, 502}, {1001, 1, 8, 100},
			} {
				for _, origin := range []int{0, 3, c.d, 2*c.d - 1} {
					checkShift(t, name, c.w, c.n, c.d, origin, c.ow)
				}
			}
		})
	}
}

// checkShift scales a blob in the middle of a picture of w × w pixels, which is seen
// through samples n/d of a pixel wide and begins origin/d samples from the left, to
// ow × ow.
func checkShift(t *testing.T, name string, w, n, d, origin, ow int) {
	t.Helper()
	head := raster.NewHeader(w, w, raster.Gray, 16)
	side := (origin + w*n + d - 1) / d
	head.Planes[0] = raster.PlaneDim{W: side, H: side, NX: n, DX: d, NY: n, DY: d, OX: origin, OY: origin}
	src := newPicture(head)
	extent := float64(w*n) / float64(d)
	centre := float64(origin)/float64(d) + extent/2
	src.fill(func(x, y, _ int) float64 {
		dx, dy := float64(x)+0.5-centre, float64(y)+0.5-centre
		return 0.9 * math.Exp(-(dx*dx+dy*dy)/(0.02*extent*extent))
	})
	got := mustRun(t, src, ow, ow, Options{Kernel: name})
	var mass, mx, my float64
	for at, v := range got.pix[0] {
		mass += float64(v)
		mx += float64(v) * (float64(at%ow) + 0.5)
		my += float64(v) * (float64(at/ow) + 0.5)
	}
	for _, m := range []float64{mx / mass, my / mass} {
		if shift := m - float64(ow)/2; math.Abs(shift) > 0.05 {
			t.Errorf("%d pixels at %d/%d from %d/%d to %d: shifted by %.3f", w, n, d, origin, d, ow, shift)
		}
	}
}

func TestSymmetricStaysSymmetric(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, name := range ops.Kernels() {
		for range 40 {
			w, ow := 1+r.IntN(65), 1+r.IntN(130)
			src := newPicture(raster.NewHeader(w, 1, raster.Gray, 8))
			for x := range (w + 1) / 2 {
				v := uint16(r.IntN(256))
				src.pix[0][x], src.pix[0][w-1-x] = v, v
			}
			got := mustRun(t, src, ow, 1, Options{Kernel: name}).pix[0]
			for x := range ow {
				if d := int(got[x]) - int(got[ow-1-x]); d < -1 || d > 1 {
					t.Errorf("%s %d to %d: %v", name, w, ow, got)
					break
				}
			}
		}
	}
}

// A one-pixel checkerboard at 1/4: 188 in linear light, 128 otherwise.
func TestCheckerboard(t *testing.T) {
	for _, name := range ops.Kernels() {
		for _, l := range packed {
			for _, bits := range []uint8{8, 16} {
				src := newPicture(raster.NewHeader(64, 64, l, bits))
				src.fill(func(x, y, c int) float64 {
					if l.HasAlpha() && c == l.Samples()-1 {
						return 1
					}
					return float64((x + y) % 2)
				})
				for _, linear := range []bool{true, false} {
					want := 127.5
					if linear {
						want = 187.516
					}
					got := mustRun(t, src, 16, 16, Options{Kernel: name, Linear: linear})
					for at, v := range got.pix[0] {
						x, y := at/l.Samples()%16, at/l.Samples()/16
						if l.HasAlpha() && at%l.Samples() == l.Samples()-1 || min(x, y, 15-x, 15-y) < 3 {
							continue
						}
						if d := float64(v)*255/src.top() - want; math.Abs(d) > 1 {
							t.Fatalf("%s %v %d bit linear=%v at %d: %d", name, l, bits, linear, at, v)
						}
					}
				}
			}
		}
	}
}

func TestFlatStaysFlat(t *testing.T) {
	for _, name := range ops.Kernels() {
		for _, l := range packed {
			for _, bits := range []uint8{8, 16} {
				for _, linear := range []bool{false, true} {
					for _, v := range []float64{0, 1. / 255, 0.2, 127. / 255, 254. / 255, 1} {
						src := newPicture(raster.NewHeader(37, 23, l, bits))
						src.fill(func(int, int, int) float64 { return v })
						want := src.pix[0][0]
						if l.HasAlpha() && bits == 8 && v > 0 && v < 0.02 {
							continue // alpha of 1 leaves 6 bits of colour
						}
						got := mustRun(t, src, 50, 9, Options{Kernel: name, Linear: linear})
						for _, g := range got.pix[0] {
							d := math.Abs(float64(g) - float64(want))
							if d > 0 && !(bits == 16 && d <= 1) {
								t.Fatalf("%s %v %d bit linear=%v: %d became %d", name, l, bits, linear, want, g)
							}
						}
					}
				}
			}
		}
	}
}

// White on transparent black keeps white edges.
func TestTransparentHasNoColour(t *testing.T) {
	for _, bits := range []uint8{8, 16} {
		for _, linear := range []bool{false, true} {
			src := newPicture(raster.NewHeader(60, 60, raster.RGBA, bits))
			src.fill(func(x, y, c int) float64 {
				inside := x > 20 && x < 40 && y > 15 && y < 43
				if inside || c == 3 && inside {
					return 1
				}
				return 0
			})
			for _, size := range []int{13, 60, 100} {
				got := mustRun(t, src, size, size, Options{Linear: linear})
				for at := 0; at < len(got.pix[0]); at += 4 {
					if px := got.pix[0][at : at+4]; px[3] > 0 && (px[0] < uint16(got.top()) || px[1] != px[0] || px[2] != px[0]) {
						t.Fatalf("%d bit linear=%v to %d: %v", bits, linear, size, px)
					}
				}
			}
		}
	}
}

// At factor 1, interpolating kernels do not change the samples.
func TestFactorOneIsIdentity(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, name := range []string{"box", "triangle", "catmullrom", "lanczos3"} {
		for _, bits := range []uint8{8, 16} {
			for _, l := range []raster.Layout{raster.Gray, raster.RGB} {
				src := newPicture(raster.NewHeader(31, 17, l, bits))
				patterns["random"](src, r)
				if got := mustRun(t, src, 31, 17, Options{Kernel: name}); !slices.Equal(got.pix[0], src.pix[0]) {
					t.Errorf("%s %v %d bit: samples changed", name, l, bits)
				}
			}
		}
	}
}

// A plane that already has its size is copied while the others are resampled.
func TestChromaOfTheRightSizeIsKept(t *testing.T) {
	h := raster.NewHeader(64, 48, raster.YCbCr, 8)
	c := raster.PlaneDim{W: 8, H: 6, NX: 2, DX: 16, NY: 2, DY: 16}
	h.Planes = []raster.PlaneDim{{W: 24, H: 18, NX: 3, DX: 8, NY: 3, DY: 8}, c, c}
	src := newPicture(h)
	patterns["random"](src, rand.New(rand.NewPCG(17, 18)))
	got := mustRun(t, src, 16, 12, Options{})
	if !slices.Equal(got.pix[1], src.pix[1]) || !slices.Equal(got.pix[2], src.pix[2]) {
		t.Error("chroma changed")
	}
	if e := worst(got, src, "lanczos3", false); e > 1 {
		t.Errorf("off by %.3f", e)
	}
}

func TestOpaqueEqualsWithoutAlpha(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	rgb := newPicture(raster.NewHeader(61, 47, raster.RGB, 8))
	patterns["extremes"](rgb, r)
	rgba := newPicture(raster.NewHeader(61, 47, raster.RGBA, 8))
	for i := range 61 * 47 {
		copy(rgba.pix[0][4*i:], rgb.pix[0][3*i:3*i+3])
		rgba.pix[0][4*i+3] = 255
	}
	a, b := mustRun(t, rgb, 20, 90, Options{}), mustRun(t, rgba, 20, 90, Options{})
	for i := range 20 * 90 {
		for c := range 3 {
			if d := int(a.pix[0][3*i+c]) - int(b.pix[0][4*i+c]); d < -1 || d > 1 {
				t.Fatalf("pixel %d: %v, %v", i, a.pix[0][3*i:3*i+3], b.pix[0][4*i:4*i+4])
			}
		}
		if b.pix[0][4*i+3] != 255 {
			t.Fatalf("pixel %d: alpha %d", i, b.pix[0][4*i+3])
		}
	}
}

func TestHeaderIsKept(t *testing.T) {
	h := raster.NewHeader(10, 20, raster.RGB, 16)
	h.Orientation, h.ICC = 6, []byte("profile")
	h.Density = raster.Density{X: 100, Y: 200, Unit: raster.PerInch}
	r, err := Rows(newPicture(h), 5, 7, Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := r.Header()
	if g.FullW != 5 || g.FullH != 7 || g.W() != 5 || g.H() != 7 || g.Bits != 16 || g.Density != (raster.Density{X: 50, Y: 70, Unit: raster.PerInch}) || g.Orientation != 6 || string(g.ICC) != "profile" || g.Layout != raster.RGB {
		t.Errorf("%+v", g)
	}
	if h.FullW != 10 || h.Planes[0].W != 10 {
		t.Errorf("the source's header was changed: %+v", h)
	}
}

// short ends before its last rows.
type short struct {
	*picture
	left int
	err  error
}

func (s *short) Next() (*raster.Band, error) {
	if s.left--; s.left < 0 {
		return nil, s.err
	}
	return s.picture.Next()
}

func TestEarlyEndIsTruncation(t *testing.T) {
	src := &short{newPicture(raster.NewHeader(10, 30, raster.Gray, 8)), 4, io.EOF}
	r, _ := Rows(src, 5, 15, Options{})
	if _, err := gather(r); fault.Of(err) != fault.Format || !strings.Contains(err.Error(), "truncated after 12 of 30 rows") {
		t.Error(err)
	}
}

// Planes of YCbCr have no linear light one by one, so they become RGB.
func TestLinearOfPlanes(t *testing.T) {
	h := raster.NewHeader(64, 64, raster.YCbCr, 8)
	half := raster.PlaneDim{W: 32, H: 32, NX: 1, DX: 2, NY: 1, DY: 2}
	h.Planes = append(h.Planes, half, half)
	src := newPicture(h)
	src.fill(func(x, y, c int) float64 {
		if c > 0 {
			return 128. / 255
		}
		return float64((x + y) % 2)
	})
	got := mustRun(t, src, 16, 16, Options{Linear: true})
	if got.head.Layout != raster.RGB || len(got.head.Planes) != 1 {
		t.Fatalf("%+v", got.head)
	}
	for _, v := range got.pix[0][3*(16*8+4):][:24] {
		if v < 187 || v > 189 {
			t.Fatalf("%d, want 188", v)
		}
	}
}

// gamma is a tone curve.
type gamma float64

func (g gamma) Decode(x float64) float64 { return math.Pow(x, float64(g)) }
func (g gamma) Encode(y float64) float64 { return math.Pow(y, 1/float64(g)) }

// With curves, each sample of a colour is averaged in the light of its own curve; alpha
// is not touched.
func TestLinearWithCurves(t *testing.T) {
	curves := []raster.Curve{gamma(1), gamma(1.8), gamma(2.4)}
	r := rand.New(rand.NewPCG(23, 24))
	for _, l := range []raster.Layout{raster.Gray, raster.RGB, raster.RGBA} {
		for _, bits := range []uint8{8, 16} {
			t.Run(fmt.Sprint(l, bits), func(t *testing.T) {
				src := newPicture(raster.NewHeader(24, 16, l, bits))
				patterns["random"](src, r)
				n := l.Samples()
				colours := min(n, 3)
				for at := range src.pix[0] { // opaque
					if l == raster.RGBA && at%4 == 3 {
						src.pix[0][at] = uint16(src.top())
					}
				}
				got := mustRun(t, src, 12, 8, Options{Kernel: "box", Linear: true, Curves: curves[3-colours:]})
				for at, v := range got.pix[0] {
					c := at % n
					if c == 3 {
						continue
					}
					curve := curves[3-colours+c]
					x, y := at/n%12, at/n/12
					sum := 0.
					for i := range 4 {
						sum += curve.Decode(float64(src.pix[0][((2*y+i/2)*24+2*x+i%2)*n+c])/src.top()) / 4
					}
					// The table of the curve is coarse where it is steep, near black.
					if want := curve.Encode(sum) * src.top(); math.Abs(float64(v)-want) > 0.8+src.top()/5000 {
						t.Fatalf("sample %d is %d, want %.2f", at, v, want)
					}
				}
			})
		}
	}
}

func TestErrorsOfTheSourceComeThrough(t *testing.T) {
	for _, broken := range []error{fault.New(fault.Format, "bad block"), fault.New(fault.Timeout, "slow")} {
		// After 4 bands the picture is cut; after 10, only something behind it is wrong.
		for _, bands := range []int{4, 10} {
			src := &short{newPicture(raster.NewHeader(10, 30, raster.Gray, 8)), bands, broken}
			r, _ := Rows(src, 5, 15, Options{})
			if _, err := gather(r); err != broken {
				t.Errorf("after %d bands: %v, want %v", bands, err, broken)
			}
			if _, err := r.Next(); err != broken {
				t.Errorf("again: %v, want %v", err, broken)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	gray := func(w, h int) raster.Rows { return newPicture(raster.NewHeader(w, h, raster.Gray, 8)) }
	for _, c := range []struct {
		name string
		src  raster.Rows
		w, h int
		o    Options
		kind fault.Kind
		part string
	}{
		{"kernel", gray(4, 4), 2, 2, Options{Kernel: "sinc"}, fault.Usage, `"sinc"`},
		{"nothing", gray(4, 4), 0, 2, Options{}, fault.Format, "0×2"},
		{"too many pixels", gray(4, 4), 64, 64, Options{Limits: raster.Limits{Pixels: 4000}}, fault.TooLarge, "-maxpixels"},
		{"too much to hold", gray(5000, 100), 2500, 50, Options{Limits: raster.Limits{Mem: 10000}}, fault.TooLarge, "-maxmem"},
		{"indexed", newPicture(raster.NewHeader(4, 4, raster.Indexed, 8)), 2, 2, Options{}, fault.Internal, "indexed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Rows(c.src, c.w, c.h, c.o)
			if err == nil || fault.Of(err) != c.kind || !strings.Contains(err.Error(), c.part) {
				t.Error(err)
			}
		})
	}
}
