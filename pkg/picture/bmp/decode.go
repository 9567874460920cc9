// Package bmp reads and writes Windows and OS/2 bitmaps by rows: 1 to 32 bits a
// pixel, run lengths, masks. Rows that stand from bottom to top are read from the
// file's end, so nothing is held; only run lengths are.
//
// Alpha counts where a header has a mask for it. Pixels that run lengths skip are
// of colour 0.
package bmp

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// Reader is a BMP whose header has been read. It is a raster.Reader.
type Reader struct {
	raster.NoteList

	f   file
	hd  *head
	out *raster.Header
	lim raster.Limits
}

// Open reads the header of the bitmap in the first size bytes of r.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Reader, error) {
	f := file{r, size}
	hd, err := f.readHead()
	if err != nil {
		return nil, err
	}
	if err := lim.CheckSize(hd.w, hd.h, 1); err != nil {
		return nil, err
	}
	layout := raster.RGB
	switch {
	case hd.depth <= 8:
		layout = raster.Indexed
	case hd.masks[3] != 0:
		layout = raster.RGBA
	}
	out := raster.NewHeader(int(hd.w), int(hd.h), layout, 8)
	out.Palette = hd.palette
	if meta.ICCSpace(hd.icc) == "RGB " {
		out.ICC = hd.icc
	}
	return &Reader{f: f, hd: hd, out: out, lim: lim}, nil
}

// Header returns the picture's header: Indexed, RGB or RGBA of 8 bits.
func (r *Reader) Header() *raster.Header { return r.out }

// Rows starts the decoding; the hint is not used. It may be called once.
func (r *Reader) Rows(raster.Hint) (raster.Rows, error) {
	if r.hd.compression == biRLE8 || r.hd.compression == biRLE4 {
		return r.runs()
	}
	w, h := r.hd.w, r.hd.h
	used := (w*int64(r.hd.depth) + 7) / 8
	stride := (used + 3) &^ 3
	// The padding of the last row in the file may be missing.
	if whole := (r.f.size - r.hd.pixels + stride - used) / stride; whole < h {
		return nil, raster.Truncated(int(max(0, whole)), int(h))
	}
	n := int(w) * r.out.Layout.Samples()
	d := &rows{r: r, n: n, stride: stride, band: raster.BandRows(max(n, int(stride)), int(h))}
	if err := r.lim.CheckMem((int64(n) + stride) * int64(d.band)); err != nil {
		return nil, err
	}
	d.raw = make([]byte, int64(d.band)*stride)
	d.out.Planes[0] = raster.Plane{Pix: make([]uint8, n*d.band), Stride: n}
	d.expand = r.expander()
	return d, nil
}

type rows struct {
	r      *Reader
	n      int   // samples of a row
	stride int64 // bytes of a row in the file
	band   int
	y      int
	raw    []byte
	out    raster.Band
	expand func(dst []uint8, src []byte)
}

func (d *rows) Header() *raster.Header { return d.r.out }

func (d *rows) Next() (*raster.Band, error) {
	h := d.r.out.H()
	if d.y == h {
		return nil, io.EOF
	}
	p := &d.out.Planes[0]
	p.Rows, d.out.Y = min(d.band, h-d.y), d.y
	first := d.y // the first of the band's rows in the file
	if !d.r.hd.topDown {
		first = h - d.y - p.Rows
	}
	pos := d.r.hd.pixels + int64(first)*d.stride
	raw := d.raw[:min(int64(p.Rows)*d.stride, d.r.f.size-pos)]
	if ok, err := d.r.f.at(raw, pos); !ok {
		if err == nil {
			err = raster.Truncated(d.y, h)
		}
		return nil, err
	}
	for i := range p.Rows {
		from := int64(i)
		if !d.r.hd.topDown {
			from = int64(p.Rows - 1 - i)
		}
		d.expand(p.Pix[i*d.n:(i+1)*d.n], raw[from*d.stride:])
	}
	d.y += p.Rows
	return &d.out, nil
}

// runs decodes a picture of run lengths whole: rows of indexes from bottom to top.
func (r *Reader) runs() (raster.Rows, error) {
	w, h := r.out.W(), r.out.H()
	if err := r.lim.CheckMem(int64(w) * int64(h)); err != nil {
		return nil, err
	}
	d := &held{r: r, pix: make([]uint8, w*h)}
	in := io.NewSectionReader(r.f.r, r.hd.pixels, max(0, r.f.size-r.hd.pixels))
	done, err := decodeRuns(in, d.pix, w, h, r.hd.compression == biRLE4)
	if err == io.EOF {
		return nil, raster.Truncated(done, h)
	}
	if err != nil {
		return nil, fault.New(fault.Internal, "read: %w", err)
	}
	raster.Clamp(d.pix, len(r.out.Palette), raster.Darkest(r.out.Palette))
	return d, nil
}

// held hands out the rows of a picture in memory, the last one first.
type held struct {
	r   *Reader
	pix []uint8
	y   int
	out raster.Band
}

func (d *held) Header() *raster.Header { return d.r.out }

func (d *held) Next() (*raster.Band, error) {
	w, h := d.r.out.W(), d.r.out.H()
	if d.y == h {
		return nil, io.EOF
	}
	at := (h - 1 - d.y) * w
	d.out.Y = d.y
	d.out.Planes[0] = raster.Plane{Pix: d.pix[at : at+w], Stride: w, Rows: 1}
	d.y++
	return &d.out, nil
}
