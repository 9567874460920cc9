package program

import (
	"imgtools/pkg/picture/raster"
)

// rec601 is the share of red in luma of BT.601.
const rec601 = 0.299

// lumaBy returns RGB as luma in which red and blue have the given shares. Alpha stays.
func lumaBy(kr, kb float64, src raster.Rows) raster.Rows {
	h := *src.Header()
	n := h.Layout.Samples()
	h.Layout -= raster.RGB - raster.Gray // the same without colour
	const one = 1 << 16
	r, b := uint64(kr*one+0.5), uint64(kb*one+0.5)
	g := one - r - b
	return raster.Filter(src, &h, func(dst, src raster.Plane) {
		weigh(dst.Pix, src.Pix, n, r, g, b)
		weigh(dst.Pix16, src.Pix16, n, r, g, b)
	})
}

// weigh writes the weighted sums of pixels of n samples, with weights in 65536ths.
func weigh[T uint8 | uint16](dst, src []T, n int, r, g, b uint64) {
	for i, o := 0, 0; i < len(src); i, o = i+n, o+n-2 {
		s := src[i : i+n : i+n]
		dst[o] = T((r*uint64(s[0]) + g*uint64(s[1]) + b*uint64(s[2]) + 1<<15) >> 16)
		if n == 4 {
			dst[o+1] = s[3]
		}
	}
}

// widen returns samples that use only the highest bits of 16 at full range: the largest
// one becomes 65535.
func widen(src raster.Rows, bits int) raster.Rows {
	down, top := 16-bits, uint32(1)<<bits-1
	return raster.Filter(src, src.Header(), func(dst, src raster.Plane) {
		for i, v := range src.Pix16 {
			dst.Pix16[i] = uint16((uint32(v>>down)*65535 + top/2) / top)
		}
	})
}

// unpremultiply returns colours that are multiplied by alpha as they were before. Where
// nothing can be seen they are black.
func unpremultiply(src raster.Rows) raster.Rows {
	n := src.Header().Layout.Samples()
	return raster.Filter(src, src.Header(), func(dst, src raster.Plane) {
		divide(dst.Pix, src.Pix, n)
		divide(dst.Pix16, src.Pix16, n)
	})
}

// divide divides pixels of n samples by the last of them.
func divide[T uint8 | uint16](dst, src []T, n int) {
	top := uint32(^T(0))
	for i := 0; i < len(src); i += n {
		a := uint32(src[i+n-1])
		for j := range n - 1 {
			v := uint32(0)
			if a > 0 {
				v = min((uint32(src[i+j])*top+a/2)/a, top)
			}
			dst[i+j] = T(v)
		}
		dst[i+n-1] = T(a)
	}
}
