package jpeg

import "imgtools/pkg/picture/raster"

// fromRGB fills e.part with row y of MCUs from lines of RGB. A chroma sample is that of
// the mean of 2×2 pixels.
func (e *encoder) fromRGB(src *raster.Lines, y int) error {
	luma, cb, cr := &e.part[0], &e.part[1], &e.part[2]
	if e.sum == nil {
		e.sum, e.blocks = make([]int32, 3*cb.w), make([][16]int16, cb.w/4)
	}
	n := min(luma.need, e.f.h-y*luma.need)
	for j := range n {
		row, err := src.Next(0)
		if err != nil {
			return err
		}
		dst := luma.pix[j*luma.stride : (j+1)*luma.stride]
		raster.Rec601.OfRGB(dst, row)
		fill(dst, luma.w)
		if j&1 == 0 {
			done := pairsBlocks(e.blocks, row)
			pairs(e.sum[3*done:], row[6*done:], false)
			if j < n-1 {
				continue
			}
		}
		// An odd last line counts twice.
		b := cb.pix[j/2*cb.stride : (j/2+1)*cb.stride]
		r := cr.pix[j/2*cr.stride : (j/2+1)*cr.stride]
		done := chromaBlocks(b, r, e.blocks, row)
		pairs(e.sum[3*done:], row[6*done:], true)
		toChroma(b[done:cb.w], r[done:cr.w], e.sum[3*done:])
		fill(b, cb.w)
		fill(r, cr.w)
	}
	luma.repeat(n)
	cb.repeat((n + 1) / 2)
	cr.repeat((n + 1) / 2)
	return nil
}

// pairs sets sum to the sums of pixels 2i and 2i+1, or with more adds them to it. An
// odd last pixel counts twice.
func pairs(sum []int32, rgb []uint8, more bool) {
	for i := 0; i < len(sum); i += 3 {
		a := rgb[2*i : 2*i+3]
		b := a
		if 2*i+6 <= len(rgb) {
			b = rgb[2*i+3 : 2*i+6]
		}
		s := sum[i : i+3 : i+3]
		r, g, bl := int32(a[0])+int32(b[0]), int32(a[1])+int32(b[1]), int32(a[2])+int32(b[2])
		if more {
			r, g, bl = r+s[0], g+s[1], bl+s[2]
		}
		s[0], s[1], s[2] = r, g, bl
	}
}

// toChroma computes Cb and Cr of JFIF 1.02 from sums of four pixels. The rounding
// constant is just below a half, so that 255.5 does not become 256.
func toChroma(cb, cr []uint8, sum []int32) {
	const r = chromaRound
	for i := range cb {
		s := sum[3*i : 3*i+3 : 3*i+3]
		cb[i] = uint8((-11059*s[0] - 21709*s[1] + 32768*s[2] + r) >> chromaShift)
		cr[i] = uint8((32768*s[0] - 27439*s[1] - 5329*s[2] + r) >> chromaShift)
	}
}

const (
	chromaShift = 16 + 2 // 65536ths of a sum of four
	chromaRound = 128<<chromaShift + 1<<(chromaShift-1) - 1
)
