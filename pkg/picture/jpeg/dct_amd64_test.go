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
			// Half a step and just under it, and so for one, one and a half and two steps.
			for i := range 64 {
				if half := int32(q.step[i] / 2); i > 0 && trial%3 == 0 {
					v := []int32{half, -half, half - 1, 1 - half, 2 * half, 2*half - 1, 3*half - 1, 3 * half, -4 * half, 4*half - 1}[rnd.IntN(10)]
					binary.LittleEndian.PutUint16(z[2*i:], uint16(v+coefBias))
				}
			}
			var got, want levels
			q.quantizeVector(&z, &got)
			q.quantizeWords(&z, &want)
			for k := range 64 { // those that levels promises
				if (want.nz|1)>>k&1 == 0 {
					got.level[k], got.size[k] = 0, 0
				}
			}
			if got != want {
				t.Fatalf("quality %d, trial %d: %+v, want %+v", quality, trial, got, want)
			}
		}
	}
}

// Whatever the coefficients and steps are: legal, few, the largest that a file can have.
func TestVectorIDCTIsItsPlainTwin(t *testing.T) {
	needAVX2(t)
	rnd := rand.New(rand.NewPCG(17, 18))
	for n := 1; n <= 8; n++ {
		for trial := range 5000 {
			var q [64]uint16
			for i := range q {
				q[i] = uint16(1 + rnd.IntN(100))
				if trial%4 == 3 {
					q[i] = uint16(rnd.Uint32())
				}
			}
			tr := newInverse(n, &q)
			g := new(group)
			for i := range groupBlocks {
				few := []int{1, 2, 1 + rnd.IntN(64), 64}[trial/4%4]
				g.used[i] = uint8(few)
				for k := range few {
					v := int16(rnd.IntN(1<<11)-1<<10) >> rnd.IntN(11)
					if trial%4 >= 2 {
						v = int16(rnd.Uint32())
					}
					g.v[i*blockStep+k*groupStep] = v
				}
			}
			count := 1 + rnd.IntN(groupBlocks)
			stride := groupBlocks*n + storeSlack + trial%58
			got, want := make([]uint8, n*stride), make([]uint8, n*stride)
			tr.transform(g, count, got, stride)
			tr.transformWords(g, count, want, stride)
			for y := range n {
				a, b := got[y*stride:y*stride+count*n], want[y*stride:y*stride+count*n]
				if !slices.Equal(a, b) {
					t.Fatalf("%d/8, trial %d, stride %d, row %d:\n%v, want\n%v", n, trial, stride, y, a, b)
				}
			}
			g.clear(n)
			if !slices.Equal(g.v[:(lastKept[n]+1)*groupStep], make([]int16, (lastKept[n]+1)*groupStep)) {
				t.Fatalf("%d/8, trial %d: not zero after clear", n, trial)
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
	c := exec.Command(os.Args[0], "-test.v", "-test.run=^(TestTransformsWithoutAVX2|TestIDCT.*|TestFDCT.*|TestReducedLuma.*|TestLumaIsPlaneY)$")
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
	var c levels
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
