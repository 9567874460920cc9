package resample

import (
	"fmt"
	"image"
	"io"
	"testing"

	"golang.org/x/image/draw"

	"imgtools/pkg/picture/raster"
)

// endless repeats one band of 16 rows, so that a benchmark reads no memory that
// a decoder would not, until the height is reached.
type endless struct {
	head *raster.Header
	band raster.Band
	y    int
}

func newEndless(h *raster.Header) *endless {
	e := &endless{head: h}
	n := h.W() * h.Layout.Samples()
	p := &e.band.Planes[0]
	p.Stride, p.Rows = n, 16
	if h.Bits == 8 {
		p.Pix = make([]uint8, 16*n)
	} else {
		p.Pix16 = make([]uint16, 16*n)
	}
	for i := range 16 * n {
		if h.Bits == 8 {
			p.Pix[i] = uint8(i * 7)
		} else {
			p.Pix16[i] = uint16(i * 771)
		}
	}
	return e
}

func (e *endless) Header() *raster.Header { return e.head }

func (e *endless) Next() (*raster.Band, error) {
	if e.y >= e.head.H() {
		e.y = 0
		return nil, io.EOF
	}
	e.band.Y = e.y
	e.band.Planes[0].Rows = min(16, e.head.H()-e.y)
	e.y += 16
	return &e.band, nil
}

func BenchmarkRows(b *testing.B) {
	for _, c := range []struct {
		n      int // of 8: the source is 4032×3024 reduced
		l      raster.Layout
		bits   uint8
		linear bool
		to     int // 1/to
	}{
		{3, raster.Gray, 8, false, 4}, {4, raster.Gray, 8, false, 4}, {5, raster.Gray, 8, false, 2}, {8, raster.Gray, 8, false, 4},
		{8, raster.RGB, 8, false, 4}, {8, raster.RGBA, 8, false, 4}, {8, raster.RGB, 16, false, 4}, {8, raster.RGB, 8, true, 4},
	} {
		b.Run(fmt.Sprintf("%v_%dbit_linear=%v_%d-8to1-%d", c.l, c.bits, c.linear, c.n, c.to), func(b *testing.B) {
			h := raster.NewHeader(4032, 3024, c.l, c.bits)
			h.Planes[0] = raster.PlaneDim{W: 504 * c.n, H: 378 * c.n, NX: c.n, DX: 8, NY: c.n, DY: 8}
			src := newEndless(h)
			b.SetBytes(int64(h.W() * h.H() * c.l.Samples() * int(c.bits) / 8))
			for b.Loop() {
				r, err := Rows(src, 4032/c.to, 3024/c.to, Options{Linear: c.linear})
				for err == nil {
					_, err = r.Next()
				}
				if err != io.EOF {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDraw is the same as rgba_8bit_linear=false_8-8to1-4 by x/image, whose widest
// kernel is Catmull-Rom.
func BenchmarkDraw(b *testing.B) {
	src := image.NewRGBA(image.Rect(0, 0, 4032, 3024))
	dst := image.NewRGBA(image.Rect(0, 0, 1008, 756))
	b.SetBytes(int64(len(src.Pix)))
	for b.Loop() {
		draw.CatmullRom.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Src, nil)
	}
}
