package webp

import (
	"bytes"
	"image"
	"testing"

	xwebp "golang.org/x/image/webp"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// FuzzEncode writes a picture whose samples are the input, and reads it back by our
// reader: lossless gives the same pixels, lossy the same alpha, and the same planes of
// YCbCr as x/image's decoder.
func FuzzEncode(f *testing.F) {
	for i, l := range layouts[:4] {
		p := scene(33, 21, l)
		for _, quality := range []uint8{0, 1, 75, 100} {
			f.Add(p.S, uint8(33), uint8(i), quality)
		}
	}
	f.Add([]byte{7}, uint8(1), uint8(0), uint8(50))
	f.Fuzz(func(t *testing.T, samples []byte, width, layout, quality uint8) {
		l := layouts[layout%4] // without Indexed, whose samples have to be in the palette
		w, n := max(1, int(width)), l.Samples()
		h := min(200, len(samples)/(w*n))
		if h < 1 {
			return
		}
		p := &scenery{H: raster.NewHeader(w, h, l, 8), S: samples[:w*h*n], Band: 1 + int(quality)%7}
		o := EncodeOptions{Quality: int(quality % 101), Fast: quality > 100}
		o.Lossless = o.Quality == 0
		want, err := rastertest.Colors(p.Again(), nil)
		if err != nil {
			t.Fatal(err)
		}
		b := encoded(t, p.Again(), o)
		got := pixels(t, b)
		if o.Lossless {
			rastertest.Same(t, "lossless", got, want)
			return
		}
		for i, c := range want {
			if got[i].A != c.A {
				t.Fatalf("alpha of pixel %d is %d, want %d", i, got[i].A, c.A)
			}
		}
		sameAsXImage(t, b, l)
	})
}

// sameAsXImage compares the planes that our reader has of a lossy file, luma alone if it
// has alpha, with those of x/image's decoder made wide.
func sameAsXImage(t *testing.T, file []byte, l raster.Layout) {
	t.Helper()
	alone := l == raster.GrayA || l == raster.RGBA
	_, h, ours, err := decode(file, raster.Hint{Planar: true, Luma: alone})
	if err != nil {
		t.Fatal(err)
	}
	x, err := xwebp.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal("x/image:", err)
	}
	var y image.YCbCr
	switch m := x.(type) {
	case *image.YCbCr:
		y = *m
	case *image.NYCbCrA:
		y = m.YCbCr
	default:
		t.Fatalf("x/image: %T", x)
	}
	samples := h.Layout.Samples() // 2 of gray with alpha
	for i, theirs := range [][]uint8{y.Y, y.Cb, y.Cr} {
		if i == len(h.Planes) {
			break
		}
		d, stride := h.Planes[i], y.CStride
		if i == 0 {
			stride = y.YStride
		}
		for k := range d.W * d.H {
			if got, want := ours[i][k*samples], wide[min(i, 1)][theirs[k/d.W*stride+k%d.W]]; got != want {
				t.Fatalf("plane %d, sample %d,%d: %d, x/image has %d", i, k%d.W, k/d.W, got, want)
			}
		}
	}
}
