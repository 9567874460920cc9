package jpeg

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// The masks that walking a progressive picture finds, with tables and without, are those
// of its coefficients.
func TestMasksOfWalkedBlocksAreThoseOfTheirCoefficients(t *testing.T) {
	defer func(n int) { tableBlocks = n }(tableBlocks)
	rnd := rand.New(rand.NewPCG(31, 32))
	noise := make([]byte, 96*80*3)
	for i := range noise {
		noise[i] = byte(rnd.IntN(1 + i/60%256))
	}
	ppm := append([]byte("P6\n96 80\n255\n"), noise...)
	files := map[string][]byte{"photo": run(t, colourful(t, 125, 91), "jpegtran", "-progressive")}
	for _, quality := range []int{10, 60, 95, 100} {
		files[fmt.Sprintf("noise at %d", quality)] = run(t, ppm, "cjpeg", "-progressive", "-quality", fmt.Sprint(quality))
	}
	for _, name := range []string{"prog_2x2.jpg", "prog_1x4.jpg", "prog_rst.jpg", "gray_prog.jpg"} {
		files[name] = read(t, name)
	}
	for name, p := range files {
		for _, tableBlocks = range []int{0, 4096} {
			t.Run(fmt.Sprintf("%s, tables from %d blocks", name, tableBlocks), func(t *testing.T) {
				r := open(t, p)
				first := r.first
				m := &decoder{r: r, f: r.frame, n: [4]int{8, 8, 8, 8}, sc: r.newScanner()}
				if err := m.gather(first); err != nil {
					t.Fatal(err)
				}
				r = open(t, p)
				first = r.first
				sc := r.newScanner()
				sc.holdMasks()
				if err := sc.eachScan(first, sc.walkScan); err != nil {
					t.Fatal(err)
				}
				for i := range m.coefs {
					got, want := slices.Clone(sc.nz[i]), slices.Clone(m.coefs[i].nz)
					for b := range got {
						got[b], want[b] = got[b]&^1, want[b]&^1 // DC is not walked for its value
					}
					if !slices.Equal(got, want) {
						t.Errorf("component %d: other masks", i)
					}
				}
			})
		}
	}
}
