package jpeg

import "imgtools/pkg/fault"

// unzig maps a position in the zig-zag order (T.81 figure A.6) to its place in a block,
// in rows of eight.
var unzig = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
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

// symbol decodes one symbol of a block of which k coefficients have been passed, and
// returns how many have been after it, with endPair at the end of the block.
func (t *pairTables) symbol(e *entropy, c *laneValues, k uint) (uint, error) {
	if k == 0 {
		d, err := e.diff(t.dcTable)
		c[0] = int16(d)
		return 1, err
	}
	run, v, err := e.coefficient(t.acTable)
	switch {
	case err != nil:
		return 0, err
	case run == endRun:
		return k + endPair + 1, nil
	case k+uint(run) > 63:
		return 0, errRun
	}
	k += uint(run)
	c[k%groupRows*groupStep] = int16(v)
	return k + 1, nil
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
