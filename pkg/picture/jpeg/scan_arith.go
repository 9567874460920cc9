package jpeg

import (
	"math/bits"

	"imgtools/pkg/fault"
)

// Arithmetic coding, T.81 annex D. A picture is coded as binary decisions, each with
// an estimate of how likely its two values are. The coder keeps an interval, of size a.
// For each decision it divides the interval in two parts, in proportion to the
// likelihoods, and keeps the part of the value that occurred. The code is a
// number in the last interval; c is that number relative to the interval's base. To
// decode, see in which part c is:
//
//	0        a-qe      a
//	|  MPS   |  LPS    |     qe: size of the part of the less probable symbol (LPS);
//	     ^c                  c < a-qe: it was the more probable one (MPS)
//
// When a falls below half of its range, a and c are doubled and new bits come into c.
// The estimates adapt: each is one of 113 states with a size qe and the states that
// follow an MPS and an LPS.

// arithState is a state of a probability estimate, T.81 table D.3.
type arithState struct {
	qe       uint16
	lps, mps uint8 // the next states
	swap     uint8 // 1: after an LPS the two symbols exchange their roles
}

var arithStates = [114]arithState{
	{0x5a1d, 1, 1, 1}, {0x2586, 14, 2, 0}, {0x1114, 16, 3, 0}, {0x080b, 18, 4, 0}, {0x03d8, 20, 5, 0}, {0x01da, 23, 6, 0},
	{0x00e5, 25, 7, 0}, {0x006f, 28, 8, 0}, {0x0036, 30, 9, 0}, {0x001a, 33, 10, 0}, {0x000d, 35, 11, 0}, {0x0006, 9, 12, 0},
	{0x0003, 10, 13, 0}, {0x0001, 12, 13, 0}, {0x5a7f, 15, 15, 1}, {0x3f25, 36, 16, 0}, {0x2cf2, 38, 17, 0}, {0x207c, 39, 18, 0},
	{0x17b9, 40, 19, 0}, {0x1182, 42, 20, 0}, {0x0cef, 43, 21, 0}, {0x09a1, 45, 22, 0}, {0x072f, 46, 23, 0}, {0x055c, 48, 24, 0},
	{0x0406, 49, 25, 0}, {0x0303, 51, 26, 0}, {0x0240, 52, 27, 0}, {0x01b1, 54, 28, 0}, {0x0144, 56, 29, 0}, {0x00f5, 57, 30, 0},
	{0x00b7, 59, 31, 0}, {0x008a, 60, 32, 0}, {0x0068, 62, 33, 0}, {0x004e, 63, 34, 0}, {0x003b, 32, 35, 0}, {0x002c, 33, 9, 0},
	{0x5ae1, 37, 37, 1}, {0x484c, 64, 38, 0}, {0x3a0d, 65, 39, 0}, {0x2ef1, 67, 40, 0}, {0x261f, 68, 41, 0}, {0x1f33, 69, 42, 0},
	{0x19a8, 70, 43, 0}, {0x1518, 72, 44, 0}, {0x1177, 73, 45, 0}, {0x0e74, 74, 46, 0}, {0x0bfb, 75, 47, 0}, {0x09f8, 77, 48, 0},
	{0x0861, 78, 49, 0}, {0x0706, 79, 50, 0}, {0x05cd, 48, 51, 0}, {0x04de, 50, 52, 0}, {0x040f, 50, 53, 0}, {0x0363, 51, 54, 0},
	{0x02d4, 52, 55, 0}, {0x025c, 53, 56, 0}, {0x01f8, 54, 57, 0}, {0x01a4, 55, 58, 0}, {0x0160, 56, 59, 0}, {0x0125, 57, 60, 0},
	{0x00f6, 58, 61, 0}, {0x00cb, 59, 62, 0}, {0x00ab, 61, 63, 0}, {0x008f, 61, 32, 0}, {0x5b12, 65, 65, 1}, {0x4d04, 80, 66, 0},
	{0x412c, 81, 67, 0}, {0x37d8, 82, 68, 0}, {0x2fe8, 83, 69, 0}, {0x293c, 84, 70, 0}, {0x2379, 86, 71, 0}, {0x1edf, 87, 72, 0},
	{0x1aa9, 87, 73, 0}, {0x174e, 72, 74, 0}, {0x1424, 72, 75, 0}, {0x119c, 74, 76, 0}, {0x0f6b, 74, 77, 0}, {0x0d51, 75, 78, 0},
	{0x0bb6, 77, 79, 0}, {0x0a40, 77, 48, 0}, {0x5832, 80, 81, 1}, {0x4d1c, 88, 82, 0}, {0x438e, 89, 83, 0}, {0x3bdd, 90, 84, 0},
	{0x34ee, 91, 85, 0}, {0x2eae, 92, 86, 0}, {0x299a, 93, 87, 0}, {0x2516, 86, 71, 0}, {0x5570, 88, 89, 1}, {0x4ca9, 95, 90, 0},
	{0x44d9, 96, 91, 0}, {0x3e22, 97, 92, 0}, {0x3824, 99, 93, 0}, {0x32b4, 99, 94, 0}, {0x2e17, 93, 86, 0}, {0x56a8, 95, 96, 1},
	{0x4f46, 101, 97, 0}, {0x47e5, 102, 98, 0}, {0x41cf, 103, 99, 0}, {0x3c3d, 104, 100, 0}, {0x375e, 99, 93, 0}, {0x5231, 105, 102, 0},
	{0x4c0f, 106, 103, 0}, {0x4639, 107, 104, 0}, {0x415e, 103, 99, 0}, {0x5627, 105, 106, 1}, {0x50e7, 108, 107, 0}, {0x4b85, 109, 103, 0},
	{0x5597, 110, 109, 0}, {0x504f, 111, 107, 0}, {0x5a10, 110, 111, 1}, {0x5522, 112, 109, 0}, {0x59eb, 112, 111, 1},
	// Not in the table: an even chance that never adapts, for signs and low bits
	// (T.81 F.1.4.4.2, G.1.3.1).
	{0x5a1d, 113, 113, 0},
}

