// Package colour knows what the samples of a picture mean: it reads ICC profiles, the
// colour chunks of PNG and the values of ITU-T H.273, and changes samples to sRGB.
//
// How the parts fit:
//
//	Header.ICC ── ParseProfile ─┐
//	Header.Coding ── coding.go ─┴─ Source ── Transform ── rows in sRGB
//	                                 ├── Gray: how to gray this picture
//	                                 ├── Curves: for resampling in linear light
//	                                 └── GrayProfile: its curve as a small profile
//
// A Source is the model of a colour space: samples from 0 to 1 in, CIE XYZ out,
// relative to a white of D50. That is the profile connection space (PCS) of ICC, in
// which all colour spaces meet. To sRGB it takes one more matrix, clipping to 0..1, and
// the curve of sRGB.
//
// The model is computed in float64 from the definitions, which is too slow for every
// pixel. Transform compiles it into tables: one table for gray, three curves and a
// matrix for RGB with curves, and otherwise a grid of precomputed colours with
// interpolation. The same model, called for each pixel, is what tests compare with.
//
// All conversions are relative colorimetric: white becomes white and every colour in
// gamut keeps its appearance. With black point compensation, black becomes black, too.
//
// A damaged profile never fails a picture. ParseProfile returns an error, the callers
// here ignore the profile, and they return a note that says so.
package colour

import "math"

// vec3 is a colour of three components: XYZ, Lab or RGB.
type vec3 [3]float64

// mat3 is a matrix of rows.
type mat3 [3]vec3

func (m *mat3) mul(v vec3) vec3 {
	return vec3{
		m[0][0]*v[0] + m[0][1]*v[1] + m[0][2]*v[2],
		m[1][0]*v[0] + m[1][1]*v[1] + m[1][2]*v[2],
		m[2][0]*v[0] + m[2][1]*v[1] + m[2][2]*v[2],
	}
}

func (m *mat3) times(n *mat3) (p mat3) {
	for i := range p {
		for j := range p[i] {
			p[i][j] = m[i][0]*n[0][j] + m[i][1]*n[1][j] + m[i][2]*n[2][j]
		}
	}
	return p
}

// inverse returns the inverse of m; ok is false when m has none.
func (m *mat3) inverse() (inv mat3, ok bool) {
	a, b, c := m[0], m[1], m[2]
	cross := func(u, v vec3) vec3 {
		return vec3{u[1]*v[2] - u[2]*v[1], u[2]*v[0] - u[0]*v[2], u[0]*v[1] - u[1]*v[0]}
	}
	x, y, z := cross(b, c), cross(c, a), cross(a, b)
	det := a[0]*x[0] + a[1]*x[1] + a[2]*x[2]
	if math.Abs(det) < 1e-9 || math.IsNaN(det) || math.IsInf(det, 0) {
		return inv, false
	}
	for i := range 3 {
		inv[i] = vec3{x[i] / det, y[i] / det, z[i] / det}
	}
	return inv, true
}

// d50 is the white of the profile connection space (ICC.1:2022, 7.2.16).
var d50 = vec3{0.9642, 1, 0.8249}

// toLab and fromLab are CIE 1976 L*a*b*, relative to D50 (ICC.1:2022, annex A).
func toLab(xyz vec3) vec3 {
	f := func(t float64) float64 {
		if t > 216./24389 {
			return math.Cbrt(t)
		}
		return (24389./27*t + 16) / 116
	}
	x, y, z := f(xyz[0]/d50[0]), f(xyz[1]/d50[1]), f(xyz[2]/d50[2])
	return vec3{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func fromLab(lab vec3) vec3 {
	f := func(t float64) float64 {
		if t > 6./29 {
			return t * t * t
		}
		return (116*t - 16) * 27 / 24389
	}
	y := (lab[0] + 16) / 116
	return vec3{d50[0] * f(y+lab[1]/500), d50[1] * f(y), d50[2] * f(y-lab[2]/200)}
}

// bradford returns the matrix that adapts XYZ from one white to another: what looks
// white under the first becomes white under the second (ICC.1:2022, annex E).
func bradford(from, to vec3) mat3 {
	cone := mat3{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}
	back, _ := cone.inverse()
	a, b := cone.mul(from), cone.mul(to)
	scale := mat3{{b[0] / a[0]}, {0, b[1] / a[1]}, {0, 0, b[2] / a[2]}}
	m := scale.times(&cone)
	return back.times(&m)
}

// primaries returns the matrix from linear RGB to XYZ relative to D50, for primaries
// and white given as chromaticities x, y. ok is false when they enclose no area.
func primaries(r, g, b, white [2]float64) (m mat3, ok bool) {
	xyz := func(c [2]float64) vec3 { return vec3{c[0] / c[1], 1, (1 - c[0] - c[1]) / c[1]} }
	for _, c := range [][2]float64{r, g, b, white} {
		if c[0] < 0 || c[1] < 1e-5 || c[0]+c[1] > 1.5 {
			return m, false
		}
	}
	cr, cg, cb, w := xyz(r), xyz(g), xyz(b), xyz(white)
	for i := range 3 {
		m[i] = vec3{cr[i], cg[i], cb[i]}
	}
	inv, ok := m.inverse()
	if !ok {
		return m, false
	}
	share := inv.mul(w) // how much of each primary makes white
	for i := range 3 {
		for j := range 3 {
			m[i][j] *= share[j]
		}
	}
	adapt := bradford(w, d50)
	return adapt.times(&m), true
}

// White points and the primaries of sRGB (IEC 61966-2-1), which BT.709 shares.
var (
	whiteD65                  = [2]float64{0.3127, 0.3290}
	redSRGB, greenSRGB, bSRGB = [2]float64{0.64, 0.33}, [2]float64{0.30, 0.60}, [2]float64{0.15, 0.06}
)

// fromSRGB is linear sRGB to XYZ, toSRGB the way back.
var (
	fromSRGB, _ = primaries(redSRGB, greenSRGB, bSRGB, whiteD65)
	toSRGB, _   = fromSRGB.inverse()
)

// clip01 clamps to 0..1; what is not a number becomes 0.
func clip01(v float64) float64 {
	if !(v > 0) {
		return 0
	}
	return min(v, 1)
}
