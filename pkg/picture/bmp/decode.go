// Package bmp reads and writes Windows and OS/2 bitmaps, row by row. The source of its
// format is Microsoft's "Bitmap Storage" (BITMAPINFOHEADER, BITMAPV4HEADER,
// BITMAPV5HEADER) and IBM's description of OS/2 bitmaps. A file is:
//
//	file header     14 bytes: "BM", size, offset of the pixels
//	picture header  12 to 124 bytes: size, bits a pixel, compression
//	masks           which bits of a pixel of 16 or 32 bits are red, green, blue, alpha
//	palette         for 8 bits a pixel or less
//	pixels          rows padded to 4 bytes, usually from bottom to top; or run lengths
//	profile         in the newest version
//
// Open reads everything before the pixels (decode_header.go). Rows then reads bands
// of rows, in reverse order if the file is bottom-up, so that no picture is held in
// memory; decode_expand.go turns the bytes of a row into samples. Only run lengths
// (decode_runs.go) are decoded into memory first. encode.go writes.
//
// A picture has alpha if its header has a mask for it. Pixels that run lengths skip
// have colour 0.
package bmp

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// Reader is a BMP whose header has been read. It implements raster.Reader.
type Reader struct {
	raster.NoteList

	f   file
	hd  *head
	out *raster.Header
	lim raster.Limits
}

// Open reads the header of the BMP in the first size bytes of r.
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

// Header returns the header of the picture: Indexed, RGB or RGBA of 8 bits.
func (r *Reader) Header() *raster.Header { return r.out }

// Rows starts decoding. The hint is not used. Rows may be called once.
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

// rows reads an uncompressed picture band by band.
type rows struct {
	r      *Reader
	n      int    // samples in a row
	stride int64  // bytes in a row in the file
	band   int    // rows in a band
	y      int    // rows read so far
	raw    []byte // a band as it is in the file
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
	first := d.y // first row of the band in the file
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

// runs decodes a picture of run lengths into memory.
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

// held gives the rows of a picture in memory.
type held struct {
	r   *Reader
	pix []uint8 // indexes, rows from bottom to top
	y   int     // rows given so far
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
