package raster

// Halve returns src at half its width and height: each sample is the mean of 2×2, rounded
// to nearest. An odd last column or row is averaged with itself, and PlaneDim says that
// the picture covers only half of it, so nothing shifts. The layout must have no palette
// and no alpha: colours are averaged as they are coded.
func Halve(src Rows) Rows {
	h := *src.Header()
	v := &halved{src: src, h: &h}
	h.Planes = make([]PlaneDim, len(src.Header().Planes))
	for i, d := range src.Header().Planes {
		d.W, d.H, d.DX, d.DY = (d.W+1)/2, (d.H+1)/2, 2*d.DX, 2*d.DY
		h.Planes[i] = d
	}
	return v
}

type halved struct {
	src  Rows
	h    *Header
	done [3]int   // rows of src read
	odd  [3]Plane // the row that waits for the next, if done is odd
	y    int      // rows of plane 0 written
	band Band
}

func (v *halved) Header() *Header { return v.h }

func (v *halved) Next() (*Band, error) {
	from := v.src.Header()
	for {
		b, err := v.src.Next()
		if err != nil {
			return nil, err
		}
		some := false
		for i := range v.h.Planes {
			v.halve(i, &b.Planes[i], from)
			some = some || v.band.Planes[i].Rows > 0
		}
		if some {
			v.band.Y = v.y
			v.y += v.band.Planes[0].Rows
			return &v.band, nil
		}
	}
}

// halve makes the rows of plane i that the rows of in complete.
func (v *halved) halve(i int, in *Plane, from *Header) {
	d, samples := from.Planes[i], from.Layout.Samples()
	n := d.W * samples
	out := &v.band.Planes[i]
	if in.Rows == 0 { // planes may arrive at different speeds
		out.Rows = 0
		return
	}
	first := v.done[i] % 2 // 1: the first row of in completes a pair
	v.done[i] += in.Rows
	rows := (first + in.Rows) / 2
	last := (first+in.Rows)%2 == 1
	alone := last && v.done[i] >= d.H
	if alone {
		rows++
	}
	out.Resize(v.h.Planes[i].W*samples, rows, v.h.Bits)
	for r := range rows {
		y := 2*r - first
		bottom := in.row(min(y+1, in.Rows-1), n, from.Bits)
		top := v.odd[i]
		if y >= 0 {
			top = in.row(y, n, from.Bits)
		}
		to := out.row(r, out.Stride, from.Bits)
		if from.Bits == 16 {
			means(to.Pix16, top.Pix16, bottom.Pix16, samples)
		} else {
			means(to.Pix, top.Pix, bottom.Pix, samples)
		}
	}
	if last && !alone {
		row := in.row(in.Rows-1, n, from.Bits)
		v.odd[i].Pix = append(v.odd[i].Pix[:0], row.Pix...)
		v.odd[i].Pix16 = append(v.odd[i].Pix16[:0], row.Pix16...)
	}
}

// means writes to dst the means of 2×2 pixels of two rows.
func means[T uint8 | uint16](dst, a, b []T, samples int) {
	b = b[:len(a)]
	whole := len(a) / (2 * samples)
	if samples == 1 {
		dst := dst[:whole]
		for x := range dst {
			p, q := a[2*x:2*x+2:2*x+2], b[2*x:2*x+2:2*x+2]
			dst[x] = T((uint32(p[0]) + uint32(p[1]) + uint32(q[0]) + uint32(q[1]) + 2) >> 2)
		}
	} else {
		for x := range whole {
			for c := range samples {
				i := 2*x*samples + c
				dst[x*samples+c] = T((uint32(a[i]) + uint32(a[i+samples]) + uint32(b[i]) + uint32(b[i+samples]) + 2) >> 2)
			}
		}
	}
	for i := 2 * whole * samples; i < len(a); i++ { // an odd column
		dst[i-whole*samples] = T((uint32(a[i]) + uint32(b[i]) + 1) >> 1)
	}
}
