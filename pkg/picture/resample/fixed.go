package resample

import (
	"imgtools/pkg/picture/raster"
)

// fixed is the engine for 8-bit samples.
//
// Numbers are integers that stand for multiples of 2^-n; n is the number of fraction
// bits. A product has the fraction bits of both factors together, a sum those of its
// terms, and a shift with rounding takes fraction bits away at the end.
//
// One multiplication works on two samples. A word holds lo + hi<<32, and since
//
//	(lo₁ + hi₁·2^32)·w₁ + (lo₂ + hi₂·2^32)·w₂ = (lo₁w₁ + lo₂w₂) + (hi₁w₁ + hi₂w₂)·2^32
//
// the weighted sum of words is the word of both weighted sums, as long as each fits an
// int32. A negative lower sum borrows 1 from the upper; parts gives it back. Across, lo
// and hi are the same sample of two rows; down, two neighbouring samples of a row.
//
// Sums have up to 22 fraction bits, which is what an int32 has room for: 6 of the samples
// in the ring and the others of the weights. Weights are numbers of 16 bits with a sign,
// for the vector code's sake; as none is above 1 or so, at least 14 are of fraction. Very
// wide kernels have small weights, which need more bits; they take them from the samples
// (see split).
type fixed struct {
	x, y   *axis
	n      int  // samples a pixel
	alpha  bool // the last sample is alpha
	wx, wy []int32
	// Fraction bits: of a loaded sample, a ring sample and a weight across and down.
	fLoad, fRing, fX, fY int

	held []uint8 // an even row that waits for the next, odd one
	rows int     // pushed
	buf  []int64 // two rows: one in lo, one in hi
	ring [][]int64
	acc  []int64 // sums of a block, two samples a word
}

// total is the fraction bits of a product of sample and weight. The largest sum is then
// 255 × 2^22 × the sum of the positive weights, which is below 2: less than 2^31.
const total = 22

// split returns how many of the total fraction bits go to the samples. Each weight is
// rounded by up to half of its last bit; with n taps these errors add up to at most n/2
// last bits. split keeps that below about a quarter of 1/255.
func split(taps int) int {
	bits := 6
	for n := 128; n < taps && bits > 1; n *= 2 {
		bits--
	}
	return bits
}

func newFixed(x, y *axis, in, out int, l raster.Layout) *fixed {
	f := weighted(x, y, l)
	f.held = make([]uint8, in*f.n)
	f.buf = make([]int64, in*f.n)
	f.ring = make([][]int64, y.taps+1)
	for i := range f.ring {
		f.ring[i] = make([]int64, len(x.spans)*f.n/2)
	}
	f.acc = make([]int64, min(block, len(f.ring[0])))
	return f
}

// weighted returns the engine with its weights and fraction bits, without buffers.
func weighted(x, y *axis, l raster.Layout) *fixed {
	f := &fixed{x: x, y: y, n: l.Samples(), alpha: l.HasAlpha()}
	if f.alpha {
		f.fLoad = split(x.taps)
	}
	f.fRing = split(y.taps)
	most := total - f.fRing
	if x.pos*y.pos+x.neg*y.neg > 1.98 {
		most-- // both axes overshoot much, as lanczos3 can at the edges
	}
	f.wx, f.fX = x.narrow(total - f.fLoad)
	f.wy, f.fY = y.narrow(most)
	return f
}

// block is how many words of a row are summed at a time: they stay in the first-level
// cache.
const block = 1024

// push takes the next row. Rows are resampled across in pairs.
func (f *fixed) push(src *raster.Plane, row int) {
	line := src.Pix[row*src.Stride:][:len(f.held)]
	if f.rows++; f.rows%2 == 1 {
		copy(f.held, line)
		return
	}
	f.pair(f.held, line)
}

func (f *fixed) ready() int { return f.rows &^ 1 }

// end resamples a last row that has no partner.
func (f *fixed) end() {
	if f.rows%2 == 1 {
		f.rows++
		f.pair(f.held, f.held)
	}
}

// pair resamples the last two rows across and puts them into the ring.
func (f *fixed) pair(lo, hi []uint8) {
	a, b := f.ring[(f.rows-2)%len(f.ring)], f.ring[(f.rows-1)%len(f.ring)]
	switch {
	case !f.alpha:
		load(f.buf, lo, hi)
	case f.n == 2:
		loadGrayA(f.buf, lo, hi, f.fLoad)
	default:
		loadRGBA(f.buf, lo, hi, f.fLoad)
	}
	t := across{f.x.spans, f.wx, f.x.taps, uint(f.fX + f.fLoad - f.fRing)}
	switch f.n {
	case 1:
		t.gray(a, b, f.buf)
	case 2:
		t.grayA(a, b, f.buf)
	case 3:
		t.rgb(a, b, f.buf)
	case 4:
		t.rgba(a, b, f.buf)
	}
}

// out computes row j of the result from the rows of its window.
func (f *fixed) out(j int, dst *raster.Plane, row int) {
	sp := f.y.spans[j]
	w := f.wy[sp.off:][:f.y.taps]
	line := dst.Pix[row*dst.Stride:][:dst.Stride]
	shift := uint(f.fY + f.fRing)
	for at := 0; 2*at < len(line); at += block {
		acc := f.acc[:min(block, len(f.ring[0])-at)]
		round := int64(1) << (shift - 1)
		first := round + round<<32
		k := 0
		for ; k+4 <= len(w); k += 4 {
			r := func(i int) []int64 { return f.ring[(sp.start+k+i)%len(f.ring)][at:] }
			if k == 0 {
				set4(acc, r(0), r(1), r(2), r(3), first, w)
			} else {
				add4(acc, r(0), r(1), r(2), r(3), w[k:])
			}
		}
		for ; k < len(w); k++ {
			r := f.ring[(sp.start+k)%len(f.ring)][at:]
			if k == 0 {
				set1(acc, r, first, w[0])
			} else {
				add1(acc, r, w[k])
			}
		}
		part := line[2*at : min(2*at+2*len(acc), len(line))]
		switch {
		case !f.alpha:
			store(part, acc, shift)
		case f.n == 2:
			storeGrayA(part, acc, shift)
		default:
			storeRGBA(part, acc, shift)
		}
	}
}
