package colour

import (
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"
)

// matrixSources are the made profiles of three curves and a matrix.
func matrixSources(t testing.TB) map[string]*Source {
	all := map[string]*Source{}
	for name, icc := range madeProfiles() {
		s, err := ParseProfile(icc)
		if err != nil {
			t.Fatal(err)
		}
		if s.table == nil && s.space.channels() == 3 {
			all[name] = s
		}
	}
	return all
}

// Rows of every length, with alpha and without, are in every bit what the plain loop
// makes of them.
func TestVectorMatrixEqualsPlain(t *testing.T) {
	rnd := rand.New(rand.NewPCG(27, 28))
	for name, s := range matrixSources(t) {
		for _, to := range []target{toRGB, toLuminance} {
			for _, black := range []bool{false, true} {
				tr := newTransform(s, to, black, 8, 1<<40)
				for width := range 300 {
					for n := 3; n <= 4; n++ {
						m := tr.out + n - 3
						src := make([]uint8, n*width)
						for i := range src {
							src[i] = uint8(rnd.UintN(256))
							if width%3 == 0 {
								src[i] = -uint8(rnd.UintN(2))
							}
						}
						got, want := make([]uint8, m*width), make([]uint8, m*width)
						tr.Row8(got, src, n)
						tr.rowCurves8(want, src, n, m)
						if !slices.Equal(got, want) {
							t.Fatalf("%s, target %d: %d pixels of %d samples", name, to, width, n)
						}
					}
				}
			}
		}
	}
}

// BenchmarkMatrix reports the processor time of a row of RGB of 4032 pixels as built by
// that of the plain loop: the fastest of runs in turn.
func BenchmarkMatrix(b *testing.B) {
	const width, times = 4032, 20
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	for name, s := range matrixSources(b) {
		b.Run(name, func(b *testing.B) {
			tr := newTransform(s, toRGB, false, 8, 1<<40)
			src, dst := make([]uint8, 3*width), make([]uint8, 3*width)
			for i := range src {
				src[i] = uint8(i * i >> 4)
			}
			least := [2]time.Duration{time.Hour, time.Hour}
			for b.Loop() {
				for i, f := range []func(){func() { tr.Row8(dst, src, 3) }, func() { tr.rowCurves8(dst, src, 3, 3) }} {
					begin := used()
					for range times {
						f()
					}
					least[i] = min(least[i], used()-begin)
				}
			}
			b.ReportMetric(float64(least[0].Nanoseconds())/times, "built-ns/row")
			b.ReportMetric(float64(least[1].Nanoseconds())/times, "plain-ns/row")
			b.ReportMetric(float64(least[0])/float64(least[1]), "built/plain")
		})
	}
}
