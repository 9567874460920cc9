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
// (decode_runs.go) are decoded into memory first. icon.go reads the bitmaps of icons and
// cursors for package ico. encode.go writes.
//
// A picture has alpha if its header has a mask for it, and a pixel that is not 0 there.
// Pixels that run lengths skip have colour 0.
package bmp

import (
	"encoding/binary"
	"io"
	"math/bits"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// Reader is a BMP whose header has been read. It implements raster.Reader.
type Reader struct {
	raster.NoteList

	f     file
	hd    *head
	out   *raster.Header
	lim   raster.Limits
	black uint8 // replaces indexes that are out of range
	icon  *icon // the mask of an icon, or nil
}

// Open reads the header of the BMP in the first size bytes of r.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Reader, error) {
	b := &Reader{f: file{r, size}, lim: lim}
	var err error
	if b.hd, err = b.f.readHead(fileHeader, &b.NoteList); err != nil {
		return nil, err
	}
	if err := lim.CheckSize(b.hd.w, b.hd.h, 1); err != nil {
		return nil, err
	}
	if b.hd.masks[3] != 0 {
		if err := b.checkAlpha(); err != nil {
			return nil, err
		}
	}
	b.setHeader()
	return b, nil
}

// setHeader sets the header of the picture from that of the file.
func (r *Reader) setHeader() {
	hd := r.hd
	layout := raster.RGB
	switch {
	case hd.depth <= 8:
		layout = raster.Indexed
	case hd.masks[3] != 0:
		layout = raster.RGBA
	}
	r.out = raster.NewHeader(int(hd.w), int(hd.h), layout, 8)
	r.out.Density = hd.density
	var note string
	if r.out.ICC, note = meta.ICCFor("RGB ", hd.icc); note != "" {
		r.Note("%s", note)
	}
	if r.out.Palette = hd.palette; hd.depth <= 8 && len(hd.palette) < 1<<hd.depth {
		r.out.Palette, r.black = raster.WithBlack(hd.palette)
	}
}

// checkAlpha drops the mask of alpha if alpha is 0 in all pixels: many programs declare
// alpha and leave it 0, and readers show such a picture opaque. It reads up to the
// first other pixel.
func (r *Reader) checkAlpha() error {
	used, stride := r.rowBytes()
	b := make([]byte, 64<<10)
	alpha := channel{shift: bits.TrailingZeros32(r.hd.masks[3]), max: r.hd.masks[3] >> bits.TrailingZeros32(r.hd.masks[3])}
	wide := int64(r.hd.depth / 8)
	for y := range r.hd.h {
		pos := r.hd.pixels + y*stride
		for left := used; left > 0; {
			part := b[:min(left, int64(len(b)))]
			ok, err := r.f.at(part, pos)
			if err != nil {
				return err
			}
			if !ok {
				return nil // truncated: Rows says so
			}
			for i := int64(0); i < int64(len(part)); i += wide {
				p := uint32(binary.LittleEndian.Uint16(part[i:]))
				if wide == 4 {
					p = binary.LittleEndian.Uint32(part[i:])
				}
				if p>>alpha.shift&alpha.max != 0 {
					return nil
				}
			}
			pos += int64(len(part))
			left -= int64(len(part))
		}
	}
	r.hd.masks[3] = 0
	return nil
}

// rowBytes returns the bytes of a row in the file without and with its padding.
func (r *Reader) rowBytes() (used, stride int64) {
	used = (r.hd.w*int64(r.hd.depth) + 7) / 8
	return used, (used + 3) &^ 3
}

// Header returns the header of the picture: Indexed, RGB or RGBA of 8 bits. A palette
// that is shorter than the depth allows has one more colour, black, for indexes that are
// out of range.
func (r *Reader) Header() *raster.Header { return r.out }

// Rows starts decoding. The hint is not used. Rows may be called once. With
// Limits.Lenient missing rows are black, or transparent if the picture has alpha, or
// colour 0 of its palette.
func (r *Reader) Rows(raster.Hint) (raster.Rows, error) {
	switch {
	case r.icon != nil:
		return r.masked()
	case r.hd.runs():
		return r.held()
	}
	return r.plain(0)
}

