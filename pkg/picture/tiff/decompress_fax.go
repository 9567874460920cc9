package tiff

import (
	"errors"
	"io"
)

// faxKind is one of the fax codings that TIFF has.
type faxKind uint8

const (
	faxRLE  faxKind = iota // TIFF 6.0 section 10: T.4 one-dimensional rows, each on a byte boundary, without EOL
	faxRLEW                // the same, each row on a boundary of 16 bits
	fax1D                  // T.4 one-dimensional (group 3)
	fax2D                  // T.4 two-dimensional: a bit behind each EOL says how its row is coded
	faxG4                  // T.6 (group 4): all rows two-dimensional, without EOL
)

var (
	errFaxCode = errors.New("no such fax code")
	errFaxRun  = errors.New("fax runs beyond the row")
	errFaxEnd  = errors.New("end of the fax page")
)

// fax decodes rows of w pixels to one bit a pixel, 0 for white, each row padded to
// a byte. It uses 8 bytes a pixel of one row.
//
// A row is kept as the list of its changing elements (T.4, 4.2.1.1): the pixels
// whose colour differs from that of the pixel before them. The imaginary pixel
// before a row is white, so elements 0, 2, 4 … start black runs. The row
//
//	. . # # # . . #     has the changes 2, 5, 7
//
// One-dimensional rows code the lengths of their runs: 2 white, 3 black, 2 white,
// 1 black. Two-dimensional rows code where each change lies relative to the changes
// of the row above, the reference line.
type fax struct {
	r    io.ByteReader
	kind faxKind
	w    int

	acc     uint32 // the next bits, right-aligned
	bits    int    // how many bits acc holds
	padding int    // how many of them are zeros added after the end of r
	read    int    // bytes taken from r
	err     error  // of r

	white, black, mode *faxTable

	reference, current []int32 // changing elements of the row above and of this one, ascending
	pix                []byte  // what Read has not yet returned of this row
	buf                []byte  // this row, and the last one that could be decoded

	eols    bool // EOL was seen: rows begin with it
	synced  bool // EOL of the next row was consumed
	tag     bool // of faxes with two dimensions: the tag bit behind that EOL
	repeat  int  // rows still to be repeated
	lost    bool // all rows from here on are damaged
	ended   bool // the page's own end came: the rows after it are white
	noted   bool // that it did
	good    int  // rows decoded
	damaged int  // rows that were damaged
}

func newFax(r io.ByteReader, kind faxKind, w int) *fax {
	t := faxTables()
	return &fax{r: r, kind: kind, w: w, white: t[0], black: t[1], mode: t[2], buf: make([]byte, (w+7)/8)}
}

func (f *fax) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(f.pix) == 0 {
			if err := f.next(); err != nil {
				return n, err
			}
			f.pix = f.buf
		}
		c := copy(p[n:], f.pix)
		n, f.pix = n+c, f.pix[c:]
	}
	return n, nil
}

// peek returns the next n bits, n ≤ 24, without consuming them. Beyond the end it
// adds zeros, so that a code near the end can be looked up in a full window.
func (f *fax) peek(n int) uint32 {
	for f.bits < n {
		b, err := f.r.ReadByte()
		if err != nil {
			f.err = err
			f.padding += 8
			b = 0
		}
		f.read++
		f.acc = f.acc<<8 | uint32(b)
		f.bits += 8
	}
	return f.acc >> (f.bits - n) & (1<<n - 1)
}

// skip consumes n bits that were peeked. It fails if that includes padding.
func (f *fax) skip(n int) error {
	f.bits -= n
	if f.bits < f.padding {
		if f.err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		return f.err
	}
	return nil
}

// code reads one code of a table and returns its value, which must be at most most.
// A code that is refused is not consumed: an EOL may begin in it.
func (f *fax) code(t *faxTable, most int) (int, error) {
	c := t[f.peek(faxPeek)]
	if c.bits == 0 {
		if f.padding > 0 && f.bits-f.padding < faxPeek { // the code is cut off, not wrong
			return 0, f.skip(f.bits)
		}
		return 0, errFaxCode
	}
	if int(c.value) > most {
		return 0, errFaxRun
	}
	return int(c.value), f.skip(int(c.bits))
}

// endOfLine consumes an EOL (eleven zeros or more, then a one) if it is next, and
// reports whether it was.
func (f *fax) endOfLine() (bool, error) {
	if f.peek(11) != 0 {
		return false, nil
	}
	for f.peek(1) == 0 {
		if err := f.skip(1); err != nil {
			return false, err
		}
	}
	return true, f.skip(1)
}

// next makes buf the next row. A damaged row repeats the one before it: a receiver of
// faxes does the same (T.4, 4.1.1). Where rows begin with EOL, decoding resumes at the
// next EOL; in faxes of two dimensions at the next that is followed by a row of one
// dimension, as rows of two refer to the row above. Without EOL all rows that follow
// are lost.
func (f *fax) next() error {
	switch {
	case f.ended:
		return nil
	case f.lost:
		f.damaged++
		return nil
	case f.repeat > 0:
		f.repeat--
		return nil
	}
	f.reference, f.current = f.current, f.reference[:0]
	switch err := f.decode(); err {
	case nil:
		f.render()
		f.good++
		return nil
	case errFaxEnd:
		if f.good == 0 {
			return io.ErrUnexpectedEOF
		}
		f.ended = true
		clear(f.buf)
		return nil
	case errFaxCode, errFaxRun:
		if f.kind != fax1D && f.kind != fax2D {
			f.lost = true
			return f.next()
		}
		// One row is damaged, and one more for each EOL at which decoding can't resume. At
		// the end of the data the next row fails.
		for f.damaged++; f.nextEOL() && f.kind == fax2D && !f.tag; f.repeat++ {
			f.damaged++
		}
		return nil
	default:
		return err
	}
}

