package gif

import (
	"bufio"
	"image"
	"image/color"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// threshold is the least alpha of a pixel that is written as opaque: in a GIF a pixel
// is opaque or transparent.
const threshold = 128

// check returns an error for rows that can't be written as GIF.
func check(h *raster.Header) error {
	if h.Bits != 8 || h.Layout == raster.YCbCr {
		return fault.New(fault.Internal, "write GIF: layout %v of %d bits", h.Layout, h.Bits)
	}
	if h.Orientation != 1 {
		return fault.New(fault.Internal, "write GIF: orientation %d", h.Orientation)
	}
	return checkSides(h.W(), h.H())
}

func checkSides(w, h int) error {
	if w > 65535 || h > 65535 {
		return fault.New(fault.TooLarge, "%d×%d: a GIF has at most 65535 pixels a side", w, h)
	}
	return nil
}

// Encode writes a still GIF of rows of 8 bits a sample; YCbCr is an error. Indexed
// keeps its palette and Gray gets one of 256 grays; both are written row by row.
// GrayA, RGB and RGBA are held, 4 bytes a pixel. Their palette is exact if they have
// at most 256 colours, transparency included. Alpha below 128 becomes transparent,
// the rest opaque.
func Encode(w io.Writer, src raster.Rows, lim raster.Limits) error {
	h := src.Header()
	if err := check(h); err != nil {
		return err
	}
	b := bufio.NewWriterSize(w, 32<<10)
	if h.Layout != raster.Indexed && h.Layout != raster.Gray {
		a, err := NewWriter(w, h.W(), h.H(), 1, lim)
		if err != nil {
			return err
		}
		if err := a.Frame(src, 0); err != nil {
			return err
		}
		return a.Close()
	}
	table, to, transparent := direct(h)
	f := &frame{rect: image.Rect(0, 0, h.W(), h.H()), disposal: disposeNone, transparent: transparent, control: transparent >= 0}
	if err := writeScreen(b, screen{version: "GIF89a", w: h.W(), h: h.H(), flags: tableFlags(len(table)) | 0x70, table: table}); err != nil {
		return err
	}
	if err := writeFrame(b, f); err != nil {
		return err
	}
	z, err := newPacker(b, len(table))
	if err != nil {
		return err
	}
	line := make([]uint8, h.W())
	err = raster.EachRow(src, func(_ int, row raster.Plane) error {
		for i, v := range row.Pix {
			line[i] = to[v]
		}
		_, err := z.z.Write(line)
		return err
	})
	if err != nil {
		return err
	}
	if err := z.close(); err != nil {
		return err
	}
	if err := b.WriteByte(blockTrailer); err != nil {
		return err
	}
	return b.Flush()
}

// direct returns the table for an Indexed or Gray picture, the index to write for
// each sample, and the transparent index or -1. There can be one transparent index
// only, so all transparent colours become the first of them.
func direct(h *raster.Header) (table []color.NRGBA, to [256]uint8, transparent int) {
	transparent = -1
	table = h.Palette
	if h.Layout == raster.Gray {
		table = make([]color.NRGBA, 256)
		for i := range table {
			table[i] = color.NRGBA{uint8(i), uint8(i), uint8(i), 255}
		}
	}
	for i := range table {
		to[i] = uint8(i)
		if table[i].A < threshold {
			if transparent < 0 {
				transparent = i
			}
			to[i] = uint8(transparent)
		}
	}
	return table, to, transparent
}

// read converts rows to pixels.
func read(dst []pixel, src raster.Rows) error {
	h := src.Header()
	return raster.EachRow(src, func(y int, p raster.Plane) error {
		row, out := p.Pix, dst[y*h.W():(y+1)*h.W()]
		switch h.Layout {
		case raster.Gray:
			for i := range out {
				out[i] = rgb(row[i], row[i], row[i])
			}
		case raster.GrayA:
			for i := range out {
				if out[i] = 0; row[2*i+1] >= threshold {
					out[i] = rgb(row[2*i], row[2*i], row[2*i])
				}
			}
		case raster.RGB:
			for i := range out {
				out[i] = rgb(row[3*i], row[3*i+1], row[3*i+2])
			}
		case raster.RGBA:
			for i := range out {
				if out[i] = 0; row[4*i+3] >= threshold {
					out[i] = rgb(row[4*i], row[4*i+1], row[4*i+2])
				}
			}
		case raster.Indexed:
			for i := range out {
				c := h.Palette[row[i]]
				if out[i] = 0; c.A >= threshold {
					out[i] = rgb(c.R, c.G, c.B)
				}
			}
		}
		return nil
	})
}
