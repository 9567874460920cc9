package bmp

import (
	"encoding/binary"
	"image/color"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// OpenIcon reads the header of the bitmap of an icon or cursor in the first size bytes of
// r. It has no file header, and two pictures follow the palette: colours, then a mask
// with one bit a pixel, 1 for transparent. The height in the header is that of both
// together; whole is true in files that have the height of one, and then there is no mask.
// A bitmap of 32 bits has alpha, too; the mask counts if that is 0 everywhere.
//
// Header and Rows are RGBA.
func OpenIcon(r io.ReaderAt, size int64, whole bool, lim raster.Limits) (*Reader, error) {
	b := &Reader{f: file{r, size}, lim: lim}
	hd, err := b.f.readHead(0, &b.NoteList)
	if err != nil {
		return nil, err
	}
	if hd.runs() {
		return nil, fault.New(fault.Unsupported, "icon with run lengths is not read")
	}
	b.hd = hd
	if !whole {
		hd.h /= 2
	}
	if err := lim.CheckSize(hd.w, hd.h, 1); err != nil {
		return nil, err
	}
	if hd.depth == 32 && hd.compression == biRGB {
		hd.masks[3] = 0xff000000
	}
	if hd.masks[3] != 0 {
		if err := b.checkAlpha(); err != nil {
			return nil, err
		}
	}
	b.setHeader()
	if hd.masks[3] == 0 && !whole {
		b.addMask()
	}
	return b, nil
}

// icon is the mask of an icon, and the header of its colours.
type icon struct {
	mask    *Reader
	colours *raster.Header
}

// addMask makes the picture RGBA, with alpha from the mask behind the colours.
func (r *Reader) addMask() {
	_, stride := r.rowBytes()
	m := &Reader{f: r.f, lim: r.lim, hd: &head{
		w: r.hd.w, h: r.hd.h, topDown: r.hd.topDown, depth: 1,
		pixels:  r.hd.pixels + stride*r.hd.h,
		palette: []color.NRGBA{{A: 255}, {}},
	}}
	m.setHeader()
	r.icon = &icon{mask: m, colours: r.out}
	h := *r.out
	h.Layout, h.Palette = raster.RGBA, nil
	r.out = &h
}

// IconSize returns width, height and bits a pixel from the beginning of the bitmap of an
// icon, for choosing among several. The height is that of the header, of both pictures.
func IconSize(b []byte) (w, h int64, bits int) {
	switch n := len(b); {
	case n >= coreHeader && binary.LittleEndian.Uint32(b) == coreHeader:
		return int64(binary.LittleEndian.Uint16(b[4:])), int64(binary.LittleEndian.Uint16(b[6:])), int(binary.LittleEndian.Uint16(b[10:]))
	case n >= 16:
		h = int64(int32(binary.LittleEndian.Uint32(b[8:])))
		return int64(int32(binary.LittleEndian.Uint32(b[4:]))), max(h, -h), int(binary.LittleEndian.Uint16(b[14:]))
	}
	return 0, 0, 0
}

// masked starts reading colours and mask in bands of the same height.
func (r *Reader) masked() (raster.Rows, error) {
	colours := &Reader{f: r.f, hd: r.hd, lim: r.lim, out: r.icon.colours, black: r.black}
	c, err := colours.plain(0)
	if err != nil {
		return nil, err
	}
	m, err := r.icon.mask.plain(c.band)
	if err != nil {
		return nil, err
	}
	for _, n := range append(colours.Notes(), r.icon.mask.Notes()...) {
		r.Note("%s", n)
	}
	return &maskedRows{h: r.out, colours: raster.ToRGB(c), mask: m}, nil
}

// maskedRows gives the rows of an icon.
type maskedRows struct {
	h       *raster.Header
	colours raster.Rows // RGB
	mask    *rows       // 0: opaque, 1: transparent
	out     raster.Band
}

func (d *maskedRows) Header() *raster.Header { return d.h }

func (d *maskedRows) Next() (*raster.Band, error) {
	c, err := d.colours.Next()
	if err != nil {
		return nil, err
	}
	m, err := d.mask.Next()
	if err != nil {
		return nil, err
	}
	w := d.h.W()
	p, from, mask := &d.out.Planes[0], &c.Planes[0], &m.Planes[0]
	d.out.Y, p.Stride, p.Rows = c.Y, 4*w, from.Rows
	if p.Pix == nil {
		p.Pix = make([]uint8, p.Stride*p.Rows)
	}
	for y := range from.Rows {
		src, dst := from.Pix[y*from.Stride:], p.Pix[y*p.Stride:]
		for x, bit := range mask.Pix[y*mask.Stride:][:w] {
			copy(dst[4*x:4*x+3], src[3*x:])
			dst[4*x+3] = bit - 1 // 0 becomes 255, 1 becomes 0
		}
	}
	return &d.out, nil
}
