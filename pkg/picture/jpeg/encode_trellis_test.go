package jpeg

import (
	"io"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// bitsOf is the number of bits that the writer takes for a block.
func bitsOf(c *[64]int32, nz uint64) int64 {
	w := newBitWriter(io.Discard)
	pred := c[0]
	w.block(c, nz, &pred, &annexCodes[0][0], &annexCodes[1][0])
	return int64(8*w.pos) + int64(w.n)
}

// price is error + lambda · bits of a block from the definition.
func price(z *coefs, steps *[64]uint16, c *[64]int32, nz uint64, lambda int64) int64 {
	sum := int64(0)
	for k := 1; k < 64; k++ {
		d := int64(z.at(uint(unzig[k])))
		if nz>>k&1 != 0 {
			d -= int64(c[k]) * 8 * int64(steps[unzig[k]])
		}
		sum += d * d
	}
	return sum + lambda*bitsOf(c, nz)
}

// cheapest tries every choice for the coefficients of todo.
func cheapest(z *coefs, steps *[64]uint16, c [64]int32, nz, todo uint64, lambda int64) int64 {
	if todo == 0 {
		return price(z, steps, &c, nz, lambda)
	}
	k := bits.TrailingZeros64(todo)
	todo &= todo - 1
	best := cheapest(z, steps, c, nz, todo, lambda)
	if v := max(c[k], -c[k]); v == 1 {
		best = min(best, cheapest(z, steps, c, nz&^(1<<k), todo, lambda))
	} else if x := int32(z.at(uint(unzig[k]))); v&(v-1) == 0 && max(x, -x) < v*8*int32(steps[unzig[k]]) { // rounded up
		c[k] -= c[k] / v
		best = min(best, cheapest(z, steps, c, nz, todo, lambda))
	}
	return best
}

// Ways with longer runs are not followed, so that where the tables of annex K give a
// longer run fewer bits the choice may be dearer by a bit or two. That is rare.
func TestTrellisFindsTheCheapestChoice(t *testing.T) {
	rnd := rand.New(rand.NewPCG(41, 42))
	changed, dearer := 0, 0
	for trial := range 3000 {
		quality := 20 + trial%75
		steps := scaleSteps(&lumaSteps, quality)
		var z coefs
		var pix [64]uint8
		fdct(&z, pix[:], 8)
		for range rnd.IntN(10) { // a few coefficients of 0 to 4 steps
			p := rnd.IntN(64)
			x := rnd.IntN(8 * 4 * int(steps[p]))
			x = min(x, 16000) * (1 - 2*rnd.IntN(2))
			z[2*p], z[2*p+1] = uint8(x+coefBias), uint8((x+coefBias)>>8)
		}
		var b levels
		newQuantizer(steps, plainRounding).quantize(&z, &b)
		tr := newTrellis(steps, quality, trial%2 == 1)
		tr.useCodes(&annexCodes[1][0])
		var c [64]int32
		energy := int64(0)
		for k := range c {
			c[k] = int32(b.level[k])
			if b.nz>>k&1 != 0 {
				energy += int64(z.at(uint(unzig[k]))) * int64(z.at(uint(unzig[k])))
			}
		}
		lambda := min(tr.flat+energy*tr.slope>>slopeBits, tr.most)
		want := cheapest(&z, steps, c, b.nz|1, b.nz, lambda)
		before := b
		tr.block(&b)
		var chosen [64]int32
		for k := range chosen {
			chosen[k] = int32(b.level[k])
		}
		switch got := price(&z, steps, &chosen, b.nz|1, lambda); {
		case got < want || got > want+3*lambda:
			t.Fatalf("trial %d: the choice costs %d, the cheapest %d; lambda is %d", trial, got, want, lambda)
		case got > want:
			dearer++
		}
		if b.nz != before.nz || b.level != before.level {
			changed++
		}
	}
	if dearer > 30 {
		t.Errorf("%d of 3000 blocks could be cheaper", dearer)
	}
	if changed < 1000 {
		t.Errorf("%d of 3000 blocks were changed", changed)
	}
}

func TestTrellisIsOffWhereNothingMayBeLost(t *testing.T) {
	for quality := 1; quality <= 100; quality++ {
		if tr := newTrellis(scaleSteps(&lumaSteps, quality), quality, false); (tr == nil) != (quality >= 95) {
			t.Errorf("quality %d: %v", quality, tr)
		}
	}
}
