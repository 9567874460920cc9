package program

import (
	"io"
	"os"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/heif"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/tiff"
	"imgtools/pkg/picture/y4m"
)

// header returns the header of the whole picture.
func (r *Reader) header() *raster.Header {
	p := r.p
	h := raster.NewHeader(p.W, p.H, raster.RGB, 8)
	if p.Depth > 8 {
		h.Bits = 16
	}
	if !r.with.upright {
		h = raster.NewHeader(p.Crop.W, p.Crop.H, raster.RGB, h.Bits)
		h.Orientation = p.Orientation
	}
	if p.Chroma == heif.Mono {
		h.Layout = raster.Gray
	}
	if p.Alpha {
		h.Layout = h.Layout.WithAlpha()
	}
	r.label(h)
	return h
}

// label gives h what boxes and EXIF say of colours and density.
func (r *Reader) label(h *raster.Header) {
	p := r.p
	h.ICC = p.ICC
	h.Coding.CICP = coding(p)
	h.Density = meta.ParseEXIF(p.Metadata.EXIF).Density
	if r.with.upright && raster.Swaps(p.Orientation) {
		h.Density.X, h.Density.Y = h.Density.Y, h.Density.X
	}
}

// Transfer characteristics of ITU-T H.273.
const (
	transferSRGB = 13
	transferPQ   = 16
	transferHLG  = 18
)

// coding returns primaries and transfer of the samples, once they are RGB at full range,
// or zeros for sRGB and where the profile counts: it counts more than these numbers
// (ISO/IEC 23000-22, 7.3.6.4), but for light above white, which only they can name.
//
// The transfer of BT.709, BT.601 and BT.2020 is that of cameras for television. Stills
// that name it were made from video, or by programs that write it in every file; browsers
// show them as sRGB.
func coding(p *heif.Picture) [4]uint8 {
	primaries, transfer := p.CICP[0], p.CICP[1]
	bright := transfer == transferPQ || transfer == transferHLG
	if p.SRGB() || p.ICC != nil && !bright {
		return [4]uint8{}
	}
	switch transfer {
	case 1, 2, 6, 14, 15:
		transfer = transferSRGB
	}
	if primaries == 2 || primaries == 1 {
		primaries = 1
		if transfer == transferSRGB {
			return [4]uint8{}
		}
	}
	return [4]uint8{primaries, transfer, 0, 1}
}

// Rows runs the program and returns what it wrote as rows.
func (r *Reader) Rows(hint raster.Hint) (raster.Rows, error) {
	rows := r.thumbnail(hint)
	if rows == nil {
		var err error
		if rows, err = r.whole(hint); err != nil {
			return nil, err
		}
	}
	h := *rows.Header()
	r.label(&h)
	h.Orientation, h.Keep = r.h.Orientation, r.h.Keep
	return raster.WithHeader(rows, &h), nil
}

// whole returns the picture at full size.
func (r *Reader) whole(hint raster.Hint) (raster.Rows, error) {
	in, size, p := r.in, r.size, r.p
	withAlpha := p.Alpha && r.with.alpha(p)
	if p.Frames > 1 || p.Others || p.Alpha && !withAlpha { // of a sequence the still picture, and no others
		alone, err := heif.Alone(in, size, p.Item, withAlpha)
		if err != nil {
			return nil, err
		}
		in, size = alone, alone.Size()
	}
	if p.Alpha {
		hint.Planar = false // planes have no alpha
	}
	rows, err := r.d.decode(r.with, in, size, p, hint, r.lim)
	if err != nil {
		return nil, err
	}
	if p.Alpha {
		if rows, err = r.withAlpha(rows); err != nil {
			return nil, err
		}
	}
	if !r.with.upright {
		return crop(rows, p.Crop)
	}
	return rows, nil
}

