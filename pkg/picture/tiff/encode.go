package tiff

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"slices"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/flate"
	"imgtools/pkg/picture/raster"
)

// EncodeOptions are the choices of Encode.
type EncodeOptions struct {
	// Depth 1 means that Gray of 8 bits is written as one bit a sample: samples below
	// 128 become black, others white.
	Depth        int
	Uncompressed bool          // strips are not compressed, and not held either
	Limits       raster.Limits // Mem bounds the compressed strips, which are held until the end
}

// stripBytes is the size of a strip's samples, to within a row.
const stripBytes = 256 << 10

// Encode writes a little-endian TIFF of one page: Gray, GrayA, RGB, RGBA (alpha
// unassociated, that is straight) of 8 or 16 bits, Gray of one bit, and Indexed with an
// opaque palette; other layouts are refused. Strips of one bit are compressed by T.6
// (group 4), others by Deflate after horizontal differencing (palettes without).
// Profile and density are kept.
//
// The directory comes first and lists the compressed size of each strip, so Encode
// holds all compressed strips before it writes the first byte.
func Encode(w io.Writer, src raster.Rows, o EncodeOptions) error {
	h := src.Header()
	if h.Layout > raster.Indexed {
		return fault.New(fault.Internal, "write TIFF: layout %v", h.Layout)
	}
	if h.Orientation != 1 {
		return fault.New(fault.Internal, "write TIFF: orientation %d", h.Orientation)
	}
	for _, c := range h.Palette {
		if c.A != 255 {
			return fault.New(fault.Internal, "write TIFF: palette with alpha")
		}
	}
	e := &encoder{h: h, lim: o.Limits, bits: int(h.Bits), compression: compDeflate, w: w}
	if o.Depth == 1 && h.Layout == raster.Gray && h.Bits == 8 {
		e.bits, e.compression = 1, compG4
	}
	if o.Uncompressed {
		e.compression = compNone
	}
	e.rows = min(h.H(), max(1, stripBytes/e.rowBytes()))
	switch e.compression {
	case compNone:
		return e.plain(src)
	case compG4:
		e.fax = &faxWriter{w: h.W()}
	default:
		form := flate.Format{Pixel: h.Layout.Samples() * e.bits / 8, Row: e.rowBytes(), Depth: flate.Light}
		if h.Layout == raster.Indexed {
			form.Depth = flate.Deep
		}
		e.deflate = flate.NewWriter(&e.data, form)
	}
	if err := raster.EachRow(src, e.row); err != nil {
		return err
	}
	for _, s := range e.strips {
		e.counts = append(e.counts, uint32(len(s)))
	}
	if err := e.head(); err != nil {
		return err
	}
	for _, s := range e.strips {
		if _, err := w.Write(s); err != nil {
			return err
		}
	}
	return nil
}

type encoder struct {
	h           *raster.Header
	lim         raster.Limits
	w           io.Writer
	bits        int // of a sample in the file
	compression uint16
	rows        int // rows of a strip
	line        []byte
	deflate     *flate.Writer
	fax         *faxWriter
	data        bytes.Buffer // the current strip, by Deflate
	strips      [][]byte
	counts      []uint32 // bytes of each strip
	total       int64    // bytes of all strips
}

// rowBytes returns the bytes of a row before compression.
func (e *encoder) rowBytes() int { return (e.h.W()*e.h.Layout.Samples()*e.bits + 7) / 8 }

// plain writes all without compression: the sizes of the strips are known beforehand.
func (e *encoder) plain(src raster.Rows) error {
	for y := 0; y < e.h.H(); y += e.rows {
		n := int64(min(e.rows, e.h.H()-y)) * int64(e.rowBytes())
		if e.total += n; e.total > math.MaxUint32 {
			return fault.New(fault.TooLarge, "TIFF of %d bytes, over 4 GiB", e.total)
		}
		e.counts = append(e.counts, uint32(n))
	}
	if err := e.head(); err != nil {
		return err
	}
	return raster.EachRow(src, func(_ int, row raster.Plane) error {
		e.store(row, 0)
		_, err := e.w.Write(e.line)
		return err
	})
}

// store makes line the bytes of a row of samples, each less the one back samples before
// it; 0: as they are.
func (e *encoder) store(row raster.Plane, back int) {
	if e.line == nil {
		e.line = make([]byte, e.rowBytes())
	}
	line := e.line
	switch {
	case e.bits == 1:
		clear(line)
		for x, v := range row.Pix {
			if v < 128 { // white is zero
				line[x/8] |= 0x80 >> (x % 8)
			}
		}
	case e.bits == 8:
		copy(line, row.Pix)
		if back > 0 && back < len(row.Pix) {
			subtract(line[back:], row.Pix)
		}
	default:
		for i, v := range row.Pix16 {
			if back > 0 && i >= back {
				v -= row.Pix16[i-back]
			}
			binary.LittleEndian.PutUint16(line[2*i:], v)
		}
	}
}

// subtract subtracts b from a, each byte from its own, as far as a goes.
func subtract(a, b []uint8) {
	for ; len(a) >= 8 && len(b) >= 8; a, b = a[8:], b[8:] {
		x, y := binary.LittleEndian.Uint64(a), binary.LittleEndian.Uint64(b)
		binary.LittleEndian.PutUint64(a, raster.SubBytes(x, y))
	}
	for i := range a {
		a[i] -= b[i]
	}
}

