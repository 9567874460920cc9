package tiff

import (
	"errors"
	"io"
)

// faxKind is one of the ways of fax coding in TIFF.
type faxKind uint8

const (
	faxRLE faxKind = iota // TIFF 6.0 section 10: T.4 rows on byte boundaries, no end-of-line codes
	fax1D                 // T.4, one-dimensional
	fax2D                 // T.4, two-dimensional
	faxG4                 // T.6
)

var (
	errFaxCode = errors.New("no such fax code")
	errFaxRun  = errors.New("fax runs beyond the row")
)

// fax decodes rows of w pixels to one bit a pixel, 0 white, each row padded to a
// byte. It needs 8 bytes a pixel of one row.
type fax struct {
	r    io.ByteReader
	kind faxKind
	w    int

	acc  uint32 // the next bits, right-aligned
	bits int    // of them
	past int    // bits among them that were made up after the end
	err  error  // of r

	white, black, mode *faxTable

	// Where the colour changes, in the row above and this one: rising, the first
	// to black.
	above, row []int32
	pix        []byte // of this row, not yet given
	buf        []byte
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
		}
		c := copy(p[n:], f.pix)
		n, f.pix = n+c, f.pix[c:]
	}
	return n, nil
}

// peek returns the next n bits, n ≤ 24, with zeros after the end.
func (f *fax) peek(n int) uint32 {
	for f.bits < n {
		b, err := f.r.ReadByte()
		if err != nil {
			f.err = err
			f.past += 8
			b = 0
		}
		f.acc = f.acc<<8 | uint32(b)
		f.bits += 8
	}
	return f.acc >> (f.bits - n) & (1<<n - 1)
}

// skip drops n bits that were peeked, and fails if some of them never came.
func (f *fax) skip(n int) error {
	f.bits -= n
	if f.bits < f.past {
		if f.err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		return f.err
	}
	return nil
}

func (f *fax) code(t *faxTable) (int, error) {
	c := t[f.peek(faxPeek)]
	if c.bits == 0 {
		if f.past > 0 { // made up zeros are no code
			return 0, f.skip(f.bits)
		}
		return 0, errFaxCode
	}
	return int(c.value), f.skip(int(c.bits))
}

// endOfLine reads an end-of-line code and the fill before it, if that is next.
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

// next decodes a row.
func (f *fax) next() error {
	f.above, f.row = f.row, f.above[:0]
	flat := f.kind != faxG4
	switch f.kind {
	case faxRLE:
		if err := f.skip(f.bits % 8); err != nil {
			return err
		}
	case fax1D, fax2D:
		// The first code may be missing; two in a row end the page early.
		found, err := f.endOfLine()
		if err != nil {
			return err
		}
		if f.kind == fax2D {
			if !found {
				return errFaxCode
			}
			flat = f.peek(1) == 1
			if err := f.skip(1); err != nil {
				return err
			}
		}
		if found && f.peek(12) == 1 {
			return io.ErrUnexpectedEOF
		}
	}
	var err error
	if flat {
		err = f.flat()
	} else {
		err = f.sloped()
	}
	if err != nil {
		return err
	}
	f.paint()
	return nil
}

// flat decodes a one-dimensional row: runs, white first.
func (f *fax) flat() error {
	for at, black := 0, false; at < f.w; black = !black {
		n, err := f.run(black)
		if err != nil {
			return err
		}
		if at += n; at > f.w {
			return errFaxRun
		}
		f.change(at)
	}
	return nil
}

// run reads the length of a run: make-up codes and a terminating one.
func (f *fax) run(black bool) (n int, err error) {
	t := f.white
	if black {
		t = f.black
	}
	for {
		v, err := f.code(t)
		if err != nil {
			return 0, err
		}
		if n += v; v < 64 {
			return n, nil
		}
		if n > f.w {
			return 0, errFaxRun
		}
	}
}

// change notes that the colour changes at a pixel; changing twice is no change.
func (f *fax) change(at int) {
	if n := len(f.row); n > 0 && int(f.row[n-1]) == at {
		f.row = f.row[:n-1]
	} else if at < f.w {
		f.row = append(f.row, int32(at))
	}
}

// sloped decodes a two-dimensional row, T.4 section 4.2.1.3: a0 is where the row
// has come to, b1 the first change above beyond it to the other colour, b2 the
// one after.
func (f *fax) sloped() error {
	colour, a0, i := 0, -1, 0
	for a0 < f.w {
		for i > 0 && int(f.above[i-1]) > a0 {
			i--
		}
		for i < len(f.above) && (int(f.above[i]) <= a0 || i&1 != colour) {
			i++
		}
		b1, b2 := f.w, f.w
		if i < len(f.above) {
			b1 = int(f.above[i])
		}
		if i+1 < len(f.above) {
			b2 = int(f.above[i+1])
		}
		mode, err := f.code(f.mode)
		if err != nil {
			return err
		}
		switch mode {
		case modePass:
			a0 = b2
		case modeAcross:
			a0 = max(a0, 0)
			for k := range 2 {
				n, err := f.run(colour^k == 1)
				if err != nil {
					return err
				}
				if a0 += n; a0 > f.w {
					return errFaxRun
				}
				f.change(a0)
			}
		default:
			a1 := b1 + mode - 3
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

// paint makes bits of the changes.
func (f *fax) paint() {
	clear(f.buf)
	for i := 0; i < len(f.row); i += 2 {
		end := f.w
		if i+1 < len(f.row) {
			end = int(f.row[i+1])
		}
		for x := int(f.row[i]); x < end; {
			if x%8 == 0 && end-x >= 8 {
				f.buf[x/8] = 0xff
				x += 8
				continue
			}
			f.buf[x/8] |= 0x80 >> (x % 8)
			x++
		}
	}
	f.pix = f.buf
}
