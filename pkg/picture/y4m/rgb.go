package y4m

import (
	"math"

	"imgtools/pkg/fault"
)

// Values of MatrixCoefficients (ITU-T H.273, table 4).
const (
	matrixGBR         = 0 // the planes are G, B and R
	matrixUnspecified = 2
	matrixYCgCo       = 8
)

// shares are those of red and blue in Y, by MatrixCoefficients. That of green is the
// rest.
var shares = map[uint8][2]float64{
	1: {0.2126, 0.0722},
	2: {0.299, 0.114},
	4: {0.30, 0.11},
	5: {0.299, 0.114},
	6: {0.299, 0.114},
	7: {0.212, 0.087},
	9: {0.2627, 0.0593},
}

// SupportsMatrix reports whether pictures of this matrix are read. The others need more
// than a sum with constant weights.
func SupportsMatrix(matrix uint8) bool {
	_, ok := shares[matrix]
	return ok || matrix == matrixGBR || matrix == matrixYCgCo
}

// Shares returns the shares of red and blue in luma of a matrix. ok is false if it has no
// luma, or is not read.
func Shares(matrix uint8) (kr, kb float64, ok bool) {
	k, ok := shares[matrix]
	return k[0], k[1], ok
}

// fraction is the number of fraction bits of weights.
const fraction = 20

// model is how samples become colours. With y, u and v from 0 to 1 and from −1/2 to 1/2,
// of Kr, Kg and Kb, the shares in luma (H.273, 8.3),
//
//	R = y + 2(1−Kr) v
//	G = y − 2(1−Kb) Kb/Kg u − 2(1−Kr) Kr/Kg v
//	B = y + 2(1−Kb) u
//
// For samples of d bits at full range y is Y/(2^d−1) and u is (Cb − 2^(d−1))/(2^d−1); at
// that of video Y − 16·2^(d−8) is divided by 219·2^(d−8), and Cb by 224·2^(d−8).
type model struct {
	matrix  uint8
	limited bool
	top     uint16 // the largest sample
	black   int64  // the sample of Y for black
	centre  int64  // the sample of Cb and Cr for gray
	// weights of Y, Cb and Cr in R, G and B of 255 or 65535, with fraction bits. Those
	// of Cb and Cr are for samples times 16.
	weights [3][3]int64

	luma8, chroma8 *[256]uint8 // from limited to full range; nil: it is full
	luma16         []uint16    // from samples of more than 8 bits to 0..65535
}

// modelOf returns the model of samples.
func modelOf(matrix uint8, depth int, chroma chroma, limited bool) (m model, err error) {
	if chroma == mono {
		matrix = matrixUnspecified
	}
	if !SupportsMatrix(matrix) || matrix == matrixGBR && chroma != c444 {
		return m, fault.New(fault.Unsupported, "YCbCr %s of matrix %d (ITU-T H.273) is not read", chroma, matrix)
	}
	m = model{matrix: matrix, limited: limited, top: 1<<depth - 1, centre: 1 << (depth - 1)}
	scaleY, scaleC := float64(m.top), float64(m.top)
	if limited {
		m.black = 16 << (depth - 8)
		scaleY, scaleC = float64(int(219)<<(depth-8)), float64(int(224)<<(depth-8))
	}
	full := 255.
	if depth > 8 {
		full = 65535
		m.luma16 = make([]uint16, 1<<depth)
		for i := range m.luma16 {
			m.luma16[i] = uint16(clamp((float64(i)-float64(m.black))/scaleY*full, full))
		}
	} else if limited {
		m.luma8, m.chroma8 = new([256]uint8), new([256]uint8)
		for i := range 256 {
			m.luma8[i] = uint8(clamp((float64(i)-16)/219*255, 255))
			m.chroma8[i] = uint8(clamp(128+(float64(i)-128)/224*255, 255))
		}
	}
	unit := func(scale float64) float64 { return full / scale * (1 << fraction) }
	y, c := unit(scaleY), unit(scaleC)/16
	k := shares[matrix]
	kr, kb := k[0], k[1]
	kg := 1 - kr - kb
	w := [3][3]float64{
		{y, 0, 2 * (1 - kr) * c},
		{y, -2 * (1 - kb) * kb / kg * c, -2 * (1 - kr) * kr / kg * c},
		{y, 2 * (1 - kb) * c, 0},
	}
	if matrix == matrixYCgCo {
		w = [3][3]float64{{y, -c, c}, {y, c, 0}, {y, -c, -c}}
	}
	for i := range w {
		for j := range w[i] {
			m.weights[i][j] = int64(math.Round(w[i][j]))
		}
	}
	return m, nil
}

// clamp rounds v to a whole number from 0 to top.
func clamp(v, top float64) float64 { return max(0, min(math.Round(v), top)) }

// hasLuma reports whether the first plane is luma.
func (m *model) hasLuma() bool { return m.matrix != matrixGBR && m.matrix != matrixYCgCo }

// isJFIF reports whether the planes are those of raster.YCbCr once they have the full
// range.
func (m *model) isJFIF() bool { return shares[m.matrix] == shares[6] }

