package colour

import (
	"fmt"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

var (
	proPhoto, _ = primaries([2]float64{0.7347, 0.2653}, [2]float64{0.1596, 0.8404}, [2]float64{0.0366, 0.0001}, [2]float64{0.3457, 0.3585})
	paraSRGB    = para(3, 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)
)

// pixels are colours as photographs have them: near gray, with a few strong ones.
func pixels(n int) []uint8 {
	r := rand.New(rand.NewPCG(5, 6))
	var px []uint8
	for range n {
		gray, strength := 255*r.Float64(), 60*r.Float64()
		if r.IntN(10) == 0 {
			strength = 160
		}
		for range 3 {
			px = append(px, uint8(min(max(gray+strength*(r.Float64()-0.5), 0), 255)))
		}
	}
	return px
}

func picture(px []uint8, l raster.Layout, icc []byte, coding raster.Coding) *rastertest.Picture[uint8] {
	n := l.Samples()
	h := raster.NewHeader(len(px)/n/10, 10, l, 8)
	h.ICC, h.Coding = icc, coding
	h.Density = raster.Density{X: 300, Y: 300, Unit: raster.PerInch}
	return &rastertest.Picture[uint8]{H: h, S: px, Band: 3}
}

// Of each kind of profile: how it is grayed, how far the result is on average from luma
// of the colours changed to sRGB, and what it carries.
func TestGrayOfEveryKind(t *testing.T) {
	px := pixels(2000)
	scanner := madeProfiles()["mft2 to Lab"]
	for _, c := range []struct {
		name   string
		icc    []byte
		coding raster.Coding
		stay   bool    // samples are copied
		mean   float64 // levels
	}{
		{"no profile", nil, raster.Coding{}, true, 0.01},
		{"sRGB", matrixProfile(4, fromSRGB, paraSRGB), raster.Coding{}, true, 0.5},
		{"sRGB with gamma 2.2", matrixProfile(2, fromSRGB, curvGamma(2.2)), raster.Coding{}, true, 2.1},
		{"sRGB with gamma 1.8", matrixProfile(2, fromSRGB, curvGamma(1.8)), raster.Coding{}, false, 1.5},
		{"Display P3", matrixProfile(4, fromP3, paraSRGB), raster.Coding{}, true, 1.6},
		{"Adobe RGB", matrixProfile(2, fromAdobe, curvGamma(2.2)), raster.Coding{}, true, 4},
		{"ProPhoto", matrixProfile(2, proPhoto, curvGamma(1.8)), raster.Coding{}, false, 0.01},
		{"scanner", scanner, raster.Coding{}, false, 0.01},
		{"three curves", matrixProfile(4, fromSRGB, para(0, 2), para(0, 2.2), para(0, 2.5)), raster.Coding{}, false, 0.01},
		{"cICP of P3", nil, raster.Coding{CICP: [4]uint8{12, 13, 0, 1}}, true, 1.6},
		{"gAMA 1", nil, raster.Coding{Gamma: 100000}, false, 1.5},
		{"PQ", nil, raster.Coding{CICP: [4]uint8{9, 16, 0, 1}}, false, 0.01},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := picture(px, raster.RGB, c.icc, c.coding)
			g, note := NewGrayer(src.H, raster.Rec601, GrayOptions{})
			if wantNote := c.coding.CICP[1] == 16; (note != "") != wantNote {
				t.Errorf("note %q", note)
			}
			if g.SamplesStay() != c.stay {
				t.Errorf("samples stay: %v", g.SamplesStay())
			}
			rows := g.Rows(src)
			if h := rows.Header(); h.ICC != nil || h.Coding != (raster.Coding{}) || h.Layout != raster.Gray || h.Density != src.H.Density {
				t.Errorf("header %+v", h)
			}
			got, err := rastertest.Samples(rows, nil)
			if err != nil {
				t.Fatal(err)
			}
			var exact *Transform
			if s, _ := Of(src.H); s != nil {
				exact = newTransform(s, toRGB, false, 8, 1)
			}
			sum := 0.
			for i := range got {
				v := [maxChannels]float64{float64(px[3*i]) / 255, float64(px[3*i+1]) / 255, float64(px[3*i+2]) / 255}
				if exact != nil {
					exact.exact(&v)
				}
				want := 255 * (0.299*v[0] + 0.587*v[1] + 0.114*v[2])
				sum += math.Abs(float64(got[i]) - want)
			}
			mean := sum / float64(len(got))
			t.Logf("mean %.2f levels", mean)
			if mean > c.mean+0.6 { // rounding twice
				t.Errorf("off by %.2f levels on average, want %.2f", mean, c.mean)
			}
		})
	}
}

