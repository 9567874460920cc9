package tiff

import (
	"io"
	"slices"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/colour"
	"imgtools/pkg/picture/raster"
)

// Reader is a TIFF file of which one page, at first page 1, has been opened.
type Reader struct {
	raster.NoteList

	file      *file
	lim       raster.Limits
	pages     []int64 // offsets of their directories
	chainNote string  // what is wrong with the chain of directories
	page
}

// page is what the directory of a page says.
type page struct {
	dir         int64 // offset of its directory
	h           *raster.Header
	compression uint64
	predictor   uint64
	reversed    bool                  // fill order 2: the first pixel is in the least significant bit
	fax2D       bool                  // group 3 is two-dimensional
	jpegHead    []byte                // what goes before the frame of each JPEG segment
	oldHead     func(rows int) []byte // what makes a JPEG of a strip of old-style JPEG
	jpegYCbCr   bool                  // JPEG segments are YCbCr and become RGB, or gray,
	coloured    *raster.Header        // if this is set: the header with colour

	bits    int
	format  uint64   // SampleFormat; formatUndefined is read as formatUint
	bounds  []bounds // of wide samples
	samples int      // samples of a pixel in the file
	pick    []int    // those that are used: the colours in order, then alpha
	planar  bool     // each sample has segments of its own

	model      model
	inverted   bool              // white is zero
	associated bool              // colour is premultiplied by alpha
	palette    []uint16          // of modelPalette: red, green, blue of each entry, 0..65535
	lab        labCoding         // of modelLab
	yCbCr      *yCbCr            // of modelYCbCr
	inks       *colour.Source    // of modelCMYK: its profile, or nil
	toSRGB     *colour.Transform // of inks, once rows are read
	subH, subV int               // of modelYCbCr: luma samples to a chroma sample, across and down

	segW, segH      int // size of a segment, in pixels
	across          int // segments side by side
	offsets, counts []uint64
	tiled           bool
	codedH          int // height of a segment, of tiles with what lies beyond the picture
}

// model says what the colour samples of a pixel are.
type model uint8

const (
	modelGray    model = iota
	modelRGB           //
	modelIndexed       // raster.Indexed
	modelPalette       // an index that is replaced by its colour
	modelCMYK          // 0 is no ink; becomes RGB
	modelYCbCr         // becomes RGB
	modelLab           // becomes RGB
)

// colours returns the number of samples that make the colour.
func (m model) colours() int { return [...]int{1, 3, 1, 1, 4, 3, 3}[m] }

// Open reads the directory of the first page of the TIFF file in the first size
// bytes of r.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Reader, error) {
	f, off, err := openFile(io.NewSectionReader(r, 0, size), size)
	if err != nil {
		return nil, err
	}
	t := &Reader{file: f, lim: lim}
	if t.pages, t.chainNote, err = f.pages(off); err != nil {
		return nil, err
	}
	if err := t.Select(1); err != nil {
		return nil, err
	}
	return t, nil
}

// Header returns the page as stored.
func (t *Reader) Header() *raster.Header {
	if t.coloured != nil {
		return t.coloured
	}
	return t.h
}

// Depth returns the bits of a sample, at most 16; of those with a sign or a fraction 16.
func (t *Reader) Depth() int {
	if t.wide() {
		return 16
	}
	return t.bits
}

// Lossless reports whether the file holds the samples as they were given.
func (t *Reader) Lossless() bool { return !t.isJPEG() && t.compression != compWebP }

// open reads the fields of a page.
func (t *Reader) open(d directory) error {
	if _, dng := d[tagDNGVersion]; dng { // the first page may be only its thumbnail
		return fault.New(fault.Unsupported, "DNG (camera raw) is not read")
	}
	for _, step := range []func(directory) error{t.geometry, t.coding, t.depth, t.layout, t.codingFits, t.segments} {
		if err := step(d); err != nil {
			return err
		}
	}
	if o := t.file.small(d, tagOrientation, 1); o >= 1 && o <= 8 {
		t.h.Orientation = uint8(o)
	}
	t.h.Density = t.density(d)
	var err error
	t.h.ICC, err = t.file.icc(d, t.lim)
	if t.model == modelCMYK && t.h.ICC != nil {
		var damaged error
		if t.inks, damaged = colour.ParseCMYK(t.h.ICC); damaged != nil {
			t.Note("colour profile ignored: %v", damaged)
		}
		t.h.ICC = nil
	}
	return err
}

// geometry reads the size and refuses a picture beyond the limits.
func (t *Reader) geometry(d directory) error {
	w, err := t.file.number(d, tagImageWidth, 0)
	if err != nil {
		return err
	}
	h, err := t.file.number(d, tagImageLength, 0)
	if err != nil {
		return err
	}
	const most = 1 << 62 // larger numbers are refused as this one is
	if err := t.lim.CheckSize(int64(min(w, most)), int64(min(h, most)), 1); err != nil {
		return err
	}
	t.h = raster.NewHeader(int(w), int(h), raster.Gray, 8)
	return nil
}

