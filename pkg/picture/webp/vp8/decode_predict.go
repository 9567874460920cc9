package vp8

import "encoding/binary"

// Prediction (section 12) from the pixels above and to the left. The decoder keeps the
// row above in a line of its own, since the loop filter changes the picture behind the
// prediction, and sets columns to the left of the picture. So blocks at its edges need no
// other code: samples above the picture are 127, those to the left of it 129.
//
// In the functions below the block begins at pix[at], its rows are stride apart, and top
// is the row above it, from the sample above and to the left.

// predict predicts n × n pixels, n being 16 for luma and 8 for chroma. Where a
// macroblock has no neighbour above or to the left, modeDC is the mean of the other side,
// or 128.
func predict(m mode, pix []uint8, at, stride, n int, top []uint8, above, left bool) {
	top = top[:1+n]
	a, b := binary.LittleEndian.Uint64(top[1:]), binary.LittleEndian.Uint64(top[n-7:])
	switch m {
	case modeTM:
		predictTM(pix, at, stride, n, 0, a, top[0])
		if n > 8 {
			predictTM(pix, at, stride, n, 8, b, top[0])
		}
		return
	case modeV:
	case modeH:
		for range n {
			row := pix[at-1:][:n+1]
			v := uint64(row[0]) * allBytes
			binary.LittleEndian.PutUint64(row[1:], v)
			binary.LittleEndian.PutUint64(row[n-7:], v)
			at += stride
		}
		return
	default:
		sum, count := 0, 0
		if above {
			sum = sumOf(a)
			if count = n; n > 8 {
				sum += sumOf(b)
			}
		}
		if left {
			for y := range n {
				sum += int(pix[at+y*stride-1])
			}
			count += n
		}
		mean := uint64(128)
		if count > 0 {
			mean = uint64((sum + count/2) / count)
		}
		a, b = mean*allBytes, mean*allBytes
	}
	for range n {
		row := pix[at:][:n]
		binary.LittleEndian.PutUint64(row, a)
		binary.LittleEndian.PutUint64(row[n-8:], b)
		at += stride
	}
}

// allBytes times a sample is that sample in all bytes.
const allBytes = 0x0101010101010101

// sumOf adds 8 samples: two of each in the lanes, and then the lanes into the highest one.
func sumOf(w uint64) int { return int((w&bytes4 + w>>8&bytes4) * ones >> 48) }

// predictTM adds, to the sample to the left of each row, the change along the row above,
// for 8 columns from column x on: see decode_filter_lanes.go for the method.
func predictTM(pix []uint8, at, stride, n, x int, top uint64, corner uint8) {
	const bias = 256
	even, odd := top&bytes4, top>>8&bytes4
	for range n {
		row := pix[at-1:][:x+9]
		change := (bias + uint64(row[0]) - uint64(corner)) * ones
		e, o := even+change, odd+change
		if ((e-bias*ones)|(o-bias*ones))&upper4 == 0 {
			e, o = e-bias*ones, o-bias*ones
		} else {
			e, o = unbias(e, bias), unbias(o, bias)
		}
		binary.LittleEndian.PutUint64(row[x+1:], e|o<<8)
		at += stride
	}
}

