package tiff

import (
	"encoding/binary"

	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// Bounds of the metadata that is read, in bytes.
const (
	maxText     = 8 << 10 // of one text
	maxMetadata = 1 << 20 // of XMP or IPTC
)

// Metadata returns the metadata of the page: as EXIF the dates and the owner, which are
// texts of the page's directory and of the Exif directory.
func (t *Reader) Metadata() raster.Metadata {
	main, _, err := t.file.directory(t.dir)
	if err != nil {
		return raster.Metadata{}
	}
	var sub directory
	if at, err := t.file.number(main, tagExifIFD, 0); err == nil && at > 0 && at < uint64(t.file.size) {
		sub, _, _ = t.file.directory(int64(at))
	}
	texts := meta.ReadTexts(meta.KeepDate|meta.KeepCopyright, func(exif bool, tag uint16) string {
		d := main
		if exif {
			d = sub
		}
		return meta.CleanText(t.file.raw(d, tag, maxText), tag)
	})
	return raster.Metadata{EXIF: meta.NewEXIF(texts, raster.Density{}), XMP: t.file.raw(main, tagXMP, maxMetadata), IPTC: t.file.raw(main, tagIPTC, maxMetadata)}
}

// raw returns the bytes of a field of bytes or text, nil if it is missing, damaged or
// longer than most. IPTC is often declared as longs of the machine that wrote the file.
func (f *file) raw(d directory, tag uint16, most uint64) []byte {
	e, ok := d[tag]
	size := int64(1)
	switch e.kind {
	case typeByte, typeASCII, typeUndefined, typeUTF8:
	case typeLong:
		size = 4
	default:
		return nil
	}
	if !ok || e.count > most/uint64(size) {
		return nil
	}
	b, err := f.bytes(e, int64(e.count), size)
	if err != nil {
		return nil
	}
	return b
}

// keptFields returns the entries of the first directory for kept metadata, and the
// directory for EXIF's, whose position the entry tagExifIFD has.
func keptFields(m raster.Metadata, exifAt uint32) (main, exif []field) {
	for _, t := range meta.Texts(m.EXIF, meta.KeepDate|meta.KeepCopyright) {
		f := field{t.Tag, typeASCII, uint32(len(t.Value) + 1), append([]byte(t.Value), 0)}
		if t.Exif {
			exif = append(exif, f)
		} else {
			main = append(main, f)
		}
	}
	if exif != nil {
		main = append(main, long(tagExifIFD, exifAt))
	}
	for tag, b := range map[uint16][]byte{tagXMP: m.XMP, tagIPTC: m.IPTC} {
		if len(b) > 0 {
			main = append(main, field{tag, typeUndefined, uint32(len(b)), b})
		}
	}
	return main, exif
}

// appendDirectory appends a directory, which begins at position at of the file, and the
// values that are too long for its entries.
func appendDirectory(b []byte, fs []field, at int64) []byte {
	o := binary.LittleEndian
	b = o.AppendUint16(b, uint16(len(fs)))
	far := at + int64(2+12*len(fs)+4)
	var values []byte
	for _, f := range fs {
		b = o.AppendUint32(o.AppendUint16(o.AppendUint16(b, f.tag), f.kind), f.count)
		if len(f.value) <= 4 {
			var v [4]byte
			copy(v[:], f.value)
			b = append(b, v[:]...)
			continue
		}
		b = o.AppendUint32(b, uint32(far)+uint32(len(values)))
		values = append(values, f.value...)
		if len(values)%2 == 1 { // values begin on a word boundary
			values = append(values, 0)
		}
	}
	b = append(b, 0, 0, 0, 0) // there is no other directory
	return append(b, values...)
}
