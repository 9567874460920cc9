package plan_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image/color"
	"image/gif"
	"image/png"
	"slices"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
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
		{"scale=1/2", "jpeg 15x20 first of 7 frames"},
		{"scale=1/2 format=png", "png 15x20 first of 7 frames"},
		{"gray", "jpeg 30x40 first of 7 frames"},
		{"gray format=gif", "gif 30x40 "},
		{"scale=1/2 format=gif", "gif 15x20 "},
		{"gray handover scale=1/2 format=gif", "gif 30x40 "},
		{"scale=1/2 frame=3", "png 15x20 "},
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
