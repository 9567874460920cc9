package meta

import (
	"math"

	"imgtools/pkg/picture/raster"
)

// Further tags that describe the picture itself.
const (
	tagImageWidth   = 0x0100
	tagImageLength  = 0x0101
	tagPixelX       = 0xa002 // in the Exif directory: PixelXDimension
	tagPixelY       = 0xa003
	tagThumbnailAt  = 0x0201 // in the second directory: JPEGInterchangeFormat
	tagThumbnailLen = 0x0202
	tagStripOffsets = 0x0111 // of an uncompressed thumbnail
	tagStripCounts  = 0x0117
)

// correctEXIF returns a copy of a block that describes the result, and false if the
// block is no EXIF. An absent block stays so. Values are changed where they stand, since
// a maker note may point anywhere in the block, and would break if it moved.
//
// The second directory, that of the thumbnail, is taken out of the chain, and the
// thumbnail is cut off or, if something follows it, overwritten with zeros.
func correctEXIF(exif []byte, r Result) (corrected []byte, ok bool) {
	if len(exif) == 0 {
		return nil, true
	}
	b, _, ok := openEXIF(exif)
	if !ok {
		return nil, false
	}
	b.data = append([]byte(nil), b.data...)
	at := int64(b.order.Uint32(b.data[4:]))
	first := b.directory(at)
	b.set(first, tagOrientation, 1)
	b.set(first, tagImageWidth, uint32(r.W))
	b.set(first, tagImageLength, uint32(r.H))
	b.setDensity(first, r.Density)
	if sub, ok := b.integer(first, tagExifIFD); ok {
		dir := b.directory(sub)
		b.set(dir, tagPixelX, uint32(r.W))
		b.set(dir, tagPixelY, uint32(r.H))
		space := uint32(0xffff) // uncalibrated: the profile says it
		if r.SRGB {
			space = 1
		}
		b.set(dir, tagColorSpace, space)
	}
	b.dropThumbnail(at + 2 + int64(len(first)))
	return b.data, true
}

// set changes the value of a tag that is one integer of 16 or 32 bits.
func (b *block) set(dir []byte, tag uint16, v uint32) {
	e, ok := b.find(dir, tag)
	if !ok || b.order.Uint32(e[4:]) != 1 {
		return
	}
	switch typ := b.order.Uint16(e[2:]); {
	case typ == typeLong || typ == typeSLong:
		b.order.PutUint32(e[8:], v)
	case (typ == typeShort || typ == typeSShort) && v > math.MaxUint16:
		b.order.PutUint16(e[2:], typeLong) // the value's four bytes have room for it
		b.order.PutUint32(e[8:], v)
	case typ == typeShort || typ == typeSShort:
		b.order.PutUint16(e[8:], uint16(v))
	case typ == typeByte || typ == typeSByte:
		e[8] = byte(v)
	}
}

// densityDenominator is that of a density which is written as a fraction.
const densityDenominator = 1000

// setDensity changes XResolution, YResolution and ResolutionUnit, if all are there.
func (b *block) setDensity(dir []byte, d raster.Density) {
	if d.X <= 0 || d.X > maxDensity || d.Y <= 0 || d.Y > maxDensity {
		return
	}
	for _, v := range []struct {
		tag uint16
		d   float64
	}{{tagXResolution, d.X}, {tagYResolution, d.Y}} {
		e, ok := b.find(dir, v.tag)
		if !ok || b.order.Uint16(e[2:]) != typeRational || b.order.Uint32(e[4:]) != 1 {
			return
		}
		if f := b.value(e, 8); len(f) == 8 {
			b.order.PutUint32(f, uint32(math.Round(v.d*densityDenominator)))
			b.order.PutUint32(f[4:], densityDenominator)
		}
	}
	b.set(dir, tagResolutionUnit, map[raster.DensityUnit]uint32{raster.Aspect: 1, raster.PerInch: 2, raster.PerCM: 3}[d.Unit])
}

// dropThumbnail ends the chain of directories at a byte position, where the position of
// the next one stands, and removes what that one points to.
func (b *block) dropThumbnail(at int64) {
	if at+4 > int64(len(b.data)) {
		return
	}
	next := int64(b.order.Uint32(b.data[at:]))
	b.order.PutUint32(b.data[at:], 0)
	dir := b.directory(next)
	for _, tags := range [][2]uint16{{tagThumbnailAt, tagThumbnailLen}, {tagStripOffsets, tagStripCounts}} {
		from, ok := b.integer(dir, tags[0])
		n, okLen := b.integer(dir, tags[1])
		if !ok || !okLen || from < 8 || n <= 0 || from >= int64(len(b.data)) {
			continue
		}
		if to := from + n; to < int64(len(b.data)) {
			clear(b.data[from:to])
		} else {
			b.data = b.data[:from]
		}
	}
}