// An estimate is the state and, in bit 7, the value that is more probable.
type estimate uint8

// Conditioning of T.81 F.1.4.4.1.4 and F.1.4.4.2, as DAC segments set it.
type arithConditioning struct {
	low, high [4]uint8 // L and U of the DC tables: bounds of a small difference
	kx        [4]uint8 // Kx of the AC tables: the last of the low coefficients
}

var usualConditioning = arithConditioning{high: [4]uint8{1, 1, 1, 1}, kx: [4]uint8{5, 5, 5, 5}}

// readDAC reads arithmetic conditioning, T.81 B.2.4.3.
func (r *Reader) readDAC(n int) error {
	p, err := r.payload(mDAC, n, 2*8)
	if err != nil {
		return err
	}
	for ; len(p) >= 2; p = p[2:] {
		class, slot, v := p[0]>>4, p[0]&15, p[1]
		switch {
		case slot > 3 || class > 1 || class == 0 && v&15 > v>>4 || class == 1 && (v == 0 || v > 63):
			return fault.New(fault.Format, "arithmetic conditioning %d of class %d slot %d", v, class, slot)
		case class == 0:
			r.cond.low[slot], r.cond.high[slot] = v&15, v>>4
		default:
			r.cond.kx[slot] = v
		}
	}
	if len(p) != 0 {
		return fault.New(fault.Format, "DAC of %d bytes", n)
	}
	return nil
}

// Places of estimates in the tables, T.81 tables F.4 and F.5. A DC table has four for
// each of five classes of the difference before: whether the difference is 0 (S0), its
// sign (SS), and whether it is over 1 in size (SP, SN). An AC table has three for each
// coefficient: end of block (SE), zero (S0), over 1 in size (SP). Then come those for
// the number of further bits (X), and 14 later those for the bits themselves (M).
const (
	dcSizes    = 20
	acSizesLow = 189 // for coefficients up to Kx
	acSizes    = 217
	toBits     = 14
)

// arithDecoder decodes the blocks of arithmetic-coded scans (T.81 F.2.4, G.2.3).
type arithDecoder struct {
	e    *entropy
	cond arithConditioning // of the scan
	a, c uint32
	more int // bits of c that are still to be shifted up before the next byte
	past int // zero bytes used after the end of the segment
	rows int // of the scan when past became too many

	dc      [4][64]estimate
	ac      [4][256]estimate
	even    estimate
	class   [4]uint8 // of the last DC difference, by place in the scan: its first estimate
	scanner *scanner
}

// A decoder reads two bytes ahead of the decisions. Zeros at the end of a segment are
// not written (T.81 D.1.8), so all bytes after it are taken as zeros; but where the file
// ends without a marker, more than that many zeros mean that it is cut.
const arithAhead = 2

// begin starts a scan or a restart interval, T.81 F.2.4.3 and D.2.7.
func (a *arithDecoder) begin(sc *scanner) {
	*a = arithDecoder{e: sc.e, cond: sc.s.cond, even: 113, scanner: sc, a: 1 << 16}
	a.c = uint32(a.next())<<24 | uint32(a.next())<<16
}

