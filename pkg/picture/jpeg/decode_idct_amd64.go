//go:build goexperiment.simd && amd64

package jpeg

import "simd/archsimd"

// The inverse transforms of eight blocks at once: a vector has the same coefficient of
// each. Sums wrap exactly where those of the scalar twins do.
//
// Between the steps the vectors are in memory, n × n of them in rows of n, so that one
// function transforms a column as well as a row:
//
//	dequantize   coefficients times steps
//	columns      the n-point transform down each column, then a shift
//	rows         the n-point transform along each row, then a shift
//	store        eight blocks of n samples make 8n samples of a row of the picture

// The coefficients of eight blocks alternate: see group.
const (
	groupStep  = groupBlocks
	blockStep  = 1
	storeSlack = 16 // samples that are written behind those of a group
)

// inverseVectors is what inverse needs for vectors.
type inverseVectors struct {
	lanes []laneStep    // in rows of n
	v     *[64][8]int32 // n*n vectors
}

// laneStep is eight times a quantization step, and where a group has the coefficients.
type laneStep struct {
	q  [8]int32
	at int
}

func (t *inverse) setVectors() {
	if !avx2 {
		return
	}
	t.v, t.lanes = new([64][8]int32), make([]laneStep, t.n*t.n)
	for k, at := range unzig[:64] {
		if u, v := int(at&7), int(at>>3); u < t.n && v < t.n {
			t.lanes[v*t.n+u] = laneStep{lanes(int32(t.q[k])), k * groupStep}
		}
	}
}

// transform writes the samples of the first count blocks of a group to dst, n rows
// stride apart. What follows them in the rows, up to the width of the group and
// storeSlack more, is overwritten.
func (t *inverse) transform(g *group, count int, dst []uint8, stride int) {
	if !avx2 {
		t.transformWords(g, count, dst, stride)
		return
	}
	n, v := t.n, t.v
	t.dequantize(g)
	if g.most() > 1 {
		for x := range n {
			dctLanes(n, v, x, n)
		}
		if n > 2 {
			settleColumns(v[:n*n])
		}
		for y := range n {
			dctLanes(n, v, y*n, 1)
		}
		if n > 2 {
			settleRows(v[:n*n])
		} else {
			settleSums(v[:n*n])
		}
	} else {
		flatLanes(v[:n*n])
	}
	for y := range n {
		row := dst[y*stride : y*stride+groupBlocks*n+storeSlack]
		if n <= 4 {
			storeNarrow(n, v[y*n:y*n+n], row)
		} else {
			storeWide(n, v[y*n:y*n+n], row)
		}
	}
	archsimd.ClearAVXUpperBits()
}

var (
	lanesLeast = lanes(-1 << 14) // of saturate
	lanesMost  = lanes(1 << 14)
)

func (t *inverse) dequantize(g *group) {
	v := t.v
	for i := range t.lanes {
		s := &t.lanes[i]
		c := archsimd.LoadInt16x8((*[8]int16)(g.v[s.at:]))
		c.ExtendToInt32().Mul(load(&s.q)).Store(&v[i&63])
	}
	load(&v[0]).Max(load(&lanesLeast)).Min(load(&lanesMost)).Store(&v[0])
}

func settleColumns(v [][8]int32) {
	half := load(&lanesColumn)
	for i := range v {
		load(&v[i]).Add(half).ShiftAllRight(columnShift).Store(&v[i])
	}
}

func settleRows(v [][8]int32) {
	half := load(&lanesSamples)
	for i := range v {
		load(&v[i]).Add(half).ShiftAllRight(rowShift).Store(&v[i])
	}
}

// settleSums is settleRows for 1 and 2 points, whose transforms have no fraction.
func settleSums(v [][8]int32) {
	half := load(&lanesFour)
	for i := range v {
		load(&v[i]).Add(half).ShiftAllRight(3).Store(&v[i])
	}
}

