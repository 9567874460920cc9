package colour

import (
	"encoding/binary"
	"fmt"
)

// lut is a table of a profile between a device space and the connection space: a
// sequence of stages (ICC.1:2022, 10.10 to 10.13). Values between stages are 0 to 1.
//
//	mft1, mft2  curves ── grid ── curves
//	mAB         A curves ── grid ── M curves ── matrix ── B curves
//	mBA         B curves ── matrix ── M curves ── grid ── A curves
type lut struct {
	in, out int
	stages  []stage
	legacy  bool // Lab of 16 bits is encoded as in version 2, where FF00 is 100
}

// stage changes the values of v in place; a grid may change how many there are.
type stage interface{ apply(v *[maxChannels]float64) }

// maxChannels is the most inputs or outputs of a table: CMYK has 4.
const maxChannels = 4

// apply runs the stages on v.
func (l *lut) apply(v *[maxChannels]float64) {
	for _, s := range l.stages {
		s.apply(v)
	}
}

// curves is one curve a channel.
type curves []Curve

func (c curves) apply(v *[maxChannels]float64) {
	for i := range c {
		v[i] = c[i].Decode(v[i])
	}
}

// affine is a matrix and an offset.
type affine struct {
	m      mat3
	offset vec3
}

func (a *affine) apply(v *[maxChannels]float64) {
	w := a.m.mul(vec3{v[0], v[1], v[2]})
	for i := range w {
		v[i] = clip01(w[i] + a.offset[i])
	}
}

// grid is a table of colours at equidistant places of a cube of in dimensions.
type grid struct {
	in, out int
	points  [maxChannels]int // of each dimension
	stride  [maxChannels]int // samples from one point to the next
	samples []float32        // the last dimension changes fastest
}

func newGrid(in, out int, points [maxChannels]int) *grid {
	g := &grid{in: in, out: out, points: points}
	n := out
	for i := in - 1; i >= 0; i-- {
		g.stride[i] = n
		n *= points[i]
	}
	return g
}

// apply interpolates. Of three dimensions it does so in a tetrahedron: a cell of the
// grid is split into six along its diagonal from the low to the high corner, and the
// colour is the weighted mean of the four corners of the one around v. To find it, sort
// the distances from the low corner; walk to the high corner along the axes in that
// order. For 0.7, 0.2, 0.5 the corners are 000, 100, 101, 111 with the weights 1−0.7,
// 0.7−0.5, 0.5−0.2 and 0.2. It is exact on the gray diagonal, where a trilinear mean
// mixes in the colours of all corners (Kasson et al., SPIE 1909, 1993). The same walk
// works in any number of dimensions, one corner more than there are; a fourth
// dimension, K of CMYK, comes first and is interpolated linearly between two cubes, as
// in lcms.
func (g *grid) apply(v *[maxChannels]float64) {
	var at [maxChannels]float64
	base := 0
	for i := range g.in {
		x := clip01(v[i]) * float64(g.points[i]-1)
		j := max(min(int(x), g.points[i]-2), 0)
		at[i] = x - float64(j)
		base += j * g.stride[i]
	}
	first := max(g.in-3, 0)
	var out [maxChannels]float64
	g.corner(&at, base, first, 1, &out)
	*v = out
}

// corner adds weight times the colour at base and at to out. Dimensions below first are
// interpolated linearly, the last first.
func (g *grid) corner(at *[maxChannels]float64, base, first int, weight float64, out *[maxChannels]float64) {
	if first > 0 {
		i := first - 1
		if f := at[i]; f > 0 {
			g.corner(at, base+g.stride[i], i, weight*f, out)
		}
		g.corner(at, base, i, weight*(1-at[i]), out)
		return
	}
	var order [maxChannels]int
	n := 0
	for i := max(g.in-3, 0); i < g.in; i++ { // insertion sort, largest first
		k := n
		for ; k > 0 && at[order[k-1]] < at[i]; k-- {
			order[k] = order[k-1]
		}
		order[k] = i
		n++
	}
	before := 1.
	for k := range n {
		i := order[k]
		g.add(base, weight*(before-at[i]), out)
		before = at[i]
		if before == 0 { // no weight is left, and the next corner may lie outside
			return
		}
		base += g.stride[i]
	}
	g.add(base, weight*before, out)
}

