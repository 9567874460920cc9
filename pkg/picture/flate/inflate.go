package flate

import (
	"encoding/binary"
	"io"
)

const (
	decoded = 128 << 10 // bytes decoded before the window is moved, at least
	slack   = 320       // bytes behind limit that the last symbols may overwrite
)

// state is what an inflater expects next in its input.
type state uint8

const (
	atBlock  state = iota // the header of a block
	inStored              // bytes of a stored block
	inCodes               // symbols of a block with Huffman codes
	atEnd                 // nothing: the last block is complete
)

// inflater decompresses DEFLATE.
//
// Bits are packed from the lowest bit of each byte (RFC 1951, section 3.1.1). The next
// bits of the input are in bits, the first of them lowest:
//
//	input bytes   b0        b1        b2
//	bits          … b2 b1 b0 (lowest)
//
// Decoded bytes go to buf. The bytes before from have been handed out, and serve as the
// window; those from from to to have not. When to reaches limit, decoding pauses until
// slide moves the window to the start of buf.
type inflater struct {
	src    Source
	srcErr error  // of src: there are no more pieces
	in     []byte // the current piece
	ip     int    // bytes of in that are already in bits
	before int64  // bytes of the pieces before
	bits   uint64
	n      uint // valid bits in bits; those above are 0

	buf      []byte
	from, to int
	limit    int
	err      error // of decode; bytes before it are handed out first

	state  state
	final  bool // this block is the last one
	stored int  // bytes of the stored block still to come
	fixed  bool // the tables are those of fixed codes
	lit    [litSize]uint32
	dist   [distSize]uint32
}

// reset starts at the beginning of a stream.
func (f *inflater) reset(src Source) {
	f.src, f.srcErr, f.in, f.ip, f.before, f.bits, f.n = src, nil, nil, 0, 0, 0, 0
	f.from, f.to, f.err = 0, 0, nil
	f.state, f.final, f.stored = atBlock, false, 0
}

// taken returns the number of input bytes used so far. A byte of which only some bits
// are used counts.
func (f *inflater) taken() int64 { return f.before + int64(f.ip) - int64(f.n/8) }

// grow makes buf as large as handing out n bytes at once needs.
func (f *inflater) grow(n int) {
	f.limit = window + n
	buf := make([]byte, f.limit+slack)
	copy(buf, f.buf[:f.to])
	f.buf = buf
}

// slide makes room for n bytes from from, and for decoding: it moves the bytes not yet
// handed out, and the window before them, to the start of buf.
func (f *inflater) slide(n int) {
	if f.to < f.limit && f.from+n <= f.limit {
		return
	}
	keep := max(0, min(f.from, f.to-window))
	copy(f.buf, f.buf[keep:f.to])
	f.from -= keep
	f.to -= keep
}

