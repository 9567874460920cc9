package plan_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"reflect"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// pgm is a gray picture of the given samples.
func pgm(w, h int, f func(x, y int) uint8) []byte {
	b := fmt.Appendf(nil, "P5\n%d %d\n255\n", w, h)
	for y := range h {
		for x := range w {
			b = append(b, f(x, y))
		}
	}
	return b
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		w, h     int
		geometry string
		want     string
	}{
		{500, 399, "1/5", "100x80"},
		{2000, 4, "100x", "100x1"},
		{3, 3, "1/100", "1x1"},
		{640, 480, "50%", "320x240"},
		{640, 480, "100x100", "100x75"},
		{640, 480, "100x100!", "100x100"},
		{64, 48, "100x100>", "64x48"},
		{64, 48, "128x128<", "128x96"},
		{64, 48, "x96", "128x96"},
		{7, 5, "3", "21x15"},
	} {
		r, out := made(t, pgm(c.w, c.h, func(x, y int) uint8 { return 9 }), "scale="+c.geometry)
		var w, h int
		fmt.Sscanf(string(out), "P5\n%d %d\n", &w, &h)
		if got := fmt.Sprintf("%dx%d", w, h); got != c.want || r.W != w || r.H != h {
			t.Errorf("%d×%d at %s: %s, said %dx%d; want %s", c.w, c.h, c.geometry, got, r.W, r.H, c.want)
		}
	}
}

// A reduced picture of a larger one, as gray for= delivers it, is put where it
// belongs: its last column and row may be parts of samples. The oracle takes the
// samples for places on the full picture.
func TestReducedPictureMapsToItsFullSize(t *testing.T) {
	for _, full := range [][2]int{{1001, 750}, {1008, 752}, {1007, 749}} {
		for n := 1; n <= 8; n++ {
			// A ramp over the full picture, sampled at the centres of what each reduced
			// sample covers.
			w, h := (full[0]*n+7)/8, (full[1]*n+7)/8
			ramp := func(place, length float64) float64 { return 20 + 200*place/length }
			centre := func(i, full int) float64 {
				a, b := float64(i)*8/float64(n), math.Min(float64(i+1)*8/float64(n), float64(full))
				return (a + b) / 2
			}
			data := pgm(w, h, func(x, y int) uint8 {
				return uint8(math.Round((ramp(centre(x, full[0]), float64(full[0])) + ramp(centre(y, full[1]), float64(full[1]))) / 2))
			})
			_, out := made(t, data, "scale=100x75!"+" "+fmt.Sprintf("of=%dx%d reduced=%d", full[0], full[1], n))
			body := out[len(out)-7500:]
			for i, v := range body {
				x, y := float64(i%100)+0.5, float64(i/100)+0.5
				if x < 4 || x > 96 || y < 4 || y > 71 {
					continue // the kernel leans over the edge
				}
				want := (ramp(x, 100) + ramp(y, 75)) / 2
				// A pixel's shift of the full picture is 0.1 of a sample here: rounding only.
				if math.Abs(float64(v)-want) > 1.1 {
					t.Fatalf("%v at %d/8: sample %d is %d, want %.2f", full, n, i, v, want)
				}
			}
		}
	}
}

// No shift through any way in: the centre of mass of a symmetric spot stays within
// 0.05 of an output pixel, reduced decoding included.
func TestNoShift(t *testing.T) {
	const size = 400
	spot := image.NewGray(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			dx, dy := float64(x)+0.5-size/2, float64(y)+0.5-size/2
			spot.SetGray(x, y, color.Gray{uint8(math.Round(250 * math.Exp(-(dx*dx+dy*dy)/(2*60*60))))})
		}
	}
	files := map[string][]byte{
		"png":  rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, spot) }),
		"jpeg": rastertest.Encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, spot, &jpeg.Options{Quality: 100}) }),
	}
	for name, data := range files {
		for _, g := range []string{"1/2", "1/3", "1/4", "3/8", "1/7", "1/8", "1/16", "2", "0.77"} {
			for _, o := range []string{"", "fast", "linear", "kernel=box", "kernel=triangle", "kernel=mitchell"} {
				r, out := made(t, data, "scale="+g+" format=pgm "+o)
				body := out[len(out)-r.W*r.H:]
				var sum, mx, my float64
				for i, v := range body {
					sum += float64(v)
					mx += float64(v) * (float64(i%r.W) + 0.5)
					my += float64(v) * (float64(i/r.W) + 0.5)
				}
				if dx, dy := mx/sum-float64(r.W)/2, my/sum-float64(r.H)/2; math.Abs(dx) > 0.05 || math.Abs(dy) > 0.05 {
					t.Errorf("%s %s %+v: shifted by %.3f, %.3f", name, g, o, dx, dy)
				}
			}
		}
	}
}

