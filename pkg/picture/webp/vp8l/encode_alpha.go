package vp8l

import (
	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// Compression of an alpha plane: the low two bits of its first byte (RFC 9649, 2.7.1.2).
// The other bits are 0: no filter, since the predictors of VP8L do the same for each tile,
// and no levels were left out.
const (
	alphaRaw  = 0
	alphaVP8L = 1
)

// EncodeAlpha returns the payload of an "ALPH" chunk. src is the alpha plane as Gray of 8
// bits. It is coded as the green of a VP8L picture without its header, or as it is if that
// is smaller.
func EncodeAlpha(src raster.Rows, o EncodeOptions) ([]byte, error) {
	h := src.Header()
	if h.Layout != raster.Gray || h.Bits != 8 || h.Orientation != 1 {
		return nil, fault.New(fault.Internal, "write WebP: alpha as %v of %d bits, orientation %d", h.Layout, h.Bits, h.Orientation)
	}
	w, height := h.W(), h.H()
	if err := checkSides(w, height); err != nil {
		return nil, err
	}
	e := newEncoder(w, height, false, o)
	if err := o.Limits.CheckMem(e.fixedBytes()); err != nil {
		return nil, err
	}
	// A small plane may be smaller as it is.
	var raw []uint8
	if w*height <= maxRawAlpha {
		raw = append(make([]uint8, 0, 1+w*height), alphaRaw)
	}
	line := make([]uint32, w)
	err := raster.EachRow(src, func(_ int, row raster.Plane) error {
		if raw != nil {
			raw = append(raw, row.Pix...)
		}
		for i, v := range row.Pix {
			line[i] = uint32(v)<<8 | opaque
		}
		return e.row(line)
	})
	if err == nil {
		err = e.last()
	}
	if err != nil {
		return nil, err
	}
	var head bitWriter
	head.write(alphaVP8L, 8)
	p, err := e.finish(&head)
	if err != nil {
		return nil, err
	}
	if raw != nil && int64(len(raw)) <= p.Len() {
		return raw, nil
	}
	return p.Bytes(), nil
}

// maxRawAlpha is the largest plane that may be written as it is, in pixels. Noise of this
// size takes less than 1 in 1,000 more bytes when it is compressed.
const maxRawAlpha = 1 << 16
