package bmp

import (
	"bufio"
	"encoding/binary"
	"image/color"
	"io"
	"math"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// EncodeOptions are the choices of Encode.
type EncodeOptions struct {
	// Depth is the number of bits from which the samples of a Gray picture have been
	// widened: 1, 2 or 4. It is written with 1 or 4 bits a pixel. 0 means 8.
	Depth int
}

// Encode writes rows of 8 bits a sample, uncompressed and from top to bottom, so that
// no picture is held in memory. An opaque palette is written with the fewest bits that
// it allows, 1, 4 or 8: some readers show a file with 8 bits and two colours black. Gray
// is written with a gray palette, RGB with 24 bits, and a picture with alpha with 32 and
// masks in a V4 header. A profile is written in a V5 header. YCbCr and 16 bits a sample
// are refused.
func Encode(w io.Writer, src raster.Rows, o EncodeOptions) error {
	h := src.Header()
	if h.Layout == raster.YCbCr || h.Bits != 8 {
		return fault.New(fault.Internal, "write BMP: layout %v of %d bits", h.Layout, h.Bits)
	}
	if h.Orientation != 1 {
		return fault.New(fault.Internal, "write BMP: orientation %d", h.Orientation)
	}
	depth, shift := 24, 0 // bits of a pixel; of a Gray sample that are dropped
	palette := h.Palette
	switch {
	case h.Layout == raster.Gray:
		depth = 8
		if o.Depth == 1 || o.Depth == 2 || o.Depth == 4 {
			depth = depthFor(1 << o.Depth)
			shift = 8 - o.Depth
		}
		palette = grays(8 - shift)
	case h.Layout == raster.Indexed && !raster.PaletteLayout(palette).HasAlpha():
		depth = depthFor(len(palette))
	case h.Layout == raster.Indexed:
		src = raster.Expand(src)
		h = src.Header()
	}
	if depth > 8 {
		palette = nil
		if h.Layout.HasAlpha() {
			depth = 32
		}
	}
	icc := h.ICC
	if meta.ICCSpace(icc) != "RGB " {
		icc = nil // a gray profile does not fit the RGB colours of a palette
	}
	stride := (int64(h.W())*int64(depth) + 31) / 32 * 4
	b := bufio.NewWriterSize(w, 64<<10)
	if err := writeHead(b, h, depth, stride*int64(h.H()), palette, icc); err != nil {
		return err
	}
	line := make([]byte, stride)
	err := raster.EachRow(src, func(_ int, row raster.Plane) error {
		if depth < 8 {
			pack(line, row.Pix, depth, shift)
		} else {
			fill(line, row.Pix, h.Layout)
		}
		_, err := b.Write(line)
		return err
	})
	if err != nil {
		return err
	}
	if _, err := b.Write(icc); err != nil {
		return err
	}
	return b.Flush()
}

// depthFor returns the fewest bits a pixel for a palette of n colours, of those that all
// readers know.
func depthFor(n int) int {
	switch {
	case n <= 2:
		return 1
	case n <= 16:
		return 4
	}
	return 8
}

// grays returns the palette of gray with the given bits.
func grays(bits int) []color.NRGBA {
	p := make([]color.NRGBA, 1<<bits)
	for i := range p {
		v := uint8(i * 255 / (len(p) - 1))
		p[i] = color.NRGBA{v, v, v, 255}
	}
	return p
}

// pack converts src, the samples of a row, to indexes of depth bits, the first in the
// highest bits of a byte. Samples are shifted right by shift first.
func pack(dst []byte, src []uint8, depth, shift int) {
	clear(dst)
	per := 8 / depth
	for i, v := range src {
		dst[i/per] |= v >> shift << (8 - depth - i%per*depth)
	}
}

// writeHead writes everything before the pixels. size is the bytes of the pixels.
func writeHead(w io.Writer, h *raster.Header, depth int, size int64, palette []color.NRGBA, icc []byte) error {
	n := infoHeader
	switch {
	case icc != nil:
		n = v5Header
	case depth == 32:
		n = v4Header
	}
	pixels := int64(fileHeader + n + 4*len(palette))
	total := pixels + size + int64(len(icc))
	if total > 1<<32-1 {
		return fault.New(fault.TooLarge, "%d×%d: a BMP is at most 4 GiB", h.W(), h.H())
	}
	b := make([]byte, pixels)
	le := binary.LittleEndian
	b[0], b[1] = 'B', 'M'
	le.PutUint32(b[2:], uint32(total))
	le.PutUint32(b[10:], uint32(pixels))
	d := b[fileHeader:]
	le.PutUint32(d, uint32(n))
	le.PutUint32(d[4:], uint32(h.W()))
	le.PutUint32(d[8:], uint32(-h.H())) // negative: from top to bottom
	le.PutUint16(d[12:], 1)
	le.PutUint16(d[14:], uint16(depth))
	le.PutUint32(d[20:], uint32(size))
	x, y := perMetre(h.Density)
	le.PutUint32(d[24:], x)
	le.PutUint32(d[28:], y)
	le.PutUint32(d[32:], uint32(len(palette)))
	if depth == 32 {
		le.PutUint32(d[16:], biBitfields)
		for i, m := range []uint32{0xff0000, 0xff00, 0xff, 0xff000000} {
			le.PutUint32(d[40+4*i:], m)
		}
	}
	if n > infoHeader {
		copy(d[56:], "BGRs") // LCS_sRGB
	}
	if icc != nil {
		copy(d[56:], "DEBM")     // PROFILE_EMBEDDED
		le.PutUint32(d[108:], 4) // LCS_GM_IMAGES: perceptual
		le.PutUint32(d[112:], uint32(pixels-fileHeader+size))
		le.PutUint32(d[116:], uint32(len(icc)))
	}
	for i, c := range palette {
		p := d[n+4*i:]
		p[0], p[1], p[2] = c.B, c.G, c.R
	}
	_, err := w.Write(b)
	return err
}

// perMetre returns a density in pixels per metre, or 0, 0 if it is unknown.
func perMetre(d raster.Density) (x, y uint32) {
	factor := 0.0
	switch d.Unit {
	case raster.PerInch:
		factor = 1 / 0.0254
	case raster.PerCM:
		factor = 100
	}
	fx, fy := math.Round(d.X*factor), math.Round(d.Y*factor)
	if !(fx >= 1 && fx <= math.MaxInt32 && fy >= 1 && fy <= math.MaxInt32) { // false for NaN
		return 0, 0
	}
	return uint32(fx), uint32(fy)
}

// fill converts src, the samples of a row, to the bytes of a row in the file.
func fill(dst []byte, src []uint8, l raster.Layout) {
	switch l {
	case raster.RGB:
		for i := 0; i+3 <= len(src); i += 3 {
			s, d := src[i:i+3:i+3], dst[i:i+3:i+3]
			d[0], d[1], d[2] = s[2], s[1], s[0]
		}
	case raster.RGBA:
		for i := 0; i+4 <= len(src); i += 4 {
			s, d := src[i:i+4:i+4], dst[i:i+4:i+4]
			d[0], d[1], d[2], d[3] = s[2], s[1], s[0], s[3]
		}
	case raster.GrayA:
		for i := 0; i+2 <= len(src); i += 2 {
			d := dst[2*i : 2*i+4 : 2*i+4]
			d[0], d[1], d[2], d[3] = src[i], src[i], src[i], src[i+1]
		}
	default:
		copy(dst, src)
	}
}
