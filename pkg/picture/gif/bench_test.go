package gif

import (
	"bytes"
	"compress/lzw"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"imgtools/pkg/picture/raster"
)

// film is frames of a moving picture with as many colours as a photograph has: smooth
// shapes, and grain.
func film(w, h, frames int) []*picture {
	var out []*picture
	seed := uint32(1)
	for n := range frames {
		p := &picture{H: raster.NewHeader(w, h, raster.RGBA, 8), Band: 16, S: make([]uint8, 0, 4*w*h)}
		for y := range h {
			for x := range w {
				u, v := float64(x+3*n)/40, float64(y)/30
				seed = seed*1664525 + 1013904223
				grain := float64(seed>>28) - 8
				for c, s := range []float64{math.Sin(u + v), math.Sin(u*0.7 - v), math.Cos(v + u*v/9)} {
					p.S = append(p.S, uint8(128+90*s+grain*float64(3-c)/3))
				}
				p.S = append(p.S, 255)
			}
		}
		out = append(out, p)
	}
	return out
}

func BenchmarkWriteAnimation(b *testing.B) {
	frames := film(320, 240, 10)
	b.SetBytes(320 * 240 * 10)
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		var buf bytes.Buffer
		w, err := NewWriter(&buf, 320, 240, 0, limits)
		if err != nil {
			b.Fatal(err)
		}
		for _, p := range frames {
			if err := w.Frame(p.Again(), 4*centisecond); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		size = buf.Len()
	}
	b.ReportMetric(float64(size), "bytes")
}

func BenchmarkReadAnimation(b *testing.B) {
	var buf bytes.Buffer
	w, _ := NewWriter(&buf, 320, 240, 0, limits)
	for _, p := range film(320, 240, 10) {
		w.Frame(p, 4*centisecond)
	}
	w.Close()
	b.SetBytes(320 * 240 * 10)
	b.ReportAllocs()
	for b.Loop() {
		r, err := openBytes(buf.Bytes())
		if err != nil {
			b.Fatal(err)
		}
		a, err := r.Animation()
		if err != nil {
			b.Fatal(err)
		}
		for {
			f, err := a.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			if err := raster.Each(f.Rows, func(int, int, raster.Plane) bool { return true }); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkLZW(b *testing.B) {
	for _, c := range []struct {
		name string
		pix  []byte
	}{
		{"noise", noise(rand.New(rand.NewPCG(1, 2)), 1<<20, 256)},
		{"few", noise(rand.New(rand.NewPCG(1, 2)), 1<<20, 3)},
		{"flat", make([]byte, 1<<20)},
	} {
		var data builder
		data.sub(packed(8, c.pix))
		out := make([]byte, 1000)
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(1 << 20)
			for b.Loop() {
				z := newLZWReader(&blocks{in: &input{r: bytes.NewReader(data.Bytes()), size: int64(data.Len())}}, 8)
				for err := error(nil); err == nil; {
					_, err = z.read(out)
				}
			}
		})
		b.Run(c.name+" compress/lzw", func(b *testing.B) {
			b.SetBytes(1 << 20)
			data := packed(8, c.pix)
			for b.Loop() {
				z := lzw.NewReader(bytes.NewReader(data), lzw.LSB, 8)
				for err := error(nil); err == nil; {
					_, err = io.ReadFull(z, out)
				}
			}
		})
	}
}
