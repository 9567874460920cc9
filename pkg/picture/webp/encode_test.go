package webp

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	xwebp "golang.org/x/image/webp"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

type scenery = rastertest.Picture[uint8]

// scene returns a picture with smooth parts, edges and noise. Alpha, if there is any, is
// opaque on the left, has a gradient in the middle and is 0 on the right, over noise.
func scene(w, h int, l raster.Layout) *scenery {
	rnd := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	head := raster.NewHeader(w, h, l, 8)
	p := &scenery{H: head, Band: 1 + rnd.IntN(9)}
	for y := range h {
		for x := range w {
			r, g, b := 255*x/w, 255*y/h, 128+127*((x/9+y/7)%2)
			a := max(0, min(255, 512-768*x/w))
			if (x/30+y/20)%3 == 0 || a == 0 {
				r, g, b = rnd.IntN(256), rnd.IntN(256), rnd.IntN(256)
			}
			switch l {
			case raster.Gray:
				p.S = append(p.S, uint8(g))
			case raster.GrayA:
				p.S = append(p.S, uint8(g), uint8(a))
			case raster.RGB:
				p.S = append(p.S, uint8(r), uint8(g), uint8(b))
			case raster.RGBA:
				p.S = append(p.S, uint8(r), uint8(g), uint8(b), uint8(a))
			case raster.Indexed:
				p.S = append(p.S, uint8(r/64*16+g/64*4+b/64))
			}
		}
	}
	for i := range 64 {
		if l == raster.Indexed {
			head.Palette = append(head.Palette, color.NRGBA{uint8(i / 16 * 85), uint8(i / 4 % 4 * 85), uint8(i % 4 * 85), uint8(255 - i%2*200)})
		}
	}
	return p
}

func encoded(t testing.TB, rows raster.Rows, o EncodeOptions) []byte {
	t.Helper()
	return rastertest.Encoded(t, func(b *bytes.Buffer) error { return Encode(b, rows, o) })
}

func pixels(t testing.TB, b []byte) []color.NRGBA {
	t.Helper()
	r, err := open(b)
	px, err := rastertest.Colors(rastertest.Start(r, err))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Notes()) > 0 {
		t.Error(r.Notes())
	}
	return px
}

var layouts = []raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA, raster.Indexed}

func TestLosslessIsExact(t *testing.T) {
	for _, l := range layouts {
		for _, size := range [][2]int{{1, 1}, {2, 3}, {17, 16}, {101, 67}} {
			t.Run(fmt.Sprint(l, size), func(t *testing.T) {
				p := scene(size[0], size[1], l)
				b := encoded(t, p.Again(), EncodeOptions{Lossless: true})
				want, err := rastertest.Colors(p.Again(), nil)
				if err != nil {
					t.Fatal(err)
				}
				rastertest.Same(t, "ours", pixels(t, b), want)
				m, err := xwebp.Decode(bytes.NewReader(b))
				if err != nil {
					t.Fatal(err)
				}
				for i, w := range want {
					if got := color.NRGBAModel.Convert(m.At(i%size[0], i/size[0])).(color.NRGBA); got != w {
						t.Fatalf("x/image: pixel %d is %v, want %v", i, got, w)
					}
				}
				for i, got := range dwebp(t, b) {
					if got != want[i] && (got.A != 0 || want[i].A != 0) {
						t.Fatalf("dwebp: pixel %d is %v, want %v", i, got, want[i])
					}
				}
			})
		}
	}
}

// dwebp decodes a file by libwebp's program; nothing if it is not installed.
func dwebp(t testing.TB, b []byte) (px []color.NRGBA) {
	t.Helper()
	if _, err := exec.LookPath("dwebp"); err != nil {
		return nil
	}
	name := filepath.Join(t.TempDir(), "a.webp")
	if err := os.WriteFile(name, b, 0o666); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("dwebp", "-quiet", name, "-o", "-").Output()
	if err != nil {
		t.Fatal("dwebp:", err)
	}
	m, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			px = append(px, color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA))
		}
	}
	return px
}

