package png

import (
	"io"

	"imgtools/pkg/picture/raster"
)

// passes are the seven passes of Adam7 (section 8.2): the first column and row of each
// and its steps. They fill every 8×8 block of the picture in this order:
//
//	1 6 4 6 2 6 4 6
//	7 7 7 7 7 7 7 7
//	5 6 5 6 5 6 5 6
//	7 7 7 7 7 7 7 7
//	3 6 4 6 3 6 4 6
//	7 7 7 7 7 7 7 7
//	5 6 5 6 5 6 5 6
//	7 7 7 7 7 7 7 7
//
// Each pass is stored as a picture of its own, with its own rows and filters; a pass
// without pixels is absent.
var passes = [7]struct{ x, y, dx, dy int }{
	{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
}

// deinterlace decodes an interlaced picture completely and returns its rows.
func (r *still) deinterlace() (raster.Rows, error) {
	w, h := r.h.W(), r.h.H()
	spp := r.h.Layout.Samples()
	n := w * spp
	nb, bpp := r.bytesPerRow(w)
	if err := r.lim.CheckMem(int64(n)*int64(r.h.Bits/8)*int64(h+1) + 3*int64(nb)); err != nil {
		return nil, err
	}
	s := newStream(r)
	whole := &raster.Held{H: r.h}
	out := &whole.Planes[0]
	out.Stride, out.Rows = n, h
	var line8 []uint8
	var line16 []uint16
	if r.h.Bits == 16 {
		out.Pix16, line16 = make([]uint16, n*h), make([]uint16, n)
	} else {
		out.Pix, line8 = make([]uint8, n*h), make([]uint8, n)
	}
	cur, prev := make([]byte, nb), make([]byte, nb)
	for i, p := range passes {
		pw := (w - p.x + p.dx - 1) / p.dx
		if pw <= 0 {
			continue
		}
		nb, _ := r.bytesPerRow(pw)
		clear(prev)
		for y := p.y; y < h; y += p.dy {
			// The picture has complete rows only in the last pass, which has step 1.
			done := 0
			if p.dx == 1 {
				done = y
			}
			raw, err := s.row(1+nb, done)
			if err != nil {
				return nil, err
			}
			if raw == nil {
				if r.h.Bits == 16 {
					coarse(out.Pix16, w, h, spp, i, y)
				} else {
					coarse(out.Pix, w, h, spp, i, y)
				}
				return &held{whole.Rows(), s}, nil
			}
			unfilter(raw[0], cur[:nb], raw[1:], prev[:nb], bpp)
			if r.h.Bits == 16 {
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

// scatter copies the pixels of src to columns x, x+dx, x+2dx … of dst. A pixel has
// spp samples.
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

// coarse fills in the pixels of pass last from row y on, and of all later passes, in pix
// of w×h pixels of spp samples. A missing pixel becomes the pixel of an earlier pass at
// the corner of the square that this pass divides. For example, pass 7 (index 6) has the
// odd rows, so that each pixel becomes the one above.
func coarse[T uint8 | uint16](pix []T, w, h, spp, last, y int) {
	for i := max(last, 1); i < len(passes); i++ {
		p := passes[i]
		up, left := 0, 0
		if p.y > 0 {
			up = p.y
		} else {
			left = p.x
		}
		first := p.y
		if i == last {
			first = y
		}
		for y := first; y < h; y += p.dy {
			for x := p.x; x < w; x += p.dx {
				copy(pix[(y*w+x)*spp:][:spp], pix[((y-up)*w+x-left)*spp:][:spp])
			}
		}
	}
}

// held gives the rows of a picture in memory. After the last row it checks the rest
// of the compressed stream.
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
