package webp

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

// Every colour is that of the matrix of section 1.1, computed one by one, and pixels whose
// sums are within the range are not changed by limiting them.
func TestColoursByDefinition(t *testing.T) {
	clip := func(v int) uint8 { return uint8(max(0, min(255, v>>6))) }
	for y := 0; y < 256; y += 3 {
		l := y * fromY >> 8
		for cb := range 256 {
			for cr := range 256 {
				want := [3]uint8{clip(l + cr*rCr>>8 - rOff), clip(l - cb*gCb>>8 - cr*gCr>>8 + gOff), clip(l + cb*bCb>>8 - bOff)}
				var got [3]uint8
				s := products.sum(uint8(y), uint8(cb), uint8(cr))
				if putColour(&got, colour(limited(s))); got != want {
					t.Fatalf("%d %d %d: %v, want %v", y, cb, cr, got, want)
				}
				if s&^inRange == 0 && limited(s) != s&^(63*threeLanes) {
					t.Fatalf("%d %d %d: limited without need", y, cb, cr)
				}
			}
		}
	}
}

// Rows of all widths are mixed alike, from any pixel on.
func TestRowsOfAllWidths(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{3, 4} {
		for width := 1; width <= 70; width++ {
			var m mixer
			luma, c := make([]uint8, width), randomChroma(r, (width+1)/2)
			for i := range luma {
				luma[i] = uint8(r.IntN(256))
			}
			want := make([]uint8, n*width)
			for x := range width {
				near := x / 2
				far := min(max(near-1+x%2*2, 0), len(c.near[0])-1)
				chroma := func(k int) uint8 {
					at := func(i int) int { return 3*int(c.near[k][i]) + int(c.far[k][i]) }
					return uint8((3*at(near) + at(far) + 8) >> 4)
				}
				putColour((*[3]uint8)(want[n*x:]), colour(limited(products.sum(luma[x], chroma(0), chroma(1)))))
			}
			for first := 0; first <= width; first += 2 {
				got := bytes.Clone(want)
				clear(got[n*first:])
				m.plain(got, n, luma, c, first)
				for x := range width {
					if [3]uint8(got[x*n:]) != [3]uint8(want[x*n:]) {
						t.Fatalf("%d samples, %d wide from %d on: pixel %d is %v, want %v", n, width, first, x, got[x*n:x*n+3], want[x*n:x*n+3])
					}
				}
			}
		}
	}
}

// randomChroma returns rows of n random samples.
func randomChroma(r *rand.Rand, n int) *chromaRows {
	c := new(chromaRows)
	for _, rows := range []*[2][]uint8{&c.near, &c.far} {
		for k := range rows {
			rows[k] = make([]uint8, n)
			for x := range rows[k] {
				rows[k][x] = uint8(r.IntN(256))
			}
		}
	}
	return c
}

// Studio range is widened to full range, rounded to nearest, whatever a row's width.
func TestWidenByDefinition(t *testing.T) {
	for kind, levels := range []float64{wideLuma: 219, wideChroma: 224} {
		black, zero := 16., 0.
		if kind == wideChroma {
			black, zero = 128, 128
		}
		for width := 0; width <= 256+40; width++ {
			src := make([]uint8, width+8)
			for x := range src {
				src[x] = uint8(x)
			}
			for _, n := range []int{1, 2} {
				dst := make([]uint8, n*width)
				widen(dst, n, src, kind)
				for x := range width {
					want := math.Round(max(0, min(255, (float64(src[x])-black)*255/levels+zero)))
					if got := dst[n*x]; float64(got) != want {
						t.Fatalf("kind %d, %d wide, %d samples: %d becomes %d, want %v", kind, width, n, src[x], got, want)
					}
				}
			}
		}
	}
}
