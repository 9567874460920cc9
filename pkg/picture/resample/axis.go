package resample

import "math"

// ratio is a positive rational number in lowest terms.
type ratio struct{ p, q int64 }

func newRatio(p, q int64) ratio {
	a, b := p, q
	for b != 0 {
		a, b = b, a%b
	}
	return ratio{p / a, q / a}
}

// span is where the weights of one output are: of the samples from start on,
// the weights from off on, as many as the axis has taps.
type span struct{ start, off int }

// axis is how one direction is resampled: output j is the sum over k < taps of
// weights[off+k] × input[start+k]. All windows lie inside the input.
//
// Output j is centred on input position (j+1/2)·step − 1/2, where step is the
// extent of the input over that of the output; the kernel is widened by step
// when that shrinks. Samples outside the picture do not count, the last one
// counts by the part of it that the extent covers, and the weights that remain
// are normalised to a sum of 1.
type axis struct {
	taps     int
	spans    []span    // one an output, and one more when their number is odd
	weights  []float64 // shared by outputs of equal phase
	pos, neg float64   // the largest sums of positive and of negative weights, both ≥ 0
}

// newAxis returns the axis from in samples, the last of which is covered by
// last of itself (0 < last ≤ 1), to out samples.
func newAxis(k kernel, in, out int, step ratio, last float64) *axis {
	a := &axis{}
	// In units of 1/(2q) of an input sample everything is whole: output j is
	// centred on (2j+1)p − q, input i on 2qi, and the kernel is as wide as 2q or,
	// widened, 2p. Products stay below 2^62 for sides below 2^28.
	unit := 2 * step.q
	wide := max(unit, 2*step.p)
	if step == (ratio{1, 1}) && k.at(1) == 0 && k.at(2) == 0 {
		k = kernels["box"] // at factor 1 an interpolating kernel copies, with one tap
	}
	at := func(d int64) float64 { return k.at(float64(d) / float64(wide)) }
	reach := int64(k.support * float64(wide)) // whole: wide is even
	if k.at(k.support) == 0 {
		reach-- // the ends do not count
	}
	if last < 1 && k.support < 1 {
		// A box over a fractional extent weighs samples by the part that lies in
		// it. Else near factor 1 it would pick single samples, and shift.
		reach = (2*step.p + unit) / 2
		at = func(d int64) float64 { return float64(min(reach-d, unit, 2*step.p)) }
	}
	window := func(j int) (lo, hi int64) { // inclusive, unbounded; never goes back
		c := (2*int64(j)+1)*step.p - step.q
		return ceilDiv(c-reach, unit), floorDiv(c+reach, unit)
	}
	// Outputs whose windows lie well inside may share weights: no edge, no last
	// sample, and room to begin late and still have all taps.
	most := 2*reach/unit + 1
	inner := func(j int) bool {
		lo, _ := window(j)
		return lo >= 0 && lo+2*most < int64(in)
	}

	type found struct {
		start int
		w     []float64
	}
	weigh := func(j int) found {
		c := (2*int64(j)+1)*step.p - step.q
		lo, hi := window(j)
		lo, hi = max(lo, 0), min(hi, int64(in-1))
		w := make([]float64, hi-lo+1)
		sum := 0.
		for i := range w {
			d := unit*(lo+int64(i)) - c
			if d < 0 {
				d = -d
			}
			w[i] = at(d)
			if lo+int64(i) == int64(in-1) {
				w[i] *= last
			}
			sum += w[i]
		}
		for i := range w {
			w[i] /= sum
		}
		return found{int(lo), w}
	}

	// First the different sets of weights, then, with the taps known, the table.
	var sets []found
	set := make([]int, out) // which of sets output j has
	shift := make([]int, out)
	period := math.MaxInt
	if step.q < int64(out) {
		period = int(step.q)
	}
	for j := range out {
		if j >= period && inner(j) && inner(j-period) {
			set[j], shift[j] = set[j-period], shift[j-period]+int(step.p)
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
		// A set short of taps at the far edge begins earlier, with zeros.
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

// copies reports whether the axis, from in to out samples, changes nothing.
func (a *axis) copies(in, out int) bool { return a.taps == 1 && in == out }

func floorDiv(a, b int64) int64 {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}

func ceilDiv(a, b int64) int64 { return -floorDiv(-a, b) }

// fixed returns the weights with bits of fraction, each set adding up to exactly
// 1<<bits: what rounding leaves over goes to the largest weight.
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

func (a *axis) float() []float32 {
	out := make([]float32, len(a.weights))
	for i, w := range a.weights {
		out[i] = float32(w)
	}
	return out
}
