package tiff

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"encoding/binary"
	"slices"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// tag is one field of a test file; kind is its field type.
type tag struct {
	tag, kind uint16
	v         []uint32
}

func shorts(t uint16, v ...uint32) tag { return tag{t, typeShort, v} }

// made describes a test file. The segments are written before the directory; their
// offsets and sizes become StripOffsets or TileOffsets and the byte counts, unless
// tags has these fields.
type made struct {
	order    byteOrder
	tags     []tag
	segments [][]byte
	next     uint32 // offset of the next directory
}

func (m made) bytes() []byte {
	o := m.order
	if o == nil {
		o = binary.LittleEndian
	}
	b := []byte("II*\x00\x00\x00\x00\x00")
	if o == byteOrder(binary.BigEndian) {
		b = []byte("MM\x00*\x00\x00\x00\x00")
	}
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
	if len(m.segments) > 0 && !has(offsets.tag) {
		tags = append(tags, offsets)
	}
	if len(m.segments) > 0 && !has(counts.tag) {
		tags = append(tags, counts)
	}
	slices.SortStableFunc(tags, func(a, b tag) int { return cmp.Compare(a.tag, b.tag) })
	var dir []byte
	for _, t := range tags {
		var v []byte
		for _, x := range t.v {
			switch t.kind {
			case typeShort:
				v = o.AppendUint16(v, uint16(x))
			case typeLong:
				v = o.AppendUint32(v, x)
			default:
				v = append(v, byte(x))
			}
		}
		dir = o.AppendUint16(dir, t.tag)
		dir = o.AppendUint16(dir, t.kind)
		dir = o.AppendUint32(dir, uint32(len(t.v)))
		if len(v) > 4 {
			dir = o.AppendUint32(dir, uint32(len(b)))
			b = append(b, v...)
		} else {
			dir = append(dir, append(v, 0, 0, 0, 0)[:4]...)
		}
	}
	o.PutUint32(b[4:], uint32(len(b)))
	b = o.AppendUint16(b, uint16(len(tags)))
	b = append(b, dir...)
	return o.AppendUint32(b, m.next)
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
