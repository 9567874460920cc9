package pnm

import (
	"bufio"
	"encoding/binary"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// Reader is a PNM or PAM whose header has been read. It implements raster.Reader.
type Reader struct {
	raster.NoteList

	b   *bufio.Reader
	hd  header
	out *raster.Header
	lim raster.Limits
}

// Open reads the header of the picture in the first size bytes of r.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Reader, error) {
	return OpenStream(io.NewSectionReader(r, 0, size), lim)
}

// OpenStream is like Open, but reads a stream. It reads at most 64 KiB beyond the end of
// the picture.
func OpenStream(r io.Reader, lim raster.Limits) (*Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	hd, err := readHeader(b)
	if err != nil {
		return nil, err
	}
	if err := lim.CheckSize(hd.w, hd.h, 1); err != nil {
		return nil, err
	}
	bits := uint8(8)
	if hd.maxval > 255 {
		bits = 16
	}
	p := &Reader{b: b, hd: hd, out: raster.NewHeader(int(hd.w), int(hd.h), hd.layout, bits), lim: lim}
	if hd.note != "" {
		p.Note("%s", hd.note)
	}
	return p, nil
}

// Depth returns the number of bits that hold maxval: 1, 2, 4, 8 or 16.
func (r *Reader) Depth() int {
	for _, bits := range []int{1, 2, 4} {
		if r.hd.maxval == 1<<bits-1 {
			return bits
		}
	}
	return int(r.out.Bits)
}

// Header returns the header of the picture: Gray, GrayA, RGB or RGBA, of 8 bits if
// maxval is at most 255, else of 16.
func (r *Reader) Header() *raster.Header { return r.out }

// Rows starts decoding. The hint is not used. Rows may be called once. Samples above
// maxval become maxval, with a note. With Limits.Lenient the rows after a missing sample
// are black, or transparent if the picture has alpha.
func (r *Reader) Rows(raster.Hint) (raster.Rows, error) {
	n := r.out.W() * r.out.Layout.Samples() // at most 2^30
	wide := int(r.out.Bits / 8)
	d := &rows{r: r, n: n, band: raster.BandRows(n*wide, r.out.H())}
	// A band of samples and the bytes it is made from.
	if err := r.lim.CheckMem(int64(n) * int64(d.band) * int64(wide) * 2); err != nil {
		return nil, err
	}
	p := &d.out.Planes[0]
	p.Stride = n
	switch {
	case wide == 2:
		p.Pix16 = make([]uint16, n*d.band)
		d.raw = make([]byte, 2*n)
	case r.hd.magic == '4':
		d.raw = make([]byte, (n+7)/8)
		fallthrough
	default:
		p.Pix = make([]uint8, n*d.band)
	}
	d.widen(r.hd.maxval)
	return d, nil
}

// rows decodes a picture band by band.
type rows struct {
	r    *Reader
	n    int    // samples in a row
	band int    // rows in a band
	y    int    // rows decoded so far
	raw  []byte // a row as it is in the file; nil if those are the samples
	out  raster.Band

	missing bool           // the file has ended, and that is accepted
	wide8   *[256]uint8    // from 0..maxval to 0..255; nil if maxval is 255
	wide16  *[65536]uint16 // from 0..maxval to 0..65535; nil if maxval is 65535
}

func (d *rows) Header() *raster.Header { return d.r.out }

// widen makes the table that scales 0..maxval to the full range, rounded to nearest.
// Larger samples are as maxval.
func (d *rows) widen(maxval int) {
	switch {
	case maxval < 255:
		d.wide8 = new([256]uint8)
		for v := range d.wide8 {
			d.wide8[v] = uint8((min(v, maxval)*255 + maxval/2) / maxval)
		}
	case maxval > 255 && maxval < 65535:
		d.wide16 = new([65536]uint16)
		for v := range d.wide16 {
			d.wide16[v] = uint16((min(v, maxval)*65535 + maxval/2) / maxval)
		}
	}
}

func (d *rows) Next() (*raster.Band, error) {
	h := d.r.out.H()
	if d.y == h {
		return nil, io.EOF
	}
	p := &d.out.Planes[0]
	p.Rows = min(d.band, h-d.y)
	d.out.Y = d.y
	for i := 0; i < p.Rows; i++ {
		if err := d.row(p, i); err != nil {
			return nil, err
		}
	}
	d.y += p.Rows
	return &d.out, nil
}

