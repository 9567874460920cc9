// Package meta reads what the formats share beside pixels: the orientation in
// an EXIF block and the colour space of an ICC profile. Nothing else of either
// is of use here, since metadata is dropped.
package meta

import (
	"bytes"
	"encoding/binary"
)

// Tags and types of TIFF 6.0, sections 2 and 8; Exif 2.32, 4.6.4.
const (
	tagOrientation = 0x0112

	typeByte  = 1
	typeShort = 3
	typeLong  = 4
)

// Orientation returns the EXIF orientation, 1 to 8, of a TIFF-structured block
// with or without "Exif\0\0" in front, as it stands in a JPEG APP1, a PNG eXIf
// and a WebP EXIF chunk. It is 1 when the tag is absent or the block is bad:
// a picture is never refused for its metadata.
//
// Only the first directory counts; the second is the thumbnail's.
func Orientation(exif []byte) uint8 {
	b := bytes.TrimPrefix(exif, []byte("Exif\x00\x00"))
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return 1
	}
	n := int(order.Uint16(b[at:]))
	dir := b[at+2:]
	// A directory cut short still has its first entries.
	for ; n > 0 && len(dir) >= 12; n, dir = n-1, dir[12:] {
		if order.Uint16(dir) != tagOrientation {
			continue
		}
		if order.Uint32(dir[4:]) != 1 {
			return 1
		}
		var v uint32
		switch order.Uint16(dir[2:]) {
		case typeByte:
			v = uint32(dir[8])
		case typeShort:
			v = uint32(order.Uint16(dir[8:]))
		case typeLong: // some writers
			v = order.Uint32(dir[8:])
		}
		if v >= 1 && v <= 8 {
			return uint8(v)
		}
		return 1
	}
	return 1
}

// ICCSpace returns the data colour space of an ICC profile (ICC.1:2022, 7.2.6):
// "RGB ", "GRAY", "CMYK" and so on, four bytes; "" if it is not a whole profile.
func ICCSpace(profile []byte) string {
	const header = 128
	if len(profile) < header || string(profile[36:40]) != "acsp" {
		return ""
	}
	if size := binary.BigEndian.Uint32(profile); size < header || uint64(size) > uint64(len(profile)) {
		return ""
	}
	return string(profile[16:20])
}
