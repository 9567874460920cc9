package program

import (
	"os"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/heif"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
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
// that name it were made from video, or by programs that write it for want of another,
// and browsers show them as sRGB.
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
	in, done, err := r.d.file(r.in, r.size)
	if err != nil {
		return nil, err
	}
	defer done()
	rows, err := r.planes(in, hint)
	if err != nil {
		return nil, err
	}
	if !r.with.upright {
		if rows, err = crop(rows, r.p.Crop); err != nil {
			return nil, err
		}
	}
	h := *rows.Header()
	r.label(&h)
	h.Orientation, h.Keep = r.h.Orientation, r.h.Keep
	return raster.WithHeader(rows, &h), nil
}

// planes runs a program that writes Y4M.
func (r *Reader) planes(in *os.File, hint raster.Hint) (raster.Rows, error) {
	p := r.p
	w, h := p.StoredW, p.StoredH
	o := y4m.Options{Matrix: p.CICP[2], Limited: p.CICP != [4]byte{} && p.CICP[3] == 0}
	if p.CICP == [4]byte{} {
		o.Matrix = 2
	}
	if r.with.upright { // whatever the picture is
		w, h = p.W, p.H
		o = y4m.Options{Matrix: 6}
		hint.Luma = hint.Luma || p.Chroma == heif.Mono
	}
	out, size, err := r.d.decode(r.with, in, p.Format(), y4mBytes(p, w, h), r.lim)
	if err != nil {
		return nil, err
	}
	y, err := y4m.Open(out, size, o, r.lim)
	if err != nil {
		out.Close()
		return nil, fault.New(fault.Of(err), "%s: %w", r.with.name, err)
	}
	if got := y.Header(); got.FullW != w || got.FullH != h || y.Depth() != p.Depth {
		out.Close()
		return nil, fault.New(fault.Format, "%s: %d×%d pixels of %d bits, where the file says %d×%d of %d", r.with.name, got.FullW, got.FullH, y.Depth(), w, h, p.Depth)
	}
	rows, err := y.Rows(hint)
	if err != nil {
		out.Close()
		return nil, err
	}
	return &closing{rows, out}, nil
}

// y4mBytes returns the most bytes of samples that a Y4M of the picture can have: four
// planes.
func y4mBytes(p *heif.Picture, w, h int) int64 {
	n := int64(w) * int64(h) * 4
	if p.Depth > 8 {
		n *= 2
	}
	return n
}

// closing closes the output when its rows end.
type closing struct {
	raster.Rows
	out *os.File
}

func (c *closing) Next() (*raster.Band, error) {
	b, err := c.Rows.Next()
	if err != nil {
		c.out.Close() // a second time does nothing
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