func TestLinearLight(t *testing.T) {
	board := pgm(64, 64, func(x, y int) uint8 { return uint8((x+y)%2) * 255 })
	for linear, want := range map[bool]int{true: 188, false: 128} {
		_, out := made(t, board, "scale=1/4"+" "+map[bool]string{true: "linear"}[linear])
		for i, v := range out[len(out)-256:] {
			if x, y := i%16, i/16; x > 2 && x < 13 && y > 2 && y < 13 && (int(v) < want-1 || int(v) > want+1) {
				t.Fatalf("linear %v: %d at %d, %d; want %d", linear, v, x, y, want)
			}
		}
	}
	// Of a JPEG, too, which then is not decoded at a reduced size.
	m := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range m.Pix {
		m.Pix[i] = uint8((i%64+i/64)%2) * 255
	}
	data := rastertest.Encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, m, &jpeg.Options{Quality: 100}) })
	_, out := made(t, data, "scale=1/4 format=pgm linear")
	if v := out[len(out)-120]; v < 186 || v > 190 {
		t.Errorf("a JPEG's checkerboard in linear light is %d", v)
	}
}

func TestTransparentEdgesStayWhite(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 40, 40))
	for i := range 40 * 40 {
		if i%40 >= 20 { // white on nothing, which is black
			copy(m.Pix[4*i:], []uint8{255, 255, 255, 255})
		}
	}
	_, out := made(t, rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) }), "scale=13x13!")
	got, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 13*13*4; i += 4 {
		if p := got.(*image.NRGBA).Pix[i : i+4]; p[3] > 2 && (p[0] < 253 || p[1] < 253 || p[2] < 253) {
			t.Fatalf("pixel %d: %v", i/4, p)
		}
	}
}

func TestFactorOneKeepsThePixels(t *testing.T) {
	data := rastertest.Encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, photo(61, 47), &jpeg.Options{Quality: 60}) })
	comment := append([]byte("\xff\xd8\xff\xfe\x00\x08secret"), data[2:]...)
	for _, g := range []string{"1", "100%", "61x47!", "1000x1000>"} {
		r, out := made(t, comment, "scale="+g)
		if bytes.Contains(out, []byte("secret")) || r.W != 61 {
			t.Errorf("%s: the comment is still there", g)
		}
		a, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		b, err := jpeg.Decode(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		x, y := a.(*image.YCbCr), b.(*image.YCbCr)
		if !bytes.Equal(x.Y, y.Y) || !bytes.Equal(x.Cb, y.Cb) || !bytes.Equal(x.Cr, y.Cr) {
			t.Errorf("%s: other coefficients", g)
		}
	}
	if _, out := made(t, comment, "scale=1 quality=10"); len(out) >= len(data) {
		t.Errorf("quality 10 was asked for: %d bytes of %d", len(out), len(data))
	}
	m16 := image.NewNRGBA64(image.Rect(0, 0, 9, 7))
	for i := range m16.Pix {
		m16.Pix[i] = uint8(i * 37)
	}
	in := rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m16) })
	_, out := made(t, in, "scale=1")
	got, err := png.Decode(bytes.NewReader(out))
	if err != nil || !bytes.Equal(got.(*image.NRGBA64).Pix, m16.Pix) {
		t.Errorf("16-bit PNG at 1: %v, other samples", err)
	}
}