// plain starts reading rows that are not compressed, in bands of the given number of
// rows, or of a number that suits them if that is 0.
func (r *Reader) plain(band int) (*rows, error) {
	used, stride := r.rowBytes()
	h := r.hd.h
	d := &rows{r: r, stride: stride, whole: h}
	// The padding of the last row in the file may be missing.
	if whole := (r.f.size - r.hd.pixels + stride - used) / stride; whole < h {
		d.whole = max(0, whole)
		if err := r.accept(raster.Truncated(int(d.whole), int(h))); err != nil {
			return nil, err
		}
	}
	d.n = int(r.hd.w) * r.out.Layout.Samples()
	if d.band = band; band == 0 {
		d.band = raster.BandRows(max(d.n, int(stride)), int(h))
	}
	if err := r.lim.CheckMem((int64(d.n) + stride) * int64(d.band)); err != nil {
		return nil, err
	}
	d.raw = make([]byte, int64(d.band)*stride)
	d.out.Planes[0] = raster.Plane{Pix: make([]uint8, d.n*d.band), Stride: d.n}
	d.expand = r.expander()
	return d, nil
}

// accept returns err, or with Limits.Lenient notes it and returns nil.
func (r *Reader) accept(err error) error {
	if !r.lim.Lenient {
		return err
	}
	r.Note("%v", err)
	return nil
}

// rows reads an uncompressed picture band by band.
type rows struct {
	r      *Reader
	n      int    // samples in a row
	stride int64  // bytes in a row in the file
	whole  int64  // complete rows in the file
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
	first := int64(d.y) // first row of the band in the file
	if !d.r.hd.topDown {
		first = int64(h - d.y - p.Rows)
	}
	if have := min(int64(p.Rows), d.whole-first); have > 0 {
		pos := d.r.hd.pixels + first*d.stride
		raw := d.raw[:min(have*d.stride, d.r.f.size-pos)]
		if ok, err := d.r.f.at(raw, pos); !ok {
			if err == nil {
				err = raster.Truncated(d.y, h)
			}
			return nil, err
		}
	}
	for i := range p.Rows {
		row, from := p.Pix[i*d.n:(i+1)*d.n], int64(i)
		if !d.r.hd.topDown {
			from = int64(p.Rows - 1 - i)
		}
		if first+from >= d.whole {
			clear(row)
		} else {
			d.expand(row, d.raw[from*d.stride:])
		}
	}
	d.y += p.Rows
	return &d.out, nil
}

// held decodes a picture of run lengths into memory.
func (r *Reader) held() (raster.Rows, error) {
	w, h := r.out.W(), r.out.H()
	n := w * r.out.Layout.Samples()
	if err := r.lim.CheckMem(int64(n) * int64(h)); err != nil {
		return nil, err
	}
	d := &held{r: r, n: n, pix: make([]uint8, n*h)}
	in := io.NewSectionReader(r.f.r, r.hd.pixels, max(0, r.f.size-r.hd.pixels))
	runs := &runs{bits: r.hd.depth, pix: d.pix, w: w, h: h}
	done, err := runs.decode(in)
	if err == io.EOF {
		if err := r.accept(raster.Truncated(done, h)); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, fault.New(fault.Internal, "read: %w", err)
	}
	if r.out.Layout == raster.Indexed {
		raster.Clamp(d.pix, len(r.hd.palette), r.black)
	}
	return d, nil
}

// held gives the rows of a picture in memory.
type held struct {
	r   *Reader
	n   int     // samples in a row
	pix []uint8 // rows in the order of the file
	y   int     // rows given so far
	out raster.Band
}

func (d *held) Header() *raster.Header { return d.r.out }

func (d *held) Next() (*raster.Band, error) {
	h := d.r.out.H()
	if d.y == h {
		return nil, io.EOF
	}
	row := d.y
	if !d.r.hd.topDown {
		row = h - 1 - d.y
	}
	d.out.Y = d.y
	d.out.Planes[0] = raster.Plane{Pix: d.pix[row*d.n : (row+1)*d.n], Stride: d.n, Rows: 1}
	d.y++
	return &d.out, nil
}
