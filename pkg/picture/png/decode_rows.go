package png

import "imgtools/pkg/picture/raster"

// bytesPerRow returns the number of bytes in a row of w pixels, without its filter
// byte, and the number of bytes in a pixel, at least 1.
func (r *Reader) bytesPerRow(w int) (row, pixel int) {
	bits := int(r.depth) * map[uint8]int{colorGray: 1, colorIndexed: 1, colorGrayA: 2, colorRGB: 3, colorRGBA: 4}[r.color]
	return (w*bits + 7) / 8, (bits + 7) / 8
}

// still is one picture in the file: the default image or the pixels of a frame.
type still struct {
	*Reader
	h    *raster.Header // of this picture
	kind string         // of its data chunks: IDAT or fdAT
	pos  int64          // offset of the first of them
	cut  bool           // the file ends in one of them
}

// defaultImage returns the picture in the IDAT chunks.
func (r *Reader) defaultImage() *still { return &still{r, r.base, "IDAT", r.idat, r.cut} }

// Rows starts decoding. The hint is not used. Rows may be called once. An interlaced
// picture is decoded into memory before its first row is returned; any other picture
// needs two rows. With Limits.Lenient missing rows are black, or transparent if the
// picture has alpha, or colour 0 of its palette; of an interlaced picture, missing
// pixels are those of the passes before. After Select the frames up to that one are
// composed first.
func (r *Reader) Rows(raster.Hint) (raster.Rows, error) {
	if r.selected != 0 {
		return r.composed()
	}
	return r.defaultImage().rows()
}

// rows starts decoding the picture.
func (r *still) rows() (raster.Rows, error) {
	if r.interlaced {
		return r.deinterlace()
	}
	return r.progress()
}

// blank clears row y, of n samples: a missing row is black, transparent if the picture
// has alpha, or colour 0 of its palette.
func blank(p *raster.Plane, y, n int) {
	if p.Pix16 != nil {
		clear(p.Pix16[y*n : (y+1)*n])
	} else {
		clear(p.Pix[y*n : (y+1)*n])
	}
}

// progress starts decoding a picture that is not interlaced.
func (r *still) progress() (*rows, error) {
	w, h := r.h.W(), r.h.H()
	nb, bpp := r.bytesPerRow(w)
	d := &rows{r: r, n: w * r.h.Layout.Samples(), bpp: bpp}
	wide := int(r.h.Bits / 8)
	d.band = raster.BandRows(d.n*wide, h)
	if err := r.lim.CheckMem(int64(d.n)*int64(wide)*int64(d.band+1) + 3*int64(nb)); err != nil {
		return nil, err
	}
	d.s = newStream(r)
	d.rowBytes = 1 + nb
	p := &d.out.Planes[0]
	p.Stride = d.n
	switch {
	case r.plain():
		d.pix = make([]uint8, d.n*(d.band+1)) // row 0 repeats the last row of the previous band
		p.Pix = d.pix[d.n:]
		return d, nil
	case wide == 2:
		p.Pix16 = make([]uint16, d.n*d.band)
	default:
		p.Pix = make([]uint8, d.n*d.band)
	}
	d.cur, d.prev = make([]byte, nb), make([]byte, nb)
	return d, nil
}

// plain reports whether the bytes of a row are its samples, so that expand8 is not
// needed.
func (r *Reader) plain() bool {
	return r.depth == 8 && !r.hasKey && (r.color != colorIndexed || r.colours == 256)
}

// rows decodes a picture that is not interlaced, band by band.
type rows struct {
	r    *still
	s    *stream
	n    int // samples in a row
	bpp  int // bytes in a pixel in the file
	band int // rows in a band
	y    int // rows decoded so far
	out  raster.Band

	rowBytes int // bytes of a row in the file: the filter byte and the filtered samples

	// A plain picture is unfiltered directly into pix: one row, then a band.
	pix []uint8
	// Any other picture is unfiltered into cur and then expanded into out; prev is
	// the row above.
	cur, prev []byte
}

func (d *rows) Header() *raster.Header { return d.r.h }

func (d *rows) Next() (*raster.Band, error) {
	h := d.r.h.H()
	if d.y == h {
		return nil, d.s.finish()
	}
	p := &d.out.Planes[0]
	if d.pix != nil {
		copy(d.pix[:d.n], d.pix[p.Rows*d.n:]) // all zeros before the first band
	}
	p.Rows = min(d.band, h-d.y)
	d.out.Y = d.y
	for i := range p.Rows {
		raw, err := d.s.row(d.rowBytes, d.y+i)
		if err != nil {
			return nil, err
		}
		if raw == nil {
			blank(p, i, d.n)
			continue
		}
		if d.pix != nil {
			at := d.n * i
			unfilter(raw[0], d.pix[at+d.n:at+2*d.n], raw[1:], d.pix[at:at+d.n], d.bpp)
			continue
		}
		unfilter(raw[0], d.cur, raw[1:], d.prev, d.bpp)
		if p.Pix16 != nil {
			d.r.expand16(p.Pix16[i*d.n:(i+1)*d.n], d.cur)
		} else {
			d.r.expand8(p.Pix[i*d.n:(i+1)*d.n], d.cur)
		}
		d.cur, d.prev = d.prev, d.cur
	}
	d.y += p.Rows
	return &d.out, nil
}
