package resample

import (
	"math"
	"slices"
)

// ratio is a positive rational number in lowest terms.
type ratio struct{ p, q int64 }

func newRatio(p, q int64) ratio {
	a, b := p, q
	for b != 0 {
		a, b = b, a%b
	}
	return ratio{p / a, q / a}
}

// span says where the window of one output lies: it begins at input sample start, and
// its weights at off. Every window has the same number of weights, the taps.
type span struct{ start, off int }

// axis says how one direction is resampled: output j is the sum over k < taps of
// weights[off+k] × input[start+k]. All windows lie inside the input.
//
// Resampling is: reconstruct a continuous signal from the samples with a kernel,
// then take its value at the centre of each output. Output j is centred on input
// position (j+1/2)·step + origin − 1/2, where step is how many input samples go
// into one output. Halving 100 samples, output 0 is centred on 1/2, between samples
// 0 and 1. When step is above 1 the kernel is made wider by step, so that it also
// removes the frequencies that the smaller picture cannot hold.
//
// At the edges there are no samples outside the picture to weigh. The weights that
// are left are divided by their sum, so that a flat area stays flat. A sample that
// the picture covers only in part counts by that part.
type axis struct {
	taps     int
	spans    []span    // one an output, and one more when their number is odd
	weights  []float64 // shared by outputs of equal phase
	whole    bool      // every input has its output
	pos, neg float64   // the largest sum of the positive weights of an output, and of the negative ones; both ≥ 0
}

// lay is how the picture lies along the input samples of an axis: it begins at
// origin, is extent samples long, and each output is step samples. Outputs may reach
// beyond the extent by less than one: chroma of 5 pixels is 3 samples, not 2 1/2.
//
// Output 0 may lie within the picture, which is how a part of it is resampled alone:
// halves half outputs come before it. They are halves because chroma of a part that
// begins at an odd column lies half an output farther on.
type lay struct {
	step, origin, extent ratio
	halves               int64
}

// newAxis returns the axis from in samples to out samples.
//
// Positions are kept as whole numbers of 1/(2q) of an input sample, where step is
// p/q: output j is centred on (2j+1)p − q + 2q·origin and input i on 2q·i. Two
// outputs q apart then have exactly equal weights, shifted by p samples, and share
// them: from 1000 to 400 samples, step is 5/2, and there are 2 sets of weights
// beside those of the edges.
func newAxis(k kernel, in, out int, l lay) *axis {
	p, q, origin := l.scaled()
	a := &axis{whole: p == q && l.halves == 0}
	unit := 2 * q
	wide := max(unit, 2*p)                                   // the width of a kernel of width 1
	end := origin + unit*l.extent.p/l.extent.q               // whole: extent is 1 or 1/2 of a multiple of step
	first, past := int(origin/unit), int(ceilDiv(end, unit)) // samples that the picture touches
	past = min(past, in)
	// cover is the part of sample i, of unit, that the picture covers.
	cover := func(i int64) int64 { return min(end, (i+1)*unit) - max(origin, i*unit) }

	before := l.halves * p
	if p == q && (origin+before)%unit == 0 && k.at(1) == 0 && k.at(2) == 0 {
		k = kernels["box"] // at factor 1 an interpolating kernel copies, with one tap
	}
	at := func(d int64) float64 { return k.at(float64(d) / float64(wide)) }
	reach := int64(k.support * float64(wide)) // whole: wide is even
	if k.at(k.support) == 0 {
		reach-- // the ends do not count
	}
	byArea := k.support < 1 && (origin%unit != 0 || end%unit != 0)
	if byArea {
		// A box weighs samples by the area that lies in it. Near factor 1 it would
		// else pick single samples, which shifts the picture by a part of one.
		reach = (2*p + unit) / 2
		at = func(d int64) float64 { return float64(min(reach-d, unit, 2*p)) }
	}
	centre := func(j int) int64 { return (2*int64(j)+1)*p - q + origin + before }
	window := func(j int) (lo, hi int64) { // inclusive, unbounded; never goes back
		c := centre(j)
		return ceilDiv(c-reach, unit), floorDiv(c+reach, unit)
	}
	// Outputs may share weights when their windows hold whole samples only and have
	// room to begin late and still have all taps.
	most := 2*reach/unit + 1
	whole := ceilDiv(origin, unit)
	inner := func(j int) bool {
		lo, _ := window(j)
		return lo >= whole && lo+2*most < int64(past)
	}

	type found struct {
		start int
		w     []float64
	}
	weigh := func(j int) found {
		c := centre(j)
		lo, hi := window(j)
		lo, hi = max(lo, int64(first)), min(hi, int64(past-1))
		w := make([]float64, hi-lo+1)
		sum := 0.
		for i := range w {
			d := unit*(lo+int64(i)) - c
			if d < 0 {
				d = -d
			}
			w[i] = at(d)
			if part := cover(lo + int64(i)); part < unit && !byArea {
				w[i] *= float64(part) / float64(unit)
			}
			sum += w[i]
		}
		for i := range w {
			w[i] /= sum
		}
		return found{int(lo), w}
	}

	// First find the different sets of weights. The largest has the number of taps.
	var sets []found
	set := make([]int, out) // which of sets output j has
	shift := make([]int, out)
	period := math.MaxInt
	if q < int64(out) {
		period = int(q)
	}
	for j := range out {
		if j >= period && inner(j) && inner(j-period) {
			set[j], shift[j] = set[j-period], shift[j-period]+int(p)
			continue
		}
		f := weigh(j)
		set[j] = len(sets)
		sets = append(sets, f)
		a.taps = max(a.taps, len(f.w))
	}
	a.weights = make([]float64, len(sets)*a.taps)
	a.spans = make([]span, out, out+1)
	for j := range a.spans {
		f := sets[set[j]]
		a.spans[j] = span{f.start + shift[j], set[j] * a.taps}
	}
	for s, f := range sets {
		// At the far edge a set with fewer taps begins earlier, with weights of 0.
		early := max(0, f.start+a.taps-in)
		copy(a.weights[s*a.taps+early:], f.w)
		pos, neg := 0., 0.
		for _, w := range f.w {
			if w > 0 {
				pos += w
			} else {
				neg -= w
			}
		}
		a.pos, a.neg = max(a.pos, pos), max(a.neg, neg)
	}
	for j := range a.spans {
		a.spans[j].start = min(a.spans[j].start, in-a.taps)
	}
	if out%2 == 1 {
		a.spans = append(a.spans, a.spans[out-1])
	}
	return a
}

