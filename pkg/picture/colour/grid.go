package colour

import "imgtools/pkg/picture/raster"

// gridPoints is how many points a compiled grid has in each dimension, by the number of
// dimensions: as many as lcms takes.
var gridPoints = [maxChannels + 1]int{1: 256, 3: 33, 4: 17}

// flatGrid is a grid of the colours of a Transform, encoded, for fast interpolation.
// Colours out of the gamut of sRGB are kept as they are and clipped afterwards: a grid
// of clipped colours would round the corners of the gamut.
type flatGrid struct {
	grid
	cell [maxChannels][256]int32 // for a sample of 8 bits: where its cell begins
	part [256]float32            // and how far in the cell it lies
}

// compileGrid computes the grid of a transform.
func (t *Transform) compileGrid(in, points int) *flatGrid {
	var p [maxChannels]int
	for i := range in {
		p[i] = points
	}
	g := &flatGrid{grid: *newGrid(in, t.out, p)}
	n := 1
	for range in {
		n *= points
	}
	g.samples = make([]float32, n*t.out)
	for i := range n {
		var v [maxChannels]float64
		for c, rest := in-1, i; c >= 0; c-- {
			v[c] = float64(rest%points) / float64(points-1)
			rest /= points
		}
		l := t.lightOf(t.s.xyz(&v))
		for c := range t.out {
			g.samples[i*t.out+c] = float32(encodeOpen(l[c]))
		}
	}
	for v := range 256 {
		x := float32(v) / 255 * float32(points-1)
		i := min(int(x), points-2)
		g.part[v] = x - float32(i)
		for c := range in {
			g.cell[c][v] = int32(i * g.stride[c])
		}
	}
	return g
}

// encodeOpen is the curve of sRGB, continued below 0 as a line and above 1 as a power.
func encodeOpen(v float64) float64 { return max(-1, min(raster.EncodeSRGB(v), 4)) }

// at interpolates in float64; v becomes the encoded colour, not clipped.
func (g *flatGrid) at(v *[maxChannels]float64) { g.apply(v) }

// row8 interpolates a row of n samples a pixel into one of m.
func (g *flatGrid) row8(dst, src []uint8, n, m int) {
	if g.in == 3 && g.out == 3 {
		for i, o := 0, 0; i < len(src); i, o = i+n, o+m {
			p, q := src[i:i+n:i+n], dst[o:o+m:o+m]
			base := g.cell[0][p[0]] + g.cell[1][p[1]] + g.cell[2][p[2]]
			r, gr, b := g.tetra(int(base), g.part[p[0]], g.part[p[1]], g.part[p[2]])
			q[0], q[1], q[2] = level(r), level(gr), level(b)
			if n == 4 {
				q[3] = p[3]
			}
		}
		return
	}
	if g.in == 4 && g.out == 3 {
		for i, o := 0, 0; i < len(src); i, o = i+n, o+m {
			p, q := src[i:i+n:i+n], dst[o:o+m:o+m]
			base := int(g.cell[0][p[0]] + g.cell[1][p[1]] + g.cell[2][p[2]] + g.cell[3][p[3]])
			// The first dimension linearly, the other three in a tetrahedron.
			r, gr, b := g.tetra(base, g.part[p[1]], g.part[p[2]], g.part[p[3]])
			if f := g.part[p[0]]; f > 0 {
				r2, g2, b2 := g.tetra(base+g.stride[0], g.part[p[1]], g.part[p[2]], g.part[p[3]])
				r, gr, b = r+(r2-r)*f, gr+(g2-gr)*f, b+(b2-b)*f
			}
			q[0], q[1], q[2] = level(r), level(gr), level(b)
			copy(q[3:], p[4:])
		}
		return
	}
	for i, o := 0, 0; i < len(src); i, o = i+n, o+m {
		var v [maxChannels]float64
		for c := range g.in {
			v[c] = float64(src[i+c]) / 255
		}
		g.at(&v)
		for c := range g.out {
			dst[o+c] = level(float32(v[c]))
		}
		copy(dst[o+g.out:o+m], src[i+g.in:i+n])
	}
}

// tetra interpolates between the four corners of the tetrahedron around a place x, y, z
// in the cell at base, of the last three dimensions; see grid.apply. The six cases are
// the six orders of x, y and z.
func (g *flatGrid) tetra(base int, x, y, z float32) (r, gr, b float32) {
	sx, sy, sz := g.stride[g.in-3], g.stride[g.in-2], g.stride[g.in-1]
	var p, q int // the second and the third corner
	var u, v, w float32
	switch {
	case x >= y && y >= z:
		p, q, u, v, w = sx, sx+sy, x, y, z
	case x >= z && z >= y:
		p, q, u, v, w = sx, sx+sz, x, z, y
	case z >= x && x >= y:
		p, q, u, v, w = sz, sx+sz, z, x, y
	case y >= x && x >= z:
		p, q, u, v, w = sy, sx+sy, y, x, z
	case y >= z && z >= x:
		p, q, u, v, w = sy, sy+sz, y, z, x
	default:
		p, q, u, v, w = sz, sy+sz, z, y, x
	}
	a := (*[3]float32)(g.samples[base:])
	c := (*[3]float32)(g.samples[base+p:])
	d := (*[3]float32)(g.samples[base+q:])
	e := (*[3]float32)(g.samples[base+sx+sy+sz:])
	k0, k1, k2 := 1-u, u-v, v-w
	return a[0]*k0 + c[0]*k1 + d[0]*k2 + e[0]*w,
		a[1]*k0 + c[1]*k1 + d[1]*k2 + e[1]*w,
		a[2]*k0 + c[2]*k1 + d[2]*k2 + e[2]*w
}

// level rounds an encoded value to 8 bits.
func level(v float32) uint8 {
	v = v*255 + 0.5
	if !(v > 0) {
		return 0
	}
	return uint8(min(v, 255))
}