// next returns the next byte, 0 after the end of the segment.
func (a *arithDecoder) next() byte {
	e := a.e
	if e.pos >= e.end && !e.ended {
		e.fill()
	}
	if e.pos >= e.end {
		if a.past++; a.past == arithAhead+1 {
			a.rows = a.scanner.rows
		}
		return 0
	}
	e.pos++
	return e.buf[e.pos-1]
}

// cut reports whether the file ended before the decisions did.
func (a *arithDecoder) cut() bool { return a.past > arithAhead && a.e.marker == 0 }

// decide decodes a decision, T.81 D.2.4 to D.2.6.
func (a *arithDecoder) decide(s *estimate) int {
	value := uint8(*s >> 7)
	state := &arithStates[*s&127]
	qe := uint32(state.qe)
	a.a -= qe
	less := false // the less probable value occurred
	if a.c>>16 < a.a {
		if a.a >= 0x8000 {
			return int(value)
		}
		// The part of the MPS has become smaller than the other: they exchange roles.
		less = a.a < qe
	} else {
		less = a.a >= qe
		a.c -= a.a << 16
		a.a = qe
	}
	if less {
		*s = estimate((value^state.swap)<<7 | state.lps)
		value ^= 1
	} else {
		*s = estimate(value<<7 | state.mps)
	}
	for a.a < 0x8000 {
		if a.more == 0 {
			a.c |= uint32(a.next()) << 8
			a.more = 8
		}
		n := min(bits.LeadingZeros16(uint16(a.a)), a.more)
		a.a <<= n
		a.c <<= n
		a.more -= n
	}
	return int(value)
}

var errArith = fault.New(fault.Format, "arithmetic code of a coefficient over 15 bits or beyond the end of a block")

// magnitude decodes a size, of which it is known that it has at least the bits of m: m
// doubles with each decision from estimate x on, and then come the bits below the
// first. It also returns the first bit.
func (a *arithDecoder) magnitude(t []estimate, x int, m int32) (v, first int32, err error) {
	for ; a.decide(&t[x]) != 0; x++ {
		if m <<= 1; m == 0x8000 {
			return 0, 0, errArith
		}
	}
	v, first = m, m
	for x += toBits; m > 1; {
		if m >>= 1; a.decide(&t[x]) != 0 {
			v |= m
		}
	}
	return v, first, nil
}

// difference decodes a DC difference of the i-th component of the scan, with DC table
// slot (T.81 F.2.4.1, F.1.4.1).
func (a *arithDecoder) difference(i int, slot byte) (int32, error) {
	t := a.dc[slot][:]
	s := int(a.class[i])
	if a.decide(&t[s]) == 0 {
		a.class[i] = 0
		return 0, nil
	}
	sign := a.decide(&t[s+1])
	var v, first int32 // of the size less 1
	if a.decide(&t[s+2+sign]) != 0 {
		var err error
		if v, first, err = a.magnitude(t, dcSizes, 1); err != nil {
			return 0, err
		}
	}
	switch {
	case first < 1<<a.cond.low[slot]>>1:
		a.class[i] = 0
	case first > 1<<a.cond.high[slot]>>1:
		a.class[i] = uint8(12 + 4*sign)
	default:
		a.class[i] = uint8(4 + 4*sign)
	}
	return signed(v+1, sign), nil
}

func signed(v int32, sign int) int32 {
	if sign != 0 {
		return -v
	}
	return v
}

// value decodes coefficient k, which is not zero, with AC table slot (T.81 F.1.4.2).
func (a *arithDecoder) value(k int, slot byte) (int32, error) {
	t := a.ac[slot][:]
	sign := a.decide(&a.even)
	sp := 3*(k-1) + 2
	if a.decide(&t[sp]) == 0 {
		return signed(1, sign), nil
	}
	if a.decide(&t[sp]) == 0 {
		return signed(2, sign), nil
	}
	x := acSizes
	if k <= int(a.cond.kx[slot]) {
		x = acSizesLow
	}
	v, _, err := a.magnitude(t, x, 2)
	return signed(v+1, sign), err
}

// band decodes the new coefficients of a block from ss to se in zig-zag order, with AC
// table slot, and calls set for each that is not zero (T.81 F.2.4.2).
func (a *arithDecoder) band(slot byte, ss, se int, set func(k int, v int32)) error {
	t := a.ac[slot][:]
	for k := ss; k <= se; k++ {
		if a.decide(&t[3*(k-1)]) != 0 { // end of block
			return nil
		}
		for a.decide(&t[3*(k-1)+1]) == 0 {
			if k++; k > se {
				return errArith
			}
		}
		v, err := a.value(k, slot)
		if err != nil {
			return err
		}
		set(k, v)
	}
	return nil
}
