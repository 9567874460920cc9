//go:build goexperiment.simd && amd64

package jpeg

import "simd/archsimd"

// The inverse transforms of eight blocks at once: a vector has the same coefficient of
// each. Sums wrap exactly where those of the scalar twins do.
//
//	columns   coefficients times steps; the n-point transform down each column; a shift
//	rows      the n-point transform along each row; a shift; eight blocks of n samples
//	          make 8n samples of a row of the picture
//
// Between the two, n × n vectors are in memory, in rows of n; those of n up to 3 are in
// registers (see decode_idct_small_amd64.go).

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

// flat reports whether only the first coefficients are not 0.
func (g *group) flat() bool { return g.most() <= 1 }

// transform writes the samples of the first count blocks of a group to dst, n rows
// stride apart. What follows them in the rows, up to the width of the group and
// storeSlack more, is overwritten.
func (t *inverse) transform(g *group, count int, dst []uint8, stride int) {
	switch {
	case !avx2:
		t.transformWords(g, count, dst, stride)
		return
	case t.n == 1 || g.flat():
		t.storeFlat(g, dst, stride)
	case t.n == 2:
		t.transform2(g, dst, stride)
	case t.n == 3:
		t.transform3(g, dst, stride)
	case t.n == 4:
		t.columns(g)
		t.store4(dst, stride)
	default:
		t.columns(g)
		t.storeWide(dst, stride)
	}
	archsimd.ClearAVXUpperBits()
}

var (
	lanesLeast = lanes(-1 << 14) // of saturate
	lanesMost  = lanes(1 << 14)
)

// saturated limits sums as saturate does.
func saturated(v archsimd.Int32x8) archsimd.Int32x8 {
	return v.Max(load(&lanesLeast)).Min(load(&lanesMost))
}

// coef returns the i-th coefficients of n × n times their step.
func (t *inverse) coef(g *group, i int) archsimd.Int32x8 {
	s := &t.lanes[i]
	return archsimd.LoadInt16x8((*[8]int16)(g.v[s.at:])).ExtendToInt32().Mul(load(&s.q))
}

// first returns the coefficients at the top of column x.
func (t *inverse) first(g *group, x int) archsimd.Int32x8 {
	c := t.coef(g, x)
	if x == 0 {
		c = saturated(c)
	}
	return c
}

// settle stores a sum of the column pass.
func (t *inverse) settle(i int, sum archsimd.Int32x8) {
	sum.Add(load(&lanesColumn)).ShiftAllRight(columnShift).Store(&t.v[i&63])
}

// get loads vector i.
func get(v *[64][8]int32, i int) archsimd.Int32x8 { return load(&v[i&63]) }

// columns sets t.v to what the rows are made of, for n from 4 on.
func (t *inverse) columns(g *group) {
	for x := range t.n {
		switch t.n {
		case 4:
			x0, x1, x2, x3 := dct4Lanes(t.first(g, x), t.coef(g, x+4), t.coef(g, x+8), t.coef(g, x+12))
			t.settle(x, x0)
			t.settle(x+4, x1)
			t.settle(x+8, x2)
			t.settle(x+12, x3)
		case 5:
			x0, x1, x2, x3, x4 := dct5Lanes(t.first(g, x), t.coef(g, x+5), t.coef(g, x+10), t.coef(g, x+15), t.coef(g, x+20))
			t.settle(x, x0)
			t.settle(x+5, x1)
			t.settle(x+10, x2)
			t.settle(x+15, x3)
			t.settle(x+20, x4)
		case 6:
			x0, x1, x2, x3, x4, x5 := dct6Lanes(t.first(g, x), t.coef(g, x+6), t.coef(g, x+12), t.coef(g, x+18), t.coef(g, x+24), t.coef(g, x+30))
			t.settle(x, x0)
			t.settle(x+6, x1)
			t.settle(x+12, x2)
			t.settle(x+18, x3)
			t.settle(x+24, x4)
			t.settle(x+30, x5)
		case 7:
			x0, x1, x2, x3, x4, x5, x6 := dct7Lanes(t.first(g, x), t.coef(g, x+7), t.coef(g, x+14), t.coef(g, x+21), t.coef(g, x+28), t.coef(g, x+35), t.coef(g, x+42))
			t.settle(x, x0)
			t.settle(x+7, x1)
			t.settle(x+14, x2)
			t.settle(x+21, x3)
			t.settle(x+28, x4)
			t.settle(x+35, x5)
			t.settle(x+42, x6)
		case 8:
			x0, x1, x2, x3, x4, x5, x6, x7 := dct8Lanes(t.first(g, x), t.coef(g, x+8), t.coef(g, x+16), t.coef(g, x+24), t.coef(g, x+32), t.coef(g, x+40), t.coef(g, x+48), t.coef(g, x+56))
			t.settle(x, x0)
			t.settle(x+8, x1)
			t.settle(x+16, x2)
			t.settle(x+24, x3)
			t.settle(x+32, x4)
			t.settle(x+40, x5)
			t.settle(x+48, x6)
			t.settle(x+56, x7)
		}
	}
}

