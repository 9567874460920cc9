package vp8l

import (
	"math/rand/v2"
	"testing"
)

// predicted returns the prediction of one byte of a pixel as RFC 9649, 4.1 defines it.
func predicted(mode int, l, t, tr, tl [4]int, b int) int {
	avg := func(x, y int) int { return (x + y) / 2 }
	clamp := func(x int) int { return min(max(x, 0), 255) }
	abs := func(x int) int { return max(x, -x) }
	switch mode {
	case 0:
		return []int{0, 0, 0, 255}[b]
	case 1:
		return l[b]
	case 2:
		return t[b]
	case 3:
		return tr[b]
	case 4:
		return tl[b]
	case 5:
		return avg(avg(l[b], tr[b]), t[b])
	case 6:
		return avg(l[b], tl[b])
	case 7:
		return avg(l[b], t[b])
	case 8:
		return avg(tl[b], t[b])
	case 9:
		return avg(t[b], tr[b])
	case 10:
		return avg(avg(l[b], tl[b]), avg(t[b], tr[b]))
	case 11:
		var pl, pt int
		for i := range 4 {
			p := l[i] + t[i] - tl[i]
			pl += abs(p - l[i])
			pt += abs(p - t[i])
		}
		if pl < pt {
			return l[b]
		}
		return t[b]
	case 12:
		return clamp(l[b] + t[b] - tl[b])
	}
	a := avg(l[b], t[b])
	return clamp(a + (a-tl[b])/2)
}

func bytesOf(p uint32) [4]int {
	return [4]int{int(p & 255), int(p >> 8 & 255), int(p >> 16 & 255), int(p >> 24)}
}

// Vector code and plain code predict as the RFC says, and agree on costs.
func TestPredictionsAreThoseOfTheRFC(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	random := func(i int) uint32 {
		switch i % 3 {
		case 0:
			return rnd.Uint32()
		case 1:
			return rnd.Uint32() & 0x01010101 * 255
		}
		return 0x807f8081 + rnd.Uint32()&0x03030303
	}
	for n := 1; n <= 65; n++ {
		cur, above := make([]uint32, n+1), make([]uint32, n+2)
		for kind := range 3 {
			for i := range cur {
				cur[i] = random(kind)
			}
			for i := range above {
				above[i] = random(kind)
			}
			for mode := range numModes {
				dst := make([]uint32, n)
				residuals(mode, dst, cur, above)
				for i, d := range dst {
					px := bytesOf(cur[i+1])
					for b, got := range bytesOf(d) {
						want := (px[b] - predicted(mode, bytesOf(cur[i]), bytesOf(above[i+1]), bytesOf(above[i+2]), bytesOf(above[i]), b)) & 255
						if got != want {
							t.Fatalf("mode %d, pixel %d of %d, byte %d: %d, want %d", mode, i, n, b, got, want)
						}
					}
				}
			}
			p := newPredictor(n)
			var want uint64
			for _, v := range cur {
				for _, b := range bytesOf(v) {
					want += uint64(residualBits[min(b, 256-b)])
				}
			}
			if got := p.cost(cur); got != want {
				t.Fatalf("%d pixels cost %d, want %d", n, got, want)
			}
		}
	}
}
