package tiff

import "math/bits"

// flatJPEG is a JPEG whose 8×8 blocks each have one value, so that what a decoder
// must give is known exactly: with a quantization step of 8, the DC coefficient of a
// block of value v is v - 128.
type flatJPEG struct {
	w, h   int
	blocks [][]uint8 // of each component, in the order of their MCUs
	hv     []byte    // sampling factors of each component; nil: all 1×1
}

// tables returns the DQT and DHT segments: a code of 4 bits for each DC size of 0 to
// 8, and of 1 bit for the end of a block.
func (j flatJPEG) tables() []byte {
	q := append([]byte{0xff, 0xdb, 0, 67, 0}, make([]byte, 64)...)
	for i := range 64 {
		q[5+i] = 8
	}
	dc := []byte{0xff, 0xc4, 0, 19 + 9, 0x00, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}
	ac := []byte{0xff, 0xc4, 0, 19 + 1, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	return append(append(q, dc...), ac...)
}

// frame returns the SOF and SOS segments and the scan.
func (j flatJPEG) frame() []byte {
	n := len(j.blocks)
	hv := j.hv
	for len(hv) < n {
		hv = append(hv, 0x11)
	}
	b := []byte{0xff, 0xc0, 0, byte(8 + 3*n), 8, byte(j.h >> 8), byte(j.h), byte(j.w >> 8), byte(j.w), byte(n)}
	for i := range n {
		b = append(b, byte(i+1), hv[i], 0)
	}
	b = append(b, 0xff, 0xda, 0, byte(6+2*n), byte(n))
	for i := range n {
		b = append(b, byte(i+1), 0)
	}
	return append(append(b, 0, 63, 0), j.scan(hv)...)
}

// scan returns the entropy-coded bytes.
func (j flatJPEG) scan(hv []byte) (b []byte) {
	acc, count := uint32(0), 0
	put := func(v uint32, n int) {
		for acc, count = acc<<n|v, count+n; count >= 8; count -= 8 {
			c := byte(acc >> (count - 8))
			if b = append(b, c); c == 0xff {
				b = append(b, 0)
			}
		}
	}
	left, last := make([][]uint8, len(j.blocks)), make([]int, len(j.blocks))
	copy(left, j.blocks)
	for len(left[0]) > 0 {
		for i := range left {
			for range int(hv[i]>>4) * int(hv[i]&15) {
				dc := int(left[i][0]) - 128
				left[i] = left[i][1:]
				diff := dc - last[i]
				last[i] = dc
				size := bits.Len(uint(max(diff, -diff)))
				if diff < 0 {
					diff += 1<<size - 1
				}
				put(uint32(size), 4)
				put(uint32(diff), size)
				put(0, 1)
			}
		}
	}
	if count > 0 {
		put(1<<(8-count)-1, 8-count)
	}
	return b
}

// jpegStream joins segments to a JPEG stream, from SOI to EOI.
func jpegStream(parts ...[]byte) []byte {
	b := []byte{0xff, 0xd8}
	for _, p := range parts {
		b = append(b, p...)
	}
	return append(b, 0xff, 0xd9)
}