// A lossy picture is near the original, its alpha is exact, and dwebp shows what our
// reader shows.
func TestLossyIsNear(t *testing.T) {
	for _, l := range layouts {
		for _, size := range [][2]int{{1, 1}, {2, 3}, {17, 16}, {101, 67}} {
			t.Run(fmt.Sprint(l, size), func(t *testing.T) {
				p := scene(size[0], size[1], l)
				b := encoded(t, p.Again(), EncodeOptions{Quality: 95})
				want, err := rastertest.Colors(p.Again(), nil)
				if err != nil {
					t.Fatal(err)
				}
				got := pixels(t, b)
				sum, n := 0.0, 1
				for i, w := range want {
					g := got[i]
					if g.A != w.A {
						t.Fatalf("alpha of pixel %d is %d, want %d", i, g.A, w.A)
					}
					if w.A > 0 {
						sum, n = sum+math.Abs(luma(g)-luma(w)), n+1
					}
				}
				if mean := sum / float64(n); mean > 4 {
					t.Errorf("luma is off by %.1f", mean)
				}
				for i, d := range dwebp(t, b) {
					if d != got[i] && (d.A != 0 || got[i].A != 0) {
						t.Fatalf("pixel %d is %v, dwebp has %v", i, got[i], d)
					}
				}
			})
		}
	}
}

func luma(c color.NRGBA) float64 {
	return 0.299*float64(c.R) + 0.587*float64(c.G) + 0.114*float64(c.B)
}

// Alpha that is opaque everywhere takes no byte.
func TestOpaqueAlphaIsLeftOut(t *testing.T) {
	p := scene(60, 40, raster.RGBA)
	for i := 3; i < len(p.S); i += 4 {
		p.S[i] = 255
	}
	q := &scenery{H: raster.NewHeader(60, 40, raster.RGB, 8), Band: 3}
	for i, v := range p.S {
		if i%4 < 3 {
			q.S = append(q.S, v)
		}
	}
	for _, o := range []EncodeOptions{{Quality: 80}, {Lossless: true}, {Quality: 80, Bytes: 2000}} {
		a, b := encoded(t, p.Again(), o), encoded(t, q.Again(), o)
		if !bytes.Equal(a, b) {
			t.Errorf("%+v: %d bytes with alpha, %d without", o, len(a), len(b))
		}
	}
}

