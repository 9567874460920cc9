package colour

import (
	"fmt"
	"math"

	"imgtools/pkg/picture/raster"
)

// hdr is the kind of a coding that goes beyond the white of sRGB.
type hdr uint8

const (
	notHDR hdr = iota
	pq         // SMPTE ST 2084: a sample stands for cd/m², up to 10,000
	hlg        // BT.2100 HLG: a sample stands for light before the camera
)

// White in cd/m² of pictures that show no highlights, and the peak of the display that
// HLG is shown on (BT.2408, 2.1 and BT.2100, table 5).
const (
	hdrWhite = 203
	peakPQ   = 10000
	peakHLG  = 1000
	gammaHLG = 1.2 // of the system, at that peak
)

// lit does what a coding of high dynamic range does to the light of all three
// components together. HLG makes light on the display of light before the camera: with
// its luminance Y, each component is multiplied by Y^(γ−1).
func (s *Source) lit(v vec3) vec3 {
	switch s.hdr {
	case notHDR:
		return v
	case hlg:
		y := s.weights[0]*v[0] + s.weights[1]*v[1] + s.weights[2]*v[2]
		gain := math.Pow(max(y, 0), gammaHLG-1) * s.scale
		return vec3{v[0] * gain, v[1] * gain, v[2] * gain}
	}
	return vec3{v[0] * s.scale, v[1] * s.scale, v[2] * s.scale}
}

// ofCICP returns the source of values of ITU-T H.273: primaries (table 2), transfer
// characteristics (table 3), matrix, full range.
func ofCICP(c [4]uint8, space space) (*Source, error) {
	s := &Source{space: space, matrix: fromSRGB, weights: vec3{1}}
	if space == rgbSpace {
		p, ok := primariesH273[c[0]]
		if ok {
			s.matrix, ok = primaries(p[0], p[1], p[2], p[3])
		}
		if !ok {
			return nil, fmt.Errorf("primaries %d", c[0])
		}
		// Luminance under the white of the primaries, not under D50.
		back := bradford(d50, vec3{p[3][0] / p[3][1], 1, (1 - p[3][0] - p[3][1]) / p[3][1]})
		m := back.times(&s.matrix)
		s.weights = m[1]
		if c[2] != 0 {
			return nil, fmt.Errorf("matrix %d", c[2])
		}
	}
	curve, ok := transferH273(c[1])
	if !ok {
		return nil, fmt.Errorf("transfer %d", c[1])
	}
	switch c[1] {
	case 16:
		s.hdr, s.scale = pq, float64(peakPQ)/hdrWhite
	case 18:
		s.hdr, s.scale = hlg, float64(peakHLG)/hdrWhite
	}
	if c[3] == 0 { // narrow range: 16 to 235 of 255
		full := curve
		curve = Curve{f: func(x float64) float64 { return full.Decode((255*x - 16) / 219) }}
	}
	s.curves = [3]Curve{curve, curve, curve}
	return s, nil
}

var (
	whiteC   = [2]float64{0.310, 0.316}
	whiteDCI = [2]float64{0.314, 0.351}
)

