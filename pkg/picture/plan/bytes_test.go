package plan_test

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"io"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/plan"
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
