package webp

import (
	"io"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/webp/vp8"
	"imgtools/pkg/picture/webp/vp8l"
)

// decode starts decoding a picture; besides is memory that is held already.
func (g *Reader) decode(p *picture, hint raster.Hint, besides int64) (raster.Rows, error) {
	h := *g.h
	h.FullW, h.FullH = p.w, p.h
	n := p.natural()
	h.Layout, h.Planes = n.Layout, n.Planes
	if p.lossless {
		lim, err := rest(g.lim, besides)
		if err != nil {
			return nil, err
		}
		d, err := vp8l.NewDecoder(io.NewSectionReader(g.r, p.bits.off, p.bits.n), p.bits.n, lim)
		if err != nil {
			return nil, err
		}
		return &losslessRows{g: g, h: &h, d: d}, nil
	}
	held := besides + vp8.MemoryOf(p.w) + lossyBand*int64(p.w)
	if err := g.lim.CheckMem(held); err != nil {
		return nil, err
	}
	var alpha *alphaRows
	if p.alpha {
		var err error
		if alpha, err = g.openAlpha(p, held); err != nil {
			return nil, err
		}
	}
	h.Layout = raster.RGB
	switch {
	case hint.Luma:
		h.Layout = raster.Gray
	case hint.Planar && alpha == nil:
		h.Layout = raster.YCbCr
	}
	if alpha != nil {
		h.Layout = h.Layout.WithAlpha()
	}
	if h.Layout != raster.YCbCr {
		h.Planes = h.Planes[:1]
	}
	d, err := vp8.NewDecoder(io.NewSectionReader(g.r, p.bits.off, p.bits.n), p.bits.n, hint.Luma)
	if err != nil {
		return nil, err
	}
	return newLossyRows(g, &h, d, alpha), nil
}

// rest returns the limits with n bytes less memory, or an error if that is more than
// there is.
func rest(lim raster.Limits, n int64) (raster.Limits, error) {
	if err := lim.CheckMem(n); err != nil {
		return lim, err
	}
	if lim.Mem == 0 {
		lim.Mem = raster.DefaultMem
	}
	lim.Mem -= n
	return lim, nil
}

// decodeHeld decodes a picture whole, so that its damage is met before its first row
// is used.
func (g *Reader) decodeHeld(p *picture, besides int64) (raster.Rows, error) {
	bytes := int64(p.w) * int64(p.h) * int64(p.heldLayout().Samples())
	if err := g.lim.CheckMem(besides + bytes); err != nil {
		return nil, err
	}
	rows, err := g.decode(p, raster.Hint{}, besides+bytes)
	if err != nil {
		return nil, err
	}
	held, err := raster.Hold(rows, g.lim)
	if err != nil {
		return nil, err
	}
	return held.Rows(), nil
}

// heldLayout returns the layout of the picture without a hint.
func (p *picture) heldLayout() raster.Layout {
	if p.alpha {
		return raster.RGBA
	}
	return raster.RGB
}

// part reports whether err is damage of which the rows before it are accepted.
func (g *Reader) part(err error) bool {
	return g.lim.Lenient && (err == vp8.ErrTruncated || err == vp8l.ErrTruncated)
}
