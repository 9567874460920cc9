package meta

import (
	"encoding/binary"

	"imgtools/pkg/picture/raster"
)

// EXIF is what an EXIF block says that matters for showing the picture. The zero
// value with Orientation 1 stands for an absent or bad block.
type EXIF struct {
	Orientation uint8          // 1 to 8
	Density     raster.Density // Unit Aspect and 0, 0 when absent
	Space       Space
}

// Space is the colour space that an EXIF block names.
type Space uint8

const (
	Unnamed      Space = iota // no ColorSpace tag, or an unknown value
	SRGB                      // ColorSpace 1
	AdobeRGB                  // uncalibrated, and the interoperability index is R03 (DCF 2.0, 2.3)
	Uncalibrated              // neither: the file should have a profile
)

// Tags of TIFF 6.0, section 8, and of Exif 2.32, 4.6.4, 4.6.5 and 4.6.7.
const (
	tagOrientation    = 0x0112
	tagXResolution    = 0x011a
	tagYResolution    = 0x011b
	tagResolutionUnit = 0x0128
	tagExifIFD        = 0x8769
	tagColorSpace     = 0xa001 // in the Exif directory
	tagInteropIFD     = 0xa005 // in the Exif directory
	tagInteropIndex   = 0x0001 // in the interoperability directory
)

// Types of values, TIFF 6.0, section 2.
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
	typeSRatio    = 10
	typeUTF8      = 129 // Exif 3.0
)

// Orientation returns the orientation that an EXIF block names, 1 to 8; 1 when it
// names none or is bad.
func Orientation(exif []byte) uint8 { return ParseEXIF(exif).Orientation }

// ParseEXIF reads a block with the structure of a TIFF file, with or without
// "Exif\0\0" in front: a JPEG's APP1, a PNG's eXIf chunk, a WebP's EXIF chunk.
//
// It never fails, since a picture must not be refused for its metadata: what is
// damaged or contradicts itself is left out. Only the first directory counts, and
// the directories that it points to; the second is that of the thumbnail. Of tags
// that occur twice the first counts.
func ParseEXIF(exif []byte) EXIF {
	e := EXIF{Orientation: 1}
	b, first, ok := openEXIF(exif)
	if !ok {
		return e
	}
	if v, ok := b.integer(first, tagOrientation); ok && v >= 1 && v <= 8 {
		e.Orientation = uint8(v)
	}
	e.Density = b.density(first)
	e.Space = b.space(first)
	return e
}

// block is a TIFF structure: directories of 12-byte entries anywhere in data.
type block struct {
	data  []byte
	order binary.ByteOrder
}

// directory returns the entries of the directory at a byte position, as far as they
// are there: one that is cut short still has its first entries.
func (b *block) directory(at int64) []byte {
	if at < 0 || at+2 > int64(len(b.data)) {
		return nil
	}
	n := int(b.order.Uint16(b.data[at:]))
	entries := b.data[at+2:]
	return entries[:min(n, len(entries)/12)*12]
}

// find returns the first entry of a directory with a tag.
func (b *block) find(dir []byte, tag uint16) (entry []byte, ok bool) {
	for ; len(dir) >= 12; dir = dir[12:] {
		if b.order.Uint16(dir) == tag {
			return dir[:12], true
		}
	}
	return nil, false
}

// integer returns the value of a tag that is one integer of any type. Cameras write
// SHORT, as the standard asks; editors write the others.
func (b *block) integer(dir []byte, tag uint16) (int64, bool) {
	e, ok := b.find(dir, tag)
	if !ok || b.order.Uint32(e[4:]) != 1 {
		return 0, false
	}
	v := e[8:]
	switch b.order.Uint16(e[2:]) {
	case typeByte:
		return int64(v[0]), true
	case typeSByte:
		return int64(int8(v[0])), true
	case typeShort:
		return int64(b.order.Uint16(v)), true
	case typeSShort:
		return int64(int16(b.order.Uint16(v))), true
	case typeLong:
		return int64(b.order.Uint32(v)), true
	case typeSLong:
		return int64(int32(b.order.Uint32(v))), true
	}
	return 0, false
}

// number returns the value of a tag that is one fraction or integer, not negative.
func (b *block) number(dir []byte, tag uint16) (float64, bool) {
	if v, ok := b.integer(dir, tag); ok {
		return float64(v), v >= 0
	}
	e, ok := b.find(dir, tag)
	if !ok || b.order.Uint32(e[4:]) != 1 {
		return 0, false
	}
	typ := b.order.Uint16(e[2:])
	if typ != typeRational && typ != typeSRatio {
		return 0, false
	}
	at := int64(b.order.Uint32(e[8:]))
	if at+8 > int64(len(b.data)) {
		return 0, false
	}
	p, q := b.order.Uint32(b.data[at:]), b.order.Uint32(b.data[at+4:])
	if q == 0 || typ == typeSRatio && (p|q)>>31 != 0 {
		return 0, false
	}
	return float64(p) / float64(q), true
}

// maxDensity is the largest number of samples to an inch or centimetre that is
// believed. Scanners end at 12,800.
const maxDensity = 1e6

// density reads XResolution, YResolution and ResolutionUnit. Without a unit it is
// inches (Exif 2.32, 4.6.5.1.13); 1 means that only the ratio counts.
func (b *block) density(dir []byte) raster.Density {
	x, okX := b.number(dir, tagXResolution)
	y, okY := b.number(dir, tagYResolution)
	if !okX || !okY || x <= 0 || y <= 0 || x > maxDensity || y > maxDensity {
		return raster.Density{}
	}
	d := raster.Density{X: x, Y: y, Unit: raster.PerInch}
	if unit, ok := b.integer(dir, tagResolutionUnit); ok {
		switch unit {
		case 1:
			d.Unit = raster.Aspect
		case 2:
		case 3:
			d.Unit = raster.PerCM
		default:
			return raster.Density{}
		}
	}
	return d
}

// space follows the first directory to the Exif directory, which names sRGB or
// "uncalibrated", and on to the interoperability directory, in which cameras name
// Adobe RGB.
func (b *block) space(dir []byte) Space {
	at, ok := b.integer(dir, tagExifIFD)
	if !ok {
		return Unnamed
	}
	exif := b.directory(at)
	switch v, ok := b.integer(exif, tagColorSpace); {
	case ok && v == 1:
		return SRGB
	case ok && v == 2: // written by some editors; not in the standard
		return AdobeRGB
	case !ok || v&0xffff != 0xffff:
		return Unnamed
	}
	if at, ok = b.integer(exif, tagInteropIFD); ok {
		e, ok := b.find(b.directory(at), tagInteropIndex)
		if ok && b.order.Uint16(e[2:]) == typeASCII && string(e[8:11]) == "R03" {
			return AdobeRGB
		}
	}
	return Uncalibrated
}
