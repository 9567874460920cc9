package tiff

import (
	"encoding/binary"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// Tags of TIFF 6.0, its Technical Note 2 and ICC.1 annex B.
const (
	tagNewSubfileType  = 254
	tagImageWidth      = 256
	tagImageLength     = 257
	tagBitsPerSample   = 258
	tagCompression     = 259
	tagPhotometric     = 262
	tagFillOrder       = 266
	tagStripOffsets    = 273
	tagOrientation     = 274
	tagSamplesPerPixel = 277
	tagRowsPerStrip    = 278
	tagStripByteCounts = 279
	tagXResolution     = 282
	tagYResolution     = 283
	tagPlanarConfig    = 284
	tagT4Options       = 292
	tagResolutionUnit  = 296
	tagPredictor       = 317
	tagColorMap        = 320
	tagTileWidth       = 322
	tagTileLength      = 323
	tagTileOffsets     = 324
	tagTileByteCounts  = 325
	tagExtraSamples    = 338
	tagSampleFormat    = 339
	tagICC             = 34675
)

// Field types, TIFF 6.0 section 2.
const (
	typeByte      = 1
	typeShort     = 3
	typeLong      = 4
	typeRational  = 5
	typeUndefined = 7
	typeIFD       = 13
)

// file is a TIFF file whose byte order is known.
type file struct {
	r     io.ReaderAt
	size  int64
	order binary.ByteOrder
}

// entry is one field of a directory. value is the field itself if that has at most
// four bytes, else its offset.
type entry struct {
	kind  uint16
	count uint32
	value [4]byte
}

type directory map[uint16]entry

// openFile reads the file header and returns the offset of the first directory.
func openFile(r io.ReaderAt, size int64) (*file, int64, error) {
	var b [8]byte
	if n, err := r.ReadAt(b[:], 0); n < len(b) {
		return nil, 0, readFault("header", err)
	}
	f := &file{r, size, binary.LittleEndian}
	switch string(b[:2]) {
	case "II":
	case "MM":
		f.order = binary.BigEndian
	default:
		return nil, 0, fault.New(fault.Format, "not a TIFF file")
	}
	switch v := f.order.Uint16(b[2:]); v {
	case 42:
	case 43:
		return nil, 0, fault.New(fault.Unsupported, "BigTIFF is not read")
	default:
		return nil, 0, fault.New(fault.Format, "TIFF version %d", v)
	}
	return f, int64(f.order.Uint32(b[4:])), nil
}

// readFault returns the error for a read that came out short: a damaged file, unless
// reading itself failed.
func readFault(what string, err error) error {
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		return fault.New(fault.Format, "%s lies beyond the end of the file", what)
	}
	return err
}

// directory reads the directory at off and the offset of the next one, 0 after the
// last. Of entries with the same tag the first counts.
func (f *file) directory(off int64) (directory, int64, error) {
	var b [12]byte
	if n, err := f.r.ReadAt(b[:2], off); n < 2 {
		return nil, 0, readFault("directory", err)
	}
	n := int64(f.order.Uint16(b[:]))
	if n == 0 {
		return nil, 0, fault.New(fault.Format, "directory without entries")
	}
	raw := make([]byte, 12*n+4)
	got, err := f.r.ReadAt(raw, off+2)
	if int64(got) < 12*n {
		return nil, 0, readFault("directory", err)
	}
	d := directory{}
	for ; len(raw) > 4; raw = raw[12:] {
		tag := f.order.Uint16(raw)
		if _, twice := d[tag]; !twice {
			e := entry{kind: f.order.Uint16(raw[2:]), count: f.order.Uint32(raw[4:])}
			copy(e.value[:], raw[8:])
			d[tag] = e
		}
	}
	if got < int(12*n)+4 { // some writers leave out the offset after the last directory
		return d, 0, nil
	}
	return d, int64(f.order.Uint32(raw)), nil
}

// bytes returns the first n bytes of a field that has all bytes.
func (f *file) bytes(e entry, all, n int64) ([]byte, error) {
	if all <= 4 {
		return e.value[:n], nil
	}
	off := int64(f.order.Uint32(e.value[:]))
	if off+n > f.size {
		return nil, readFault("field", nil)
	}
	b := make([]byte, n)
	if got, err := f.r.ReadAt(b, off); int64(got) < n {
		return nil, readFault("field", err)
	}
	return b, nil
}

// numbers returns the first n values of a field of integers, or fewer if it has
// fewer; nil if there is no such field. The caller bounds n.
func (f *file) numbers(d directory, tag uint16, n int64) ([]uint32, error) {
	e, ok := d[tag]
	if !ok {
		return nil, nil
	}
	var each int64
	switch e.kind {
	case typeByte, typeUndefined:
		each = 1
	case typeShort:
		each = 2
	case typeLong, typeIFD:
		each = 4
	default:
		return nil, fault.New(fault.Format, "field %d of type %d", tag, e.kind)
	}
	n = min(n, int64(e.count))
	b, err := f.bytes(e, int64(e.count)*each, n*each)
	if err != nil {
		return nil, err
	}
	v := make([]uint32, n)
	for i := range v {
		switch each {
		case 1:
			v[i] = uint32(b[i])
		case 2:
			v[i] = uint32(f.order.Uint16(b[2*i:]))
		case 4:
			v[i] = f.order.Uint32(b[4*i:])
		}
	}
	return v, nil
}

// number returns the first value of a field, or def if there is no such field.
func (f *file) number(d directory, tag uint16, def uint32) (uint32, error) {
	v, err := f.numbers(d, tag, 1)
	if err != nil || len(v) == 0 {
		return def, err
	}
	return v[0], nil
}

// icc returns the ICC profile, or nil if there is none or its field is damaged.
func (f *file) icc(d directory, lim raster.Limits) ([]byte, error) {
	e, ok := d[tagICC]
	if !ok || e.kind != typeUndefined && e.kind != typeByte {
		return nil, nil
	}
	if err := lim.CheckMem(min(int64(e.count), f.size)); err != nil {
		return nil, err
	}
	b, err := f.bytes(e, int64(e.count), int64(e.count))
	if fault.Of(err) == fault.Format {
		return nil, nil
	}
	return b, err
}

const (
	reducedImage = 1 << 0 // of NewSubfileType: a smaller version of another image
	maskImage    = 1 << 2 // a transparency mask of another image
	maxPages     = 10000  // directories visited
)

// pages follows the chain of directories from off. It returns the directory of the
// first page and the number of pages. Reduced versions and masks are not counted as
// pages, unless there is nothing else.
func (f *file) pages(off int64) (first directory, pages int, err error) {
	seen := map[int64]bool{}
	var fallback directory
	for off != 0 && !seen[off] && len(seen) < maxPages {
		seen[off] = true
		d, next, err := f.directory(off)
		if err != nil && fallback == nil {
			return nil, 0, err
		} else if err != nil {
			break // the pages before it can be read
		}
		if fallback == nil {
			fallback = d
		}
		if kind, err := f.number(d, tagNewSubfileType, 0); err != nil || kind&(reducedImage|maskImage) == 0 {
			if first == nil {
				first = d
			}
			pages++
		}
		off = next
	}
	if fallback == nil {
		return nil, 0, fault.New(fault.Format, "TIFF without a directory")
	}
	if first == nil {
		return fallback, 1, nil
	}
	return first, pages, nil
}