var (
	lanesColumn  = lanes(columnRound)
	lanesSamples = lanes(rowRound)
	lanesFour    = lanes(4)
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

// bytesOf makes samples of the sums a to d of a row: lane i is the bytes a, b, c, d of
// block i, but in each half of the vector a and b of four blocks come first, then c and d.
func (r *rounding) bytesOf(a, b, c, d archsimd.Int32x8) archsimd.Uint8x32 {
	ac := a.Add(r.half).ShiftAllRight(rowShift).SaturateToInt16ConcatGrouped(c.Add(r.half).ShiftAllRight(rowShift))
	bd := b.Add(r.half).ShiftAllRight(rowShift).SaturateToInt16ConcatGrouped(d.Add(r.half).ShiftAllRight(rowShift))
	return r.join(ac, bd)
}

// join makes samples of differences from mid gray, in the order of bytesOf.
func (r *rounding) join(ac, bd archsimd.Int16x16) archsimd.Uint8x32 {
	ac = ac.Add(r.level).Max(r.low).Min(r.high)
	bd = bd.Add(r.level).Max(r.low).Min(r.high)
	return ac.Or(bd.ShiftAllLeft(8)).AsUint8x32()
}

// storeFlat writes blocks in which only the first coefficient is not 0.
func (t *inverse) storeFlat(g *group, dst []uint8, stride int) {
	r := newRounding()
	c := saturated(t.coef(g, 0)).Add(load(&lanesFour)).ShiftAllRight(3)
	a := c.SaturateToInt16ConcatGrouped(c)
	s := r.join(a, a).AsUint32x8()
	n := t.n
	for y := range n {
		row := dst[y*stride:]
		if n <= 4 {
			s := s.AsUint8x32().PermuteOrZeroGrouped(archsimd.LoadInt8x32(&narrow[n]))
			s.GetLo().StoreSlice(row)
			s.GetHi().StoreSlice(row[4*n:])
			continue
		}
		storeWideRow(n, s, s, row)
	}
}

// store4 writes 4 rows of eight blocks of 4 samples.
func (t *inverse) store4(dst []uint8, stride int) {
	v := t.v
	r := newRounding()
	pick := archsimd.LoadInt8x32(&narrow[4])
	for y := range 4 {
		s := r.bytesOf(dct4Lanes(get(v, 4*y), get(v, 4*y+1), get(v, 4*y+2), get(v, 4*y+3))).PermuteOrZeroGrouped(pick)
		row := dst[y*stride:]
		s.GetLo().StoreSlice(row)
		s.GetHi().StoreSlice(row[16:])
	}
}

// storeWide writes n rows of eight blocks of n samples, 5 to 8.
func (t *inverse) storeWide(dst []uint8, stride int) {
	n, v := t.n, t.v
	r := newRounding()
	for y := range n {
		var left, right archsimd.Uint8x32
		switch n {
		case 5:
			x0, x1, x2, x3, x4 := dct5Lanes(get(v, 5*y), get(v, 5*y+1), get(v, 5*y+2), get(v, 5*y+3), get(v, 5*y+4))
			left, right = r.bytesOf(x0, x1, x2, x3), r.bytesOf(x4, x4, x4, x4)
		case 6:
			x0, x1, x2, x3, x4, x5 := dct6Lanes(get(v, 6*y), get(v, 6*y+1), get(v, 6*y+2), get(v, 6*y+3), get(v, 6*y+4), get(v, 6*y+5))
			left, right = r.bytesOf(x0, x1, x2, x3), r.bytesOf(x4, x5, x5, x5)
		case 7:
			x0, x1, x2, x3, x4, x5, x6 := dct7Lanes(get(v, 7*y), get(v, 7*y+1), get(v, 7*y+2), get(v, 7*y+3), get(v, 7*y+4), get(v, 7*y+5), get(v, 7*y+6))
			left, right = r.bytesOf(x0, x1, x2, x3), r.bytesOf(x4, x5, x6, x6)
		case 8:
			x0, x1, x2, x3, x4, x5, x6, x7 := dct8Lanes(get(v, 8*y), get(v, 8*y+1), get(v, 8*y+2), get(v, 8*y+3), get(v, 8*y+4), get(v, 8*y+5), get(v, 8*y+6), get(v, 8*y+7))
			left, right = r.bytesOf(x0, x1, x2, x3), r.bytesOf(x4, x5, x6, x7)
		}
		storeWideRow(n, left.AsUint32x8(), right.AsUint32x8(), dst[y*stride:])
	}
}

// storeWideRow writes the samples of a row, 5 to 8 of each block: left has the first four,
// right the others, in the order of bytesOf.
func storeWideRow(n int, left, right archsimd.Uint32x8, row []uint8) {
	four, pick := archsimd.LoadInt8x32(&narrow[4]), archsimd.LoadInt8x32(&wide[n])
	left = left.AsUint8x32().PermuteOrZeroGrouped(four).AsUint32x8()
	right = right.AsUint8x32().PermuteOrZeroGrouped(four).AsUint32x8()
	a := left.InterleaveLoGrouped(right).AsUint8x32().PermuteOrZeroGrouped(pick) // blocks 0, 1 and 4, 5
	b := left.InterleaveHiGrouped(right).AsUint8x32().PermuteOrZeroGrouped(pick) // 2, 3 and 6, 7
	row = row[:8*n+storeSlack]
	a.GetLo().StoreSlice(row)
	b.GetLo().StoreSlice(row[2*n:])
	a.GetHi().StoreSlice(row[4*n:])
	b.GetHi().StoreSlice(row[6*n:])
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
