package jpeg

import (
	"math"
	"math/rand/v2"
	"testing"
)

// idctReference is the inverse DCT of T.81 A.3.3, or its n-point form, from the
// definition in float64: times √(n/8) a side, level-shifted and clamped.
func idctReference(n int, b *block) (out [64]float64) {
	scale := func(u int) float64 {
		if u == 0 {
			return math.Sqrt(1.0 / 8)
		}
		return 0.5
	}
	for y := range n {
		for x := range n {
			sum := 0.0
			for v := range n {
				for u := range n {
					sum += scale(u) * scale(v) * float64(b[8*v+u]) *
						math.Cos(float64((2*x+1)*u)*math.Pi/float64(2*n)) *
						math.Cos(float64((2*y+1)*v)*math.Pi/float64(2*n))
				}
			}
			out[8*y+x] = min(max(sum+128, 0), 255)
		}
	}
	return out
}

// legalBlock is the DCT of samples, quantized: what a real file can have.
func legalBlock(rnd *rand.Rand, b *block) {
	for i := range b {
		b[i] = int32(rnd.IntN(256)) - 128
	}
	if rnd.IntN(2) == 0 { // smooth
		for i := range b {
			b[i] = int32(100*math.Sin(float64(i&7)/3+float64(i>>3)/4)) + b[i]/16
		}
	}
	fdct8(b)
	step := int32(1 + rnd.IntN(40))
	for i := range b {
		b[i] = (b[i] / 8 / step) * step
	}
}

func TestIDCTIsWithinOneOfFloat64(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 8; n++ {
		worst, sum, count := 0.0, 0.0, 0
		for trial := range 3000 {
			var b block
			switch {
			case trial < 64: // one coefficient alone
				b[trial] = int32(rnd.IntN(2047)) - 1023
			default:
				legalBlock(rnd, &b)
			}
			want := idctReference(n, &b)
			got := make([]uint8, 8*n)
			c := b
			idct(n, &c, got, 8)
			for y := range n {
				for x := range n {
					d := float64(got[8*y+x]) - want[8*y+x]
					worst = max(worst, math.Abs(d))
					sum += d
					count++
				}
			}
		}
		if worst > 1 {
			t.Errorf("%d/8: off by %.2f", n, worst)
		}
		most := 0.02
		if n <= 2 { // steps of 1/8 rounded half up
			most = 0.1
		}
		if mean := sum / float64(count); math.Abs(mean) > most {
			t.Errorf("%d/8: mean error %.4f", n, mean)
		}
		t.Logf("%d/8: worst %.3f", n, worst)
	}
}

func TestIDCTSurvivesAnyCoefficients(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for n := 1; n <= 8; n++ {
		for range 200 {
			var b block
			for i := range b {
				b[i] = int32(rnd.Uint32())
			}
			idct(n, &b, make([]uint8, 64), 8)
		}
	}
}
