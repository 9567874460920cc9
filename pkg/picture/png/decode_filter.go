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
// and prev have the same length and do not overlap. bpp is the number of bytes in a
// pixel, at least 1.
func unfilter(filter byte, dst, src, prev []byte, bpp int) {
	switch filter {
	case filterNone:
		copy(dst, src)
	case filterSub:
		unfilterSub(dst, src, bpp)
	case filterUp:
		unfilterUp(dst, src, prev)
	case filterAverage:
		at := vectorAverage(dst, src, prev, bpp)
		unfilterAverage(dst, src, prev, bpp, at)
	case filterPaeth:
		at := vectorPaeth(dst, src, prev, bpp)
		unfilterPaeth(dst, src, prev, bpp, at)
	}
}

const low7 = 0x7f7f7f7f7f7f7f7f

// addBytes adds the eight bytes of x and y in pairs, each modulo 256. It adds the low
// seven bits, which cannot carry into the next byte, and then puts bit 7, the sum
// without carry, back by exclusive or.
func addBytes(x, y uint64) uint64 { return (x&low7 + y&low7) ^ (x^y)&^low7 }

func load64(b []byte, i int) uint64     { return binary.LittleEndian.Uint64(b[i : i+8 : i+8]) }
func store64(b []byte, i int, v uint64) { binary.LittleEndian.PutUint64(b[i:i+8:i+8], v) }

func unfilterUp(dst, src, prev []byte) {
	n := len(dst)
	src, prev = src[:n], prev[:n]
	i := vectorUp(dst, src, prev)
	for ; i+8 <= n; i += 8 {
		store64(dst, i, addBytes(load64(src, i), load64(prev, i)))
	}
	for ; i < n; i++ {
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

// unfilterAverage starts at byte at, the first of a pixel. With 3 and 4 bytes in a pixel
// the last pixel stays in registers.
func unfilterAverage(dst, src, prev []byte, bpp, at int) {
	n := len(dst)
	src, prev = src[:n], prev[:n]
	for i := at; i < min(bpp, n); i++ {
		dst[i] = src[i] + prev[i]>>1
	}
	at = max(at, bpp)
	switch {
	case at >= n:
	case bpp == 1:
		a := int(dst[at-1])
		for i := at; i < n; i++ {
			a = int(src[i]+byte((a+int(prev[i]))>>1)) & 255
			dst[i] = byte(a)
		}
	case bpp == 3:
		a, b, c := int(dst[at-3]), int(dst[at-2]), int(dst[at-1])
		for i := at; i+3 <= n; i += 3 {
			s, p, d := src[i:i+3:i+3], prev[i:i+3:i+3], dst[i:i+3:i+3]
			a = (int(s[0]) + (a+int(p[0]))>>1) & 255
			b = (int(s[1]) + (b+int(p[1]))>>1) & 255
			c = (int(s[2]) + (c+int(p[2]))>>1) & 255
			d[0], d[1], d[2] = byte(a), byte(b), byte(c)
		}
	case bpp == 4:
		a, b, c, e := int(dst[at-4]), int(dst[at-3]), int(dst[at-2]), int(dst[at-1])
		for i := at; i+4 <= n; i += 4 {
			s, p, d := src[i:i+4:i+4], prev[i:i+4:i+4], dst[i:i+4:i+4]
			a = (int(s[0]) + (a+int(p[0]))>>1) & 255
			b = (int(s[1]) + (b+int(p[1]))>>1) & 255
			c = (int(s[2]) + (c+int(p[2]))>>1) & 255
			e = (int(s[3]) + (e+int(p[3]))>>1) & 255
			d[0], d[1], d[2], d[3] = byte(a), byte(b), byte(c), byte(e)
		}
	default:
		for i := at; i < n; i++ {
			dst[i] = src[i] + byte((int(dst[i-bpp])+int(prev[i]))>>1)
		}
	}
}

// unfilterPaeth starts at byte at, the first of a pixel. With 1, 3 and 4 bytes in a pixel
// the last pixel stays in registers.
func unfilterPaeth(dst, src, prev []byte, bpp, at int) {
	n := len(dst)
	src, prev = src[:n], prev[:n]
	for i := at; i < min(bpp, n); i++ {
		dst[i] = src[i] + prev[i] // paeth(0, b, 0) is b
	}
	at = max(at, bpp)
	switch {
	case at >= n:
	case bpp == 1:
		a, c := int(dst[at-1]), int(prev[at-1])
		for i := at; i < n; i++ {
			b := int(prev[i])
			a = int(src[i]+byte(paeth(a, b, c))) & 255
			c = b
			dst[i] = byte(a)
		}
	case bpp == 3:
		a0, a1, a2 := int(dst[at-3]), int(dst[at-2]), int(dst[at-1])
		for i := at; i+3 <= n; i += 3 {
			s, p, d := src[i:i+3:i+3], prev[i-3:i+3:i+3], dst[i:i+3:i+3]
			a0 = int(s[0] + byte(paeth(a0, int(p[3]), int(p[0]))))
			a1 = int(s[1] + byte(paeth(a1, int(p[4]), int(p[1]))))
			a2 = int(s[2] + byte(paeth(a2, int(p[5]), int(p[2]))))
			d[0], d[1], d[2] = byte(a0), byte(a1), byte(a2)
		}
	case bpp == 4:
		a0, a1, a2, a3 := int(dst[at-4]), int(dst[at-3]), int(dst[at-2]), int(dst[at-1])
		for i := at; i+4 <= n; i += 4 {
			s, p, d := src[i:i+4:i+4], prev[i-4:i+4:i+4], dst[i:i+4:i+4]
			a0 = int(s[0] + byte(paeth(a0, int(p[4]), int(p[0]))))
			a1 = int(s[1] + byte(paeth(a1, int(p[5]), int(p[1]))))
			a2 = int(s[2] + byte(paeth(a2, int(p[6]), int(p[2]))))
			a3 = int(s[3] + byte(paeth(a3, int(p[7]), int(p[3]))))
			d[0], d[1], d[2], d[3] = byte(a0), byte(a1), byte(a2), byte(a3)
		}
	default:
		for i := at; i < n; i++ {
			dst[i] = src[i] + byte(paeth(int(dst[i-bpp]), int(prev[i]), int(prev[i-bpp])))
		}
	}
}

// paeth returns the one of a, b and c that is nearest to p = a+b-c; of equally near
// ones the first (section 9.4). It does so without branches, which would be guessed
// wrongly, since the bytes of a photograph are noise. Let lo and hi be the smaller and
// the larger of a and b.
//
//   - If c is hi or above, p is lo or below, and lo is nearest.
//   - If c is lo or below, p is hi or above, and hi is nearest.
//   - If c is between, so is p, which is as far from lo as c is from hi: hi-c. It is
//     |lo+hi-2c| from c. Thirds decide: lo is as near as c, or nearer, if c is in the
//     upper third, 2·hi+lo <= 3c; hi if c is in the lower third, 3c <= 2·lo+hi.
//
// With t = 3c-lo-hi these conditions are hi <= t and t <= lo, and they hold in the
// first and second case, too. For example, of a = 10, b = 40 and c = 30 t is 40, so that
// the result is lo, 10; and p is 20, as far from 10 as from 30.
func paeth(a, b, c int) int {
	t := 3*c - b - a
	lo, hi := min(a, b), max(a, b)
	if hi <= t {
		c = lo
	}
	if t <= lo {
		c = hi
	}
	return c
}
