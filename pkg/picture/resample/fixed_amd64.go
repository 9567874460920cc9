//go:build goexperiment.simd && amd64

package resample

import (
	"simd/archsimd"

	"imgtools/pkg/picture/raster"
)

// weightBytes is the memory of one weight: a float64, an int32 or float32, and up to 16
// bytes in a chunk.
const weightBytes = 28

// newEngine8 returns the fastest engine for 8-bit samples that this processor can run.
// Gray with alpha is too rare to have vector code.
func newEngine8(x, y *axis, in, out int, l raster.Layout) engine {
	if archsimd.X86.AVX2() && l != raster.GrayA {
		return newVector(x, y, in, out, l)
	}
	return newFixed(x, y, in, out, l)
}

// vector is fixed in AVX2. Weights, rounding and 32-bit sums are the same, and so is
// every bit of the result.
//
// Its main instruction, VPMADDWD, multiplies 16 pairs of int16 and adds neighbouring
// products to int32. Samples fit an int16: 8 bits, 6 of fraction and a sign. Weights
// have up to 24 bits, so each is split, w = high<<parted + low, and there are two sums:
//
//	Σ s·w = (Σ s·high)<<parted + Σ s·low
//
// A partial sum may overflow an int32; since additions wrap modulo 2^32 and the whole
// sum fits, the result is right all the same.
//
// A word of the ring holds one sample of two rows, the even row in the lower half: the
// second pass then adds two rows with one instruction.
type vector struct {
	fixed
	width int        // samples of a row out
	cells []span     // for each output, its first sample and its weights in table; length a multiple of 4
	table []chunk    // the weights across
	steps int        // chunks an output
	rows2 [2][]uint8 // the last two rows, with slack behind
	both  []uint8    // gray: those two, interleaved by samples
	mult  [2][]int16 // colour with alpha: those two, premultiplied
	pairs [][]int32  // the ring
	down  []packed2  // weights of the window being summed
	src   [][]int32  // rows of that window

	acrossRound, downRound rounding   // of the sums of the two passes
	unit                   [8]float32 // 2^fLoad ÷ 255, for premultiply
	tail                   [stride]uint8
}

// rounding divides sums by a power of two, rounded: half is added, then they are shifted
// right by count. Both are kept as vectors in memory, as all constants of the vector
// code are. Go makes a vector of a number by MOVQ, and shifts by a variable number the
// same way; that is an instruction of SSE, and while the upper halves of the vector
// registers are in use one such costs some 70 cycles on Intel's processors (Intel
// Optimization Reference Manual, "Mixing AVX code with SSE code"). tests/simd_test.go
// looks for them.
type rounding struct{ half, count [8]int32 }

func roundingOf(shift int) (r rounding) {
	for i := range 8 {
		r.half[i], r.count[i] = 1<<shift>>1, int32(shift)
	}
	return r
}

// chunk is the weights of some taps, split, in the order in which the samples lie.
type chunk struct{ high, low [16]int16 }

// packed2 is the weights of two rows, split and repeated for all lanes.
type packed2 struct{ high, low [8]int32 }

const (
	parted = 12 // bits of the low part of a weight
	stride = 32 // samples that the second pass sums at a time
	slack  = 32 // samples behind a row that may be read; their weights are 0
)