// flatLanes is for blocks in which only the first coefficient is not 0.
func flatLanes(v [][8]int32) {
	c := load(&v[0]).Add(load(&lanesFour)).ShiftAllRight(3)
	for i := range v {
		c.Store(&v[i])
	}
}

var (
	lanesFour    = lanes(4)
	lanesColumn  = lanes(columnRound)
	lanesSamples = lanes(rowRound)
	lanesLevel16 = [16]int16{128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128}
	lanesByte16  = [16]int16{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}
)

// bytesOf makes samples of the sums a to d: lane i is the bytes a, b, c, d of block i.
func bytesOf(a, b, c, d archsimd.Int32x8) archsimd.Uint8x32 {
	var low archsimd.Int16x16
	high, level := archsimd.LoadInt16x16(&lanesByte16), archsimd.LoadInt16x16(&lanesLevel16)
	// In each half: four of a and four of c, four of b and four of d.
	ac := a.SaturateToInt16ConcatGrouped(c).AddSaturated(level).Max(low).Min(high)
	bd := b.SaturateToInt16ConcatGrouped(d).AddSaturated(level).Max(low).Min(high)
	return ac.Or(bd.ShiftAllLeft(8)).AsUint8x32()
}

// storeNarrow writes a row of eight blocks of n samples, 1 to 4, to dst.
func storeNarrow(n int, v [][8]int32, dst []uint8) {
	a := load(&v[0])
	b, c, d := a, a, a
	switch n {
	case 4:
		d = load(&v[3])
		fallthrough
	case 3:
		c = load(&v[2])
		fallthrough
	case 2:
		b = load(&v[1])
	}
	s := bytesOf(a, b, c, d).PermuteOrZeroGrouped(archsimd.LoadInt8x32(&narrow[n]))
	s.GetLo().StoreSlice(dst)
	s.GetHi().StoreSlice(dst[4*n:])
}

// storeWide writes a row of eight blocks of n samples, 5 to 8, to dst.
func storeWide(n int, v [][8]int32, dst []uint8) {
	e := load(&v[4])
	f, g, h := e, e, e
	switch n {
	case 8:
		h = load(&v[7])
		fallthrough
	case 7:
		g = load(&v[6])
		fallthrough
	case 6:
		f = load(&v[5])
	}
	four := archsimd.LoadInt8x32(&narrow[4])
	left := bytesOf(load(&v[0]), load(&v[1]), load(&v[2]), load(&v[3])).PermuteOrZeroGrouped(four).AsUint32x8()
	right := bytesOf(e, f, g, h).PermuteOrZeroGrouped(four).AsUint32x8()
	pick := archsimd.LoadInt8x32(&wide[n])
	a := left.InterleaveLoGrouped(right).AsUint8x32().PermuteOrZeroGrouped(pick) // blocks 0, 1 and 4, 5
	b := left.InterleaveHiGrouped(right).AsUint8x32().PermuteOrZeroGrouped(pick) // 2, 3 and 6, 7
	a.GetLo().StoreSlice(dst)
	b.GetLo().StoreSlice(dst[2*n:])
	a.GetHi().StoreSlice(dst[4*n:])
	b.GetHi().StoreSlice(dst[6*n:])
}

var (
	// narrow[n] picks the n samples of four blocks out of half a vector of bytesOf.
	narrow = func() (p [5][32]int8) {
		for n := range p {
			for i := range p[n] {
				p[n][i] = -1
				if at := i % 16; at < 4*n {
					block, x := at/n, at%n
					p[n][i] = int8(x/2*8 + block*2 + x%2)
				}
			}
		}
		return
	}()
	// wide[n] picks the first n samples of both blocks of half a vector.
	wide = func() (p [9][32]int8) {
		for n := range p {
			for i := range p[n] {
				p[n][i] = -1
				if at := i % 16; at < 2*n {
					p[n][i] = int8(at/n*8 + at%n)
				}
			}
		}
		return
	}()
)
