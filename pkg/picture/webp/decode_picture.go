package webp

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"io"
	"runtime"

	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// decode decodes a picture; besides is memory that is held already. Decoding is done
// when it returns, so the rows have no errors.
func (g *Reader) decode(p *picture, hint raster.Hint, besides int64) (raster.Rows, error) {
	n := int64(p.w) * int64(p.h)
	held := 4 * n
	switch {
	case !p.lossless && p.alpha:
		held += n
	case !p.lossless:
		held = 3*n/2 + p.bits.n
	}
	if err := g.lim.CheckMem(besides + held); err != nil {
		return nil, err
	}
	collect(held)
	h := *g.h
	h.FullW, h.FullH = p.w, p.h
	h.Planes = p.natural().Planes
	bits := io.NewSectionReader(g.r, p.bits.off, p.bits.n)
	if p.lossless {
		m, err := decodeLossless(bits)
		if err == errTruncated {
			m, err = g.partLossless(p, err)
		}
		if err != nil {
			return nil, err
		}
		h.Layout = p.natural().Layout
		return &packed{h: &h, pix: m.Pix}, nil
	}
	var alpha []byte
	if p.alpha {
		var err error
		if alpha, err = g.alpha(p); err != nil {
			return nil, err
		}
		collect(4 * n)
	}
	m, err := decodeLossy(bits, p.bits.n)
	if err == errTruncated {
		var done int
		if m, done, err = g.partLossy(p, err); err == nil && alpha != nil {
			clear(alpha[done*p.w:])
		}
	}
	if err != nil {
		return nil, err
	}
	h.Layout = raster.RGB
	switch {
	case hint.Luma:
		h.Layout = raster.Gray
	case hint.Planar && alpha == nil:
		h.Layout = raster.YCbCr
	}
	if alpha != nil {
		h.Layout++ // Gray to GrayA, RGB to RGBA
	}
	if h.Layout != raster.YCbCr {
		h.Planes = h.Planes[:1]
	}
	return newLossy(&h, m, alpha), nil
}

// collect frees the memory of the last step if the next one takes n bytes and that is
// much. Otherwise both add up, since the collector waits until the heap has doubled.
func collect(n int64) {
	if n > 16<<20 {
		runtime.GC()
	}
}

// decodeLossy decodes a VP8 key frame of n bytes.
func decodeLossy(r io.Reader, n int64) (*image.YCbCr, error) {
	d := vp8.NewDecoder()
	d.Init(r, int(n))
	if _, err := d.DecodeFrameHeader(); err != nil {
		return nil, bitstream(err)
	}
	m, err := d.DecodeFrame()
	if err != nil {
		return nil, bitstream(err)
	}
	return m, nil
}

// decodeLossless decodes a VP8L bitstream.
func decodeLossless(r io.Reader) (*image.NRGBA, error) {
	m, err := vp8l.Decode(bufio.NewReader(r))
	if err != nil {
		return nil, bitstream(err)
	}
	n, ok := m.(*image.NRGBA)
	if !ok {
		return nil, fault.New(fault.Internal, "lossless WebP decoded as %T", m)
	}
	return n, nil
}

// errTruncated is the error for a bitstream that ends early.
var errTruncated = fault.New(fault.Format, "truncated: WebP data ends before the picture")

// bitstream returns an error of a bitstream's decoder as one of kind Format.
func bitstream(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTruncated
	}
	return fault.New(fault.Format, "damaged WebP data: %w", err)
}

// alpha decodes the alpha plane of a lossy picture (RFC 9649 section 2.7.1.2): w × h
// bytes.
func (g *Reader) alpha(p *picture) ([]byte, error) {
	w, h := p.w, p.h
	var head [1]byte
	if p.alph.n < 1 {
		return nil, fault.New(fault.Format, "empty alpha chunk")
	}
	if _, err := g.r.ReadAt(head[:], p.alph.off); err != nil {
		return nil, short("alpha chunk", err)
	}
	data := io.NewSectionReader(g.r, p.alph.off+1, p.alph.n-1)
	plane := make([]byte, w*h)
	switch compression := head[0] & 3; compression {
	case 0:
		if n, err := io.ReadFull(data, plane); err != nil {
			return nil, short("alpha plane", err)
		} else if n < len(plane) {
			return nil, raster.Truncated(n/w, h)
		}
	case 1:
		// A lossless bitstream without its header; its green samples are the alpha.
		size := uint32(w-1) | uint32(h-1)<<14
		header := binary.LittleEndian.AppendUint32([]byte{0x2f}, size)
		m, err := decodeLossless(io.MultiReader(bytes.NewReader(header), data))
		if err != nil {
			return nil, err
		}
		for i := range plane {
			plane[i] = m.Pix[4*i+1]
		}
	default:
		return nil, fault.New(fault.Format, "alpha compression %d", compression)
	}
	unfilter(plane, w, head[0]>>2&3)
	return plane, nil
}

// unfilter undoes the prediction of alpha. Each sample was stored as its difference
// from a prediction: with method 1 the sample to the left, with 2 the one above, with 3
// left + above - above left, limited to 0 to 255. With any method the first row is
// predicted from the left, the first column from above, and the first sample from 0.
func unfilter(a []byte, w int, method byte) {
	if method == 0 {
		return
	}
	for x := 1; x < w; x++ {
		a[x] += a[x-1]
	}
	for y := w; y < len(a); y += w {
		row, up := a[y:y+w], a[y-w:y]
		row[0] += up[0]
		for x := 1; x < w; x++ {
			switch method {
			case 1:
				row[x] += row[x-1]
			case 2:
				row[x] += up[x]
			case 3:
				row[x] += uint8(max(0, min(255, int(row[x-1])+int(up[x])-int(up[x-1]))))
			}
		}
	}
}
