// Package jpeg reads and writes JPEG (ITU-T T.81, JFIF, Adobe APP14) by rows of
// MCUs, and makes gray JPEGs from colour ones without decoding them.
//
// Stages, one a file. Reading: source (the file through a window, entropy-coded
// bytes unstuffed), segment (markers and tables), huffman (look-ups), block
// (sequential blocks), walk, survey and corner (blocks gone over for their length, many
// ahead, and what is then taken of them at 2/8), scan (what goes on from block to
// block and scan to scan), progressive (coefficients gathered from many scans), idct
// and idct_reduced, rows (planes), colour (RGB, CMYK, odd sampling), reduction (which
// n of n/8).
// Writing: headers, tables, fdct, quantize, bits, encode and encode_rgb. From file to
// file: transcode, gray, gray_baseline, gray_progressive, turn, copy.
//
// Read are baseline, extended sequential and progressive files of 8 bits with
// Huffman codes and 1, 3 or 4 components of any sampling factors. Errors are of
// kind fault.Format for damaged files, among them all that end early, and
// fault.Unsupported for what T.81 has and this package does not.
package jpeg

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// model says what the components mean.
type model uint8

const (
	gray model = iota
	ycc
	rgb
	cmyk
	ycck
)

// Reader is a JPEG whose header, up to its first scan, has been read. It can be
// used once, by one of Rows, Gray and Copy.
type Reader struct {
	raster.NoteList

	src   *source
	lim   raster.Limits
	hdr   raster.Header
	frame *frame
	first *scan
	model model

	quant [4]*quantTable
	huff  [2][4]*huffman
	ri    int
	scans int
	seg   []byte

	jfif, adobe bool
	transform   byte
	icc         iccChunks
}

// Open reads the segments before the first scan of the JPEG of size bytes in r.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Reader, error) {
	d := &Reader{src: newSource(r, size), lim: lim}
	d.hdr.Orientation = 1
	var soi [2]byte
	if !d.src.full(soi[:]) || soi[0] != 0xFF || soi[1] != mSOI {
		if d.src.err != nil {
			return nil, d.src.err
		}
		return nil, fault.New(fault.Format, "not a JPEG")
	}
	s, eoi, err := d.headers(0)
	if err != nil {
		return nil, err
	}
	switch {
	case s == nil && eoi:
		return nil, fault.New(fault.Format, "JPEG without a picture")
	case s == nil && d.frame == nil:
		return nil, fault.New(fault.Format, "truncated in its header")
	case s == nil:
		return nil, raster.Truncated(0, d.frame.h)
	}
	d.first = s
	d.model = d.colourModel()
	h := &d.hdr
	h.FullW, h.FullH, h.Bits = d.frame.w, d.frame.h, 8
	h.Planes = []raster.PlaneDim{raster.Whole(h.FullW, h.FullH)}
	switch d.model {
	case gray:
		h.Layout = raster.Gray
		h.ICC = d.icc.profile("GRAY")
	case ycc:
		h.Layout = raster.YCbCr
		h.Planes = d.frame.dims(&[4]int{8, 8, 8})
		h.ICC = d.icc.profile("RGB ")
	default:
		h.Layout = raster.RGB
		if d.model == rgb {
			h.ICC = d.icc.profile("RGB ")
		}
	}
	return d, nil
}

// colourModel decides as libjpeg does: JFIF means YCbCr, then Adobe's marker
// counts (Adobe TN 5116, section 18), then the component ids.
func (r *Reader) colourModel() model {
	c := r.frame.comps
	switch {
	case len(c) == 1:
		return gray
	case len(c) == 4 && r.adobe && r.transform != 0:
		return ycck
	case len(c) == 4:
		return cmyk
	case r.jfif:
		return ycc
	case r.adobe && r.transform == 0:
		return rgb
	case !r.adobe && c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B':
		return rgb
	}
	return ycc
}

// Header returns the picture as it is stored. Planes of a YCbCr picture have
// their own sizes.
func (r *Reader) Header() *raster.Header { return &r.hdr }

// dims returns the extents of the planes at n[i]/8.
func (f *frame) dims(n *[4]int) []raster.PlaneDim {
	d := make([]raster.PlaneDim, len(f.comps))
	for i, c := range f.comps {
		nx, dx := lowest(c.h, f.hmax)
		ny, dy := lowest(c.v, f.vmax)
		if n[i] != 8 {
			nx, dx, ny, dy = nx*n[i], dx*8, ny*n[i], dy*8
		}
		d[i] = raster.PlaneDim{W: ceilDiv(f.w*nx, dx), H: ceilDiv(f.h*ny, dy), NX: nx, DX: dx, NY: ny, DY: dy}
	}
	return d
}

// lowest returns a/b in lowest terms.
func lowest(a, b int) (int, int) {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return a / x, b / x
}
