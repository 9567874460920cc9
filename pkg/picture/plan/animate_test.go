package plan_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// turnedWebP returns the animated WebP of package webp's testdata, 7 frames of 40×30,
// with an EXIF chunk of orientation 6 added.
func turnedWebP(t *testing.T) []byte {
	t.Helper()
	b := rastertest.File(t, "../webp/testdata/anim-mixed.webp")
	b = append(b, "EXIF\x1a\x00\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"...)
	b[20] |= 8
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

// All frames of a WebP come out as GIF, upright, near those that libwebp shows.
func TestAnimatedWebPToGIF(t *testing.T) {
	ref, err := png.Decode(bytes.NewReader(rastertest.File(t, "../webp/testdata/anim-mixed.png")))
	if err != nil {
		t.Fatal(err)
	}
	r, out := made(t, turnedWebP(t), "scale=1 format=gif")
	if r.Format != "gif" || r.W != 30 || r.H != 40 || r.Note != "" {
		t.Errorf("%+v", r)
	}
	g, err := gif.DecodeAll(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{10, 5, 3, 1, 7, 100, 0}; !slices.Equal(g.Delay, want) || g.LoopCount != 2 || g.Config.Width != 30 {
		t.Fatalf("delays %v, loop %d, %d wide", g.Delay, g.LoopCount, g.Config.Width)
	}
	for n := range g.Image {
		_, one := made(t, turnedWebP(t), fmt.Sprintf("scale=1 format=png frame=%d", n+1))
		m, err := png.Decode(bytes.NewReader(one))
		if err != nil || m.Bounds().Dx() != 30 || m.Bounds().Dy() != 40 {
			t.Fatal(m.Bounds(), err)
		}
		for y := range 40 {
			for x := range 30 {
				// Orientation 6: the stored row 0 is the right column.
				want := color.NRGBAModel.Convert(ref.At(y, 30*n+29-x)).(color.NRGBA)
				got := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
				if d := int(got.A) - int(want.A); d < -4 || d > 4 || want.A > 200 && (far(got.R, want.R) || far(got.G, want.G) || far(got.B, want.B)) {
					t.Fatalf("frame %d: %v at %d,%d, want %v", n+1, got, x, y, want)
				}
			}
		}
	}
	// The first frame has no transparent pixels; GIF leaves 255 colours.
	for y := range 40 {
		for x := range 30 {
			want := color.NRGBAModel.Convert(ref.At(y, 29-x)).(color.NRGBA)
			got := color.NRGBAModel.Convert(g.Image[0].At(x, y)).(color.NRGBA)
			for _, v := range [][2]uint8{{got.R, want.R}, {got.G, want.G}, {got.B, want.B}} {
				if d := int(v[0]) - int(v[1]); d < -40 || d > 40 {
					t.Fatalf("GIF: %v at %d,%d, want %v", got, x, y, want)
				}
			}
		}
	}
}

func far(a, b uint8) bool { return max(a, b)-min(a, b) > 6 }

func TestAnimatedWebPToOthers(t *testing.T) {
	data := turnedWebP(t)
	for _, c := range []struct{ words, want string }{
		{"scale=1/2", "webp 15x20 "},
		{"scale=1/2 format=jpeg", "jpeg 15x20 first of 7 frames"},
		{"scale=1/2 format=png", "png 15x20 animated PNG: some programs show only the first of 7 frames"},
		{"scale=1/2 format=bmp", "bmp 15x20 first of 7 frames"},
		{"gray", "webp 30x40 "},
		{"gray format=auto", "jpeg 30x40 first of 7 frames"},
		{"gray format=gif", "gif 30x40 "},
		{"scale=1/2 format=gif", "gif 15x20 "},
		{"gray handover scale=1/2 format=gif", "gif 30x40 "},
		{"scale=1/2 frame=3", "webp 15x20 "},
		{"scale=1/2 frame=3 format=auto", "png 15x20 "},
		{"scale=1/2 frame=3 format=gif", "gif 15x20 "},
		{"scale=1 frame=7 format=gif", "gif 30x40 "},
	} {
		t.Run(c.words, func(t *testing.T) {
			r, out := made(t, data, c.words)
			if got := fmt.Sprintf("%s %dx%d %s", r.Format, r.W, r.H, r.Note); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if r.Format == "gif" {
				g, err := gif.DecodeAll(bytes.NewReader(out))
				frames := 7
				if plantest.Ask(c.words).Ops.Has("frame") {
					frames = 1
				}
				if err != nil || len(g.Image) != frames {
					t.Errorf("%d frames, %v", len(g.Image), err)
				}
			}
		})
	}
	var sink bytes.Buffer
	_, err := plan.Run(&sink, bytes.NewReader(data), int64(len(data)), plantest.Ask("scale=1/2 frame=8"))
	if fault.Of(err) != fault.Usage || fmt.Sprint(err) != "frame 8: the file has 7 frames" {
		t.Error(err)
	}
}

// wanderer returns a GIF of 5 frames of 40×30: a square that wanders over a ground of
// many colours and uncovers it again, and is shown 3 times.
func wanderer(t *testing.T) []byte {
	t.Helper()
	g := gif.GIF{LoopCount: 2, Config: image.Config{Width: 40, Height: 30}}
	pal := color.Palette{color.NRGBA{}, color.NRGBA{255, 0, 0, 255}}
	for i := range 200 {
		pal = append(pal, color.NRGBA{uint8(i), uint8(255 - i), uint8(5 * i), 255})
	}
	for i := range 5 {
		r, disposal := image.Rect(0, 0, 40, 30), byte(gif.DisposalNone)
		if i > 0 {
			r, disposal = image.Rect(7*i-5, 5*i-4, 7*i+3, 5*i+4), []byte{0, gif.DisposalPrevious, gif.DisposalBackground, gif.DisposalPrevious, 0}[i]
		}
		m := image.NewPaletted(r, pal)
		for k := range m.Pix {
			if m.Pix[k] = uint8(min(i, 1)); i == 0 {
				m.Pix[k] = uint8(2 + k%200)
			}
		}
		g.Image, g.Delay, g.Disposal = append(g.Image, m), append(g.Delay, 4+i), append(g.Disposal, disposal)
	}
	return rastertest.Encoded(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, &g) })
}

