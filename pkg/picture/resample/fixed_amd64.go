//go:build goexperiment.simd && amd64

package resample

import (
	"simd/archsimd"

	"imgtools/pkg/picture/raster"
)

// Bytes of memory of one weight: a float64, an int32 or float32, and its copies in
// paired; and of one sample of input: eight rows wait, and lie in columns, at most of
// float32.
const (
	weightBytes = 28
	sampleBytes = 48
)

// newEngine8 returns the fastest engine for 8-bit samples that this processor can run.
func newEngine8(x, y *axis, in, out int, l raster.Layout) engine {
	if archsimd.X86.AVX2() {
		return newVector(x, y, in, out, l)
	}
	return newFixed(x, y, in, out, l)
}

// vector is fixed in AVX2. Weights, rounding and 32-bit sums are the same, and so is
// every bit of the result.
//
// Its main instruction, VPMADDWD, multiplies 16 pairs of int16 and adds neighbouring
// products to eight int32. Both passes have in its lanes eight independent sums that
// use the same weights, so that nothing has to be shuffled between multiplications:
//
//	across  lane r is row r of the eight rows that are resampled together. The rows are
//	        turned into columns first: a pair of pixels is one vector for each of its
//	        samples, that of row 0 in lane 0, and so on (see columns).
//	down    lane i is sample i of eight neighbouring samples. A word of the ring holds
//	        one sample of two rows, the even row in the lower half.
type vector struct {
	fixed
	width int // samples of a row out
	px    *paired
	py    *paired
	eight [8][]uint8  // the rows that wait, with slack behind
	cols  [][16]int16 // those as columns
	pairs [][]int32   // the ring: two rows each
	src   [][]int32   // rows of the window being summed

	acrossRound, downRound rounding // of the sums of the two passes
	lanes                  *alphaLanes
	unit                   [16]uint16 // 2^fLoad
	of255                  [8]float32 // 2^fLoad ÷ 255, for premultiplying
	opaque                 [8]int32   // the sum of an opaque alpha
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

const (
	stride = 32 // samples that the second pass sums at a time
	slack  = 32 // samples behind a row that may be read; they have no weight
)

func newVector(x, y *axis, in, out int, l raster.Layout) *vector {
	f := &vector{fixed: *weighted(x, y, l), width: out * l.Samples()}
	f.px = x.inPairs(f.wx, out)
	f.py = y.inPairs(f.wy, len(y.spans))
	// The loops across make at least four samples at a time. Those beyond the row are of no
	// use; they are made of the last window.
	for len(f.px.cells)*f.n%4 != 0 && f.n < 3 {
		f.px.cells = append(f.px.cells, f.px.cells[out-1])
	}
	for i := range f.eight {
		f.eight[i] = make([]uint8, in*f.n+slack)
	}
	f.cols = make([][16]int16, (in/2+8)*f.n)
	words := (f.width + 4 + stride - 1) / stride * stride
	f.pairs = make([][]int32, f.py.n+4)
	for i := range f.pairs {
		f.pairs[i] = make([]int32, words)
	}
	f.acrossRound, f.downRound = roundingOf(f.fX+f.fLoad-f.fRing), roundingOf(f.fY+f.fRing)
	for i := range f.of255 {
		f.unit[i], f.unit[i+8] = 1<<f.fLoad, 1<<f.fLoad
		f.of255[i] = float32(int(1)<<f.fLoad) / 255
		f.opaque[i] = 255 << (f.fY + f.fRing)
	}
	f.src = make([][]int32, f.py.n)
	f.lanes = &colourAlpha
	if f.n == 2 {
		f.lanes = &grayAlpha
	}
	return f
}

// push takes the next row. Rows are resampled across by eights.
func (f *vector) push(src *raster.Plane, row int) {
	to := f.eight[f.rows%8]
	copy(to[:len(to)-slack], src.Pix[row*src.Stride:])
	if f.rows++; f.rows%8 == 0 {
		f.across()
	}
}

func (f *vector) ready() int { return f.rows &^ 7 }

// end resamples the last rows. What an earlier row left in the place of a missing one
// gets no weight.
func (f *vector) end() {
	if f.rows%8 != 0 {
		f.rows = f.rows&^7 + 8
		f.across()
	}
}

// across resamples the last eight rows across and puts them into the ring.
func (f *vector) across() {
	var dst [4][]int32
	for i := range dst {
		dst[i] = f.pairs[(f.rows/2-4+i)%len(f.pairs)]
	}
	switch f.n {
	case 1:
		columnsGray(f.cols, &f.eight)
		f.gray(&dst)
	case 2:
		columnsAlpha(f.cols, &f.eight, f.lanes, &f.unit, &f.of255)
		f.grayA(&dst)
	case 3:
		columnsRGB(f.cols, &f.eight)
		f.rgb(&dst)
	case 4:
		columnsAlpha(f.cols, &f.eight, f.lanes, &f.unit, &f.of255)
		f.rgba(&dst)
	}
	archsimd.ClearAVXUpperBits()
}

// out computes row j of the result from the rows of its window.
func (f *vector) out(j int, dst *raster.Plane, row int) {
	c := f.py.cells[j]
	for i := range f.src {
		f.src[i] = f.pairs[(c.first+i)%len(f.pairs)]
	}
	w := f.py.table[c.off:][:f.py.n]
	line := dst.Pix[row*dst.Stride:][:f.width]
	if f.alpha {
		f.sumAlpha(line, w)
	} else {
		f.sum(line, w)
	}
	archsimd.ClearAVXUpperBits()
}
