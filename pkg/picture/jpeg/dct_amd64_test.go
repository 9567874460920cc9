//go:build goexperiment.simd && amd64

package jpeg

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func needAVX2(t *testing.T) {
	t.Helper()
	if !avx2 {
		t.Skip("this processor has no AVX2")
	}
}

func TestVectorFDCTIsItsPlainTwin(t *testing.T) {
	needAVX2(t)
	rnd := rand.New(rand.NewPCG(15, 16))
	for stride := 8; stride <= 65; stride++ {
		for trial := range 500 {
			var pix [64]uint8
			samples(rnd, &pix)
			plane := make([]uint8, 7*stride+8)
			for i, v := range pix {
				plane[i>>3*stride+i&7] = v
			}
			var got, want coefs
			fdctVector(&got, plane, stride)
			fdctWords(&want, plane, stride)
			if got != want {
				t.Fatalf("stride %d, trial %d: %v, want %v", stride, trial, got, want)
			}
		}
	}
}

func TestVectorQuantizerIsItsPlainTwin(t *testing.T) {
	needAVX2(t)
	rnd := rand.New(rand.NewPCG(19, 20))
	for quality := 1; quality <= 100; quality++ {
		for trial := range 200 {
			q := newQuantizer(scaleSteps([]*[64]uint16{&lumaSteps, &chromaSteps}[trial%2], quality), deadZone(quality))
			var pix [64]uint8
			samples(rnd, &pix)
			var z coefs
			fdctWords(&z, pix[:], 8)
			// As many as half a step and just under it.
			for i := range 64 {
				if half := int32(q.step[i] / 2); i > 0 && trial%3 == 0 {
					v := []int32{half, -half, half - 1, 1 - half}[rnd.IntN(4)]
					binary.LittleEndian.PutUint16(z[2*i:], uint16(v+coefBias))
				}
			}
			var got, want [64]int32
			nz, wantNZ := q.quantizeVector(&z, &got), q.quantizeWords(&z, &want)
			if got != want || nz != wantNZ {
				t.Fatalf("quality %d, trial %d: %b %v, want %b %v", quality, trial, nz, got, wantNZ, want)
			}
		}
	}
}

// Whatever the coefficients are: legal, few, as large as an int32 can be.
func TestVectorIDCTIsItsPlainTwin(t *testing.T) {
	needAVX2(t)
	rnd := rand.New(rand.NewPCG(17, 18))
	for n := 3; n <= 8; n++ {
		for trial := range 20000 {
			var b block
			switch trial % 4 {
			case 0:
				legalBlock(rnd, &b)
			case 1:
				for range 1 + rnd.IntN(4) {
					b[rnd.IntN(64)] = int32(rnd.Uint32()) >> rnd.IntN(32)
				}
			case 2:
				for i := range b {
					b[i] = int32(rnd.Uint32()) >> (trial / 4 % 32)
				}
			case 3: // a column or a row alone
				for i := range 8 {
					b[[]int{8*i + trial/4%8, trial/4%8*8 + i}[trial/32%2]] = int32(rnd.Uint32()) >> rnd.IntN(32)
				}
			}
			stride := n + trial%58
			c := b
			got, want := make([]uint8, (n-1)*stride+n), make([]uint8, (n-1)*stride+n)
			for i := range got {
				got[i], want[i] = uint8(i), uint8(i) // what lies between rows stays
			}
			idctScalar(n, &c, want, stride)
			c = b
			if n <= 4 {
				idct4Vector(n, &c, got, stride)
			} else {
				idct8Vector(n, &c, got, stride)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%d/8, trial %d, stride %d, %v:\n%v, want\n%v", n, trial, stride, b, got, want)
			}
		}
	}
}

// A processor without AVX2 gets the plain loops.
func TestTransformsWithoutAVX2(t *testing.T) {
	if strings.Contains(os.Getenv("GODEBUG"), "cpu.avx2=off") {
		if avx2 {
			t.Error("AVX2 is off and would be used")
		}
		return
	}
	c := exec.Command(os.Args[0], "-test.v", "-test.run=^(TestTransformsWithoutAVX2|TestIDCT.*|TestFDCT.*)$")
	c.Env = append(os.Environ(), "GODEBUG=cpu.avx2=off")
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestTransformsWithoutAVX2") {
		t.Errorf("with AVX2 off: %v\n%s", err, out)
	}
}

// BenchmarkVectors reports the processor time of the encoder's vector code by that of its
// plain twins: the fastest of runs in turn, as other work on the machine disturbs some.
// There are many blocks, or the processor would learn their branches.
func BenchmarkVectors(b *testing.B) {
	const blocks = 4096
	rnd := rand.New(rand.NewPCG(21, 22))
	pix, z := make([][64]uint8, blocks), make([]coefs, blocks)
	for i := range pix {
		for j := range pix[i] {
			pix[i][j] = uint8(100 + rnd.IntN(1+i%40))
		}
		fdctWords(&z[i], pix[i][:], 8)
	}
	q := newQuantizer(scaleSteps(&lumaSteps, 85), deadZone(85))
	var out coefs
	var c [64]int32
	for _, k := range []struct {
		name          string
		vector, plain func(i int)
	}{
		{"fdct", func(i int) { fdctVector(&out, pix[i][:], 8) }, func(i int) { fdctWords(&out, pix[i][:], 8) }},
		{"quantize", func(i int) { q.quantizeVector(&z[i], &c) }, func(i int) { q.quantizeWords(&z[i], &c) }},
	} {
		b.Run(k.name, func(b *testing.B) {
			least := [2]time.Duration{time.Hour, time.Hour}
			for b.Loop() {
				for i, f := range []func(int){k.vector, k.plain} {
					begin := processorTime(b)
					for n := range blocks {
						f(n)
					}
					least[i] = min(least[i], processorTime(b)-begin)
				}
			}
			b.ReportMetric(float64(least[0].Nanoseconds())/blocks, "vector-ns")
			b.ReportMetric(float64(least[1].Nanoseconds())/blocks, "plain-ns")
			b.ReportMetric(float64(least[0])/float64(least[1]), "vector/plain")
		})
	}
}
