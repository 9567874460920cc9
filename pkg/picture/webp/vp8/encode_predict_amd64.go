//go:build goexperiment.simd && amd64

package vp8

import "simd/archsimd"

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

// For pixel p, lanes by mode: where its value is among the means of three, the means of
// two, and the pixels of TM; and the pixel itself in all lanes. Bytes that are -1 give 0.
var pixelLanes = func() (t [16]struct{ three, two, tm, same [32]int8 }) {
	for p := range t {
		l := &t[p]
		for i := range 32 {
			l.three[i], l.two[i], l.tm[i], l.same[i] = -1, -1, -1, -1
		}
		for m := range 16 {
			switch at := blockPredictions[p][m]; {
			case at >= pixelsTM:
				l.tm[2*m] = int8(at - pixelsTM)
			case at >= pixelsTwo:
				l.two[2*m] = int8(at - pixelsTwo)
			default:
				l.three[2*m] = int8(at)
			}
			l.same[2*m] = int8(p)
		}
	}
	return
}()

// differences sets d to the differences between a block and its predictions, a mode in
// each lane.
func (v *blockPixels) differences(d *lanes, block *[16]uint8) {
	if !avx2 {
		v.differencesPlain(d, block)
		return
	}
	three := twice((*[16]uint8)(v[pixelsThree : pixelsThree+16]))
	two := twice((*[16]uint8)(v[pixelsTwo : pixelsTwo+16]))
	tm := twice((*[16]uint8)(v[pixelsTM : pixelsTM+16]))
	pixels := twice(block)
	for p := range 16 {
		l := &pixelLanes[p]
		pred := three.PermuteOrZeroGrouped(archsimd.LoadInt8x32(&l.three)).
			Or(two.PermuteOrZeroGrouped(archsimd.LoadInt8x32(&l.two))).
			Or(tm.PermuteOrZeroGrouped(archsimd.LoadInt8x32(&l.tm)))
		same := pixels.PermuteOrZeroGrouped(archsimd.LoadInt8x32(&l.same))
		same.AsInt16x16().Sub(pred.AsInt16x16()).Store(&d[p])
	}
	archsimd.ClearAVXUpperBits()
}

// twice returns 16 bytes in both halves of a vector.
func twice(b *[16]uint8) (v archsimd.Uint8x32) {
	x := archsimd.LoadUint8x16(b)
	return v.SetLo(x).SetHi(x)
}

var bytes1 = [16]uint8{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
