package colour

// matrixPixels is how many pixels a matrixLanes holds: what stays in the first-level
// cache.
const matrixPixels = 64

// matrixLanes is a block of pixels on their way through the matrix of rowCurves8 by
// vectors: tables give their light, multiply makes steps of it, and a table encodes those.
type matrixLanes struct {
	out   int
	rows  [3][3][8]float32 // each number of the matrix in all lanes
	add   [8]float32
	light [3][matrixPixels]float32
	steps [3][matrixPixels]int32
}

// blocksCurves8 is rowCurves8 of whole blocks of pixels. It returns how many pixels that
// were.
func (t *Transform) blocksCurves8(dst, src []uint8, n, m int) (pixels int) {
	if !vectors || t.s.hdr == hlg || len(src) < matrixPixels*n {
		return 0
	}
	lanes := &matrixLanes{out: t.out}
	a, add := t.stepMatrix()
	for lane := range 8 {
		for i := range a {
			for j := range a[i] {
				lanes.rows[i][j][lane] = a[i][j]
			}
		}
		lanes.add[lane] = add
	}
	lr, lg, lb := (*[256]float32)(t.light[0]), (*[256]float32)(t.light[1]), (*[256]float32)(t.light[2])
	l0, l1, l2 := &lanes.light[0], &lanes.light[1], &lanes.light[2]
	for len(src) >= matrixPixels*n {
		if n == 3 {
			p := (*[3 * matrixPixels]uint8)(src)
			for i := range l0 {
				l0[i] = lr[p[3*i]]
				l1[i] = lg[p[3*i+1]]
				l2[i] = lb[p[3*i+2]]
			}
		} else {
			p := (*[4 * matrixPixels]uint8)(src)
			for i := range l0 {
				l0[i] = lr[p[4*i]]
				l1[i] = lg[p[4*i+1]]
				l2[i] = lb[p[4*i+2]]
			}
		}
		lanes.multiply()
		lanes.encode(dst, t.encode8, m)
		if n == 4 {
			for i := range matrixPixels {
				dst[m*i+m-1] = src[n*i+3]
			}
		}
		dst, src = dst[matrixPixels*m:], src[matrixPixels*n:]
		pixels += matrixPixels
	}
	return pixels
}

// encode writes the encoded steps to pixels of m samples.
func (l *matrixLanes) encode(dst []uint8, table *[encodeSteps + 1]uint8, m int) {
	s0, s1, s2 := &l.steps[0], &l.steps[1], &l.steps[2]
	if l.out == 1 {
		for i, s := range s0 {
			dst[m*i] = table[s]
		}
		return
	}
	if m == 3 {
		q := (*[3 * matrixPixels]uint8)(dst)
		for i := range s0 {
			q[3*i] = table[s0[i]]
			q[3*i+1] = table[s1[i]]
			q[3*i+2] = table[s2[i]]
		}
		return
	}
	q := (*[4 * matrixPixels]uint8)(dst)
	for i := range s0 {
		q[4*i] = table[s0[i]]
		q[4*i+1] = table[s1[i]]
		q[4*i+2] = table[s2[i]]
	}
}

// stepMatrix returns the matrix from light to steps of the table that encodes it, and
// what is to be added: half a step for rounding is part of it.
func (t *Transform) stepMatrix() (a [3][3]float32, add float32) {
	for i := range a {
		for j := range a[i] {
			a[i][j] = t.matrix[i][j] * encodeSteps
		}
	}
	return a, t.offset*encodeSteps + 0.5
}
