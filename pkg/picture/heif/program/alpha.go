package program

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/heif"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/resample"
)

// withAlpha returns rows with the alpha of the picture, straight. If the program did not
// give it with the rest, it is decoded by a second run, on a copy of the file in which the
// item of alpha is the picture.
func (r *Reader) withAlpha(rows raster.Rows) (raster.Rows, error) {
	if !rows.Header().Layout.HasAlpha() {
		alpha, err := r.alpha()
		if err != nil {
			return nil, fault.New(fault.Of(err), "alpha: %w", err)
		}
		if rows.Header().Bits == 8 {
			alpha = raster.To8(alpha)
		} else {
			alpha = raster.To16(alpha)
		}
		rows = join(rows, alpha)
	}
	if r.p.Premul {
		rows = unpremultiply(rows)
	}
	return rows, nil
}

// alpha returns the alpha of the picture as gray rows, of the size that the program gives
// the picture.
func (r *Reader) alpha() (raster.Rows, error) {
	copied, p, with, err := r.item(r.p.AlphaItem)
	if err != nil {
		return nil, err
	}
	cropped := r.p.Crop != geometry.Whole(r.p.StoredW, r.p.StoredH)
	turns := with.upright && p.Orientation != r.p.Orientation
	if turns && p.Orientation != 1 || with.upright && cropped && p.Crop == geometry.Whole(p.StoredW, p.StoredH) {
		return nil, fault.New(fault.Unsupported, "it is turned or cropped otherwise than the picture")
	}
	rows, err := r.d.decode(with, copied, copied.Size(), p, raster.Hint{Luma: true}, r.lim)
	if err != nil {
		return nil, err
	}
	rows = raster.DropAlpha(raster.Grayed(rows, raster.Rec601))
	if turns {
		if rows, err = r.upright(rows); err != nil {
			return nil, err
		}
	}
	w, h := r.with.size(r.p)
	if got := rows.Header(); got.FullW == w && got.FullH == h {
		return rows, nil
	}
	return resample.Rows(rows, w, h, resample.Options{Kernel: "triangle", Limits: r.lim})
}

// upright turns the rows of another item, which lies as the picture is stored.
func (r *Reader) upright(rows raster.Rows) (raster.Rows, error) {
	h := *rows.Header()
	h.Orientation = r.p.Orientation
	return raster.Upright(raster.WithHeader(rows, &h), r.lim)
}

// item returns a copy of the file in which an item is the picture, what it says of it, and
// the program that decodes it in the way in which that of the whole file does.
func (r *Reader) item(id uint32) (copied *io.SectionReader, p *heif.Picture, with *found, err error) {
	if copied, err = heif.Alone(r.in, r.size, id, false); err != nil {
		return nil, nil, nil, err
	}
	if p, err = heif.Open(copied, copied.Size(), r.lim); err != nil {
		return nil, nil, nil, err
	}
	if p.Unsupported != "" {
		return nil, nil, nil, fault.New(fault.Unsupported, "%s", p.Unsupported)
	}
	with, why := r.d.choose(p)
	if with == nil {
		return nil, nil, nil, fault.New(fault.Unsupported, "%s", why)
	}
	if with.upright != r.with.upright {
		return nil, nil, nil, fault.New(fault.Unsupported, "%s decodes it, and %s the picture", with.name, r.with.name)
	}
	return copied, p, with, nil
}

// join returns rows with gray rows of the same size and depth as their alpha.
func join(colour, alpha raster.Rows) raster.Rows {
	h := *colour.Header()
	h.Layout = h.Layout.WithAlpha()
	return &joined{h: &h, colour: colour, alpha: alpha}
}

type joined struct {
	h             *raster.Header
	colour, alpha raster.Rows
	band          raster.Band  // of the result
	left          raster.Plane // rows of alpha that have been read and not used
	used          int          // of them
}

func (j *joined) Header() *raster.Header { return j.h }

func (j *joined) Next() (*raster.Band, error) {
	b, err := j.colour.Next()
	if err != nil {
		return nil, err
	}
	in, out := &b.Planes[0], &j.band.Planes[0]
	n, w := j.h.Layout.Samples(), j.h.W()
	j.band.Y = b.Y
	out.Resize(n*w, in.Rows, j.h.Bits)
	for y := range in.Rows {
		if j.used == j.left.Rows {
			a, err := j.alpha.Next()
			if err != nil {
				return nil, err // io.EOF cannot be: the sizes are equal
			}
			j.left, j.used = a.Planes[0], 0
		}
		if j.h.Bits == 8 {
			zip(out.Pix[y*out.Stride:], in.Pix[y*in.Stride:], j.left.Pix[j.used*j.left.Stride:], w, n)
		} else {
			zip(out.Pix16[y*out.Stride:], in.Pix16[y*in.Stride:], j.left.Pix16[j.used*j.left.Stride:], w, n)
		}
		j.used++
	}
	return &j.band, nil
}

// zip writes w pixels of n samples: n−1 of colour and one of alpha.
func zip[T uint8 | uint16](dst, colour, alpha []T, w, n int) {
	for x := range w {
		copy(dst[x*n:x*n+n-1], colour[x*(n-1):])
		dst[x*n+n-1] = alpha[x]
	}
}
