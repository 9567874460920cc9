package flate

import (
	"encoding/binary"
	"io"
)

const (
	unit     = 128 << 10 // bytes for which a plan is made
	leftover = 16 << 10  // a unit takes up to so many bytes more rather than leave them alone
	pending  = 32 << 10  // compressed bytes that are written at once, at least
	overrun  = maxMatch + 16
)

// Format describes rows, so that a Writer knows where to look for matches.
type Format struct {
	Pixel int // bytes in a pixel, at least 1
	Row   int // bytes in a row
	// Depth is the number of places that a search for a match looks at, and so how long
	// compression takes; 0 means Quick.
	Depth int
}

// Values of Format.Depth.
const (
	Light    = 2   // for rows of which only the pixel before is subtracted: 2 % larger than by Quick
	Quick    = 8   // for filtered rows, of which more depth saves less than 1 %
	Deep     = 64  // for indexes: some 4 % smaller
	Thorough = 128 // for small pictures
)

// Writer compresses to a zlib stream.
//
// The data are cut into units of 128 KiB. For each a plan is made: a list of sequences,
// literals and the match that follows them. There are two ways to find matches:
//
//   - Runs (deflate_runs.go) looks only at the distance of a pixel and of a row, and only
//     at every eighth byte. It suits photographs, of which filters leave noise, where few
//     matches are worth more than their literals, and gradients, of which filters leave
//     long runs. It takes hardly any time.
//   - Chain (deflate_chain.go) looks at all places with the same four bytes. It suits
//     drawings, text and screenshots.
//
// Runs is tried always, chain where a sample says that it pays, and the smaller plan is
// written, in one block or several.
//
// Memory is about 1.7 MiB.
type Writer struct {
	w   io.Writer
	f   Format
	sum uint32 // Adler-32 of the data written so far
	err error  // the first of w

	buf      []byte // the window, a unit, and overrun bytes that may be loaded
	from, to int    // of the data not yet compressed

	runs, chains plan
	cost         [256]uint32 // see measure
	before       []uint32    // see literalCosts
	head         *[hashSize]uint32
	prev         *[window]uint32
	base         uint32 // position of buf[0] in head and prev

	bitWriter
	codes
}

// sequence is a number of literals and the match that follows them. A length of 0 is no
// match: the end of the unit.
type sequence struct {
	literals uint32
	length   uint16
	distance uint16 // less 1
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer, f Format) *Writer {
	d := &Writer{}
	d.buf = make([]byte, window+unit+leftover+overrun)
	d.out = make([]byte, pending+unit+leftover+unit/8)
	d.Restart(w, f)
	return d
}

// Restart starts a new stream to w of rows of another format. It keeps the memory.
func (d *Writer) Restart(w io.Writer, f Format) {
	if f.Depth == 0 {
		f.Depth = Quick
	}
	d.f = f
	d.Reset(w)
}

// Reset starts a new stream to w. It keeps format and memory.
func (d *Writer) Reset(w io.Writer) {
	d.w, d.sum, d.err = w, 1, nil
	d.from, d.to = 0, 0
	d.bitWriter = bitWriter{out: d.out}
	d.put(0x78|0x01<<8, 16) // method 8, window of 32 KiB, check bits (RFC 1950, section 2.2)
	d.forget()
}

// Write compresses p.
func (d *Writer) Write(p []byte) (int, error) {
	d.sum = adler32(d.sum, p)
	for rest := p; len(rest) > 0 && d.err == nil; {
		n := copy(d.buf[d.to:len(d.buf)-overrun], rest)
		d.to += n
		rest = rest[n:]
		if d.to-d.from >= unit+leftover {
			d.unit(d.from+unit, false)
			d.slide()
		}
	}
	if d.err != nil {
		return 0, d.err
	}
	return len(p), nil
}

// Close compresses the rest and ends the stream. It does not close the writer below.
func (d *Writer) Close() error {
	d.unit(d.to, true)
	d.align()
	d.put(uint64(d.sum>>24|d.sum>>8&0xff00|d.sum<<8&0xff0000|d.sum<<24), 32)
	d.flush(0)
	return d.err
}

// slide moves the window and what is not yet compressed to the start of buf.
func (d *Writer) slide() {
	keep := d.from - window
	if keep <= 0 {
		return
	}
	copy(d.buf, d.buf[keep:d.to])
	d.from -= keep
	d.to -= keep
	if d.base += uint32(keep); d.base > 1<<31 {
		d.forget() // before positions overflow
	}
}

// unit compresses the data up to end; final if the stream ends there.
func (d *Writer) unit(end int, final bool) {
	start := d.from
	d.findRuns(start, end)
	d.measure(&d.runs, start)
	best := &d.runs
	if d.f.Depth > Quick || d.chainsPay(start, end) {
		d.findChains(start, end)
		d.measure(&d.chains, start)
		if d.chains.bits < d.runs.bits {
			best = &d.chains
		}
	}
	d.writeBlocks(best, start, end, final)
	d.from = end
	d.flush(pending)
}

// flush writes the compressed bytes to w if they are more than least.
func (d *Writer) flush(least int) {
	if d.op <= least {
		return
	}
	if d.err == nil {
		_, d.err = d.w.Write(d.out[:d.op])
	}
	d.op = 0
}

// matchLength returns the number of equal bytes from p and from q, at most 258 and at
// most to end. Eight bytes are compared at a time; their exclusive or says where the
// first difference is.
func (d *Writer) matchLength(p, q, end int) int {
	most := min(maxMatch, end-p)
	for n := 0; n < most; n += 8 {
		if x := load64(d.buf, p+n) ^ load64(d.buf, q+n); x != 0 {
			return min(most, n+firstByte(x))
		}
	}
	return most
}

func load32(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[i : i+4 : i+4]) }
