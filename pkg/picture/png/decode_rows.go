package png

import "imgtools/pkg/picture/raster"

// bytesPerRow returns the bytes of a row of w pixels, and of one pixel, at least
// 1, without the filter byte.
func (r *Reader) bytesPerRow(w int) (row, pixel int) {
	bits := int(r.depth) * map[uint8]int{colorGray: 1, colorIndexed: 1, colorGrayA: 2, colorRGB: 3, colorRGBA: 4}[r.color]
	return (w*bits + 7) / 8, (bits + 7) / 8
}

// Rows starts the decoding; the hint is not used. It may be called once. An
// interlaced picture is held whole, in the samples that are delivered.
func (r *Reader) Rows(raster.Hint) (raster.Rows, error) {
	if r.interlaced {
		return r.deinterlace()
	}
	return r.progress()
}

// progress reads a picture that is not interlaced.
func (r *Reader) progress() (*rows, error) {
	w, h := r.out.W(), r.out.H()
	nb, bpp := r.bytesPerRow(w)
	d := &rows{r: r, n: w * r.out.Layout.Samples(), bpp: bpp}
	wide := int(r.out.Bits / 8)
	d.band = raster.BandRows(d.n*wide, h)
	if err := r.lim.CheckMem(int64(d.n)*int64(wide)*int64(d.band+1) + 3*int64(nb)); err != nil {
		return nil, err
	}
	var err error
	if d.s, err = newStream(r); err != nil {
		return nil, err
	}
	d.raw = make([]byte, 1+nb)
	p := &d.out.Planes[0]
	p.Stride = d.n
	switch {
	case r.plain():
		d.pix = make([]uint8, d.n*(d.band+1)) // the first row is the last of the band before
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

// plain reports whether a row's bytes are the samples delivered.
func (r *Reader) plain() bool {
	return r.depth == 8 && !r.hasKey && (r.color != colorIndexed || len(r.out.Palette) == 256)
}

// rows are those of a picture that is not interlaced.
type rows struct {
	r    *Reader
	s    *stream
	n    int    // samples of a row
	bpp  int    // bytes of a pixel in the file
	band int    // rows of a band
	y    int    // rows done
	raw  []byte // filter byte and filtered row
	out  raster.Band

	pix       []uint8 // when the file's bytes are the samples: they are unfiltered in place
	cur, prev []byte  // else two rows of bytes
}

func (d *rows) Header() *raster.Header { return d.r.out }

func (d *rows) Next() (*raster.Band, error) {
	h := d.r.out.H()
	if d.y == h {
		return nil, d.s.finish()
	}
	p := &d.out.Planes[0]
	if d.pix != nil {
		copy(d.pix[:d.n], d.pix[p.Rows*d.n:]) // zeros at the first time
	}
	p.Rows = min(d.band, h-d.y)
	d.out.Y = d.y
	for i := range p.Rows {
		if err := d.s.row(d.raw, d.y+i); err != nil {
			return nil, err
		}
		if d.pix != nil {
			at := d.n * i
			unfilter(d.raw[0], d.pix[at+d.n:at+2*d.n], d.raw[1:], d.pix[at:at+d.n], d.bpp)
			continue
		}
		unfilter(d.raw[0], d.cur, d.raw[1:], d.prev, d.bpp)
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
