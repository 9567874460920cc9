package tiff

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"encoding/binary"
	"math"
	"slices"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// tag is one field of a test file; kind is its field type. Each value of a rational
// is two values here, and one of a double its two halves, the upper first.
type tag struct {
	tag, kind uint16
	v         []uint32
}

func shorts(t uint16, v ...uint32) tag { return tag{t, typeShort, v} }

// doubles returns a field of 64-bit floating-point numbers.
func doubles(t uint16, v ...float64) tag {
	f := tag{tag: t, kind: typeDouble}
	for _, x := range v {
		b := math.Float64bits(x)
		f.v = append(f.v, uint32(b>>32), uint32(b))
	}
	return f
}

// made describes a test file. The segments are written before the directory; their
// offsets and sizes become StripOffsets or TileOffsets and the byte counts, unless
// tags has these fields.
type made struct {
	order    byteOrder
	tags     []tag
	segments [][]byte
	next     uint32 // offset of the next directory
	big      bool   // BigTIFF
	plain    bool   // without the fields of offsets and counts, unless tags has them
}

// bytes returns the file.
func (m made) bytes() []byte { return chain(m) }

// chain returns a file of several pages. The first one says the byte order and whether
// it is BigTIFF.
func chain(pages ...made) []byte {
	m := pages[0]
	o := m.byteOrder()
	mark := "II"
	if o == byteOrder(binary.BigEndian) {
		mark = "MM"
	}
	b := o.AppendUint16([]byte(mark), 42)
	if m.big {
		b = append(o.AppendUint16(o.AppendUint16([]byte(mark), 43), 8), 0, 0)
	}
	next := len(b) // where the offset of the next directory stands
	b = m.offset(b, 0)
	for _, p := range pages {
		p.order, p.big = m.order, m.big
		var dir int
		b, dir = p.appendTo(b)
		copy(b[next:], m.offset(nil, dir))
		next = len(b) - len(m.offset(nil, 0))
	}
	return b
}

func (m made) byteOrder() byteOrder {
	if m.order == nil {
		return binary.LittleEndian
	}
	return m.order
}

// offset appends an offset or count.
func (m made) offset(b []byte, v int) []byte {
	if m.big {
		return m.byteOrder().AppendUint64(b, uint64(v))
	}
	return m.byteOrder().AppendUint32(b, uint32(v))
}

// appendTo appends a page to a file and returns where its directory begins.
func (m made) appendTo(b []byte) ([]byte, int) {
	o := m.byteOrder()
	tags := slices.Clone(m.tags)
	has := func(t uint16) bool { return slices.ContainsFunc(tags, func(f tag) bool { return f.tag == t }) }
	offsets, counts := tag{tagStripOffsets, typeLong, nil}, tag{tagStripByteCounts, typeLong, nil}
	if has(tagTileWidth) {
		offsets.tag, counts.tag = tagTileOffsets, tagTileByteCounts
	}
	for _, s := range m.segments {
		offsets.v, counts.v = append(offsets.v, uint32(len(b))), append(counts.v, uint32(len(s)))
		b = append(b, s...)
	}
	if len(m.segments) > 0 && !m.plain && !has(offsets.tag) {
		tags = append(tags, offsets)
	}
	if len(m.segments) > 0 && !m.plain && !has(counts.tag) {
		tags = append(tags, counts)
	}
	slices.SortStableFunc(tags, func(a, b tag) int { return cmp.Compare(a.tag, b.tag) })
	var dir []byte
	inline := len(m.offset(nil, 0))
	for _, t := range tags {
		v, n := t.bytes(o)
		dir = o.AppendUint16(dir, t.tag)
		dir = o.AppendUint16(dir, t.kind)
		dir = m.offset(dir, n)
		if len(v) > inline {
			dir = m.offset(dir, len(b))
			b = append(b, v...)
		} else {
			dir = append(dir, append(v, make([]byte, 8)...)[:inline]...)
		}
	}
	at := len(b)
	if m.big {
		b = m.offset(b, len(tags))
	} else {
		b = o.AppendUint16(b, uint16(len(tags)))
	}
	b = append(b, dir...)
	return m.offset(b, int(m.next)), at
}

// bytes returns the values of a field as they stand in a file, and how many there are.
func (t tag) bytes(o byteOrder) (v []byte, n int) {
	switch n = len(t.v); t.kind {
	case typeShort, typeSShort:
		for _, x := range t.v {
			v = o.AppendUint16(v, uint16(x))
		}
	case typeLong, typeSLong, typeFloat, typeIFD:
		for _, x := range t.v {
			v = o.AppendUint32(v, x)
		}
	case typeLong8, typeIFD8:
		for _, x := range t.v {
			v = o.AppendUint64(v, uint64(x))
		}
	case typeRational, typeSRational:
		for _, x := range t.v {
			v = o.AppendUint32(v, x)
		}
		n /= 2
	case typeDouble:
		for i := 0; i < n; i += 2 {
			v = o.AppendUint64(v, uint64(t.v[i])<<32|uint64(t.v[i+1]))
		}
		n /= 2
	default:
		for _, x := range t.v {
			v = append(v, byte(x))
		}
	}
	return v, n
}

// basic returns the fields of a w × h picture in one strip, with the bits of each sample.
func basic(w, h, photo uint32, bits ...uint32) []tag {
	return []tag{
		shorts(tagImageWidth, w), shorts(tagImageLength, h), shorts(tagBitsPerSample, bits...),
		shorts(tagPhotometric, photo), shorts(tagSamplesPerPixel, uint32(len(bits))),
	}
}

// with returns ts with some fields added or replaced.
func with(ts []tag, more ...tag) []tag {
	out := slices.Clone(ts)
	for _, m := range more {
		out = slices.DeleteFunc(out, func(t tag) bool { return t.tag == m.tag })
		out = append(out, m)
	}
	return out
}

func without(ts []tag, t uint16) []tag {
	return slices.DeleteFunc(slices.Clone(ts), func(f tag) bool { return f.tag == t })
}

func deflated(b []byte) []byte {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	w.Write(b)
	w.Close()
	return z.Bytes()
}

func open(b []byte) (*Reader, error) {
	return Open(bytes.NewReader(b), int64(len(b)), raster.Limits{})
}

// decode returns the header and the samples of all rows, as 16-bit numbers.
func decode(b []byte) (*raster.Header, []uint16, error) {
	rows, err := rastertest.Start(open(b))
	if err != nil {
		return nil, nil, err
	}
	s, err := rastertest.Samples(rows, nil)
	return rows.Header(), s, err
}

type picture = rastertest.Picture[uint16]
