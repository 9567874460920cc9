package jpeg

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// MaxSide is the longest side of a JPEG.
const MaxSide = 65535

// EncodeOptions of Encode.
type EncodeOptions struct {
	Quality int  // 1 to 100
	Fast    bool // less time for a file some 3 % larger: coefficients are rounded, without a trellis

	// Progressive writes a progressive file. All its coefficients are held: some 0.5
	// bytes a pixel of a photograph at quality 80, at most 3.2 of noise, or 6.4 if chroma
	// has all its samples. More than Limits.Mem is an error of kind fault.TooLarge.
	Progressive bool
	Limits      raster.Limits

	// Bytes is the largest file wanted; 0: any. Then Quality is the best that is tried,
	// and the result has the best that fits. All coefficients are held, 2 bytes each, so
	// the picture may have up to maxFitPixels. If quality 10 does not fit, the error is of
	// kind fault.TooLarge and names the size reached.
	Bytes int64
}

// Encode writes rows as a JPEG, baseline or progressive, with the quantization tables of
// T.81 annex K.1 scaled for the quality, Huffman tables made for the picture, the profile
// of the rows, and their density in a JFIF header. The profile must be one for gray or
// RGB, as the rows are.
//
// The rows must have 8 bits and orientation 1. Gray rows become one component. RGB
// rows become YCbCr with chroma halved both ways. YCbCr planes are written as they are
// if chroma is as wide as luma or half as wide, rounded up, and so for the height;
// else they are converted to RGB first.
//
// For a baseline file it holds a few rows of samples and up to heldBytes of coefficients
// (see keep).
func Encode(w io.Writer, rows raster.Rows, o EncodeOptions) error {
	h := rows.Header()
	if h.Layout == raster.YCbCr && !writable(h.Planes) {
		rows = raster.Packed(rows)
		h = rows.Header()
	}
	if h.Bits != 8 || h.Orientation > 1 {
		return fault.New(fault.Internal, "a JPEG of %d bits, orientation %d", h.Bits, h.Orientation)
	}
	if o.Quality < 1 || o.Quality > 100 {
		return fault.New(fault.Usage, "quality %d: not 1 to 100", o.Quality)
	}
	width, height := h.W(), h.H()
	if width < 1 || height < 1 {
		return fault.New(fault.Format, "a picture of %d×%d pixels", width, height)
	}
	if width > MaxSide || height > MaxSide {
		return fault.New(fault.TooLarge, "%d×%d: a side over %d is more than JPEG holds", width, height, MaxSide)
	}
	e := &encoder{h: h, w: newBitWriter(w), progressive: o.Progressive, lim: o.Limits}
	switch h.Layout {
	case raster.Gray:
		e.comps = []component{{id: 1, h: 1, v: 1}}
	case raster.RGB:
		e.comps = []component{{id: 1, h: 2, v: 2}, {id: 2, h: 1, v: 1, tq: 1}, {id: 3, h: 1, v: 1, tq: 1}}
	case raster.YCbCr:
		sh, sv := factor(h.Planes[0].W, h.Planes[1].W), factor(h.Planes[0].H, h.Planes[1].H)
		e.comps = []component{{id: 1, h: sh, v: sv}, {id: 2, h: 1, v: 1, tq: 1}, {id: 3, h: 1, v: 1, tq: 1}}
	default:
		return fault.New(fault.Internal, "JPEG of %s rows", h.Layout)
	}
	sof := byte(mSOF0)
	if o.Progressive {
		sof = mSOF2
	}
	e.f = frame{sof: sof, w: width, h: height, comps: e.comps}
	e.f.layOut()
	if o.Bytes > 0 {
		if err := e.checkFit(); err != nil {
			return err
		}
		e.fitting = true
		if err := e.scan(rows); err != nil {
			return err
		}
		return e.fit(w, o)
	}
	e.useQuality(o)
	if err := e.scan(rows); err != nil {
		return err
	}
	return e.end()
}

// end writes what is left when all rows are coded.
func (e *encoder) end() error {
	switch {
	case e.progressive:
		e.w.write(e.header())
		p := progressiveWriter{w: e.w, f: &e.f, rows: e.held}
		p.write()
	case !e.begun:
		e.begin(false)
	}
	e.w.marker(mEOI)
	return e.w.err
}

