package raster

import (
	"io"

	"imgtools/pkg/fault"
)

// Lines gives the lines of each plane one by one, however bands group them, to an encoder
// that needs them in an order of its own. Samples have 8 bits.
type Lines struct {
	rows Rows
	band *Band
	at   [3]int // lines of the band already returned, by plane
	kept [3]struct {
		pix []uint8 // lines of earlier bands; those from pix[at:] are still to be returned
		at  int
	}
}

// NewLines returns the lines of rows.
func NewLines(rows Rows) *Lines { return &Lines{rows: rows} }

// width returns the samples in a line of plane i.
func (l *Lines) width(i int) int {
	h := l.rows.Header()
	return h.Planes[i].W * h.Layout.Samples()
}

// Next returns the next line of plane i. It is valid until the next call with any plane.
func (l *Lines) Next(i int) ([]uint8, error) {
	n := l.width(i)
	k := &l.kept[i]
	if k.at < len(k.pix) {
		k.at += n
		return k.pix[k.at-n : k.at], nil
	}
	for l.band == nil || l.at[i] == l.band.Planes[i].Rows {
		if err := l.nextBand(); err != nil {
			return nil, err
		}
	}
	b := &l.band.Planes[i]
	at := l.at[i] * b.Stride
	l.at[i]++
	return b.Pix[at : at+n], nil
}

// nextBand moves to the next band. It keeps a copy of the lines not yet returned.
func (l *Lines) nextBand() error {
	if l.band != nil {
		for i := range l.rows.Header().Planes {
			k, b := &l.kept[i], &l.band.Planes[i]
			if k.at == len(k.pix) {
				k.pix, k.at = k.pix[:0], 0
			}
			for ; l.at[i] < b.Rows; l.at[i]++ {
				k.pix = append(k.pix, b.Pix[l.at[i]*b.Stride:][:l.width(i)]...)
			}
		}
	}
	b, err := l.rows.Next()
	if err == io.EOF {
		err = fault.New(fault.Internal, "fewer rows than the header says")
	}
	l.band, l.at = b, [3]int{}
	return err
}

// End reads what follows the last line, as a source may report damage only there.
func (l *Lines) End() error {
	for {
		b, err := l.rows.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil && b.Planes[0].Rows > 0 {
			err = fault.New(fault.Internal, "more rows than the header says")
		}
		if err != nil {
			return err
		}
	}
}
