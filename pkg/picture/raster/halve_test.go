package raster_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// Halve gives the rounded mean of each 2×2, by the definition, whatever the sizes and the
// number of rows in a band.
func TestHalveIsTheMeanOfFour(t *testing.T) {
	t.Run("8 bits", testHalve[uint8](8, 256))
	t.Run("16 bits", testHalve[uint16](16, 65536))
}

func testHalve[T uint8 | uint16](bits uint8, values int) func(*testing.T) {
	return func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(1, uint64(bits)))
		for _, l := range []raster.Layout{raster.Gray, raster.RGB} {
			for _, size := range [][2]int{{1, 1}, {2, 2}, {1, 6}, {7, 1}, {5, 3}, {16, 9}, {33, 65}} {
				for band := 1; band <= 5; band++ {
					w, h, n := size[0], size[1], l.Samples()
					m := &rastertest.Picture[T]{H: raster.NewHeader(w, h, l, bits), S: rastertest.Noise[T](rnd, w*h*n, values), Band: band}
					rows := raster.Halve(m)
					got, err := rastertest.Samples(rows, nil)
					if err != nil {
						t.Fatal(err)
					}
					var want []uint16
					for y := 0; y < h; y += 2 {
						for x := 0; x < w; x += 2 {
							for c := range n {
								sum := 2.0
								for _, at := range [][2]int{{x, y}, {min(x+1, w-1), y}, {x, min(y+1, h-1)}, {min(x+1, w-1), min(y+1, h-1)}} {
									sum += float64(m.S[(at[1]*w+at[0])*n+c])
								}
								want = append(want, uint16(sum/4))
							}
						}
					}
					if !slices.Equal(got, want) {
						t.Fatalf("%v of %dx%d in bands of %d: not the means", l, w, h, band)
					}
					d := rows.Header().Planes[0]
					if (d != raster.PlaneDim{W: (w + 1) / 2, H: (h + 1) / 2, NX: 1, DX: 2, NY: 1, DY: 2}) || rows.Header().FullW != w {
						t.Fatalf("%+v of %dx%d", d, w, h)
					}
				}
			}
		}
	}
}