// oddities returns a GIF of 7 frames of 40×30, without end: the first is smaller than the
// canvas and taken away again, one is transparent, one repeats what is shown, one is a
// single pixel, and those between are shown for no time.
func oddities(t *testing.T) []byte {
	t.Helper()
	g := gif.GIF{Config: image.Config{Width: 40, Height: 30}}
	pal := color.Palette{color.NRGBA{}}
	for i := range 30 {
		pal = append(pal, color.NRGBA{uint8(8 * i), uint8(255 - 7*i), uint8(40 * i), 255})
	}
	add := func(r image.Rectangle, disposal byte, delay int, index func(i int) int) {
		m := image.NewPaletted(r, pal)
		for i := range m.Pix {
			m.Pix[i] = uint8(index(i))
		}
		g.Image, g.Delay, g.Disposal = append(g.Image, m), append(g.Delay, delay), append(g.Disposal, disposal)
	}
	colours := func(i int) int { return 1 + i%30 }
	holes := func(i int) int { return i % 3 * (i % 11) }
	add(image.Rect(9, 8, 21, 20), gif.DisposalPrevious, 3, colours)
	add(image.Rect(0, 0, 40, 30), gif.DisposalNone, 0, func(int) int { return 0 })
	add(image.Rect(3, 5, 30, 28), gif.DisposalNone, 0, holes)
	add(image.Rect(3, 5, 30, 28), gif.DisposalBackground, 7, holes)
	add(image.Rect(39, 29, 40, 30), gif.DisposalNone, 0, colours)
	add(image.Rect(10, 2, 37, 25), gif.DisposalPrevious, 0, holes)
	add(image.Rect(0, 0, 40, 30), gif.DisposalBackground, 100, colours)
	return rastertest.Encoded(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, &g) })
}

// animations returns animated files of all formats that have animations.
func animations(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{"gif": wanderer(t), "odd gif": oddities(t), "webp": turnedWebP(t)}
	_, files["png of few colours"] = made(t, files["gif"], "format=png")
	_, files["png of many colours"] = made(t, files["webp"], "format=png")
	return files
}

