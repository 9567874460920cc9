package jpeg

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// lines holds the samples of one component for one row of MCUs. Each line is as long
// as the MCUs; its last sample is repeated to fill it.
type lines struct {
	pix    []uint8
	stride int
	w      int // samples of a line that belong to the picture
	need   int // lines in a row of MCUs
}

// scan pulls the rows and codes each row of MCUs as soon as its lines are complete.
func (e *encoder) scan(rows raster.Rows) error {
	for i, c := range e.comps {
		d := e.h.Planes[min(i, len(e.h.Planes)-1)]
		w := d.W
		if e.h.Layout == raster.RGB && i > 0 {
			w = (d.W + 1) / 2
		}
		p := lines{stride: 8 * e.f.mcux * c.h, w: w, need: 8 * c.v}
		p.pix = make([]uint8, p.stride*p.need)
		e.part[i] = p
		for by := range c.v {
			e.row[i][by] = make([]byte, 0, packedBytes*e.f.mcux*c.h)
		}
	}
	var pull puller
	pull.rows = rows
	for y := range e.f.mcuy {
		var err error
		if e.h.Layout == raster.RGB {
			err = e.fromRGB(&pull, y)
		} else {
			err = e.fromPlanes(&pull, y)
		}
		if err != nil {
			return err
		}
		e.mcuRow()
		if e.fitting {
			continue
		}
		if err := e.keep(); err != nil {
			return err
		}
	}
	// A source may report damage only at its end.
	for {
		b, err := rows.Next()
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

// fromPlanes fills e.part with row y of MCUs, one component from each plane.
func (e *encoder) fromPlanes(pull *puller, y int) error {
	for i := range e.comps {
		p := &e.part[i]
		n := min(p.need, e.h.Planes[i].H-y*p.need)
		for j := range n {
			row, err := pull.line(i, p.w)
			if err != nil {
				return err
			}
			dst := p.pix[j*p.stride : (j+1)*p.stride]
			copy(dst, row)
			fill(dst, p.w)
		}
		p.repeat(n)
	}
	return nil
}

// fill repeats sample n-1 to the end of a line.
func fill(line []uint8, n int) {
	v := line[n-1]
	for i := n; i < len(line); i++ {
		line[i] = v
	}
}

// repeat copies line n-1 to the lines from n on.
func (p *lines) repeat(n int) {
	last := p.pix[max(n-1, 0)*p.stride:][:p.stride]
	for ; n < p.need; n++ {
		copy(p.pix[n*p.stride:], last)
	}
}

// puller returns the lines of each plane one by one, however bands group them.
type puller struct {
	rows raster.Rows
	band *raster.Band
	at   [3]int // lines of the band already returned, by plane
	kept [3]struct {
		pix []uint8 // lines of earlier bands; those from pix[at:] are still to be returned
		at  int
	}
}

// line returns the next line, of n samples, of plane i. It is valid until the next
// call with any plane.
func (p *puller) line(i, n int) ([]uint8, error) {
	k := &p.kept[i]
	if k.at < len(k.pix) {
		k.at += n
		return k.pix[k.at-n : k.at], nil
	}
	for p.band == nil || p.at[i] == p.band.Planes[i].Rows {
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	b := &p.band.Planes[i]
	at := p.at[i] * b.Stride
	p.at[i]++
	return b.Pix[at : at+n], nil
}

// next moves to the next band. It keeps a copy of the lines not yet returned.
func (p *puller) next() error {
	planes := p.rows.Header().Planes
	if p.band != nil {
		samples := p.rows.Header().Layout.Samples()
		for i, d := range planes {
			k, b := &p.kept[i], &p.band.Planes[i]
			if k.at == len(k.pix) {
				k.pix, k.at = k.pix[:0], 0
			}
			for ; p.at[i] < b.Rows; p.at[i]++ {
				k.pix = append(k.pix, b.Pix[p.at[i]*b.Stride:][:d.W*samples]...)
			}
		}
	}
	b, err := p.rows.Next()
	if err == io.EOF {
		err = fault.New(fault.Internal, "fewer rows than the header says")
	}
	p.band, p.at = b, [3]int{}
	return err
}
