package webp

import (
	"encoding/binary"
	"io"
	"math/bits"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/webp/vp8l"
)

// losslessRows is the rows of a lossless picture: RGBA, or RGB if the file says that its
// alpha is not used.
type losslessRows struct {
	g    *Reader
	h    *raster.Header
	d    *vp8l.Decoder
	y    int
	cut  bool // the rest is missing
	pix  []uint8
	band raster.Band
	err  error
}

func (p *losslessRows) Header() *raster.Header { return p.h }

func (p *losslessRows) Next() (*raster.Band, error) {
	w, h, n := p.h.FullW, p.h.FullH, p.h.Layout.Samples()
	if p.err == nil && p.y == h {
		p.err = io.EOF
	}
	if p.err != nil {
		return nil, p.err
	}
	rows := min(raster.BandRows(4*w, h), h-p.y)
	if p.pix == nil {
		p.pix = make([]uint8, w*n*rows)
	}
	p.band.Y = p.y
	p.band.Planes[0] = raster.Plane{Pix: p.pix[:w*n*rows], Stride: w * n, Rows: rows}
	for i := range rows {
		if p.err = p.row(p.pix[i*w*n:][:w*n]); p.err != nil {
			return nil, p.err
		}
	}
	return &p.band, nil
}

// row decodes the next row. Missing rows are transparent, or gray if there is no alpha.
func (p *losslessRows) row(dst []uint8) error {
	var row []uint32
	if !p.cut {
		var err error
		if row, err = p.d.Next(); err != nil {
			if p.y == 0 || !p.g.part(err) {
				return err
			}
			p.cut = true
			p.g.Note("%v", raster.Truncated(p.y, p.h.FullH))
		}
	}
	p.y++
	alpha := p.h.Layout.HasAlpha()
	switch {
	case p.cut && alpha:
		clear(dst)
	case p.cut:
		for i := range dst {
			dst[i] = 128
		}
	case alpha:
		for i, v := range row {
			binary.LittleEndian.PutUint32(dst[4*i:], v&0xff00ff00|v>>16&0xff|v&0xff<<16)
		}
	default:
		packRGB(dst, row)
	}
	return nil
}

// packRGB writes the colours of pixels as three bytes each.
func packRGB(dst []uint8, row []uint32) {
	i := packBlocks(dst, row)
	for ; i+4 <= len(row); i += 4 {
		p, out := row[i:i+4:i+4], dst[3*i:3*i+12:3*i+12]
		third := uint64(bits.ReverseBytes32(p[2] << 8))
		binary.LittleEndian.PutUint64(out, uint64(bits.ReverseBytes32(p[0]<<8))|uint64(bits.ReverseBytes32(p[1]<<8))<<24|third<<48)
		binary.LittleEndian.PutUint32(out[8:], uint32(third>>16)|bits.ReverseBytes32(p[3]<<8)<<8)
	}
	for ; i < len(row); i++ {
		v := row[i]
		dst[3*i], dst[3*i+1], dst[3*i+2] = uint8(v>>16), uint8(v>>8), uint8(v)
	}
}
