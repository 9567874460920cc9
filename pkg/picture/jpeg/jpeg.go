// Package jpeg reads and writes JPEG files (ITU-T T.81, JFIF 1.02, Adobe TN 5116)
// row by row, and makes gray, upright or bare copies of them without decoding.
//
// A JPEG keeps each component (Y, Cb, Cr) as blocks of 8×8 samples: transformed by
// the DCT, divided by quantization steps, and coded as bits, in one scan or several.
// Blocks of all components that show the same place are a minimum coded unit (MCU).
// The prefix of a file name is the stage that the file belongs to:
//
//	read_       the file through a window, segments between markers, bits of a scan
//	scan_       bits to blocks: Huffman and arithmetic codes, restarts, where blocks begin
//	decode_     blocks to rows of samples, whole or at n/8 of the size; colours
//	encode_     rows to blocks, bits, segments
//	dct_        the transforms, as vectors where the processor has them
//	transcode_  file to file: scans copied or written again, coefficients unchanged
//
// A Reader passes three states: Open has read the segments before the first scan;
// one of Rows, Gray and Copy uses it up; after the last row, or after Gray or Copy
// return, its Notes are complete. All three read the scans by one scanner.
//
// Sequential and progressive files of 8 bits with 1, 3 or 4 components of any sampling
// factors are read, Huffman-coded or arithmetic-coded. Baseline and progressive
// files are written.
//
// A file whose pixels are all there is read, and Notes say what is wrong with the rest
// of it (see scanner.end and scanner.restart). One with missing pixels is an error of
// kind fault.Format, unless Limits.Lenient is set: then they are mid gray. What T.81 has
// and this package does not is fault.Unsupported.
package jpeg

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/colour"
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
	plain4 // of an embedded JPEG: four components as they are
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

	// Tables and the restart interval as the segments read so far have set them.
	quant [4]*quantTable
	huff  [2][4]*huffman
	cond  arithConditioning
	ri    int
	scans int    // scan headers read
	seg   []byte // the last segment

	jfif, adobe, exif    bool
	transform            byte // of Adobe's marker
	density, exifDensity raster.Density
	icc                  iccChunks
	adobeRGB             bool // said by EXIF
	noICC                bool // DropProfile was called
	progressive          bool // WriteProgressive was called
	metadata             raster.Metadata
	grayICC              []byte // the profile of a file of one component that is written
	gainMap              bool
	pictures             int // in the file, by its index; 0: no index
}

// Open reads the segments before the first scan of the JPEG of size bytes in r.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Reader, error) {
	d := &Reader{src: newSource(r, size), lim: lim, cond: usualConditioning}
	d.hdr.Orientation = 1
	var soi [2]byte
	if !d.src.full(soi[:]) || soi[0] != 0xFF || soi[1] != mSOI {
		if d.src.err != nil {
			return nil, d.src.err
		}
		return nil, fault.New(fault.Format, "not a JPEG")
	}
	s, eoi, err := d.headers()
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
	d.noteOthers()
	d.noteProfile()
	h := &d.hdr
	h.Density = d.storedDensity()
	h.FullW, h.FullH, h.Bits = d.frame.w, d.frame.h, 8
	h.Planes = []raster.PlaneDim{raster.Whole(h.FullW, h.FullH)}
	switch d.model {
	case gray:
		h.Layout = raster.Gray
		h.ICC = d.profile("GRAY")
	case ycc:
		h.Layout = raster.YCbCr
		h.Planes = d.frame.dims(&[4]int{8, 8, 8})
		h.ICC = d.profile("RGB ")
	default:
		h.Layout = raster.RGB
		if d.model == rgb {
			h.ICC = d.profile("RGB ")
		}
	}
	return d, nil
}

// profile returns the profile of a colour space that the file has, or that of Adobe RGB
// when only EXIF says so; nil: none.
func (r *Reader) profile(space string) []byte {
	if r.noICC {
		return nil
	}
	p, _ := r.icc.profile(space)
	if p == nil && space == "RGB " && r.adobeRGB {
		return colour.AdobeRGB()
	}
	return p
}

// noteProfile adds a note if the file has a profile that does not fit the picture.
func (r *Reader) noteProfile() {
	space := "RGB "
	switch {
	case r.model == gray:
		space = "GRAY"
	case r.IsCMYK():
		space = "CMYK"
	}
	if _, note := r.icc.profile(space); note != "" {
		r.Note("%s", note)
	}
}

// inkProfile returns the profile of a JPEG of CMYK or YCCK; nil: it has none, or another
// model. A damaged one is noted.
func (r *Reader) inkProfile() *colour.Source {
	if !r.IsCMYK() {
		return nil
	}
	icc := r.profile("CMYK")
	if icc == nil {
		return nil
	}
	s, err := colour.ParseCMYK(icc)
	if err != nil {
		r.Note("colour profile ignored: %v", err)
		return nil
	}
	return s
}

// IsCMYK reports whether the components are inks, so that Copy writes inks while Rows
// gives RGB.
func (r *Reader) IsCMYK() bool { return r.model == cmyk || r.model == ycck }

// DropProfile makes the picture one without a profile, for Copy and in its header.
func (r *Reader) DropProfile() { r.noICC, r.hdr.ICC = true, nil }

// WriteProgressive makes Gray and Copy write a progressive file.
func (r *Reader) WriteProgressive() { r.progressive = true }

// storedDensity is the density of the picture as stored: that of JFIF, else of EXIF.
func (r *Reader) storedDensity() raster.Density {
	if r.density != (raster.Density{}) {
		return r.density
	}
	return r.exifDensity
}

// colourModel decides as libjpeg does: JFIF means YCbCr; else Adobe's marker decides
// (Adobe TN 5116, section 18), else the component ids.
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
		nx, dx := raster.Lowest(c.h, f.hmax)
		ny, dy := raster.Lowest(c.v, f.vmax)
		if n[i] != 8 {
			nx, dx, ny, dy = nx*n[i], dx*8, ny*n[i], dy*8
		}
		d[i] = raster.PlaneDim{W: ceilDiv(f.w*nx, dx), H: ceilDiv(f.h*ny, dy), NX: nx, DX: dx, NY: ny, DY: dy}
	}
	return d
}
