package raster

import (
	"io"

	"imgtools/pkg/fault"
)

// Each calls f with each row of each plane p, from top to bottom, until f returns
// false. row has exactly W*Samples samples and is valid during the call. It is an
// error if src ends before its last row.
func Each(src Rows, f func(p, y int, row Plane) bool) error {
	h := src.Header()
	var done [3]int
	for {
		b, err := src.Next()
		if err == io.EOF {
			for p := range h.Planes {
				if done[p] != h.Planes[p].H {
					return fault.New(fault.Internal, "a reader gave %d of %d rows of plane %d", done[p], h.Planes[p].H, p)
				}
			}
			return nil
		}
		if err != nil {
			return err
		}
		for p, dim := range h.Planes {
			pl := &b.Planes[p]
			if done[p]+pl.Rows > dim.H {
				return fault.New(fault.Internal, "a reader gave more than %d rows of plane %d", dim.H, p)
			}
			for y := range pl.Rows {
				if !f(p, done[p]+y, pl.row(y, dim.W*h.Layout.Samples(), h.Bits)) {
					return nil
				}
			}
			done[p] += pl.Rows
		}
	}
}

// EachRow is Each for writers of pictures of one plane. It ends with the first error
// of f.
func EachRow(src Rows, f func(y int, row Plane) error) error {
	var failed error
	err := Each(src, func(_, y int, row Plane) bool {
		failed = f(y, row)
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	return err
}

// Held is a whole picture in memory.
type Held struct {
	H      *Header
	Planes [3]Plane
}

// Hold reads all of src into memory, if lim allows that much.
func Hold(src Rows, lim Limits) (*Held, error) {
	h := src.Header()
	if err := lim.CheckMem(h.Bytes()); err != nil {
		return nil, err
	}
	p := &Held{H: h}
	n := h.Layout.Samples()
	for i, d := range h.Planes {
		p.Planes[i].Resize(d.W*n, d.H, h.Bits)
	}
	err := Each(src, func(i, y int, row Plane) bool {
		dst := p.Planes[i].row(y, h.Planes[i].W*n, h.Bits)
		copy(dst.Pix, row.Pix)
		copy(dst.Pix16, row.Pix16)
		return true
	})
	return p, err
}

// Bytes returns the memory that all delivered samples take.
func (h *Header) Bytes() int64 {
	var n int64
	for _, d := range h.Planes {
		n += int64(d.W) * int64(d.H) * int64(h.Layout.Samples()) * int64(h.Bits/8)
	}
	return n
}

// Rows returns the picture as rows. They share its memory.
func (p *Held) Rows() Rows { return &heldRows{p: p} }

type heldRows struct {
	p    *Held
	y    int
	band Band
}

// heldBand is the number of rows in a band of a held picture. It is small, since
// filters allocate as much as a band.
const heldBand = 64

func (r *heldRows) Header() *Header { return r.p.H }

func (r *heldRows) Next() (*Band, error) {
	h := r.p.H
	all := h.Planes[0].H
	if r.y == all {
		return nil, io.EOF
	}
	end := min(r.y+heldBand, all)
	r.band.Y = r.y
	for i, d := range h.Planes {
		r.band.Planes[i] = r.p.Planes[i].rows(d.H*r.y/all, d.H*end/all, d.W*h.Layout.Samples(), h.Bits)
	}
	r.y = end
	return &r.band, nil
}
