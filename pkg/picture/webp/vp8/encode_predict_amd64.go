//go:build goexperiment.simd && amd64

package vp8

import (
	"encoding/binary"
	"simd/archsimd"
)

// predict sets blocks lo to hi of the prediction: all, or one half of them.
func (e *edges) predict(pred *lanes, m mode, lo, hi int) {
	if !avx2 {
		e.predictPlain(pred, m, lo, hi)
		return
	}
	if hi-lo == 8 {
		e.predictHalf(pred, m, lo)
		return
	}
	switch m {
	case modeDC:
		v := load(&e.dc)
		for p := range 16 {
			v.Store(&pred[p])
		}
	case modeV:
		for p := range 16 {
			load(&e.above[p&3]).Store(&pred[p])
		}
	case modeH:
		for p := range 16 {
			load(&e.left[p>>2]).Store(&pred[p])
		}
	case modeTM:
		var zero lanes16
		top, corner := load(&lanes255), load(&e.corner)
		for p := range 16 {
			load(&e.above[p&3]).Add(load(&e.left[p>>2])).Sub(corner).Max(zero).Min(top).Store(&pred[p])
		}
	}
	archsimd.ClearAVXUpperBits()
}

// predictHalf is predict for 8 blocks.
func (e *edges) predictHalf(pred *lanes, m mode, lo int) {
	half := func(v *[16]int16) archsimd.Int16x8 { return archsimd.LoadInt16x8((*[8]int16)(v[lo : lo+8])) }
	var zero archsimd.Int16x8
	top, corner := half(&lanes255), half(&e.corner)
	for p := range 16 {
		var v archsimd.Int16x8
		switch m {
		case modeDC:
			v = half(&e.dc)
		case modeV:
			v = half(&e.above[p&3])
		case modeH:
			v = half(&e.left[p>>2])
		case modeTM:
			v = half(&e.above[p&3]).Add(half(&e.left[p>>2])).Sub(corner).Max(zero).Min(top)
		}
		v.Store((*[8]int16)(pred[p][lo : lo+8]))
	}
}

// Indexes into around of the pixels that a pixel of TM adds: above and to the left.
var tmAbove, tmLeft, tmCorner = func() (a, l, c [32]int8) {
	for p := range 16 {
		a[2*p], l[2*p], c[2*p] = aroundAbove+int8(p&3), aroundCorner-1-int8(p>>2), aroundCorner
		a[2*p+1], l[2*p+1], c[2*p+1] = -1, -1, -1
	}
	return
}()

// set sets the values for the pixels around a block.
func (v *blockPixels) set(a *around) {
	if !avx2 {
		v.setPlain(a)
		return
	}
	x := archsimd.LoadUint8x16((*[16]uint8)(a[0:16]))
	y := archsimd.LoadUint8x16((*[16]uint8)(a[1:17]))
	z := archsimd.LoadUint8x16((*[16]uint8)(a[2:18]))
	// (x + 2y + z + 2) >> 2 is the mean, rounded up, of y and (x + z) >> 1. Average rounds
	// up, so 1 is taken off where x + z is odd.
	odd := x.Xor(z).And(archsimd.LoadUint8x16(&bytes1))
	x.Average(z).Sub(odd).Average(y).Store((*[16]uint8)(v[pixelsThree : pixelsThree+16]))
	x.Average(y).Store((*[16]uint8)(v[pixelsTwo : pixelsTwo+16]))

	pixels := twice((*[16]uint8)(a[0:16]))
	get := func(at *[32]int8) lanes16 {
		return pixels.PermuteOrZeroGrouped(archsimd.LoadInt8x32(at)).AsInt16x16()
	}
	var zero lanes16
	tm := get(&tmAbove).Add(get(&tmLeft)).Sub(get(&tmCorner)).Max(zero).Min(load(&lanes255)).AsUint8x32()
	tm = tm.PermuteOrZeroGrouped(archsimd.LoadInt8x32(&lowBytes))
	tm.GetLo().Or(tm.GetHi()).Store((*[16]uint8)(v[pixelsTM : pixelsTM+16]))
	archsimd.ClearAVXUpperBits()
	v[pixelsDC] = a.mean()
}

