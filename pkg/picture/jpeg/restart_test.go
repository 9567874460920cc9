package jpeg

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

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
