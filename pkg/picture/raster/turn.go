package raster

import "io"

// Orientation is EXIF's (CIPA DC-008, tag 0x0112). It says how to turn the stored
// picture upright:
//
//	1 as it is            5 transposed (mirrored, then turned)
//	2 mirrored left-right 6 turned 90° clockwise
//	3 turned 180°         7 transposed over the other diagonal
//	4 mirrored top-bottom 8 turned 90° anticlockwise

// Swaps reports whether orientation o swaps width and height.
func Swaps(o uint8) bool { return o >= 5 }

// Mirrors reports whether turning upright reverses the stored columns (x) and the
// stored rows (y). Where Swaps is true, rows then become columns.
func Mirrors(o uint8) (x, y bool) {
	switch o {
	case 2:
		return true, false
	case 3, 7:
		return true, true
	case 4, 6:
		return false, true
	case 8:
		return true, false
	}
	return false, false
}

// Upright returns src turned as its orientation says, with orientation 1.
// Orientation 2 is done row by row. Orientations 3 to 8 hold the whole picture,
// after asking lim. Planes of YCbCr are turned one by one. Where a mirrored side
// ends within a sample the planes become RGB first, since an encoder of planes
// takes no origin: 4:2:0 chroma of 5 columns covers 2.5 samples, and mirrored it
// would begin at half a sample.
func Upright(src Rows, lim Limits) (Rows, error) {
	h := src.Header()
	mx, my := Mirrors(h.Orientation)
	for _, d := range h.Planes {
		if h.Layout == YCbCr && (mx && d.endX(h.FullW) != d.OX || my && d.endY(h.FullH) != d.OY) {
			src = Packed(src)
			h = src.Header()
			break
		}
	}
	if h.Orientation <= 1 {
		return src, nil
	}
	up := h.upright()
	if h.Orientation == 2 {
		n := h.Layout.Samples()
		return Filter(src, up, func(dst, src Plane) {
			mirror(dst.Pix, src.Pix, n)
			mirror(dst.Pix16, src.Pix16, n)
		}), nil
	}
	held, err := Hold(src, lim)
	if err != nil {
		return nil, err
	}
	return &turned{held: held, h: up}, nil
}

// upright returns the header of h's picture once turned.
func (h *Header) upright() *Header {
	up := *h
	up.Orientation = 1
	if Swaps(h.Orientation) {
		up.FullW, up.FullH = h.FullH, h.FullW
		up.Density.X, up.Density.Y = h.Density.Y, h.Density.X
	}
	mx, my := Mirrors(h.Orientation)
	up.Planes = make([]PlaneDim, len(h.Planes))
	for i, d := range h.Planes {
		if mx {
			d.OX = d.endX(h.FullW)
		}
		if my {
			d.OY = d.endY(h.FullH)
		}
		if Swaps(h.Orientation) {
			d = PlaneDim{W: d.H, H: d.W, NX: d.NY, DX: d.DY, NY: d.NX, DY: d.DX, OX: d.OY, OY: d.OX}
		}
		up.Planes[i] = d
	}
	return &up
}

// endX and endY return the part of the samples, in units of 1/DX and 1/DY, that
// lies behind the right and the lower end of the picture. It is the origin of the
// mirrored plane.
func (d PlaneDim) endX(fullW int) int { return d.W*d.DX - d.OX - fullW*d.NX }
func (d PlaneDim) endY(fullH int) int { return d.H*d.DY - d.OY - fullH*d.NY }

func mirror[T uint8 | uint16](dst, src []T, n int) {
	for i, o := 0, len(src)-n; o >= 0; i, o = i+n, o-n {
		copy(dst[o:o+n], src[i:i+n])
	}
}

// turned is the rows of a held picture, upright. A band has turnedRows rows: a
// quarter turn then reads that many neighbours from each stored row, which uses
// whole cache lines.
type turned struct {
	held *Held
	h    *Header
	y    int
	band Band
}

const turnedRows = 64

func (t *turned) Header() *Header { return t.h }

func (t *turned) Next() (*Band, error) {
	all := t.h.Planes[0].H
	if t.y == all {
		return nil, io.EOF
	}
	end := min(t.y+turnedRows, all)
	t.band.Y = t.y
	n := t.h.Layout.Samples()
	for i, d := range t.h.Planes {
		// The other planes give rows in proportion, and their rest in the last band.
		from, to := d.H*t.y/all, d.H*end/all
		p := &t.band.Planes[i]
		p.Resize(d.W*n, to-from, t.h.Bits)
		src, stored := &t.held.Planes[i], t.held.H.Planes[i]
		if t.h.Bits == 16 {
			turn(p.Pix16, src.Pix16, from, to, d.W, stored, n, t.held.H.Orientation)
		} else {
			turn(p.Pix, src.Pix, from, to, d.W, stored, n, t.held.H.Orientation)
		}
	}
	t.y = end
	return &t.band, nil
}

// turn fills dst with rows from to to-1 of the upright picture, w pixels of n samples
// wide. src is the stored picture, of orientation o.
func turn[T uint8 | uint16](dst, src []T, from, to, w int, stored PlaneDim, n int, o uint8) {
	mx, my := Mirrors(o)
	row := func(y int) []T { // stored row y, from the far end if mirrored
		if my {
			y = stored.H - 1 - y
		}
		return src[y*stored.W*n : (y+1)*stored.W*n]
	}
	if !Swaps(o) {
		for y := from; y < to; y++ {
			d := dst[(y-from)*w*n : (y-from+1)*w*n]
			if mx {
				mirror(d, row(y), n)
			} else {
				copy(d, row(y))
			}
		}
		return
	}
	for x := range w { // stored row x becomes column x
		s := row(x)
		for y := from; y < to; y++ {
			i := y
			if mx {
				i = stored.W - 1 - y
			}
			d := dst[((y-from)*w+x)*n:]
			for k := range n {
				d[k] = s[i*n+k]
			}
		}
	}
}
