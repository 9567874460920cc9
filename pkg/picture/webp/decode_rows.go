package webp

import (
	"image"
	"io"

	"imgtools/pkg/picture/raster"
)

// packed is the rows of a lossless picture, which is decoded as RGBA. If the file says
// that its alpha is not used, the rows are RGB.
type packed struct {
	h    *raster.Header
	pix  []uint8
	y    int
	line []uint8
	band raster.Band
}

func (p *packed) Header() *raster.Header { return p.h }

func (p *packed) Next() (*raster.Band, error) {
	w, h, n := p.h.FullW, p.h.FullH, p.h.Layout.Samples()
	if p.y == h {
		return nil, io.EOF
	}
	rows := min(raster.BandRows(4*w, h), h-p.y)
	pix := p.pix[4*w*p.y : 4*w*(p.y+rows)]
	if n == 3 {
		p.line = p.line[:0]
		for ; len(pix) >= 4; pix = pix[4:] {
			p.line = append(p.line, pix[0], pix[1], pix[2])
		}
		pix = p.line
	}
	p.band.Y = p.y
	p.band.Planes[0] = raster.Plane{Pix: pix, Stride: w * n, Rows: rows}
	p.y += rows
	return &p.band, nil
}

// wide converts studio range to full range: luma, then chroma.
var wide = func() (t [2][256]uint8) {
	for v := range 256 {
		// Rounded to nearest. Adding 256 and subtracting it again keeps the dividend
		// positive, as division rounds towards zero.
		t[0][v] = uint8(max(0, min(255, ((v-16)*255+219*256+109)/219-256)))
		t[1][v] = uint8(max(0, min(255, ((v-128)*255+224*256+112)/224-256+128)))
	}
	return t
}()

// lossy is the rows of a lossy picture in full range, as its header's layout says:
// YCbCr planes, luma, or colours, the last two with or without alpha.
type lossy struct {
	h      *raster.Header
	m      *image.YCbCr // studio range
	alpha  []uint8      // or nil
	y      int
	band   raster.Band
	cb, cr []int32 // chroma of a row, interpolated vertically, times 4
}

func newLossy(h *raster.Header, m *image.YCbCr, alpha []uint8) *lossy {
	n := (h.FullW + 1) / 2
	return &lossy{h: h, m: m, alpha: alpha, cb: make([]int32, n), cr: make([]int32, n)}
}

func (p *lossy) Header() *raster.Header { return p.h }

// Next returns 16 rows; of chroma planes, 8.
func (p *lossy) Next() (*raster.Band, error) {
	if p.y == p.h.FullH {
		return nil, io.EOF
	}
	p.band.Y = p.y
	for i, d := range p.h.Planes {
		first := p.y / d.DY
		out := &p.band.Planes[i]
		out.Stride, out.Rows = d.W*p.h.Layout.Samples(), min(16/d.DY, d.H-first)
		if out.Pix == nil {
			out.Pix = make([]uint8, out.Stride*out.Rows)
		}
		for y := range out.Rows {
			p.row(out.Pix[y*out.Stride:][:out.Stride], i, first+y)
		}
	}
	p.y += p.band.Planes[0].Rows
	return &p.band, nil
}

// row writes row y of plane i to dst.
func (p *lossy) row(dst []uint8, i, y int) {
	switch {
	case i == 1:
		widen(dst, 1, p.m.Cb[y*p.m.CStride:], &wide[1])
	case i == 2:
		widen(dst, 1, p.m.Cr[y*p.m.CStride:], &wide[1])
	case p.h.Layout == raster.RGB || p.h.Layout == raster.RGBA:
		p.colours(dst, y)
	default:
		widen(dst, p.h.Layout.Samples(), p.m.Y[y*p.m.YStride:], &wide[0])
	}
	if n := p.h.Layout.Samples(); p.h.Layout.HasAlpha() {
		for x, a := range p.alpha[y*p.h.FullW:][:p.h.FullW] {
			dst[x*n+n-1] = a
		}
	}
}

// widen looks up a row of samples in a table and writes them to every nth sample of dst.
func widen(dst []uint8, n int, src []uint8, table *[256]uint8) {
	for x, o := 0, 0; o < len(dst); x, o = x+1, o+n {
		dst[o] = table[src[x]]
	}
}

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

// colours writes row y of RGB or RGBA to dst, without the alpha. Chroma samples lie in
// the middle of 2×2 pixels; a pixel's chroma is 9, 3, 3 and 1 sixteenths of the four
// nearest ones. All is rounded as libwebp does it, so the result equals dwebp's exactly.
func (p *lossy) colours(dst []uint8, y int) {
	m, last := p.m, (p.h.FullH+1)/2-1
	near := y / 2
	far := min(max(near-1+2*(y%2), 0), last)
	blend := func(dst []int32, plane []uint8) {
		a, b := plane[near*m.CStride:][:len(dst)], plane[far*m.CStride:][:len(dst)]
		for i := range dst {
			dst[i] = 3*int32(a[i]) + int32(b[i])
		}
	}
	blend(p.cb, m.Cb)
	blend(p.cr, m.Cr)
	n := p.h.Layout.Samples()
	luma := m.Y[y*m.YStride:][:p.h.FullW]
	for x, v := range luma {
		i := x / 2
		j := min(max(i-1+2*(x%2), 0), len(p.cb)-1)
		cb := (3*p.cb[i] + p.cb[j] + 8) >> 4
		cr := (3*p.cr[i] + p.cr[j] + 8) >> 4
		l := int32(v) * fromY >> 8
		px := dst[x*n : x*n+3 : x*n+3]
		px[0] = clip(l + cr*rCr>>8 - rOff)
		px[1] = clip(l - cb*gCb>>8 - cr*gCr>>8 + gOff)
		px[2] = clip(l + cb*bCb>>8 - bOff)
	}
}

// clip removes the 6 bits of fraction and limits a sample to 0 to 255.
func clip(v int32) uint8 {
	v >>= 6
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}