func TestMetadataIsWritten(t *testing.T) {
	icc := rastertest.File(t, filepath.Join("testdata", "lossy.webp"))[:131] // any bytes of an odd number
	for _, l := range []raster.Layout{raster.RGB, raster.RGBA} {
		for bits := range 8 {
			for _, lossless := range []bool{false, true} {
				t.Run(fmt.Sprint(l, bits, lossless), func(t *testing.T) {
					p := scene(31, 17, l)
					var want []string
					if bits&1 != 0 {
						p.H.ICC = icc
						want = append(want, "ICCP")
					}
					if bits&2 != 0 {
						p.H.Keep.EXIF = []byte("MM\x00*\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00")
						want = append(want, "EXIF")
					}
					if bits&4 != 0 {
						p.H.Keep.XMP = []byte("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
						want = append(want, "XMP ")
					}
					b := encoded(t, p.Again(), EncodeOptions{Quality: 80, Lossless: lossless})
					r, err := open(b)
					if err != nil {
						t.Fatal(err)
					}
					for _, name := range want {
						if !bytes.Contains(b, []byte(name)) {
							t.Errorf("no chunk %q", name)
						}
					}
					if got := r.Metadata(); string(got.EXIF) != string(p.H.Keep.EXIF) || string(got.XMP) != string(p.H.Keep.XMP) {
						t.Errorf("metadata %q", got)
					}
					if _, err := exec.LookPath("webpinfo"); err != nil {
						t.Skip(err)
					}
					name := filepath.Join(t.TempDir(), "a.webp")
					if err := os.WriteFile(name, b, 0o666); err != nil {
						t.Fatal(err)
					}
					out, err := exec.Command("webpinfo", name).CombinedOutput()
					if err != nil || !strings.Contains(string(out), "No error detected.") || strings.Contains(string(out), "Warning") {
						t.Errorf("%v: %s", err, out)
					}
				})
			}
		}
	}
}

// A file of so many bytes has the best quality: with one more it would be larger.
func TestBytesGiveTheBestQuality(t *testing.T) {
	for _, l := range []raster.Layout{raster.RGB, raster.RGBA} {
		p := scene(160, 120, l)
		p.H.Keep.XMP = []byte("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
		for _, most := range []int{12000, 6001, 4500} {
			t.Run(fmt.Sprint(l, most), func(t *testing.T) {
				b := encoded(t, p.Again(), EncodeOptions{Quality: 90, Bytes: int64(most)})
				if len(b) > most {
					t.Fatalf("%d bytes", len(b))
				}
				fits := 0
				for q := 10; q <= 90; q++ {
					other := encoded(t, p.Again(), EncodeOptions{Quality: q})
					if bytes.Equal(other, b) {
						fits = q
					} else if fits > 0 && q == fits+1 && len(other) <= most {
						t.Errorf("quality %d has %d bytes, and was not taken", q, len(other))
					}
				}
				if fits == 0 {
					t.Error("the file of no quality")
				}
			})
		}
		// The error is about the file, and about what was asked for.
		least := len(encoded(t, p.Again(), EncodeOptions{Quality: 10}))
		for _, most := range []int64{1, 100} {
			err := Encode(&bytes.Buffer{}, p.Again(), EncodeOptions{Quality: 90, Bytes: most})
			if want := fmt.Sprintf("%d bytes at quality 10 > %d bytes (bytes=)", least, most); fault.Of(err) != fault.TooLarge || err.Error() != want {
				t.Errorf("%v; want %s", err, want)
			}
		}
		// A lossless file that fits is taken, and one that doesn't becomes lossy.
		whole := encoded(t, p.Again(), EncodeOptions{Lossless: true})
		if b := encoded(t, p.Again(), EncodeOptions{Lossless: true, Quality: 90, Bytes: int64(len(whole))}); !bytes.Equal(b, whole) {
			t.Errorf("%v: the lossless file was not taken", l)
		}
		b := encoded(t, p.Again(), EncodeOptions{Lossless: true, Quality: 90, Bytes: int64(len(whole) - 1)})
		if r, err := open(b); err != nil || r.Lossless() || len(b) >= len(whole) {
			t.Errorf("%v: %d bytes of %d, %v", l, len(b), len(whole), err)
		}
	}
}

func TestRowsThatCannotBeWritten(t *testing.T) {
	turned := scene(5, 4, raster.RGB)
	turned.H.Orientation = 6
	for name, rows := range map[string]raster.Rows{
		"16 bits":   &scenery{H: raster.NewHeader(1, 1, raster.Gray, 16), S: []uint8{1}, Band: 1},
		"turned":    turned,
		"too wide":  &scenery{H: raster.NewHeader(16385, 1, raster.Gray, 8), S: make([]uint8, 16385), Band: 1},
		"too high":  &scenery{H: raster.NewHeader(1, 16385, raster.Gray, 8), S: make([]uint8, 16385), Band: 999},
		"no pixels": &scenery{H: raster.NewHeader(0, 0, raster.Gray, 8), Band: 1},
	} {
		for _, lossless := range []bool{false, true} {
			if p, ok := rows.(*scenery); ok {
				if err := Encode(&bytes.Buffer{}, p.Again(), EncodeOptions{Quality: 80, Lossless: lossless}); err == nil {
					t.Errorf("%s, lossless %v: no error", name, lossless)
				}
			}
		}
	}
}
