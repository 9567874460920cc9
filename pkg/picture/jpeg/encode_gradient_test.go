package jpeg

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"

	"imgtools/pkg/picture/raster"
)

// borders measures how far blocks show: how much the error of a decoded picture changes
// from one sample to the next across the borders of blocks, as a mean over them.
func borders(want, got []uint8, w, h int) float64 {
	sum, n := 0, 0
	err := func(i int) int { return int(got[i]) - int(want[i]) }
	for y := range h {
		for x := 8; x < w; x += 8 {
			d := err(y*w+x) - err(y*w+x-1)
			sum, n = sum+max(d, -d), n+1
		}
	}
	for y := 8; y < h; y += 8 {
		for x := range w {
			d := err(y*w+x) - err((y-1)*w+x)
			sum, n = sum+max(d, -d), n+1
		}
	}
	return float64(sum) / float64(n)
}

// A dark gradient shows whether small coefficients are dropped where the eye sees it. At
// equal bytes, blocks must not show more than in cjpeg's, which also makes its tables for
// the picture: no more as a mean of several qualities, by borders, and at none of them
// more than 15 % more. For cjpeg's at as many bytes as ours, borders is interpolated
// between the two nearest qualities.
func TestDarkGradientShowsNoMoreBlocksThanCjpegs(t *testing.T) {
	const w, h = 512, 384
	pictures := map[string]func(x, y int) float64{
		"slope":  func(x, y int) float64 { return 8 + 24*float64(x)/w + 8*float64(y)/h },
		"vault":  func(x, y int) float64 { return 6 + 40*math.Sin(3*float64(x)/w)*math.Sin(3*float64(y)/h) },
		"lights": func(x, y int) float64 { return 20 + 10*math.Sin(float64(x)/40) + 8*math.Cos(float64(x+2*y)/60) },
	}
	for name, at := range pictures {
		pgm := fmt.Appendf(nil, "P5\n%d %d\n255\n", w, h)
		p := noise(w, h, raster.Gray)
		pix := p.Planes[0].Pix
		for i := range pix {
			pix[i] = uint8(at(i%w, i/w) + 0.5)
		}
		pgm = append(pgm, pix...)
		t.Run(name, func(t *testing.T) {
			measure := func(file []byte) (bytes, shows float64) {
				return float64(len(file)), borders(pix, mustDecode(t, file, raster.Hint{}).Planes[0].Pix, w, h)
			}
			var theirs [100][2]float64
			for q := 20; q < 100; q++ {
				theirs[q][0], theirs[q][1] = measure(run(t, pgm, "cjpeg", "-optimize", "-quality", fmt.Sprint(q)))
			}
			var ratios []float64
			for _, quality := range []int{60, 70, 75, 80, 85, 92} {
				var file bytes.Buffer
				if err := Encode(&file, p.Rows(), EncodeOptions{Quality: quality}); err != nil {
					t.Fatal(err)
				}
				n, shows := measure(file.Bytes())
				q := 21
				for theirs[q][0] < n {
					q++
				}
				part := (n - theirs[q-1][0]) / (theirs[q][0] - theirs[q-1][0])
				usual := theirs[q-1][1] + part*(theirs[q][1]-theirs[q-1][1])
				t.Logf("quality %d: %.0f bytes, %.3f; cjpeg's: %.3f", quality, n, shows, usual)
				ratios = append(ratios, shows/usual)
			}
			sum := 0.0
			for _, r := range ratios {
				sum += r / float64(len(ratios))
			}
			if sum > 1 || slices.Max(ratios) > 1.15 {
				t.Errorf("blocks show %.2f times as much as cjpeg's", ratios)
			}
		})
	}
}
