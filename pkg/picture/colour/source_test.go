package colour

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"imgtools/pkg/picture/raster"
)

// The matrix of IEC 61966-2-1 adapted to D50 by Bradford, as many profiles have it.
func TestPrimariesOfSRGB(t *testing.T) {
	want := mat3{{0.4360747, 0.3850649, 0.1430804}, {0.2225045, 0.7168786, 0.0606169}, {0.0139322, 0.0971045, 0.7141733}}
	for i := range want {
		for j := range want[i] {
			if math.Abs(fromSRGB[i][j]-want[i][j]) > 5e-4 {
				t.Errorf("%d, %d: %.6f, want %.6f", i, j, fromSRGB[i][j], want[i][j])
			}
		}
	}
	if _, ok := primaries([2]float64{0.3, 0.3}, [2]float64{0.3, 0.3}, [2]float64{0.1, 0.1}, whiteD65); ok {
		t.Error("primaries on a line have a matrix")
	}
}

func TestLabAndBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		lab := vec3{100 * r.Float64(), 200*r.Float64() - 100, 200*r.Float64() - 100}
		back := toLab(fromLab(lab))
		for i := range lab {
			if math.Abs(back[i]-lab[i]) > 1e-9 {
				t.Fatalf("%v became %v", lab, back)
			}
		}
	}
	if y := fromLab(vec3{50})[1]; math.Abs(y-0.18418652) > 1e-6 {
		t.Errorf("L* 50 has luminance %g", y)
	}
}

// Every form of a curve, against its formula written out.
func TestCurves(t *testing.T) {
	table := []float64{0, 0.1, 0.5, 1}
	for _, c := range []struct {
		name string
		in   []byte
		want func(x float64) float64
	}{
		{"identity", curv(), func(x float64) float64 { return x }},
		{"gamma", curvGamma(1.8), func(x float64) float64 { return math.Pow(x, 461./256) }},
		{"table", curv(table...), func(x float64) float64 {
			i := min(int(3*x), 2)
			return table[i] + (table[i+1]-table[i])*(3*x-float64(i))
		}},
		{"para 0", para(0, 2.4), func(x float64) float64 { return math.Pow(x, 2.4) }},
		{"para 1", para(1, 2, 1.25, -0.25), func(x float64) float64 {
			if x < 0.2 {
				return 0
			}
			return math.Pow(1.25*x-0.25, 2)
		}},
		{"para 2", para(2, 2, 1, -0.25, 0.125), func(x float64) float64 {
			if x < 0.25 {
				return 0.125
			}
			return math.Pow(x-0.25, 2) + 0.125
		}},
		{"para 3", para(3, 2, 0.875, 0.125, 0.5, 0.25), func(x float64) float64 {
			if x < 0.25 {
				return 0.5 * x
			}
			return math.Pow(0.875*x+0.125, 2)
		}},
		{"para 4", para(4, 2, 0.75, 0.125, 0.5, 0.25, 0.125, 0.0625), func(x float64) float64 {
			if x < 0.25 {
				return 0.5*x + 0.0625
			}
			return math.Pow(0.75*x+0.125, 2) + 0.125
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			curve, used, err := readCurve(append(c.in, 1, 2, 3, 4))
			if err != nil || used != len(c.in) {
				t.Fatalf("%d of %d bytes, %v", used, len(c.in), err)
			}
			for i := range 256 {
				x := float64(i) / 255
				if got, want := curve.Decode(x), clip01(c.want(x)); math.Abs(got-want) > 1e-4 {
					t.Fatalf("at %g: %g, want %g", x, got, want)
				}
				if y := curve.Decode(x); math.Abs(curve.Decode(curve.Encode(y))-y) > 1e-4 {
					t.Fatalf("encoding %g gives %g, which is %g", y, curve.Encode(y), curve.Decode(curve.Encode(y)))
				}
			}
		})
	}
}

// Differences that the rules of graying name.
func TestCurveDifferences(t *testing.T) {
	lstar := Curve{f: func(x float64) float64 { return fromLab(vec3{100 * x})[1] }}
	for _, c := range []struct {
		name  string
		curve Curve
		want  float64
	}{{"gamma 2.2", power(2.2), 2.0}, {"L*", lstar, 5.3}, {"gamma 1.8", power(1.8), 12.4}, {"sRGB", curveSRGB, 0}} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.curve.difference(&curveSRGB); math.Abs(got-c.want) > 0.3 {
				t.Errorf("%.2f levels, want %.1f", got, c.want)
			}
		})
	}
}

