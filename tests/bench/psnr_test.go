package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The reference resampler keeps a constant and a ramp, whatever the factor.
func TestLanczosOfConstantAndRamp(t *testing.T) {
	const w, h = 80, 3
	flat, ramp := make([]float64, w*h), make([]float64, w*h)
	for i := range flat {
		flat[i], ramp[i] = 77, float64(i%w)
	}
	for _, n := range []int{1, 20, 27, 40, 80, 133} {
		a, b := lanczos(flat, w, h, n), lanczos(ramp, w, h, n)
		for x := range n {
			for y := range h {
				if v := a[x*h+y]; math.Abs(v-77) > 1e-9 {
					t.Errorf("%d → %d: constant 77 became %v", w, n, v)
				}
				want := (float64(x)+0.5)*w/float64(n) - 0.5
				if margin := 3 * max(1, float64(w)/float64(n)); want < margin || want > w-1-margin {
					continue // the edge is repeated there
				}
				if v := b[x*h+y]; math.Abs(v-want) > 0.05 {
					t.Errorf("%d → %d: the ramp at %d is %v, want %v", w, n, x, v, want)
				}
			}
		}
	}
}

func TestPSNR(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.ppm")
	pix := make([]byte, 3*8*9)
	ref := planes{8, 9, [][]float64{make([]float64, 72), make([]float64, 72), make([]float64, 72)}}
	for i := range pix {
		pix[i] = 100
		ref.p[i%3][i/3] = 100 + float64(i%3) // off by 0, 1 and 2
	}
	if err := os.WriteFile(path, append([]byte(fmt.Sprintf("P6 %d %d 255\n", 8, 9)), pix...), 0o666); err != nil {
		t.Fatal(err)
	}
	got, similarity, err := likeness(path, ref)
	// 99 for the equal plane; 48.13 for an error of 1; 6.02 less for one of 2.
	if want := (99 + 48.1308 + 42.1102) / 3; err != nil || math.Abs(got-want) > 0.001 {
		t.Errorf("%v %v, want %v", got, err, want)
	}
	// Luma is off by 0.587·1 + 0.114·2 = 0.815.
	if want := (2*100*100.815 + 6.5025) / (100*100 + 100.815*100.815 + 6.5025); math.Abs(similarity-want) > 1e-9 {
		t.Errorf("SSIM %v, want %v", similarity, want)
	}
}

func TestReadPNMOfOneBit(t *testing.T) {
	m, err := readPNM([]byte("P4\n9 2\n\x80\x80\x0f\x00"))
	want := []float64{0, 255, 255, 255, 255, 255, 255, 255, 0, 255, 255, 255, 255, 0, 0, 0, 0, 255}
	if err != nil || len(m.p) != 1 || !slices.Equal(m.p[0], want) {
		t.Errorf("%v %v", m, err)
	}
}