func TestAnimationKeepsFramesDelaysAndLoop(t *testing.T) {
	var g gif.GIF
	pal := color.Palette{color.NRGBA{}, color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 0, 255, 255}}
	for i := range 4 { // a square that wanders over a blue ground
		r := image.Rect(0, 0, 40, 40)
		if i > 0 {
			r = image.Rect(12*i-10, 12*i-10, 12*i-2, 12*i-2)
		}
		m := image.NewPaletted(r, pal)
		for k := range m.Pix {
			m.Pix[k] = uint8(2 - min(i, 1))
		}
		g.Image = append(g.Image, m)
		g.Delay = append(g.Delay, 5*(i+1))
		g.Disposal = append(g.Disposal, []byte{gif.DisposalNone, gif.DisposalPrevious, gif.DisposalPrevious, gif.DisposalNone}[i])
	}
	g.LoopCount = 3
	data := rastertest.Encoded(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, &g) })
	r, out := made(t, data, "scale=1/2")
	if r.Format != "gif" || r.Note != "" || r.W != 20 || r.H != 20 {
		t.Errorf("%+v", r)
	}
	got, err := gif.DecodeAll(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Image) != 4 || fmt.Sprint(got.Delay) != "[5 10 15 20]" || got.LoopCount != 3 || got.Config.Width != 20 {
		t.Fatalf("%d frames, delays %v, loop %d, %d wide", len(got.Image), got.Delay, got.LoopCount, got.Config.Width)
	}
	// The middle of each square is red where it is shown, blue where it was.
	canvas := image.NewNRGBA(image.Rect(0, 0, 20, 20))
	for i, m := range got.Image {
		before := bytes.Clone(canvas.Pix)
		for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y++ {
			for x := m.Rect.Min.X; x < m.Rect.Max.X; x++ {
				if c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA); c.A > 0 {
					canvas.SetNRGBA(x, y, c)
				}
			}
		}
		for k := range 3 {
			at := 6*k + 3
			c := canvas.NRGBAAt(at, at)
			if red := k+1 == i; red != (c.R > 200) || red == (c.B > 200) {
				t.Errorf("frame %d: at square %d %v", i, k+1, c)
			}
		}
		switch got.Disposal[i] {
		case gif.DisposalPrevious:
			canvas.Pix = before
		case gif.DisposalBackground:
			for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y++ {
				for x := m.Rect.Min.X; x < m.Rect.Max.X; x++ {
					canvas.SetNRGBA(x, y, color.NRGBA{})
				}
			}
		}
	}
	if r, _ := made(t, data, "scale=1/2 format=jpeg"); r.Note != "first of 4 frames" {
		t.Errorf("to JPEG: note %q", r.Note)
	}
	if _, out := made(t, data, "scale=1"); len(out) > len(data) {
		t.Errorf("at 1: %d bytes of %d", len(out), len(data))
	}
	lim := raster.Limits{Pixels: 4 * 40 * 40}
	if _, err := plan.Run(&bytes.Buffer{}, bytes.NewReader(data), int64(len(data)), plantest.Within(lim, "scale=2")); fault.Of(err) != fault.TooLarge {
		t.Errorf("twice the size is over the limit: %v", err)
	}
}

// TestPGMIsLuma: to gray from a JPEG only luma is scaled, which clamps no colours.
func TestPGMIsLuma(t *testing.T) {
	data := rastertest.Encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, photo(200, 120), nil) })
	m, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	y := m.(*image.YCbCr)
	luma := pgm(200, 120, func(x, yy int) uint8 { return y.Y[yy*y.YStride+x] })
	for _, g := range []string{"1", "0.9"} {
		_, got := made(t, data, "scale="+g+" format=pgm")
		_, want := made(t, luma, "scale="+g)
		if len(got) != len(want) {
			t.Fatalf("%s: %d bytes, want %d", g, len(got), len(want))
		}
		for i := range want {
			if d := int(got[i]) - int(want[i]); d < -2 || d > 2 { // decoders may differ by 1, which lanczos makes larger
				t.Fatalf("%s: byte %d is %d, want %d", g, i, got[i], want[i])
			}
		}
	}
}

