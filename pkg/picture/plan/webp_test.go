package plan_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/colour"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

func opened(t *testing.T, data []byte) *codec.Picture {
	t.Helper()
	p, err := codec.Open(bytes.NewReader(data), int64(len(data)), raster.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A WebP stays of its kind unless a quality is asked for; other pictures become lossy ones
// unless lossless is asked for.
func TestKindOfWebP(t *testing.T) {
	still := rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, photo(90, 70)) })
	_, lossless := made(t, still, "format=webp quality=lossless")
	_, lossy := made(t, still, "format=webp")
	for _, c := range []struct {
		name     string
		data     []byte
		words    string
		lossless bool
	}{
		{"lossless, scaled", lossless, "scale=1/2", true},
		{"lossless, gray", lossless, "gray", true},
		{"lossless, format=webp", lossless, "format=webp", true},
		{"lossless, a quality", lossless, "scale=1/2 quality=80", false},
		{"lossless, few bytes", lossless, "format=webp bytes=2000", false},
		{"lossless, many bytes", lossless, "format=webp bytes=1M", true},
		{"lossy, scaled", lossy, "scale=1/2", false},
		{"lossy, gray", lossy, "gray", false},
		{"lossy, lossless", lossy, "gray quality=lossless", true},
		{"PNG", still, "format=webp", false},
		{"PNG, lossless", still, "scale=1/2 format=webp quality=lossless", true},
		{"PNG, lossless PNG", still, "scale=1/2 quality=lossless", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, out := made(t, c.data, c.words)
			if p := opened(t, out); p.Lossless != c.lossless || p.Format != r.Format || r.Note != "" {
				t.Errorf("%s, lossless %v, note %q", p.Format, p.Lossless, r.Note)
			}
		})
	}
	a, err := rastertest.Pixels(rastertest.Start(opened(t, lossless), nil))
	if err != nil {
		t.Fatal(err)
	}
	b, err := rastertest.Pixels(rastertest.Start(opened(t, still), nil))
	if err != nil {
		t.Fatal(err)
	}
	rastertest.Same(t, "lossless", a, b)
}

// Planes of a JPEG go into a lossy WebP without becoming colours, also reduced and turned.
func TestJPEGToWebP(t *testing.T) {
	data := photoJPEG(t, 403, 301)
	for _, words := range []string{"scale=1/4", "scale=1/2 fast", "scale=100x", "crop=201x151+33+41", "gray scale=1/3", "scale=50x50 fit=cover", "scale=1", "scale=64x64 fit=pad", "gray", "scale=2", "linear scale=1/2"} {
		for _, in := range [][]byte{data, oriented(data, 6)} {
			t.Run(words, func(t *testing.T) {
				r, got := made(t, in, words+" format=webp quality=95")
				_, same := made(t, in, words+" format=png")
				if r.Format != "webp" || r.Note != "" {
					t.Errorf("%+v", r)
				}
				// The colours are noise, of which halved chroma leaves little.
				if db := decibel(t, mustMake(t, got, "gray format=png"), mustMake(t, same, "gray format=png")); db < 30 {
					t.Errorf("%.1f dB", db)
				}
			})
		}
	}
}

func TestQualityThatAFormatCannotHave(t *testing.T) {
	still := rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, photo(90, 70)) })
	for _, c := range []struct {
		words, err string
		data       []byte
	}{
		{"format=jpeg quality=lossless", "quality=lossless: not for JPEG", still},
		{"format=png bytes=10K", "bytes: only for JPEG and WebP, not PNG", still},
	} {
		t.Run(c.words, func(t *testing.T) {
			_, err := plan.Run(io.Discard, bytes.NewReader(c.data), int64(len(c.data)), plantest.Ask(c.words))
			if err == nil || fault.Of(err) != fault.Unsupported || err.Error() != c.err {
				t.Error(err)
			}
		})
	}
	if r, _ := made(t, still, "format=auto quality=lossless"); r.Format != "png" {
		t.Errorf("lossless of JPEG, or PNG with alpha, is %s", r.Format)
	}
	if r, out := made(t, still, "format=webp bytes=2000"); r.Format != "webp" || len(out) > 2000 || len(out) < 1500 {
		t.Errorf("%s of %d bytes", r.Format, len(out))
	}
}