// decode decodes until to reaches limit or the data end.
func (f *inflater) decode() error {
	for f.to < f.limit && f.state != atEnd {
		var err error
		switch f.state {
		case atBlock:
			err = f.block()
		case inStored:
			err = f.copyStored()
		case inCodes:
			if len(f.in)-f.ip >= fastInput {
				err = f.fast()
			}
			// The fast loop leaves what is rare to symbol: the end of a block, invalid
			// codes, and the last bytes of a piece.
			if err == nil && f.to < f.limit {
				err = f.symbol()
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fill moves input to bits until at least n of them are valid, or all if there are
// fewer; n is at most 56.
func (f *inflater) fill(n uint) {
	for f.n < n {
		if f.ip == len(f.in) && !f.piece() {
			return
		}
		f.bits |= uint64(f.in[f.ip]) << f.n
		f.ip++
		f.n += 8
	}
}

// piece gets the next piece of input. It returns false if there is none.
func (f *inflater) piece() bool {
	f.before += int64(len(f.in))
	f.in, f.ip = nil, 0
	for f.srcErr == nil && len(f.in) == 0 {
		f.in, f.srcErr = f.src.Piece()
	}
	return len(f.in) > 0
}

// short returns the error for input that ends too early.
func (f *inflater) short() error {
	if f.srcErr == nil || f.srcErr == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return f.srcErr
}

func (f *inflater) corrupt() error { return CorruptError(f.taken() - headerSize) }

// drop removes the first n valid bits and returns them.
func (f *inflater) drop(n uint) uint64 {
	v := f.bits & (1<<n - 1)
	f.bits >>= n
	f.n -= n
	return v
}

// take returns the next n bits of the input, at most 56.
func (f *inflater) take(n uint) (uint64, error) {
	if f.fill(n); f.n < n {
		return 0, f.short()
	}
	return f.drop(n), nil
}

// wholeBytes skips to the next whole byte and returns n bytes, the first lowest.
func (f *inflater) wholeBytes(n uint) (uint64, error) {
	f.drop(f.n & 7)
	return f.take(8 * n)
}

// copyStored decodes bytes of a stored block. The first may be in bits already.
func (f *inflater) copyStored() error {
	for f.stored > 0 && f.to < f.limit {
		if f.n > 0 {
			f.buf[f.to] = byte(f.drop(8))
			f.to++
			f.stored--
			continue
		}
		if f.ip == len(f.in) && !f.piece() {
			return f.short()
		}
		n := copy(f.buf[f.to:min(f.limit, f.to+f.stored)], f.in[f.ip:])
		f.ip += n
		f.to += n
		f.stored -= n
	}
	if f.stored == 0 {
		f.endBlock()
	}
	return nil
}

// use drops the code of n bits for which a table has the entry e. It checks that there is
// such a code, and that all its bits are there.
func (f *inflater) use(e uint32, n uint) error {
	switch {
	case e == 0:
		return f.corrupt()
	case n > f.n:
		return f.short()
	}
	f.drop(n)
	return nil
}

func (f *inflater) endBlock() {
	f.state = atBlock
	if f.final {
		f.state = atEnd
	}
}

// symbol decodes one symbol, and with a length also its distance. It checks everything,
// and works at the end of the input, where a table look-up sees zeros for the bits that
// are missing: what was found counts only if its code is no longer than the bits there
// are.
func (f *inflater) symbol() error {
	f.fill(maxCode)
	e := f.lit[f.bits&litMask]
	if e&isSub != 0 {
		e = f.lit[subEntry(e, f.bits>>litBits)%litSize]
	}
	n := uint(e & bitsMask)
	if e&isLits == 2*oneLit { // of a pair only the first
		n = uint(e >> firstShift & 15)
	}
	if err := f.use(e, n); err != nil {
		return err
	}
	switch {
	case e&isLits != 0:
		f.buf[f.to] = byte(e >> valueShift)
		f.to++
		return nil
	case e == endEntry|uint32(n):
		f.endBlock()
		return nil
	case e&isLen == 0:
		return f.corrupt()
	}
	x, err := f.take(uint(e >> extraShift & 7))
	if err != nil {
		return err
	}
	length := int(e>>valueShift) + int(x)

	f.fill(maxCode)
	e = f.dist[f.bits&distMask]
	if e&isSub != 0 {
		e = f.dist[subEntry(e, f.bits>>distBits)%distSize]
	}
	if err := f.use(e, uint(e&bitsMask)); err != nil {
		return err
	}
	if e>>valueShift == 0 {
		return f.corrupt()
	}
	if x, err = f.take(uint(e >> distExtraShift & 15)); err != nil {
		return err
	}
	d := int(e>>valueShift) + int(x)
	if d > f.to {
		return f.corrupt()
	}
	for range length {
		f.buf[f.to] = f.buf[f.to-d]
		f.to++
	}
	return nil
}

func load64(b []byte, i int) uint64     { return binary.LittleEndian.Uint64(b[i : i+8 : i+8]) }
func store64(b []byte, i int, v uint64) { binary.LittleEndian.PutUint64(b[i:i+8:i+8], v) }
func store16(b []byte, i int, v uint16) { binary.LittleEndian.PutUint16(b[i:i+2:i+2], v) }
