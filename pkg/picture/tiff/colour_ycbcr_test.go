package tiff

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// packYCbCr stores w × h pixels, whose components f gives, as data units of
// sh × sv luma samples; chroma is that of the first pixel of a unit.
func packYCbCr(w, h, sh, sv int, f func(x, y int) [3]uint8) (b []byte) {
	for y := 0; y < h; y += sv {
		for x := 0; x < w; x += sh {
			for j := range sv {
				for i := range sh {
					b = append(b, f(min(x+i, w-1), min(y+j, h-1))[0])
				}
			}
			b = append(b, f(x, y)[1], f(x, y)[2])
		}
	}
	return b
}

// Every subsampling, in strips and tiles, with the default and with other
// coefficients and reference levels, against the formulas in floating point.
func TestYCbCr(t *testing.T) {
	const w, h = 19, 13
	rnd := rand.New(rand.NewPCG(1, 2))
	var pix [h][w][3]uint8
	for y := range h {
		for x := range w {
			pix[y][x] = [3]uint8{uint8(rnd.IntN(256)), uint8(rnd.IntN(256)), uint8(rnd.IntN(256))}
		}
	}
	k709 := doubles(tagYCbCrCoefficients, 0.2126, 0.7152, 0.0722)
	video := doubles(tagReferenceBlackWhite, 16, 235, 128, 240, 128, 240)
	for _, sh := range []int{1, 2, 4} {
		for _, sv := range []int{1, 2, 4} {
			for _, other := range []bool{false, true} {
				for _, tiled := range []bool{false, true} {
					t.Run(fmt.Sprintf("%dx%d other=%v tiled=%v", sh, sv, other, tiled), func(t *testing.T) {
						m := made{tags: with(basic(w, h, photoYCbCr, 8, 8, 8), shorts(tagYCbCrSubSampling, uint32(sh), uint32(sv)))}
						lr, lg, lb, black, white, chroma := 0.299, 0.587, 0.114, 0.0, 255.0, 127.0
						if other {
							m.tags = with(m.tags, k709, video)
							lr, lg, lb, black, white, chroma = 0.2126, 0.7152, 0.0722, 16, 235, 112
						}
						at := func(x, y int) [3]uint8 { return pix[min(y, h-1)][min(x, w-1)] }
						if tiled {
							m.tags = with(m.tags, shorts(tagTileWidth, 16), shorts(tagTileLength, 8))
							for ty := 0; ty < h; ty += 8 {
								for tx := 0; tx < w; tx += 16 {
									m.segments = append(m.segments, packYCbCr(16, 8, sh, sv, func(x, y int) [3]uint8 { return at(tx+x, ty+y) }))
								}
							}
						} else {
							m.tags = with(m.tags, shorts(tagRowsPerStrip, 8))
							m.segments = [][]byte{packYCbCr(w, 8, sh, sv, at), packYCbCr(w, h-8, sh, sv, func(x, y int) [3]uint8 { return at(x, y+8) })}
						}
						_, got, err := decode(m.bytes())
						if err != nil {
							t.Fatal(err)
						}
						for y := range h {
							for x := range w {
								c := pix[y/sv*sv][x/sh*sh]
								luma := (float64(pix[y][x][0]) - black) / (white - black) * 255
								cb, cr := (float64(c[1])-128)/chroma*127, (float64(c[2])-128)/chroma*127
								r, b := luma+cr*(2-2*lr), luma+cb*(2-2*lb)
								g := (luma - lr*r - lb*b) / lg
								for i, v := range []float64{r, g, b} {
									want := math.Max(0, math.Min(255, v))
									if e := math.Abs(float64(got[3*(y*w+x)+i]) - want); e > 0.51 {
										t.Fatalf("sample %d of pixel %d,%d is %d, want %.2f", i, x, y, got[3*(y*w+x)+i], want)
									}
								}
							}
						}
					})
				}
			}
		}
	}
}
