package png

import "encoding/binary"

// filterer filters rows before compression.
type filterer struct {
	bpp   int    // bytes in a pixel, at least 1
	adapt bool   // choose a filter for each row; false: filter none
	prev  []byte // the row above, unfiltered
}

// filter appends the filter type and the filtered row to out. It takes the filter
// whose output, as signed bytes, has the smallest sum of absolute values (section
// 12.7); of equal filters the one with the lower number.
func (f *filterer) filter(out, row []byte) []byte {
	if !f.adapt {
		return append(append(out, filterNone), row...)
	}
	kind := choose(row, f.prev, f.bpp)
	out = append(out, kind)
	at := len(out)
	out = append(out, row...)
	apply(kind, out[at:], row, f.prev, f.bpp)
	copy(f.prev, row)
	return out
}

// mag returns the absolute value of d as a signed byte.
func mag(d byte) int {
	m := int8(d) >> 7
	return int(uint8((int8(d) ^ m) - m))
}

// stretch is the length in bytes of the parts of a long row that choose samples.
const stretch = 512

// choose returns the filter type for a row below prev.
func choose(row, prev []byte, bpp int) byte {
	var sum [5]int
	first := min(bpp, len(row))
	for i, x := range row[:first] {
		b := prev[i]
		sum[filterNone] += mag(x)
		sum[filterSub] += mag(x)
		sum[filterUp] += mag(x - b)
		sum[filterAverage] += mag(x - b/2)
		sum[filterPaeth] += mag(x - b)
	}
	// In a long row every second stretch is enough to choose by.
	step := len(row)
	if step > 4*stretch {
		step = stretch
	}
	for at := bpp; at < len(row); at += 2 * step {
		end := min(at+step, len(row))
		addSums(&sum, row[at:end], row[at-bpp:end-bpp], prev[at:end], prev[at-bpp:end-bpp])
	}
	best := 0
	for k, v := range sum {
		if v < sum[best] {
			best = k
		}
	}
	return byte(best)
}

// addSums adds to sum, for each filter type, the sum of absolute values that the filter
// would give for the bytes x with the neighbours a, b and c. It works on eight bytes
// at a time, except for Paeth, whose choice depends on each byte.
func addSums(sum *[5]int, x, a, b, c []byte) {
	n := len(x)
	a, b, c = a[:n], b[:n], c[:n]
	i := 0
	for i+8 <= n {
		// Each s has four sums of 16 bits. magPairs adds at most 2·128 to each, so
		// that 255 rounds fit.
		var s0, s1, s2, s3 uint64
		for end := min(n, i+255*8); i+8 <= end; i += 8 {
			v := binary.LittleEndian.Uint64(x[i:])
			l := binary.LittleEndian.Uint64(a[i:])
			u := binary.LittleEndian.Uint64(b[i:])
			s0 += magPairs(v)
			s1 += magPairs(subBytes(v, l))
			s2 += magPairs(subBytes(v, u))
			s3 += magPairs(subBytes(v, l&u+(l^u)>>1&low7))
		}
		for k, s := range [4]uint64{s0, s1, s2, s3} {
			sum[k] += int(s&0xffff + s>>16&0xffff + s>>32&0xffff + s>>48)
		}
	}
	for ; i < n; i++ {
		v, l, u := x[i], a[i], b[i]
		sum[0] += mag(v)
		sum[1] += mag(v - l)
		sum[2] += mag(v - u)
		sum[3] += mag(v - byte((int(l)+int(u))>>1))
	}
	s4 := 0
	for i, v := range x {
		s4 += mag(v - byte(paeth(int(a[i]), int(b[i]), int(c[i]))))
	}
	sum[4] += s4
}

// subBytes subtracts the eight bytes of y from those of x, each modulo 256. Bit 7 of
// each byte of x is set first, so that nothing is borrowed from the next byte; the
// exclusive or then puts the true bit 7 back.
func subBytes(x, y uint64) uint64 { return ((x | ^uint64(low7)) - y&low7) ^ (x^^y)&^low7 }

// magPairs returns the absolute values of the eight signed bytes of d, added in pairs
// to four numbers of 16 bits.
func magPairs(d uint64) uint64 {
	s := d >> 7 & 0x0101010101010101
	m := (d ^ s*255) + s // -d is ^d + 1; the result is at most 128, so nothing carries
	return m&0x00ff00ff00ff00ff + m>>8&0x00ff00ff00ff00ff
}

// apply filters row and writes the result to dst. prev is the row above.
func apply(kind byte, dst, row, prev []byte, bpp int) {
	n := len(row)
	dst, prev = dst[:n], prev[:n]
	first := min(bpp, n)
	x, a, b, c := row[first:], row[:n-first], prev[first:], prev[:n-first]
	d := dst[first:]
	d, a, b, c = d[:len(x)], a[:len(x)], b[:len(x)], c[:len(x)]
	switch kind {
	case filterNone:
		copy(dst, row)
	case filterSub:
		copy(dst[:first], row)
		for i, v := range x {
			d[i] = v - a[i]
		}
	case filterUp:
		for i, v := range row {
			dst[i] = v - prev[i]
		}
	case filterAverage:
		for i, v := range row[:first] {
			dst[i] = v - prev[i]/2
		}
		for i, v := range x {
			d[i] = v - byte((int(a[i])+int(b[i]))>>1)
		}
	case filterPaeth:
		for i, v := range row[:first] {
			dst[i] = v - prev[i]
		}
		for i, v := range x {
			d[i] = v - byte(paeth(int(a[i]), int(b[i]), int(c[i])))
		}
	}
}
