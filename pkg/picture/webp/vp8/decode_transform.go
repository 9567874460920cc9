package vp8

import "encoding/binary"

// The inverse transforms (section 14.3 and 14.4). A block is 4×4 coefficients or
// samples, row by row.

// Factors of the inverse DCT, times 1<<16: √2 cos π/8 and √2 sin π/8.
const (
	cos8 = 85627
	sin8 = 35468
)

// clip limits a sample to 0 to 255.
func clip(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}

// addDCT adds the inverse DCT of c to the block of pix whose rows are stride apart.
func addDCT(pix []uint8, stride int, c *[16]int16) {
	var m [16]int32 // columns are rows here
	for i := range 4 {
		c0, c1, c2, c3 := int32(c[i]), int32(c[4+i]), int32(c[8+i]), int32(c[12+i])
		a, b := c0+c2, c0-c2
		x := c1*sin8>>16 - c3*cos8>>16
		y := c1*cos8>>16 + c3*sin8>>16
		m[4*i], m[4*i+1], m[4*i+2], m[4*i+3] = a+y, b+x, b-x, a-y
	}
	for i := range 4 {
		a, b := m[i]+4+m[8+i], m[i]+4-m[8+i]
		x := m[4+i]*sin8>>16 - m[12+i]*cos8>>16
		y := m[4+i]*cos8>>16 + m[12+i]*sin8>>16
		p := pix[i*stride : i*stride+4 : i*stride+4]
		p[0] = clip(int32(p[0]) + (a+y)>>3)
		p[1] = clip(int32(p[1]) + (b+x)>>3)
		p[2] = clip(int32(p[2]) + (b-x)>>3)
		p[3] = clip(int32(p[3]) + (a-y)>>3)
	}
}

// addFirst3 is addDCT of a block that has only the first three coefficients in coded order:
// 0, 1 and 4. Then a column of the first pass is one of two kinds, and the second pass
// adds the same numbers to all columns of a row: those of row and column are
//
//	c0 + y4, c0 + x4, c0 - x4, c0 - y4        y1, x1, -x1, -y1
//
// For that four samples lie in the lanes of a number: see decode_filter_lanes.go.
func addFirst3(pix []uint8, stride int, c *[16]int16) {
	c0, c1, c4 := int64(c[0]), int64(c[1]), int64(c[4])
	const small = 1 << 12 // then all sums are below 1<<14
	if uint64(c0+small)|uint64(c1+small)|uint64(c4+small) >= 2*small {
		addDCT(pix, stride, c)
		return
	}
	x1, y1 := c1*sin8>>16, c1*cos8>>16
	x4, y4 := c4*sin8>>16, c4*cos8>>16
	even := uint64(y1-x1<<16)*(1<<32|1) + uint64(c0+4+1<<14)*ones
	odd := uint64(x1-y1<<16)*(1<<32|1) + uint64(c0+4+1<<14)*ones
	const bits13 = (1<<13 - 1) * ones
	upper := uint64(y4)*(1<<16|1) + uint64(x4)*(1<<48|1<<32)
	addRows(pix, stride, (even+upper)>>3&bits13, (odd+upper)>>3&bits13)
	lower := uint64(-x4)*(1<<16|1) + uint64(-y4)*(1<<48|1<<32)
	addRows(pix[2*stride:], stride, (even+lower)>>3&bits13, (odd+lower)>>3&bits13)
}

// addDC is addDCT of a block that has only its first coefficient.
func addDC(pix []uint8, stride int, c int16) {
	v := max(-255, min(255, (int64(c)+4)>>3))
	lanes := uint64(v+rowsBias) * ones
	addRows(pix, stride, lanes, lanes)
	addRows(pix[2*stride:], stride, lanes, lanes)
}

// rowsBias is what is added to numbers to make them positive for addRows.
const rowsBias = 1 << 11

// addRows adds numbers to two rows of four samples: to the even samples of the first and
// then of the second row, and to the odd ones.
func addRows(pix []uint8, stride int, even, odd uint64) {
	first, second := (*[4]uint8)(pix), (*[4]uint8)(pix[stride:])
	w := uint64(binary.LittleEndian.Uint32(first[:])) | uint64(binary.LittleEndian.Uint32(second[:]))<<32
	even, odd = w&bytes4+even, w>>8&bytes4+odd
	if ((even-rowsBias*ones)|(odd-rowsBias*ones))&upper4 == 0 {
		even, odd = even-rowsBias*ones, odd-rowsBias*ones
	} else {
		even, odd = unbias(even, rowsBias), unbias(odd, rowsBias)
	}
	w = even | odd<<8
	binary.LittleEndian.PutUint32(first[:], uint32(w))
	binary.LittleEndian.PutUint32(second[:], uint32(w>>32))
}

// inverseWHT makes the DCs of 16 blocks of luma of the block Y2 by an inverse
// Walsh-Hadamard transform.
func inverseWHT(c *[16]int16, blocks *[24][16]int16) {
	var m [16]int32
	for i := range 4 {
		a, b := int32(c[i])+int32(c[12+i]), int32(c[4+i])+int32(c[8+i])
		x, y := int32(c[4+i])-int32(c[8+i]), int32(c[i])-int32(c[12+i])
		m[i], m[4+i], m[8+i], m[12+i] = a+b, y+x, a-b, y-x
	}
	for i := range 4 {
		r := m[4*i : 4*i+4 : 4*i+4]
		a, b := r[0]+3+r[3], r[1]+r[2]
		x, y := r[1]-r[2], r[0]+3-r[3]
		for j, v := range [4]int32{a + b, y + x, a - b, y - x} {
			blocks[4*i+j][0] = int16(v >> 3)
		}
	}
}