// copies reports whether the axis, from in to out samples, leaves them unchanged.
func (a *axis) copies(in, out int) bool { return a.whole && a.taps == 1 && in == out }

// from makes the axis one of inputs whose first n are left out, and returns n: those that
// have no weight in any output.
func (a *axis) from() (n int) {
	n = a.spans[0].start
	for i := range a.spans {
		a.spans[i].start -= n
	}
	return n
}

// scaled returns step as p/q, and the origin in units of 1/(2q) of a sample. p and q
// are multiplied by what makes the origin whole. Products of them stay below 2^62
// for sides below 2^28; only planes of a JPEG, whose sides are below 2^16, are
// reduced and can have an origin that is not whole.
func (l lay) scaled() (p, q, origin int64) {
	p, q = l.step.p, l.step.q
	m := newRatio(2*q*l.origin.p, l.origin.q).q
	p, q = p*m, q*m
	return p, q, 2 * q * l.origin.p / l.origin.q
}

func floorDiv(a, b int64) int64 {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}

func ceilDiv(a, b int64) int64 { return -floorDiv(-a, b) }

// fixed returns the weights as integers with bits of fraction. Each set adds up to
// exactly 1<<bits, so that a flat area stays exactly flat: the error of rounding is
// added to the largest weight.
func (a *axis) fixed(bits int) []int32 {
	one := math.Ldexp(1, bits)
	out := make([]int32, len(a.weights))
	for at := 0; at < len(out); at += a.taps {
		set, sum, top := out[at:at+a.taps], int32(0), 0
		for i := range set {
			set[i] = int32(math.Round(a.weights[at+i] * one))
			sum += set[i]
			if set[i] > set[top] {
				top = i
			}
		}
		set[top] += int32(one) - sum
	}
	return out
}

// narrow is fixed with as many bits as let every weight fit an int16, but at most most.
// The largest weight of a kernel that shrinks by 3 is about 1/3, so that it has 16 bits;
// a weight of 1 has 14.
func (a *axis) narrow(most int) (w []int32, bits int) {
	top := 0.
	for _, v := range a.weights {
		top = max(top, math.Abs(v))
	}
	_, exp := math.Frexp(top)
	for bits = min(most, 15-exp); ; bits-- {
		w = a.fixed(bits)
		if slices.Max(w) <= math.MaxInt16 && slices.Min(w) >= math.MinInt16 {
			return w, bits
		}
	}
}

func (a *axis) float() []float32 {
	out := make([]float32, len(a.weights))
	for i, w := range a.weights {
		out[i] = float32(w)
	}
	return out
}
