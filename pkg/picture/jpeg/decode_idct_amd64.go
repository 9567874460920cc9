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
//	rows         the n-point transform along each row
//	store        a shift; eight blocks of n samples make 8n samples of a row of the picture

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
	for k, at := range unzig {
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
	switch {
	case g.most() <= 1:
		flatLanes(v[:n*n])
	case n <= 2:
		t.transformLanes()
		settleSums(v[:n*n])
	default:
		t.transformLanes()
	}
	if n <= 4 {
		t.storeNarrow(dst, stride)
	} else {
		t.storeWide(dst, stride)
	}
	archsimd.ClearAVXUpperBits()
}

func (t *inverse) transformLanes() {
	n, v := t.n, t.v
	for x := range n {
		dctLanes(n, v, x, n)
	}
	if n > 2 {
		settleColumns(v[:n*n])
	}
	for y := range n {
		dctLanes(n, v, y*n, 1)
	}
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

// settleSums gives the sums of 1 and 2 points, which have no fraction, the fraction that
// the sums of more points have. Sums beyond any sample are limited, so that nothing
// overflows.
func settleSums(v [][8]int32) {
	for i := range v {
		load(&v[i]).Max(load(&lanesLeast)).Min(load(&lanesMost)).ShiftAllLeft(rowShift - 3).Store(&v[i])
	}
}

// flatLanes sets the sums of blocks in which only the first coefficient is not 0.
func flatLanes(v [][8]int32) {
	c := load(&v[0]).ShiftAllLeft(rowShift - 3)
	for i := range v {
		c.Store(&v[i])
	}
}

var (
	lanesColumn  = lanes(columnRound)
	lanesSamples = lanes(rowRound)
	lanesLevel16 = [16]int16{128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128}
	lanesByte16  = [16]int16{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}
)

// rounding is the constants of bytesOf, kept in registers.
type rounding struct {
	half             archsimd.Int32x8
	level, low, high archsimd.Int16x16
}

func newRounding() (r rounding) {
	r.half = load(&lanesSamples)
	r.level, r.high = archsimd.LoadInt16x16(&lanesLevel16), archsimd.LoadInt16x16(&lanesByte16)
	return r
}

// bytesOf makes samples of the sums a to d: lane i is the bytes a, b, c, d of block i,
// but in each half of the vector a and b of four blocks come first, then c and d.
func (r rounding) bytesOf(a, b, c, d *[8]int32) archsimd.Uint8x32 {
	ac := load(a).Add(r.half).ShiftAllRight(rowShift).SaturateToInt16ConcatGrouped(load(c).Add(r.half).ShiftAllRight(rowShift))
	bd := load(b).Add(r.half).ShiftAllRight(rowShift).SaturateToInt16ConcatGrouped(load(d).Add(r.half).ShiftAllRight(rowShift))
	ac = ac.Add(r.level).Max(r.low).Min(r.high)
	bd = bd.Add(r.level).Max(r.low).Min(r.high)
	return ac.Or(bd.ShiftAllLeft(8)).AsUint8x32()
}

// storeNarrow writes n rows of eight blocks of n samples, 1 to 4.
func (t *inverse) storeNarrow(dst []uint8, stride int) {
	n, v := t.n, t.v
	r, pick := newRounding(), archsimd.LoadInt8x32(&narrow[n])
	for y := range n {
		i := y * n
		// pick leaves out what lies beyond n samples.
		s := r.bytesOf(&v[i&63], &v[(i+1)&63], &v[(i+2)&63], &v[(i+3)&63]).PermuteOrZeroGrouped(pick)
		row := dst[y*stride:]
		s.GetLo().StoreSlice(row)
		s.GetHi().StoreSlice(row[4*n:])
	}
}

// storeWide writes n rows of eight blocks of n samples, 5 to 8.
func (t *inverse) storeWide(dst []uint8, stride int) {
	n, v := t.n, t.v
	r, four, pick := newRounding(), archsimd.LoadInt8x32(&narrow[4]), archsimd.LoadInt8x32(&wide[n])
	for y := range n {
		i := y * n
		left := r.bytesOf(&v[i&63], &v[(i+1)&63], &v[(i+2)&63], &v[(i+3)&63]).PermuteOrZeroGrouped(four).AsUint32x8()
		right := r.bytesOf(&v[(i+4)&63], &v[(i+5)&63], &v[(i+6)&63], &v[(i+7)&63]).PermuteOrZeroGrouped(four).AsUint32x8()
		a := left.InterleaveLoGrouped(right).AsUint8x32().PermuteOrZeroGrouped(pick) // blocks 0, 1 and 4, 5
		b := left.InterleaveHiGrouped(right).AsUint8x32().PermuteOrZeroGrouped(pick) // 2, 3 and 6, 7
		row := dst[y*stride : y*stride+8*n+storeSlack]
		a.GetLo().StoreSlice(row)
		b.GetLo().StoreSlice(row[2*n:])
		a.GetHi().StoreSlice(row[4*n:])
		b.GetHi().StoreSlice(row[6*n:])
	}
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