// writable reports whether YCbCr planes can be written as they are.
func writable(p []raster.PlaneDim) bool {
	return p[1].W == p[2].W && p[1].H == p[2].H && factor(p[0].W, p[1].W) > 0 && factor(p[0].H, p[1].H) > 0
}

// factor returns the sampling factor of luma where it has full samples on a side and
// chroma has c: 1 or 2, or 0 if it is neither.
func factor(full, c int) int {
	switch c {
	case (full + 1) / 2:
		return 2
	case full:
		return 1
	}
	return 0
}

// encoder writes a JPEG. scan pulls the rows; each row of MCUs becomes quantized blocks.
// For a baseline file they are kept until begin has made the Huffman tables of them, and
// written at once from then on. For a progressive file all are kept.
type encoder struct {
	progressive bool
	lim         raster.Limits
	fitting     bool      // rows are only transformed, for fit
	transformed [][]coefs // of each row of MCUs, in the order of the scan

	h       *raster.Header
	comps   []component
	f       frame
	steps   [2]*[64]uint16 // quantization tables in rows of eight: luma, chroma
	quant   [2]*quantizer
	trellis [2]*trellis // nil: coefficients are only rounded
	w       *bitWriter

	part   [3]lines
	sum    []int32     // of RGB rows: sums of R, G and B of two pixels of a line
	blocks [][16]int16 // of RGB rows: the sums that the vector code keeps

	row    mcuRow // being coded
	z      coefs
	levels levels
	last   [3]int32        // the DC value before, while counting
	sizes  [2]symbolCounts // of DC differences
	words  [2]wordCounts
	rows   int      // of MCUs coded
	held   []mcuRow // rows kept
	bytes  int      // in held

	begun bool            // the headers are written
	codes [2][2]codeTable // of the picture: DC and AC, luma and chroma
	short [2]shortCodes   // of the AC codes
	pred  [3]int32        // the DC value before, while writing
}

// useQuality sets the quantization tables and how coefficients are rounded: with a dead
// zone, or by a trellis, which decides better.
func (e *encoder) useQuality(o EncodeOptions) {
	for t, base := range []*[64]uint16{&lumaSteps, &chromaSteps} {
		e.steps[t] = scaleSteps(base, o.Quality)
		dead := deadZone(o.Quality)
		if !o.Fast {
			if e.trellis[t] = newTrellis(e.steps[t], o.Quality, t > 0); e.trellis[t] != nil {
				e.trellis[t].useCodes(&annexCodes[1][t])
				dead = plainRounding
			}
		}
		e.quant[t] = newQuantizer(e.steps[t], dead)
	}
}

// tables returns the number of table slots in use: 1 for gray, else 2.
func (e *encoder) tables() int { return min(len(e.comps), 2) }

// header returns the segments up to the frame header.
func (e *encoder) header() (hw headerWriter) {
	hw.soi()
	hw.jfif(e.h.Density.Scaled(float64(e.f.w)/float64(e.h.FullW), float64(e.f.h)/float64(e.h.FullH)))
	hw.keep(e.h.Keep)
	hw.icc(e.h.ICC)
	for t := range e.tables() {
		var zz [64]uint16
		for k := range zz {
			zz[k] = e.steps[t][unzig[k]]
		}
		hw.dqt(byte(t), &zz)
	}
	hw.sof(e.f.sof, e.f.w, e.f.h, e.comps)
	return hw
}

// begin writes the headers of a baseline file, with Huffman tables for the blocks counted
// so far, and the rows kept. If more blocks will follow, every legal symbol gets a code.
func (e *encoder) begin(more bool) {
	hw := e.header()
	for t := range e.tables() {
		for class, n := range [2]symbolCounts{e.sizes[t], e.words[t].symbols()} {
			if more {
				n.addLegal(class)
			}
			k := huffmanOf(&n)
			hw.dht(byte(class), byte(t), &k.counts, []byte(k.values))
			e.codes[class][t] = codes(&k.counts, k.values)
		}
		e.short[t] = newShortCodes(&e.codes[1][t])
	}
	if len(e.comps) > 1 {
		hw.sos([]byte{1, 2, 3}, []byte{0, 0x11, 0x11}, 0, 63, 0, 0)
	} else {
		hw.sos([]byte{1}, []byte{0}, 0, 63, 0, 0)
	}
	e.w.write(hw)
	e.begun = true
	for i := range e.held {
		e.writeRow(&e.held[i])
	}
	e.held = nil
}