// density returns the resolution. Without a unit it is a ratio, which says something
// only if the pixels are not square.
func (t *Reader) density(d directory) raster.Density {
	x, y := t.file.reals(d, tagXResolution, 1), t.file.reals(d, tagYResolution, 1)
	if x == nil || y == nil || x[0] <= 0 || y[0] <= 0 {
		return raster.Density{}
	}
	v := raster.Density{X: x[0], Y: y[0]}
	switch t.file.small(d, tagResolutionUnit, unitInch) {
	case unitInch:
		v.Unit = raster.PerInch
	case unitCM:
		v.Unit = raster.PerCM
	default:
		if v.X == v.Y {
			return raster.Density{}
		}
	}
	return v
}

// coding reads how segments are compressed.
func (t *Reader) coding(d directory) error {
	switch t.compression = t.file.small(d, tagCompression, compNone); t.compression {
	case compNone, compRLE, compRLEW, compG3, compG4, compLZW, compDeflate, compPackBits, compDeflateOld, compZstd:
	case compJPEG:
		return t.jpegTables(d)
	case compJPEGOld, compWebP:
		return nil
	default:
		if name, known := notRead[t.compression]; known {
			return fault.New(fault.Unsupported, "%s is not read; convert it first: magick in.tif out.png", name)
		}
		return fault.New(fault.Format, "TIFF compression scheme %d", t.compression)
	}
	t.reversed = t.file.small(d, tagFillOrder, 1) == 2
	t.fax2D = t.file.small(d, tagT4Options, 0)&1 != 0
	return nil
}

// codingFits refuses what the compression or predictor does not do to such samples.
func (t *Reader) codingFits(d directory) error {
	if t.isFax() && t.bits*t.samples != 1 {
		return fault.New(fault.Format, "fax compression of %d×%d bits", t.samples, t.bits)
	}
	if t.isJPEG() && (t.bits != 8 || t.wide() || t.stored() == 2 || t.stored() > 4 || t.planar && t.compression == compJPEGOld) {
		return fault.New(fault.Unsupported, "JPEG in TIFF of %d×%d bits, planar %v, is not read", t.stored(), t.bits, t.planar)
	}
	if t.compression == compWebP && (t.bits != 8 || t.wide() || t.stored() != 3 && t.stored() != 4) {
		return fault.New(fault.Unsupported, "WebP in TIFF of %d×%d bits, planar %v, is not read", t.stored(), t.bits, t.planar)
	}
	t.predictor = 1
	switch t.compression {
	case compLZW, compDeflate, compDeflateOld, compZstd: // all others have no predictor
		t.predictor = t.file.small(d, tagPredictor, 1)
	}
	switch p := t.predictor; {
	case p != 1 && t.subsampled():
		return fault.New(fault.Unsupported, "TIFF predictor %d of subsampled YCbCr is not read", p)
	case p == 1, p == 2 && (t.bits == 8 || t.bits == 16 || t.bits == 32 || t.bits == 64), p == 3 && t.format == formatFloat:
	case p == 2 || p == 3:
		return fault.New(fault.Unsupported, "TIFF predictor %d of %s samples of %d bits is not read", p, t.formatName(), t.bits)
	default:
		return fault.New(fault.Format, "TIFF predictor %d", p)
	}
	return nil
}

// depth reads how the samples are stored. All samples of a pixel must be stored alike.
func (t *Reader) depth(d directory) error {
	samples := t.file.small(d, tagSamplesPerPixel, 1)
	if samples == 0 {
		return fault.New(fault.Format, "0 samples a pixel")
	}
	if samples > maxSamples {
		return fault.New(fault.Unsupported, "%d samples a pixel", samples)
	}
	t.samples = int(samples)
	t.planar = samples > 1 && t.file.small(d, tagPlanarConfig, 1) == 2
	bits, err := t.file.numbers(d, tagBitsPerSample, int64(samples))
	if err != nil {
		return err
	}
	if len(bits) == 0 {
		bits = []uint64{1}
	}
	for _, b := range bits {
		if b != bits[0] {
			return fault.New(fault.Unsupported, "TIFF with samples of %d and %d bits", bits[0], b)
		}
	}
	formats, err := t.file.numbers(d, tagSampleFormat, int64(samples))
	if err != nil {
		return err
	}
	t.format = formatUint
	photo := t.file.small(d, tagPhotometric, photoBlackIsZero)
	lab := photo == photoCIELab || photo == photoICCLab // whose a* and b* may be called signed
	for i, s := range formats {
		if s == formatUndefined || s == formatInt && lab {
			s = formatUint
		}
		if i > 0 && s != t.format {
			return fault.New(fault.Unsupported, "TIFF with samples of formats %d and %d", t.format, s)
		}
		t.format = s
	}
	if bits[0] == 0 {
		return fault.New(fault.Format, "samples of 0 bits")
	}
	t.bits = int(min(bits[0], 1000))
	if err := t.checkFormat(); err != nil {
		return err
	}
	if t.bits > 8 {
		t.h.Bits = 16
	}
	t.ranges(d)
	return nil
}

