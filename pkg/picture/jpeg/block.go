package jpeg

import "imgtools/pkg/fault"

// unzig gives the place in a block, rows of eight, of the coefficient at each
// position of the zig-zag order (T.81 figure A.6). Sixteen more places catch a run
// over the end, which is looked for once a block.
var unzig = [64 + 16]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
	63, 63, 63, 63, 63, 63, 63, 63,
	63, 63, 63, 63, 63, 63, 63, 63,
}

// A block is 64 coefficients, multiplied by their quantization steps, in rows of
// eight: place 8v+u has horizontal frequency u, vertical v.
type block = [64]int32

var (
	errCode = fault.New(fault.Format, "bits that are no Huffman code")
	errRun  = fault.New(fault.Format, "run of coefficients over the end of a block")
	errSize = fault.New(fault.Format, "DC difference of more than 15 bits")
)

// diff decodes a DC difference, T.81 F.2.2.1.
func (e *entropy) diff(dc *huffman) (int32, error) {
	if e.n < 32 {
		e.refill()
	}
	if t := dc.value[e.acc>>(64-lookBits)]; t != 0 {
		l := uint(t & 31)
		e.acc <<= l
		e.n -= l
		return int32(t) >> 16, nil
	}
	size, ok := dc.symbol(e)
	if !ok {
		return 0, errCode
	}
	if size > 15 {
		return 0, errSize
	}
	return extend(e.bits(uint(size)), uint(size)), nil
}

// block decodes a block of a sequential scan, T.81 F.2.2, into b, which is zeros
// but for DC. Coefficients after position last of the zig-zag order are passed over.
func (e *entropy) block(b *block, ac *huffman, q *[64]uint16, last int) error {
	acc, n, pos, buf := e.acc, e.n, e.pos, e.buf
	value := ac.value
	k := 1
	for k <= last {
		if n < 32 {
			acc |= be64(buf[pos:]) >> (n & 63)
			pos += int((63 - n) >> 3)
			n |= 56
		}
		var v int32
		if t := value[acc>>(64-lookBits)]; t != 0 {
			l := uint(t & 31)
			acc <<= l
			n -= l
			k += int(t >> 8 & 15)
			v = int32(t) >> 16
			if v == 0 {
				if t>>8&15 != 15 {
					k = 64
					break
				}
				k++
				continue
			}
		} else {
			l, symbol := uint(0), byte(0)
			if c := ac.code[acc>>(64-lookBits)]; c != 0 {
				l, symbol = uint(c>>8), byte(c)
			} else if l, symbol = ac.long(acc); l == 0 {
				return errCode
			}
			acc <<= l
			n -= l
			run, size := int(symbol>>4), uint(symbol&15)
			if size == 0 {
				if run != 15 {
					k = 64
					break
				}
				k += 16
				continue
			}
			v = extend(int32(acc>>(64-size)), size)
			acc <<= size
			n -= size
			k += run
		}
		b[unzig[k]&63] = v * int32(q[k&63])
		k++
	}
	e.acc, e.n, e.pos = acc, n, pos
	if k < 64 {
		return e.skipAC(ac, k)
	}
	if k > 64 {
		return errRun
	}
	return nil
}

// skipAC passes over the rest of a block from coefficient k.
func (e *entropy) skipAC(ac *huffman, k int) error {
	acc, n, pos, buf := e.acc, e.n, e.pos, e.buf
	skip := ac.skip
	for k < 64 {
		if n < 32 {
			acc |= be64(buf[pos:]) >> (n & 63)
			pos += int((63 - n) >> 3)
			n |= 56
		}
		t := skip[acc>>(64-lookBits)]
		if a := k + int(t>>5&127); t != 0 && a <= 64 {
			acc <<= t & 31
			n -= uint(t & 31)
			k = a
			if t&skipEnds != 0 {
				break
			}
			continue
		}
		// One symbol by itself: a long code, or the last ones of the block.
		l, symbol := uint(0), byte(0)
		if c := ac.code[acc>>(64-lookBits)]; c != 0 {
			l, symbol = uint(c>>8), byte(c)
		} else if l, symbol = ac.long(acc); l == 0 {
			return errCode
		}
		run, size := int(symbol>>4), uint(symbol&15)
		acc <<= l + size
		n -= l + size
		if size == 0 && run != 15 {
			break
		}
		if k += run + 1; k > 64 {
			return errRun
		}
	}
	e.acc, e.n, e.pos = acc, n, pos
	return nil
}