// row compresses row y and ends the strip if the row is its last.
func (e *encoder) row(y int, row raster.Plane) error {
	last := (y+1)%e.rows == 0 || y+1 == e.h.H()
	if e.fax != nil {
		if e.fax.row(row.Pix); last {
			return e.strip(e.fax.end())
		}
		return nil
	}
	e.store(row, e.predicted())
	if _, err := e.deflate.Write(e.line); err != nil || !last {
		return err
	}
	if err := e.deflate.Close(); err != nil {
		return err
	}
	s := bytes.Clone(e.data.Bytes())
	e.data.Reset()
	e.deflate.Reset(&e.data)
	return e.strip(s)
}

// strip adds a compressed strip.
func (e *encoder) strip(s []byte) error {
	e.strips = append(e.strips, s)
	e.total += int64(len(s))
	return e.lim.CheckMem(e.total)
}

// predicted returns how many samples back horizontal differencing goes, 0 without it.
func (e *encoder) predicted() int {
	if e.compression != compDeflate || e.h.Layout == raster.Indexed {
		return 0
	}
	return e.h.Layout.Samples()
}

// field is one entry of the directory.
type field struct {
	tag, kind uint16
	count     uint32
	value     []byte
}

func short(tag uint16, v ...uint16) field {
	f := field{tag: tag, kind: typeShort, count: uint32(len(v))}
	for _, x := range v {
		f.value = binary.LittleEndian.AppendUint16(f.value, x)
	}
	return f
}

func long(tag uint16, v ...uint32) field {
	f := field{tag: tag, kind: typeLong, count: uint32(len(v))}
	for _, x := range v {
		f.value = binary.LittleEndian.AppendUint32(f.value, x)
	}
	return f
}

// rational returns v > 0 as a fraction with 32 bits each.
func rational(tag uint16, v float64) field {
	den := 1.0
	if v != math.Trunc(v) && v < 400_000 {
		den = 10_000
	}
	num := max(1, min(math.MaxUint32, math.Round(v*den)))
	f := long(tag, uint32(num), uint32(den))
	f.kind, f.count = typeRational, 1
	return f
}

func repeat(v uint16, n int) []uint16 { return slices.Repeat([]uint16{v}, n) }

// fields returns the entries of the directory in ascending order of tags. The first
// strip is at offset data.
func (e *encoder) fields(data int64) []field {
	h, n := e.h, e.h.Layout.Samples()
	photo := map[raster.Layout]uint16{
		raster.Gray: photoBlackIsZero, raster.GrayA: photoBlackIsZero,
		raster.RGB: photoRGB, raster.RGBA: photoRGB, raster.Indexed: photoPalette,
	}[h.Layout]
	if e.bits == 1 {
		photo = photoWhiteIsZero
	}
	offsets := make([]uint32, len(e.counts))
	for i, n := range e.counts {
		offsets[i] = uint32(data)
		data += int64(n)
	}
	fs := []field{
		long(tagImageWidth, uint32(h.W())), long(tagImageLength, uint32(h.H())),
		short(tagBitsPerSample, repeat(uint16(e.bits), n)...), short(tagCompression, e.compression),
		short(tagPhotometric, photo), long(tagStripOffsets, offsets...), short(tagOrientation, 1),
		short(tagSamplesPerPixel, uint16(n)), long(tagRowsPerStrip, uint32(e.rows)), long(tagStripByteCounts, e.counts...),
	}
	d := h.Density
	known := d.X > 0 && d.Y > 0
	if known {
		fs = append(fs, rational(tagXResolution, d.X), rational(tagYResolution, d.Y))
	}
	fs = append(fs, short(tagPlanarConfig, 1))
	if known {
		unit := map[raster.DensityUnit]uint16{raster.Aspect: unitNone, raster.PerInch: unitInch, raster.PerCM: unitCM}[d.Unit]
		fs = append(fs, short(tagResolutionUnit, unit))
	}
	if h.Layout == raster.Indexed {
		fs = append(fs, short(tagColorMap, e.colorMap()...))
	} else if e.predicted() > 0 {
		fs = append(fs, short(tagPredictor, 2))
	}
	if h.Layout.HasAlpha() {
		fs = append(fs, short(tagExtraSamples, extraUnassociated))
	}
	if len(h.ICC) > 0 {
		fs = append(fs, field{tagICC, typeUndefined, uint32(len(h.ICC)), h.ICC})
	}
	return fs
}

// colorMap returns the palette as a ColorMap field: 256 reds, 256 greens, 256 blues,
// of 16 bits; entries beyond the palette are black.
func (e *encoder) colorMap() []uint16 {
	m := make([]uint16, 3*256)
	for i, c := range e.h.Palette {
		m[i], m[256+i], m[512+i] = uint16(c.R)*257, uint16(c.G)*257, uint16(c.B)*257
	}
	return m
}

// head writes the header, the directories and the values that are too long for them.
// The strips follow. Their offsets depend on the length of the head, which depends
// only on the number of fields: the first pass finds it, the second uses it. So does the
// position of the Exif directory, which follows the first one.
func (e *encoder) head() error {
	var size, exifAt int64 // of the head, and in it
	for {
		const start = 8
		kept, exif := keptFields(e.h.Keep, uint32(exifAt))
		fs := append(e.fields(size), kept...)
		slices.SortStableFunc(fs, func(a, b field) int { return int(a.tag) - int(b.tag) })
		b := appendDirectory([]byte("II*\x00\x08\x00\x00\x00"), fs, start)
		at := int64(len(b))
		if exif != nil {
			b = appendDirectory(b, exif, at)
		}
		if int64(len(b))+e.total > math.MaxUint32 {
			return fault.New(fault.TooLarge, "TIFF of %d bytes, over 4 GiB", int64(len(b))+e.total)
		}
		if int64(len(b)) == size && at == exifAt {
			_, err := e.w.Write(b)
			return err
		}
		size, exifAt = int64(len(b)), at
	}
}