// layout decides what the samples mean.
func (t *Reader) layout(d directory) error {
	// Fax files may leave out PhotometricInterpretation. libtiff guesses the same.
	photo := uint64(photoBlackIsZero)
	switch {
	case t.samples >= 3:
		photo = photoRGB
	case t.isFax():
		photo = photoWhiteIsZero
	}
	switch photo = t.file.small(d, tagPhotometric, photo); photo {
	case photoWhiteIsZero, photoBlackIsZero:
		t.inverted = photo == photoWhiteIsZero
	case photoRGB:
		t.model, t.h.Layout = modelRGB, raster.RGB
	case photoPalette:
		t.model, t.h.Layout = modelIndexed, raster.Indexed
	case photoCMYK:
		if ink := t.file.small(d, tagInkSet, inkCMYK); ink != inkCMYK {
			return fault.New(fault.Unsupported, "TIFF with inks other than CMYK is not read")
		}
		t.model, t.h.Layout = modelCMYK, raster.RGB
	case photoYCbCr:
		t.model, t.h.Layout = modelYCbCr, raster.RGB
		if err := t.openYCbCr(d); err != nil {
			return err
		}
	case photoCIELab, photoICCLab:
		t.model, t.h.Layout = modelLab, raster.RGB
		if err := t.openLab(d, photo); err != nil {
			return err
		}
	default:
		if name, known := notShown[photo]; known {
			return fault.New(fault.Unsupported, "%s TIFF is not read", name)
		}
		return fault.New(fault.Format, "photometric interpretation %d", photo)
	}
	n := t.model.colours()
	if t.samples < n {
		return fault.New(fault.Format, "%d colours of %d samples a pixel", n, t.samples)
	}
	for i := range n {
		t.pick = append(t.pick, i)
	}
	if err := t.alpha(d); err != nil {
		return err
	}
	if t.indexes() {
		return t.colourMap(d)
	}
	return nil
}

// alpha finds the sample that is alpha: the first after the colours that ExtraSamples
// calls so. If gray or RGB have only one and ExtraSamples says nothing of it, it is
// straight alpha, too: ImageMagick and libvips take it for that. All others are
// ignored.
func (t *Reader) alpha(d directory) error {
	n := len(t.pick)
	if t.samples == n {
		return nil
	}
	extra, err := t.file.numbers(d, tagExtraSamples, int64(t.samples-n))
	if err != nil {
		return err
	}
	if t.samples == n+1 && t.model <= modelRGB && (len(extra) == 0 || extra[0] == extraUnspecified) {
		extra = []uint64{extraUnassociated}
	}
	i := slices.IndexFunc(extra, func(e uint64) bool { return e == extraAssociated || e == extraUnassociated })
	if i < 0 {
		return nil
	}
	t.pick = append(t.pick, n+i)
	t.associated = extra[i] == extraAssociated
	switch t.h.Layout {
	case raster.Indexed:
		t.model, t.h.Layout = modelPalette, raster.RGBA
	default:
		t.h.Layout = t.h.Layout.WithAlpha()
	}
	return nil
}

// hasAlpha reports whether the last sample of pick is alpha.
func (t *page) hasAlpha() bool { return len(t.pick) > t.model.colours() }

func (t *page) isJPEG() bool { return t.compression == compJPEG || t.compression == compJPEGOld }

func (t *page) isFax() bool {
	return t.compression == compRLE || t.compression == compRLEW || t.compression == compG3 || t.compression == compG4
}

// planes returns the number of segments that hold the samples of one pixel.
func (t *page) planes() int {
	if t.planar {
		return len(t.pick)
	}
	return 1
}

// stored returns the samples of a pixel that a segment holds.
func (t *page) stored() int {
	if t.planar {
		return 1
	}
	return t.samples
}

// subsampled reports whether samples are stored in data units of subH × subV luma
// samples, one Cb and one Cr (TIFF 6.0 section 21).
func (t *page) subsampled() bool { return t.subH > 1 || t.subV > 1 }

// unitRows returns the rows of the picture that a decompressed row of a segment holds.
func (t *page) unitRows() int { return max(1, t.subV) }

// rowBytes returns the size of one decompressed row of a segment.
func (t *page) rowBytes() int64 {
	if t.subsampled() {
		return int64((t.segW+t.subH-1)/t.subH) * int64(t.subH*t.subV+2)
	}
	return (int64(t.segW)*int64(t.stored())*int64(t.bits) + 7) / 8
}
