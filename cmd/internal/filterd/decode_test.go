package filterd

import (
	"strings"
	"testing"
	"time"

	"imgtools/cmd/internal/filterd/filterdtest"
	"imgtools/pkg/fault"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/codec/fakeheif"
	"imgtools/pkg/picture/raster"
)

func always(d codec.Decoder) func(time.Duration) codec.Decoder {
	return func(time.Duration) codec.Decoder { return d }
}

func TestDecodeAnswers(t *testing.T) {
	for _, c := range []struct {
		line   string
		layout raster.Layout
		want   string
	}{
		{"img/1 decode", raster.RGB, "ok type=image/x-portable-pixmap width=48 height=36 from=heic as=jpeg"},
		{"img/1 decode frame=1 maxpixels=1728", raster.Gray, "ok type=image/x-portable-graymap width=48 height=36 from=heic as=jpeg"},
		{"img/1 decode", raster.RGBA, "ok type=image/x-portable-arbitrarymap width=48 height=36 from=heic as=webp note=HEIC%20with%20alpha:%20the%20result%20is%20WebP"},
		{"img/1 decode gray=601", raster.RGB, "ok type=image/x-portable-graymap width=48 height=36 from=heic as=jpeg"},
		{"img/1 decode gray=601", raster.RGBA, "ok type=image/x-portable-arbitrarymap width=48 height=36 from=heic as=webp note=HEIC%20with%20alpha:%20the%20result%20is%20WebP"},
		{"img/1 decode for=12x", raster.RGB, "ok type=image/x-portable-pixmap width=16 height=12 goal=12x9 from=heic as=jpeg"},
	} {
		t.Run(c.line, func(t *testing.T) {
			pic := &fakeheif.Picture{Head: *raster.NewHeader(48, 36, c.layout, 8), Thumb: [2]int{16, 12}}
			r, _, err := filterdtest.Run(t, Decoding(always(pic))(raster.Limits{}), c.line, fakeheif.File)
			if err != nil || r.String() != c.want {
				t.Errorf("%v, %v; want %s", r, err, c.want)
			}
		})
	}
}

func TestDecodeWordsRefused(t *testing.T) {
	pic := &fakeheif.Picture{Head: *raster.NewHeader(48, 36, raster.RGB, 8)}
	for line, part := range map[string]string{
		"img/1 decode gray=x":          `"x"`,
		"img/1 decode format=png":      `"format"`,
		"img/1 decode frame=0":         `"0"`,
		"img/1 decode for=10x,20x":     "one size",
		"img/1 decode for=":            "scale",
		"img/1 decode maxpixels=-1":    `"-1"`,
		"img/1 decode scale=1/2":       `"scale"`,
		"img/1 decode keep=all":        `"keep"`,
		"img/1 decode frame=2 for=1/2": "frame 2",
	} {
		t.Run(line, func(t *testing.T) {
			_, _, err := filterdtest.Run(t, Decoding(always(pic))(raster.Limits{}), line, fakeheif.File)
			if err == nil || fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), part) {
				t.Errorf("%v", err)
			}
		})
	}
}

// The workers of grayd and scaled have HEIC and AVIF decoded by another daemon.
func TestHEICIsUndecoded(t *testing.T) {
	for _, verb := range []string{"gray", "scale"} {
		line := map[string]string{"gray": "img/1 gray", "scale": "img/1 scale 1/2"}[verb]
		_, _, err := filterdtest.Run(t, Operation(verb)(raster.Limits{}), line, fakeheif.File)
		if fault.Of(err) != fault.Undecoded || !strings.Contains(err.Error(), "libheif-examples") {
			t.Errorf("%s: %v", line, err)
		}
	}
}
