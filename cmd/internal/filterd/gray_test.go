package filterd

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"reflect"
	"strings"
	"testing"

	"imgtools/cmd/internal/filterd/filterdtest"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster"
)

func TestGrayWordsBecomeOptions(t *testing.T) {
	lim := raster.Limits{Pixels: 1000, Mem: 77}
	for line, want := range map[string]plan.Request{
		"img/1 gray": plantest.Within(lim, "gray"),
		"img/1 gray luma=709 format=JPG quality=60":     plantest.Within(lim, "gray=709 format=jpeg quality=60"),
		"img/1 gray gray=luminance name=a%20b.png":      {Ops: plantest.Ask("gray=luminance").Ops.With("name", "a b.png"), Limits: lim},
		"img/1 gray maxpixels=999":                      plantest.Within(raster.Limits{Pixels: 999, Mem: 77}, "gray"),
		"img/1 gray maxpixels=1001":                     plantest.Within(lim, "gray"),
		"img/1 gray for=50% fine linear=1 kernel=box":   plantest.Within(lim, "handover gray scale=50% fine linear kernel=box"),
		"img/1 gray for=640x480> format=pnm luma=601":   plantest.Within(lim, "handover gray scale=640x480> format=pnm"),
		"img/1 gray for=1/4 luma=luminance maxpixels=5": plantest.Within(raster.Limits{Pixels: 5, Mem: 77}, "handover gray=luminance scale=1/4"),
	} {
		t.Run(line, func(t *testing.T) {
			if got, err := request("gray", filterdtest.Request(t, line), lim); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
		})
	}
	if r, err := request("gray", filterdtest.Request(t, "img/1 gray maxpixels=999999999999"), raster.Limits{}); err != nil || r.Limits.Pixels != limits.Pixels {
		t.Errorf("maxpixels raises the default limit to %d, %v", r.Limits.Pixels, err)
	}
}

func TestGrayWordsRefused(t *testing.T) {
	for line, part := range map[string]string{
		"img/1 gray rotate=90":      `"rotate"`,
		"img/1 gray scale=1/2":      `"scale"`,
		"img/1 gray of=3x4":         `"of"`,
		"img/1 gray for=0":          `scale: "0"`,
		"img/1 gray gray=0 for=1/2": "nothing to do",
		"img/1 gray luma=red":       `"red"`,
		"img/1 gray quality=0":      `"0"`,
		"img/1 gray format=avif":    `"avif"`,
		"img/1 gray maxpixels=-1":   `"-1"`,
		"img/1 gray maxpixels=":     `""`,
	} {
		_, err := request("gray", filterdtest.Request(t, line), raster.Limits{})
		if err == nil || fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// run gives a 40×30 picture to the operation.
func runGray(t *testing.T, line string) (wire.Reply, string, error) {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 40, 30))
	for i := range 40 * 30 {
		m.Set(i%40, i/40, color.RGBA{uint8(i), 100, 50, 255})
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, m); err != nil {
		t.Fatal(err)
	}
	return filterdtest.Run(t, Operation("gray")(raster.Limits{}), line, buf.String())
}

func TestGrayAnswers(t *testing.T) {
	for _, c := range []struct{ line, want, magic string }{
		{"img/1 gray", "ok type=image/png width=40 height=30", "\x89PNG"},
		{"img/1 gray format=jpeg", "ok type=image/jpeg width=40 height=30", "\xff\xd8"},
		{"img/1 gray for=1/4", "ok type=image/x-portable-graymap width=40 height=30 full=40x30 reduced=8/8 goal=10x8 from=png as=png", "P5"},
		{"img/1 gray for=1/4,20x", "ok type=image/x-portable-graymap width=40 height=30 full=40x30 reduced=8/8 goal=10x8 goal2=20x15 from=png as=png", "P5"},
		{"img/1 gray for=20x20 format=pam", "ok type=image/x-portable-graymap width=40 height=30 full=40x30 reduced=8/8 goal=20x15 from=png as=pam", "P5"},
	} {
		r, data, err := runGray(t, c.line)
		if err != nil || r.String() != c.want || !strings.HasPrefix(data, c.magic) {
			t.Errorf("%s: %v, %v, %.4q; want %s", c.line, r, err, data, c.want)
		}
	}
}

func TestGrayFailuresKeepTheirKind(t *testing.T) {
	if _, _, err := runGray(t, "img/1 gray maxpixels=1199"); fault.Of(err) != fault.TooLarge {
		t.Errorf("1200 pixels of 1199: %v", err)
	}
	if _, _, err := runGray(t, "img/1 gray for=16 maxpixels=10000"); fault.Of(err) != fault.TooLarge {
		t.Errorf("a goal of 307200 pixels of 10000: %v", err)
	}
}
