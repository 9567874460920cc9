// Package flate reads and writes zlib streams (RFC 1950): data compressed by DEFLATE
// (RFC 1951) between a header of two bytes and a checksum. It is made for the rows of
// pictures. The standard library has both, too; here rows are returned without copying
// them, and the matches that filtered pictures have are looked for first.
//
// DEFLATE codes data as a series of blocks. A block is stored as it is, or it is a
// series of symbols in Huffman codes. A symbol is a literal (one byte of data), the end
// of the block, or a length; a length is followed by a distance. Together they form a
// match: repeat so many bytes from so far back. For example, "abcabcabcd" may be coded
// as a, b, c, (length 6, distance 3), d, end of block. A match may overlap the bytes
// that it makes.
//
// A dynamic block begins with the lengths of its codes, a fixed block has the codes
// that RFC 1951 gives. Short codes are for frequent symbols.
//
// Reading:
//
//	reader.go          Reader: the zlib stream
//	inflate.go         inflater: input, window, stored blocks, one symbol at a time
//	inflate_blocks.go  headers of blocks
//	inflate_table.go   tables that decode a symbol by one look-up
//	inflate_fast.go    the loop that decodes nearly all symbols
//	adler32.go         the checksum
//
// Writing:
//
//	deflate.go        Writer: units of data, for each the smaller of two plans
//	deflate_runs.go   matches at the distance of a pixel and of a row
//	deflate_chain.go  matches at any distance
//	deflate_block.go  blocks: where they begin and end, and their symbols
//	deflate_code.go   the Huffman codes of a block
//
// Bad input gives an error, never a panic: ErrHeader, ErrDictionary, ErrChecksum,
// CorruptError, or io.ErrUnexpectedEOF where the data end early. Memory does not
// depend on the input.
package flate

const (
	window   = 32 << 10 // the largest distance of a match (RFC 1951, section 2)
	maxMatch = 258      // the longest match
	maxCode  = 15       // bits of the longest code

	endOfBlock  = 256 // the symbol
	firstLength = 257 // the symbol of the first range of lengths
	numLitLen   = 286 // symbols: literals, end of block, lengths
	numDist     = 30  // symbols of distances
)

// ranges describes a series of ranges of numbers: range i begins at base[i] and has
// 2^extra[i] numbers. Its symbol stands for the range, and extra bits behind it select
// the number. This is how lengths and distances are coded (RFC 1951, section 3.2.5).
// For example, the length symbol 266 is range 9, with base 13 and 1 extra bit: it
// stands for the lengths 13 and 14.
type ranges struct {
	base  [30]uint16
	extra [30]uint8
}

// lengths are the 29 ranges of match lengths; the last one is 258 alone.
var lengths = func() (r ranges) {
	next := uint16(3)
	for i := range 28 {
		if i >= 8 {
			r.extra[i] = uint8(i/4 - 1)
		}
		r.base[i] = next
		next += 1 << r.extra[i]
	}
	r.base[28] = maxMatch
	return r
}()

// distances are the 30 ranges of match distances.
var distances = func() (r ranges) {
	next := uint16(1)
	for i := range numDist {
		if i >= 4 {
			r.extra[i] = uint8(i/2 - 1)
		}
		r.base[i] = next
		next += 1 << r.extra[i]
	}
	return r
}()

// firstCodes returns for each length the number of codes that have it, and the first of
// them. l has the length of the code of each symbol, 0 for none. Shorter codes come first,
// and codes of the same length are in the order of their symbols, so that each is the one
// before plus 1 (RFC 1951, section 3.2.2).
func firstCodes(l []uint8) (count, first [maxCode + 1]int) {
	for _, n := range l {
		count[n]++
	}
	for i := 2; i <= maxCode; i++ {
		first[i] = (first[i-1] + count[i-1]) << 1
	}
	return count, first
}

// lengthOrder is the order in which a dynamic block lists the code lengths of the code
// for code lengths (RFC 1951, section 3.2.7).
var lengthOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
