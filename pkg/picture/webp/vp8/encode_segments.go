package vp8

import "math"

// segment is a group of macroblocks with one quantizer and one strength of the loop filter.
type segment struct {
	index  int // of the quantizer
	filter int // 0 to 63

	luma, y2, chroma quantTable
	lambda           int      // see score
	lambdas          [8]int32 // the same, in all lanes
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

// Segments are classes of activity, which is the mean over the four quarters of a
// macroblock of the base-2 logarithm of 1 + variance / activityLeast. Steps of quantization
// grow with it: an error is seen less where there is much to see, and SSIM divides it by
// the variance, too. A step in proportion to the root of the variance would give the best
// SSIM for the bytes, but make strong textures rough; tuning.gamma is less than that 0.5.
//
// The quality's own step is for the activity between segments 1 and 2: the mean of the
// picture. So a quality means the same for a calm and for a lively picture.
const (
	activityLeast = 30   // about half of SSIM's constant for variances
	activityWidth = 1.75 // of a class
	plainQuality  = 90   // from which on activity counts less, to nothing at 100
	stepFactor    = 0.94 // for the SSIM of cwebp at the same quality
)

// tuning is what was found by trial to give the least bytes at equal SSIM.
type tuning struct {
	gamma  float64 // power of the variance that steps follow
	biasAC int     // see biasDC
	lambda int     // 1/1000 of a squared step: see segment.score
	filter int     // strength of the loop filter, in 1/1024 of a step
}

// About a third of a step is the strength of the loop filter, as errors at the edges of
// blocks are a part of a step. λ is the price of 1/16 bit, in 1/256 of a squared
// coefficient: a bit of a picture in colour is worth 0.053 of a squared step.
var (
	colourTuning = tuning{gamma: 0.25, biasAC: 104, lambda: 850, filter: 330}
	grayTuning   = tuning{gamma: 0.30, biasAC: 96, lambda: 1000, filter: 370}
)

// biasDC and tuning.biasAC round quotients, in 1/256: less than half makes coefficients
// smaller on average, which costs less than it loses.
const biasDC = 112

// setSegments sets the quantizers for a quality.
func (e *encoder) setSegments(quality int) {
	t := &colourTuning
	if e.gray {
		t = &grayTuning
	}
	base := qualityIndex(quality)
	whole := min(int(base), maxIndex-1)
	step := float64(acSteps[whole]) + (base-float64(whole))*float64(acSteps[whole+1]-acSteps[whole])
	gamma := t.gamma * min(1, float64(100-quality)/(100-plainQuality))
	for i := range e.segments {
		s := &e.segments[i]
		want := step * stepFactor * math.Exp2(gamma*activityWidth*(float64(i)-1.5))
		s.index = 0
		for s.index < maxIndex && float64(acSteps[s.index]+acSteps[s.index+1])/2 <= want {
			s.index++
		}
		s.set(t)
	}
}

func (s *segment) set(t *tuning) {
	dc, ac := int(dcSteps[s.index]), int(acSteps[s.index])
	s.luma.set(dc, ac, biasDC, t.biasAC)
	s.y2.set(2*dc, max(ac*155/100, minY2AC), biasDC, t.biasAC)
	s.chroma.set(min(dc, maxChromaDC), ac, biasDC, t.biasAC)
	s.lambda = max(ac*ac*t.lambda/1000, 1)
	for i := range s.lambdas {
		s.lambdas[i] = int32(s.lambda)
	}
	s.filter = min(ac*t.filter/1024, 63)
}

// score is what a choice costs: its square error, in squared coefficients, plus λ times
// its bits, in 1/16. Both are multiplied by 256. That of a macroblock may need more than 32 bits.
func (s *segment) score(dist, rate int) int64 { return int64(dist)<<8 + int64(s.lambda)*int64(rate) }

// commonMore is how far above its class the commonest segment reaches, in classes. Many
// macroblocks of a smooth picture are near one activity: a border among them would cost
// bits for segments and gain nothing.
const commonMore = 0.15

// segmentOf returns the segment of a macroblock by its activity.
func (e *encoder) segmentOf(activity float64) int {
	if e.modes.flags == 0 {
		return 0
	}
	class := (activity-e.activity)/activityWidth + segments/2
	i := int(min(max(class, 0), segments-1))
	if c := e.commonest(); i == c+1 && class < float64(i)+commonMore {
		return c
	}
	return i
}

// commonest returns the segment that most macroblocks so far are in.
func (e *encoder) commonest() (most int) {
	for i, n := range e.inSegment {
		if n > e.inSegment[most] {
			most = i
		}
	}
	return most
}

// activityOf returns the activity of a macroblock.
func activityOf(luma []uint8, stride int) float64 {
	var sums, squares [4]int32
	quarterSums(luma, stride, &sums, &squares)
	product := 1.0
	for i, sum := range sums {
		product *= 1 + float64(squares[i]-sum*sum/64)/(64*activityLeast)
	}
	return math.Log2(product) / 4
}

// quarterSumsPlain sets the sums of the samples of each quarter of a macroblock, and of
// their squares.
func quarterSumsPlain(luma []uint8, stride int, sums, squares *[4]int32) {
	for q := range 4 {
		var sum, square int32
		for y := range 8 {
			for _, v := range luma[(q>>1*8+y)*stride+q&1*8:][:8] {
				sum += int32(v)
				square += int32(v) * int32(v)
			}
		}
		sums[q], squares[q] = sum, square
	}
}

// look takes a row of macroblocks into the activity of the picture.
func (e *encoder) look(luma []uint8, stride int) {
	const every = 3 // macroblocks
	for at := 0; at+16 <= stride; at += 16 * every {
		e.looked.sum += activityOf(luma[at:], stride)
		e.looked.n++
	}
	e.activity = e.looked.sum / float64(e.looked.n)
}