// rings are circles that lie closer the farther out they are: a picture with smooth and busy
// parts, in which fast and slow choices of modes differ.
func rings(w, h int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Pix[y*m.Stride+x] = uint8(128 + 100*math.Sin(float64(x*x+y*y)/2000))
		}
	}
	return m
}

// fast is of use wherever a JPEG or lossy WebP is coded, whether the request or the picture
// says the format. Elsewhere it is an error without scale or crop.
func TestFastDependsOnTheFormatWritten(t *testing.T) {
	lossless := rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, photo(190, 170)) })
	lossy, photograph := mustMake(t, lossless, "format=webp"), mustMake(t, lossless, "format=jpeg")
	rings := rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, rings(380, 340)) })
	smooth := mustMake(t, rings, "format=webp quality=95")
	for _, c := range []struct {
		name, words string
		data        []byte
	}{
		{"WebP from WebP", "gray=709", smooth},
		{"WebP from WebP, of a quality", "quality=60", lossy},
		{"WebP from PNG", "format=webp", lossless},
		{"animated WebP", "format=webp quality=40", turnedWebP(t)},
		{"JPEG of other gray", "gray=709", photograph},
		{"JPEG from PNG", "format=jpeg", lossless},
		{"JPEG by format=auto", "format=auto", lossless},
	} {
		t.Run(c.name, func(t *testing.T) {
			usual, fast := mustMake(t, c.data, c.words), mustMake(t, c.data, c.words+" fast")
			if bytes.Equal(usual, fast) {
				t.Error("fast makes no difference")
			}
			if fine := mustMake(t, c.data, c.words+" fine"); !bytes.Equal(usual, fine) {
				t.Error("fine is not the default")
			}
		})
	}
	for _, words := range []string{"scale=1/2 fast", "crop=20x20 fast", "gray crop=20x20 fast", "gray fine", "format=auto fast quality=lossless"} {
		t.Run("PNG: "+words, func(t *testing.T) { mustMake(t, lossless, words) })
	}
	for _, c := range []struct {
		words string
		data  []byte
	}{{"gray fast", lossless}, {"fast format=png", photograph}} {
		t.Run(c.words, func(t *testing.T) {
			_, err := plan.Run(io.Discard, bytes.NewReader(c.data), int64(len(c.data)), plantest.Ask(c.words))
			if fault.Of(err) != fault.Usage || err.Error() != "fast without scale or crop: only for JPEG and WebP, not PNG" {
				t.Error(err)
			}
		})
	}
}

// A gray picture with a profile becomes a WebP with the tone of sRGB.
func TestGrayProfileIntoWebP(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 256, 8))
	for i := range m.Pix {
		m.Pix[i] = uint8(i)
	}
	plain := rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })
	rows := opened(t, plain)
	rows.Header().ICC = colour.GrayProfile(&colour.Curve{}) // linear light
	in, err := rows.Rows(raster.Hint{})
	if err != nil {
		t.Fatal(err)
	}
	profiled := rastertest.Encoded(t, func(b *bytes.Buffer) error {
		_, err := codec.Encode(b, in, "png", codec.Options{})
		return err
	})
	r, out := made(t, profiled, "format=webp quality=lossless")
	if p := opened(t, out); p.Header().ICC != nil || !strings.Contains(r.Note, "tone of sRGB") {
		t.Errorf("profile of %d bytes, note %q", len(p.Header().ICC), r.Note)
	}
	want, err := rastertest.Pixels(rastertest.Start(opened(t, mustMake(t, profiled, "profile=srgb")), nil))
	if err != nil {
		t.Fatal(err)
	}
	got, err := rastertest.Pixels(rastertest.Start(opened(t, out), nil))
	if err != nil {
		t.Fatal(err)
	}
	rastertest.Same(t, "samples", got, want)
	if got[30][0] < 2*30*257 {
		t.Errorf("30 in linear light is %d of sRGB", got[30][0]/257)
	}
}

// luma returns that of a pixel, of 16 bits.
func luma(p [4]uint16) int { return (299*int(p[0]) + 587*int(p[1]) + 114*int(p[2])) / 1000 }

