package jpeg

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// chromaLines makes Cb and Cr of two lines as fromRGB does.
func chromaLines(cb, cr, even, odd []uint8, sum []int32, blocks [][16]int16) {
	done := pairsBlocks(blocks, even)
	pairs(sum[3*done:], even[6*done:], false)
	done = chromaBlocks(cb, cr, blocks, odd)
	pairs(sum[3*done:], odd[6*done:], true)
	toChroma(cb[done:], cr[done:], sum[3*done:])
}

// chromaPlain is its plain twin.
func chromaPlain(cb, cr, even, odd []uint8, sum []int32) {
	pairs(sum, even, false)
	pairs(sum, odd, true)
	toChroma(cb, cr, sum)
}

// Lines of every length, from any address, of random colours and of extreme ones.
func TestVectorChromaIsItsPlainTwin(t *testing.T) {
	rnd := rand.New(rand.NewPCG(25, 26))
	for width := 1; width < 300; width++ {
		for trial := range 12 {
			n, off := (width+1)/2, rnd.IntN(33)
			lines := [2][]uint8{make([]uint8, off+3*width), make([]uint8, off+3*width)}
			for _, l := range lines {
				for i := range l {
					l[i] = uint8(rnd.UintN(256))
					if trial%3 == 0 {
						l[i] = -uint8(rnd.UintN(2))
					}
				}
			}
			even, odd := lines[0][off:], lines[1][off:]
			sum, blocks := make([]int32, 3*n), make([][16]int16, n/4)
			var got, want [2][]uint8
			for i := range 2 {
				got[i], want[i] = make([]uint8, n), make([]uint8, n)
			}
			chromaLines(got[0], got[1], even, odd, sum, blocks)
			chromaPlain(want[0], want[1], even, odd, sum)
			if !slices.Equal(got[0], want[0]) || !slices.Equal(got[1], want[1]) {
				t.Fatalf("%d pixels, trial %d: %v, want %v", width, trial, got, want)
			}
		}
	}
}

// BenchmarkChroma reports the processor time of two lines of 4032 pixels as built by that
// of the plain loops, the fastest of runs in turn.
func BenchmarkChroma(b *testing.B) {
	const width, n, times = 4032, 2016, 200
	lines := [2][]uint8{make([]uint8, 3*width), make([]uint8, 3*width)}
	cb, cr, sum, blocks := make([]uint8, n), make([]uint8, n), make([]int32, 3*n), make([][16]int16, n/4)
	least := [2]time.Duration{time.Hour, time.Hour}
	for b.Loop() {
		for i, f := range []func(){
			func() { chromaLines(cb, cr, lines[0], lines[1], sum, blocks) },
			func() { chromaPlain(cb, cr, lines[0], lines[1], sum) },
		} {
			begin := processorTime(b)
			for range times {
				f()
			}
			least[i] = min(least[i], processorTime(b)-begin)
		}
	}
	b.ReportMetric(float64(least[0].Nanoseconds())/times, "built-ns")
	b.ReportMetric(float64(least[1].Nanoseconds())/times, "plain-ns")
	b.ReportMetric(float64(least[0])/float64(least[1]), "built/plain")
}
