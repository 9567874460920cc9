//go:build goexperiment.simd && amd64

package vp8

import "simd/archsimd"

// columnBytes[c] takes byte c of each four to a number of 32 bits.
var columnBytes = func() (t [4][32]int8) {
	for c := range t {
		for i := range t[c] {
			t[c][i] = -1
			if i&3 == 0 {
				t[c][i] = int8(i&15 + c)
			}
		}
	}
	return
}()

// toLanes sets the lanes of 16 blocks from the lines of a macroblock.
func toLanes(d *lanes, luma []uint8, stride int) {
	if !avx2 {
		toLanesPlain(d, luma, stride)
		return
	}
	for r := range 4 {
		line := func(y int) archsimd.Uint8x16 { return archsimd.LoadUint8x16((*[16]uint8)(luma[(r+y)*stride:])) }
		var a, b archsimd.Uint8x32
		spreadRow(d, r, a.SetLo(line(0)).SetHi(line(8)), b.SetLo(line(4)).SetHi(line(12)))
	}
	archsimd.ClearAVXUpperBits()
}

// chromaToLanes sets lanes 0 to 7, and 8 to 15, from four rows of 8 blocks.
func chromaToLanes(d *lanes, rows *[4][32]uint8) {
	if !avx2 {
		chromaToLanesPlain(d, rows)
		return
	}
	for r := range 4 {
		spreadRow(d, r, twice((*[16]uint8)(rows[r][:16])), twice((*[16]uint8)(rows[r][16:])))
	}
	archsimd.ClearAVXUpperBits()
}

// spreadRow sets row r of 16 blocks, 4 bytes each: those in the lower halves of a and b, and
// then those in the upper halves. Column c is byte c of four, and packing puts those of
// a and of b next to each other in each half.
func spreadRow(d *lanes, r int, a, b archsimd.Uint8x32) {
	for c := range 4 {
		at := archsimd.LoadInt8x32(&columnBytes[c])
		x, y := a.PermuteOrZeroGrouped(at).AsInt32x8(), b.PermuteOrZeroGrouped(at).AsInt32x8()
		x.SaturateToInt16ConcatGrouped(y).Store(&d[4*r+c])
	}
}

// rebuild sets the pixels of a macroblock, row by row, to prediction plus difference.
func rebuild(pix *[256]uint8, pred, d *lanes) {
	if !avx2 {
		rebuildPlain(pix, pred, d)
		return
	}
	var zero lanes16
	top := load(&lanes255)
	for r := range 4 {
		at := func(c int) lanes16 { return load(&pred[4*r+c]).Add(load(&d[4*r+c])).Max(zero).Min(top) }
		x := at(0).Or(at(1).ShiftAllLeft(8))
		y := at(2).Or(at(3).ShiftAllLeft(8))
		lo, hi := x.InterleaveLoGrouped(y).AsUint8x32(), x.InterleaveHiGrouped(y).AsUint8x32()
		lo.GetLo().Store((*[16]uint8)(pix[16*r:]))
		hi.GetLo().Store((*[16]uint8)(pix[16*(r+4):]))
		lo.GetHi().Store((*[16]uint8)(pix[16*(r+8):]))
		hi.GetHi().Store((*[16]uint8)(pix[16*(r+12):]))
	}
	archsimd.ClearAVXUpperBits()
}

// quarterSums sets the sums of the samples of each quarter of a macroblock, and of their
// squares.
func quarterSums(luma []uint8, stride int, sums, squares *[4]int32) {
	if !avx2 {
		quarterSumsPlain(luma, stride, sums, squares)
		return
	}
	line := func(y int) lanes16 {
		return archsimd.LoadUint8x16((*[16]uint8)(luma[y*stride:])).ExtendToUint16().AsInt16x16()
	}
	one := load(&lanes1)
	for half := range 2 {
		v := line(8 * half)
		sum, square := v, v.DotProductPairs(v)
		for y := 1; y < 8; y++ {
			v = line(8*half + y)
			sum, square = sum.Add(v), square.Add(v.DotProductPairs(v))
		}
		// Four sums of each quarter, of which two are left in each vector.
		both := sum.DotProductPairs(one).AddPairsGrouped(square)
		lo, hi := both.GetLo(), both.GetHi()
		sums[2*half], squares[2*half] = lo.GetElem(0)+lo.GetElem(1), lo.GetElem(2)+lo.GetElem(3)
		sums[2*half+1], squares[2*half+1] = hi.GetElem(0)+hi.GetElem(1), hi.GetElem(2)+hi.GetElem(3)
	}
	archsimd.ClearAVXUpperBits()
}