func (g *grid) add(at int, weight float64, out *[maxChannels]float64) {
	for i, s := range g.samples[at : at+g.out] {
		out[i] += weight * float64(s)
	}
}

// maxGrid is the most samples of a grid that are read, 64 MiB as float32. Profiles of
// printers have 17^4 × 3, some 33^4 × 3.
const maxGrid = 16 << 20

// readLUT reads a lut8Type, lut16Type, lutAToBType or lutBToAType.
func readLUT(b []byte) (*lut, error) {
	if len(b) < 32 {
		return nil, fmt.Errorf("table is cut")
	}
	l := &lut{in: int(b[8]), out: int(b[9])}
	if l.in < 1 || l.in > maxChannels || l.out < 1 || l.out > maxChannels {
		return nil, fmt.Errorf("table of %d to %d channels", l.in, l.out)
	}
	switch string(b[:4]) {
	case "mft1":
		return l, l.readMFT(b, 1)
	case "mft2":
		l.legacy = true
		return l, l.readMFT(b, 2)
	case "mAB ":
		return l, l.readMAB(b, false)
	case "mBA ":
		return l, l.readMAB(b, true)
	}
	return nil, fmt.Errorf("table of type %q", b[:4])
}

// readMFT reads the tables of lut8Type (size 1) or lut16Type (size 2). Their matrix is
// for XYZ as the input only, which pictures never have.
func (l *lut) readMFT(b []byte, size int) error {
	in, out, at := 256, 256, int64(48)
	if size == 2 {
		if len(b) < 52 {
			return fmt.Errorf("table is cut")
		}
		in, out, at = int(binary.BigEndian.Uint16(b[48:])), int(binary.BigEndian.Uint16(b[50:])), 52
	}
	if in < 2 || in > 4096 || out < 2 || out > 4096 {
		return fmt.Errorf("table with curves of %d and %d entries", in, out)
	}
	take := func(n int64) ([]float64, error) {
		if at+n*int64(size) > int64(len(b)) {
			return nil, fmt.Errorf("table is cut")
		}
		v := samplesOf[float64](b[at:at+n*int64(size)], size)
		at += n * int64(size)
		return v, nil
	}
	split := func(v []float64, n int) (c curves) {
		for ; len(v) > 0; v = v[n:] {
			c = append(c, Curve{table: v[:n:n]})
		}
		return c
	}
	v, err := take(int64(l.in * in))
	if err != nil {
		return err
	}
	l.stages = append(l.stages, split(v, in))
	var points [maxChannels]int
	for i := range l.in {
		points[i] = int(b[10])
	}
	n, err := gridSize(l.in, l.out, points)
	if err != nil {
		return err
	}
	g := newGrid(l.in, l.out, points)
	if n*int64(size) > int64(len(b))-at {
		return fmt.Errorf("table is cut")
	}
	g.samples = samplesOf[float32](b[at:at+n*int64(size)], size)
	at += n * int64(size)
	l.stages = append(l.stages, g)
	if v, err = take(int64(l.out * out)); err != nil {
		return err
	}
	l.stages = append(l.stages, split(v, out))
	return nil
}

// gridSize returns the number of samples of a grid, if it is sound and not too large.
func gridSize(in, out int, points [maxChannels]int) (int64, error) {
	n := int64(out)
	for i := range in {
		if points[i] < 2 {
			return 0, fmt.Errorf("grid of %d points", points[i])
		}
		if n *= int64(points[i]); n > maxGrid {
			return 0, fmt.Errorf("grid of more than %d samples", maxGrid)
		}
	}
	return n, nil
}

// samplesOf returns samples of 1 or 2 bytes as 0 to 1.
func samplesOf[T float32 | float64](b []byte, size int) []T {
	v := make([]T, len(b)/size)
	for i := range v {
		if size == 1 {
			v[i] = T(b[i]) / 255
		} else {
			v[i] = T(binary.BigEndian.Uint16(b[2*i:])) / 65535
		}
	}
	return v
}

