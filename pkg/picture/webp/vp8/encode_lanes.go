package vp8

// lanes are 16 blocks of 4×4, position by position: lanes[p][b] is sample or coefficient
// p, row by row, of block b. A vector instruction does one step for all 16 blocks, so
// that transforms need no shuffling. Depending on the step the blocks are
//
//	the 16 blocks of luma of a macroblock, predicted by 16×16
//	the 8 blocks of chroma, predicted in two ways
//	two blocks of luma, each predicted in 8 ways
type lanes [16][16]int16

// Constants of the transforms, times 65536: √2·cos(π/8) − 1 and √2·sin(π/8) − 1. With 1
// subtracted both fit into 16 bits with a sign.
const (
	cosine = 20091
	sine   = 35468 - 65536
)

// mulCos returns x·√2·cos(π/8), and mulSin x·√2·sin(π/8), rounded down.
func mulCos(x int16) int16 { return x + int16(int32(x)*cosine>>16) }
func mulSin(x int16) int16 { return x + int16(int32(x)*sine>>16) }

// forwardPlain replaces differences by their DCT, scaled so that inversePlain undoes it:
// twice the orthonormal DCT. Differences are at most ±255, and 8 times the result of a
// pass fits into 16 bits: 8·4·4·255 = 32640.
func forwardPlain(d *lanes) {
	for b := range 16 {
		for p := 0; p < 16; p += 4 {
			d[p][b], d[p+1][b], d[p+2][b], d[p+3][b] = forward4(d[p][b]<<3, d[p+1][b]<<3, d[p+2][b]<<3, d[p+3][b]<<3)
		}
		for p := range 4 {
			u0, u1, u2, u3 := forward4(d[p][b], d[p+4][b], d[p+8][b], d[p+12][b])
			d[p][b], d[p+4][b], d[p+8][b], d[p+12][b] = (u0+8)>>4, (u1+8)>>4, (u2+8)>>4, (u3+8)>>4
		}
	}
}

// forward4 is one dimension of the transform, twice the orthonormal one.
func forward4(x0, x1, x2, x3 int16) (u0, u1, u2, u3 int16) {
	s, t := x0+x3, x1+x2
	d, e := x0-x3, x1-x2
	return s + t, mulCos(d) + mulSin(e), s - t, mulSin(d) - mulCos(e)
}

// inversePlain replaces coefficients by differences, to the bit as a decoder does it
// (RFC 6386 section 14.3).
func inversePlain(d *lanes) {
	for b := range 16 {
		for p := range 4 {
			d[p][b], d[p+4][b], d[p+8][b], d[p+12][b] = inverse4(d[p][b], d[p+4][b], d[p+8][b], d[p+12][b])
		}
		for p := 0; p < 16; p += 4 {
			x0, x1, x2, x3 := inverse4(d[p][b]+4, d[p+1][b], d[p+2][b], d[p+3][b])
			d[p][b], d[p+1][b], d[p+2][b], d[p+3][b] = x0>>3, x1>>3, x2>>3, x3>>3
		}
	}
}

func inverse4(u0, u1, u2, u3 int16) (x0, x1, x2, x3 int16) {
	a, b := u0+u2, u0-u2
	c, d := mulSin(u1)-mulCos(u3), mulCos(u1)+mulSin(u3)
	return a + d, b + c, b - c, a - d
}

// quantTable is how the coefficients of one type of blocks are quantized.
type quantTable struct {
	step  [16]uint16 // by position
	recip [16]uint16 // 65536/step, rounded up
	bias  [16]uint16 // added before the division; half a step would round to the nearest

	lanes [2]struct{ step, recip, bias [16]int16 } // the same of DC and AC, in all lanes
}

// set makes the table for the steps of DC and AC, with a bias in 1/256 of them.
func (q *quantTable) set(dc, ac int, biasDC, biasAC int) {
	for p := range 16 {
		s, b := ac, biasAC
		if p == 0 {
			s, b = dc, biasDC
		}
		q.step[p] = uint16(s)
		q.recip[p] = uint16((65536 + s - 1) / s)
		q.bias[p] = uint16(b * s >> 8)
	}
	for i := range q.lanes {
		l := &q.lanes[i]
		for b := range 16 {
			l.step[b], l.recip[b], l.bias[b] = int16(q.step[i]), int16(q.recip[i]), int16(q.bias[i])
		}
	}
}

// level returns the level of coefficient c at position p.
func (q *quantTable) level(c int32, p int) int32 {
	a := max(c, -c)
	l := (a + int32(q.bias[p])) * int32(q.recip[p]) >> 16
	if c < 0 {
		return -l
	}
	return l
}

// quantizePlain sets the levels of coefficients from position first on, and returns the
// square error of each block, in units of squared coefficients. Bit b of coded is set if
// block b has a level that is not 0.
func quantizePlain(levels, c *lanes, q *quantTable, first int, dist *[16]int32) (coded uint32) {
	*dist = [16]int32{}
	for p := first; p < 16; p++ {
		for b := range 16 {
			l := q.level(int32(c[p][b]), p)
			levels[p][b] = int16(l)
			e := int32(c[p][b]) - l*int32(q.step[p])
			dist[b] += e * e
			if l != 0 {
				coded |= 1 << b
			}
		}
	}
	return coded
}

// dequantizePlain replaces levels from position first on by coefficients.
func dequantizePlain(d *lanes, q *quantTable, first int) {
	for p := first; p < 16; p++ {
		for b := range 16 {
			d[p][b] *= int16(q.step[p])
		}
	}
}

// subtractPlain sets d to a − b.
func subtractPlain(d, a, b *lanes) {
	for p := range 16 {
		for i := range 16 {
			d[p][i] = a[p][i] - b[p][i]
		}
	}
}

// squareErrorPlain returns the sum of the squared differences of samples.
func squareErrorPlain(a, b *lanes) (sum int) {
	for p := range 16 {
		for i := range 16 {
			d := int(a[p][i] - b[p][i])
			sum += d * d
		}
	}
	return sum
}
