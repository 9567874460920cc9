// Package fakeheif is a decoder of HEIC and AVIF for tests: whatever the file holds, its
// picture is the one that the test gives. Only tests import it.
package fakeheif

import (
	"fmt"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// Picture is the picture of every file. Its samples are noise that does not change; alpha
// is 128 everywhere.
type Picture struct {
	Head     raster.Header // with Planes of a single plane
	Thumb    [2]int        // width and height that are delivered if the goal is no larger; 0: none
	Meta     raster.Metadata
	Err      error // of Open
	RowsErr  error // of Next, after the first row
	Openings int   // how often it was opened
}

func (p *Picture) Open(io.ReaderAt, int64, raster.Limits) (raster.Reader, error) {
	p.Openings++
	if p.Err != nil {
		return nil, p.Err
	}
	return &reader{Picture: p, head: p.Head}, nil
}

type reader struct {
	raster.NoteList
	*Picture
	head raster.Header
}

func (r *reader) Header() *raster.Header    { return &r.head }
func (r *reader) Metadata() raster.Metadata { return r.Meta }
func (r *reader) Frames() int               { return 1 }

func (r *reader) Select(n int) error {
	if n != 1 {
		return raster.NoFrame(n, 1)
	}
	return nil
}

func (r *reader) Rows(hint raster.Hint) (raster.Rows, error) {
	h := r.head
	if t := r.Thumb; t[0] > 0 && hint.GoalW > 0 && hint.GoalW <= t[0] && hint.GoalH <= t[1] {
		h.Planes = []raster.PlaneDim{{W: t[0], H: t[1], NX: t[0], DX: h.FullW, NY: t[1], DY: h.FullH}}
	}
	return &rows{head: &h, err: r.RowsErr}, nil
}

type rows struct {
	head *raster.Header
	y    int
	err  error
}

func (r *rows) Header() *raster.Header { return r.head }

func (r *rows) Next() (*raster.Band, error) {
	if r.y == r.head.H() {
		return nil, io.EOF
	}
	if r.y > 0 && r.err != nil {
		return nil, r.err
	}
	n := r.head.Layout.Samples()
	b := &raster.Band{Y: r.y}
	q := &b.Planes[0]
	q.Rows, q.Stride = 1, r.head.W()*n
	for i := range q.Stride {
		v := uint8(i*7 + r.y*13)
		if r.head.Layout.HasAlpha() && i%n == n-1 {
			v = 128
		}
		if r.head.Bits == 16 {
			q.Pix16 = append(q.Pix16, uint16(v)*257)
		} else {
			q.Pix = append(q.Pix, v)
		}
	}
	r.y++
	return b, nil
}

// File is the beginning of a HEIC file: enough to be told as one.
const File = "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"

// Died is an error as that of a program that was killed.
var Died = fault.New(fault.Format, "decode: %w", fmt.Errorf("heif-convert was killed by signal 11"))
