package bmp

import (
	"encoding/binary"
	"math/bits"

	"imgtools/pkg/picture/raster"
)

// expander returns the function that converts src, the bytes of a row, to samples.
// src may be longer than the row.
func (r *Reader) expander() func(dst []uint8, src []byte) {
	switch r.hd.depth {
	case 24:
		return swap24
	case 16:
		return r.masked16()
	case 32:
		switch r.hd.masks {
		case [4]uint32{0xff0000, 0xff00, 0xff, 0}:
			return swap32
		case [4]uint32{0xff0000, 0xff00, 0xff, 0xff000000}:
			return swap32Alpha
		}
		return r.masked32()
	}
	depth, colors, black := r.hd.depth, len(r.hd.palette), r.black
	return func(dst []uint8, src []byte) {
		spread(dst, src, depth)
		if colors < 1<<depth {
			raster.Clamp(dst, colors, black)
		}
	}
}

// spread unpacks indexes of 1, 2, 4 or 8 bits to one byte each. The first index of a
// byte is in its highest bits.
func spread(dst []uint8, src []byte, depth int) {
	switch depth {
	case 8:
		copy(dst, src)
	case 4:
		for i := range dst {
			dst[i] = src[i>>1] >> (4 - i&1*4) & 15
		}
	case 2:
		for i := range dst {
			dst[i] = src[i>>2] >> (6 - i&3*2) & 3
		}
	case 1:
		for i := range dst {
			dst[i] = src[i>>3] >> (7 - i&7) & 1
		}
	}
}

func swap24(dst []uint8, src []byte) {
	src = src[:len(dst)]
	for i := 0; i+3 <= len(dst); i += 3 {
		s, d := src[i:i+3:i+3], dst[i:i+3:i+3]
		d[0], d[1], d[2] = s[2], s[1], s[0]
	}
}

func swap32(dst []uint8, src []byte) {
	for i := 0; 3*i+3 <= len(dst); i++ {
		s, d := src[4*i:4*i+3:4*i+3], dst[3*i:3*i+3:3*i+3]
		d[0], d[1], d[2] = s[2], s[1], s[0]
	}
}

func swap32Alpha(dst []uint8, src []byte) {
	src = src[:len(dst)]
	for i := 0; i+4 <= len(dst); i += 4 {
		s, d := src[i:i+4:i+4], dst[i:i+4:i+4]
		d[0], d[1], d[2], d[3] = s[2], s[1], s[0], s[3]
	}
}

// channel extracts one sample from a pixel.
type channel struct {
	shift int         // lowest bit of the mask
	max   uint32      // largest value of the bits, 2^n-1; 0 if there is no mask
	wide  *[256]uint8 // for n up to 8: the value scaled to 0..255, rounded to nearest
}

// channels returns the channels of a pixel, in the order of samples.
func (r *Reader) channels() []channel {
	c := make([]channel, r.out.Layout.Samples())
	for i := range c {
		k := r.hd.masks[i]
		if k == 0 {
			continue // the sample is 0; alpha without a mask is no channel
		}
		c[i].shift = bits.TrailingZeros32(k)
		c[i].max = k >> c[i].shift
		if c[i].max <= 255 {
			c[i].wide = new([256]uint8)
			for v := uint32(0); v <= c[i].max; v++ {
				c[i].wide[v] = uint8((v*255 + c[i].max/2) / c[i].max)
			}
		}
	}
	return c
}

// sample extracts the sample from the pixel p, scaled to 0..255.
func (c *channel) sample(p uint32) uint8 {
	if c.max == 0 {
		return 0
	}
	v := p >> c.shift & c.max
	if c.wide != nil {
		return c.wide[v]
	}
	return uint8((uint64(v)*255 + uint64(c.max)/2) / uint64(c.max))
}

// masked16 converts rows of 16 bits a pixel by a table of all 65,536 pixels.
func (r *Reader) masked16() func(dst []uint8, src []byte) {
	c := r.channels()
	n := len(c)
	table := make([]uint8, n<<16)
	for p := range 1 << 16 {
		for i := range c {
			table[p*n+i] = c[i].sample(uint32(p))
		}
	}
	return func(dst []uint8, src []byte) {
		for i := 0; i+n <= len(dst); i += n {
			p := int(binary.LittleEndian.Uint16(src))
			src = src[2:]
			copy(dst[i:i+n], table[p*n:])
		}
	}
}

// masked32 converts rows of 32 bits a pixel.
func (r *Reader) masked32() func(dst []uint8, src []byte) {
	c := r.channels()
	return func(dst []uint8, src []byte) {
		for i := 0; i+len(c) <= len(dst); i += len(c) {
			p := binary.LittleEndian.Uint32(src)
			src = src[4:]
			for j := range c {
				dst[i+j] = c[j].sample(p)
			}
		}
	}
}