// lowBytes takes the lower byte of each of 16 numbers: those of the lower half to bytes 0
// to 7 there, those of the upper half to bytes 8 to 15.
var lowBytes = func() (t [32]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range int8(8) {
		t[i], t[24+i] = 2*i, 2*i
	}
	return
}()

// groupPixels are, for pixel p and each mode of a group, where its value is among the means
// of three, the means of two, and the pixels of TM, as lower bytes of 16 bits. Bytes that
// are -1 give 0.
type groupPixels [16]struct{ three, two, tm [16]int8 }

// set makes the table for some modes.
func (g *groupPixels) set(modes *[triedModes]mode) {
	for p := range g {
		l := &g[p]
		for i := range 16 {
			l.three[i], l.two[i], l.tm[i] = -1, -1, -1
		}
		for i, m := range modes {
			switch at := blockPredictions[p][m&15]; {
			case at >= pixelsTM:
				l.tm[2*i&15] = int8(at - pixelsTM)
			case at >= pixelsTwo:
				l.two[2*i&15] = int8(at - pixelsTwo)
			default:
				l.three[2*i&15] = int8(at)
			}
		}
	}
}

// samePixel[p] takes byte p to 8 numbers, in both halves.
var samePixel = func() (t [16][32]int8) {
	for p := range t {
		for i := range t[p] {
			t[p][i] = -1
			if i&1 == 0 {
				t[p][i] = int8(p)
			}
		}
	}
	return
}()

// differences sets d to the differences between two blocks and their predictions, in the
// modes of two groups: one block in the lower half of the lanes, the other in the upper one.
func differences(d *lanes, v *[2]blockPixels, groups *[2]*modeGroup, a, b *[16]uint8) {
	if !avx2 {
		differencesPlain(d, v, groups, a, b)
		return
	}
	values := func(at int) archsimd.Uint8x32 {
		return pair((*[16]uint8)(v[0][at:at+16]), (*[16]uint8)(v[1][at:at+16]))
	}
	three, two, tm := values(pixelsThree), values(pixelsTwo), values(pixelsTM)
	pixels := pair(a, b)
	for p := range 16 {
		l, u := &groups[0].pixels[p], &groups[1].pixels[p]
		pred := three.PermuteOrZeroGrouped(indexPair(&l.three, &u.three)).
			Or(two.PermuteOrZeroGrouped(indexPair(&l.two, &u.two))).
			Or(tm.PermuteOrZeroGrouped(indexPair(&l.tm, &u.tm)))
		same := pixels.PermuteOrZeroGrouped(archsimd.LoadInt8x32(&samePixel[p]))
		same.AsInt16x16().Sub(pred.AsInt16x16()).Store(&d[p])
	}
	archsimd.ClearAVXUpperBits()
}

// pair returns 16 bytes in the lower half of a vector, and 16 in the upper half.
func pair(lo, hi *[16]uint8) (v archsimd.Uint8x32) {
	return v.SetLo(archsimd.LoadUint8x16(lo)).SetHi(archsimd.LoadUint8x16(hi))
}

func indexPair(lo, hi *[16]int8) (v archsimd.Int8x32) {
	return v.SetLo(archsimd.LoadInt8x16(lo)).SetHi(archsimd.LoadInt8x16(hi))
}

// predictionPixels[m] has, for mode m, where the 16 pixels of a block are among the means
// of three, the means of two, and the pixels of TM.
var predictionPixels = func() (t [modes]struct{ three, two, tm [16]int8 }) {
	for m := range t {
		l := &t[m]
		for p := range 16 {
			l.three[p], l.two[p], l.tm[p] = -1, -1, -1
			switch at := blockPredictions[p][m]; {
			case at >= pixelsTM:
				l.tm[p] = int8(at - pixelsTM)
			case at >= pixelsTwo:
				l.two[p] = int8(at - pixelsTwo)
			default:
				l.three[p] = int8(at)
			}
		}
	}
	return
}()

