//go:build unix

package flate

import (
	"bytes"
	"compress/zlib"
	"io"
	"math"
	"os"
	"strconv"
	"syscall"
	"testing"
)

// least runs f for the benchmark and reports the smallest CPU time of a round, which a
// busy machine disturbs less than the mean of the time that passes.
func least(b *testing.B, f func()) {
	best := math.Inf(1)
	for b.Loop() {
		start := cpuTime()
		f()
		best = min(best, cpuTime()-start)
	}
	b.ReportMetric(best*1e3, "min-cpu-ms")
}

// cpuTime returns the CPU time of this process in seconds.
func cpuTime() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) * 1e-9
}

// benchmarkStream returns the zlib stream in the file named by $ZLIB_STREAM, or else
// one like a photograph's. Streams from PNGs compare this package with others.
func benchmarkStream(b *testing.B) []byte {
	if name := os.Getenv("ZLIB_STREAM"); name != "" {
		z, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		return z
	}
	return compressed(samples()["photo"], 6)
}

func BenchmarkReader(b *testing.B) {
	z := benchmarkStream(b)
	data, _ := reference(z)
	b.SetBytes(int64(len(data)))
	r := NewReader(&pieces{})
	least(b, func() {
		r.Reset(Whole(z))
		for {
			if _, err := r.Next(1000); err != nil {
				break
			}
		}
	})
}

func BenchmarkReaderOfStandardLibrary(b *testing.B) {
	z := benchmarkStream(b)
	data, _ := reference(z)
	b.SetBytes(int64(len(data)))
	least(b, func() {
		r, err := zlib.NewReader(bytes.NewReader(z))
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, r)
	})
}

func BenchmarkAdler32(b *testing.B) {
	data := samples()["noise"]
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		adler32(1, data)
	}
}

// BenchmarkWriter writes with the depth $ZLIB_DEPTH.
func BenchmarkWriter(b *testing.B) {
	depth, _ := strconv.Atoi(os.Getenv("ZLIB_DEPTH"))
	data, err := reference(benchmarkStream(b))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	size := counter(0)
	least(b, func() {
		size = 0
		write(&size, Format{Pixel: 3, Row: 12097, Depth: depth}, data, 12097)
	})
	b.ReportMetric(float64(size), "bytes")
}

func BenchmarkWriterOfStandardLibrary(b *testing.B) {
	data, err := reference(benchmarkStream(b))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	size := counter(0)
	least(b, func() {
		size = 0
		z := zlib.NewWriter(&size)
		z.Write(data)
		z.Close()
	})
	b.ReportMetric(float64(size), "bytes")
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
