package tiff

import (
	"encoding/binary"
	"errors"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// rows is a picture whose decoding has started.
type rows struct {
	t     *Reader
	seg   decompressor
	y     int    // next row
	row   []byte // one of a segment, decompressed
	table [256]uint8
	band  raster.Band
	pix   []uint8
	pix16 []uint16
	err   error
}

// Rows starts the decoding. It ignores hints.
func (t *Reader) Rows(raster.Hint) (raster.Rows, error) {
	r := &rows{t: t, row: make([]byte, t.rowBytes())}
	r.seg.t = t
	// Palette indexes stay as they are, other samples are scaled to 8 bits.
	top := 1<<min(t.bits, 8) - 1
	for v := range r.table {
		g := v & top
		if t.h.Layout != raster.Indexed {
			g = (g*255 + top/2) / top
			if t.inverted {
				g = 255 - g
			}
		}
		r.table[v] = uint8(g)
	}
	return r, nil
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
	h := t.h.FullH
	if r.y == h {
		return io.EOF
	}
	stride := t.h.FullW * t.h.Layout.Samples()
	n := min(t.segH-r.y%t.segH, h-r.y)
	if t.across == 1 {
		n = min(n, raster.BandRows(stride*int(t.h.Bits/8), h))
	}
	p := raster.Plane{Stride: stride, Rows: n}
	if t.h.Bits == 8 {
		r.pix = grow(r.pix, n*stride)
		p.Pix = r.pix
	} else {
		r.pix16 = grow(r.pix16, n*stride)
		p.Pix16 = r.pix16
	}
	r.band = raster.Band{Y: r.y, Planes: [3]raster.Plane{p}}
	for i := range t.across {
		if r.y%t.segH == 0 {
			index := r.y/t.segH*t.across + i
			if err := r.seg.open(index); err != nil {
				return r.damaged(r.y, err)
			}
		}
		x := i * t.segW
		width := min(t.segW, t.h.FullW-x)
		for y := range n {
			if _, err := io.ReadFull(r.seg.data, r.row); err != nil {
				return r.damaged(r.y+y, err)
			}
			if t.predictor {
				r.unpredict()
			}
			at := y*stride + x*t.h.Layout.Samples()
			if t.h.Bits == 8 {
				r.fill8(p.Pix[at:], width)
			} else {
				r.fill16(p.Pix16[at:], width)
			}
		}
	}
	r.y += n
	return nil
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		s = make([]T, n)
	}
	return s[:n]
}

// damaged turns an error met in row y into one that names the row.
func (r *rows) damaged(y int, err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return raster.Truncated(y, r.t.h.FullH)
	}
	if _, has := errors.AsType[*fault.Error](err); has {
		return err
	}
	return fault.New(fault.Format, "damaged at row %d of %d: %w", y, r.t.h.FullH, err)
}

// unpredict undoes horizontal differencing (TIFF 6.0 section 14).
func (r *rows) unpredict() {
	n := r.t.samples
	if r.t.bits == 8 {
		for i := n; i < len(r.row); i++ {
			r.row[i] += r.row[i-n]
		}
		return
	}
	o := r.t.file.order
	for i := 2 * n; i+2 <= len(r.row); i += 2 {
		o.PutUint16(r.row[i:], o.Uint16(r.row[i:])+o.Uint16(r.row[i-2*n:]))
	}
}

// fill8 converts width pixels of the row, of samples of 1 to 8 bits.
func (r *rows) fill8(dst []uint8, width int) {
	t := r.t
	n := t.h.Layout.Samples()
	dst = dst[:width*n]
	switch {
	case t.bits == 8 && t.samples == n && !t.inverted:
		copy(dst, r.row)
	case t.bits == 8:
		for i, o := 0, 0; o < len(dst); i, o = i+t.samples, o+n {
			copy(dst[o:o+n], r.row[i:])
			dst[o] = r.table[dst[o]]
		}
	case t.bits == 1 && t.samples == 1:
		for i := range dst {
			dst[i] = r.table[r.row[i/8]>>(7-i%8)&1]
		}
	default:
		b := bitReader{row: r.row}
		for o := 0; o < len(dst); o += n {
			for c := range t.samples {
				v := b.next(t.bits)
				switch {
				case c == 0:
					dst[o] = r.table[v]
				case c < n: // white-is-zero concerns only the first sample
					top := uint32(1)<<t.bits - 1
					dst[o+c] = uint8((v*255 + top/2) / top)
				}
			}
		}
	}
	if t.associated {
		for ; len(dst) > 0; dst = dst[n:] {
			a := uint32(dst[n-1])
			for c := range n - 1 {
				dst[c] = uint8(straight(uint32(dst[c]), a, 255))
			}
		}
	}
}

// fill16 converts width pixels of the row, of samples of 9 to 16 bits.
func (r *rows) fill16(dst []uint16, width int) {
	t := r.t
	n := t.h.Layout.Samples()
	dst = dst[:width*n]
	if t.bits == 16 {
		// Two loops, so that the byte order is not looked up for each sample.
		if t.file.order == binary.ByteOrder(binary.LittleEndian) {
			for o, i := 0, 0; o < len(dst); o, i = o+n, i+2*t.samples {
				for c := range n {
					dst[o+c] = binary.LittleEndian.Uint16(r.row[i+2*c:])
				}
			}
		} else {
			for o, i := 0, 0; o < len(dst); o, i = o+n, i+2*t.samples {
				for c := range n {
					dst[o+c] = binary.BigEndian.Uint16(r.row[i+2*c:])
				}
			}
		}
	} else {
		b, top := bitReader{row: r.row}, uint32(1)<<t.bits-1
		for o := 0; o < len(dst); o += n {
			for c := range t.samples {
				if v := b.next(t.bits); c < n {
					dst[o+c] = uint16((v*65535 + top/2) / top)
				}
			}
		}
	}
	if t.inverted {
		for o := 0; o < len(dst); o += n {
			dst[o] = ^dst[o]
		}
	}
	if t.associated {
		for ; len(dst) > 0; dst = dst[n:] {
			a := uint32(dst[n-1])
			for c := range n - 1 {
				dst[c] = uint16(straight(uint32(dst[c]), a, 65535))
			}
		}
	}
}

// straight returns a premultiplied sample divided by its alpha; both are 0..top.
func straight(c, a, top uint32) uint32 {
	if a == 0 {
		return 0
	}
	return min(top, uint32((uint64(c)*uint64(top)+uint64(a)/2)/uint64(a)))
}

// bitReader reads samples of a few bits from a row, most significant bit first.
type bitReader struct {
	row []byte
	acc uint32
	n   int
}

func (b *bitReader) next(bits int) uint32 {
	for b.n < bits {
		b.acc = b.acc<<8 | uint32(b.row[0])
		b.row = b.row[1:]
		b.n += 8
	}
	b.n -= bits
	return b.acc >> b.n & (1<<bits - 1)
}
