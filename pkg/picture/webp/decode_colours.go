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
	// Chroma of a row, interpolated vertically, times 4, plus what rounds it later (see
	// blend), with a copy of the first and of the last sample on either side: Cb in the
	// lower 16 bits, Cr in the upper ones.
	chroma  []uint32
	vectors mixVectors
}

// chromaRows is the two rows of chroma that a row of pixels lies between: Cb and Cr.
type chromaRows struct{ near, far [2][]uint8 }

// row writes row y of RGB, n being 3, or RGBA, n being 4, to dst. The alpha is set to any
// value. last is the last row of chroma.
func (m *mixer) row(dst []uint8, n int, s *vp8.Strip, y, last int) {
	near := y / 2
	far := min(max(near-1+2*(y%2), 0), last)
	m.mix(dst, n, s.Luma(y), &chromaRows{[2][]uint8{s.Chroma(0, near), s.Chroma(1, near)}, [2][]uint8{s.Chroma(0, far), s.Chroma(1, far)}})
}

func (m *mixer) mix(dst []uint8, n int, luma []uint8, c *chromaRows) {
	m.plain(dst, n, luma, c, m.vectors.blocks(dst, n, luma, c))
}

// plain makes the pixels from first on, which is even.
func (m *mixer) plain(dst []uint8, n int, luma []uint8, c *chromaRows, first int) {
	if first < len(luma) {
		m.blend(c, first/2)
		products.mix(dst[n*first:], n, luma[first:], m.chroma[first/2:])
	}
}

// blend makes three parts of the near row and one of the far one, from the sample to the
// left of sample i on. Later three parts of one such sum and one of another are shifted right
// by 4; half is a quarter of what that needs for rounding.
func (m *mixer) blend(c *chromaRows, i int) {
	const half = 2<<16 | 2
	n := len(c.near[0])
	if m.chroma == nil {
		m.chroma = make([]uint32, n+2)
	}
	first := max(i-1, 0)
	nearB, nearR, farB, farR := c.near[0][first:], c.near[1][first:], c.far[0][first:], c.far[1][first:]
	out := m.chroma[1+first:]
	nearR, farB, farR, out = nearR[:len(nearB)], farB[:len(nearB)], farR[:len(nearB)], out[:len(nearB)]
	for k, b := range nearB {
		out[k] = 3*(uint32(b)|uint32(nearR[k])<<16) + uint32(farB[k]) + uint32(farR[k])<<16 + half
	}
	m.chroma[0], m.chroma[n+1] = m.chroma[1], m.chroma[n]
}

func putColour(p *[3]uint8, v uint32) { p[0], p[1], p[2] = uint8(v), uint8(v>>8), uint8(v>>16) }

// matrix has the terms of each sample, with the offsets in those of chroma. Terms of red,
// green and blue are added at once: a term is blue + green<<16 + red<<32. The last 6 bits of
// each are a fraction.
type matrix struct{ y, cb, cr [256]uint64 }

var products = func() (t matrix) {
	term := func(r, g, b int) uint64 { return uint64(int64(b) + int64(g)<<16 + int64(r)<<32) }
	for v := range 256 {
		y := v * fromY >> 8
		t.y[v] = term(y, y, y)
		t.cr[v] = term(v*rCr>>8-rOff, gOff-v*gCr>>8, 0)
		t.cb[v] = term(0, -(v * gCb >> 8), v*bCb>>8-bOff)
	}
	return t
}()

// threeLanes times a number is that number in the lanes of blue, green and red.
const threeLanes = 1<<32 | 1<<16 | 1

// inRange is the bits of a sum of which all three are from 0 to 255 and a fraction. Where
// one is negative it has borrowed from the next, or from the bits above, which are not 0.
const inRange = 0x3fff * threeLanes

func (t *matrix) sum(y, cb, cr uint8) uint64 { return t.y[y] + t.cb[cb] + t.cr[cr] }

// mixed is the number of pixels that are made at a time, an even one. In arrays of a fixed
// size the loop needs no bounds checks.
const mixed = 32

// mix makes pixels of n samples, the first of which is an even one. chroma[0] is the sample
// to the left of its own. Two pixels have the same nearest sample; the second nearest one is
// to the left or to the right of it.
func (t *matrix) mix(dst []uint8, n int, luma []uint8, chroma []uint32) {
	var rgb [3*mixed + 1]uint8
	for len(luma) > mixed+1 {
		l, c := (*[mixed]uint8)(luma), (*[mixed/2 + 2]uint32)(chroma)
		if n == 3 {
			t.some((*[3*mixed + 1]uint8)(dst), l, c)
		} else {
			t.some(&rgb, l, c)
			for i := range mixed {
				binary.LittleEndian.PutUint32(dst[4*i:], binary.LittleEndian.Uint32(rgb[3*i:]))
			}
		}
		dst, luma, chroma = dst[n*mixed:], luma[mixed:], chroma[mixed/2:]
	}
	for x, v := range luma {
		side := (3*chroma[x/2+1] + chroma[x/2+x%2*2]) >> 4
		putColour((*[3]uint8)(dst[x*n:]), colour(limited(t.sum(v, uint8(side), uint8(side>>16)))))
	}
}

// some makes pixels of RGB, and overwrites the byte behind them.
func (t *matrix) some(dst *[3*mixed + 1]uint8, luma *[mixed]uint8, chroma *[mixed/2 + 2]uint32) {
	left, here := chroma[0], chroma[1]
	for i := range mixed / 2 {
		right := chroma[i+2]
		even, odd := 3*here+left, 3*here+right
		left, here = here, right
		x := t.y[luma[2*i]] + t.cb[uint8(even>>4)] + t.cr[uint8(even>>20)]
		y := t.y[luma[2*i+1]] + t.cb[uint8(odd>>4)] + t.cr[uint8(odd>>20)]
		if (x|y)&^inRange != 0 {
			x, y = bothLimited(x, y)
		}
		binary.LittleEndian.PutUint32(dst[6*i:6*i+4:6*i+4], colour(x))
		binary.LittleEndian.PutUint32(dst[6*i+3:6*i+7:6*i+7], colour(y))
	}
}

// limited limits a sum to that range; the fraction is lost. Blue, green and red are from
// -lowest to 65,535 less that, so none is negative after adding it, and what was borrowed is
// given back. Half of each, w, fits in 15 bits, so that the sixteenth can tell whether
// w - lowest/2 is negative.
func limited(s uint64) uint64 {
	const lowest = 18000
	w := (s + lowest*threeLanes) >> 1 & (0x7fff * threeLanes)
	w = (w | 0x8000*threeLanes) - lowest/2*threeLanes
	positive := w >> 15 & threeLanes
	over := (w>>13 | w>>14) & positive
	return (w>>5 | (over<<8 - over)) & (positive<<8 - positive) << 6
}

// bothLimited is kept out of the loop, which needs the registers.
//
//go:noinline
func bothLimited(x, y uint64) (uint64, uint64) { return limited(x), limited(y) }

// colour returns the pixel of a sum: red in the lowest byte, then green and blue; the byte
// above is not defined. The product has the three colours, and copies of them that don't
// touch each other: red stays at bit 38, green moves from bit 22 to 46, blue from 6 to 54.
func colour(s uint64) uint32 {
	return uint32(s & (0xff << 6 * threeLanes) * (1<<48 | 1<<24 | 1) >> 38)
}
