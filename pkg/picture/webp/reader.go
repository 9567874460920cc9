package webp

import (
	"bytes"
	"image"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// Reader is a WebP file whose headers have been read. Header and Rows are those of the
// still, or of the first frame of an animation unless Select chose another one.
type Reader struct {
	raster.NoteList

	r        io.ReaderAt
	lim      raster.Limits
	c        container
	main     *picture // the still or the first frame
	h        *raster.Header
	meta     raster.Metadata
	composed bool // Rows needs a canvas
	selected int  // the frame that Rows reads, from 1
}

// Open reads the headers of the WebP file in the first size bytes of r. Canvas size
// times frames is checked against the limit of pixels. The layout is YCbCr of lossy
// pictures without alpha, else RGB or RGBA.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Reader, error) {
	g := &Reader{r: io.NewSectionReader(r, 0, size), lim: lim, selected: 1}
	if err := g.walk(size); err != nil {
		return nil, err
	}
	c := &g.c
	switch {
	case c.frames > 0:
		g.main = c.first
		g.composed = c.first.rect != image.Rect(0, 0, c.canvasW, c.canvasH)
		if !c.anim {
			g.Note("no ANIM chunk: shown without end")
		}
	case c.still.hasBits:
		if c.flags&flagAnimation != 0 {
			g.Note("marked as an animation, but a still")
		}
		g.main, c.loop = &c.still, 1
		if err := g.main.header(g.r); err != nil {
			return nil, err
		}
		if err := lim.CheckSize(int64(g.main.w), int64(g.main.h), 1); err != nil {
			return nil, err
		}
		if c.extended && (g.main.w != c.canvasW || g.main.h != c.canvasH) {
			return nil, fault.New(fault.Format, "picture of %d×%d on a canvas of %d×%d", g.main.w, g.main.h, c.canvasW, c.canvasH)
		}
	default:
		return nil, fault.New(fault.Format, "WebP without a picture")
	}
	if g.composed {
		g.h = raster.NewHeader(c.canvasW, c.canvasH, raster.RGBA, 8)
	} else {
		g.h = g.main.natural()
	}
	return g, g.metadata()
}

// natural returns the header of the picture as it is decoded without conversion.
func (p *picture) natural() *raster.Header {
	switch {
	case p.alpha:
		return raster.NewHeader(p.w, p.h, raster.RGBA, 8)
	case p.lossless:
		return raster.NewHeader(p.w, p.h, raster.RGB, 8)
	}
	h := raster.NewHeader(p.w, p.h, raster.YCbCr, 8)
	half := raster.PlaneDim{W: (p.w + 1) / 2, H: (p.h + 1) / 2, NX: 1, DX: 2, NY: 1, DY: 2}
	h.Planes = append(h.Planes, half, half)
	return h
}

// maxXMP is the largest XMP packet that is read, in bytes.
const maxXMP = 1 << 20

// metadata reads orientation, density and profile, which may follow the picture.
func (g *Reader) metadata() error {
	for _, m := range []*chunk{g.c.exif, g.c.xmp, g.c.icc} {
		if m == nil {
			continue
		}
		if g.lim.CheckMem(m.n) != nil {
			g.Note("metadata of %d bytes are ignored (-maxmem)", m.n)
			continue
		}
		b, err := m.read(g.r)
		if err != nil {
			return err
		}
		if m == g.c.exif {
			e := meta.ParseEXIF(b)
			g.h.Orientation, g.h.Density = e.Orientation, e.Density
			g.meta.EXIF = bytes.TrimPrefix(b, []byte("Exif\x00\x00"))
		} else if m == g.c.xmp {
			g.meta.XMP = b
		} else if icc, note := meta.ICCFor("RGB ", b); note != "" {
			g.Note("%s", note)
		} else {
			g.h.ICC = icc
		}
	}
	return nil
}

// Metadata returns the metadata of the file.
func (g *Reader) Metadata() raster.Metadata { return g.meta }

// Header returns the picture as stored.
func (g *Reader) Header() *raster.Header { return g.h }

// Lossless reports whether the still, or every frame of an animation, is stored without
// loss.
func (g *Reader) Lossless() bool { return g.main.lossless && !g.c.lossy }

// HasAlpha reports whether the picture has an alpha channel.
func (g *Reader) HasAlpha() bool { return g.h.Layout.HasAlpha() }

// Rows starts decoding the selected picture. Lossy pictures take memory for some rows,
// lossless ones for a ring of up to 2^20 pixels and the data of their transforms; a canvas
// takes 4 bytes a pixel, and the frame drawn on it as much. Without a canvas, lossy
// pictures come as luma alone if the hint has Luma, as planes if it has Planar and there
// is no alpha, else as RGB.
func (g *Reader) Rows(hint raster.Hint) (raster.Rows, error) {
	if g.composed {
		return g.compose()
	}
	return g.decode(g.main, hint, 0)
}
