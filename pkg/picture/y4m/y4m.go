// Package y4m reads one picture of YUV4MPEG2, the form in which programs hand decoded
// video on: a line of text and planes of samples.
//
//	YUV4MPEG2 W64 H48 F25:1 C420p10 XCOLORRANGE=FULL\n
//	FRAME\n
//	all of Y, then all of Cb, then all of Cr, then alpha if there is any
//
// Samples have 8, 10 or 12 bits; those of more than 8 take two bytes, the less
// significant first. The chroma is 4:2:0, 4:2:2, 4:4:4 or absent. The form is described
// in yuv4mpeg(5) of mjpegtools; XCOLORRANGE and depths above 8 are extensions of FFmpeg.
//
// The line does not say by which matrix Y, Cb and Cr were made of R, G and B, nor
// always whether they use the full range. The caller says so in Options.
//
// Open reads the line (header.go) and checks that the file has exactly the bytes of one
// picture. Rows returns the planes as they are where raster.YCbCr means the same, luma
// alone if that is all that is wanted (rows.go), and else RGB (rgb.go). The planes lie
// one behind the other, so that each band of rows is read from three places.
package y4m

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// Options say what the samples mean.
type Options struct {
	// Matrix is the value of MatrixCoefficients of ITU-T H.273 by which the planes were
	// made. 2, unspecified, is read as BT.601.
	Matrix uint8
	// Limited: samples use the range of video, for 8 bits 16 to 235 and 16 to 240, if the
	// file does not say which they use.
	Limited bool
}

// Reader is a picture whose line has been read.
type Reader struct {
	raster.NoteList

	in     io.ReaderAt
	file   header
	planes []plane // Y, Cb, Cr, alpha as far as there are
	model  model
	h      *raster.Header
}

// plane is where the samples of one plane are.
type plane struct {
	at   int64 // its first byte
	w, h int   // samples
}

// Open reads the line of the picture in the first size bytes of in. Errors are of kind
// Format for a damaged file, Unsupported for a matrix or a depth that is not read,
// TooLarge for a picture beyond lim.
func Open(in io.ReaderAt, size int64, o Options, lim raster.Limits) (*Reader, error) {
	f, start, err := readHeader(in, size, lim)
	if err != nil {
		return nil, err
	}
	r := &Reader{in: in, file: f}
	end := start
	for i := range f.planes() {
		p := plane{at: end, w: f.w, h: f.h}
		if i == 1 || i == 2 {
			p.w, p.h = ceilDiv(f.w, f.chroma.across()), ceilDiv(f.h, f.chroma.down())
		}
		r.planes = append(r.planes, p)
		end += int64(p.w) * int64(p.h) * int64(f.bytes())
	}
	if end != size {
		return nil, fault.New(fault.Format, "%d bytes for %d×%d pixels of %d bits, %s, which take %d", size-start, f.w, f.h, f.depth, f.chroma, end-start)
	}
	limited := f.limited(o.Limited)
	if r.model, err = modelOf(o.Matrix, f.depth, f.chroma, limited); err != nil {
		return nil, err
	}
	r.h = r.header(raster.Hint{Planar: true})
	return r, nil
}

// Header returns the header of the picture with all its planes.
func (r *Reader) Header() *raster.Header { return r.h }

// Depth returns the bits of a sample in the file.
func (r *Reader) Depth() int { return r.file.depth }

// header returns the header of what Rows returns for a hint.
func (r *Reader) header(hint raster.Hint) *raster.Header {
	f := &r.file
	bits := uint8(8)
	if f.depth > 8 {
		bits = 16
	}
	layout := raster.RGB
	switch {
	case f.chroma == mono, hint.Luma && r.model.hasLuma():
		layout = raster.Gray
	case hint.Planar && bits == 8 && r.model.isJFIF() && !f.alpha:
		layout = raster.YCbCr
	}
	if f.alpha {
		layout++ // the same with alpha
	}
	h := raster.NewHeader(f.w, f.h, layout, bits)
	if layout == raster.YCbCr {
		for _, p := range r.planes[1:3] {
			h.Planes = append(h.Planes, raster.PlaneDim{W: p.w, H: p.h, NX: 1, DX: f.chroma.across(), NY: 1, DY: f.chroma.down()})
		}
	}
	return h
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
