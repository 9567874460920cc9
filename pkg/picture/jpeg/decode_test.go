package jpeg

import (
	"bytes"
	"image"
	stdjpeg "image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// read returns a file of testdata.
func read(t testing.TB, name string) []byte {
	t.Helper()
	p, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// corpus returns the names of the files in testdata.
func corpus(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob("testdata/*.jpg")
	if err != nil || len(all) < 25 {
		t.Fatal("testdata is not there: ", err)
	}
	var names []string
	for _, n := range all {
		names = append(names, filepath.Base(n))
	}
	return names
}

func open(t testing.TB, p []byte) *Reader {
	t.Helper()
	r, err := Open(bytes.NewReader(p), int64(len(p)), raster.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// decode holds the whole picture, by a hint.
func decode(p []byte, hint raster.Hint) (*raster.Held, error) {
	r, err := Open(bytes.NewReader(p), int64(len(p)), raster.Limits{})
	if err != nil {
		return nil, err
	}
	rows, err := r.Rows(hint)
	if err != nil {
		return nil, err
	}
	return raster.Hold(rows, raster.Limits{})
}

func mustDecode(t testing.TB, p []byte, hint raster.Hint) *raster.Held {
	t.Helper()
	h, err := decode(p, hint)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// furthest returns the largest difference of two planes of w × h samples.
func furthest(a []uint8, as int, b []uint8, bs, w, h int) int {
	far := 0
	for y := range h {
		for x := range w {
			d := int(a[y*as+x]) - int(b[y*bs+x])
			far = max(far, d, -d)
		}
	}
	return far
}

// goCannot: sampling factors, restarts in the middle of a row of blocks, and arithmetic
// coding, which image/jpeg does not read.
var goCannot = map[string]bool{
	"arith.jpg":    true,
	"base_1x4.jpg": true, "prog_1x4.jpg": true, "base_3x1.jpg": true, "odd_small_luma.jpg": true,
	"odd_luma_cr.jpg": true, "ycck_420.jpg": true, "noninter_rst.jpg": true, "prog_rst.jpg": true,
}

func TestPlanesAreThoseOfImageJPEG(t *testing.T) {
	for _, name := range corpus(t) {
		p := read(t, name)
		want, err := stdjpeg.Decode(bytes.NewReader(p))
		if err != nil {
			if !goCannot[name] {
				t.Errorf("%s: image/jpeg: %v", name, err)
			}
			continue
		}
		got := mustDecode(t, p, raster.Hint{Planar: true})
		switch want := want.(type) {
		case *image.Gray:
			if got.H.Layout != raster.Gray {
				t.Fatalf("%s: %s", name, got.H.Layout)
			}
			if d := furthest(got.Planes[0].Pix, got.Planes[0].Stride, want.Pix, want.Stride, got.H.W(), got.H.H()); d > 1 {
				t.Errorf("%s: gray differs by %d", name, d)
			}
		case *image.YCbCr:
			if got.H.Layout != raster.YCbCr {
				t.Logf("%s: %s", name, got.H.Layout)
				continue
			}
			for i, w := range [3][]uint8{want.Y, want.Cb, want.Cr} {
				s := want.CStride
				if i == 0 {
					s = want.YStride
				}
				d := got.H.Planes[i]
				if d := furthest(got.Planes[i].Pix, got.Planes[i].Stride, w, s, d.W, d.H); d > 1 {
					t.Errorf("%s: plane %d differs by %d", name, i, d)
				}
			}
		case *image.RGBA, *image.CMYK:
			for y := range got.H.H() {
				for x := range got.H.W() {
					r, g, b, _ := want.At(x, y).RGBA()
					q := got.Planes[0].Pix[y*got.Planes[0].Stride+3*x:]
					for i, v := range []uint32{r, g, b} {
						if d := int(q[i]) - int(v>>8); d > 4 || d < -4 { // a plane's 1 is up to 1.8 of RGB
							t.Fatalf("%s: %d,%d channel %d: %d, not %d", name, x, y, i, q[i], v>>8)
						}
					}
				}
			}
		default:
			t.Errorf("%s: %T", name, want)
		}
	}
}

func TestEveryTruncationIsAnError(t *testing.T) {
	for _, name := range corpus(t) {
		p := read(t, name)
		for n := 0; n < len(p)-2; n += 1 + len(p)/200 {
			if _, err := decode(p[:n], raster.Hint{}); fault.Of(err) != fault.Format {
				// The last bits may all be padding, or a scan of nothing but ends of blocks.
				if n < len(p)-4 {
					t.Errorf("%s: %d of %d bytes: %v", name, n, len(p), err)
				}
			}
		}
	}
}

func TestEncodeIsReadByImageJPEG(t *testing.T) {
	for _, name := range corpus(t) {
		for _, planar := range []bool{true, false} {
			src := mustDecode(t, read(t, name), raster.Hint{Planar: planar})
			var out bytes.Buffer
			err := Encode(&out, src.Rows(), EncodeOptions{Quality: 95})
			if err != nil {
				t.Fatal(name, err)
			}
			if src.H.Layout == raster.YCbCr && !writable(src.H.Planes) { // written as RGB
				src = mustDecode(t, read(t, name), raster.Hint{})
			}
			back := mustDecode(t, out.Bytes(), raster.Hint{Planar: src.H.Layout == raster.YCbCr})
			if _, err := stdjpeg.Decode(bytes.NewReader(out.Bytes())); err != nil {
				t.Error(name, err)
			}
			n := src.H.W() * src.H.Layout.Samples()
			if d := furthest(src.Planes[0].Pix, src.Planes[0].Stride, back.Planes[0].Pix, back.Planes[0].Stride, n, src.H.H()); d > 60 {
				t.Errorf("%s planar=%v: differs by %d", name, planar, d)
			}
		}
	}
}