// frames reads all frames of an animated file, and what it says of their times.
func frames(t *testing.T, data []byte) (all [][][4]uint16, times string) {
	t.Helper()
	p, err := codec.Open(bytes.NewReader(data), int64(len(data)), raster.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	a := p.Animated()
	if a == nil {
		t.Fatalf("%s is a still", p.Format)
	}
	in, err := a.Animation()
	if err != nil {
		t.Fatal(err)
	}
	times = fmt.Sprint("loop ", a.Loop())
	for {
		f, err := in.Next()
		if err == io.EOF {
			return all, times
		}
		if err != nil {
			t.Fatal(err)
		}
		rows, err := raster.Upright(f.Rows, raster.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		px, err := rastertest.Pixels(rows, nil)
		if err != nil {
			t.Fatal(err)
		}
		all, times = append(all, px), fmt.Sprint(times, " ", f.Delay)
	}
}

// Each frame of an APNG is what a request for that frame alone gives. Times are kept.
func TestAnimationToPNG(t *testing.T) {
	for name, data := range animations(t) {
		_, times := frames(t, data)
		for _, words := range []string{"scale=1", "gray", "gray=709", "scale=1/2", "gray scale=20x", "crop=20x10+3+4", "scale=16x16 fit=cover", "scale=64x64 fit=pad background=203040", "background=ff8000"} {
			t.Run(name+" "+words, func(t *testing.T) {
				r, out := made(t, data, words+" format=png")
				if r.Format != "png" || !strings.HasPrefix(r.Note, "animated PNG: ") {
					t.Errorf("%+v", r)
				}
				got, now := frames(t, out)
				if now != times {
					t.Errorf("%s; the input has %s", now, times)
				}
				for i, px := range got {
					_, one := made(t, data, fmt.Sprintf("%s format=png frame=%d", words, i+1))
					want, err := rastertest.Pixels(rastertest.Start(codec.Open(bytes.NewReader(one), int64(len(one)), raster.Limits{})))
					if err != nil {
						t.Fatal(err)
					}
					for k := range want {
						switch {
						case want[k][3] == 0 && px[k][3] == 0,
							name == "webp" && i == 0 && px[k][0]-want[k][0]+4*257 <= 8*257: // luma of a lossy still is not made of its colours
							want[k] = px[k]
						}
					}
					rastertest.Same(t, fmt.Sprint("frame ", i+1), px, want)
				}
			})
		}
	}
}

// As GIF, frames of few colours are the same; of these a transparent pixel has none.
func TestAnimationToGIF(t *testing.T) {
	for name, data := range map[string][]byte{"gif": wanderer(t), "odd gif": oddities(t)} {
		_, film := made(t, data, "format=png")
		for _, words := range []string{"crop=20x10+3+4", "scale=1", "crop=40x29+0+1"} {
			t.Run(name+" "+words, func(t *testing.T) {
				want, times := frames(t, mustMake(t, film, words))
				got, now := frames(t, mustMake(t, film, words+" format=gif"))
				if now != times || len(got) != len(want) {
					t.Fatalf("%s; the input has %s", now, times)
				}
				for i := range want {
					for k, w := range want[i] {
						if w[3] == 0 && got[i][k][3] == 0 {
							got[i][k] = w
						}
					}
					rastertest.Same(t, fmt.Sprint("frame ", i+1), got[i], want[i])
				}
			})
		}
	}
}

// More frames than a WebP may have are refused before any is coded.
func TestTooManyFramesForWebP(t *testing.T) {
	g := gif.GIF{Config: image.Config{Width: 1, Height: 1}}
	m := image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{color.Black, color.White})
	for range 1<<16 + 1 {
		g.Image, g.Delay = append(g.Image, m), append(g.Delay, 1)
	}
	data := rastertest.Encoded(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, &g) })
	for _, words := range []string{"format=webp", "format=webp bytes=9M"} {
		_, err := plan.Run(io.Discard, bytes.NewReader(data), int64(len(data)), plantest.Ask(words))
		if fault.Of(err) != fault.TooLarge || err == nil || !strings.HasPrefix(err.Error(), "65537 frames > 65536 in a WebP") {
			t.Errorf("%s: %v", words, err)
		}
	}
}

// Frames that have few colours together are written with a palette, and cost what their
// changes cost.
func TestAnimationToPNGIsSmall(t *testing.T) {
	data := wanderer(t)
	_, out := made(t, data, "format=png")
	if out[25] != 3 {
		t.Errorf("colour type %d", out[25])
	}
	if _, one := made(t, data, "format=png frame=1"); len(out) > len(one)+5*400 {
		t.Errorf("%d bytes, and the first frame has %d", len(out), len(one))
	}
	if _, again := made(t, out, "scale=1"); len(again) > len(out) {
		t.Errorf("%d bytes, written again %d", len(out), len(again))
	}
}

// Of a damaged animation that is accepted the frames are written that are there.
func TestDamagedAnimationToPNG(t *testing.T) {
	data := turnedWebP(t)
	data = data[:len(data)*2/3]
	r := plantest.Within(raster.Limits{Lenient: true}, "format=png")
	var out bytes.Buffer
	res, err := plan.Run(&out, bytes.NewReader(data), int64(len(data)), r)
	if err != nil || res.Note == "" {
		t.Fatal(res.Note, err)
	}
	if all, _ := frames(t, out.Bytes()); len(all) < 2 || len(all) > 6 {
		t.Errorf("%d frames", len(all))
	}
}