// A gray picture keeps its samples, its profile and its coding.
func TestGrayStaysWhatItIs(t *testing.T) {
	icc := rawProfile(2, "prtr", "GRAY", "XYZ ", tag{"kTRC", curvGamma(1.8)})
	coding := raster.Coding{Gamma: 100000}
	px := pixels(300)
	for _, l := range []raster.Layout{raster.Gray, raster.GrayA} {
		for _, luma := range []raster.Luma{raster.Rec601, raster.Rec709, raster.Luminance} {
			src := picture(px[:600], l, icc, coding)
			g, note := NewGrayer(src.H, luma, GrayOptions{})
			rows := g.Rows(src)
			if h := rows.Header(); note != "" || !g.SamplesStay() || string(h.ICC) != string(icc) || h.Coding != coding {
				t.Errorf("%v: note %q, profile of %d bytes, %+v", l, note, len(h.ICC), h.Coding)
			}
			got, err := rastertest.Samples(rows, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range got {
				if v != uint16(px[i]) {
					t.Fatalf("%v: sample %d is %d, want %d", l, i, v, px[i])
				}
			}
		}
	}
}

// profile=keep: the samples stay, and the small gray profile gives them the tone that
// the profile of the colours gave to grays.
func TestKeptProfileHasTheSameTone(t *testing.T) {
	for name, icc := range madeProfiles() {
		s, err := ParseProfile(icc)
		if err != nil || s.space != rgbSpace {
			continue
		}
		t.Run(name, func(t *testing.T) {
			src := picture(pixels(100), raster.RGB, icc, raster.Coding{})
			g, _ := NewGrayer(src.H, raster.Rec601, GrayOptions{Keep: true})
			if !g.SamplesStay() {
				t.Fatal("samples change")
			}
			if n := len(g.ICC()); n < 200 || n > 900 {
				t.Errorf("profile of %d bytes", n)
			}
			gray, err := ParseProfile(g.ICC())
			if err != nil {
				t.Fatal(err)
			}
			white := 1.
			if s.table != nil {
				white = s.xyz(&[maxChannels]float64{1, 1, 1})[1]
			}
			for i := range 256 {
				v := float64(i) / 255
				want := raster.EncodeSRGB(clip01(s.xyz(&[maxChannels]float64{v, v, v})[1] / white))
				if got := raster.EncodeSRGB(gray.xyz(&[maxChannels]float64{v})[1]); math.Abs(got-want)*255 > 1.5 {
					t.Fatalf("gray %d is %.2f, want %.2f", i, got*255, want*255)
				}
			}
		})
	}
}

// The profiles that this package writes are read by it, and mean the same.
func TestWrittenProfiles(t *testing.T) {
	t.Run("gray", func(t *testing.T) {
		for _, c := range []Curve{{}, power(1.8), power(2.2), curveSRGB, {table: []float64{0, 0.3, 0.5, 1}}} {
			b := GrayProfile(&c)
			s, err := ParseProfile(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := s.curves[0].difference(&c); d > 0.25 || len(b) > 520 {
				t.Errorf("%d bytes, off by %.3f levels", len(b), d)
			}
		}
	})
	t.Run("Adobe RGB", func(t *testing.T) {
		s, err := ParseProfile(AdobeRGB())
		if err != nil || !near(&s.matrix, &fromAdobe) || !s.sameCurves() {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestFitMakesAProfileOfACoding(t *testing.T) {
	px := pixels(100)
	for _, c := range []struct {
		name   string
		layout raster.Layout
		coding raster.Coding
		space  string // of the profile; "": none
		note   bool
	}{
		{"P3", raster.RGB, raster.Coding{CICP: [4]uint8{12, 13, 0, 1}}, "RGB ", false},
		{"gray of gAMA 1", raster.Gray, raster.Coding{Gamma: 100000}, "GRAY", false},
		{"sRGB", raster.RGB, raster.Coding{CICP: [4]uint8{1, 13, 0, 1}}, "", false},
		{"HLG", raster.RGB, raster.Coding{CICP: [4]uint8{9, 18, 0, 1}}, "", true},
		{"nothing", raster.RGB, raster.Coding{}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, note := Fit(picture(px[:300], c.layout, nil, c.coding))
			h := rows.Header()
			if (note != "") != c.note || h.Coding != (raster.Coding{}) {
				t.Errorf("note %q, %+v", note, h.Coding)
			}
			space := ""
			if h.ICC != nil {
				space = string(h.ICC[16:20])
			}
			if space != c.space {
				t.Errorf("profile of %q, want %q", space, c.space)
			}
		})
	}
}

// profile=srgb of every layout and depth: the same colours, no profile.
func TestToSRGBOfEveryLayout(t *testing.T) {
	icc := matrixProfile(2, fromAdobe, curvGamma(2.2))
	s, _ := ParseProfile(icc)
	exact := newTransform(s, toRGB, false, 8, 1)
	want := func(c [3]uint8) (out [3]float64) {
		v := [maxChannels]float64{float64(c[0]) / 255, float64(c[1]) / 255, float64(c[2]) / 255}
		exact.exact(&v)
		return [3]float64{255 * v[0], 255 * v[1], 255 * v[2]}
	}
	px := pixels(200)
	for _, l := range []raster.Layout{raster.RGB, raster.RGBA, raster.Indexed} {
		for _, bits := range []uint8{8, 16} {
			if l == raster.Indexed && bits == 16 {
				continue
			}
			t.Run(fmt.Sprint(l, bits), func(t *testing.T) {
				h := raster.NewHeader(20, 10, l, bits)
				h.ICC = icc
				var samples []uint16
				for i := range 200 {
					c := px[3*i:]
					if l == raster.Indexed {
						h.Palette = append(h.Palette, color.NRGBA{c[0], c[1], c[2], uint8(i)})
						samples = append(samples, uint16(i))
						continue
					}
					for _, v := range append(c[:3:3], uint8(i))[:l.Samples()] {
						samples = append(samples, uint16(v)*map[uint8]uint16{8: 1, 16: 257}[bits])
					}
				}
				rows, note := ToSRGB(&rastertest.Picture[uint16]{H: h, S: samples, Band: 4})
				if note != "" || rows.Header().ICC != nil {
					t.Errorf("note %q, profile of %d bytes", note, len(rows.Header().ICC))
				}
				got, err := rastertest.Pixels(raster.To16(raster.Expand(rows)), nil)
				if err != nil {
					t.Fatal(err)
				}
				for i, p := range got {
					w := want([3]uint8(px[3*i : 3*i+3]))
					for k := range 3 {
						if math.Abs(float64(p[k])/257-w[k]) > 0.7 {
							t.Fatalf("pixel %d is %v, want %v", i, p, w)
						}
					}
					if l != raster.RGB && p[3] != uint16(i)*257 {
						t.Fatalf("pixel %d has alpha %d", i, p[3])
					}
				}
			})
		}
	}
}
