package flate

import "math/bits"

// A table decodes a code by one look-up: the next litBits bits of the input are the
// index of an entry, which says which symbol they begin with and how long its code is.
// A shorter code has several entries, one for each value of the bits behind it. For
// codes that are longer than the index, the entry refers to a sub-table, which
// is indexed by the bits that follow.
//
// For example, with an index of 2 bits and the codes a = 0, b = 10, c = 110 and
// d = 111 (whose first bit is the lowest of the index):
//
//	index 00  a, 1 bit
//	index 01  b, 2 bits
//	index 10  a, 1 bit
//	index 11  sub-table of 1 bit: c, 3 bits; d, 3 bits
//
// An entry of the table for literals and lengths may hold two literals, if both their
// codes fit into the index. Most symbols of photographs are literals, so that about
// every other look-up is saved.
//
// An entry is 0 where no code begins so. Otherwise it has these bits:
//
//	0-5    length of the code, or of both codes; of a reference, bits of the sub-table
//	8-9    number of literals
//	10     it is a length
//	11     it refers to a sub-table
//	12-15  of two literals, the length of the first code
//	13-15  of a length, the number of extra bits
//	12-15  of a distance, the number of extra bits
//	16-31  the literals (the first lowest), the base of the range, or the index at
//	       which the sub-table begins
//
// The end of a block has bit 12 alone, and symbols that must not occur have only the
// length of their code.
const (
	litBits   = 11 // index of the table for literals and lengths
	distBits  = 8  // index of the table for distances
	firstBits = 7  // index of the table for code lengths: their longest code

	litMask  = 1<<litBits - 1
	distMask = 1<<distBits - 1

	// A table of 288 codes with an index of 11 bits needs at most 2342 entries with its
	// sub-tables, one of 32 codes with an index of 8 bits 402: counted over all codes by
	// TestTablesHoldEveryCode. Powers of 2 save bounds checks.
	litSize  = 4096
	distSize = 512

	bitsMask       = 63
	oneLit         = 1 << 8
	isLits         = 3 << 8
	isLen          = 1 << 10
	isSub          = 1 << 11
	endEntry       = 1 << 12
	firstShift     = 12
	extraShift     = 13
	distExtraShift = 12
	valueShift     = 16
)

// subEntry returns the index of the entry in the sub-table that e refers to. next are
// the bits behind the index of e.
func subEntry(e uint32, next uint64) uint32 {
	return e>>valueShift + uint32(next)&(1<<(e&bitsMask)-1)
}

// The entries of all symbols, without the lengths of their codes.
var (
	litEntries   = makeLitEntries()
	distEntries  = makeDistEntries()
	firstEntries = makeFirstEntries()
)

func makeLitEntries() (t [288]uint32) {
	for i := range endOfBlock {
		t[i] = uint32(i)<<valueShift | oneLit
	}
	t[endOfBlock] = endEntry
	for i := firstLength; i < numLitLen; i++ {
		t[i] = uint32(lengths.base[i-firstLength])<<valueShift | isLen | uint32(lengths.extra[i-firstLength])<<extraShift
	}
	return t
}

func makeDistEntries() (t [288]uint32) {
	for i := range numDist {
		t[i] = uint32(distances.base[i])<<valueShift | uint32(distances.extra[i])<<distExtraShift
	}
	return t
}

func makeFirstEntries() (t [288]uint32) {
	for i := range lengthOrder {
		t[i] = uint32(i) << valueShift
	}
	return t
}

// makeTable makes the table of a code. l has the length of the code of each symbol, 0
// for none; entries has the entry of each symbol; the index has n bits.
//
// A valid code is complete: every sequence of bits begins with one of its codes, so
// that the sum of 2^-length over all symbols is 1. Two others are valid, too: a
// single code of 1 bit, which compressors write where only one distance occurs, and
// a code without symbols, where there are none. All other codes make it return false.
func makeTable(table []uint32, l []uint8, entries *[288]uint32, n uint) bool {
	count, next := firstCodes(l)
	symbols := len(l) - count[0]
	end := next[maxCode] + count[maxCode] // of all codes, in units of 2^-15
	if end != 1<<maxCode {
		if symbols > 1 || symbols == 1 && count[1] != 1 {
			return false
		}
		clear(table[:1<<n])
	}
	var codes [288]uint16 // of each symbol, the first bit lowest
	long := false
	for i, v := range l {
		if v == 0 {
			continue
		}
		c := bits.Reverse16(uint16(next[v])) >> (16 - v)
		next[v]++
		if uint(v) > n {
			codes[i], long = c, true
			continue
		}
		e := entries[i] | uint32(v)
		for j := int(c); j < 1<<n; j += 1 << v {
			table[j] = e
		}
	}
	if long {
		makeSubTables(table, l, &codes, entries, n)
	}
	return true
}

// makeSubTables adds the codes of more than n bits.
func makeSubTables(table []uint32, l []uint8, codes *[288]uint16, entries *[288]uint32, n uint) {
	mask := uint16(1<<n - 1)
	// A sub-table has as many bits as the longest code with its prefix needs.
	for i, v := range l {
		if uint(v) > n {
			table[codes[i]&mask] = isSub
		}
	}
	for i, v := range l {
		if uint(v) > n {
			e := &table[codes[i]&mask]
			*e = max(*e, isSub|uint32(v)-uint32(n))
		}
	}
	free := uint32(1) << n
	for i, v := range l {
		if uint(v) <= n {
			continue
		}
		e := &table[codes[i]&mask]
		size := uint32(1) << (*e & bitsMask)
		if *e>>valueShift == 0 {
			*e |= free << valueShift
			free += size
		}
		sub := table[*e>>valueShift:][:size]
		for j := uint32(codes[i] >> n); j < size; j += 1 << (uint(v) - n) {
			sub[j] = entries[i] | uint32(v)
		}
	}
}

// pairLiterals replaces entries of one literal by those of two, where the code of the
// second fits into the index as well. l has the lengths of the codes of literals.
func pairLiterals(table *[litSize]uint32, l []uint8) {
	shortest := uint8(maxCode)
	for _, v := range l {
		if v != 0 {
			shortest = min(shortest, v)
		}
	}
	if 2*shortest > litBits {
		return
	}
	// Downwards, so that table[i>>n] still has one literal.
	for i := litMask; i >= 0; i-- {
		e := table[i]
		if e&isLits == 0 {
			continue
		}
		n := e & bitsMask
		second := table[i>>n]
		if total := n + second&bitsMask; second&isLits != 0 && total <= litBits {
			table[i] = second>>valueShift<<(valueShift+8) | e>>valueShift<<valueShift | n<<firstShift | 2*oneLit | total
		}
	}
}