func TestJPEGSides(t *testing.T) {
	data := pgm(70000, 1, func(x, y int) uint8 { return 9 })
	if _, err := plan.Run(&bytes.Buffer{}, bytes.NewReader(data), int64(len(data)), plantest.Ask("scale=1 format=jpeg")); fault.Of(err) != fault.TooLarge {
		t.Errorf("a JPEG 70000 wide: %v", err)
	}
	if r, _ := made(t, data, "scale=1/2 format=jpeg"); r.W != 35000 || r.H != 1 {
		t.Errorf("%+v", r)
	}
}

func TestOptionsAreTaken(t *testing.T) {
	data := rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, photo(100, 80)) })
	seen := map[string]string{}
	for _, k := range []string{"", "box", "triangle", "catmullrom", "mitchell"} {
		_, out := made(t, data, "scale=1/3 kernel="+k+" format=ppm")
		if other, ok := seen[string(out)]; ok {
			t.Errorf("kernels %q and %q give the same", k, other)
		}
		seen[string(out)] = k
	}
	_, low := made(t, data, "scale=1/3 format=jpeg quality=10")
	_, usual := made(t, data, "scale=1/3 format=jpeg")
	jpegs, _ := format.Lookup(format.JPEG)
	_, asked := made(t, data, fmt.Sprint("scale=1/3 format=jpeg quality=", jpegs.Quality))
	if len(low) >= len(usual) || !bytes.Equal(usual, asked) {
		t.Errorf("%d bytes at 10, %d by default, %d at %d", len(low), len(usual), len(asked), jpegs.Quality)
	}
}

// On two CPUs comes what comes on one, whatever the layout.
func TestScaleAheadIsTheSame(t *testing.T) {
	m := photo(1300, 900)
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] |= 0x80
	}
	files := map[string][]byte{
		"png":  rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) }),
		"jpeg": rastertest.Encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, m, nil) }),
	}
	for name, data := range files {
		for _, o := range []string{"scale=3/4", "scale=9/10 format=png", "scale=1 quality=70 format=jpeg", "scale=2/3 linear", "scale=1/20"} {
			want, wantOut := made(t, data, o)
			o += " ahead"
			if got, out := made(t, data, o); !reflect.DeepEqual(got, want) || !bytes.Equal(out, wantOut) {
				t.Errorf("%s, %+v: %+v, %d bytes; want %+v, %d bytes", name, o, got, len(out), want, len(wantOut))
			}
		}
		cut := data[:len(data)/2]
		_, want := plan.Run(io.Discard, bytes.NewReader(cut), int64(len(cut)), plantest.Ask("scale=3/4"))
		_, got := plan.Run(io.Discard, bytes.NewReader(cut), int64(len(cut)), plantest.Ask("scale=3/4 ahead"))
		if want == nil || got == nil || got.Error() != want.Error() || fault.Of(got) != fault.Of(want) {
			t.Errorf("%s, half: %v; want %v", name, got, want)
		}
	}
}

// The word progressive changes how a JPEG is stored and nothing else. Other formats
// ignore it.
func TestProgressive(t *testing.T) {
	data := rastertest.Encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, photo(200, 120), nil) })
	frame := []byte{0xFF, 0xC2, 0}
	for _, words := range []string{"scale=1/2", "gray", "gray scale=1/2", "format=jpeg", "crop=64x64+16+16", "quality=60", "gray=709"} {
		t.Run(words, func(t *testing.T) {
			_, usual := made(t, data, words)
			_, out := made(t, data, words+" progressive")
			if !bytes.Contains(out, frame) || bytes.Contains(usual, frame) {
				t.Error("the frame is not what was asked for")
			}
			a, err := jpeg.Decode(bytes.NewReader(usual))
			if err != nil {
				t.Fatal(err)
			}
			b, err := jpeg.Decode(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			for i := range a.Bounds().Dx() * a.Bounds().Dy() {
				if x, y := i%a.Bounds().Dx(), i/a.Bounds().Dx(); a.At(x, y) != b.At(x, y) {
					t.Fatalf("pixel %d,%d is %v, not %v", x, y, b.At(x, y), a.At(x, y))
				}
			}
		})
	}
	_, usual := made(t, data, "scale=1/2 format=png")
	if _, out := made(t, data, "scale=1/2 format=png progressive"); !bytes.Equal(usual, out) {
		t.Error("PNG does not ignore the word")
	}
}
