// Package webp reads WebP pictures (RFC 9649): the container itself, the lossy
// (VP8) and lossless (VP8L) bitstreams by golang.org/x/image.
//
// Lossy pictures are in studio range, luma 16..235 and chroma 16..240, and are
// widened to the full range of JFIF here. Animations are not read.
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
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// Reader is a WebP file whose headers have been read.
type Reader struct {
	raster.NoteList

	h   *raster.Header
	r   io.ReaderAt
	c   *container
	lim raster.Limits
}

// Open reads the headers of the WebP file in the first size bytes of r. The
// layout is YCbCr or, with an alpha plane, RGBA of lossy pictures, RGB or RGBA of
// lossless ones.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Reader, error) {
	in := io.NewSectionReader(r, 0, size)
	c, err := walk(in, size)
	if err != nil {
		return nil, err
	}
	w, h, alpha, err := c.frame(in)
	if err != nil {
		return nil, err
	}
	if err := lim.CheckSize(int64(w), int64(h), 1); err != nil {
		return nil, err
	}
	if c.extended && (w != c.canvasW || h != c.canvasH) {
		return nil, fault.New(fault.Format, "picture of %d×%d on a canvas of %d×%d", w, h, c.canvasW, c.canvasH)
	}
	p := &Reader{r: in, c: c, lim: lim}
	switch {
	case alpha:
		p.h = raster.NewHeader(w, h, raster.RGBA, 8)
	case c.lossless:
		p.h = raster.NewHeader(w, h, raster.RGB, 8)
	default:
		p.h = raster.NewHeader(w, h, raster.YCbCr, 8)
		half := raster.PlaneDim{W: (w + 1) / 2, H: (h + 1) / 2, NX: 1, DX: 2, NY: 1, DY: 2}
		p.h.Planes = append(p.h.Planes, half, half)
	}
	return p, p.metadata()
}

// frame reads the size of the picture from the header of its bitstream, and
// whether it has alpha.
func (c *container) frame(r io.ReaderAt) (w, h int, alpha bool, err error) {
	var b [10]byte
	n, err := r.ReadAt(b[:min(c.image.n, int64(len(b)))], c.image.off)
	if c.lossless { // RFC 9649 section 3.4
		if n < 5 {
			return 0, 0, false, short("lossless header", err)
		}
		v := binary.LittleEndian.Uint32(b[1:])
		if b[0] != 0x2f || v>>29 != 0 {
			return 0, 0, false, fault.New(fault.Format, "not lossless WebP data")
		}
		return int(v&0x3fff) + 1, int(v>>14&0x3fff) + 1, v>>28&1 == 1, nil
	}
	if n < len(b) { // RFC 6386 section 9.1
		return 0, 0, false, short("lossy header", err)
	}
	if b[0]&1 != 0 || b[3] != 0x9d || b[4] != 0x01 || b[5] != 0x2a {
		return 0, 0, false, fault.New(fault.Format, "not a key frame of VP8")
	}
	w = int(binary.LittleEndian.Uint16(b[6:]) & 0x3fff)
	h = int(binary.LittleEndian.Uint16(b[8:]) & 0x3fff)
	return w, h, c.alpha != nil, nil
}

// metadata reads the orientation and the profile, both of which may follow the
// picture.
func (p *Reader) metadata() error {
	for _, m := range []*chunk{p.c.exif, p.c.icc} {
		if m == nil {
			continue
		}
		if err := p.lim.CheckMem(m.n); err != nil {
			return err
		}
		b, err := m.read(p.r)
		if err != nil {
			return err
		}
		if m == p.c.exif {
			p.h.Orientation = meta.Orientation(b)
		} else if meta.ICCSpace(b) != "" {
			p.h.ICC = b
		}
	}
	return nil
}

// Header returns the picture as stored.
func (p *Reader) Header() *raster.Header { return p.h }

// Lossless reports whether the picture was stored without loss.
func (p *Reader) Lossless() bool { return p.c.lossless }

// HasAlpha reports whether the picture has an alpha channel.
func (p *Reader) HasAlpha() bool { return p.h.Layout.HasAlpha() }

