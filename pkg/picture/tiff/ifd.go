package tiff

import (
	"encoding/binary"
	"io"
	"math"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// Field types, TIFF 6.0 section 2.
const (
	typeByte      = 1
	typeASCII     = 2
	typeShort     = 3
	typeLong      = 4
	typeRational  = 5
	typeSByte     = 6
	typeUndefined = 7
	typeSShort    = 8
	typeSLong     = 9
	typeSRational = 10
	typeFloat     = 11
	typeDouble    = 12
	typeIFD       = 13
	typeLong8     = 16 // this and those below: BigTIFF
	typeSLong8    = 17
	typeIFD8      = 18
	typeUTF8      = 129 // Exif 3.0
)

// maxFields is the most entries of a directory: what TIFF's 16 bits can count.
const maxFields = 1<<16 - 1

// typeSizes are the bytes of one value of each type.
var typeSizes = map[uint16]int64{
	typeByte: 1, typeShort: 2, typeLong: 4, typeRational: 8, typeSByte: 1, typeUndefined: 1, typeSShort: 2,
	typeSLong: 4, typeSRational: 8, typeFloat: 4, typeDouble: 8, typeIFD: 4,
	typeLong8: 8, typeSLong8: 8, typeIFD8: 8,
}

// file is a TIFF file whose byte order is known.
type file struct {
	r     io.ReaderAt
	size  int64
	order binary.ByteOrder
	big   bool // BigTIFF: counts and offsets of 64 bits

	entries int // read so far, of all directories
}

// entry is one field of a directory. value is the field itself if it fits, else
// its offset.
type entry struct {
	kind  uint16
	count uint64
	value []byte // 4 bytes, or 8 in BigTIFF
}

type directory map[uint16]entry

// openFile reads the file header and returns the offset of the first directory.
//
//	TIFF      II 42 offset, or MM 42 offset: 2 + 2 + 4 bytes
//	BigTIFF   II 43 8 0 offset: 2 + 2 + 2 + 2 + 8 bytes; 8 is the size of offsets
func openFile(r io.ReaderAt, size int64) (*file, int64, error) {
	var b [16]byte
	if n, err := r.ReadAt(b[:], 0); n < 8 {
		return nil, 0, readFault("header", err)
	}
	f := &file{r: r, size: size, order: binary.LittleEndian}
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
		if s := f.order.Uint16(b[4:]); s != 8 {
			return nil, 0, fault.New(fault.Format, "BigTIFF with offsets of %d bytes", s)
		}
		f.big = true
		return f, f.offset(b[8:]), nil
	default:
		return nil, 0, fault.New(fault.Format, "TIFF version %d", v)
	}
	return f, f.offset(b[4:]), nil
}

// offset decodes an offset or count as wide as the file has them. Those that no int64
// holds are beyond the end of any file, as is the largest.
func (f *file) offset(b []byte) int64 {
	if f.big {
		return int64(min(f.order.Uint64(b), math.MaxInt64))
	}
	return int64(f.order.Uint32(b))
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
	width, head := 4, 2 // bytes of an offset, and of the number of entries
	if f.big {
		width, head = 8, 8
	}
	if off > f.size-int64(head) {
		return nil, 0, readFault("directory", nil)
	}
	var b [8]byte
	if n, err := f.r.ReadAt(b[:head], off); n < head {
		return nil, 0, readFault("directory", err)
	}
	n := int(f.order.Uint16(b[:]))
	if f.big {
		if long := f.order.Uint64(b[:]); long > maxFields {
			return nil, 0, fault.New(fault.Format, "directory of %d entries", long)
		}
		n = int(f.order.Uint64(b[:]))
	}
	if n == 0 {
		return nil, 0, fault.New(fault.Format, "directory without entries")
	}
	size := 4 + 2*width // of an entry: tag, type, count, value
	raw := make([]byte, size*n+width)
	got, err := f.r.ReadAt(raw, off+int64(head))
	if got < size*n {
		return nil, 0, readFault("directory", err)
	}
	f.entries += n
	d := directory{}
	for ; len(raw) > width; raw = raw[size:] {
		tag := f.order.Uint16(raw)
		if _, twice := d[tag]; !twice {
			d[tag] = entry{f.order.Uint16(raw[2:]), uint64(f.offset(raw[4:])), raw[4+width : size : size]}
		}
	}
	if got < size*n+width { // some writers leave out the offset after the last directory
		return d, 0, nil
	}
	return d, f.offset(raw), nil
}

