package raster

import (
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"
)

// noise fills a row with random samples or, in every other row, with extreme ones.
func noise(r *rand.Rand, n int) []uint8 {
	row := make([]uint8, n)
	extreme := r.IntN(2) == 0
	for i := range row {
		row[i] = uint8(r.UintN(256))
		if extreme {
			row[i] = -uint8(r.UintN(2))
		}
	}
	return row
}

// Where there is vector code its rows equal those of the plain loops in every bit, and
// it writes nothing else: of all lengths, and from addresses that are multiples of
// nothing.
func TestVectorRowsEqualPlainOnes(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	for n := range 300 {
		for trial := range 8 {
			off := r.IntN(33)
			rows := [3][]uint8{noise(r, off+n)[off:], noise(r, off+n)[off:], noise(r, off+n)[off:]}
			got, want := make([]uint8, 3*n+off+1), make([]uint8, 3*n+off+1)
			got[off+3*n], want[off+3*n] = 77, 77
			toRGB(got[off:off+3*n:off+3*n], rows[0], rows[1], rows[2])
			toRGBWords(want[off:off+3*n:off+3*n], rows[0], rows[1], rows[2])
			if !slices.Equal(got, want) {
				t.Fatalf("toRGB of %d, trial %d", n, trial)
			}

			part := uint16(r.IntN(256))
			mixed, plain := make([]uint16, n+1), make([]uint16, n+1)
			done := mixBlocks(mixed[:n:n], rows[0], rows[1], part)
			mix(mixed[done:n], rows[0][done:], rows[1][done:], part)
			mix(plain[:n], rows[0], rows[1], part)
			if !slices.Equal(mixed, plain) {
				t.Fatalf("mix of %d, trial %d, part %d", n, trial, part)
			}

			if n > 0 {
				twice := 2*n - trial%2
				got, want := make([]uint8, twice+1), make([]uint8, twice+1)
				double(got[:twice:twice], plain[:n:n])
				doubleWords(want[:twice:twice], plain[:n:n], 0, n)
				if !slices.Equal(got, want) {
					t.Fatalf("double of %d, trial %d", n, trial)
				}
			}

			for _, l := range []Luma{Rec601, Rec709} {
				for samples := 3; samples <= 4; samples++ {
					src := noise(r, off+samples*n)[off:]
					got, want := make([]uint8, (samples-2)*n+1), make([]uint8, (samples-2)*n+1)
					l.gray8(got[:(samples-2)*n], src, samples)
					l.gray8Words(want[:(samples-2)*n], src, samples)
					if !slices.Equal(got, want) {
						t.Fatalf("luma %d of %d pixels of %d samples, trial %d", l, n, samples, trial)
					}
				}
			}
		}
	}
}

// Every chroma, with some lumas.
func TestVectorRGBEqualsPlainForEveryChroma(t *testing.T) {
	y, cb, cr := make([]uint8, 256), make([]uint8, 256), make([]uint8, 256)
	got, want := make([]uint8, 3*256), make([]uint8, 3*256)
	for b := range 256 {
		for l := 0; l < 256; l += 15 {
			for r := range 256 {
				y[r], cb[r], cr[r] = uint8(l), uint8(b), uint8(r)
			}
			toRGB(got, y, cb, cr)
			toRGBWords(want, y, cb, cr)
			if !slices.Equal(got, want) {
				t.Fatalf("Y %d, Cb %d", l, b)
			}
		}
	}
}

// BenchmarkVectors reports the processor time of the row loops as built by that of their
// plain twins: the fastest of runs in turn, as other work on the machine disturbs some.
func BenchmarkVectors(b *testing.B) {
	const w = 4032
	r := rand.New(rand.NewPCG(23, 24))
	rgba, y, cb, cr := noise(r, 4*w), noise(r, w), noise(r, w), noise(r, w)
	dst, mixed := make([]uint8, 3*w), make([]uint16, w)
	for _, c := range []struct {
		name         string
		built, plain func()
	}{
		{"gray of RGB", func() { Rec601.gray8(dst[:w], rgba[:3*w], 3) }, func() { Rec601.gray8Words(dst[:w], rgba[:3*w], 3) }},
		{"gray of RGBA", func() { Rec601.gray8(dst[:2*w], rgba, 4) }, func() { Rec601.gray8Words(dst[:2*w], rgba, 4) }},
		{"RGB of YCbCr", func() { toRGB(dst, y, cb, cr) }, func() { toRGBWords(dst, y, cb, cr) }},
		{"mix", func() { mixBlocks(mixed, y, cb, 64) }, func() { mix(mixed, y, cb, 64) }},
		{"double", func() { double(dst[:2*w], mixed) }, func() { doubleWords(dst[:2*w], mixed, 0, w) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			least := [2]time.Duration{time.Hour, time.Hour}
			for b.Loop() {
				for i, f := range []func(){c.built, c.plain} {
					begin := used(b)
					for range 300 {
						f()
					}
					least[i] = min(least[i], used(b)-begin)
				}
			}
			for i, unit := range []string{"built-ns/row", "plain-ns/row"} {
				b.ReportMetric(float64(least[i].Nanoseconds())/300, unit)
			}
			b.ReportMetric(float64(least[0])/float64(least[1]), "built/plain")
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
