package tiff

import (
	"errors"
	"fmt"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/raster"
)

// rows is a page whose decoding has started.
//
// Of what lies outside the wanted part no sample is unpacked. Samples without
// compression are not even read there, as only their end could be missing; strips and
// tiles with compression are decompressed to see that they can be, unless skip is set.
type rows struct {
	t       *Reader
	part    geometry.Rect
	skip    bool           // compressed segments outside part are not read
	segs    []decompressor // one for each plane
	u       *unpacker
	y       int    // next row
	row     []byte // one of a segment, decompressed
	tmp     []byte // as long, for unpredict
	band    raster.Band
	raw     samples // unpacked, before colour conversion; unused if that is in place
	out     samples
	err     error
	damaged int  // fax lines
	noted   bool // that segments are skipped
}

// samples are those of a band, in pix or pix16 by the depth.
type samples struct {
	pix   []uint8
	pix16 []uint16
}

// grow makes room for n samples.
func (s *samples) grow(n int, bits uint8) {
	if bits == 8 {
		s.pix = grow(s.pix, n)
	} else {
		s.pix16 = grow(s.pix16, n)
	}
}

// fill makes all samples the largest that there are.
func (s *samples) fill() {
	for i := range s.pix {
		s.pix[i] = 0xff
	}
	for i := range s.pix16 {
		s.pix16[i] = 0xffff
	}
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		s = make([]T, n)
	}
	return s[:n]
}

// Rows starts the decoding. Of the hint it uses Part and Skip, and Luma where segments are
// JPEGs of YCbCr: rows are then Gray.
func (t *Reader) Rows(hint raster.Hint) (raster.Rows, error) {
	if hint.Luma && t.jpegYCbCr && t.samples == 3 {
		t.dropChroma()
	}
	r := &rows{t: t, part: hint.Part, skip: hint.Skip, row: make([]byte, t.rowBytes()), u: newUnpacker(&t.page, t.file.order)}
	if r.part == (geometry.Rect{}) {
		r.part = geometry.Whole(t.h.FullW, t.h.FullH)
	}
	if t.predictor == 3 {
		r.tmp = make([]byte, len(r.row))
	}
	r.segs = make([]decompressor, t.planes())
	for i := range r.segs {
		r.segs[i].t = t
	}
	return r, nil
}

// dropChroma makes a page of YCbCr in JPEG one of gray: its Y, which is Rec. 601 luma.
func (t *Reader) dropChroma() {
	gray := *t.h
	gray.Layout, gray.ICC = raster.Gray, nil
	t.coloured, t.h = t.h, &gray
	t.model, t.samples, t.pick = modelGray, 1, []int{0}
}

func (r *rows) Header() *raster.Header { return r.t.h }

// Next returns some rows of a strip, or one row of tiles.
func (r *rows) Next() (*raster.Band, error) {
	if r.err == nil {
		r.err = r.next()
	}
	return &r.band, r.err
}

func (r *rows) next() error {
	t := r.t
	if r.y == t.h.FullH {
		if r.damaged > 0 {
			t.Note("%d of %d fax lines are damaged and repeat the line before", r.damaged, t.h.FullH)
		}
		return io.EOF
	}
	n := min(t.segH-r.y%t.segH, t.h.FullH-r.y, t.bandRows())
	stride := t.h.FullW * t.h.Layout.Samples()
	r.out.grow(n*stride, t.h.Bits)
	if r.part != geometry.Whole(t.h.FullW, t.h.FullH) {
		r.out.fill() // what lies outside counts as opaque
	}
	raw := &r.out
	if !t.direct() {
		raw = &r.raw
		raw.grow(n*t.h.FullW*len(t.pick), t.h.Bits)
	}
	for i := range t.across {
		for c := range r.segs {
			if err := r.segment(raw, n, i, c); err != nil {
				return err
			}
		}
	}
	p := raster.Plane{Stride: stride, Rows: n}
	p.Pix, p.Pix16 = r.out.pix, r.out.pix16
	r.colour(raw, n)
	r.band = raster.Band{Y: r.y, Planes: [3]raster.Plane{p}}
	r.y += n
	return nil
}

// colour makes colours of what lies in the part of the next n rows.
func (r *rows) colour(raw *samples, n int) {
	t, part := r.t, geometry.Rect{Y: r.y, W: r.t.h.FullW, H: n}.And(r.part)
	out, in := t.h.Layout.Samples(), t.h.Layout.Samples()
	if !t.direct() {
		in = len(t.pick)
	}
	runs, length := part.H, part.W
	if part.W == t.h.FullW { // the rows follow each other
		runs, length = min(1, part.H), part.W*part.H
	}
	for y := range runs {
		at := (part.Y-r.y+y)*t.h.FullW + part.X
		if t.h.Bits == 8 {
			t.colour8(r.out.pix[at*out:][:length*out], raw.pix[at*in:][:length*in])
		} else {
			t.colour16(r.out.pix16[at*out:][:length*out], raw.pix16[at*in:][:length*in])
		}
	}
}

