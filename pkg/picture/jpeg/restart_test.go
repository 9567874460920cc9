package jpeg

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/raster"
)

// A run of blocks without coefficients, T.81 G.1.2.2, ends at a restart. In a damaged
// file it may be counted longer than its interval; the blocks behind the restart have
// their coefficients all the same.
func TestRunOfEmptyBlocksEndsAtARestart(t *testing.T) {
	// Four blocks, two an interval: the first two are flat.
	pgm := []byte("P5 32 8 255\n")
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 8 {
		pgm = append(pgm, bytes.Repeat([]byte{128}, 16)...)
		for range 16 {
			pgm = append(pgm, uint8(rnd.Uint32()))
		}
	}
	whole := run(t, pgm, "cjpeg", "-grayscale", "-progressive", "-restart", "2B")
	damaged := slices.Clone(whole)
	scans := 0
	for i := 0; i+9 < len(damaged); i++ {
		// SOS of one component, with its first coefficient at i+7.
		if !bytes.HasPrefix(damaged[i:], []byte{0xff, 0xda, 0, 8, 1}) || damaged[i+7] == 0 {
			continue
		}
		// The first interval is the code of a run of 2 or 3 blocks, the bit 0 that says
		// 2, and ones up to the byte. With another one the run has 3 blocks.
		first := i + 10
		end := first + bytes.Index(damaged[first:], []byte{0xff, 0xd0})
		last := &damaged[end-1]
		*last |= *last + 1
		scans++
	}
	if scans < 3 {
		t.Fatalf("%d scans were damaged", scans)
	}
	for n := 1; n <= 8; n++ {
		t.Run(fmt.Sprintf("at %d/8", n), func(t *testing.T) {
			samePlanes(t, mustDecode(t, damaged, at(n, 32, 8)), mustDecode(t, whole, at(n, 32, 8)))
		})
	}
	samePlanes(t, mustDecode(t, damaged, raster.Hint{}), mustDecode(t, whole, raster.Hint{}))
}

// With Skip, restart intervals without a sample of the part are not decoded, so that their
// damage is not noticed, and a note says so. The samples of the part are the same. Where
// markers don't tell intervals apart, nothing is skipped.
func TestRestartIntervalsOutsideThePartAreSkipped(t *testing.T) {
	const skipped, lost, order = "restart intervals outside the crop were not checked", "a restart marker is missing", "restart markers out of order"
	ppm := run(t, colourful(t, 400, 320), "djpeg")
	part := geometry.Rect{X: 200, Y: 150, W: 40, H: 30}
	for _, args := range []string{
		"-restart 1", "-restart 2B", "-restart 30B", "-sample 1x1 -restart 7B", "-sample 2x1 -restart 1", "-grayscale -restart 11B",
	} {
		p := run(t, ppm, append([]string{"cjpeg"}, strings.Fields(args)...)...)
		marks := markers(p)
		for _, n := range []int{8, 3, 2} {
			t.Run(fmt.Sprintf("%s at %d/8", args, n), func(t *testing.T) {
				hint := raster.Hint{Planar: true, Part: part}
				if n < 8 {
					hint.GoalW, hint.GoalH = part.W*n/8, part.H*n/8
				}
				whole := mustDecode(t, p, hint)
				hint.Skip = true
				check := func(name string, p []byte, notes ...string) {
					t.Run(name, func(t *testing.T) {
						r := open(t, p)
						rows, err := r.Rows(hint)
						if err != nil {
							t.Fatal(err)
						}
						got, err := raster.Hold(rows, raster.Limits{})
						if err != nil {
							t.Fatal(err)
						}
						samePart(t, got, whole, part)
						if !slices.Equal(r.Notes(), notes) {
							t.Errorf("notes %q, want %q", r.Notes(), notes)
						}
					})
				}
				check("intact", p, skipped)
				// Of the second interval only one byte is left.
				cut := slices.Delete(slices.Clone(p), marks[0]+3, marks[1])
				if _, err := decode(cut, raster.Hint{Planar: true, Part: part}); err == nil {
					t.Error("a damaged interval is read without Skip")
				}
				check("damaged", cut, skipped)
				wrong := slices.Clone(p)
				wrong[marks[1]+1] ^= 3
				check("marker of another number", wrong, order)
				check("no marker", slices.Delete(slices.Clone(p), marks[1], marks[1]+2), lost)
			})
		}
	}
	t.Run("an end instead of a marker", func(t *testing.T) {
		p := run(t, ppm, "cjpeg", "-restart", "1")
		_, err := decode(append(slices.Clone(p[:markers(p)[2]]), 0xFF, mEOI), raster.Hint{Part: part, Skip: true})
		if fault.Of(err) != fault.Format {
			t.Errorf("%v, want a format fault", err)
		}
	})
}

// samePart fails where samples of a part of the full picture differ.
func samePart(t *testing.T, got, want *raster.Held, part geometry.Rect) {
	t.Helper()
	for i, d := range want.H.Planes {
		left, top := part.X*d.NX/d.DX, part.Y*d.NY/d.DY
		right, bottom := (part.X+part.W)*d.NX/d.DX, (part.Y+part.H)*d.NY/d.DY
		a, b := &got.Planes[i], &want.Planes[i]
		if d := furthest(a.Pix[top*a.Stride+left:], a.Stride, b.Pix[top*b.Stride+left:], b.Stride, right-left, bottom-top); d != 0 {
			t.Errorf("plane %d differs by %d", i, d)
		}
	}
}
