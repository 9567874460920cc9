package webp

import "imgtools/pkg/picture/webp/vp8"

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
// cb[1] and cr[1].
func (m *mixer) plain(dst []uint8, n int, luma []uint8, cb, cr []uint16) {
	t := &products
	for x, v := range luma {
		i := x >> 1 // before the nearest sample; the next one is there or behind it
		j := i + x&1*2
		b, r := uint8((3*cb[i+1]+cb[j]+8)>>4), uint8((3*cr[i+1]+cr[j]+8)>>4)
		l := t.y[v]
		p := dst[x*n : x*n+3 : x*n+3]
		p[0] = clip(l + t.rCr[r])
		p[1] = clip(l + t.gCr[r] - t.gCb[b])
		p[2] = clip(l + t.bCb[b])
	}
}

// products has the terms of the matrix for each sample, with the offsets in those of
// chroma.
var products = func() (t struct{ y, rCr, gCr, gCb, bCb [256]int32 }) {
	for v := range int32(256) {
		t.y[v] = v * fromY >> 8
		t.rCr[v], t.gCr[v] = v*rCr>>8-rOff, gOff-v*gCr>>8
		t.gCb[v], t.bCb[v] = v*gCb>>8, v*bCb>>8-bOff
	}
	return t
}()

// blend makes three parts of a and one of b.
func blend(dst []uint16, a, b []uint8) {
	b = b[:len(a)]
	out := dst[1:][:len(a)]
	for i := blendBlocks(out, a, b); i < len(a); i++ {
		out[i] = 3*uint16(a[i]) + uint16(b[i])
	}
	dst[0], dst[len(a)+1] = dst[1], dst[len(a)]
}

// clip removes the 6 bits of fraction and limits a sample to 0 to 255.
func clip(v int32) uint8 {
	v >>= 6
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}