// rebuildBlock sets the pixels of a block, the first at column x of the first row, to its
// prediction and what its levels add.
func rebuildBlock(pix *[4][40]uint8, x int, v *blockPixels, m mode, levels *[16]int16, q *quantTable, coded bool) {
	if !avx2 {
		rebuildBlockPlain(pix, x, v, m, levels, q, coded)
		return
	}
	at := &predictionPixels[m]
	pick := func(from int, at *[16]int8) archsimd.Uint8x16 {
		return archsimd.LoadUint8x16((*[16]uint8)(v[from : from+16])).PermuteOrZero(archsimd.LoadInt8x16(at))
	}
	pred := pick(pixelsThree, &at.three).Or(pick(pixelsTwo, &at.two)).Or(pick(pixelsTM, &at.tm))
	if coded {
		c, s := load8(&halfCosine), load8(&halfSine)
		rows := func(i int) archsimd.Int16x8 {
			step := archsimd.LoadUint16x8((*[8]uint16)(q.step[i : i+8])).AsInt16x8()
			return load8((*[8]int16)(levels[i : i+8])).Mul(step)
		}
		c0, c1 := inverseTurned(rows(0), rows(8), c, s)
		r0, r1 := inverseTurned(c0.Add(load8(&half4)), c1, c, s)
		var both lanes16
		both = both.SetLo(r0.ShiftAllRight(3)).SetHi(r1.ShiftAllRight(3))
		var zeros lanes16
		sum := pred.ExtendToUint16().AsInt16x16().Add(both).Max(zeros).Min(load(&lanes255)).AsUint8x32()
		sum = sum.PermuteOrZeroGrouped(archsimd.LoadInt8x32(&lowBytes))
		pred = sum.GetLo().Or(sum.GetHi())
	}
	w := pred.AsUint32x4()
	binary.LittleEndian.PutUint32(pix[0][x:], w.GetElem(0))
	binary.LittleEndian.PutUint32(pix[1][x:], w.GetElem(1))
	binary.LittleEndian.PutUint32(pix[2][x:], w.GetElem(2))
	binary.LittleEndian.PutUint32(pix[3][x:], w.GetElem(3))
	archsimd.ClearAVXUpperBits()
}

// inverseTurned is one dimension of the inverse transform of a block, over its columns:
// rows 0 and 1 in u, 2 and 3 in v. The result is turned: it has columns, so that a second
// call does the rows and turns it back.
func inverseTurned(u, v, cos, sin archsimd.Int16x8) (x, y archsimd.Int16x8) {
	a, b := u.Add(v), u.Sub(v) // of which the lower halves count
	cu, su := u.MulHigh(cos).Add(u), u.MulHigh(sin).Add(u)
	cv, sv := v.MulHigh(cos).Add(v), v.MulHigh(sin).Add(v)
	c, d := upper8(su.Sub(cv)), upper8(cu.Add(sv))
	lo, hi := a.Add(d).InterleaveLo(b.Add(c)).AsInt32x4(), b.Sub(c).InterleaveLo(a.Sub(d)).AsInt32x4()
	return lo.InterleaveLo(hi).AsInt16x8(), lo.InterleaveHi(hi).AsInt16x8()
}

// upper8 moves the upper half of a vector to the lower one.
func upper8(v archsimd.Int16x8) archsimd.Int16x8 {
	return v.AsInt64x2().InterleaveHi(v.AsInt64x2()).AsInt16x8()
}

func load8(l *[8]int16) archsimd.Int16x8 { return archsimd.LoadInt16x8(l) }

var (
	halfCosine = [8]int16(lanesCosine[:8])
	halfSine   = [8]int16(lanesSine[:8])
	half4      = [8]int16{4, 4, 4, 4} // of row or column 0
)

// twice returns 16 bytes in both halves of a vector.
func twice(b *[16]uint8) (v archsimd.Uint8x32) {
	x := archsimd.LoadUint8x16(b)
	return v.SetLo(x).SetHi(x)
}

var bytes1 = [16]uint8{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