// A grid interpolates what is linear exactly, and hits its points.
func TestGridIsExactWhereItCanBe(t *testing.T) {
	for _, in := range []int{1, 2, 3, 4} {
		t.Run(fmt.Sprint(in), func(t *testing.T) {
			var points [maxChannels]int
			for i := range in {
				points[i] = 3 + i
			}
			g := newGrid(in, 2, points)
			linear := func(v []float64) (sum float64) {
				for i, x := range v {
					sum += x * float64(i+1) / 20
				}
				return sum
			}
			var fill func(v []float64)
			fill = func(v []float64) {
				if len(v) == in {
					g.samples = append(g.samples, float32(linear(v)), float32(1-linear(v)))
					return
				}
				n := points[len(v)]
				for k := range n {
					fill(append(v, float64(k)/float64(n-1)))
				}
			}
			fill(nil)
			r := rand.New(rand.NewPCG(3, 4))
			for range 2000 {
				var v [maxChannels]float64
				for i := range in {
					v[i] = float64(r.IntN(21)) / 20 // often on a border of cells
				}
				want := linear(v[:in])
				g.apply(&v)
				if math.Abs(v[0]-want) > 1e-6 || math.Abs(v[1]-1+want) > 1e-6 {
					t.Fatalf("%v, want %g", v, want)
				}
			}
		})
	}
}

// By the definition and by tables, in 8 and 16 bits, every model gives the same.
func TestTablesEqualTheDefinition(t *testing.T) {
	for name, icc := range madeProfiles() {
		t.Run(name, func(t *testing.T) {
			s, err := ParseProfile(icc)
			if err != nil {
				t.Fatal(err)
			}
			n := s.space.channels()
			px := colours(n)
			px16 := make([]uint16, len(px))
			for i, v := range px {
				px16[i] = uint16(v) * 257
			}
			for _, to := range []target{toRGB, toLuminance} {
				fast := newTransform(s, to, false, 8, 1<<40)
				fast16 := newTransform(s, to, false, 16, 1<<40)
				got, got16 := make([]uint8, len(px)/n*fast.out), make([]uint16, len(px)/n*fast.out)
				fast.Row8(got, px, n)
				fast16.Row16(got16, px16, n)
				sum, far := 0., 0
				for i := 0; i < len(px); i += n {
					var v [maxChannels]float64
					for c := range n {
						v[c] = float64(px[i+c]) / 255
					}
					fast.exact(&v)
					for c := range fast.out {
						at := i/n*fast.out + c
						want := v[c] * 255
						d := math.Abs(float64(got[at]) - want)
						d16 := math.Abs(float64(got16[at])/257 - want)
						sum += d + d16
						if max(d, d16) > 3 {
							far++
						}
						if s.table == nil && (d > 0.7 || d16 > 0.02) {
							t.Fatalf("%v: %d and %d, want %.3f", px[i:i+n], got[at], got16[at], want)
						}
					}
				}
				if mean := sum / float64(2*len(got)); mean > 0.6 || far > len(got)/50 {
					t.Errorf("target %d: mean %.3f, %d of %d far", to, mean, far, len(got))
				}
			}
		})
	}
}

// lcms is not needed to know what these must give.
func TestKnownColours(t *testing.T) {
	for _, c := range []struct {
		name string
		icc  []byte
		in   []uint8
		want []uint8
	}{
		// By the matrix of CSS Color 4 from linear P3 to linear sRGB: 137.7, 59.5, 198.0.
		{"Display P3", matrixProfile(4, fromP3, para(3, 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)), []uint8{128, 64, 191}, []uint8{138, 60, 198}},
		{"white of any primaries", matrixProfile(2, fromAdobe, curvGamma(2.2)), []uint8{255, 255, 255}, []uint8{255, 255, 255}},
		{"middle gray of gamma 1.8", matrixProfile(2, fromAdobe, curvGamma(1.8)), []uint8{128, 128, 128}, []uint8{146, 146, 146}},
		{"gray of gamma 1.8", rawProfile(2, "mntr", "GRAY", "XYZ ", tag{"kTRC", curvGamma(1.8)}), []uint8{128}, []uint8{146}},
		{"no ink", cmykProfile(), []uint8{0, 0, 0, 0}, []uint8{255, 255, 255}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := ParseProfile(c.icc)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]uint8, len(c.want))
			newTransform(s, toRGB, false, 8, 1).Row8(got, c.in, len(c.in))
			for i := range got {
				if d := int(got[i]) - int(c.want[i]); d < -1 || d > 1 {
					t.Fatalf("%v, want %v", got, c.want)
				}
			}
		})
	}
}

