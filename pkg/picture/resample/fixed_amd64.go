//go:build goexperiment.simd && amd64

package resample

import (
	"simd/archsimd"

	"imgtools/pkg/picture/raster"
)

// weightBytes is what one weight takes: a float64, an int32 or float32, and up to
// 16 bytes in the shape that vector multiplies by.
const weightBytes = 28

// newEngine8 returns the engine for 8-bit samples that this processor can run.
// Gray with alpha is too rare for loops of its own.
func newEngine8(x, y *axis, in, out int, l raster.Layout) engine {
	if archsimd.X86.AVX2() && l != raster.GrayA {
		return newVector(x, y, in, out, l)
	}
	return newFixed(x, y, in, out, l)
}

// vector is fixed in AVX2, equal to it in every bit: the same weights, the same
// rounding, sums of 32 bits.
//
// Samples and ring are int16, which their 14 bits and a sign fit. Weights have up
// to 24 bits and are taken apart, w = high<<parted + low, since an instruction
// multiplies 16 pairs of int16 and adds neighbours: two of them a weight, and the
// two sums meet at the end. Sums may wrap on the way, as the whole does not.
//
// A word of the ring is one sample of two rows, the even one below: two taps of
// the vertical pass in one lane.
type vector struct {
	fixed
	width int        // samples of a row out
	cells []span     // where each output's weights are in table, a multiple of 4 of them
	table []chunk    // the weights across
	steps int        // chunks an output
	rows2 [2][]uint8 // the last two rows, with room behind
	both  []uint8    // gray: the two, sample by sample
	mult  [2][]int16 // colour with alpha: the two, premultiplied
	pairs [][]int32  // the ring
	down  []packed2  // weights of the window being summed
	src   [][]int32  // and its rows
}

// chunk is the parts of the weights of some taps, arranged as the samples are.
type chunk struct{ high, low [16]int16 }

// packed2 is the weights of two rows, for all lanes.
type packed2 struct{ high, low [8]int32 }

const (
	parted = 12 // bits of the low part of a weight
	stride = 32 // samples summed at a time, down
	slack  = 32 // samples that may be read behind a row, by weights of 0
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
	f.down = make([]packed2, len(f.pairs))
	f.src = make([][]int32, len(f.pairs))
	if f.alpha {
		f.acc = make([]int64, words/2)
	}
	return f
}

// push takes the next row: alone it waits for the second of its pair.
func (f *vector) push(src *raster.Plane, row int) {
	to := f.rows2[f.rows%2]
	copy(to[:len(to)-slack], src.Pix[row*src.Stride:])
	if f.rows++; f.rows%2 == 0 {
		f.pair(f.rows2[0], f.rows2[1])
	}
}

// end lets a last row go alone.
func (f *vector) end() {
	if f.rows%2 == 1 {
		f.rows++
		f.pair(f.rows2[0], f.rows2[0])
	}
}

// pair resamples the last two rows across, into the ring.
func (f *vector) pair(lo, hi []uint8) {
	dst := f.pairs[(f.rows/2-1)%len(f.pairs)]
	shift := uint64(f.fX + f.fLoad - f.fRing)
	switch f.n {
	case 1:
		interleave(f.both, lo, hi)
		f.gray(dst, f.both, shift)
	case 3:
		f.rgb(dst, lo, hi, shift)
	case 4:
		premultiply(f.mult[0], lo, f.fLoad)
		premultiply(f.mult[1], hi, f.fLoad)
		f.rgba(dst, f.mult[0], f.mult[1], shift)
	}
	archsimd.ClearAVXUpperBits()
}

// out sums the rows of window j.
func (f *vector) out(j int, dst *raster.Plane, row int) {
	f.window(j)
	line := dst.Pix[row*dst.Stride:][:f.width]
	shift := uint64(f.fY + f.fRing)
	if f.alpha {
		f.sumWords(shift)
		archsimd.ClearAVXUpperBits()
		storeRGBA(line, f.acc, uint(shift))
		return
	}
	f.sum(line, shift)
	archsimd.ClearAVXUpperBits()
}

// window gathers the pairs of rows that window j touches and their weights; a
// row of a pair that lies outside weighs 0.
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
