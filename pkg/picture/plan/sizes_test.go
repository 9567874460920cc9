package plan_test

import (
	"bytes"
	"image"
	"image/color/palette"
	"image/gif"
	_ "image/jpeg"
	"image/png"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// several carries out a request for several sizes.
func several(t *testing.T, data []byte, r plan.Request) ([]plan.Result, [][]byte) {
	t.Helper()
	s, err := plan.PrepareSizes(bytes.NewReader(data), int64(len(data)), r)
	if err != nil {
		t.Fatal(err)
	}
	bufs := make([]bytes.Buffer, len(s.Each))
	outs := make([]io.Writer, len(bufs))
	for i := range bufs {
		outs[i] = &bufs[i]
	}
	results, err := s.Write(outs)
	if err != nil {
		t.Fatal(err)
	}
	made := make([][]byte, len(bufs))
	for i, r := range results {
		if p := s.Each[i]; p.W != r.W || p.H != r.H {
			t.Errorf("size %d is %dx%d, and was to be %dx%d", i, r.W, r.H, p.W, p.H)
		}
		made[i] = bufs[i].Bytes()
	}
	return results, made
}

// decibel returns the PSNR of a picture against another, over all four channels of
// premultiplied colour; +Inf if they are equal.
func decibel(t *testing.T, a, b []byte) float64 {
	t.Helper()
	m, _, err := image.Decode(bytes.NewReader(a))
	if err != nil {
		t.Fatal(err)
	}
	n, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if m.Bounds() != n.Bounds() {
		t.Fatalf("%v and %v", m.Bounds(), n.Bounds())
	}
	var sum float64
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			r, g, b, a := m.At(x, y).RGBA()
			R, G, B, A := n.At(x, y).RGBA()
			for _, d := range [...]float64{float64(r) - float64(R), float64(g) - float64(G), float64(b) - float64(B), float64(a) - float64(A)} {
				sum += d * d
			}
		}
	}
	area := float64(4 * m.Bounds().Dx() * m.Bounds().Dy())
	return 10 * math.Log10(65535*65535*area/sum)
}

// Each of several sizes is what a request for it alone gives, or at least 40 dB near it
// where it starts from another decoding or from means. The picture has a component of
// white noise, which is the hardest for that.
func TestSeveralSizesAreThoseOfSingleRequests(t *testing.T) {
	photo := photoJPEG(t, 1203, 905)
	_, photoPNG := made(t, photo, "format=png")
	turned := oriented(photo, 6)
	_, reduced := made(t, photo, "gray handover fast scale=1/2")
	for _, c := range []struct {
		name, words string
		data        []byte
	}{
		{"JPEG", "scale=640x,320x,160x,1/10,50x", photo},
		{"to PNG", "format=png scale=640x,320x,160x,1/10", photo},
		{"gray", "gray scale=640x,320x,100x", photo},
		{"gray, other weights", "gray=709 scale=640x,320x,100x format=png", photo},
		{"turned", "scale=x640,x320,100x", turned},
		{"turned, to PNG", "scale=x640,x320,100x format=png", turned},
		{"cover", "scale=640x480,300x300,64x90 fit=cover gravity=north", photo},
		{"cover at the focus", "scale=640x480,300x300,64x90 fit=cover gravity=attention", photo},
		{"pad", "scale=640x640,300x300,64x90 fit=pad background=ff8000", photo},
		{"crop", "crop=801x601+33+77 scale=640x,320x,100x", photo},
		{"linear", "scale=640x,320x,100x linear format=png", photo},
		{"fast", "scale=640x,320x,100x fast", photo},
		{"kernel", "scale=640x,320x,100x kernel=catmullrom", photo},
		{"PNG", "scale=640x,320x,100x,77x", photoPNG},
		{"the picture's own size", "scale=1203x,320x,1x1", photo},
		{"PNG of its own size", "scale=1,1/4", photoPNG},
		{"of what another has reduced", "scale=600x,150x,50x of=1203x905 reduced=4 format=png", reduced},
		{"progressive", "scale=640x,320x progressive format=jpeg", photoPNG},
		{"ahead", "scale=640x,320x,100x ahead", photo},
		{"alpha", "scale=40x,20x,9x", transparent(t)},
		{"alpha, gray", "gray scale=40x,20x,9x", transparent(t)},
		{"alpha to JPEG", "scale=40x,20x,9x format=jpeg", transparent(t)},
		{"palette", "scale=20x,10x,1 format=png", rastertest.File(t, "../webp/testdata/anim-mixed.webp")},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := plantest.Ask(c.words)
			results, got := several(t, c.data, r)
			for i, size := range r.Ops.Sizes() {
				alone := r
				alone.Ops = size.Ops
				var want bytes.Buffer
				res, err := plan.Run(&want, bytes.NewReader(c.data), int64(len(c.data)), alone)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(res, results[i]) {
					t.Errorf("%s: %+v, alone %+v", size.Name, results[i], res)
				}
				if bytes.Equal(got[i], want.Bytes()) {
					continue
				}
				db := decibel(t, got[i], want.Bytes())
				least := 40.0
				if res.Format == "jpeg" {
					least = 35 // its quantizer rounds the noise of two near pictures apart
				}
				if db < least {
					t.Errorf("%s: %.1f dB from the result alone", size.Name, db)
				}
			}
		})
	}
}

