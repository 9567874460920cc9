package plan_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"io"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// bytes= gives the best file that is no larger, whatever else is asked for. A lossless
// copy that fits is taken; one that doesn't is coded again.
func TestBytes(t *testing.T) {
	data := rastertest.Encoded(t, func(b *bytes.Buffer) error {
		return jpeg.Encode(b, photo(400, 300), &jpeg.Options{Quality: 98})
	})
	for _, words := range []string{"scale=1/2", "gray", "gray scale=1/2", "format=jpeg", "quality=60", "crop=128x128+16+16", "progressive", "gray=709", "scale=1/2 fast"} {
		t.Run(words, func(t *testing.T) {
			_, usual := made(t, data, words)
			_, same := made(t, data, fmt.Sprint(words, " bytes=", len(usual)))
			if !bytes.Equal(usual, same) {
				t.Errorf("%d bytes, where the %d of the usual file are allowed", len(same), len(usual))
			}
			for _, most := range []int{len(usual) - 1, len(usual) * 2 / 3, len(usual) / 2} {
				_, out := made(t, data, fmt.Sprint(words, " bytes=", most))
				if len(out) > most || len(out) < most/6 { // a copy is larger than the default quality
					t.Errorf("%d bytes, %d are allowed", len(out), most)
				}
				if _, err := jpeg.Decode(bytes.NewReader(out)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestBytesRefused(t *testing.T) {
	data := rastertest.Encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, photo(400, 300), nil) })
	for _, c := range []struct {
		words string
		kind  fault.Kind
		says  string
	}{
		{"scale=1/2 format=png bytes=10K", fault.Unsupported, "not PNG"},
		{"scale=1/2 bytes=100", fault.TooLarge, "at quality 10 > 100 bytes"},
	} {
		t.Run(c.words, func(t *testing.T) {
			_, err := plan.Run(io.Discard, bytes.NewReader(data), int64(len(data)), plan.Request{Ops: ops.Must(c.words)})
			if fault.Of(err) != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

// bytes= is for all frames of an animated WebP together, which have one quality. Of several
// sizes each has so many.
func TestBytesOfAnAnimation(t *testing.T) {
	data := turnedWebP(t)
	_, usual := made(t, data, "gray")
	_, small := made(t, data, "gray quality=10")
	for _, words := range []string{"gray", "gray format=webp fast", "gray quality=lossless"} {
		for _, most := range []int{len(usual), len(usual) - 1, (len(usual) + len(small)) / 2, len(small)} {
			t.Run(fmt.Sprint(words, " bytes=", most), func(t *testing.T) {
				r, out := made(t, data, fmt.Sprint(words, " bytes=", most))
				p, err := codec.Open(bytes.NewReader(out), int64(len(out)), raster.Limits{})
				if err != nil || p.Frames != 7 || r.Format != "webp" || r.Note != "" {
					t.Fatalf("%+v: %d frames, %v", r, p.Frames, err)
				}
				if len(out) > most || len(out) < most/2 {
					t.Errorf("%d bytes, %d are allowed", len(out), most)
				}
				if words == "gray" && most == len(usual) && !bytes.Equal(out, usual) {
					t.Error("not the usual file, which has as many")
				}
			})
		}
	}
	t.Run("sizes", func(t *testing.T) {
		_, files := several(t, data, plantest.Ask("scale=20x,10x bytes=2040"))
		for i, b := range files {
			if p, err := codec.Open(bytes.NewReader(b), int64(len(b)), raster.Limits{}); err != nil || len(b) > 2040 || p.Frames != 7 {
				t.Errorf("%d: %d bytes, %v", i+1, len(b), err)
			}
		}
	})
	t.Run("notes", func(t *testing.T) { // of the end, which the first try does not reach
		var film bytes.Buffer
		g := &gif.GIF{}
		for i := range 9 {
			m := image.NewPaletted(image.Rect(0, 0, 64, 48), palette.Plan9)
			draw.Draw(m, m.Rect, photo(64+i, 48), image.Point{}, draw.Src)
			g.Image, g.Delay = append(g.Image, m), append(g.Delay, 5)
		}
		if err := gif.EncodeAll(&film, g); err != nil {
			t.Fatal(err)
		}
		cut := film.Bytes()[:film.Len()-1] // without its trailer
		want, whole := made(t, cut, "gray format=webp")
		for _, most := range []int{len(whole), len(whole) * 3 / 4} {
			if r, _ := made(t, cut, fmt.Sprint("gray format=webp bytes=", most)); want.Note == "" || r.Note != want.Note {
				t.Errorf("%d bytes: note %q, without bytes= %q", most, r.Note, want.Note)
			}
		}
	})
	for words, says := range map[string]string{
		"gray bytes=200":                     fmt.Sprintf("%d bytes at quality 10 > 200 bytes (bytes=)", len(small)),
		"gray bytes=10K format=gif":          "bytes: only for JPEG and WebP, not GIF",
		"gray bytes=10K format=png":          "bytes: only for JPEG and WebP, not PNG",
		"gray quality=lossless bytes=200":    "at quality 10 > 200 bytes (bytes=)",
		"scale=20x,10x bytes=200 format=gif": "bytes: only for JPEG and WebP, not GIF",
	} {
		t.Run(words, func(t *testing.T) {
			s, err := plan.PrepareSizes(bytes.NewReader(data), int64(len(data)), plantest.Ask(words))
			if err == nil {
				_, err = s.Write([]io.Writer{io.Discard})
			}
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%v; want %s", err, says)
			}
		})
	}
}

// The word usual is a quality that holds only where a JPEG must be coded.
func TestUsualQualityOfAJob(t *testing.T) {
	data := rastertest.Encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, photo(200, 120), nil) })
	for _, c := range [][2]string{
		{"scale=1/2 usual=jpeg:40", "scale=1/2 quality=40"},
		{"scale=1/2 usual=jpeg:40 quality=60", "scale=1/2 quality=60"},
		{"gray usual=jpeg:40", "gray"},
		{"scale=1/2 format=png usual=jpeg:40", "scale=1/2 format=png"},
	} {
		t.Run(c[0], func(t *testing.T) {
			_, got := made(t, data, c[0])
			if _, want := made(t, data, c[1]); !bytes.Equal(got, want) {
				t.Errorf("not what %s gives", c[1])
			}
		})
	}
}
