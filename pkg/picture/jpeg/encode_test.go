package jpeg

import (
	"bytes"
	"fmt"
	"image"
	stdjpeg "image/jpeg"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// held makes rows of noise in bands of heights of their own.
func noise(w, h int, l raster.Layout) *raster.Held {
	rnd := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	p := &raster.Held{H: raster.NewHeader(w, h, l, 8)}
	if l == raster.YCbCr {
		c := raster.PlaneDim{W: (w + 1) / 2, H: (h + 1) / 2, NX: 1, DX: 2, NY: 1, DY: 2}
		p.H.Planes = append(p.H.Planes, c, c)
	}
	for i, d := range p.H.Planes {
		n := d.W * l.Samples()
		pl := raster.Plane{Pix: make([]uint8, n*d.H), Stride: n, Rows: d.H}
		for j := range pl.Pix {
			pl.Pix[j] = uint8(j*5/(1+w/8) + rnd.IntN(64))
		}
		p.Planes[i] = pl
	}
	return p
}

func TestEverySizeRoundTrips(t *testing.T) {
	for n := 1; n <= 65; n++ {
		for _, l := range []raster.Layout{raster.Gray, raster.RGB, raster.YCbCr} {
			w, h := n, 1+n*7%33
			p := noise(w, h, l)
			var out bytes.Buffer
			if err := Encode(&out, p.Rows(), EncodeOptions{Quality: 100}); err != nil {
				t.Fatal(err)
			}
			if m, err := stdjpeg.Decode(bytes.NewReader(out.Bytes())); err != nil || m.Bounds().Dx() != w || m.Bounds().Dy() != h {
				t.Fatalf("%d×%d %s: image/jpeg: %v", w, h, l, err)
			}
			back := mustDecode(t, out.Bytes(), raster.Hint{Planar: true})
			if l == raster.RGB {
				continue
			}
			for i, d := range p.H.Planes {
				if d := furthest(p.Planes[i].Pix, p.Planes[i].Stride, back.Planes[i].Pix, back.Planes[i].Stride, d.W, d.H); d > 4 {
					t.Fatalf("%d×%d %s: plane %d differs by %d", w, h, l, i, d)
				}
			}
			if gray := toGray(t, out.Bytes()); l == raster.YCbCr {
				a := mustDecode(t, gray, raster.Hint{})
				if !bytes.Equal(a.Planes[0].Pix, back.Planes[0].Pix) {
					t.Fatalf("%d×%d: gray is another luma", w, h)
				}
			}
		}
	}
}

// A block whose last coefficient is not zero has no end of block. A look-up over
// several symbols must not go on into the next block: seen only in noise at the
// highest quality.
func TestGrayOfNoiseWhoseBlocksHaveNoEnd(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	m := image.NewYCbCr(image.Rect(0, 0, 160, 96), image.YCbCrSubsampleRatio420)
	for _, p := range [][]uint8{m.Y, m.Cb, m.Cr} {
		for i := range p {
			p[i] = uint8(255 * rnd.IntN(2))
		}
	}
	pix := new(bytes.Buffer)
	fmt.Fprintf(pix, "P6\n160 96\n255\n")
	for range 160 * 96 * 3 {
		pix.WriteByte(byte(255 * rnd.IntN(2)))
	}
	for _, sample := range []string{"1x1", "2x1", "1x2", "2x2", "4x1"} {
		p := run(t, pix.Bytes(), "cjpeg", "-quality", "100", "-sample", sample)
		out := toGray(t, p)
		if !bytes.Equal(run(t, out, "djpeg"), run(t, run(t, p, "jpegtran", "-grayscale"), "djpeg")) {
			t.Errorf("%s: not jpegtran's pixels", sample)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	turned := noise(8, 8, raster.Gray)
	turned.H.Orientation = 6
	deep := noise(8, 8, raster.Gray)
	deep.H.Bits = 16
	wide := noise(8, 8, raster.Gray)
	wide.H.Planes[0].W = 65536
	empty := noise(8, 8, raster.Gray)
	empty.H.Planes[0].H = 0
	short := noise(8, 8, raster.Gray)
	short.H = raster.NewHeader(8, 9, raster.Gray, 8)
	for _, c := range []struct {
		p       *raster.Held
		quality int
		kind    fault.Kind
		says    string
	}{
		{turned, 85, fault.Internal, "orientation 6"},
		{deep, 85, fault.Internal, "16 bits"},
		{wide, 85, fault.TooLarge, "65536×8"},
		{empty, 85, fault.Format, "8×0"},
		{noise(8, 8, raster.RGBA), 85, fault.Internal, "rgba"},
		{noise(8, 8, raster.Gray), 0, fault.Usage, "quality 0"},
		{noise(8, 8, raster.Gray), 101, fault.Usage, "quality 101"},
	} {
		err := Encode(io.Discard, c.p.Rows(), EncodeOptions{Quality: c.quality})
		if err == nil || fault.Of(err) != c.kind || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v", c.says, err)
		}
	}
}

// failing gives its first band and then an error.
type failing struct {
	raster.Rows
	given bool
}

func (f *failing) Next() (*raster.Band, error) {
	if f.given {
		return nil, raster.Truncated(64, 300)
	}
	f.given = true
	return f.Rows.Next()
}

func TestEncodeReturnsTheErrorOfItsRows(t *testing.T) {
	err := Encode(io.Discard, &failing{Rows: noise(20, 300, raster.Gray).Rows()}, EncodeOptions{Quality: 85})
	if err == nil || err.Error() != "truncated after 64 of 300 rows" {
		t.Error(err)
	}
}

type full struct{}

func (full) Write(p []byte) (int, error) { return 0, io.ErrShortWrite }

func TestErrorsOfTheWriterComeBack(t *testing.T) {
	if err := Encode(full{}, noise(80, 80, raster.RGB).Rows(), EncodeOptions{Quality: 85}); err != io.ErrShortWrite {
		t.Error(err)
	}
	for _, name := range []string{"base_2x2.jpg", "prog_2x2.jpg"} {
		if _, err := Gray(full{}, open(t, read(t, name)), nil); err != io.ErrShortWrite {
			t.Error(name, err)
		}
		if _, err := Copy(full{}, open(t, read(t, name))); err != io.ErrShortWrite {
			t.Error(name, err)
		}
		if _, err := Gray(full{}, open(t, oriented(read(t, name), 5)), nil); err != io.ErrShortWrite {
			t.Error(name, err)
		}
	}
}

// Memory does not grow with the picture's height. An encoder keeps up to heldBytes of a
// picture, so it is given more than that in both cases.
func TestMemoryIsAFewRows(t *testing.T) {
	uses := map[string]struct {
		use     func(p []byte) error
		heights [2]int
		most    uint64
	}{
		"gray": {func(p []byte) error { _, err := Gray(io.Discard, open(t, p), nil); return err }, [2]int{64, 1024}, 1 << 20},
		"copy": {func(p []byte) error { _, err := Copy(io.Discard, open(t, p)); return err }, [2]int{64, 1024}, 1 << 20},
		"decode and encode": {func(p []byte) error {
			rows, err := open(t, p).Rows(raster.Hint{Planar: true})
			if err != nil {
				return err
			}
			return Encode(io.Discard, rows, EncodeOptions{Quality: 100})
		}, [2]int{4096, 8192}, 1<<20 + 2*heldBytes},
	}
	for name, u := range uses {
		t.Run(name, func(t *testing.T) {
			var bytes [2]uint64
			for i, height := range u.heights {
				p := colourful(t, 640, height)
				var a, b runtime.MemStats
				runtime.ReadMemStats(&a)
				if err := u.use(p); err != nil {
					t.Fatal(err)
				}
				runtime.ReadMemStats(&b)
				bytes[i] = b.TotalAlloc - a.TotalAlloc
			}
			if bytes[0] > u.most || bytes[1] > bytes[0]+bytes[0]/4 {
				t.Errorf("%d bytes for %d rows, %d for %d", bytes[0], u.heights[0], bytes[1], u.heights[1])
			}
		})
	}
}