// decode runs a program on the file in the first size bytes of in, whose picture is p, and
// returns rows: RGB or Gray, or planes if the hint has Planar; with alpha if the
// program gives that with the rest.
func (d *Decoder) decode(t *found, in io.ReaderAt, size int64, p *heif.Picture, hint raster.Hint, lim raster.Limits) (rows raster.Rows, err error) {
	out, n, err := d.output(t, in, size, p, lim)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			out.Close()
		}
	}()
	gray := p.Chroma == heif.Mono
	kr, kb, known := y4m.Shares(p.CICP[2])
	if byMatrix := t.rec601 && hint.Luma && known && !gray && kr != rec601; byMatrix {
		// Y of the file is not that of the output.
		if rows, err = t.open(t, out, n, p, raster.Hint{}, lim); err == nil {
			rows = lumaBy(kr, kb, rows)
		}
	} else {
		hint.Luma = hint.Luma || gray
		rows, err = t.open(t, out, n, p, hint, lim)
	}
	if err != nil {
		return nil, fault.New(fault.Of(err), "%s: %w", t.name, err)
	}
	return &closing{rows, out, t.name}, nil
}

// openY4M returns the rows of a Y4M.
func openY4M(t *found, out *os.File, size int64, p *heif.Picture, hint raster.Hint, lim raster.Limits) (raster.Rows, error) {
	o := y4m.Options{Matrix: p.CICP[2], Limited: p.CICP[3] == 0}
	switch {
	case t.rec601: // whatever the picture is
		o = y4m.Options{Matrix: 6}
	case p.CICP == [4]byte{}: // the file does not say
		o = y4m.Options{Matrix: 2}
	}
	y, err := y4m.Open(out, size, o, lim)
	if err != nil {
		return nil, err
	}
	if err := t.check(y.Header(), y.Depth(), p.Depth, p); err != nil {
		return nil, err
	}
	return y.Rows(hint)
}

// check compares size and depth of an output with those that it must have.
func (t *found) check(h *raster.Header, bits, want int, p *heif.Picture) error {
	w, height := t.size(p)
	if h.FullW != w || h.FullH != height || bits != want {
		return fault.New(fault.Format, "%d×%d pixels of %d bits where there should be %d×%d of %d", h.FullW, h.FullH, bits, w, height, want)
	}
	return nil
}

// size returns the pixels of the output for a picture.
func (t *found) size(p *heif.Picture) (w, h int) {
	if t.upright {
		return p.W, p.H
	}
	return p.StoredW, p.StoredH
}

// openTIFF returns the rows of a TIFF of vips. Samples of more than 8 bits are the highest
// bits of 16; of RGB that was made of gray one sample is taken.
func openTIFF(t *found, out *os.File, size int64, p *heif.Picture, hint raster.Hint, lim raster.Limits) (raster.Rows, error) {
	r, err := tiff.Open(out, size, lim)
	if err != nil {
		return nil, err
	}
	want := 8
	if p.Depth > 8 {
		want = 16
	}
	if err := t.check(r.Header(), r.Depth(), want, p); err != nil {
		return nil, err
	}
	layout := raster.RGB
	if p.Alpha {
		layout = raster.RGBA
	}
	if got := r.Header().Layout; got != layout {
		return nil, fault.New(fault.Format, "a picture of %s where there should be %s", got, layout)
	}
	rows, err := r.Rows(raster.Hint{Part: hint.Part})
	if err != nil {
		return nil, err
	}
	if p.Depth > 8 {
		rows = widen(rows, p.Depth)
	}
	if p.Chroma == heif.Mono {
		rows = raster.Grayed(rows, raster.Rec601)
	}
	return rows, nil
}

// closing closes the output when its rows end.
type closing struct {
	raster.Rows
	out     *os.File
	program string
}

func (c *closing) Next() (*raster.Band, error) {
	b, err := c.Rows.Next()
	if err != nil {
		c.out.Close() // a second time does nothing
		if err != io.EOF {
			err = fault.New(fault.Of(err), "%s: %w", c.program, err)
		}
	}
	return b, err
}

// crop cuts out a part of the picture. Planes whose chroma the part would split become RGB
// first, as a writer of planes takes no origin.
func crop(rows raster.Rows, part geometry.Rect) (raster.Rows, error) {
	if h := rows.Header(); h.Layout == raster.YCbCr && !h.OnSamples(part.X, part.Y) {
		rows = raster.Packed(rows)
	}
	return raster.Crop(rows, part, true, nil)
}
