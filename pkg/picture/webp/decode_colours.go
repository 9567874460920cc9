package webp

import (
	"encoding/binary"

	"imgtools/pkg/picture/webp/vp8"
)

// The matrix of BT.601 for studio range, which RFC 9649 section 1.1 names, with 14
// bits of fraction. Each product is shifted right by 8, so the sums have 6.
const (
	fromY = 19077 // 255/219
	rCr   = 26149 // 255/224 × 1.402
	gCb   = 6419  // 255/224 × 0.344136
	gCr   = 13320 // 255/224 × 0.714136
	bCb   = 33050 // 255/224 × 1.772

	// The products for luma 16 and chroma 128, which stand for black, less a half for
	// rounding.
	rOff = 14234
	gOff = 8708
	bOff = 17685
)

// mixer makes colours of planes. Chroma samples lie in the middle of 2×2 pixels; a
// pixel's chroma is 9, 3, 3 and 1 sixteenths of the four nearest ones. All is rounded as
// libwebp does it, so the result equals dwebp's exactly.
type mixer struct {
	cb, cr []uint16 // chroma of a row, interpolated vertically, times 4, with a copy of the last sample on either side
}

func newMixer(w int) mixer {
	n := (w+1)/2 + 2
	return mixer{make([]uint16, n+mixSlack), make([]uint16, n+mixSlack)}
}

// mixSlack is the number of samples that vectors read behind those of a row.
const mixSlack = 16

// row writes row y of RGB, n being 3, or RGBA, n being 4, to dst, without the alpha. last
// is the last row of chroma.
func (m *mixer) row(dst []uint8, n int, s *vp8.Strip, y, last int) {
	near := y / 2
	far := min(max(near-1+2*(y%2), 0), last)
	blend(m.cb, s.Chroma(0, near), s.Chroma(0, far))
	blend(m.cr, s.Chroma(1, near), s.Chroma(1, far))
	luma := s.Luma(y)
	done := m.blocks(dst, n, luma)
	m.plain(dst[n*done:], n, luma[done:], m.cb[done/2:], m.cr[done/2:])
}

// plain makes pixels, the first of which is an even one: its nearest samples of chroma are
// cb[1] and cr[1]. Two pixels have the same nearest sample.
func (m *mixer) plain(dst []uint8, n int, luma []uint8, cb, cr []uint16) {
	t := &products
	lastB, lastR := uint32(cb[0]), uint32(cr[0])
	for ; len(luma) >= 2; luma = luma[2:] {
		c, d := (*[3]uint16)(cb), (*[3]uint16)(cr)
		b, r := uint32(c[1]), uint32(d[1])
		nearB, nearR := 3*b+8, 3*r+8
		x := t.sum(luma[0], uint8((nearB+lastB)>>4), uint8((nearR+lastR)>>4))
		y := t.sum(luma[1], uint8((nearB+uint32(c[2]))>>4), uint8((nearR+uint32(d[2]))>>4))
		if (x|y)&^inRange != 0 {
			x, y = limited(x), limited(y)
		}
		v, w := colour(x), colour(y)
		if n == 3 {
			p := dst[:6:6]
			binary.LittleEndian.PutUint32(p, v|w<<24)
			binary.LittleEndian.PutUint16(p[4:], uint16(w>>8))
		} else {
			putColour((*[3]uint8)(dst), v)
			putColour((*[3]uint8)(dst[n:]), w)
		}
		lastB, lastR = b, r
		dst, cb, cr = dst[2*n:], cb[1:], cr[1:]
	}
	if len(luma) > 0 {
		b, r := uint8((3*cb[1]+cb[0]+8)>>4), uint8((3*cr[1]+cr[0]+8)>>4)
		putColour((*[3]uint8)(dst), colour(limited(t.sum(luma[0], b, r))))
	}
}

func putColour(p *[3]uint8, v uint32) { p[0], p[1], p[2] = uint8(v), uint8(v>>8), uint8(v>>16) }

// matrix has the terms of each sample, with the offsets in those of chroma. Terms of red,
// green and blue are added at once: a term is red + green<<16 + blue<<32. The last 6 bits of
// each are a fraction.
type matrix struct{ y, cb, cr [256]uint64 }

var products = func() (t matrix) {
	term := func(r, g, b int) uint64 { return uint64(int64(r) + int64(g)<<16 + int64(b)<<32) }
	for v := range 256 {
		y := v * fromY >> 8
		t.y[v] = term(y, y, y)
		t.cr[v] = term(v*rCr>>8-rOff, gOff-v*gCr>>8, 0)
		t.cb[v] = term(0, -(v * gCb >> 8), v*bCb>>8-bOff)
	}
	return t
}()

// inRange is the bits of a sum of which all three are from 0 to 255 and a fraction. Where
// one is negative it has borrowed from the next, or from the bits above, which are not 0.
const inRange = 0x00003fff3fff3fff

func (t *matrix) sum(y, cb, cr uint8) uint64 { return t.y[y] + t.cb[cb] + t.cr[cr] }

// limited limits a sum to that range. Since red, green and blue are from -lowest to 65,535 less that, each
// is found by adding it; then what was borrowed is given back.
func limited(s uint64) (v uint64) {
	const lowest = 18000
	for i := range 3 {
		c := int64(uint16(s+lowest)) - lowest
		s = uint64(int64(s)-c) >> 16
		v |= uint64(max(0, min(inRange&0xffff, c))) << (16 * i)
	}
	return v
}

// colour returns the pixel of a sum: red in the lowest byte, then green and blue.
func colour(s uint64) uint32 { return uint32(s>>6&0xff | s>>14&0xff00 | s>>22&0xff0000) }

// blend makes three parts of a and one of b.
func blend(dst []uint16, a, b []uint8) {
	b = b[:len(a)]
	out := dst[1:][:len(a)]
	done := blendBlocks(out, a, b)
	rest, far := out[done:], b[done:]
	for i, v := range a[done:] {
		rest[i] = 3*uint16(v) + uint16(far[i])
	}
	dst[0], dst[len(a)+1] = dst[1], dst[len(a)]
}
