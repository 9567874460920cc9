package png

import (
	"encoding/binary"

	"imgtools/pkg/picture/raster"
)

// expand8 converts src, the unfiltered bytes of a row, to samples of 8 bits. It
// unpacks 1, 2 and 4 bits, widens gray to 0..255 (exact, since 255 is a multiple of
// 1, 3 and 15), adds alpha where there is a transparent colour, and replaces palette
// indexes that are out of range.
func (r *Reader) expand8(dst []uint8, src []byte) {
	if r.depth < 8 {
		if r.spread == nil {
			r.spread = r.spreadTable()
		}
		if r.hasKey { // unpack into the second half of dst, then interleave with alpha
			half := dst[len(dst)/2:]
			r.unpack(half, src)
			key := uint8(r.key[0]) * r.scale()
			for i, v := range half {
				dst[2*i], dst[2*i+1] = v, opaqueUnless(v == key)
			}
			return
		}
		r.unpack(dst, src)
	} else {
		switch {
		case r.hasKey && r.color == colorGray:
			key := uint8(r.key[0])
			for i, v := range src[:len(dst)/2] {
				dst[2*i], dst[2*i+1] = v, opaqueUnless(v == key)
			}
		case r.hasKey:
			k0, k1, k2 := uint8(r.key[0]), uint8(r.key[1]), uint8(r.key[2])
			for i := 0; 4*i+4 <= len(dst); i++ {
				s, d := src[3*i:3*i+3:3*i+3], dst[4*i:4*i+4:4*i+4]
				d[0], d[1], d[2] = s[0], s[1], s[2]
				d[3] = opaqueUnless(s[0] == k0 && s[1] == k1 && s[2] == k2)
			}
		default:
			copy(dst, src)
		}
	}
	if r.color == colorIndexed && r.colours < 1<<r.depth {
		r.stray = raster.Clamp(dst, r.colours, r.black) || r.stray
	}
}

func opaqueUnless(transparent bool) uint8 {
	if transparent {
		return 0
	}
	return 255
}

// scale returns the factor that widens a gray sample of less than 8 bits; 1 for an index.
func (r *Reader) scale() uint8 {
	if r.color == colorGray {
		return uint8(255 / (1<<r.depth - 1))
	}
	return 1
}

// spreadTable returns for each byte of samples of 1, 2 or 4 bits those samples, widened,
// as they stand in memory: the first lowest. The first sample of a byte is in its highest
// bits. For example, with 4 bits the gray samples of 0x1f become 0xff11.
func (r *Reader) spreadTable() *[256]uint64 {
	var t [256]uint64
	depth, per := int(r.depth), 8/int(r.depth)
	for b := range t {
		for i := range per {
			sample := b >> (8 - (i+1)*depth) & (1<<depth - 1)
			t[b] |= uint64(sample) * uint64(r.scale()) << (8 * i)
		}
	}
	return &t
}

// unpack turns samples of 1, 2 or 4 bits into widened ones of one byte each.
func (r *Reader) unpack(dst []uint8, src []byte) {
	t := r.spread
	whole := len(dst) / (8 / int(r.depth)) // bytes whose samples are all in the row
	switch r.depth {
	case 1:
		for i, v := range src[:whole] {
			store64(dst, 8*i, t[v])
		}
		dst = dst[8*whole:]
	case 2:
		for i, v := range src[:whole] {
			binary.LittleEndian.PutUint32(dst[4*i:4*i+4:4*i+4], uint32(t[v]))
		}
		dst = dst[4*whole:]
	case 4:
		for i, v := range src[:whole] {
			binary.LittleEndian.PutUint16(dst[2*i:2*i+2:2*i+2], uint16(t[v]))
		}
		dst = dst[2*whole:]
	}
	for i := range dst {
		dst[i] = uint8(t[src[whole]] >> (8 * i))
	}
}

// expand16 converts src, the unfiltered bytes of a row of big-endian 16-bit samples,
// and adds alpha where there is a transparent colour.
func (r *Reader) expand16(dst []uint16, src []byte) {
	if !r.hasKey {
		for i := range dst {
			dst[i] = binary.BigEndian.Uint16(src[2*i:])
		}
		return
	}
	n := r.base.Layout.Samples()
	for i := 0; i+n <= len(dst); i += n {
		alpha := uint16(0)
		for j := range n - 1 {
			v := binary.BigEndian.Uint16(src)
			src = src[2:]
			dst[i+j] = v
			if v != r.key[j] {
				alpha = 65535
			}
		}
		dst[i+n-1] = alpha
	}
}