func mustMake(t *testing.T, data []byte, words string) []byte {
	_, out := made(t, data, words)
	return out
}

// The density goes into EXIF, scaled, unless it is the 72 that EXIF has when none is known.
func TestDensityIntoWebP(t *testing.T) {
	jfif := func(unit, x, y byte) []byte {
		b := rastertest.Encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, photo(64, 48), nil) })
		app0 := append([]byte("\xff\xe0\x00\x10JFIF\x00\x01\x01"), unit, 0, x, 0, y, 0, 0)
		return append(append(b[:2:2], app0...), b[2:]...)
	}
	for _, c := range []struct {
		name, words string
		in          []byte
		want        raster.Density
	}{
		{"200 dpi", "scale=1/2 format=webp", jfif(1, 200, 100), raster.Density{X: 100, Y: 50, Unit: raster.PerInch}},
		{"200 dpi, gray", "gray format=webp quality=lossless", jfif(1, 200, 100), raster.Density{X: 200, Y: 100, Unit: raster.PerInch}},
		{"per cm", "scale=1 format=webp", jfif(2, 40, 40), raster.Density{X: 40, Y: 40, Unit: raster.PerCM}},
		{"72 dpi", "scale=1 format=webp", jfif(1, 72, 72), raster.Density{}},
		{"aspect", "scale=1 format=webp", jfif(0, 1, 1), raster.Density{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, out := made(t, c.in, c.words)
			p := opened(t, out)
			if got := p.Header().Density; got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if c.want == (raster.Density{}) && bytes.Contains(out[:40], []byte("VP8X")) {
				t.Error("an extended file without need")
			}
			if c.want != (raster.Density{}) {
				_, again := made(t, out, "scale=1/2")
				if got := opened(t, again).Header().Density; got != c.want.Scaled(0.5, 0.5) {
					t.Errorf("scaled again: %+v", got)
				}
			}
		})
	}
}

// An animation becomes a WebP whose frames are near those of the file, with its times, or
// equal to them if it is lossless. A lossless one stays so.
func TestAnimationToWebP(t *testing.T) {
	for name, data := range animations(t) {
		_, times := frames(t, data)
		for _, words := range []string{"scale=1", "gray", "scale=1/2", "crop=20x10+3+4", "scale=64x64 fit=pad background=203040"} {
			t.Run(name+" "+words, func(t *testing.T) {
				_, want := frames(t, mustMake(t, data, words+" format=png"))
				exact, _ := frames(t, mustMake(t, data, words+" format=png"))
				r, out := made(t, data, words+" format=webp quality=lossless")
				if r.Format != "webp" || r.Note != "" || !opened(t, out).Lossless {
					t.Errorf("%+v, lossless %v", r, opened(t, out).Lossless)
				}
				got, now := frames(t, out)
				if now != times || now != want {
					t.Errorf("%s; the input has %s", now, times)
				}
				for i := range exact {
					for k, w := range exact[i] {
						if w[3] == 0 && got[i][k][3] == 0 {
							got[i][k] = w
						}
					}
					rastertest.Same(t, "frame", got[i], exact[i])
				}
				_, again := made(t, out, "scale=1/2")
				if p := opened(t, again); !p.Lossless || p.Frames != len(exact) {
					t.Errorf("scaled it has %d frames, lossless %v", p.Frames, p.Lossless)
				}
				lossy, _ := frames(t, mustMake(t, data, words+" format=webp quality=90"))
				for i := range exact {
					var off, n int
					for k, w := range exact[i] {
						if d := luma(w) - luma(lossy[i][k]); w[3] > 0 {
							off, n = off+max(d, -d), n+1
						}
						if w[3] != lossy[i][k][3] {
							t.Fatalf("frame %d: alpha %d became %d", i+1, w[3], lossy[i][k][3])
						}
					}
					if n > 0 && off/n > 8*257 {
						t.Errorf("luma of frame %d is off by %d of 255", i+1, off/n/257)
					}
				}
			})
		}
	}
}