// PQ and HLG against the formulas of BT.2100, written out from its text.
func TestHighDynamicRange(t *testing.T) {
	m2020 := mat3{{0.636958, 0.144617, 0.168881}, {0.262700, 0.677998, 0.059302}, {0, 0.028073, 1.060985}}
	to709 := mat3{{3.240970, -1.537383, -0.498611}, {-0.969244, 1.875968, 0.041555}, {0.055630, -0.203977, 1.056972}}
	pqLight := func(v vec3) vec3 {
		for i, e := range v {
			p := math.Pow(e, 1/78.84375)
			v[i] = 10000 / 203. * math.Pow(max(p-0.8359375, 0)/(18.8515625-18.6875*p), 1/0.1593017578125)
		}
		return v
	}
	hlgLight := func(v vec3) vec3 {
		for i, e := range v {
			if e <= 0.5 {
				v[i] = e * e / 3
			} else {
				v[i] = (math.Exp((e-0.55991073)/0.17883277) + 0.28466892) / 12
			}
		}
		y := 0.2627*v[0] + 0.6780*v[1] + 0.0593*v[2]
		for i := range v {
			v[i] *= 1000 / 203. * math.Pow(y, 0.2)
		}
		return v
	}
	for _, c := range []struct {
		name     string
		transfer uint8
		light    func(vec3) vec3
	}{{"PQ", 16, pqLight}, {"HLG", 18, hlgLight}} {
		t.Run(c.name, func(t *testing.T) {
			s, err := ofCICP([4]uint8{9, c.transfer, 0, 1}, rgbSpace)
			if err != nil {
				t.Fatal(err)
			}
			px := colours(3)
			got := make([]uint8, len(px))
			newTransform(s, toRGB, false, 8, 1<<40).Row8(got, px, 3)
			sum := 0.
			for i := 0; i < len(px); i += 3 {
				l := to709.mul(m2020.mul(c.light(vec3{float64(px[i]) / 255, float64(px[i+1]) / 255, float64(px[i+2]) / 255})))
				for k := range l {
					d := math.Abs(float64(got[i+k]) - 255*raster.EncodeSRGB(clip01(l[k])))
					sum += d
					if d > 3 {
						t.Fatalf("%v is %v, want %.1f", px[i:i+3], got[i:i+3], 255*raster.EncodeSRGB(clip01(l[k])))
					}
				}
			}
			if mean := sum / float64(len(px)); mean > 0.4 {
				t.Errorf("mean difference %.3f", mean)
			}
		})
	}
	// White of 203 cd/m² is PQ 0.5807, and 75 % of HLG: sRGB white.
	for transfer, v := range map[uint8]float64{16: 0.5807, 18: 0.75} {
		s, _ := ofCICP([4]uint8{9, transfer, 0, 1}, rgbSpace)
		if y := s.xyz(&[maxChannels]float64{v, v, v})[1]; math.Abs(y-1) > 0.01 {
			t.Errorf("transfer %d: white has luminance %.4f", transfer, y)
		}
	}
}

