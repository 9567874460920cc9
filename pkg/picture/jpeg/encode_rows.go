package jpeg

import "imgtools/pkg/picture/raster"

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
	src := raster.NewLines(rows)
	for y := range e.f.mcuy {
		var err error
		if e.h.Layout == raster.RGB {
			err = e.fromRGB(src, y)
		} else {
			err = e.fromPlanes(src, y)
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
	return src.End()
}

// fromPlanes fills e.part with row y of MCUs, one component from each plane.
func (e *encoder) fromPlanes(src *raster.Lines, y int) error {
	for i := range e.comps {
		p := &e.part[i]
		n := min(p.need, e.h.Planes[i].H-y*p.need)
		for j := range n {
			row, err := src.Next(i)
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