// readMAB reads the stages of lutAToBType, or of lutBToAType in their other order. All
// but the B curves may be missing.
func (l *lut) readMAB(b []byte, back bool) error {
	if l.out != 3 && !back || l.in != 3 && back {
		return fmt.Errorf("table of %d to %d channels", l.in, l.out)
	}
	device := l.in
	if back {
		device = l.out
	}
	offset := func(i int) []byte { // nil: missing; empty: outside
		o := binary.BigEndian.Uint32(b[12+4*i:])
		if o == 0 {
			return nil
		}
		return b[min(int64(o), int64(len(b))):]
	}
	readCurves := func(b []byte, n int) error {
		if b == nil {
			return nil
		}
		c := make(curves, n)
		for i := range c {
			one, used, err := readCurve(b)
			if err != nil {
				return err
			}
			c[i] = one
			b = b[min((used+3)&^3, len(b)):]
		}
		l.stages = append(l.stages, c)
		return nil
	}
	readMatrix := func(b []byte) error {
		if b == nil {
			return nil
		}
		if len(b) < 48 {
			return fmt.Errorf("matrix is cut")
		}
		a := &affine{}
		for i := range 9 {
			a.m[i/3][i%3] = number(b[4*i:])
		}
		for i := range 3 {
			a.offset[i] = number(b[36+4*i:])
		}
		l.stages = append(l.stages, a)
		return nil
	}
	readGrid := func(b []byte) error {
		if b == nil {
			if device != 3 {
				return fmt.Errorf("no grid for %d channels", device)
			}
			return nil
		}
		if len(b) < 20 {
			return fmt.Errorf("grid is cut")
		}
		var points [maxChannels]int
		for i := range l.in {
			points[i] = int(b[i])
		}
		n, err := gridSize(l.in, l.out, points)
		if err != nil {
			return err
		}
		size := int64(b[16])
		if size != 1 && size != 2 || 20+n*size > int64(len(b)) {
			return fmt.Errorf("grid of %d samples is cut", n)
		}
		g := newGrid(l.in, l.out, points)
		g.samples = samplesOf[float32](b[20:20+n*size], int(size))
		l.stages = append(l.stages, g)
		return nil
	}
	curvesB, matrix, curvesM, table, curvesA := offset(0), offset(1), offset(2), offset(3), offset(4)
	steps := []func() error{
		func() error { return readCurves(curvesA, device) },
		func() error { return readGrid(table) },
		func() error { return readCurves(curvesM, 3) },
		func() error { return readMatrix(matrix) },
		func() error { return readCurves(curvesB, 3) },
	}
	for i := range steps {
		if back {
			i = len(steps) - 1 - i
		}
		if err := steps[i](); err != nil {
			return err
		}
	}
	return nil
}

// xyzScale is XYZ of an encoded 1: u1Fixed15Number ends at 1 + 32767/32768.
const xyzScale = 1 + 32767./32768

// pcsXYZ returns the XYZ that values in the connection space stand for.
func (l *lut) pcsXYZ(v *[maxChannels]float64, lab bool) vec3 {
	if !lab {
		return vec3{v[0] * xyzScale, v[1] * xyzScale, v[2] * xyzScale}
	}
	return fromLab(l.decodeLab(v))
}

// decodeLab returns the Lab of encoded values. In 16 bits of version 2, 100 is FF00 and
// a* is in 256ths; in version 4, 100 is FFFF and a* in 257ths.
func (l *lut) decodeLab(v *[maxChannels]float64) vec3 {
	k := 1.
	if l.legacy {
		k = 65535. / 65280
	}
	return vec3{v[0] * 100 * k, v[1]*255*k - 128, v[2]*255*k - 128}
}

// encodeLab is the inverse of decodeLab.
func (l *lut) encodeLab(lab vec3) (v [maxChannels]float64) {
	k := 1.
	if l.legacy {
		k = 65535. / 65280
	}
	return [maxChannels]float64{clip01(lab[0] / 100 / k), clip01((lab[1] + 128) / 255 / k), clip01((lab[2] + 128) / 255 / k)}
}
