package webp

import (
	"image"
	"io"

	"imgtools/pkg/picture/raster"
)

// The decoders of the bitstreams return a whole picture or none. To get the rows before
// a cut, the data are decoded several times, each time padded with another byte. Rows
// that are the same in all results do not depend on the missing data. The others are
// filled: transparent if the picture has alpha, else mid-gray.
//
// Some paddings make invalid codes. minResults that are not invalid are needed.
var paddings = []byte{0x00, 0xff, 0x55, 0xaa, 0x33, 0xcc, 0x0f, 0xf0}

const minResults = 3

// maxPadding bounds the bytes of padding: the size of a cut chunk may be a lie.
const maxPadding = 4 << 20

// padded returns the data of a chunk with n bytes of a padding behind.
func (g *Reader) padded(c chunk, n int64, pad byte) io.Reader {
	return io.MultiReader(io.NewSectionReader(g.r, c.off, c.n), io.LimitReader(repeated(pad), n))
}

// repeated is a reader of one byte without end.
type repeated byte

func (b repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

// mayPart returns cause if missing pixels are not allowed, and an error if two decoded
// pictures are too large to hold.
func (g *Reader) mayPart(p *picture, cause error) error {
	if !g.lim.Lenient {
		return cause
	}
	return g.lim.CheckMem(8*int64(p.w)*int64(p.h) + maxPadding)
}

// partLossy decodes a lossy picture whose data are cut, and returns the number of rows
// before the cut. It returns cause if there are none.
func (g *Reader) partLossy(p *picture, cause error) (m *image.YCbCr, done int, err error) {
	if err := g.mayPart(p, cause); err != nil {
		return nil, 0, err
	}
	n := min(p.bits.missing+1<<16, maxPadding) // more than missing, as padding may need more
	done = p.h
	results := 0
	for _, pad := range paddings {
		q, err := decodeLossy(g.padded(p.bits, n, pad), p.bits.n+n)
		if err != nil {
			continue
		}
		if results++; m == nil {
			m = q
		}
		done = min(done, sameLossy(m, q, p.w, p.h))
	}
	if results < minResults || done == 0 {
		return nil, 0, cause
	}
	for y := done; y < p.h; y++ {
		fill(m.Y[y*m.YStride:][:p.w], 126) // halfway from 16 to 235
	}
	for y := (done + 1) / 2; y < (p.h+1)/2; y++ {
		fill(m.Cb[y*m.CStride:][:(p.w+1)/2], 128)
		fill(m.Cr[y*m.CStride:][:(p.w+1)/2], 128)
	}
	g.Note("%v", raster.Truncated(done, p.h))
	return m, done, nil
}

// sameLossy returns a number of rows of pixels from the top in which both pictures are
// equal and which do not depend on the rows below. A macroblock has 16 rows of luma and
// 8 of chroma. The loop filter changes 3 rows above the edge of a macroblock (RFC 6386
// section 15), and the last row of luma needs one more row of chroma: of k rows of
// macroblocks that is 16k - 7.
func sameLossy(a, b *image.YCbCr, w, h int) int {
	const reach = 3
	half := (h + 1) / 2
	luma := sameRows(a.Y, b.Y, a.YStride, w, h)
	chroma := min(sameRows(a.Cb, b.Cb, a.CStride, (w+1)/2, half), sameRows(a.Cr, b.Cr, a.CStride, (w+1)/2, half))
	if luma == h && chroma == half {
		return h
	}
	k := min((luma+reach)/16, (chroma+reach)/8)
	return max(0, 16*k-2*reach-1)
}

// partLossless is partLossy for a lossless picture.
func (g *Reader) partLossless(p *picture, cause error) (m *image.NRGBA, err error) {
	if err := g.mayPart(p, cause); err != nil {
		return nil, err
	}
	done, results := p.h, 0
	for _, pad := range paddings {
		q, err := decodeLossless(g.padded(p.bits, maxPadding, pad))
		if err != nil {
			continue
		}
		if results++; m == nil {
			m = q
		}
		done = min(done, sameRows(m.Pix, q.Pix, m.Stride, 4*p.w, p.h))
	}
	if results < minResults || done == 0 {
		return nil, cause
	}
	rest := m.Pix[done*m.Stride:]
	fill(rest, 128)
	if p.alpha {
		clear(rest)
	}
	g.Note("%v", raster.Truncated(done, p.h))
	return m, nil
}

// sameRows returns the number of rows of n samples from the top that are equal, of h.
func sameRows(a, b []uint8, stride, n, h int) int {
	for y := range h {
		if string(a[y*stride:][:n]) != string(b[y*stride:][:n]) {
			return y
		}
	}
	return h
}

func fill(s []uint8, v uint8) {
	for i := range s {
		s[i] = v
	}
}