// luma and chroma bring samples of 8 bits to the full range.
func (m *model) luma(b []byte)   { m.apply(m.luma8, b) }
func (m *model) chroma(b []byte) { m.apply(m.chroma8, b) }

func (m *model) apply(table *[256]uint8, b []byte) {
	if table == nil {
		return
	}
	for i, v := range b {
		b[i] = table[v]
	}
}

// rgb fills the band with colours.
func (r *rows) rgb(n int) error {
	f, m := &r.r.file, &r.r.model
	down := f.chroma.down()
	raw, err := r.read(0, r.y, r.y+n)
	if err != nil {
		return err
	}
	// Rows of chroma with one more above and below, for interpolation.
	first, last := r.y/down, ceilDiv(r.y+n, down)
	if down == 2 {
		first, last = max(first-1, 0), min(last+1, r.r.planes[1].h)
	}
	var c [2][]byte
	for i := range c {
		if c[i], err = r.read(1+i, first, last); err != nil {
			return err
		}
		if r.up[i] == nil {
			r.up[i] = make([]int32, f.w)
		}
	}
	p := r.pixels(n)
	samples := r.h.Layout.Samples()
	cw := r.r.planes[1].w
	for row := range n {
		y := r.y + row
		near, far := y/down, y/down
		if down == 2 {
			far = min(max(near-1+2*(y&1), 0), r.r.planes[1].h-1)
		}
		for i := range c {
			r.load(&r.near, c[i], near-first, cw)
			r.load(&r.far, c[i], far-first, cw)
			upsample(r.up[i], r.near, r.far, f.chroma.across())
		}
		r.load(&r.line, raw, row, f.w)
		if f.depth == 8 {
			convert(m, p.Pix[row*p.Stride:(row+1)*p.Stride], r.line, r.up[0], r.up[1], samples, 255)
		} else {
			convert(m, p.Pix16[row*p.Stride:(row+1)*p.Stride], r.line, r.up[0], r.up[1], samples, 65535)
		}
	}
	return r.alpha(n)
}

// load reads row y of w samples from raw.
func (r *rows) load(dst *[]int32, raw []byte, y, w int) {
	if cap(*dst) < w {
		*dst = make([]int32, r.h.FullW) // no row is wider
	}
	*dst = (*dst)[:w]
	d := *dst
	if r.r.file.depth == 8 {
		for i, v := range raw[y*w : (y+1)*w] {
			d[i] = int32(v)
		}
		return
	}
	top := uint16(r.r.model.top)
	raw = raw[2*y*w : 2*(y+1)*w]
	for i := range d {
		b := raw[2*i : 2*i+2 : 2*i+2]
		d[i] = int32(min(uint16(b[0])|uint16(b[1])<<8, top))
	}
}

// upsample fills dst with a row of chroma at full width, times 16. near and far are the rows
// of samples around it. The centres of two pixels that share a sample lie 1/4 from its own
// centre, so that it has 3 parts of 4 and its neighbour one; the same holds of rows, of
// which near has 3 parts. far is overwritten.
func upsample(dst, near, far []int32, across int) {
	near = near[:len(far)]
	for i, v := range near {
		far[i] += 3 * v
	}
	if across == 1 {
		for i, v := range far {
			dst[i] = 4 * v
		}
		return
	}
	before := far[0]
	for i, here := range far {
		after := far[min(i+1, len(far)-1)]
		dst[2*i] = 3*here + before
		if 2*i+1 < len(dst) {
			dst[2*i+1] = 3*here + after
		}
		before = here
	}
}

// convert fills dst with pixels of the given number of samples, of which it writes three.
func convert[T uint8 | uint16](m *model, dst []T, ys, us, vs []int32, samples int, full int64) {
	wy := m.weights[0][0]
	ru, rv := m.weights[0][1], m.weights[0][2]
	gu, gv := m.weights[1][1], m.weights[1][2]
	bu, bv := m.weights[2][1], m.weights[2][2]
	black, centre := m.black, 16*m.centre
	most := full << fraction
	us, vs = us[:len(ys)], vs[:len(ys)]
	for x, l := range ys {
		y := (int64(l)-black)*wy + 1<<(fraction-1)
		u, v := int64(us[x])-centre, int64(vs[x])-centre
		d := dst[x*samples : x*samples+3 : x*samples+3]
		if m.matrix == matrixGBR {
			d[1] = T(max(0, min(y, most)) >> fraction)
			d[2] = T(max(0, min((int64(us[x]/16)-black)*wy+1<<(fraction-1), most)) >> fraction)
			d[0] = T(max(0, min((int64(vs[x]/16)-black)*wy+1<<(fraction-1), most)) >> fraction)
			continue
		}
		d[0] = T(max(0, min(y+ru*u+rv*v, most)) >> fraction)
		d[1] = T(max(0, min(y+gu*u+gv*v, most)) >> fraction)
		d[2] = T(max(0, min(y+bu*u+bv*v, most)) >> fraction)
	}
}