// transparent returns a PNG of 64×48 whose alpha varies.
func transparent(t *testing.T) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 64, 48))
	for i := range m.Pix {
		m.Pix[i] = uint8(i / 4 * (5 + i%4))
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// An animation keeps all its frames in every size, byte for byte as in a single request,
// whether all sizes are made together or, with less memory, one after the other.
func TestSeveralSizesOfAnAnimation(t *testing.T) {
	data := rastertest.File(t, "../webp/testdata/anim-mixed.webp")
	_, film := made(t, data, "scale=1 format=gif")
	_, apng := made(t, data, "scale=1 format=png")
	const little = 40 << 10 // bytes, of which each of the larger canvases takes nearly all
	for _, c := range []struct {
		words string
		data  []byte
		mem   int64
	}{
		{"scale=39x,38x,20x,10x", film, little},
		{"gray scale=39x,38x,20x,10x", apng, little},
		{"scale=20x,10x,5x format=gif", data, 0},
		{"scale=20x,10x,5x format=png", data, 0},
		{"scale=20x,10x,5x", data, 0},
		{"scale=40x,10x format=gif", data, 0}, // one keeps the size
		{"gray scale=20x,10x,5x", film, 0},
		{"scale=1,20x,10x", film, 0},
		{"scale=20x20,10x12 fit=pad background=ff0000", film, 0},
		{"scale=20x20,10x12 fit=cover gravity=west", apng, 0},
		{"crop=21x17+3+5 scale=20x,10x", apng, 0},
		{"gray=709 scale=20x,10x,5x kernel=box", apng, 0},
	} {
		t.Run(c.words, func(t *testing.T) {
			r := plantest.Within(raster.Limits{Mem: c.mem}, c.words)
			results, got := several(t, c.data, r)
			for i, size := range r.Ops.Sizes() {
				alone := r
				alone.Ops = size.Ops
				var want bytes.Buffer
				res, err := plan.Run(&want, bytes.NewReader(c.data), int64(len(c.data)), alone)
				if err != nil || !reflect.DeepEqual(res, results[i]) {
					t.Fatalf("%+v, alone %+v, %v", results[i], res, err)
				}
				if !bytes.Equal(got[i], want.Bytes()) {
					t.Errorf("%s differs from the result alone", size.Name)
				}
			}
		})
	}
}

// countedReader counts the bytes that are read.
type countedReader struct {
	*bytes.Reader
	n int
}

func (c *countedReader) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.Reader.ReadAt(p, at)
	c.n += n
	return n, err
}

// The frames of an animation are read once for all sizes, not once for each.
func TestAnimationIsReadOnceForAllSizes(t *testing.T) {
	g := &gif.GIF{}
	for n := range 30 {
		m := image.NewPaletted(image.Rect(0, 0, 200, 150), palette.Plan9)
		for i := range m.Pix {
			m.Pix[i] = uint8(i * i * (n + 3) >> 7)
		}
		g.Image, g.Delay = append(g.Image, m), append(g.Delay, 5)
	}
	var film bytes.Buffer
	if err := gif.EncodeAll(&film, g); err != nil {
		t.Fatal(err)
	}
	read := func(words string) int {
		in := &countedReader{Reader: bytes.NewReader(film.Bytes())}
		s, err := plan.PrepareSizes(in, int64(film.Len()), plantest.Ask(words))
		if err != nil {
			t.Fatal(err)
		}
		outs := make([]io.Writer, len(s.Each))
		for i := range outs {
			outs[i] = io.Discard
		}
		before := in.n // headers are read for each size
		if _, err := s.Write(outs); err != nil {
			t.Fatal(err)
		}
		return in.n - before
	}
	one, four := read("scale=100x"), read("scale=100x,80x,60x,40x")
	if one < film.Len()/2 || four > one+one/10 {
		t.Errorf("%d bytes are read for one size and %d for four, of a file of %d", one, four, film.Len())
	}
}

func TestSizesThatComeOutEqual(t *testing.T) {
	data := photoJPEG(t, 300, 200)
	for words, want := range map[string]string{
		"scale=640x,1280x,100x": "scale=640x,1280x,100x: 640x and 1280x both come out as 300x200; nothing in a list is enlarged",
		"scale=1/2,x100":        "scale=1/2,x100: 1/2 and x100 both come out as 150x100",
		"scale=300x,x200":       "scale=300x,x200: 300x and x200 both come out as 300x200",
	} {
		_, err := plan.PrepareSizes(bytes.NewReader(data), int64(len(data)), plantest.Ask(words))
		if err == nil || err.Error() != want || fault.Of(err) != fault.Usage {
			t.Errorf("%s: %v", words, err)
		}
	}
}

// A damaged picture is refused whatever sizes are asked for, and with Lenient each has a
// note.
func TestSeveralSizesOfADamagedPicture(t *testing.T) {
	data := photoJPEG(t, 1203, 905)
	data = data[:len(data)/2]
	r := plantest.Ask("scale=640x,320x,100x")
	s, err := plan.PrepareSizes(bytes.NewReader(data), int64(len(data)), r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]io.Writer{io.Discard, io.Discard, io.Discard}); err == nil || fault.Of(err) != fault.Format {
		t.Error(err)
	}
	r.Limits = raster.Limits{Lenient: true}
	results, _ := several(t, data, r)
	for _, res := range results {
		if !strings.Contains(res.Note, "truncated") {
			t.Errorf("note %q", res.Note)
		}
	}
}

// What has room for one result refuses a list.
func TestListWhereOneSizeIsExpected(t *testing.T) {
	data := photoJPEG(t, 300, 200)
	_, err := plan.Run(io.Discard, bytes.NewReader(data), int64(len(data)), plan.Request{Ops: ops.Must("scale=10x,20x")})
	if err == nil || !strings.Contains(err.Error(), "scale=10x,20x: several sizes, where one is expected") {
		t.Error(err)
	}
}
