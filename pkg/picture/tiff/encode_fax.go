package tiff

import (
	"strings"
	"sync"
)

// faxWriter codes rows of one bit a pixel by ITU-T T.6 (group 4). Each row is coded
// by the modes that fax.modes explains, relative to the row above; the row above the
// first is white.
type faxWriter struct {
	w                  int
	out                []byte
	acc                uint32 // bits not yet in out, right-aligned
	bits               int
	reference, current []int32 // changing elements of the row above and of this one
}

// faxCode is the bits of a code, right-aligned, and their number.
type faxCode struct {
	code uint16
	bits uint8
}

// faxCodes returns the codes of white runs, black runs and modes. The code of a run of
// n pixels is at n up to 63, that of n·64 at 63 + n.
var faxCodes = sync.OnceValue(func() (t [3][]faxCode) {
	for i, list := range []string{whiteCodes + longCodes, blackCodes + longCodes, modeCodes} {
		for _, s := range strings.Fields(list) {
			c := faxCode{bits: uint8(len(s))}
			for _, b := range s {
				c.code = c.code<<1 | uint16(b-'0')
			}
			t[i] = append(t[i], c)
		}
	}
	return t
})

// row codes a row of samples, black below 128.
func (f *faxWriter) row(pix []uint8) {
	f.reference, f.current = f.current, f.reference[:0]
	black := false
	for x, v := range pix {
		if (v < 128) != black {
			black = !black
			f.current = append(f.current, int32(x))
		}
	}
	at := func(list []int32, i int) int {
		if i < len(list) {
			return int(list[i])
		}
		return f.w
	}
	colour, ref, cur := 0, 0, 0
	for a0 := -1; a0 < f.w; {
		a1 := at(f.current, cur)
		// b1 is the first change of the reference line beyond a0 to the other colour.
		for ref > 0 && at(f.reference, ref-1) > a0 {
			ref--
		}
		for ref < len(f.reference) && (int(f.reference[ref]) <= a0 || ref&1 != colour) {
			ref++
		}
		b1, b2 := at(f.reference, ref), at(f.reference, ref+1)
		switch d := a1 - b1; {
		case b2 < a1:
			f.put(2, modePass)
			a0 = b2
		case -3 <= d && d <= 3:
			f.put(2, modeVertical+d)
			a0 = a1
			colour ^= 1
			cur++
		default:
			a2 := at(f.current, cur+1)
			f.put(2, modeHorizontal)
			f.run(colour, a1-max(a0, 0))
			f.run(colour^1, a2-a1)
			a0 = a2
			cur += 2
		}
	}
}

// run writes the length of a run.
func (f *faxWriter) run(colour, n int) {
	for ; n >= 2560+64; n -= 2560 {
		f.put(colour, 63+2560/64)
	}
	if n >= 64 {
		f.put(colour, 63+n/64)
		n %= 64
	}
	f.put(colour, n)
}

// put writes code i of a table of faxCodes.
func (f *faxWriter) put(table, i int) {
	c := faxCodes()[table][i]
	f.acc = f.acc<<c.bits | uint32(c.code)
	for f.bits += int(c.bits); f.bits >= 8; f.bits -= 8 {
		f.out = append(f.out, uint8(f.acc>>(f.bits-8)))
	}
}

// end ends a strip with EOFB and returns it. The next row begins another.
func (f *faxWriter) end() []byte {
	f.acc = f.acc<<24 | 0x001001
	f.bits += 24
	for ; f.bits > 0; f.bits -= 8 {
		f.out = append(f.out, uint8(uint64(f.acc)<<8>>f.bits))
	}
	strip := f.out
	f.out, f.acc, f.bits, f.current = nil, 0, 0, f.current[:0]
	return strip
}