func TestWhichChunkDecides(t *testing.T) {
	adobe := matrixProfile(2, fromAdobe, curvGamma(2.2))
	gray := rawProfile(2, "mntr", "GRAY", "XYZ ", tag{"kTRC", curvGamma(1.8)})
	p3 := raster.Coding{CICP: [4]uint8{12, 13, 0, 1}}
	for _, c := range []struct {
		name   string
		layout raster.Layout
		icc    []byte
		coding raster.Coding
		red    float64 // X of red; 0: sRGB
		note   string
	}{
		{"nothing", raster.RGB, nil, raster.Coding{}, 0, ""},
		{"profile", raster.RGB, adobe, raster.Coding{}, fromAdobe[0][0], ""},
		{"cICP before the profile", raster.RGB, adobe, p3, fromP3[0][0], ""},
		{"profile before gAMA", raster.RGB, adobe, raster.Coding{Gamma: 100000}, fromAdobe[0][0], ""},
		{"unknown cICP, then the profile", raster.RGB, adobe, raster.Coding{CICP: [4]uint8{99, 13, 0, 1}}, fromAdobe[0][0], "cICP ignored: primaries 99"},
		{"sRGB's own gAMA", raster.RGB, nil, raster.Coding{Gamma: 45455}, 0, ""},
		{"gAMA within 5 %", raster.RGB, nil, raster.Coding{Gamma: 47000}, 0, ""},
		{"gAMA 1", raster.RGB, nil, raster.Coding{Gamma: 100000}, fromSRGB[0][0], ""},
		{"cHRM of Adobe RGB", raster.RGB, nil, raster.Coding{Gamma: 45455, Chroma: [8]uint32{31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000}}, fromAdobe[0][0], ""},
		{"cHRM on a line", raster.RGB, nil, raster.Coding{Chroma: [8]uint32{31270, 32900, 30000, 30000, 30000, 30000, 30000, 30000}}, 0, "cHRM ignored"},
		{"absurd gAMA", raster.RGB, nil, raster.Coding{Gamma: 1}, 0, "gAMA 1e-05 ignored"},
		{"a gray profile on colour", raster.RGB, gray, raster.Coding{}, 0, "colour profile of another colour space ignored"},
		{"a cut profile", raster.RGB, adobe[:300], raster.Coding{}, 0, fmt.Sprintf("colour profile ignored: 300 bytes of %d", len(adobe))},
		{"a profile of sRGB", raster.RGB, matrixProfile(2, fromSRGB, curvGamma(2.22)), raster.Coding{}, fromSRGB[0][0], ""},
		{"a profile of exactly sRGB", raster.YCbCr, matrixProfile(4, fromSRGB, para(3, 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)), raster.Coding{}, 0, ""},
		{"gray", raster.Gray, gray, raster.Coding{}, fromSRGB[0][0], ""},
		{"gray of gAMA 1", raster.GrayA, nil, raster.Coding{Gamma: 100000}, fromSRGB[0][0], ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := raster.NewHeader(1, 1, c.layout, 8)
			h.ICC, h.Coding = c.icc, c.coding
			s, note := Of(h)
			if note != c.note {
				t.Errorf("note %q, want %q", note, c.note)
			}
			red := 0.
			if s != nil {
				red = s.matrix[0][0]
			}
			if math.Abs(red-c.red) > 1e-3 {
				t.Errorf("red has X %.4f, want %.4f", red, c.red)
			}
		})
	}
}

