package raster

import (
	"image/color"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// lumaOf is the definition of each luma, in float64, of values from 0 to 1.
func lumaOf(l Luma, r, g, b float64) float64 {
	lin := func(v float64) float64 {
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	switch l {
	case Rec601:
		return 0.299*r + 0.587*g + 0.114*b
	case Rec709:
		return 0.2126*r + 0.7152*g + 0.0722*b
	}
	y := 0.2126*lin(r) + 0.7152*lin(g) + 0.0722*lin(b)
	if y <= 0.0031308 {
		return 12.92 * y
	}
	return 1.055*math.Pow(y, 1/2.4) - 0.055
}

// gray1 grays one pixel of n samples of the given depth.
func gray1(t *testing.T, l Luma, bits uint8, s []uint16) []uint16 {
	t.Helper()
	src := &planes{h: NewHeader(1, 1, map[int]Layout{3: RGB, 4: RGBA}[len(s)], bits)}
	src.pix[0] = s
	return read(t, Grayed(src, l))[0]
}

// The table of gray(1).
func TestLumaOfTheTableInTheManual(t *testing.T) {
	for _, c := range []struct {
		name   string
		rgb    [3]uint16
		want8  [3]uint16
		want16 [3]uint16
	}{
		{"red", [3]uint16{255, 0, 0}, [3]uint16{76, 54, 127}, [3]uint16{19595, 13933, 32665}},
		{"green", [3]uint16{0, 255, 0}, [3]uint16{150, 182, 220}, [3]uint16{38469, 46871, 56523}},
		{"blue", [3]uint16{0, 0, 255}, [3]uint16{29, 18, 76}, [3]uint16{7471, 4732, 19522}},
		{"cyan", [3]uint16{0, 255, 255}, [3]uint16{179, 201, 229}, [3]uint16{45940, 51602, 58981}},
		{"magenta", [3]uint16{255, 0, 255}, [3]uint16{105, 73, 145}, [3]uint16{27066, 18664, 37364}},
		{"yellow", [3]uint16{255, 255, 0}, [3]uint16{226, 237, 247}, [3]uint16{58064, 60803, 63410}},
		{"white", [3]uint16{255, 255, 255}, [3]uint16{255, 255, 255}, [3]uint16{65535, 65535, 65535}},
		{"black", [3]uint16{0, 0, 0}, [3]uint16{0, 0, 0}, [3]uint16{0, 0, 0}},
	} {
		for l := Rec601; l <= Luminance; l++ {
			if got := gray1(t, l, 8, c.rgb[:]); got[0] != c.want8[l] {
				t.Errorf("%s, luma %d, 8 bit: %d, want %d", c.name, l, got[0], c.want8[l])
			}
			wide := []uint16{c.rgb[0] * 257, c.rgb[1] * 257, c.rgb[2] * 257}
			if got := gray1(t, l, 16, wide); got[0] != c.want16[l] {
				t.Errorf("%s, luma %d, 16 bit: %d, want %d", c.name, l, got[0], c.want16[l])
			}
			// Half transparent: the same gray, the same alpha.
			if got := gray1(t, l, 8, append(c.rgb[:3:3], 128)); !slices.Equal(got, []uint16{c.want8[l], 128}) {
				t.Errorf("half %s, luma %d, 8 bit: %v", c.name, l, got)
			}
			if got := gray1(t, l, 16, append(wide, 32896)); !slices.Equal(got, []uint16{c.want16[l], 32896}) {
				t.Errorf("half %s, luma %d, 16 bit: %v", c.name, l, got)
			}
			if got := l.Color(color.NRGBA{uint8(c.rgb[0]), uint8(c.rgb[1]), uint8(c.rgb[2]), 128}); got != (color.NRGBA{uint8(c.want8[l]), uint8(c.want8[l]), uint8(c.want8[l]), 128}) {
				t.Errorf("half %s in a palette, luma %d: %v", c.name, l, got)
			}
		}
	}
}

// The result is the sample nearest to the definition; near a tie either neighbour.
func TestLumaAgainstItsDefinition(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	for l := Rec601; l <= Luminance; l++ {
		for _, bits := range []uint8{8, 16} {
			full := float64(uint32(1)<<bits - 1)
			worst := 0.0
			src := &planes{h: NewHeader(500, 200, RGB, bits), step: 9}
			for i := range 3 * 500 * 200 {
				v := rnd.IntN(1 << bits)
				if i%7 < 3 { // dark colours, where the curve is steep
					v >>= 4
				}
				src.pix[0] = append(src.pix[0], uint16(v))
			}
			for i, got := range read(t, Grayed(src, l))[0] {
				s := src.pix[0][3*i:]
				want := full * lumaOf(l, float64(s[0])/full, float64(s[1])/full, float64(s[2])/full)
				worst = max(worst, math.Abs(float64(got)-want))
			}
			if worst > 0.55 {
				t.Errorf("luma %d, %d bit: off by %.3f", l, bits, worst)
			}
		}
	}
}

func TestGraysStayThemselves(t *testing.T) {
	for l := Rec601; l <= Luminance; l++ {
		for _, bits := range []uint8{8, 16} {
			src := &planes{h: NewHeader(1<<(bits/2), 1<<(bits/2), RGB, bits), step: 3}
			for v := range 1 << bits {
				src.pix[0] = append(src.pix[0], uint16(v), uint16(v), uint16(v))
			}
			for v, got := range read(t, Grayed(src, l))[0] {
				if int(got) != v {
					t.Fatalf("luma %d, %d bit: gray %d became %d", l, bits, v, got)
				}
			}
		}
	}
}

func TestRec601EqualsTheStandardLibrary(t *testing.T) {
	for r := 0; r < 256; r += 5 {
		for g := 0; g < 256; g += 3 {
			for b := 0; b < 256; b += 7 {
				want := color.GrayModel.Convert(color.NRGBA{uint8(r), uint8(g), uint8(b), 255}).(color.Gray).Y
				got := Rec601.Color(color.NRGBA{uint8(r), uint8(g), uint8(b), 255}).R
				y, _, _ := color.RGBToYCbCr(uint8(r), uint8(g), uint8(b))
				// GrayModel truncates to 8 bits; JPEG rounds.
				if d := int(got) - int(want); got != y || d < -1 || d > 1 {
					t.Fatalf("%d %d %d: %d, GrayModel %d, Y %d", r, g, b, got, want, y)
				}
			}
		}
	}
}

func TestGrayedLayoutsAndProfile(t *testing.T) {
	every(t, func(t *testing.T, src *planes) {
		src.h.ICC = []byte("profile")
		g := Grayed(src, Rec709)
		h := g.Header()
		want := map[Layout]Layout{Gray: Gray, GrayA: GrayA, RGB: Gray, RGBA: GrayA, Indexed: Indexed}[src.h.Layout]
		if h.Layout != want || h.Bits != src.h.Bits || h.ICC != nil {
			t.Errorf("%v %d bit, profile %q", h.Layout, h.Bits, h.ICC)
		}
		got := read(t, g)[0]
		if h.Layout == src.h.Layout && !slices.Equal(got, src.pix[0]) {
			t.Error("samples changed")
		}
		for i, c := range h.Palette {
			if c != Rec709.Color(src.h.Palette[i]) {
				t.Errorf("palette entry %d is %v", i, c)
			}
		}
	})
}

func TestGrayOfPlanes(t *testing.T) {
	one, half := fraction(1, 1, 1, 1), fraction(1, 2, 1, 2)
	src := source(ycc(9, 8, [3]PlaneDim{one, half, half}), 1, 3)
	if got := read(t, Grayed(src, Rec601)); !slices.Equal(got[0], src.pix[0]) {
		t.Error("601 of planes is not Y")
	}
	for _, dims := range [][3]PlaneDim{{one, half, half}, {half, one, one}} {
		h := ycc(9, 8, dims)
		g := Grayed(source(h, 1, 3), Rec709)
		want := read(t, Grayed(Packed(source(h, 1, 3)), Rec709))[0]
		if got := read(t, g)[0]; !slices.Equal(got, want) || len(got) != 72 {
			t.Errorf("709 of planes %v", dims)
		}
	}
	if h := Grayed(source(ycc(9, 8, [3]PlaneDim{half, one, one}), 1, 3), Rec601).Header(); h.W() != 9 || h.H() != 8 {
		t.Errorf("gray of a small Y is %d×%d", h.W(), h.H())
	}
}

func BenchmarkGrayed(b *testing.B) {
	for name, l := range map[string]Luma{"601": Rec601, "luminance": Luminance} {
		for _, bits := range []uint8{8, 16} {
			held, err := Hold(source(NewHeader(1000, 1000, RGB, bits), 1, 9), Limits{})
			if err != nil {
				b.Fatal(err)
			}
			b.Run(name+"/"+map[uint8]string{8: "8", 16: "16"}[bits], func(b *testing.B) {
				b.SetBytes(1e6)
				for b.Loop() {
					if err := Each(Grayed(held.Rows(), l), func(_, _ int, _ Plane) bool { return true }); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
