package jpeg

import (
	"bytes"
	"fmt"
	"image"
	stdjpeg "image/jpeg"
	"io"
	"os"
	"testing"

	"imgtools/pkg/picture/raster"
)

// photograph returns the file named by JPEG_PHOTO, or a large picture made of one
// of testdata: benchmarks of both are of use.
func photograph(b *testing.B) []byte {
	if name := os.Getenv("JPEG_PHOTO"); name != "" {
		p, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	const side = 1024
	m := image.NewYCbCr(image.Rect(0, 0, side, side), image.YCbCrSubsampleRatio420)
	small := mustDecode(b, read(b, "base_1x1.jpg"), raster.Hint{Planar: true})
	w, h := small.H.W(), small.H.H()
	for y := range side {
		for x := range side {
			m.Y[y*m.YStride+x] = small.Planes[0].Pix[y%h*small.Planes[0].Stride+x%w]
		}
	}
	for y := range side / 2 {
		for x := range side / 2 {
			m.Cb[y*m.CStride+x] = small.Planes[1].Pix[y%h*small.Planes[1].Stride+x%w]
			m.Cr[y*m.CStride+x] = small.Planes[2].Pix[y%h*small.Planes[2].Stride+x%w]
		}
	}
	var out bytes.Buffer
	if err := stdjpeg.Encode(&out, m, &stdjpeg.Options{Quality: 90}); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

func BenchmarkGray(b *testing.B) {
	p := photograph(b)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		if done, err := Gray(io.Discard, open(b, p), nil); err != nil || !done {
			b.Fatal(done, err)
		}
	}
}

// cpu reports the processor time of a run of the benchmark, which other work on the
// machine disturbs less than the clock's.
func cpu(b *testing.B) func() {
	begin := processorTime(b)
	return func() {
		b.ReportMetric((processorTime(b)-begin).Seconds()*1000/float64(b.N), "cpu-ms/op")
	}
}

// drain pulls all rows.
func drain(b *testing.B, rows raster.Rows) {
	for {
		if _, err := rows.Next(); err == io.EOF {
			return
		} else if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	p := photograph(b)
	h := open(b, p).Header()
	for _, c := range []struct {
		name string
		hint raster.Hint
	}{
		{"planar", raster.Hint{Planar: true}},
		{"rgb", raster.Hint{}},
		{"luma", raster.Hint{Luma: true}},
		{"luma 2-8", raster.Hint{Luma: true, GoalW: h.FullW / 4, GoalH: h.FullH / 4}},
		{"planar 2-8", raster.Hint{Planar: true, GoalW: h.FullW / 4, GoalH: h.FullH / 4}},
		{"planar 3-8", raster.Hint{Planar: true, Fine: true, GoalW: h.FullW / 4, GoalH: h.FullH / 4}},
		{"luma 3-8", raster.Hint{Luma: true, Fine: true, GoalW: h.FullW / 4, GoalH: h.FullH / 4}},
		{"planar 4-8", raster.Hint{Planar: true, GoalW: h.FullW / 2, GoalH: h.FullH / 2}},
		{"planar 5-8", raster.Hint{Planar: true, Fine: true, GoalW: h.FullW / 2, GoalH: h.FullH / 2}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(p)))
			defer cpu(b)()
			for b.Loop() {
				rows, err := open(b, p).Rows(c.hint)
				if err != nil {
					b.Fatal(err)
				}
				drain(b, rows)
			}
		})
	}
	b.Run("image-jpeg", func(b *testing.B) {
		b.SetBytes(int64(len(p)))
		defer cpu(b)()
		for b.Loop() {
			if _, err := stdjpeg.Decode(bytes.NewReader(p)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	p := photograph(b)
	for _, c := range []struct {
		name string
		hint raster.Hint
	}{{"gray", raster.Hint{Luma: true}}, {"planar", raster.Hint{Planar: true}}, {"rgb", raster.Hint{}}} {
		held := mustDecode(b, p, c.hint)
		for _, fast := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s fast=%v", c.name, fast), func(b *testing.B) {
				b.SetBytes(int64(held.H.W() * held.H.H()))
				defer cpu(b)()
				for b.Loop() {
					if err := Encode(io.Discard, held.Rows(), EncodeOptions{Quality: 85, Fast: fast}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
	want, err := stdjpeg.Decode(bytes.NewReader(p))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("image-jpeg", func(b *testing.B) {
		b.SetBytes(int64(want.Bounds().Dx() * want.Bounds().Dy()))
		defer cpu(b)()
		for b.Loop() {
			if err := stdjpeg.Encode(io.Discard, want, &stdjpeg.Options{Quality: 85}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// From JPEG to JPEG at an exact eighth there is no resampling.
func BenchmarkScale(b *testing.B) {
	p := photograph(b)
	h := open(b, p).Header()
	for _, c := range []struct {
		name string
		by   int
		luma bool
	}{{"quarter", 4, false}, {"half", 2, false}, {"gray quarter", 4, true}} {
		b.Run(c.name, func(b *testing.B) {
			defer cpu(b)()
			for b.Loop() {
				rows, err := open(b, p).Rows(raster.Hint{Planar: true, Luma: c.luma, GoalW: h.FullW / c.by, GoalH: h.FullH / c.by})
				if err != nil {
					b.Fatal(err)
				}
				if err := Encode(io.Discard, rows, EncodeOptions{Quality: 85}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
