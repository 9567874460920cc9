package png

import "encoding/binary"

// The filter types of section 9.2. A filter replaces each byte x of a row by its
// difference from a prediction, which is made from the neighbours of x:
//
//	c b    b is the byte above x, a the byte one pixel to the left of x,
//	a x    c the byte above a; outside the picture all are 0
//
// All arithmetic is modulo 256. Neighbours are bytes at the same place in a pixel,
// not pixels: with 16 bits a sample, high bytes predict high bytes.
const (
	filterNone    = iota // 0
	filterSub            // a
	filterUp             // b
	filterAverage        // (a + b) / 2, rounded down
	filterPaeth          // see paeth
)

// unfilter reverses a filter: dst = src + prediction. prev is the row above. dst, src
// and prev have the same length. bpp is the number of bytes in a pixel, at least 1.
// dst and src must be the same slice or not overlap.
func unfilter(filter byte, dst, src, prev []byte, bpp int) {
	switch filter {
	case filterNone:
		copy(dst, src)
	case filterSub:
		unfilterSub(dst, src, bpp)
	case filterUp:
		unfilterUp(dst, src, prev)
	case filterAverage:
		unfilterAverage(dst, src, prev, bpp)
	case filterPaeth:
		unfilterPaeth(dst, src, prev, bpp)
	}
}

const low7 = 0x7f7f7f7f7f7f7f7f

// addBytes adds the eight bytes of x and y in pairs, each modulo 256. It adds the low
// seven bits, which cannot carry into the next byte, and then puts bit 7, the sum
// without carry, back by exclusive or.
func addBytes(x, y uint64) uint64 { return (x&low7 + y&low7) ^ (x^y)&^low7 }

func unfilterUp(dst, src, prev []byte) {
	i := 0
	for ; i+8 <= len(dst); i += 8 {
		x, y := binary.LittleEndian.Uint64(src[i:]), binary.LittleEndian.Uint64(prev[i:])
		binary.LittleEndian.PutUint64(dst[i:], addBytes(x, y))
	}
	for ; i < len(dst); i++ {
		dst[i] = src[i] + prev[i]
	}
}

func unfilterSub(dst, src []byte, bpp int) {
	n := len(dst)
	src = src[:n]
	switch bpp {
	case 1:
		var a byte
		for i, v := range src {
			a += v
			dst[i] = a
		}
	case 3:
		var a, b, c byte
		for i := 0; i+3 <= n; i += 3 {
			s, d := src[i:i+3:i+3], dst[i:i+3:i+3]
			a += s[0]
			b += s[1]
			c += s[2]
			d[0], d[1], d[2] = a, b, c
		}
	case 4:
		var a uint64
		for i := 0; i+4 <= n; i += 4 {
			a = addBytes(a, uint64(binary.LittleEndian.Uint32(src[i:])))
			binary.LittleEndian.PutUint32(dst[i:], uint32(a))
		}
	default:
		copy(dst[:min(bpp, n)], src)
		for i := bpp; i < n; i++ {
			dst[i] = src[i] + dst[i-bpp]
		}
	}
}

func unfilterAverage(dst, src, prev []byte, bpp int) {
	n := len(dst)
	src, prev = src[:n], prev[:n]
	switch bpp {
	case 1:
		a := 0
		for i, v := range src {
			a = int(v+byte((a+int(prev[i]))>>1)) & 255
			dst[i] = byte(a)
		}
	case 3:
		var a, b, c int
		for i := 0; i+3 <= n; i += 3 {
			s, p, d := src[i:i+3:i+3], prev[i:i+3:i+3], dst[i:i+3:i+3]
			a = (int(s[0]) + (a+int(p[0]))>>1) & 255
			b = (int(s[1]) + (b+int(p[1]))>>1) & 255
			c = (int(s[2]) + (c+int(p[2]))>>1) & 255
			d[0], d[1], d[2] = byte(a), byte(b), byte(c)
		}
	case 4:
		var a, b, c, e int
		for i := 0; i+4 <= n; i += 4 {
			s, p, d := src[i:i+4:i+4], prev[i:i+4:i+4], dst[i:i+4:i+4]
			a = (int(s[0]) + (a+int(p[0]))>>1) & 255
			b = (int(s[1]) + (b+int(p[1]))>>1) & 255
			c = (int(s[2]) + (c+int(p[2]))>>1) & 255
			e = (int(s[3]) + (e+int(p[3]))>>1) & 255
			d[0], d[1], d[2], d[3] = byte(a), byte(b), byte(c), byte(e)
		}
	default:
		for i := range min(bpp, n) {
			dst[i] = src[i] + prev[i]>>1
		}
		for i := bpp; i < n; i++ {
			dst[i] = src[i] + byte((int(dst[i-bpp])+int(prev[i]))>>1)
		}
	}
}

func unfilterPaeth(dst, src, prev []byte, bpp int) {
	n := len(dst)
	src, prev = src[:n], prev[:n]
	switch bpp {
	case 1:
		a, c := 0, 0
		for i, v := range src {
			b := int(prev[i])
			a = (int(v) + paeth(a, b, c)) & 255
			c = b
			dst[i] = byte(a)
		}
	case 3:
		if n < 3 {
			return
		}
		a0, a1, a2 := src[0]+prev[0], src[1]+prev[1], src[2]+prev[2] // paeth(0, b, 0) is b
		dst[0], dst[1], dst[2] = a0, a1, a2
		for i := 3; i+3 <= n; i += 3 {
			s, p, d := src[i:i+3:i+3], prev[i-3:i+3:i+3], dst[i:i+3:i+3]
			a0 = s[0] + byte(paeth(int(a0), int(p[3]), int(p[0])))
			d[0] = a0
			a1 = s[1] + byte(paeth(int(a1), int(p[4]), int(p[1])))
			d[1] = a1
			a2 = s[2] + byte(paeth(int(a2), int(p[5]), int(p[2])))
			d[2] = a2
		}
	default:
		for i := range min(bpp, n) {
			dst[i] = src[i] + prev[i]
		}
		for i := bpp; i < n; i++ {
			dst[i] = src[i] + byte(paeth(int(dst[i-bpp]), int(prev[i]), int(prev[i-bpp])))
		}
	}
}

// paeth returns the one of a, b and c that is nearest to p = a+b-c; of equally near
// ones the first (section 9.4). The distances simplify: |p-a| = |b-c|, |p-b| = |a-c|
// and |p-c| = |a+b-2c|. The compiler turns the ifs into conditional moves, which
// matters because the results are noise and no branch predictor guesses them. The
// function is small enough to be inlined.
func paeth(a, b, c int) int {
	pa, pb := b-c, a-c
	pc := pa + pb
	pa, pb, pc = max(pa, -pa), max(pb, -pb), max(pc, -pc)
	if pc < pb {
		b, pb = c, pc
	}
	if pa <= pb {
		b = a
	}
	return b
}
