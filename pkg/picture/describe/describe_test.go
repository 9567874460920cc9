package describe

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/info"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// encoded writes a picture of 7×5 in a format.
func encoded(t *testing.T, name string, layout raster.Layout, turn func(*raster.Header), o codec.Options) []byte {
	t.Helper()
	h := raster.NewHeader(7, 5, layout, 8)
	turn(h)
	samples := rastertest.Noise[uint8](rand.New(rand.NewPCG(1, 1)), 35*layout.Samples(), 2)
	for i := range samples {
		if layout != raster.Indexed {
			samples[i] *= 255
		}
	}
	var b bytes.Buffer
	if _, err := codec.Encode(&b, &rastertest.Picture[uint8]{H: h, S: samples, Band: 2}, name, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func same(*raster.Header) {}

// lying returns a JPEG of 30×20 whose EXIF says that it lies on its side, has 72 dpi, and
// was changed on a day.
func lying(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 30, 20)), nil); err != nil {
		t.Fatal(err)
	}
	exif := "Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x04" +
		"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00" + // orientation 6
		"\x01\x1a\x00\x05\x00\x00\x00\x01\x00\x00\x00\x3e" + // resolution
		"\x01\x1b\x00\x05\x00\x00\x00\x01\x00\x00\x00\x3e" +
		"\x01\x32\x00\x02\x00\x00\x00\x14\x00\x00\x00\x46" + // date
		"\x00\x00\x00\x00" + "\x00\x00\x00\x48\x00\x00\x00\x01" + "2026:11:29 18:30:00\x00"
	segment := append([]byte{0xff, 0xd8, 0xff, 0xe1, 0, byte(len(exif) + 2)}, exif...)
	return append(segment, b.Bytes()[2:]...)
}

func TestRead(t *testing.T) {
	palette := color.Palette{color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 0, 255, 128}}
	var indexed bytes.Buffer
	if err := png.Encode(&indexed, image.NewPaletted(image.Rect(0, 0, 7, 5), palette)); err != nil {
		t.Fatal(err)
	}
	plain := info.Info{Width: 7, Height: 5, Frames: 1, Depth: 8, Colour: info.RGB, Orientation: 1}
	with := func(turn func(*info.Info)) info.Info {
		i := plain
		turn(&i)
		return i
	}
	for _, c := range []struct {
		name string
		file []byte
		want info.Info
	}{
		{"PNG", encoded(t, format.PNG, raster.RGBA, same, codec.Options{}), with(func(i *info.Info) { i.Format, i.Alpha = "png", true })},
		{"one bit", encoded(t, format.PNG, raster.Gray, same, codec.Options{Depth: 1}), with(func(i *info.Info) { i.Format, i.Depth, i.Colour = "png", 1, info.Gray })},
		{"palette with alpha", indexed.Bytes(), with(func(i *info.Info) { i.Format, i.Depth, i.Colour, i.Alpha = "png", 1, info.Palette, true })},
		{"density", encoded(t, format.PNG, raster.RGB, func(h *raster.Header) { h.Density = raster.Density{X: 40, Y: 40, Unit: raster.PerCM} }, codec.Options{}),
			with(func(i *info.Info) { i.Format, i.Density = "png", &info.Density{X: 40, Y: 40, Unit: info.CM} })},
		{"colour space of PNG", encoded(t, format.PNG, raster.RGB, func(h *raster.Header) { h.Coding.CICP = [4]uint8{12, 13, 0, 1} }, codec.Options{}),
			with(func(i *info.Info) { i.Format, i.Profile = "png", "CICP 12/13/0/1" })},
		{"TIFF", encoded(t, format.TIFF, raster.Gray, same, codec.Options{}), with(func(i *info.Info) { i.Format, i.Colour = "tiff", info.Gray })},
		{"upright size, density and date of EXIF", lying(t), info.Info{Format: "jpeg", Width: 20, Height: 30, Frames: 1, Depth: 8, Colour: info.Gray, Orientation: 6,
			Density: &info.Density{X: 72, Y: 72, Unit: info.Inch}, Date: "2026-11-29T18:30:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Read(bytes.NewReader(c.file), int64(len(c.file)), Unlimited)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

// HEIC and AVIF are not read, and described all the same.
func TestHEIF(t *testing.T) {
	plain := info.Info{Format: "heic", Width: 64, Height: 48, Frames: 1, Depth: 8, Colour: info.RGB, Orientation: 1}
	with := func(turn func(*info.Info)) info.Info {
		i := plain
		turn(&i)
		return i
	}
	dpi := &info.Density{X: 300, Y: 300, Unit: info.Inch}
	for file, want := range map[string]info.Info{
		"odd.heic":   with(func(i *info.Info) { i.Width, i.Height = 45, 31 }),
		"exif.heic":  with(func(i *info.Info) { i.Density, i.Date = dpi, "2026-11-29T18:30:00+01:00" }),
		"p3.heic":    with(func(i *info.Info) { i.Profile = "sP3C" }),
		"alpha.heic": with(func(i *info.Info) { i.Alpha = true }),
		"deep.heic":  with(func(i *info.Info) { i.Depth = 10 }),
		"gray.avif":  with(func(i *info.Info) { i.Format, i.Colour = "avif", info.Gray }),
		"anim.avif":  with(func(i *info.Info) { i.Format, i.Frames, i.Alpha = "avif", 3, true }),
		"deep.avif": with(func(i *info.Info) {
			i.Format, i.Width, i.Height, i.Depth, i.Profile = "avif", 40, 30, 12, "CICP 9/16/9/1"
		}),
		"exif.avif": with(func(i *info.Info) {
			i.Format, i.Width, i.Height, i.Orientation, i.Density, i.Date = "avif", 48, 64, 5, dpi, "2026-11-29T18:30:00+01:00"
		}),
	} {
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile("../heif/testdata/" + file)
			if err != nil {
				t.Fatal(err)
			}
			in := bytes.NewReader(data)
			got, err := Read(in, int64(len(data)), Unlimited)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, %v\nwant %+v", got, err, want)
			}
			if !IsPicture(in, int64(len(data))) {
				t.Error("it is no picture")
			}
			if _, err := Read(in, 100, Unlimited); fault.Of(err) != fault.Format {
				t.Errorf("100 bytes of it: %v", err)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	huge := []byte("P5 60000 60000 255\n")
	if i, err := Read(bytes.NewReader(huge), int64(len(huge)), Unlimited); err != nil || i.Width != 60000 {
		t.Errorf("unlimited: %+v, %v", i, err)
	}
	if _, err := Read(bytes.NewReader(huge), int64(len(huge)), raster.Limits{}); fault.Of(err) != fault.TooLarge {
		t.Errorf("3600 Mpixel within the usual limits: %v", err)
	}
}

func TestNotesAreShortAndFew(t *testing.T) {
	b := encoded(t, format.GIF, raster.Gray, same, codec.Options{})
	b = b[:len(b)-1] // the trailer
	i, err := Read(bytes.NewReader(b), int64(len(b)), Unlimited)
	if err != nil || !reflect.DeepEqual(i.Notes, []string{"no end marker"}) {
		t.Errorf("%+v, %v", i, err)
	}
}
