package vp8

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

// addDC is addDCT of a block that has only its first coefficient.
func addDC(pix []uint8, stride int, c int16) {
	dc := (int32(c) + 4) >> 3
	for i := range 4 {
		p := pix[i*stride : i*stride+4 : i*stride+4]
		p[0] = clip(int32(p[0]) + dc)
		p[1] = clip(int32(p[1]) + dc)
		p[2] = clip(int32(p[2]) + dc)
		p[3] = clip(int32(p[3]) + dc)
	}
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