// segment unpacks the next n rows of the segment in column i, of plane c.
func (r *rows) segment(raw *samples, n, i, c int) error {
	t, s := r.t, &r.segs[c]
	x := i * t.segW
	width := min(t.segW, t.h.FullW-x)
	index := t.segment(c, i, r.y)
	unit := t.unitRows()
	wanted := geometry.Rect{X: x, Y: r.y, W: width, H: n}.And(r.part).H > 0
	if r.y%t.segH == 0 {
		s.part = geometry.Rect{X: x, Y: r.y, W: width, H: t.segH}.And(r.part)
		s.part.X, s.part.Y = s.part.X-x, s.part.Y-r.y
		s.skipped = r.skip && s.part.H == 0 && t.compression != compNone
		if s.skipped {
			r.noteSkipped()
			return nil
		}
		rows := t.segH
		if !t.tiled {
			rows = min(rows, t.h.FullH-r.y)
		}
		need := int64((rows+unit-1)/unit) * t.rowBytes()
		if s.failed = s.open(index, need); s.failed != nil {
			if err := r.lost(index, r.y, s.failed); err != nil {
				return err
			}
		}
	}
	if s.skipped {
		return nil
	}
	for y := 0; y < n; y += unit {
		if s.failed == nil {
			if s.failed = r.read(s, wanted); s.failed == nil && s.fax != nil {
				if err := r.faxRow(s.fax, r.y+y); err != nil {
					return err
				}
			} else if s.failed != nil {
				if err := r.lost(index, r.y+y, s.failed); err != nil {
					return err
				}
			}
		}
		if !wanted {
			continue
		}
		if s.failed != nil {
			t.blank(r.row)
		}
		at := (y*t.h.FullW + x) * len(t.pick)
		if t.subsampled() {
			r.u.units(raw.pix[at:], r.row, width, min(unit, n-y))
		} else if t.h.Bits == 8 {
			r.u.row8(raw.pix[at:], r.row, width, c)
		} else {
			r.u.row16(raw.pix16[at:], r.row, width, c)
		}
	}
	return nil
}

// blank fills a row with what missing samples are taken for: 0, and of YCbCr gray.
func (t *page) blank(row []byte) {
	clear(row)
	if t.model == modelYCbCr {
		for i := range row {
			row[i] = 128
		}
	}
}

// noteSkipped says once that damage may have been missed.
func (r *rows) noteSkipped() {
	if !r.noted {
		r.t.Note("%ss outside the crop were not checked", r.t.kind())
		r.noted = true
	}
}

// read reads the next row of the open segment, or passes over it if it is not wanted.
func (r *rows) read(s *decompressor, wanted bool) error {
	if !wanted && s.plain != nil {
		return s.plain.skip(len(r.row))
	}
	if _, err := io.ReadFull(s.data, r.row); err != nil {
		return err
	}
	if wanted && r.t.predictor != 1 {
		r.t.unpredict(r.row, r.tmp, r.t.file.order)
	}
	return nil
}

// faxRow notes what became of row y. It refuses a page of which too much is damaged.
func (r *rows) faxRow(f *fax, y int) error {
	t := r.t
	if f.ended && !f.noted {
		f.noted = true
		t.Note("fax page ends after %d of %d rows", y, t.h.FullH)
	}
	r.damaged += f.damaged
	f.damaged = 0
	if r.damaged*maxFaxDamage > t.h.FullH && !t.lim.Lenient {
		return fault.New(fault.Format, "damaged at row %d of %d: %d fax lines", y, t.h.FullH, r.damaged)
	}
	return nil
}

// lost is called where row y of the picture can't be read from a segment. It returns
// the error to stop with, or nil if the rest of the segment is to be taken as zeros.
func (r *rows) lost(index, y int, err error) error {
	t := r.t
	where := fmt.Sprintf("%s %d of %d", t.kind(), index+1, len(t.offsets))
	_, known := errors.AsType[*fault.Error](err)
	switch {
	case known:
		err = fault.New(fault.Of(err), "%s: %w", where, err)
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		err = fault.New(fault.Format, "truncated after %d of %d rows (%s)", y, t.h.FullH, where)
	default:
		err = fault.New(fault.Format, "damaged at row %d of %d (%s): %w", y, t.h.FullH, where, err)
	}
	if !t.lim.Lenient || fault.Of(err) != fault.Format {
		return err
	}
	t.Note("%v", err)
	return nil
}
