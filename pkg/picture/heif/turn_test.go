package heif

import (
	"fmt"
	"testing"

	"imgtools/pkg/picture/raster"
)

// pixels is a picture by rows.
type pixels [][]uint8

// crop, turnLeft and mirror do what clap, irot and imir say, pixel by pixel.
func (p pixels) crop(x, y, w, h int) pixels {
	var q pixels
	for _, row := range p[y : y+h] {
		q = append(q, row[x:x+w])
	}
	return q
}

func (p pixels) turnLeft() pixels {
	var q pixels
	for x := len(p[0]) - 1; x >= 0; x-- {
		var row []uint8
		for y := range p {
			row = append(row, p[y][x])
		}
		q = append(q, row)
	}
	return q
}

func (p pixels) mirror(leftRight bool) pixels {
	var q pixels
	for y := range p {
		row := p[len(p)-1-y]
		if leftRight {
			row = nil
			for x := range p[y] {
				row = append(row, p[y][len(p[y])-1-x])
			}
		}
		q = append(q, row)
	}
	return q
}

// Whatever the order of cropping, turning and mirroring is, cutting Crop out of the stored
// picture and turning that as Orientation says gives the same pixels.
func TestCropAndOrientationTogetherKeepTheOrder(t *testing.T) {
	const w, h = 13, 9
	stored := raster.Held{H: raster.NewHeader(w, h, raster.Gray, 8)}
	stored.Planes[0] = raster.Plane{Stride: w, Rows: h}
	var p pixels
	for y := range h {
		var row []uint8
		for x := range w {
			row = append(row, uint8(y*w+x))
		}
		p = append(p, row)
		stored.Planes[0].Pix = append(stored.Planes[0].Pix, row...)
	}
	for _, order := range []string{"ctm", "cmt", "tcm", "tmc", "mct", "mtc", "ctc", "tctmc"} {
		for angle := range 4 {
			for axis := range 2 {
				t.Run(fmt.Sprint(order, angle, axis), func(t *testing.T) {
					want, boxes := p, []string{ispe(w, h), hvcC(0, 8)}
					use := []int{1, 2}
					for _, c := range order {
						switch c {
						case 'c': // one column off the left, two rows off the bottom
							pw, ph := len(want[0]), len(want)
							want = want.crop(1, 0, pw-1, ph-2)
							boxes = append(boxes, bx("clap", n4(pw-1), n4(1), n4(ph-2), n4(1), n4(1), n4(2), n4(-2), n4(2)))
						case 't':
							for range angle {
								want = want.turnLeft()
							}
							boxes = append(boxes, bx("irot", n1(angle)))
						case 'm':
							want = want.mirror(axis == 1)
							boxes = append(boxes, bx("imir", n1(axis)))
						}
						use = append(use, len(boxes))
					}
					pic, err := open(made{ipco: bx("ipco", boxes...), ipma: ipma(assign(1, use...))}.file())
					if err != nil || len(pic.Notes()) > 0 {
						t.Fatal(err, pic.Notes())
					}
					rows, err := raster.Crop(stored.Rows(), pic.Crop, true, nil)
					if err != nil {
						t.Fatal(err)
					}
					head := *rows.Header()
					head.Orientation = pic.Orientation
					if rows, err = raster.Upright(raster.WithHeader(rows, &head), raster.Limits{}); err != nil {
						t.Fatal(err)
					}
					got, err := raster.Hold(rows, raster.Limits{})
					if err != nil {
						t.Fatal(err)
					}
					if got.H.FullW != pic.W || got.H.FullH != pic.H || pic.W != len(want[0]) || pic.H != len(want) {
						t.Fatalf("%d×%d, the picture says %d×%d, want %d×%d", got.H.FullW, got.H.FullH, pic.W, pic.H, len(want[0]), len(want))
					}
					for y := range want {
						for x := range want[y] {
							if got.Planes[0].Pix[y*pic.W+x] != want[y][x] {
								t.Fatalf("%d at %d,%d, want %d", got.Planes[0].Pix[y*pic.W+x], x, y, want[y][x])
							}
						}
					}
				})
			}
		}
	}
}
