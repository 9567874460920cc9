package main

import (
	"math"
	"math/rand/v2"
	"testing"
)

// plane returns w × h samples.
func plane(w, h int, at func(x, y int) float64) []float64 {
	p := make([]float64, w*h)
	for i := range p {
		p[i] = at(i%w, i/w)
	}
	return p
}

func TestSSIMOfKnownPictures(t *testing.T) {
	flat := func(v float64) func(int, int) float64 { return func(int, int) float64 { return v } }
	// A board of single pixels: in each window half of them are 128-d, half 128+d, so
	// that the mean is 128 and the variance d².
	board := func(d float64) func(int, int) float64 {
		return func(x, y int) float64 { return 128 + d*float64(2*((x+y)&1)-1) }
	}
	const c1, c2 = 6.5025, 58.5225
	for _, c := range []struct {
		name string
		a, b func(x, y int) float64
		want float64
	}{
		{"equal", board(40), board(40), 1},
		{"two constants", flat(100), flat(120), (2*100*120 + c1) / (100*100 + 120*120 + c1)},
		{"half the contrast", board(40), board(20), (2*40*20 + c2) / (40*40 + 20*20 + c2)},
		{"a negative", board(30), board(-30), (-2*30*30 + c2) / (2*30*30 + c2)},
		{"detail lost", board(10), flat(128), c2 / (10*10 + c2)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ssim(plane(24, 16, c.a), plane(24, 16, c.b), 24, 16)
			if err != nil || math.Abs(got-c.want) > 1e-9 {
				t.Errorf("%v %v, want %v", got, err, c.want)
			}
		})
	}
}

// slowSSIM is the same by the definition: two passes, deviations from the mean.
func slowSSIM(x, y []float64, w, h int) float64 {
	var of []float64
	for top := 0; top <= h-8; top += 4 {
		for left := 0; left <= w-8; left += 4 {
			var a, b []float64
			for i := range 64 {
				at := (top+i/8)*w + left + i%8
				a, b = append(a, x[at]), append(b, y[at])
			}
			mean := func(v []float64) (m float64) {
				for _, s := range v {
					m += s / 64
				}
				return m
			}
			ma, mb := mean(a), mean(b)
			product := func(u, v []float64, mu, mv float64) (p float64) {
				for i := range u {
					p += (u[i] - mu) * (v[i] - mv) / 64
				}
				return p
			}
			l := (2*ma*mb + 6.5025) / (ma*ma + mb*mb + 6.5025)
			cs := (2*product(a, b, ma, mb) + 58.5225) / (product(a, a, ma, ma) + product(b, b, mb, mb) + 58.5225)
			of = append(of, l*cs)
		}
	}
	sum := 0.0
	for _, v := range of {
		sum += v
	}
	return sum / float64(len(of))
}

func TestSSIMAgreesWithTheDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range [][2]int{{8, 8}, {9, 11}, {12, 8}, {37, 30}, {64, 65}} {
		w, h := size[0], size[1]
		x := plane(w, h, func(int, int) float64 { return float64(r.IntN(256)) })
		y := plane(w, h, func(u, v int) float64 { return min(255, x[v*w+u]*0.8+float64(r.IntN(60))) })
		got, err := ssim(x, y, w, h)
		if want := slowSSIM(x, y, w, h); err != nil || math.Abs(got-want) > 1e-9 {
			t.Errorf("%d×%d: %v %v, want %v", w, h, got, err, want)
		}
	}
	if _, err := ssim(make([]float64, 7*9), make([]float64, 7*9), 7, 9); err == nil {
		t.Error("a picture of 7×9 has an SSIM")
	}
}