// decode decodes a row into current.
func (f *fax) decode() error {
	switch f.kind {
	case faxRLE, faxRLEW:
		n := f.bits % 8
		if f.kind == faxRLEW && (f.read-f.bits/8)%2 != 0 {
			n += 8
			f.peek(n)
		}
		if err := f.skip(n); err != nil {
			return err
		}
	case faxG4:
		if f.peek(12) == 1 { // half of EOFB
			return errFaxEnd
		}
		return f.modes()
	default:
		if err := f.startOfLine(); err != nil {
			return err
		}
		if f.kind == fax2D && !f.tag {
			return f.modes()
		}
	}
	return f.runs()
}

// startOfLine consumes the EOL and tag bit before a row, unless that was done already.
// Some writers leave out EOL in faxes of one dimension.
func (f *fax) startOfLine() error {
	if !f.synced {
		found, err := f.endOfLine()
		switch {
		case err != nil:
			return err
		case !found && f.eols: // the row before has more than its pixels
			f.damaged++
			if !f.nextEOL() {
				return io.ErrUnexpectedEOF
			}
		case !found && f.kind == fax2D:
			return errFaxCode
		case found:
			if err := f.readTag(); err != nil {
				return err
			}
		}
	}
	// Two EOLs in a row are the start of RTC, which ends the page (T.4, 4.1.4).
	if (f.synced || f.eols) && f.peek(12) == 1 {
		return errFaxEnd
	}
	f.synced = false
	return nil
}

// readTag consumes what follows an EOL before the row.
func (f *fax) readTag() error {
	f.eols = true
	if f.kind != fax2D {
		return nil
	}
	f.tag = f.peek(1) == 1
	return f.skip(1)
}

// nextEOL skips to the next EOL, consumes it and reports whether there is one.
func (f *fax) nextEOL() bool {
	for {
		found, err := f.endOfLine()
		if err != nil {
			return false
		}
		if found {
			f.synced = f.readTag() == nil
			return f.synced
		}
		if f.skip(1) != nil {
			return false
		}
	}
}

// runs decodes a one-dimensional row: lengths of runs, white first.
func (f *fax) runs() error {
	for at, black := 0, false; at < f.w; black = !black {
		n, err := f.run(black, f.w-at)
		if err != nil {
			return err
		}
		at += n
		f.change(at)
	}
	return nil
}

// run reads the length of a run of at most most pixels: make-up codes, which are multiples of 64, then a
// terminating code of 0 to 63.
func (f *fax) run(black bool, most int) (n int, err error) {
	t := f.white
	if black {
		t = f.black
	}
	for {
		v, err := f.code(t, most-n)
		if err != nil {
			return 0, err
		}
		if n += v; v < 64 {
			return n, nil
		}
	}
}

// change adds a changing element. Two at the same pixel, as a run of length 0
// makes them, cancel each other.
func (f *fax) change(at int) {
	if n := len(f.current); n > 0 && int(f.current[n-1]) == at {
		f.current = f.current[:n-1]
	} else if at < f.w {
		f.current = append(f.current, int32(at))
	}
}

// modes decodes a two-dimensional row (T.4, 4.2.1.3; T.6, 2.2). a0 is the pixel up
// to which the row is decoded, b1 the first changing element of the reference line
// to the right of a0 that changes to the colour opposite to the current one, b2
// the changing element after b1. Three modes code what comes next:
//
//	vertical    the next change a1 lies at b1, or up to 3 pixels beside it
//	horizontal  two runs follow, coded as in one dimension
//	pass        no change until b2: the run goes on below it
func (f *fax) modes() error {
	colour, a0, i := 0, -1, 0
	for a0 < f.w {
		for i > 0 && int(f.reference[i-1]) > a0 {
			i--
		}
		for i < len(f.reference) && (int(f.reference[i]) <= a0 || i&1 != colour) {
			i++
		}
		b1, b2 := f.w, f.w
		if i < len(f.reference) {
			b1 = int(f.reference[i])
		}
		if i+1 < len(f.reference) {
			b2 = int(f.reference[i+1])
		}
		mode, err := f.code(f.mode, modeHorizontal)
		if err != nil {
			return err
		}
		switch mode {
		case modePass:
			a0 = b2
		case modeHorizontal:
			a0 = max(a0, 0)
			for k := range 2 {
				n, err := f.run(colour^k == 1, f.w-a0)
				if err != nil {
					return err
				}
				a0 += n
				f.change(a0)
			}
		default:
			a1 := b1 + mode - modeVertical
			if a1 < max(a0, 0) || a1 > f.w {
				return errFaxRun
			}
			f.change(a1)
			a0 = a1
			colour ^= 1
		}
	}
	return nil
}

// render turns the changing elements of the current row into bits.
func (f *fax) render() {
	clear(f.buf)
	for i := 0; i < len(f.current); i += 2 {
		end := f.w
		if i+1 < len(f.current) {
			end = int(f.current[i+1])
		}
		for x := int(f.current[i]); x < end; {
			if x%8 == 0 && end-x >= 8 {
				f.buf[x/8] = 0xff
				x += 8
				continue
			}
			f.buf[x/8] |= 0x80 >> (x % 8)
			x++
		}
	}
}
