package jpeg

import "imgtools/pkg/fault"

// unzig maps a position in the zig-zag order (T.81 figure A.6) to its place in a block,
// in rows of eight. Sixteen extra entries keep a run beyond the end of the block inside
// the table; whether there was one is checked once a block.
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
	errCode   = fault.New(fault.Format, "bits that are no Huffman code")
	errRun    = fault.New(fault.Format, "run of coefficients beyond the end of a block")
	errSize   = fault.New(fault.Format, "DC difference of more than 15 bits")
	errRefine = fault.New(fault.Format, "refinement by several bits at once")
)

// legalDC limits a DC value without its low al bits to those that can occur in a picture
// of 8 bits, -1024 to 1023 (T.81 F.1.2.1, table F.1). Damaged and hostile files have
// others; limited, they can be written again.
func legalDC(v int32, al uint) int32 { return min(max(v, -1024>>al), 1023>>al) }

// diff decodes a DC difference (T.81 F.2.2.1): a code for its size in bits, then that
// many bits.
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

// block decodes a block of a sequential scan (T.81 F.2.2) into b, which must be zeros;
// coefficients in b are multiplied by their steps. pred is the DC of the block before.
// It returns the new DC, not multiplied, and whether b may have other coefficients.
//
// Only coefficients up to position last of the zig-zag order are decoded. The others are
// walked by t; if t is nil, the rest of the block is not read at all.
func (e *entropy) block(b *block, dc, ac *huffman, t *skips, q *[64]uint16, pred int32, last int) (int32, bool, error) {
	acc, n, pos, buf := e.acc, e.n, e.pos, e.buf
	acc |= be64(buf[pos:]) >> (n & 63)
	pos += int((63 - n) >> 3)
	n |= 56
	if t := dc.value[acc>>(64-lookBits)]; t != 0 {
		acc <<= t & 31
		n -= uint(t & 31)
		pred += int32(t) >> 16
	} else {
		e.acc, e.n, e.pos = acc, n, pos
		d, err := e.diff(dc)
		if err != nil {
			return 0, false, err
		}
		pred += d
		e.refill()
		acc, n, pos = e.acc, e.n, e.pos
	}
	b[0] = saturate(legalDC(pred, 0) * int32(q[0]))
	value := ac.value
	k := 1
	for {
		t := value[acc>>(64-lookBits)] // before the refill, as in blockIndex.blocks
		acc |= be64(buf[pos:]) >> (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		if t == 0 {
			if c := uint(ac.code[acc>>(64-lookBits)]); c != 0 { // only the value is too long
				t = uint32(amplitude(acc, c))<<16 | uint32(c<<4&0xf00+c>>8+c&15)
			} else {
				e.acc, e.n, e.pos = acc, n, pos
				run, v, err := e.coefficient(ac)
				if err != nil {
					return 0, false, err
				}
				e.refill()
				acc, n, pos = e.acc, e.n, e.pos
				t = uint32(v)<<16 | uint32(run)<<8
			}
		}
		acc <<= t & 31
		n -= uint(t & 31)
		k += int(t >> 8 & 127)
		if k > last {
			break
		}
		b[unzig[k]&63] = int32(t) >> 16 * int32(q[k&63]) // 0 at the end of a run of 16
		k++
		if k > last {
			k--
			break
		}
	}
	switch {
	case k >= endRun: // the end of the block
		e.acc, e.n, e.pos = acc, n, pos
		return pred, k > endRun+1, nil
	case k > 63:
		e.acc, e.n, e.pos = acc, n, pos
		return 0, false, errRun
	case t != nil: // skipAC, with acc, n and pos in local variables
		for k++; k < 64; {
			s := uint(t[acc>>(64-lookBits)])
			acc |= be64(buf[pos:]) >> (n & 63)
			pos += int((63 - n) >> 3)
			n |= 56
			to := k + int(s>>skipShift)
			if to > 64 && uint(to-endSkip-1) > 63 {
				e.acc, e.n, e.pos = acc, n, pos
				return pred, true, e.skipAC(ac, t, k)
			}
			acc <<= s & 31
			n -= s & 31
			k = to
		}
	}
	e.acc, e.n, e.pos = acc, n, pos
	return pred, true, nil
}

// coefficient decodes a run and a value that are too long for the value table. The run
// is endRun at the end of a block.
func (e *entropy) coefficient(ac *huffman) (run int, v int32, err error) {
	symbol, ok := ac.symbol(e)
	if !ok {
		return 0, 0, errCode
	}
	run, size := int(symbol>>4), uint(symbol&15)
	if size == 0 && run != 15 {
		run = endRun
	}
	return run, extend(e.bits(size), size), nil
}
