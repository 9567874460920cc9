//go:build goexperiment.simd && amd64

package vp8l

import "simd/archsimd"

// The functions below do the work of their plain twins for eight pixels at a time, and
// return how many pixels of the row they did.

// eachPixel returns a permutation that takes the bytes given of each pixel.
func eachPixel(from ...int8) (p [32]int8) {
	for i := range p {
		p[i] = -1
		if f := from[i%4]; f >= 0 {
			p[i] = int8(i%16)/4*4 + f
		}
	}
	return p
}

var (
	greenTwice = eachPixel(1, -1, 1, -1) // to blue and red
	greenUpper = eachPixel(-1, 1, -1, 1) // to the upper bytes of both halves
	redUpper   = eachPixel(-1, -1, -1, 2)
	redToFirst = eachPixel(2, -1, -1, -1) // to blue
	lowerBytes = [8]uint32{0x00ff00ff, 0x00ff00ff, 0x00ff00ff, 0x00ff00ff, 0x00ff00ff, 0x00ff00ff, 0x00ff00ff, 0x00ff00ff}
)

func addRowBlocks(row, from []uint32) (pixels int) {
	if !avx2 {
		return 0
	}
	for ; len(row) >= 8 && len(from) >= 8; row, from = row[8:], from[8:] {
		a, b := archsimd.LoadUint32x8Slice(row).AsUint8x32(), archsimd.LoadUint32x8Slice(from).AsUint8x32()
		a.Add(b).AsUint32x8().StoreSlice(row)
		pixels += 8
	}
	archsimd.ClearAVXUpperBits()
	return pixels
}

func addGreenBlocks(row []uint32) (pixels int) {
	if !avx2 {
		return 0
	}
	pick := archsimd.LoadInt8x32(&greenTwice)
	for ; len(row) >= 8; row = row[8:] {
		v := archsimd.LoadUint32x8Slice(row).AsUint8x32()
		v.Add(v.PermuteOrZeroGrouped(pick)).AsUint32x8().StoreSlice(row)
		pixels += 8
	}
	archsimd.ClearAVXUpperBits()
	return pixels
}

// addColourBlocks multiplies a sample times 256 by a factor times 8. The upper half of the
// product is the product shifted right by 5.
func addColourBlocks(row []uint32, m uint32) (pixels int) {
	if !avx2 || len(row) < 8 {
		return 0
	}
	var ofGreen, ofRed [16]int16
	for i := 0; i < 16; i += 2 {
		ofGreen[i], ofGreen[i+1] = 8*int16(int8(m>>8)), 8*int16(int8(m))
		ofRed[i+1] = 8 * int16(int8(m>>16))
	}
	green, red := archsimd.LoadInt8x32(&greenUpper), archsimd.LoadInt8x32(&redUpper)
	first := archsimd.LoadInt8x32(&redToFirst)
	g, r := archsimd.LoadInt16x16(&ofGreen), archsimd.LoadInt16x16(&ofRed)
	low := archsimd.LoadUint32x8(&lowerBytes).AsUint8x32()
	for ; len(row) >= 8; row = row[8:] {
		v := archsimd.LoadUint32x8Slice(row).AsUint8x32()
		changed := v.Add(v.PermuteOrZeroGrouped(green).AsInt16x16().MulHigh(g).AsUint8x32())
		more := changed.PermuteOrZeroGrouped(red).AsInt16x16().MulHigh(r).AsUint8x32()
		changed = changed.Add(more.PermuteOrZeroGrouped(first)).And(low)
		v.AndNot(low).Or(changed).AsUint32x8().StoreSlice(row)
		pixels += 8
	}
	archsimd.ClearAVXUpperBits()
	return pixels
}