// Rows decodes the picture, which is held whole: 4 bytes a pixel when it is
// lossless, 1½ when it is lossy, and 5 while an alpha plane is decoded. Lossy
// pictures come as luma alone if the hint has Luma, as planes if it has Planar
// and there is no alpha, else as RGB.
func (p *Reader) Rows(hint raster.Hint) (raster.Rows, error) {
	pixels := int64(p.h.FullW) * int64(p.h.FullH)
	held := 4 * pixels
	if !p.c.lossless && p.c.alpha != nil {
		held += pixels
	} else if !p.c.lossless {
		held = 3*pixels/2 + p.c.image.n
	}
	if err := p.lim.CheckMem(held); err != nil {
		return nil, err
	}
	collect(held)
	if p.c.lossless {
		m, err := decodeLossless(io.NewSectionReader(p.r, p.c.image.off, p.c.image.n))
		if err != nil {
			return nil, err
		}
		return &packed{h: p.h, pix: m.Pix}, nil
	}
	var alpha []byte
	if p.c.alpha != nil {
		var err error
		if alpha, err = p.alpha(); err != nil {
			return nil, err
		}
		collect(4 * pixels)
	}
	d := vp8.NewDecoder()
	d.Init(io.NewSectionReader(p.r, p.c.image.off, p.c.image.n), int(p.c.image.n))
	if _, err := d.DecodeFrameHeader(); err != nil {
		return nil, damaged(err)
	}
	m, err := d.DecodeFrame()
	if err != nil {
		return nil, damaged(err)
	}
	l := raster.RGB
	switch {
	case hint.Luma:
		l = raster.Gray
	case hint.Planar && alpha == nil:
		l = raster.YCbCr
	}
	if alpha != nil {
		l++ // Gray to GrayA, RGB to RGBA
	}
	return newLossy(p.h, m, alpha, l), nil
}

// collect frees what an earlier step left behind, where n bytes make it worth
// while: without it the next step's memory comes on top of that of the last.
func collect(n int64) {
	if n > 16<<20 {
		runtime.GC()
	}
}

func decodeLossless(r io.Reader) (*image.NRGBA, error) {
	m, err := vp8l.Decode(bufio.NewReader(r))
	if err != nil {
		return nil, damaged(err)
	}
	n, ok := m.(*image.NRGBA)
	if !ok {
		return nil, fault.New(fault.Internal, "lossless WebP decoded as %T", m)
	}
	return n, nil
}

// damaged gives the errors of the bitstreams' decoders their kind.
func damaged(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.New(fault.Format, "truncated: WebP data ends before the picture")
	}
	return fault.New(fault.Format, "damaged WebP data: %w", err)
}

// alpha decodes the alpha plane, RFC 9649 section 2.7.1.2: W × H bytes.
func (p *Reader) alpha() ([]byte, error) {
	w, h := p.h.FullW, p.h.FullH
	var head [1]byte
	if p.c.alpha.n < 1 {
		return nil, fault.New(fault.Format, "empty alpha chunk")
	}
	if _, err := p.r.ReadAt(head[:], p.c.alpha.off); err != nil {
		return nil, short("alpha chunk", err)
	}
	data := io.NewSectionReader(p.r, p.c.alpha.off+1, p.c.alpha.n-1)
	plane := make([]byte, w*h)
	switch compression := head[0] & 3; compression {
	case 0:
		if n, err := io.ReadFull(data, plane); err != nil {
			return nil, short("alpha plane", err)
		} else if n < len(plane) {
			return nil, raster.Truncated(n/w, h)
		}
	case 1:
		// A lossless bitstream without its header, whose greens are the alpha.
		v := uint32(w-1) | uint32(h-1)<<14
		made := binary.LittleEndian.AppendUint32([]byte{0x2f}, v)
		m, err := decodeLossless(io.MultiReader(bytes.NewReader(made), data))
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

// unfilter undoes the prediction of alpha: 1 from the left, 2 from above, 3 by
// the gradient of left, above and what is left above. The first row is always
// predicted from the left, the first column from above.
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