// A lossy WebP that keeps its size and colours is copied with its alpha; what is around
// the pixels changes as in any other result.
func TestLossyWebPIsCopied(t *testing.T) {
	still := rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, photo(90, 70)) })
	_, lossy := made(t, still, "format=webp")
	withAlpha := rastertest.File(t, "../webp/testdata/alpha.webp")
	bits := func(data []byte, name string) []byte {
		at := bytes.Index(data, []byte(name))
		if at < 0 {
			return nil
		}
		return data[at+8:][:binary.LittleEndian.Uint32(data[at+4:])]
	}
	for _, c := range []struct {
		name, words string
		copied      bool
	}{
		{"nothing", "scale=1", true},
		{"format", "format=webp", true},
		{"fast", "scale=1 fast", true},
		{"fits its own size", "scale=90x", true},
		{"metadata", "format=webp keep=copyright", true},
		{"many bytes", "format=webp bytes=1M", true},
		{"few bytes", "format=webp bytes=1000", false},
		{"quality", "scale=1 quality=50", false},
		{"lossless", "scale=1 quality=lossless", false},
		{"gray", "gray", false},
		{"crop", "crop=20x20", false},
		{"scale", "scale=1/2", false},
		{"background", "scale=1 background=ff0000", false},
	} {
		for kind, in := range map[string][]byte{"opaque": lossy, "alpha": withAlpha} {
			if kind == "alpha" && (c.name == "few bytes" || c.name == "fits its own size") {
				continue
			}
			t.Run(c.name+", "+kind, func(t *testing.T) {
				r, out := made(t, in, c.words)
				same := bytes.Equal(bits(out, "VP8 "), bits(in, "VP8 ")) && bytes.Equal(bits(out, "ALPH"), bits(in, "ALPH"))
				if same != c.copied || r.Format != "webp" {
					t.Errorf("copied: %v; %+v", same, r)
				}
				if p := opened(t, out); p.Header().W() != r.W || p.Header().H() != r.H {
					t.Errorf("%d×%d, said %d×%d", p.Header().W(), p.Header().H(), r.W, r.H)
				}
			})
		}
	}
}

// Damage is found before anything is copied. What is left of a file, read leniently, is
// coded again.
func TestDamagedLossyWebPIsNotCopied(t *testing.T) {
	data := rastertest.File(t, "../webp/testdata/lossy.webp")
	cut := data[:len(data)*2/3]
	var out bytes.Buffer
	_, err := plan.Run(&out, bytes.NewReader(cut), int64(len(cut)), plantest.Ask("scale=1"))
	if err == nil || out.Len() > 0 {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
	r, err := plan.Run(&out, bytes.NewReader(cut), int64(len(cut)), plantest.Within(raster.Limits{Lenient: true}, "scale=1"))
	if err != nil || !strings.Contains(r.Note, "truncated") {
		t.Fatalf("%+v, %v", r, err)
	}
	if p := opened(t, out.Bytes()); p.Header().W() != r.W || p.Header().H() != r.H || len(p.Notes()) > 0 {
		t.Errorf("%+v, %v", p.Header(), p.Notes())
	}
}

// Of several sizes only that of the picture itself is copied.
func TestLossyWebPIsCopiedBesideSmallerSizes(t *testing.T) {
	still := rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, photo(90, 70)) })
	_, lossy := made(t, still, "format=webp")
	for _, words := range []string{"scale=90x,45x,30x", "scale=45x,90x", "scale=90x,45x bytes=1500"} {
		t.Run(words, func(t *testing.T) {
			s, err := plan.PrepareSizes(bytes.NewReader(lossy), int64(len(lossy)), plantest.Ask(words))
			if err != nil {
				t.Fatal(err)
			}
			outs := make([]bytes.Buffer, len(s.Each))
			var writers []io.Writer
			for i := range outs {
				writers = append(writers, &outs[i])
			}
			results, err := s.Write(writers)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range results {
				p := opened(t, outs[i].Bytes())
				if p.Header().W() != r.W || p.Header().H() != r.H {
					t.Errorf("%d×%d, said %d×%d", p.Header().W(), p.Header().H(), r.W, r.H)
				}
				if copied := bytes.Equal(outs[i].Bytes(), lossy); copied != (r.W == 90 && !strings.Contains(words, "bytes")) {
					t.Errorf("%d×%d copied: %v", r.W, r.H, copied)
				}
			}
		})
	}
}
