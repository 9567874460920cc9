package png

import (
	"bufio"
	"encoding/binary"
	"image/color"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// EncodeOptions are the choices of Encode.
type EncodeOptions struct {
	// Depth is the number of bits of a Gray sample in the file: 1, 2 or 4, of which
	// the samples must have been widened, since only their high bits are written.
	// 0 means Header.Bits.
	Depth int
}

// Encode writes a PNG. Gray, GrayA, RGB and RGBA of 8 or 16 bits become colour types
// 0, 4, 2 and 6. Indexed becomes type 3 with the fewest bits that its palette allows.
// YCbCr is refused, and so is an orientation other than 1. ICC profile, Coding and
// Density of the header are written.
func Encode(w io.Writer, src raster.Rows, o EncodeOptions) error {
	h := src.Header()
	if h.Layout == raster.YCbCr {
		return fault.New(fault.Internal, "write PNG: layout %v", h.Layout)
	}
	if h.Orientation != 1 {
		return fault.New(fault.Internal, "write PNG: orientation %d", h.Orientation)
	}
	e := &encoder{src: src, h: h, depth: int(h.Bits)}
	e.b = bufio.NewWriterSize(w, 32<<10)
	switch {
	case h.Layout == raster.Indexed:
		if len(h.Palette) < 1 || len(h.Palette) > 256 {
			return fault.New(fault.Internal, "write PNG: palette of %d colours", len(h.Palette))
		}
		e.depth = indexDepth(len(h.Palette))
	case h.Layout == raster.Gray && h.Bits == 8 && (o.Depth == 1 || o.Depth == 2 || o.Depth == 4):
		e.depth = o.Depth
	}
	if err := e.head(); err != nil {
		return err
	}
	if err := e.pixels(); err != nil {
		return err
	}
	if err := writeChunk(e.b, "IEND", nil); err != nil {
		return err
	}
	return e.b.Flush()
}

type encoder struct {
	b     *bufio.Writer
	src   raster.Rows
	h     *raster.Header
	depth int // bits in a sample in the file
}

// indexDepth returns the least depth that has indexes for n colours.
func indexDepth(n int) int {
	depth := 1
	for 1<<depth < n {
		depth *= 2
	}
	return depth
}

var colorTypes = map[raster.Layout]byte{
	raster.Gray: colorGray, raster.GrayA: colorGrayA, raster.RGB: colorRGB, raster.RGBA: colorRGBA, raster.Indexed: colorIndexed,
}

// head writes the signature and all chunks before IDAT.
func (e *encoder) head() error {
	if _, err := io.WriteString(e.b, signature); err != nil {
		return err
	}
	if err := writeHeader(e.b, e.h.W(), e.h.H(), e.depth, e.h.Layout); err != nil {
		return err
	}
	if err := writeMeta(e.b, e.h); err != nil {
		return err
	}
	if e.h.Layout != raster.Indexed {
		return nil
	}
	return writePalette(e.b, e.h.Palette)
}

// writeHeader writes IHDR.
func writeHeader(w io.Writer, width, height, depth int, l raster.Layout) error {
	b := binary.BigEndian.AppendUint32(nil, uint32(width))
	b = binary.BigEndian.AppendUint32(b, uint32(height))
	return writeChunk(w, "IHDR", append(b, byte(depth), colorTypes[l], 0, 0, 0))
}

// writePalette writes PLTE and, if a colour is not opaque, tRNS. tRNS ends with the
// last colour that is not opaque; the others are opaque by default.
func writePalette(w io.Writer, palette []color.NRGBA) error {
	var plte, trns []byte
	for i, c := range palette {
		plte = append(plte, c.R, c.G, c.B)
		if c.A != 255 {
			for len(trns) < i {
				trns = append(trns, 255)
			}
			trns = append(trns, c.A)
		}
	}
	if err := writeChunk(w, "PLTE", plte); err != nil || trns == nil {
		return err
	}
	return writeChunk(w, "tRNS", trns)
}

// pixels filters and compresses the rows into IDAT chunks.
func (e *encoder) pixels() error {
	idat := newIDATWriter(e.b)
	var c compressor
	c.start(idat, shape{samples: e.h.Layout.Samples(), depth: e.depth, indexed: e.h.Layout == raster.Indexed, w: e.h.W(), h: e.h.H()})
	err := raster.EachRow(e.src, func(_ int, p raster.Plane) error {
		row := c.f.next()
		switch {
		case e.depth == 16:
			for j, v := range p.Pix16 {
				binary.BigEndian.PutUint16(row[2*j:], v)
			}
		case e.depth == 8:
			copy(row, p.Pix)
		case e.h.Layout == raster.Indexed:
			pack(row, p.Pix, e.depth, 0)
		default:
			pack(row, p.Pix, e.depth, 8-e.depth)
		}
		return c.f.add()
	})
	if err != nil {
		return err
	}
	if err := c.close(); err != nil {
		return err
	}
	return idat.close()
}

// pack writes src as samples of depth bits, the first in the highest bits of a byte.
// Samples are shifted right by shift first.
//
// A multiplication moves all samples of a byte to their places at once. With 1 bit, x has
// sample i at bit 8i, for which bit 63-i is wanted, so that the factor has all bits
// 63-9i: 63, 54, 45 … The products of other pairs end up below bit 56 or above bit 63,
// and no two of them at the same bit.
func pack(dst []byte, src []uint8, depth, shift int) {
	per := 8 / depth
	whole := len(src) / per
	shift &= 7
	switch depth {
	case 1:
		for i := range dst[:whole] {
			x := load64(src, 8*i) >> shift & 0x0101010101010101
			dst[i] = byte(x * 0x8040201008040201 >> 56)
		}
	case 2:
		for i := range dst[:whole] {
			x := binary.LittleEndian.Uint32(src[4*i:4*i+4:4*i+4]) >> shift & 0x03030303
			dst[i] = byte(x * 0x40100401 >> 24)
		}
	case 4:
		for i := range dst[:whole] {
			dst[i] = src[2*i]>>shift<<4 | src[2*i+1]>>shift&15
		}
	}
	if rest := src[whole*per:]; len(rest) > 0 {
		var v uint8
		for _, s := range rest {
			v = v<<depth | s>>shift&(1<<depth-1)
		}
		dst[whole] = v << ((per - len(rest)) * depth)
	}
}
