package colour

import (
	"encoding/binary"
	"fmt"
	"math"
	"sort"

	"imgtools/pkg/picture/raster"
)

// Curve is a tone curve: from an encoded sample, 0 to 1, to linear light, 0 to 1. The
// zero value is the identity.
type Curve struct {
	table  []float64               // equidistant values, interpolated; or
	f      func(x float64) float64 // a formula, clipped to 0..1; or neither: identity
	gamma  float64                 // with f: the exponent, when f is a power and nothing else
	encode func(y float64) float64 // with f: the inverse, where it is known exactly
}

// power returns the curve x^gamma.
func power(gamma float64) Curve {
	return Curve{
		f:      func(x float64) float64 { return math.Pow(x, gamma) },
		encode: func(y float64) float64 { return math.Pow(y, 1/gamma) },
		gamma:  gamma,
	}
}

// curveSRGB is the curve of sRGB.
var curveSRGB = Curve{f: raster.DecodeSRGB, encode: raster.EncodeSRGB}

// Decode returns the linear light of an encoded value.
func (c *Curve) Decode(x float64) float64 {
	x = clip01(x)
	switch {
	case c.table != nil:
		at := x * float64(len(c.table)-1)
		i := min(int(at), len(c.table)-2)
		return c.table[i] + (c.table[i+1]-c.table[i])*(at-float64(i))
	case c.f != nil:
		return clip01(c.f(x))
	}
	return x
}

// Encode returns the encoded value of linear light: the inverse of Decode, for curves
// that rise. Where a curve is flat, it returns the first value that reaches y.
func (c *Curve) Encode(y float64) float64 {
	y = clip01(y)
	switch {
	case c.encode != nil:
		return clip01(c.encode(y))
	case c.table == nil && c.f == nil:
		return y
	}
	const steps = 4096
	i := sort.Search(steps, func(i int) bool { return c.Decode(float64(i)/steps) >= y })
	if i == 0 {
		return 0
	}
	lo, hi := c.Decode(float64(i-1)/steps), c.Decode(float64(i)/steps)
	if hi <= lo {
		return float64(i) / steps
	}
	return clip01((float64(i-1) + (y-lo)/(hi-lo)) / steps)
}

// difference returns how far the curve is from another on average, in levels of 255 of
// sRGB: the same sample is decoded by either curve and encoded as sRGB.
func (c *Curve) difference(d *Curve) float64 {
	sum := 0.
	for i := range 256 {
		x := float64(i) / 255
		sum += math.Abs(raster.EncodeSRGB(c.Decode(x)) - raster.EncodeSRGB(d.Decode(x)))
	}
	return sum / 256 * 255
}

// number reads an s15Fixed16Number.
func number(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / 65536 }

// maxCurve is the most entries of a curve that are read; larger profiles are not made.
const maxCurve = 1 << 16

// readCurve reads a curveType or parametricCurveType (ICC.1:2022, 10.6 and 10.18) and
// returns the bytes it took.
func readCurve(b []byte) (c Curve, used int, err error) {
	if len(b) < 12 {
		return c, 0, fmt.Errorf("curve is cut")
	}
	switch string(b[:4]) {
	case "curv":
		n := int64(binary.BigEndian.Uint32(b[8:]))
		if n > maxCurve || 12+2*n > int64(len(b)) {
			return c, 0, fmt.Errorf("curve of %d entries is cut", n)
		}
		used = int(12 + 2*n)
		entries := b[12:used]
		switch n {
		case 0:
			return c, used, nil
		case 1: // a gamma, u8Fixed8Number
			g := float64(binary.BigEndian.Uint16(entries)) / 256
			if g == 0 {
				return c, 0, fmt.Errorf("curve of gamma 0")
			}
			return power(g), used, nil
		}
		c.table = make([]float64, n)
		for i := range c.table {
			c.table[i] = float64(binary.BigEndian.Uint16(entries[2*i:])) / 65535
		}
		return c, used, nil
	case "para":
		kind := binary.BigEndian.Uint16(b[8:])
		if kind > 4 {
			return c, 0, fmt.Errorf("parametric curve of type %d", kind)
		}
		n := [...]int{1, 3, 4, 5, 7}[kind]
		used = 12 + 4*n
		if used > len(b) {
			return c, 0, fmt.Errorf("parametric curve is cut")
		}
		var p [7]float64
		for i := range n {
			p[i] = number(b[12+4*i:])
		}
		c, err = parametric(int(kind), p)
		return c, used, err
	}
	return c, 0, fmt.Errorf("curve of type %q", b[:4])
}

// parametric returns the curve of a type of ICC.1:2022, table 68, with its parameters
// g, a, b, c, d, e, f:
//
//	0  x^g
//	1  (ax+b)^g      from x = −b/a on, below 0
//	2  (ax+b)^g + c  from x = −b/a on, below c
//	3  (ax+b)^g      from x = d on, below cx
//	4  (ax+b)^g + e  from x = d on, below cx + f
func parametric(kind int, p [7]float64) (Curve, error) {
	g, a, b, c, d, e, f := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	if g <= 0 || kind > 0 && a == 0 {
		return Curve{}, fmt.Errorf("parametric curve of gamma %g and factor %g", g, a)
	}
	pow := func(x float64) float64 { return math.Pow(max(a*x+b, 0), g) }
	switch kind {
	case 0:
		return power(g), nil
	case 1:
		e, c, f, d = 0, 0, 0, -b/a
	case 2:
		e, c, f, d = c, 0, c, -b/a
	case 3:
		e, f = 0, 0
	}
	return Curve{f: func(x float64) float64 {
		if x >= d {
			return pow(x) + e
		}
		return c*x + f
	}}, nil
}
