package png

import (
	"io"

	"imgtools/pkg/picture/raster"
)

// passes are the seven of Adam7 (section 8.2): offset and step, in x and y.
var passes = [7]struct{ x, y, dx, dy int }{
	{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
}

// deinterlace decodes a whole picture, of which rows are then handed out.
func (r *Reader) deinterlace() (raster.Rows, error) {
	w, h := r.out.W(), r.out.H()
	spp := r.out.Layout.Samples()
	n := w * spp
	nb, bpp := r.bytesPerRow(w)
	if err := r.lim.CheckMem(int64(n)*int64(r.out.Bits/8)*int64(h+1) + 3*int64(nb)); err != nil {
		return nil, err
	}
	s, err := newStream(r)
	if err != nil {
		return nil, err
	}
	whole := &raster.Held{H: r.out}
	out := &whole.Planes[0]
	out.Stride, out.Rows = n, h
	var line8 []uint8
	var line16 []uint16
	if r.out.Bits == 16 {
		out.Pix16, line16 = make([]uint16, n*h), make([]uint16, n)
	} else {
		out.Pix, line8 = make([]uint8, n*h), make([]uint8, n)
	}
	raw, cur, prev := make([]byte, 1+nb), make([]byte, nb), make([]byte, nb)
	for _, p := range passes {
		pw := (w - p.x + p.dx - 1) / p.dx
		if pw <= 0 {
			continue
		}
		nb, _ := r.bytesPerRow(pw)
		clear(prev)
		for y := p.y; y < h; y += p.dy {
			// Rows done are those before this one only in the last pass; in the
			// others the picture is whole in none.
			done := 0
			if p.dx == 1 {
				done = y
			}
			if err := s.row(raw[:1+nb], done); err != nil {
				return nil, err
			}
			unfilter(raw[0], cur[:nb], raw[1:1+nb], prev[:nb], bpp)
			if r.out.Bits == 16 {
				r.expand16(line16[:pw*spp], cur[:nb])
				scatter(out.Pix16[y*n:(y+1)*n], line16[:pw*spp], spp, p.x, p.dx)
			} else {
				r.expand8(line8[:pw*spp], cur[:nb])
				scatter(out.Pix[y*n:(y+1)*n], line8[:pw*spp], spp, p.x, p.dx)
			}
			cur, prev = prev, cur
		}
	}
	return &held{whole.Rows(), s}, nil
}

// scatter puts the pixels of src, of spp samples, to every dx-th of dst from x on.
func scatter[T uint8 | uint16](dst, src []T, spp, x, dx int) {
	if dx == 1 {
		copy(dst, src)
		return
	}
	at := x * spp
	for i := 0; i < len(src); i += spp {
		for j := range spp {
			dst[at+j] = src[i+j]
		}
		at += dx * spp
	}
}

// held is a picture in memory. Its stream is checked to the end after the last row.
type held struct {
	raster.Rows
	s *stream
}

func (d *held) Next() (*raster.Band, error) {
	b, err := d.Rows.Next()
	if err == io.EOF {
		err = d.s.finish()
	}
	return b, err
}
