//go:build goexperiment.simd && amd64

package resample

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/picture/raster"
)

// BenchmarkVectors reports the processor time of each engine in AVX2 by that of its plain
// twin: the fastest of runs in turn, as other work on the machine disturbs some. Gray is
// Y of a 12-Mpixel JPEG at 3/8 or 6/8, the others are as wide.
func BenchmarkVectors(b *testing.B) {
	const height = 240
	for _, c := range []struct {
		l       raster.Layout
		bits    uint8
		linear  bool
		in, out int
	}{
		{raster.Gray, 8, false, 1512, 1008}, {raster.Gray, 8, false, 3024, 2016}, {raster.Gray, 8, false, 4032, 1008}, {raster.Gray, 8, false, 4032, 1000},
		{raster.GrayA, 8, false, 4032, 1008}, {raster.RGB, 8, false, 4032, 1008}, {raster.RGBA, 8, false, 4032, 1008},
		{raster.Gray, 16, false, 4032, 1008}, {raster.RGB, 16, false, 4032, 1008}, {raster.RGBA, 16, false, 4032, 1008},
		{raster.RGB, 8, true, 4032, 1008}, {raster.RGB, 16, true, 4032, 1008},
	} {
		b.Run(fmt.Sprintf("%v_%dbit_linear=%v_%d-%d", c.l, c.bits, c.linear, c.in, c.out), func(b *testing.B) {
			k, h := kernels["lanczos3"], height*c.out/c.in
			x := newAxis(k, c.in, c.out, layOf(c.in, 1, 1, 0, c.out, 1))
			y := newAxis(k, height, h, layOf(height, 1, 1, 0, h, 1))
			head := raster.NewHeader(c.in, height, c.l, c.bits)
			n := c.l.Samples()
			e := newEndless(head)
			band, _ := e.Next()
			out := plane{y: y, rows: height, height: h, width: c.out * n, band: h}
			if c.bits == 8 {
				out.pix = make([]uint8, out.width*h)
			} else {
				out.pix16 = make([]uint16, out.width*h)
			}
			least := [2]time.Duration{time.Hour, time.Hour}
			for b.Loop() {
				for i := range 2 {
					p := out
					switch o := (Options{Linear: c.linear}); {
					case c.bits == 8 && !c.linear && i == 0:
						p.engine = newVector(x, y, c.in, c.out, c.l)
					case c.bits == 8 && !c.linear:
						p.engine = newFixed(x, y, c.in, c.out, c.l)
					case i == 0:
						p.engine = newVectorFloat(x, y, c.in, c.out, head, o)
					default:
						p.engine = newFloat(x, y, c.in, c.out, head, o)
					}
					begin := used(b)
					for p.work(band, 0) {
						p.next = 0
					}
					least[i] = min(least[i], used(b)-begin)
				}
			}
			b.ReportMetric(float64(least[0].Microseconds()), "vector-µs")
			b.ReportMetric(float64(least[1].Microseconds()), "plain-µs")
			b.ReportMetric(float64(least[0])/float64(least[1]), "vector/plain")
		})
	}
}

// used is the processor time of this process.
func used(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
