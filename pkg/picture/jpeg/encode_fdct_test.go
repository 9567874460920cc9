package jpeg

import (
	"math"
	"math/rand/v2"
	"testing"
)

// samples fills 8 × 8 samples of one of several kinds: noise, smooth, extremes.
func samples(rnd *rand.Rand, pix *[64]uint8) {
	kind := rnd.IntN(4)
	for i := range pix {
		x, y := float64(i&7), float64(i>>3)
		switch kind {
		case 0:
			pix[i] = uint8(rnd.Uint32())
		case 1:
			pix[i] = uint8(128 + 100*math.Sin(x/3+y/5) + 4*rnd.Float64())
		case 2:
			pix[i] = uint8(255 * rnd.IntN(2))
		case 3:
			pix[i] = 255
		}
	}
}

func TestFDCTAndQuantizerAreTheirPlainTwins(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for trial := range 20000 {
		var pix [64]uint8
		samples(rnd, &pix)
		if trial < 2*64 { // one basis function at its largest: signs of the cosines
			u, v := trial>>1&7, trial>>4
			for i := range pix {
				c := math.Cos(float64((2*(i&7)+1)*u)*math.Pi/16) * math.Cos(float64((2*(i>>3)+1)*v)*math.Pi/16)
				if (c > 0) == (trial&1 == 0) {
					pix[i] = 255
				} else {
					pix[i] = 0
				}
			}
		}
		var plain block
		for i, v := range pix {
			plain[i] = int32(v) - 128
		}
		fdct8(&plain)
		var z coefs
		fdct(&z, pix[:], 8)
		for p, want := range plain {
			if got := z.at(uint(p)); got != want {
				t.Fatalf("trial %d: coefficient %d is %d, not %d", trial, p, got, want)
			}
		}
		quality := 1 + trial%100
		steps := scaleSteps([]*[64]uint16{&lumaSteps, &chromaSteps}[trial&1], quality)
		var got levels
		newQuantizer(steps, deadZone(quality)).quantize(&z, &got)
		var want [64]int32
		wantNZ := quantizePlain(steps, int32(deadZone(quality)), &plain, &want)
		if got.nz != wantNZ&^1 {
			t.Fatalf("trial %d: not zero: %b, not %b", trial, got.nz, wantNZ)
		}
		for k := range want {
			if k > 0 && wantNZ>>k&1 == 0 {
				continue
			}
			if int32(got.level[k]) != want[k] {
				t.Fatalf("trial %d: quantized %d is %d, not %d", trial, k, got.level[k], want[k])
			}
		}
	}
}

func TestFDCTIsThatOfFloat64(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		var pix [64]uint8
		samples(rnd, &pix)
		var z coefs
		fdct(&z, pix[:], 8)
		for v := range 8 {
			for u := range 8 {
				sum := 0.0
				for i, s := range pix {
					sum += (float64(s) - 128) * math.Cos(float64((2*(i&7)+1)*u)*math.Pi/16) * math.Cos(float64((2*(i>>3)+1)*v)*math.Pi/16)
				}
				for _, f := range []int{u, v} {
					if f == 0 {
						sum *= math.Sqrt2 / 2
					}
				}
				if got := float64(z.at(uint(8*v+u))) / 8; math.Abs(got-sum/4) > 0.3 {
					t.Fatalf("coefficient %d,%d is %.2f, not %.2f", u, v, got, sum/4)
				}
			}
		}
	}
}
