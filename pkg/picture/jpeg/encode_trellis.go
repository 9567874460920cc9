package jpeg

import (
	"math"
	"math/bits"
)

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
// Compatibility", 1994). A way is a choice for the coefficients so far, the last of which
// is kept; its score is that sum, less the error of dropping every coefficient that may
// become 0. So a dropped coefficient adds nothing to a score, and a kept one its bits less
// the error that it saves. The score of the best way that ends at i is the least, over the
// ways that end before i, of
//
//	score + lambda · (bits of i after the run from the way's end) − error of dropping i
//
// Few ways need be compared. One that must keep its last coefficient is part of every way
// that goes on. And a way with a higher score than a later one is never part of the best,
// since its run is longer and a longer run has more bits. So ways is a stack of rising
// scores, nearly always of one to three. (Huffman codes break that rule for a few runs
// that are rare; what is chosen then is at most a bit or two dearer.)
//
// The eye, and SSIM, see an error less where there is much detail. Therefore lambda grows
// with the energy of the block's coefficients: a smooth block keeps nearly all of them.
type trellis struct {
	step [64]int64     // of the quantizer in zig-zag order, times 8
	bits [16][64]int32 // by size and distance: of a coefficient of size bits after distance-1 zeros
	end  int64         // bits of the end of a block

	// lambda is flat + energy · slope / 2^slopeBits, but at most most.
	flat, slope, most int64

	ways [64]way
}

// way is a choice for the coefficients of a block up to one that is kept.
type way struct {
	score int64
	end   int    // place of its last coefficient in zig-zag order
	kept  uint64 // bit k: coefficient k is kept
}

const (
	slopeBits = 24

	// Lambda, in squared sample values a bit, is these factors times s·√s, where s is the
	// mean of the first AC steps. slopeFactor is also a unit of the mean square of a
	// block's samples around their mean. They were fitted to eleven photographs at 1/2 and
	// 1/4. Larger factors save bytes and lose as much quality: SSIM at equal bytes hardly
	// changes. With these, at the default quality, no file is larger than sharp's and four
	// of the twenty-two have less SSIM.
	flatFactor  = 0.11
	slopeFactor = 0.0012
	mostFactor  = 4
	// chromaFactor: an error of chroma counts a sixth as much, as in the weights 6:1:1 of
	// Y, Cb and Cr that video encoders are compared by.
	chromaFactor = 6
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

// useCodes sets what coefficients cost: the bits of their symbol and value, and of the
// symbols for 16 zeros before it (T.81 F.1.2.2).
func (t *trellis) useCodes(ac *codeTable) {
	for size := range t.bits {
		for run := range 63 {
			t.bits[size][run+1] = int32(run>>4)*int32(ac[0xF0]&255) + int32(ac[run&15<<4|size]&255) + int32(size)
		}
	}
	t.end = int64(ac[0] & 255)
}

// block decides on the coefficients of b. It changes those that become less, and the
// mask of those that are not 0.
func (t *trellis) block(b *levels) {
	todo := b.ones | b.up
	lambda := min(t.flat+b.energy*t.slope>>slopeBits, t.most)
	ones := &t.bits[1]
	for todo != 0 {
		k := bits.TrailingZeros64(todo) & 63
		todo &= todo - 1
		end := 63 - bits.LeadingZeros64(b.nz&(1<<k-1)|1) // of the only way
		step := t.step[k]
		if b.ones>>k&1 != 0 {
			// The coefficient has an error of size-step if it is kept, of size if it is
			// dropped. The difference of the squares is step(2size-step).
			score := lambda*int64(ones[(k-end)&63]) - step*(2*int64(b.size[k])-step)
			if score > 0 {
				met := t.fork(b, k, end, score, lambda)
				todo &= onward(met) << 1
			}
			continue
		}
		level := max(b.level[k], -b.level[k])
		size := sizeOf(uint32(level))
		if t.lessError(b, k) < lambda*int64(t.bits[size&15][(k-end)&63]-t.bits[(size-1)&15][(k-end)&63]) {
			b.lessen(k)
		}
	}
}

// onward returns the mask of the coefficients from k on.
func onward(k int) uint64 { return ^uint64(0) << (k & 63) }

// lessError returns by how much the error grows if coefficient k becomes one less. Let y
// be its size less that of level-1 steps: level-1 leave an error of y, level one of
// y-step.
func (t *trellis) lessError(b *levels, k int) int64 {
	step, level := t.step[k&63], int64(b.level[k&63])
	y := int64(b.size[k&63]) - (max(level, -level)-1)*step
	return step * (2*y - step)
}

// lessen takes 1 from the size of a level.
func (b *levels) lessen(k int) { b.level[k&63] -= 1 | b.level[k&63]>>15 }

// fork follows the ways that part at coefficient k until they meet: at the first one that
// must be kept, or at the end of the block. The only way before ends at end, and that with
// k has the given score. fork drops what the best way drops and returns where they meet,
// 63 at the end.
func (t *trellis) fork(b *levels, k, end int, score, lambda int64) (met int) {
	ways, top := &t.ways, 1
	ways[0] = way{0, end, 0}
	ways[1] = way{score, k, 1 << k}
	rest := b.nz & onward(k)
	for m := rest & (rest - 1); m != 0; m &= m - 1 {
		k := bits.TrailingZeros64(m) & 63
		level := max(b.level[k], -b.level[k])
		size := sizeOf(uint32(level))
		bits := &t.bits[size&15]
		from := &ways[0]
		best := from.score + lambda*int64(bits[(k-from.end)&63])
		for i := 1; i <= top; i++ {
			w := &ways[i&63]
			if s := w.score + lambda*int64(bits[(k-w.end)&63]); s < best {
				best, from = s, w
			}
		}
		if level == 1 {
			step := t.step[k]
			next := way{best - step*(2*int64(b.size[k])-step), k, from.kept | 1<<k}
			for top >= 0 && ways[top&63].score >= next.score {
				top--
			}
			if top++; top == 0 {
				b.nz &^= rest &^ onward(k) &^ next.kept
				return k
			}
			ways[top&63] = next
			continue
		}
		if b.up>>k&1 != 0 {
			error, less := t.lessError(b, k), false
			bits := &t.bits[(size-1)&15]
			for i := 0; i <= top; i++ {
				w := &ways[i&63]
				if s := w.score + error + lambda*int64(bits[(k-w.end)&63]); s < best {
					best, from, less = s, w, true
				}
			}
			if less {
				b.lessen(k)
			}
		}
		b.nz &^= rest &^ onward(k) &^ from.kept
		return k
	}
	// The first way has the lowest score, but only the last can do without an end of block.
	w := &ways[0]
	if last := &ways[top&63]; last.end == 63 && last.score < w.score+lambda*t.end {
		w = last
	}
	b.nz &^= rest &^ w.kept
	return 63
}