// What a profile claims must not cost more than its bytes, and it is never an error.
func TestHostileProfiles(t *testing.T) {
	be := binary.BigEndian
	change := func(b []byte, f func(b []byte)) []byte {
		b = append([]byte(nil), b...)
		f(b)
		return b
	}
	withTag := func(t tag) []byte { return rawProfile(4, "scnr", "RGB ", "Lab ", t) }
	good := mft(2, 3, 3, 5, func(v []float64) []float64 { return v })
	ab := mab(3, 5, para(0, 1), nil, para(0, 1), nil, func(v []float64) []float64 { return v })
	many := rawProfile(2, "mntr", "GRAY", "XYZ ", tag{"kTRC", curv()})
	for _, c := range []struct {
		name string
		in   []byte
		want string
	}{
		{"nothing", nil, "not an ICC profile"},
		{"too large", make([]byte, maxProfile+1), "more than"},
		{"size beyond the end", change(many, func(b []byte) { be.PutUint32(b, 1<<31) }), "bytes of"},
		{"version 5", change(many, func(b []byte) { b[8] = 5 }), "version 5"},
		{"a device link", change(many, func(b []byte) { copy(b[12:], "link") }), `class "link"`},
		{"six inks", change(many, func(b []byte) { copy(b[16:], "6CLR") }), `colour space "6CLR"`},
		{"four billion tags", change(many, func(b []byte) { be.PutUint32(b[128:], 0xffffffff) }), ""},
		{"no curve", change(many, func(b []byte) { copy(b[128+4+3*12:], "xxxx") }), "no tag kTRC"},
		{"cut after its header", withTag(tag{"A2B0", ab[:32]}), "is cut"},
		{"curve of too many entries", rawProfile(2, "mntr", "GRAY", "XYZ ", tag{"kTRC", change(curv(0, 1), func(b []byte) { be.PutUint32(b[8:], 0xfffffff0) })}), "is cut"},
		{"gamma 0", rawProfile(2, "mntr", "GRAY", "XYZ ", tag{"kTRC", curvGamma(0)}), "gamma 0"},
		{"para of negative gamma", rawProfile(4, "mntr", "GRAY", "XYZ ", tag{"kTRC", para(0, -3)}), "gamma -3"},
		{"para of type 9", rawProfile(4, "mntr", "GRAY", "XYZ ", tag{"kTRC", change(para(0, 1), func(b []byte) { b[9] = 9 })}), "type 9"},
		{"grid of 255 points", withTag(tag{"A2B0", change(good, func(b []byte) { b[10] = 255 })}), "grid of more than"},
		{"grid of one point", withTag(tag{"A2B0", change(good, func(b []byte) { b[10] = 1 })}), "grid of 1 points"},
		{"16 channels", withTag(tag{"A2B0", change(good, func(b []byte) { b[8] = 16 })}), "16 to 3 channels"},
		{"curves of one entry", withTag(tag{"A2B0", change(good, func(b []byte) { b[49] = 1 })}), "curves of 1"},
		{"table of another kind", withTag(tag{"A2B0", change(good, func(b []byte) { copy(b, "mpet") })}), `type "mpet"`},
		{"mAB that points outside", withTag(tag{"A2B0", change(ab, func(b []byte) { be.PutUint32(b[12:], 0x7fffffff) })}), "curve is cut"},
		{"primaries on a line", matrixProfile(2, mat3{{1, 1, 1}, {1, 1, 1}, {1, 1, 1}}, curv()), "on one line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseProfile(c.in)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
			} else if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func FuzzProfile(f *testing.F) {
	for _, b := range madeProfiles() {
		if len(b) < 4<<10 {
			f.Add(b)
		}
	}
	same := func(v []float64) []float64 { return v[:3] }
	four := func(v []float64) []float64 { return []float64{v[0], v[1], v[2], v[0]} }
	cmyk := mft(2, 4, 3, 2, same)
	f.Add(rawProfile(2, "scnr", "RGB ", "Lab ", tag{"A2B0", mft(2, 3, 3, 2, same)}))
	f.Add(rawProfile(2, "prtr", "CMYK", "Lab ", tag{"A2B1", cmyk}, tag{"B2A0", mft(2, 3, 4, 2, four)}))
	f.Add(rawProfile(4, "scnr", "RGB ", "XYZ ", tag{"A2B0", mab(3, 2, para(0, 1.2), para(0, 1), curv(0, 1), &affine{m: fromP3}, same)}))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseProfile(b)
		if err != nil {
			return
		}
		n := s.space.channels()
		px := make([]uint8, 5*n)
		for i := range px {
			px[i] = uint8(i * 37)
		}
		for _, compensate := range []bool{false, true} {
			tr := newTransform(s, toRGB, compensate, 8, 1)
			tr.Row8(make([]uint8, 5*tr.out), px, n)
		}
		c := s.neutral()
		if p := GrayProfile(&c); len(p) > 10<<10 {
			t.Errorf("a gray profile of %d bytes", len(p))
		}
		if s.space == rgbSpace && s.table == nil {
			tr := newTransform(s, toRGB, false, 8, 1<<40)
			tr.Row8(make([]uint8, 15), px, 3)
		}
	})
}

func BenchmarkTransform(b *testing.B) {
	for _, c := range []struct {
		name string
		icc  []byte
		bits uint8
	}{
		{"matrix, 8 bit", matrixProfile(2, fromAdobe, curvGamma(2.2)), 8},
		{"matrix, 16 bit", matrixProfile(2, fromAdobe, curvGamma(2.2)), 16},
		{"table of RGB, 8 bit", madeProfiles()["mft2 to Lab"], 8},
		{"table of CMYK, 8 bit", cmykProfile(), 8},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, err := ParseProfile(c.icc)
			if err != nil {
				b.Fatal(err)
			}
			n := s.space.channels()
			tr := newTransform(s, toRGB, false, c.bits, 1<<40)
			src, dst := make([]uint8, 1000*n), make([]uint8, 3000)
			src16, dst16 := make([]uint16, 1000*n), make([]uint16, 3000)
			r := rand.New(rand.NewPCG(1, 2))
			for i := range src {
				src[i], src16[i] = uint8(r.UintN(256)), uint16(r.UintN(65536))
			}
			b.SetBytes(1000) // MB/s are Mpixel/s
			for b.Loop() {
				if c.bits == 8 {
					tr.Row8(dst, src, n)
				} else {
					tr.Row16(dst16, src16, n)
				}
			}
		})
	}
	b.Run("making the grid of CMYK", func(b *testing.B) {
		s, _ := ParseProfile(cmykProfile())
		for b.Loop() {
			newTransform(s, toRGB, false, 8, 1<<40)
		}
	})
}
