//go:build unix

package png

import (
	"bytes"
	"fmt"
	stdpng "image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"

	"imgtools/pkg/picture/raster"
)

// photo returns the file named by $PNG_PHOTO, or else a smooth picture with grain.
func photo(b *testing.B) []byte {
	if name := os.Getenv("PNG_PHOTO"); name != "" {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		return data
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	p := &picture{H: raster.NewHeader(1000, 700, raster.RGB, 8), Band: 64}
	for y := range 700 {
		for x := range 1000 {
			for c := range 3 {
				p.S = append(p.S, uint16((x*(c+1)+y*2)/16+rnd.IntN(6))&255)
			}
		}
	}
	var buf bytes.Buffer
	if err := Encode(&buf, p, EncodeOptions{}); err != nil {
		b.Fatal(err)
	}
	return buf.Bytes()
}

func open(b *testing.B, data []byte) raster.Rows {
	r, err := Open(bytes.NewReader(data), int64(len(data)), raster.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	src, err := r.Rows(raster.Hint{})
	if err != nil {
		b.Fatal(err)
	}
	return src
}

func BenchmarkRead(b *testing.B) {
	data := photo(b)
	b.SetBytes(int64(open(b, data).Header().Bytes()))
	for b.Loop() {
		src := open(b, data)
		for {
			if _, err := src.Next(); err != nil {
				break
			}
		}
	}
}

func BenchmarkReadStandardLibrary(b *testing.B) {
	data := photo(b)
	b.SetBytes(int64(open(b, data).Header().Bytes()))
	for b.Loop() {
		if _, err := stdpng.Decode(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWriteGray writes the luma of a picture in memory.
func BenchmarkWriteGray(b *testing.B) {
	held, err := raster.Hold(raster.Grayed(open(b, photo(b)), raster.Rec601), raster.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(held.H.Bytes())
	for b.Loop() {
		n := counter(0)
		if err := Encode(&n, held.Rows(), EncodeOptions{}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(n), "B/picture")
	}
}

func BenchmarkWriteRGB(b *testing.B) {
	held, err := raster.Hold(open(b, photo(b)), raster.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(held.H.Bytes())
	for b.Loop() {
		if err := Encode(io.Discard, held.Rows(), EncodeOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWriteThumbnail writes a picture of 100 × 75.
func BenchmarkWriteThumbnail(b *testing.B) {
	p := noise(rand.New(rand.NewPCG(1, 2)), raster.NewHeader(100, 75, raster.RGB, 8))
	b.ReportAllocs()
	for b.Loop() {
		if err := Encode(io.Discard, p.Again(), EncodeOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGray decodes a colour picture and writes it gray.
func BenchmarkGray(b *testing.B) {
	data := photo(b)
	for b.Loop() {
		if err := Encode(io.Discard, raster.Grayed(open(b, data), raster.Rec601), EncodeOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnfilter(b *testing.B) {
	const n = 12000
	rnd := rand.New(rand.NewPCG(1, 2))
	src, prev, dst := make([]byte, n), make([]byte, n), make([]byte, n)
	for i := range src {
		src[i], prev[i] = byte(int8(rnd.NormFloat64()*6)), byte(128+i/100+rnd.IntN(10))
	}
	for kind := filterSub; kind <= filterPaeth; kind++ {
		for _, bpp := range []int{1, 3, 4, 6} {
			b.Run(fmt.Sprintf("filter %d, %d bytes", kind, bpp), func(b *testing.B) {
				leastPer(b, 1000, func() { unfilter(byte(kind), dst, src, prev, bpp) })
			})
		}
	}
}

// leastPer runs f for the benchmark in rounds of n and reports the smallest CPU time of a
// call, which a busy machine disturbs less than the mean of the time that passes.
func leastPer(b *testing.B, n int, f func()) {
	best := math.Inf(1)
	for b.Loop() {
		start := cpuTime()
		for range n {
			f()
		}
		best = min(best, (cpuTime()-start)/float64(n))
	}
	b.ReportMetric(best*1e6, "min-cpu-us")
}

// cpuTime returns the CPU time of this process in seconds.
func cpuTime() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) * 1e-9
}
