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
		if r.hasKey { // unpack into the second half of dst, then interleave with alpha
			half := dst[len(dst)/2:]
			r.spread(half, src)
			key := uint8(r.key[0])
			scale := 255 / (1<<r.depth - 1)
			for i, v := range half {
				dst[2*i], dst[2*i+1] = v*uint8(scale), opaqueUnless(v == key)
			}
			return
		}
		r.spread(dst, src)
		if r.color == colorGray {
			scale := uint8(255 / (1<<r.depth - 1))
			for i, v := range dst {
				dst[i] = v * scale
			}
		}
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

// spread unpacks samples of 1, 2 or 4 bits to one byte each. The first sample of a
// byte is in its highest bits.
func (r *Reader) spread(dst []uint8, src []byte) {
	switch r.depth {
	case 1:
		i := 0
		for ; i+8 <= len(dst); i += 8 {
			v, d := src[i>>3], dst[i:i+8:i+8]
			d[0], d[1], d[2], d[3] = v>>7, v>>6&1, v>>5&1, v>>4&1
			d[4], d[5], d[6], d[7] = v>>3&1, v>>2&1, v>>1&1, v&1
		}
		for ; i < len(dst); i++ {
			dst[i] = src[i>>3] >> (7 - i&7) & 1
		}
	case 2:
		for i := range dst {
			dst[i] = src[i>>2] >> (6 - i&3*2) & 3
		}
	case 4:
		for i := range dst {
			dst[i] = src[i>>1] >> (4 - i&1*4) & 15
		}
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
