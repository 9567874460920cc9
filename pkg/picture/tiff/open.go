// Package tiff reads and writes TIFF 6.0 by rows.
//
// A TIFF file is a header, which gives the byte order, and a chain of image file
// directories (IFDs), one for each page. A directory is a list of tagged fields:
// the size, what the samples mean, how they are compressed, and where the segments
// are. Segments are strips, as wide as the picture, or tiles. Each is compressed by
// itself.
//
// Reading passes these stages, each in a file of its name:
//
//	ifd         header, directories, fields; the chain of pages
//	open        fields of one page → what its samples are and where
//	decompress  one segment → bytes (decompress_fax: CCITT group 3 and 4)
//	rows        bytes → predictor undone → samples → bands of rows
//
// Read are bilevel, gray, palette and RGB pictures of 1 to 16 bits a sample, with
// alpha, in strips or tiles, in either byte order and fill order; uncompressed, LZW,
// Deflate, PackBits, CCITT group 3 and 4; predictor 2. Strips are decompressed row
// by row; of tiles, one row of tiles is held.
//
// Errors are of kind fault.Format for damaged files, also for all that end early, and
// fault.Unsupported for what TIFF has and this package does not read.
//
// Encode, in file encode, writes one page of Deflate strips.
package tiff

import (
	"image/color"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// Compression schemes of TIFF 6.0 and its supplements.
const (
	compNone       = 1
	compRLE        = 2
	compG3         = 3
	compG4         = 4
	compLZW        = 5
	compJPEGOld    = 6
	compJPEG       = 7
	compDeflate    = 8
	compPackBits   = 32773
	compDeflateOld = 32946
)

// notRead names compression schemes that are known and not read.
var notRead = map[uint32]string{
	compJPEGOld: "old-style JPEG in TIFF", compJPEG: "JPEG in TIFF",
	9: "JBIG in TIFF", 10: "JBIG in TIFF", 32766: "NeXT compression", 32771: "CCITT RLEW compression", 32809: "ThunderScan compression", 33003: "JPEG 2000 in TIFF",
	33004: "JPEG 2000 in TIFF", 33005: "JPEG 2000 in TIFF", 34661: "JBIG in TIFF", 34676: "SGI Log compression", 34677: "SGI Log compression",
	34712: "JPEG 2000 in TIFF", 34887: "LERC in TIFF", 34892: "lossy JPEG in DNG", 34925: "LZMA in TIFF", 50000: "Zstandard in TIFF", 50001: "WebP in TIFF",
	50002: "JPEG XL in TIFF", 52546: "JPEG XL in TIFF",
}

// Photometric interpretations.
const (
	photoWhiteIsZero = 0
	photoBlackIsZero = 1
	photoRGB         = 2
	photoPalette     = 3
)

// notShown names photometric interpretations that are known and not read.
var notShown = map[uint32]string{
	4: "transparency mask", 5: "CMYK", 6: "YCbCr", 8: "CIE L*a*b*", 9: "ICC L*a*b*", 10: "ITU L*a*b*",
	32803: "camera raw (CFA)", 32844: "SGI LogL", 32845: "SGI LogLuv", 34892: "camera raw (linear)",
}

// Values of ExtraSamples and SampleFormat (TIFF 6.0 sections 18 and 19).
const (
	extraUnspecified  = 0
	extraAssociated   = 1
	extraUnassociated = 2

	formatUint      = 1
	formatUndefined = 4
)

// maxSamples is the most samples a pixel may have. Those beyond colour and alpha are
// ignored.
const maxSamples = 32

// Reader is a TIFF file whose directory has been read.
type Reader struct {
	raster.NoteList

	h     *raster.Header
	pages int
	file  *file

	bits        int // bits a sample
	samples     int // samples a pixel in the file; the first h.Layout.Samples() are used
	compression uint32
	predictor   bool // horizontal differencing
	fax2D       bool // group 3 is two-dimensional
	reversed    bool // fill order 2: the first pixel is in the least significant bit
	inverted    bool // white is zero
	associated  bool // colour is premultiplied by alpha

	segW, segH      int // size of a segment, in pixels
	across          int // segments side by side
	offsets, counts []uint32
}

// Open reads the directory of the first page of the TIFF file in the first size
// bytes of r.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Reader, error) {
	f, off, err := openFile(io.NewSectionReader(r, 0, size), size)
	if err != nil {
		return nil, err
	}
	d, pages, err := f.pages(off)
	if err != nil {
		return nil, err
	}
	t := &Reader{file: f, pages: pages}
	if err := t.geometry(d, lim); err != nil {
		return nil, err
	}
	if err := t.pixels(d); err != nil {
		return nil, err
	}
	if err := t.segments(d, lim); err != nil {
		return nil, err
	}
	if o, err := f.number(d, tagOrientation, 1); err == nil && o >= 1 && o <= 8 {
		t.h.Orientation = uint8(o)
	}
	t.h.ICC, err = f.icc(d, lim)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Header returns the picture as stored.
func (t *Reader) Header() *raster.Header { return t.h }

// Pages returns the number of pages. The Reader is that of the first.
func (t *Reader) Pages() int { return t.pages }

// geometry reads the size and refuses a picture beyond the limits.
func (t *Reader) geometry(d directory, lim raster.Limits) error {
	w, err := t.file.number(d, tagImageWidth, 0)
	if err != nil {
		return err
	}
	h, err := t.file.number(d, tagImageLength, 0)
	if err != nil {
		return err
	}
	if err := lim.CheckSize(int64(w), int64(h), 1); err != nil {
		return err
	}
	t.h = raster.NewHeader(int(w), int(h), raster.Gray, 8)
	return nil
}

// pixels reads how the samples are stored.
func (t *Reader) pixels(d directory) error {
	num := func(tag uint16, def uint32) (v uint32) {
		v, err := t.file.number(d, tag, def)
		if err != nil {
			return def
		}
		return v
	}
	switch t.compression = num(tagCompression, compNone); t.compression {
	case compNone, compRLE, compG3, compG4, compLZW, compDeflate, compPackBits, compDeflateOld:
	default:
		if name, known := notRead[t.compression]; known {
			return fault.New(fault.Unsupported, "%s is not read", name)
		}
		return fault.New(fault.Format, "TIFF compression scheme %d", t.compression)
	}
	samples := num(tagSamplesPerPixel, 1)
	if samples == 0 {
		return fault.New(fault.Format, "0 samples a pixel")
	}
	if samples > maxSamples {
		return fault.New(fault.Unsupported, "%d samples a pixel", samples)
	}
	t.samples = int(samples)
	if num(tagPlanarConfig, 1) == 2 && samples > 1 {
		return fault.New(fault.Unsupported, "TIFF with separate planes is not read")
	}
	if err := t.depth(d); err != nil {
		return err
	}
	// Fax files may leave out PhotometricInterpretation. libtiff guesses the same.
	photo := uint32(photoBlackIsZero)
	switch {
	case samples >= 3:
		photo = photoRGB
	case t.isFax():
		photo = photoWhiteIsZero
	}
	if err := t.layout(d, num(tagPhotometric, photo)); err != nil {
		return err
	}
	t.reversed = num(tagFillOrder, 1) == 2
	switch p := num(tagPredictor, 1); {
	case p == 1 || t.compression != compLZW && t.compression != compDeflate && t.compression != compDeflateOld:
	case p == 2 && (t.bits == 8 || t.bits == 16):
		t.predictor = true
	case p == 2 || p == 3:
		return fault.New(fault.Unsupported, "TIFF predictor %d of %d bits is not read", p, t.bits)
	default:
		return fault.New(fault.Format, "TIFF predictor %d", p)
	}
	if t.isFax() && t.bits*t.samples != 1 {
		return fault.New(fault.Format, "fax compression of %d×%d bits", t.samples, t.bits)
	}
	t.fax2D = num(tagT4Options, 0)&1 != 0
	return nil
}

// depth reads the bits a sample. All samples of a pixel must have the same.
func (t *Reader) depth(d directory) error {
	bits, err := t.file.numbers(d, tagBitsPerSample, int64(t.samples))
	if err != nil {
		return err
	}
	if len(bits) == 0 {
		bits = []uint32{1}
	}
	for _, b := range bits {
		if b != bits[0] {
			return fault.New(fault.Unsupported, "TIFF with samples of %d and %d bits", bits[0], b)
		}
	}
	formats, err := t.file.numbers(d, tagSampleFormat, int64(t.samples))
	if err != nil {
		return err
	}
	for _, s := range formats {
		if s != formatUint && s != formatUndefined {
			return fault.New(fault.Unsupported, "TIFF with signed or floating-point samples is not read")
		}
	}
	if bits[0] == 0 {
		return fault.New(fault.Format, "samples of 0 bits")
	}
	if bits[0] > 16 {
		return fault.New(fault.Unsupported, "TIFF with %d bits a sample is not read", bits[0])
	}
	if t.bits = int(bits[0]); t.bits > 8 {
		t.h.Bits = 16
	}
	return nil
}

// layout decides what the samples mean. The first sample after the colours is alpha
// if ExtraSamples says so. It is straight alpha, too, if it is the only one and
// ExtraSamples says nothing: ImageMagick and libvips take it for that. All others are
// ignored.
func (t *Reader) layout(d directory, photo uint32) error {
	colours := 1
	switch photo {
	case photoWhiteIsZero, photoBlackIsZero:
		t.inverted = photo == photoWhiteIsZero
	case photoRGB:
		t.h.Layout, colours = raster.RGB, 3
	case photoPalette:
		return t.palette(d)
	default:
		if name, known := notShown[photo]; known {
			return fault.New(fault.Unsupported, "%s TIFF is not read", name)
		}
		return fault.New(fault.Format, "photometric interpretation %d", photo)
	}
	if t.samples < colours {
		return fault.New(fault.Format, "RGB of %d samples a pixel", t.samples)
	}
	if t.samples == colours {
		return nil
	}
	kind, err := t.file.number(d, tagExtraSamples, extraUnspecified)
	if err != nil {
		return err
	}
	if kind == extraUnspecified && t.samples == colours+1 {
		kind = extraUnassociated
	}
	if kind == extraAssociated || kind == extraUnassociated {
		t.h.Layout++ // Gray to GrayA, RGB to RGBA
		t.associated = kind == extraAssociated
	}
	return nil
}

// palette reads the colour map: all reds, then all greens, then all blues, of 16 bits.
func (t *Reader) palette(d directory) error {
	if t.bits > 8 || t.samples > 1 {
		return fault.New(fault.Unsupported, "palette TIFF of %d×%d bits is not read", t.samples, t.bits)
	}
	n := 1 << t.bits
	m, err := t.file.numbers(d, tagColorMap, int64(3*n))
	if err != nil {
		return err
	}
	if len(m) < 3*n {
		return fault.New(fault.Format, "colour map of %d values, not %d", len(m), 3*n)
	}
	// Old writers gave 8-bit values. Like libtiff, take a map without any larger value
	// for such a one.
	eight := true
	for _, v := range m {
		eight = eight && v < 256
	}
	at := func(i int) uint8 {
		if eight {
			return uint8(m[i])
		}
		return uint8((m[i]*255 + 32767) / 65535)
	}
	t.h.Layout = raster.Indexed
	t.h.Palette = make([]color.NRGBA, n)
	for i := range t.h.Palette {
		t.h.Palette[i] = color.NRGBA{R: at(i), G: at(n + i), B: at(2*n + i), A: 255}
	}
	return nil
}

// segments reads the size of the strips or tiles and where they are.
func (t *Reader) segments(d directory, lim raster.Limits) error {
	w, h := t.h.FullW, t.h.FullH
	t.segW, t.across = w, 1
	offsets, counts := uint16(tagStripOffsets), uint16(tagStripByteCounts)
	rows := uint32(h)
	var err error
	if _, tiled := d[tagTileWidth]; tiled {
		offsets, counts = tagTileOffsets, tagTileByteCounts
		var tw uint32
		if tw, err = t.file.number(d, tagTileWidth, 0); err != nil {
			return err
		}
		if rows, err = t.file.number(d, tagTileLength, 0); err != nil {
			return err
		}
		if tw == 0 || rows == 0 || tw > raster.MaxSide {
			return fault.New(fault.Format, "tiles of %d×%d", tw, rows)
		}
		t.segW = int(tw)
		t.across = (w + t.segW - 1) / t.segW
		// The padding of tiles beyond the picture's edge is decompressed, too.
		if err := lim.CheckSize(int64(t.across)*int64(tw), int64(h), 1); err != nil {
			return err
		}
		band := int64(w) * int64(min(int(rows), h)) * int64(t.h.Layout.Samples()) * int64(t.h.Bits/8)
		if err := lim.CheckMem(band); err != nil {
			return err
		}
	} else if rows, err = t.file.number(d, tagRowsPerStrip, rows); err != nil {
		return err
	}
	if rows == 0 || rows > uint32(h) {
		rows = uint32(h)
	}
	t.segH = int(rows)
	n := int64(t.across) * int64((h+t.segH-1)/t.segH)
	held := 8*n + t.rowBytes()
	if t.isFax() {
		held += 8 * int64(t.segW)
	}
	if err := lim.CheckMem(held); err != nil {
		return err
	}
	if t.offsets, err = t.file.numbers(d, offsets, n); err != nil {
		return err
	}
	if int64(len(t.offsets)) < n {
		return fault.New(fault.Format, "%d strips or tiles, not %d", len(t.offsets), n)
	}
	// A segment without a byte count ends where its last row does.
	if t.counts, err = t.file.numbers(d, counts, n); err != nil {
		return err
	}
	return nil
}

func (t *Reader) isFax() bool {
	return t.compression == compRLE || t.compression == compG3 || t.compression == compG4
}

// rowBytes returns the size of one decompressed row of a segment.
func (t *Reader) rowBytes() int64 {
	return (int64(t.segW)*int64(t.samples)*int64(t.bits) + 7) / 8
}