// row reads row i of the band p.
func (d *rows) row(p *raster.Plane, i int) (err error) {
	var dst8 []uint8
	var dst16 []uint16
	if p.Pix16 != nil {
		dst16 = p.Pix16[i*d.n : (i+1)*d.n]
	} else {
		dst8 = p.Pix[i*d.n : (i+1)*d.n]
	}
	if !d.missing {
		if dst16 != nil {
			err = d.row16(dst16)
		} else {
			err = d.row8(dst8)
		}
		if err == nil {
			return nil
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = raster.Truncated(d.y+i, d.r.out.H())
		}
		if !d.r.lim.Lenient || fault.Of(err) != fault.Format {
			return err
		}
		d.r.Note("%v", err)
		d.missing = true
	}
	clear(dst8)
	clear(dst16)
	return nil
}

// row8 reads a row of a picture with maxval up to 255.
func (d *rows) row8(dst []uint8) error {
	switch d.r.hd.magic {
	case '1':
		return d.plainBits(dst)
	case '4':
		return d.rawBits(dst)
	case '2', '3':
		for i := range dst {
			v, err := d.plain()
			if err != nil {
				return err
			}
			dst[i] = uint8(v)
		}
	default:
		if _, err := io.ReadFull(d.r.b, dst); err != nil {
			return ioError(err)
		}
	}
	if d.wide8 == nil {
		return nil
	}
	top := uint8(0)
	for i, v := range dst {
		top = max(top, v)
		dst[i] = d.wide8[v]
	}
	d.check(int(top))
	return nil
}

// row16 reads a row of a picture with maxval over 255.
func (d *rows) row16(dst []uint16) error {
	if d.r.hd.magic == '2' || d.r.hd.magic == '3' {
		for i := range dst {
			v, err := d.plain()
			if err != nil {
				return err
			}
			dst[i] = uint16(v)
		}
	} else {
		if _, err := io.ReadFull(d.r.b, d.raw); err != nil {
			return ioError(err)
		}
		for i := range dst {
			dst[i] = binary.BigEndian.Uint16(d.raw[2*i:])
		}
	}
	if d.wide16 == nil {
		return nil
	}
	top := uint16(0)
	for i, v := range dst {
		top = max(top, v)
		dst[i] = d.wide16[v]
	}
	d.check(int(top))
	return nil
}

// rawBits reads a row of P4. The first pixel of a byte is its highest bit; 1 is black.
func (d *rows) rawBits(dst []uint8) error {
	if _, err := io.ReadFull(d.r.b, d.raw); err != nil {
		return ioError(err)
	}
	for i := range dst {
		dst[i] = (d.raw[i>>3] >> (7 - i&7) & 1) - 1 // 0 → 255, 1 → 0
	}
	return nil
}

// plainBits reads a row of P1. White space between its digits is optional.
func (d *rows) plainBits(dst []uint8) error {
	for i := 0; i < len(dst); {
		c, err := headerByte(d.r.b)
		switch {
		case err != nil:
			return ioError(err)
		case c == '0' || c == '1':
			dst[i] = c - '1' // '0' → 255, '1' → 0
			i++
		case !isSpace(c):
			return fault.New(fault.Format, "PBM: byte %q is neither 0 nor 1", c)
		}
	}
	return nil
}

// plain reads one decimal sample, at most maxval.
func (d *rows) plain() (int, error) {
	v, digits := 0, 0
	for {
		c, err := headerByte(d.r.b)
		switch {
		case err == io.EOF && digits > 0: // white space after the last sample is optional
			return v, nil
		case err != nil:
			return 0, ioError(err)
		case c >= '0' && c <= '9':
			if v = v*10 + int(c-'0'); v > d.r.hd.maxval {
				d.check(v)
				v = d.r.hd.maxval
			}
			digits++
		case isSpace(c) && digits > 0:
			return v, nil
		case !isSpace(c):
			return 0, fault.New(fault.Format, "PNM: byte %q is not a digit", c)
		}
	}
}

// check notes a sample above maxval.
func (d *rows) check(v int) {
	if v > d.r.hd.maxval {
		d.r.Note("samples above maxval %d", d.r.hd.maxval)
	}
}

// ioError returns io.ErrUnexpectedEOF, which Next turns into "truncated", for every end
// of the file, and an error of kind Internal for anything else.
func ioError(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return io.ErrUnexpectedEOF
	}
	return fault.New(fault.Internal, "read: %w", err)
}