// bytes returns the first n values, of size bytes each, of a field.
func (f *file) bytes(e entry, n, size int64) ([]byte, error) {
	if e.count <= uint64(len(e.value))/uint64(size) {
		return e.value[:n*size], nil
	}
	off := f.offset(e.value)
	if off > f.size-n*size {
		return nil, readFault("field", nil)
	}
	b := make([]byte, n*size)
	if got, err := f.r.ReadAt(b, off); got < len(b) {
		return nil, readFault("field", err)
	}
	return b, nil
}

// values returns the bytes of the first n values of a field, or of fewer if it has
// fewer, and their type; nil if there is no such field. The caller bounds n.
func (f *file) values(d directory, tag uint16, n int64) (b []byte, kind uint16, err error) {
	e, ok := d[tag]
	if !ok {
		return nil, 0, nil
	}
	size, ok := typeSizes[e.kind]
	if !ok {
		return nil, 0, fault.New(fault.Format, "field %d of type %d", tag, e.kind)
	}
	b, err = f.bytes(e, int64(min(uint64(n), e.count)), size)
	return b, e.kind, err
}

// numbers returns the first n values of a field of unsigned integers, as values does.
func (f *file) numbers(d directory, tag uint16, n int64) ([]uint64, error) {
	b, kind, err := f.values(d, tag, n)
	if err != nil || kind == 0 {
		return nil, err
	}
	v := make([]uint64, int64(len(b))/typeSizes[kind])
	for i := range v {
		switch kind {
		case typeByte, typeUndefined:
			v[i] = uint64(b[i])
		case typeShort:
			v[i] = uint64(f.order.Uint16(b[2*i:]))
		case typeLong, typeIFD:
			v[i] = uint64(f.order.Uint32(b[4*i:]))
		case typeLong8, typeIFD8:
			v[i] = f.order.Uint64(b[8*i:])
		default:
			return nil, fault.New(fault.Format, "field %d of type %d", tag, kind)
		}
	}
	return v, nil
}

// number returns the first value of a field, or def if there is no such field.
func (f *file) number(d directory, tag uint16, def uint64) (uint64, error) {
	v, err := f.numbers(d, tag, 1)
	if err != nil || len(v) == 0 {
		return def, err
	}
	return v[0], nil
}

// small returns the first value of a field whose damage does no harm: then, and if
// there is no such field, it is def.
func (f *file) small(d directory, tag uint16, def uint64) uint64 {
	v, err := f.number(d, tag, def)
	if err != nil {
		return def
	}
	return v
}

// reals returns the first n values of a field of any numbers, if it has so many and
// all are finite, else nil.
func (f *file) reals(d directory, tag uint16, n int64) []float64 {
	b, kind, err := f.values(d, tag, n)
	if err != nil || kind == 0 || int64(len(b)) < n*typeSizes[kind] {
		return nil
	}
	v := make([]float64, n)
	for i := range v {
		p := b[int64(i)*typeSizes[kind]:]
		switch kind {
		case typeByte, typeUndefined:
			v[i] = float64(p[0])
		case typeSByte:
			v[i] = float64(int8(p[0]))
		case typeShort:
			v[i] = float64(f.order.Uint16(p))
		case typeSShort:
			v[i] = float64(int16(f.order.Uint16(p)))
		case typeLong, typeIFD:
			v[i] = float64(f.order.Uint32(p))
		case typeLong8, typeIFD8:
			v[i] = float64(f.order.Uint64(p))
		case typeSLong8:
			v[i] = float64(int64(f.order.Uint64(p)))
		case typeSLong:
			v[i] = float64(int32(f.order.Uint32(p)))
		case typeRational:
			v[i] = float64(f.order.Uint32(p)) / float64(f.order.Uint32(p[4:]))
		case typeSRational:
			v[i] = float64(int32(f.order.Uint32(p))) / float64(int32(f.order.Uint32(p[4:])))
		case typeFloat:
			v[i] = float64(math.Float32frombits(f.order.Uint32(p)))
		case typeDouble:
			v[i] = math.Float64frombits(f.order.Uint64(p))
		}
		if math.IsNaN(v[i]) || math.IsInf(v[i], 0) {
			return nil
		}
	}
	return v
}

// icc returns the ICC profile, or nil if there is none or its field is damaged.
func (f *file) icc(d directory, lim raster.Limits) ([]byte, error) {
	e, ok := d[tagICC]
	if !ok || e.kind != typeUndefined && e.kind != typeByte || e.count > uint64(f.size) {
		return nil, nil
	}
	if err := lim.CheckMem(int64(e.count)); err != nil {
		return nil, err
	}
	b, err := f.bytes(e, int64(e.count), 1)
	if fault.Of(err) == fault.Format {
		return nil, nil
	}
	return b, err
}
