package plan

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/colour"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// Decode writes the HEIC or AVIF in the first size bytes of in for another daemon, which
// then does the operations: upright, with its profile, density and metadata, uncompressed.
// It is PNM if there is nothing but samples, PNG if its coding of high dynamic range would
// be lost otherwise, else TIFF.
//
// The request may name a frame, and say which operations follow:
//
//	gray=   only luma is decoded of a picture in sRGB without alpha: the samples of the
//	        file, whatever its matrix is, as where one process does all
//	scale=  a smaller copy in the file, its thumbnail, may be written instead; then Goals
//	        has the size to scale it to
//
// As is the format that the result of the operations has unless another is asked for.
func Decode(out io.Writer, in io.ReaderAt, size int64, r Request) (Result, error) {
	p, err := codec.OpenWith(in, size, r.Limits, r.HEIF)
	if err != nil {
		return Result{}, err
	}
	if f, _ := format.Lookup(p.Format); f.Programs == nil {
		return Result{}, fault.New(fault.Usage, "decode: %s is neither HEIC nor AVIF", f.Title)
	}
	if h := p.Header(); h.ICC != nil || h.Coding != (raster.Coding{}) || h.Layout.HasAlpha() {
		r.Ops = r.Ops.Without("gray") // which needs what travels with the colours
	}
	j, err := newJob(p, r)
	if err != nil {
		return Result{}, err
	}
	hint := j.hint()
	hint.Planar = false
	rows, err := j.decode(hint, keepAlpha)
	if err != nil {
		return Result{}, err
	}
	defer func() { j.stop() }()
	if hint.Luma {
		rows = raster.Grayed(rows, raster.Rec601)
	}
	res := Result{From: p.Format, As: j.out.Name}
	if d := rows.Header().Planes[0]; d.W != rows.Header().FullW || d.H != rows.Header().FullH {
		rows, res.Goals = asWhole(rows), []Size{{j.place.W, j.place.H}}
	}
	head := *rows.Header()
	if hdr := head.Coding.CICP[1]; hdr == transferPQ || hdr == transferHLG {
		res.Format = format.PNG
	} else {
		rows, _ = colour.Fit(rows)
		head = *rows.Header()
	}
	res.W, res.H = head.OrientedSize()
	head.Keep, _ = meta.Filter(p.Metadata(), meta.KeepAll, meta.Result{W: res.W, H: res.H, Density: head.Density, SRGB: head.ICC == nil, IPTC: true})
	if res.Format == "" {
		res.Format = format.PNM
		if head.ICC != nil || head.Density != (raster.Density{}) || !head.Keep.Empty() {
			res.Format = format.TIFF
		}
	}
	res.Format, err = codec.Encode(out, raster.WithHeader(rows, &head), res.Format, codec.Options{Limits: j.Limits, Plain: true})
	f, _ := format.Lookup(res.Format)
	res.Type, res.Note = f.Media, j.said(false)
	return res, err
}

// The transfer characteristics of high dynamic range (ITU-T H.273, table 3).
const transferPQ, transferHLG = 16, 18

// asWhole returns a reduced picture as one of the size that it has.
func asWhole(src raster.Rows) raster.Rows {
	src = raster.Packed(src)
	h := *src.Header()
	d := h.Planes[0]
	h.Density = h.Density.Scaled(float64(d.W)/float64(h.FullW), float64(d.H)/float64(h.FullH))
	h.FullW, h.FullH = d.W, d.H
	h.Planes = []raster.PlaneDim{raster.Whole(d.W, d.H)}
	return raster.WithHeader(src, &h)
}
