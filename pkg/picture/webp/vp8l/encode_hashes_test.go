package vp8l

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Keys of a block are those of the definition, also where the picture ends within it.
func TestKeysAreThoseOfTheDefinition(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 9))
	px := make([]uint32, 3*(hashBlock+hashAhead))
	for i := range px {
		px[i] = rnd.Uint32()
	}
	long := append(px[:len(px):len(px)], make([]uint32, hashBlock+hashAhead)...) // zeros follow
	hash := func(n, i int) (h uint32) {
		multipliers := map[int]uint32{6: mulD, 12: mulE, 24: mulF}
		var of func(n, i int) uint32
		of = func(n, i int) uint32 {
			if n == 3 {
				return mulA*long[i] + mulB*long[i+1] + mulC*long[i+2]
			}
			return of(n/2, i) + multipliers[n]*of(n/2, i+n/2)
		}
		return of(n, i)
	}
	for _, n := range []int{100, 5000, 1 << 20} {
		short, table := newPlaces(n, shortBits), newPlaces(n, longBits)
		for _, from := range []int{0, 1, hashBlock, len(px) - hashBlock - hashAhead, len(px) - hashBlock, len(px) - 1} {
			t.Run(fmt.Sprintf("%d pixels, from %d", n, from), func(t *testing.T) {
				var blocks [2]hashes
				blocks[0].fill(px, from, &short, &table)
				blocks[1].px = [hashBlock + hashAhead]uint32(long[from:])
				blocks[1].plainFill(blocks[1].px[:], &short, &table)
				for k := range hashBlock {
					i := from + k
					keys := [2]uint32{short.key(hash(3, i), hash(6, i)), table.key(hash(12, i), hash(24, i))}
					for _, b := range blocks {
						if got := [2]uint32{b.short[k], b.long[k]}; got != keys {
							t.Fatalf("keys of pixel %d are %x, want %x", i, got, keys)
						}
					}
				}
			})
		}
	}
}
