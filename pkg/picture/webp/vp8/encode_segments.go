package vp8

import "math"

// segment is a group of macroblocks with one quantizer and one strength of the loop filter.
type segment struct {
	index  int // of the quantizer
	filter int // 0 to 63

	lumaAC, luma, y2, chroma quantTable
	lambda                   int // see score
}

// qualityIndex returns the index of the quantizer for a quality, with a fraction: the
// third root makes equal steps of quality about equal factors of the size of a file. The
// two lines meet at quality 75.
func qualityIndex(quality int) float64 {
	q := float64(quality) / 100
	if q < 0.75 {
		q *= 2.0 / 3
	} else {
		q = 2*q - 1
	}
	return maxIndex * (1 - math.Cbrt(q))
}

// setSegments sets the quantizers for a quality.
func (e *encoder) setSegments(quality int) {
	base := qualityIndex(quality)
	for i := range e.segments {
		s := &e.segments[i]
		s.index = int(math.Round(min(max(base+segmentOffset[i], 0), maxIndex)))
		s.set()
	}
}

// segmentOffset is added to the index of the quantizer.
var segmentOffset = [segments]float64{0, 0, 0, 0}

// Rounding of quotients, in 1/256: less than half makes coefficients smaller on average,
// which costs less than it loses.
const (
	biasDC = 112
	biasAC = 104
)

func (s *segment) set() {
	dc, ac := int(dcSteps[s.index]), int(acSteps[s.index])
	s.luma.set(dc, ac, biasDC, biasAC)
	s.lumaAC.set(dc, ac, biasDC, biasAC)
	s.y2.set(2*dc, max(ac*155/100, minY2AC), biasDC, biasAC)
	s.chroma.set(min(dc, maxChromaDC), ac, biasDC, biasAC)
	s.lambda = max(ac*ac*lambdaFactor/1000, 1)
	s.filter = filterLevel(ac)
}

// lambdaFactor is the price of 1/16 bit in thousandths of a squared step, by 256/...
const lambdaFactor = 1600

// score is what a choice costs: its square error, in squared coefficients, plus λ times
// its bits, in 1/16. Both are multiplied by 256.
func (s *segment) score(dist int, rate int) int { return dist<<8 + s.lambda*rate }

// filterLevel returns the strength of the loop filter for a step of the quantizer.
func filterLevel(ac int) int {
	return min(ac/4*300/256, 63)
}

// segmentOf returns the segment of the macroblock in work.
func (e *encoder) segmentOf() int { return 0 }