// primariesH273 are red, green, blue and white.
var primariesH273 = map[uint8][4][2]float64{
	1:  {redSRGB, greenSRGB, bSRGB, whiteD65},
	4:  {{0.67, 0.33}, {0.21, 0.71}, {0.14, 0.08}, whiteC},
	5:  {{0.64, 0.33}, {0.29, 0.60}, {0.15, 0.06}, whiteD65},
	6:  {{0.630, 0.340}, {0.310, 0.595}, {0.155, 0.070}, whiteD65},
	7:  {{0.630, 0.340}, {0.310, 0.595}, {0.155, 0.070}, whiteD65},
	8:  {{0.681, 0.319}, {0.243, 0.692}, {0.145, 0.049}, whiteC},
	9:  {{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}, whiteD65},
	11: {{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, whiteDCI},
	12: {{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, whiteD65},
	22: {{0.630, 0.340}, {0.295, 0.605}, {0.155, 0.077}, whiteD65},
}

// transferH273 returns the curve from sample to light of a transfer characteristic. That
// of PQ is 1 at 10,000 cd/m², that of HLG is light before the camera.
func transferH273(t uint8) (Curve, bool) {
	switch t {
	case 1, 6, 11, 12, 14, 15:
		return Curve{f: func(v float64) float64 {
			if v < 0.081 {
				return v / 4.5
			}
			return math.Pow((v+0.099)/1.099, 1/0.45)
		}}, true
	case 4:
		return power(2.2), true
	case 5:
		return power(2.8), true
	case 7:
		return Curve{f: func(v float64) float64 {
			if v < 0.0913 {
				return v / 4
			}
			return math.Pow((v+0.1115)/1.1115, 1/0.45)
		}}, true
	case 8:
		return Curve{}, true
	case 9:
		return Curve{f: func(v float64) float64 { return math.Pow(10, 2*(v-1)) }}, true
	case 10:
		return Curve{f: func(v float64) float64 { return math.Pow(10, 2.5*(v-1)) }}, true
	case 13:
		return curveSRGB, true
	case 16:
		return Curve{f: decodePQ}, true
	case 17:
		return Curve{f: func(v float64) float64 { return 52.37 / 48 * math.Pow(v, 2.6) }}, true
	case 18:
		return Curve{f: decodeHLG}, true
	}
	return Curve{}, false
}

// decodePQ is the EOTF of SMPTE ST 2084, as BT.2100 table 4 has it.
func decodePQ(v float64) float64 {
	const (
		m1, m2     = 2610. / 16384, 2523. / 4096 * 128
		c1, c2, c3 = 3424. / 4096, 2413. / 4096 * 32, 2392. / 4096 * 32
	)
	n := math.Pow(v, 1/m2)
	return math.Pow(max(n-c1, 0)/(c2-c3*n), 1/m1)
}

// decodeHLG is the inverse OETF of BT.2100, table 5.
func decodeHLG(v float64) float64 {
	const a, b, c = 0.17883277, 0.28466892, 0.55991073
	if v <= 0.5 {
		return v * v / 3
	}
	return (math.Exp((v-c)/a) + b) / 12
}

// gAMA near 45455, the exponent of sRGB's overall curve, is meant as sRGB.
const (
	gammaSRGB     = 45455
	gammaNearSRGB = gammaSRGB / 20
)

// ofGamma returns the source of PNG's gAMA and cHRM chunks; nil when they mean sRGB.
func ofGamma(c raster.Coding, space space) (*Source, error) {
	s := &Source{space: space, matrix: fromSRGB}
	curve := curveSRGB
	if d := int64(c.Gamma) - gammaSRGB; c.Gamma != 0 && (d > gammaNearSRGB || d < -gammaNearSRGB) {
		if c.Gamma < 10000 || c.Gamma > 1000000 {
			return nil, fmt.Errorf("gAMA %g", float64(c.Gamma)/1e5)
		}
		curve = power(1e5 / float64(c.Gamma))
	}
	s.curves = [3]Curve{curve, curve, curve}
	if c.Chroma != [8]uint32{} && space == rgbSpace {
		var xy [4][2]float64
		for i := range xy {
			xy[i] = [2]float64{float64(c.Chroma[2*i]) / 1e5, float64(c.Chroma[2*i+1]) / 1e5}
		}
		m, ok := primaries(xy[1], xy[2], xy[3], xy[0])
		if !ok {
			return nil, fmt.Errorf("cHRM")
		}
		s.matrix = m
	}
	return s, nil
}

// Of returns the source that the header of a picture describes. It is nil for sRGB, and
// when the header has no usable description; the note names what was ignored. The order is that of PNG's third
// edition, 13.13: cICP, then the profile, then gAMA and cHRM.
func Of(h *raster.Header) (s *Source, note string) {
	space := rgbSpace
	if h.Layout == raster.Gray || h.Layout == raster.GrayA {
		space = graySpace
	}
	var err error
	if h.Coding.CICP != [4]uint8{} {
		if s, err = ofCICP(h.Coding.CICP, space); err == nil {
			return s.unlessSRGB(), ""
		}
		note = "cICP ignored: " + err.Error()
	}
	if h.ICC != nil {
		if s, err = ParseProfile(h.ICC); err == nil && s.space == space {
			return s.unlessSRGB(), note
		}
		if err != nil {
			return nil, "colour profile ignored: " + err.Error()
		}
		return nil, "colour profile of another colour space ignored"
	}
	if h.Coding.Gamma != 0 || h.Coding.Chroma != [8]uint32{} {
		if s, err = ofGamma(h.Coding, space); err == nil {
			return s.unlessSRGB(), note
		}
		note = err.Error() + " ignored"
	}
	return nil, note
}

// unlessSRGB returns s, or nil if s is sRGB within half a level.
func (s *Source) unlessSRGB() *Source {
	if s.table != nil || s.hdr != notHDR || s.labCurve || s.space == cmykSpace {
		return s
	}
	for i := range s.space.channels() {
		if s.curves[i].difference(&curveSRGB) > 0.5 {
			return s
		}
	}
	if s.space == rgbSpace && !near(&s.matrix, &fromSRGB) {
		return s
	}
	return nil
}

// near reports whether two matrices of primaries are the same but for rounding and for
// the different values of D50 and of the adaptation to it that are in use.
func near(a, b *mat3) bool {
	for i := range a {
		for j := range a[i] {
			if math.Abs(a[i][j]-b[i][j]) > 0.01 {
				return false
			}
		}
	}
	return true
}