// predict4x4 predicts a block of 4×4 pixels at pix[at]. right is the four samples
// above and to the right of it.
//
// Most modes continue the edge in some direction. The edge is numbered from the lower
// left to the upper right:
//
//	4 | 5 6 7 8 | 9 10 11 12
//	--+--------
//	3 |
//	2 |
//	1 |
//	0 |
//
// and smoothed: avg3 weights three samples 1 2 1, avg2 two of them 1 1.
func predict4x4(m mode, pix []uint8, at, stride int, top []uint8, right uint32) {
	l0, l1, l2, l3 := pix[at-1:], pix[at+stride-1:], pix[at+2*stride-1:], pix[at+3*stride-1:]
	r0, r1, r2, r3 := l0[1:5], l1[1:5], l2[1:5], l3[1:5]
	e0, e1, e2, e3 := uint32(l3[0]), uint32(l2[0]), uint32(l1[0]), uint32(l0[0])
	e4 := uint32(top[0])
	row := binary.LittleEndian.Uint32(top[1:5])
	e5, e6, e7, e8 := row&255, row>>8&255, row>>16&255, row>>24
	switch m {
	case modeTM:
		a, b, c, d := int32(e5-e4), int32(e6-e4), int32(e7-e4), int32(e8-e4)
		for _, l := range [4][]uint8{l0, l1, l2, l3} {
			v := int32(l[0])
			l[1], l[2], l[3], l[4] = clip(v+a), clip(v+b), clip(v+c), clip(v+d)
		}
	case modeDC:
		put4(r0, r1, r2, r3, (e0+e1+e2+e3+e5+e6+e7+e8+4)>>3*0x01010101)
	case modeV:
		put4(r0, r1, r2, r3, pack(avg3(e4, e5, e6), avg3(e5, e6, e7), avg3(e6, e7, e8), avg3(e7, e8, right&255)))
	case modeH:
		put(r0, avg3(e4, e3, e2)*0x01010101)
		put(r1, avg3(e3, e2, e1)*0x01010101)
		put(r2, avg3(e2, e1, e0)*0x01010101)
		put(r3, avg3(e1, e0, e0)*0x01010101)
	case modeRD:
		a, b, c, d := avg3(e0, e1, e2), avg3(e1, e2, e3), avg3(e2, e3, e4), avg3(e3, e4, e5)
		e, f, g := avg3(e4, e5, e6), avg3(e5, e6, e7), avg3(e6, e7, e8)
		diagonal(r3, r2, r1, r0, a, b, c, d, e, f, g)
	case modeLD:
		e9, e10, e11, e12 := right&255, right>>8&255, right>>16&255, right>>24
		a, b, c, d := avg3(e5, e6, e7), avg3(e6, e7, e8), avg3(e7, e8, e9), avg3(e8, e9, e10)
		e, f, g := avg3(e9, e10, e11), avg3(e10, e11, e12), avg3(e11, e12, e12)
		diagonal(r0, r1, r2, r3, a, b, c, d, e, f, g)
	case modeVR:
		a, b, c, d := avg2(e4, e5), avg2(e5, e6), avg2(e6, e7), avg2(e7, e8)
		e, f, g, h := avg3(e3, e4, e5), avg3(e4, e5, e6), avg3(e5, e6, e7), avg3(e6, e7, e8)
		put(r0, pack(a, b, c, d))
		put(r1, pack(e, f, g, h))
		put(r2, pack(avg3(e2, e3, e4), a, b, c))
		put(r3, pack(avg3(e1, e2, e3), e, f, g))
	case modeVL:
		e9, e10, e11, e12 := right&255, right>>8&255, right>>16&255, right>>24
		b, c, d := avg2(e6, e7), avg2(e7, e8), avg2(e8, e9)
		f, g, h := avg3(e6, e7, e8), avg3(e7, e8, e9), avg3(e8, e9, e10)
		put(r0, pack(avg2(e5, e6), b, c, d))
		put(r1, pack(avg3(e5, e6, e7), f, g, h))
		put(r2, pack(b, c, d, avg3(e9, e10, e11)))
		put(r3, pack(f, g, h, avg3(e10, e11, e12)))
	case modeHD:
		a, b := avg2(e0, e1), avg3(e0, e1, e2)
		c, d := avg2(e1, e2), avg3(e1, e2, e3)
		e, f := avg2(e2, e3), avg3(e2, e3, e4)
		g, h := avg2(e3, e4), avg3(e3, e4, e5)
		put(r0, pack(g, h, avg3(e4, e5, e6), avg3(e5, e6, e7)))
		put(r1, pack(e, f, g, h))
		put(r2, pack(c, d, e, f))
		put(r3, pack(a, b, c, d))
	default: // modeHU
		a, b := avg2(e3, e2), avg3(e3, e2, e1)
		c, d := avg2(e2, e1), avg3(e2, e1, e0)
		e, f := avg2(e1, e0), avg3(e1, e0, e0)
		put(r0, pack(a, b, c, d))
		put(r1, pack(c, d, e, f))
		put(r2, pack(e, f, e0, e0))
		put(r3, e0*0x01010101)
	}
}

// avg2 and avg3 are rounded means.
func avg2(a, b uint32) uint32    { return (a + b + 1) >> 1 }
func avg3(a, b, c uint32) uint32 { return (a + 2*b + c + 2) >> 2 }

// pack makes four samples of a row a number to be put.
func pack(a, b, c, d uint32) uint32 { return a | b<<8 | c<<16 | d<<24 }

func put(row []uint8, v uint32) { binary.LittleEndian.PutUint32(row, v) }

func put4(r0, r1, r2, r3 []uint8, v uint32) {
	put(r0, v)
	put(r1, v)
	put(r2, v)
	put(r3, v)
}

// diagonal puts four rows, each of which begins one sample later in a to g.
func diagonal(r0, r1, r2, r3 []uint8, a, b, c, d, e, f, g uint32) {
	v := uint64(pack(a, b, c, d)) | uint64(e|f<<8|g<<16)<<32
	put(r0, uint32(v))
	put(r1, uint32(v>>8))
	put(r2, uint32(v>>16))
	put(r3, uint32(v>>24))
}