func newVector(x, y *axis, in, out int, l raster.Layout) *vector {
	f := &vector{fixed: *weighted(x, y, l), width: out * l.Samples()}
	each := 8 // taps a chunk: of gray 8 from two rows, else 4 pixels of one
	if f.n > 1 {
		each = 4
	}
	f.steps = (x.taps + each - 1) / each
	f.table = make([]chunk, len(f.wx)/x.taps*f.steps)
	for i, w := range f.wx {
		set, k := i/x.taps, i%x.taps
		c := &f.table[set*f.steps+k/each]
		for copies := range 16 / each {
			lane := copies*each + k%each // gray: the halves are the rows
			if f.n > 1 {                 // colour: pairs of pixels, sample by sample
				lane = k%4/2*8 + 2*copies + k%2
			}
			c.high[lane], c.low[lane] = int16(w>>parted), int16(w&(1<<parted-1))
		}
	}
	f.cells = make([]span, (out+3)&^3)
	for j := range f.cells {
		sp := x.spans[min(j, out-1)]
		f.cells[j] = span{sp.start * f.n, sp.off / x.taps * f.steps}
	}
	for i := range f.rows2 {
		f.rows2[i] = make([]uint8, in*f.n+slack)
	}
	switch f.n {
	case 1:
		f.both = make([]uint8, 2*(in+slack))
	case 4:
		f.mult = [2][]int16{make([]int16, in*4+slack), make([]int16, in*4+slack)}
	}
	// A pixel of colour is stored as four words.
	words := (f.width + 1 + stride - 1) / stride * stride
	f.pairs = make([][]int32, y.taps/2+1)
	for i := range f.pairs {
		f.pairs[i] = make([]int32, words)
	}
	f.acrossRound, f.downRound = roundingOf(f.fX+f.fLoad-f.fRing), roundingOf(f.fY+f.fRing)
	for i := range f.unit {
		f.unit[i] = float32(int(1)<<f.fLoad) / 255
	}
	f.down = make([]packed2, len(f.pairs))
	f.src = make([][]int32, len(f.pairs))
	if f.alpha {
		f.acc = make([]int64, words/2)
	}
	return f
}

// push takes the next row. Rows are resampled across in pairs.
func (f *vector) push(src *raster.Plane, row int) {
	to := f.rows2[f.rows%2]
	copy(to[:len(to)-slack], src.Pix[row*src.Stride:])
	if f.rows++; f.rows%2 == 0 {
		f.pair(f.rows2[0], f.rows2[1])
	}
}

// end resamples a last row that has no partner.
func (f *vector) end() {
	if f.rows%2 == 1 {
		f.rows++
		f.pair(f.rows2[0], f.rows2[0])
	}
}

// pair resamples the last two rows across and puts them into the ring.
func (f *vector) pair(lo, hi []uint8) {
	dst := f.pairs[(f.rows/2-1)%len(f.pairs)]
	switch f.n {
	case 1:
		interleave(f.both, lo, hi)
		f.gray(dst, f.both)
	case 3:
		f.rgb(dst, lo, hi)
	case 4:
		premultiply(f.mult[0], lo, &f.unit)
		premultiply(f.mult[1], hi, &f.unit)
		f.rgba(dst, f.mult[0], f.mult[1])
	}
	archsimd.ClearAVXUpperBits()
}

// out computes row j of the result from the rows of its window.
func (f *vector) out(j int, dst *raster.Plane, row int) {
	f.window(j)
	line := dst.Pix[row*dst.Stride:][:f.width]
	if f.alpha {
		f.sumWords()
		archsimd.ClearAVXUpperBits()
		storeRGBA(line, f.acc, uint(f.fY+f.fRing))
		return
	}
	f.sum(line)
	archsimd.ClearAVXUpperBits()
}

// window collects the pairs of rows that window j touches, and their weights. The
// partner of a row at its edge may lie outside and has weight 0.
func (f *vector) window(j int) {
	sp := f.y.spans[j]
	w := f.wy[sp.off:][:f.y.taps]
	first, end := sp.start/2, (sp.start+len(w)+1)/2
	f.down, f.src = f.down[:end-first], f.src[:end-first]
	weight := func(row int) uint32 {
		if k := row - sp.start; k >= 0 && k < len(w) {
			return uint32(w[k])
		}
		return 0
	}
	for i := range f.down {
		a, b := weight(2*(first+i)), weight(2*(first+i)+1)
		const low = 1<<parted - 1
		high := int32(b>>parted<<16 | uint32(int32(a)>>parted)&0xffff)
		rest := int32(b&low<<16 | a&low)
		for lane := range 8 {
			f.down[i].high[lane], f.down[i].low[lane] = high, rest
		}
		f.src[i] = f.pairs[(first+i)%len(f.pairs)]
	}
}
