package tiff

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
	"math"
	"slices"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// EncodeOptions are the limits of Encode.
type EncodeOptions struct {
	Limits raster.Limits // Mem bounds the compressed strips, which are held until the end
}

// stripBytes is the size of a strip's samples, to within a row.
const stripBytes = 256 << 10

// Encode writes a little-endian TIFF of one page: Gray, GrayA, RGB, RGBA (alpha
// unassociated, that is straight) of 8 or 16 bits, and Indexed with an opaque
// palette; other layouts are refused. Strips are Deflate-compressed after
// horizontal differencing (palettes without). A profile is kept.
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
	e := &encoder{h: h, lim: o.Limits}
	e.rows = min(h.H(), max(1, stripBytes/e.rowBytes()))
	var err error
	if e.deflate, err = zlib.NewWriterLevel(&e.data, zlib.BestSpeed); err != nil {
		return err
	}
	if err := raster.EachRow(src, e.row); err != nil {
		return err
	}
	head, err := e.head()
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
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
	h       *raster.Header
	lim     raster.Limits
	rows    int // rows of a strip
	line    []byte
	deflate *zlib.Writer
	data    bytes.Buffer // the current strip, compressed
	strips  [][]byte
	total   int64 // bytes of all strips
}

func (e *encoder) rowBytes() int { return e.h.W() * e.h.Layout.Samples() * int(e.h.Bits/8) }

// row compresses row y and ends the strip if the row is its last.
func (e *encoder) row(y int, row raster.Plane) error {
	n := e.h.Layout.Samples()
	e.line = e.line[:0]
	switch {
	case e.h.Layout == raster.Indexed:
		e.line = append(e.line, row.Pix...)
	case e.h.Bits == 8:
		e.line = append(e.line, row.Pix[:n]...)
		for i := n; i < len(row.Pix); i++ {
			e.line = append(e.line, row.Pix[i]-row.Pix[i-n])
		}
	default:
		for i, v := range row.Pix16 {
			if i >= n {
				v -= row.Pix16[i-n]
			}
			e.line = append(e.line, uint8(v), uint8(v>>8))
		}
	}
	if _, err := e.deflate.Write(e.line); err != nil {
		return err
	}
	if (y+1)%e.rows != 0 && y+1 != e.h.H() {
		return nil
	}
	if err := e.deflate.Close(); err != nil {
		return err
	}
	e.strips = append(e.strips, bytes.Clone(e.data.Bytes()))
	e.total += int64(e.data.Len())
	e.data.Reset()
	e.deflate.Reset(&e.data)
	return e.lim.CheckMem(e.total)
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

func repeat(v uint16, n int) []uint16 { return slices.Repeat([]uint16{v}, n) }

// fields returns the entries of the directory in ascending order of tags. The first
// strip is at offset data.
func (e *encoder) fields(data int64) []field {
	h, n := e.h, e.h.Layout.Samples()
	photo := map[raster.Layout]uint16{
		raster.Gray: photoBlackIsZero, raster.GrayA: photoBlackIsZero,
		raster.RGB: photoRGB, raster.RGBA: photoRGB, raster.Indexed: photoPalette,
	}[h.Layout]
	offsets, counts := make([]uint32, len(e.strips)), make([]uint32, len(e.strips))
	for i, s := range e.strips {
		offsets[i], counts[i] = uint32(data), uint32(len(s))
		data += int64(len(s))
	}
	dpi := field{tag: tagXResolution, kind: typeRational, count: 1, value: []byte{72, 0, 0, 0, 1, 0, 0, 0}}
	fs := []field{
		long(tagImageWidth, uint32(h.W())), long(tagImageLength, uint32(h.H())),
		short(tagBitsPerSample, repeat(uint16(h.Bits), n)...), short(tagCompression, compDeflate),
		short(tagPhotometric, photo), long(tagStripOffsets, offsets...), short(tagOrientation, 1),
		short(tagSamplesPerPixel, uint16(n)), long(tagRowsPerStrip, uint32(e.rows)), long(tagStripByteCounts, counts...),
		dpi, {tagYResolution, dpi.kind, 1, dpi.value}, short(tagPlanarConfig, 1), short(tagResolutionUnit, 2),
	}
	if h.Layout == raster.Indexed {
		fs = append(fs, short(tagColorMap, e.colorMap()...))
	} else {
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

// head returns the header, the directory and the values that are too long for it.
// The strips follow. Their offsets depend on the length of the head, which depends
// only on the number of fields: the first pass finds it, the second uses it.
func (e *encoder) head() ([]byte, error) {
	size := int64(0) // of the head
	for {
		fs := e.fields(size)
		b := []byte("II*\x00\x08\x00\x00\x00")
		b = binary.LittleEndian.AppendUint16(b, uint16(len(fs)))
		far := int64(len(b) + 12*len(fs) + 4)
		var values []byte
		for _, f := range fs {
			b = binary.LittleEndian.AppendUint16(b, f.tag)
			b = binary.LittleEndian.AppendUint16(b, f.kind)
			b = binary.LittleEndian.AppendUint32(b, f.count)
			if len(f.value) <= 4 {
				var v [4]byte
				copy(v[:], f.value)
				b = append(b, v[:]...)
				continue
			}
			b = binary.LittleEndian.AppendUint32(b, uint32(far)+uint32(len(values)))
			values = append(values, f.value...)
			if len(values)%2 == 1 { // values begin on a word boundary
				values = append(values, 0)
			}
		}
		b = append(b, 0, 0, 0, 0) // there is no other directory
		b = append(b, values...)
		if int64(len(b))+e.total > math.MaxUint32 {
			return nil, fault.New(fault.TooLarge, "TIFF of %d bytes, over 4 GiB", int64(len(b))+e.total)
		}
		if int64(len(b)) == size {
			return b, nil
		}
		size = int64(len(b))
	}
}
