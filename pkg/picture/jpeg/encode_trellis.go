package jpeg

import "math"

// trellis decides which small coefficients of a block are worth their bits. It compares
// what a coefficient costs in bits with the error that its loss would cause, in one sum:
//
//	error + lambda · bits
//
// The error is the sum of the squared differences between the coefficients and what is
// decoded for them. The DCT keeps sums of squares, so this is the error of the samples.
// Only two changes are tried: a coefficient of ±1 becomes 0, and one of ±2, ±4, ±8, … that
// was rounded up becomes one less, so that its size is a bit shorter (T.81 F.1.2.1).
//
// A coefficient's bits depend on the number of zeros before it, hence on what becomes of
// the coefficient before. For example in 1 0 0 1 0 0 0 2, to make the second 1 zero saves
// its code, but 2 then follows a run of 6 zeros and has a longer code. The best choice for
// the whole block is found as the shortest way through a trellis (K. Ramchandran and M.
// Vetterli, "Rate-Distortion Optimal Fast Thresholding with Complete JPEG/MPEG Decoder
// Compatibility", 1994). Let cost(i) be that of the cheapest way to code the block up to
// coefficient i, which is kept. If j is the last one kept before it, the way costs
//
//	cost(j) + error of dropping those between j and i + bits of i after the run from j
//
// and cost(i) is the least of these sums. The search for j goes backwards from i. It ends
// where the error of dropping is more than the cheapest sum found, so it is short.
//
// The eye, and SSIM, see an error less where there is much detail. Therefore lambda grows
// with the energy of the block's coefficients: a smooth block keeps nearly all of them.
type trellis struct {
	step [64]int64  // of the quantizer in zig-zag order, times 8
	bits [256]int64 // of an AC symbol with the value bits that follow it

	// lambda is flat + energy · slope / 2^slopeBits, but at most most.
	flat, slope, most int64

	// The coefficients of the block that are not 0, from 1, at most 63; 0 stands for the DC value.
	at    [64]uint8 // place in zig-zag order
	drop  [64]int64 // error of making it 0; kept: it may not be
	lower [64]int64 // error of making it one less; kept: it may not be
	cost  [64]int64 // of the cheapest way up to and with it
	from  [64]uint8 // the one kept before it on that way
	less  [64]bool  // it is one less on that way
}

const (
	kept      = 1 << 40 // more than any error
	slopeBits = 24

	// Lambda, in squared sample values a bit, was fitted to twenty photographs at
	// qualities 50 to 90 for the fewest bytes at equal SSIM. It is these factors times
	// s·√s, where s is the mean of the first AC steps. slopeFactor is also a unit of the
	// mean square of a block's samples around their mean.
	flatFactor  = 0.13
	slopeFactor = 0.003
	mostFactor  = 4.5
	// chromaFactor: an error of chroma counts a third as much.
	chromaFactor = 3
)

// newTrellis returns a trellis for steps in rows of eight, or nil if the quality is so
// high that nothing may be lost. Like the dead zone its effect fades from 85 to 95.
func newTrellis(steps *[64]uint16, quality int, chroma bool) *trellis {
	const fadeFrom, none = 85, 95
	if quality >= none {
		return nil
	}
	t := new(trellis)
	for k := range t.step {
		t.step[k] = 8 * int64(steps[unzig[k]])
	}
	sum := 0
	for k := 1; k <= 5; k++ {
		sum += int(steps[unzig[k]])
	}
	unit := float64(sum) / 5
	unit *= math.Sqrt(unit) // a square root is the same number on every processor
	if chroma {
		unit *= chromaFactor
	}
	unit *= float64(none-max(quality, fadeFrom)) / (none - fadeFrom)
	// Coefficients are times 8, so their squares are times 64. The mean square of 64
	// samples is the sum of the squares over 64.
	t.flat = int64(64 * flatFactor * unit)
	t.most = int64(64 * mostFactor * unit)
	t.slope = int64(1 << slopeBits / 64 * slopeFactor * unit)
	return t
}

// useCodes sets what the symbols cost.
func (t *trellis) useCodes(ac *codeTable) {
	for s, e := range ac {
		t.bits[s] = int64(e&255) + int64(s&15)
	}
}

// block decides on the coefficients of z, quantized to c with the mask nz. It changes c
// where one becomes less and returns the mask of those that are kept.
func (t *trellis) block(z *coefs, c *[64]int32, nz uint64) uint64 {
	n, energy := 0, int64(0)
	for m := nz &^ 1; m != 0; m &= m - 1 {
		k := lowBitAt[lowBit(m)&63] & 63
		x := int64(z.at(uint(unzig[k])))
		energy += x * x
		n++
		t.at[n&63], t.drop[n&63], t.lower[n&63] = k, kept, kept
		v := int64(c[k])
		if v < 0 {
			v, x = -v, -x
		}
		if v&(v-1) != 0 {
			continue
		}
		// v-1 steps leave an error of y, v steps one of y-s. The difference of their
		// squares is s(2y-s).
		s := t.step[k]
		y := x - (v-1)*s
		switch e := s * (2*y - s); {
		case v == 1:
			t.drop[n&63] = e
		case y < s:
			t.lower[n&63] = e
		}
	}
	if n == 0 {
		return nz
	}
	lambda := min(t.flat+energy*t.slope>>slopeBits, t.most)
	t.drop[0] = kept
	for i := 1; i <= n; i++ {
		k := uint(t.at[i&63])
		_, size := valueBits(c[k&63])
		lower := t.lower[i&63]
		best, from, less := int64(math.MaxInt64), 0, false
		dropped := int64(0)
		for j := i - 1; ; j-- {
			run := k - uint(t.at[j&63]) - 1
			if way := t.cost[j&63] + dropped; way < best {
				if run > 15 {
					way += lambda * int64(run>>4) * t.bits[0xF0]
					run &= 15
				}
				if cost := way + lambda*t.bits[(run<<4|size)&255]; cost < best {
					best, from, less = cost, j, false
				}
				if lower < kept {
					if cost := way + lower + lambda*t.bits[(run<<4|size-1)&255]; cost < best {
						best, from, less = cost, j, true
					}
				}
			}
			if dropped += t.drop[j&63]; dropped >= best {
				break
			}
		}
		t.cost[i&63], t.from[i&63], t.less[i&63] = best, uint8(from), less
	}

	// The last one kept: the end of the block costs bits unless it is coefficient 63.
	best, last := int64(math.MaxInt64), 0
	dropped := int64(0)
	for i := n; ; i-- {
		cost := t.cost[i&63] + dropped
		if t.at[i&63] < 63 {
			cost += lambda * t.bits[0]
		}
		if cost < best {
			best, last = cost, i
		}
		if dropped += t.drop[i&63]; dropped >= best {
			break
		}
	}
	nz &= 1
	for i := last; i > 0; i = int(t.from[i&63]) {
		k := t.at[i&63] & 63
		nz |= 1 << k
		if t.less[i&63] {
			c[k] -= 1 | c[k]>>31 // towards 0
		}
	}
	return nz
}
