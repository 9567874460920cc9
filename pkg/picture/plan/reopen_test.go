package plan_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"testing"

	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster/rastertest"
)

// failing is an input whose reads fail when so many have been done.
type failing struct {
	*bytes.Reader
	left int
}

var errRead = errors.New("read failed")

func (f *failing) ReadAt(b []byte, at int64) (int, error) {
	if f.left == 0 {
		return 0, errRead
	}
	f.left--
	return f.Reader.ReadAt(b, at)
}

// Some pictures are opened twice: one whose copy has too many bytes, and one that is not
// opaque. An input that fails at any of its reads, also of the second time, gives an error.
func TestInputThatFailsAtAnyRead(t *testing.T) {
	seeThrough := image.NewNRGBA(image.Rect(0, 0, 64, 48))
	for _, c := range []struct {
		words string
		data  []byte
	}{
		{fmt.Sprint("format=jpeg bytes=", len(photoJPEG(t, 64, 48))/2), photoJPEG(t, 64, 48)},
		{"gray", rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, seeThrough) })},
	} {
		t.Run(c.words, func(t *testing.T) {
			const most = 10_000
			for n := range most {
				in := &failing{bytes.NewReader(c.data), n}
				_, err := plan.Run(io.Discard, in, int64(len(c.data)), plantest.Ask(c.words))
				if err == nil {
					if n < 3 {
						t.Errorf("no error with %d reads", n)
					}
					return
				}
			}
			t.Errorf("it fails after %d reads", most)
		})
	}
}
