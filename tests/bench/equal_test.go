package main

import (
	"errors"
	"math"
	"testing"
)

// An encoder whose bytes double with each 0.1 of SSIM, measured at four qualities.
func TestBytesAtEqualScore(t *testing.T) {
	var curve []sample
	for i := range 4 {
		curve = append(curve, sample{bytes: 1000 << i, ssim: 0.6 + 0.1*float64(i), cpu: 10})
	}
	for _, c := range []struct {
		name         string
		score, bytes float64
	}{
		{"lowest", 0.6, 1000},
		{"on a point", 0.8, 4000},
		{"half way is the geometric mean", 0.75, 4000 / math.Sqrt2},
		{"a tenth of the way", 0.61, 1000 * math.Pow(2, 0.1)},
		{"highest", 0.9, 8000},
	} {
		t.Run(c.name, func(t *testing.T) {
			bytes, cpu, err := at(curve, c.score)
			if err != nil || math.Abs(bytes-c.bytes) > 1e-6*c.bytes || math.Abs(cpu-10) > 1e-9 {
				t.Errorf("%v bytes, %v ns, %v; want %v, 10", bytes, cpu, err, c.bytes)
			}
		})
	}
	for _, score := range []float64{0.59, 0.91} {
		if _, _, err := at(curve, score); !errors.Is(err, errBeyond) {
			t.Errorf("at %v: %v", score, err)
		}
	}
}

func TestCPUAtEqualScoreIsLinear(t *testing.T) {
	curve := []sample{{bytes: 10, ssim: 0.5, cpu: 100}, {bytes: 10, ssim: 0.5, cpu: 120}, {bytes: 10, ssim: 0.7, cpu: 200}}
	if _, cpu, err := at(curve, 0.6); err != nil || math.Abs(cpu-160) > 1e-9 {
		t.Errorf("%v %v, want 160", cpu, err)
	}
	if _, cpu, err := at(curve, 0.5); err != nil || cpu != 100 {
		t.Errorf("%v %v, want the lowest quality's 100", cpu, err)
	}
}

func TestJudgeOfEqualQuality(t *testing.T) {
	row := equalRow{name: "a", ours: sample{bytes: 90, ssim: 0.97}, sharp: sample{bytes: 100, ssim: 0.96}, moz: 1.0, mozCPU: 0.2}
	for _, c := range []struct {
		name string
		turn func(*equalRow)
		met  [4]bool
	}{
		{"within", func(*equalRow) {}, [4]bool{true, true, true, true}},
		{"one is larger than sharp's", func(r *equalRow) { r.ours.bytes = 101 }, [4]bool{false, true, true, true}},
		{"one looks worse than sharp's", func(r *equalRow) { r.ours.ssim = 0.95 }, [4]bool{true, false, true, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := row
			c.turn(&other)
			vs := judgeEqual([]equalRow{row, row, other})
			for i, v := range vs {
				if len(vs) != len(c.met) || v.met != c.met[i] {
					t.Errorf("%+v", v)
				}
			}
		})
	}
	// Most of them, not only one.
	slow := row
	slow.moz, slow.mozCPU = 1.1, 0.5
	if vs := judgeEqual([]equalRow{slow, slow, row}); vs[2].met || vs[3].met {
		t.Errorf("%+v", vs)
	}
}
