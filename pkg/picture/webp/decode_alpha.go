package webp

import (
	"bufio"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/webp/vp8l"
)

// alphaRows is the alpha plane of a lossy picture, row by row (RFC 9649 section
// 2.7.1.2).
//
// Each sample was stored as its difference from a prediction: with filter 1 the sample to
// the left, with 2 the one above, with 3 left + above - above left, limited to 0 to 255.
// With any filter the first row is predicted from the left, the first column from above,
// and the first sample from 0.
type alphaRows struct {
	raw    io.Reader     // of samples, or nil
	d      *vp8l.Decoder // of a lossless picture whose green is alpha
	filter byte
	y, h   int
	row    []uint8 // the last row
	line   []uint8
}

// openAlpha starts the decoding of the alpha of a picture. held is the memory in use.
func (g *Reader) openAlpha(p *picture, held int64) (*alphaRows, error) {
	var head [1]byte
	if p.alph.n < 1 {
		return nil, fault.New(fault.Format, "empty alpha chunk")
	}
	if _, err := g.r.ReadAt(head[:], p.alph.off); err != nil {
		return nil, short("alpha chunk", err)
	}
	lim, err := rest(g.lim, held+2*int64(p.w))
	if err != nil {
		return nil, err
	}
	data := io.NewSectionReader(g.r, p.alph.off+1, p.alph.n-1)
	a := &alphaRows{filter: head[0] >> 2 & 3, h: p.h, row: make([]uint8, p.w), line: make([]uint8, p.w)}
	switch compression := head[0] & 3; compression {
	case 0:
		a.raw = bufio.NewReader(data)
	case 1:
		if a.d, err = vp8l.NewAlphaDecoder(data, p.alph.n-1, p.w, p.h, lim); err != nil {
			return nil, err
		}
	default:
		return nil, fault.New(fault.Format, "alpha compression %d", compression)
	}
	return a, nil
}

// next returns the next row, which is valid until the next call.
func (a *alphaRows) next() ([]uint8, error) {
	if a.raw != nil {
		if n, err := io.ReadFull(a.raw, a.line); n < len(a.line) {
			return nil, short("alpha plane", err)
		}
	} else {
		px, err := a.d.Next()
		if err != nil {
			return nil, err
		}
		for i, v := range px {
			a.line[i] = uint8(v >> 8)
		}
	}
	unfilter(a.line, a.row, a.filter, a.y == 0)
	a.row, a.line = a.line, a.row
	a.y++
	return a.row, nil
}

// unfilter adds the predictions to a row. above is the one above it.
func unfilter(row, above []uint8, filter byte, first bool) {
	switch {
	case filter == 0:
	case first:
		addLeft(row)
	case filter == 1:
		row[0] += above[0]
		addLeft(row)
	case filter == 2:
		for x, v := range above[:len(row)] {
			row[x] += v
		}
	default:
		row[0] += above[0]
		left, corner := int(row[0]), int(above[0])
		for x := 1; x < len(row); x++ {
			up := int(above[x])
			row[x] += uint8(max(0, min(255, left+up-corner)))
			left, corner = int(row[x]), up
		}
	}
}

// addLeft adds to each sample the one to the left.
func addLeft(row []uint8) {
	left := uint8(0)
	for x, v := range row {
		left += v
		row[x] = left
	}
}
