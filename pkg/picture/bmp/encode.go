package bmp

import (
	"bufio"
	"encoding/binary"
	"image/color"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// Encode writes rows of 8 bits a sample, uncompressed and from top to bottom, so that
// no picture is held in memory. Gray and an opaque palette are written with 8 bits a
// pixel, RGB with 24, and a picture with alpha with 32 and masks in a V4 header. A
// profile is written in a V5 header. YCbCr and 16 bits a sample are refused.
func Encode(w io.Writer, src raster.Rows) error {
	h := src.Header()
	if h.Layout == raster.YCbCr || h.Bits != 8 {
		return fault.New(fault.Internal, "write BMP: layout %v of %d bits", h.Layout, h.Bits)
	}
	if h.Orientation != 1 {
		return fault.New(fault.Internal, "write BMP: orientation %d", h.Orientation)
	}
	depth := 24
	palette := h.Palette
	switch {
	case h.Layout == raster.Gray:
		depth, palette = 8, make([]color.NRGBA, 256)
		for i := range palette {
			palette[i] = color.NRGBA{uint8(i), uint8(i), uint8(i), 255}
		}
	case h.Layout == raster.Indexed && !raster.PaletteLayout(palette).HasAlpha():
		depth = 8
	case h.Layout == raster.Indexed:
		src = raster.Expand(src)
		h = src.Header()
	}
	if depth != 8 {
		palette = nil
		if h.Layout.HasAlpha() {
			depth = 32
		}
	}
	icc := h.ICC
	if meta.ICCSpace(icc) != "RGB " {
		icc = nil // a gray profile does not fit the RGB colours of a palette
	}
	stride := (int64(h.W())*int64(depth/8) + 3) &^ 3
	b := bufio.NewWriterSize(w, 64<<10)
	if err := writeHead(b, h, depth, stride*int64(h.H()), palette, icc); err != nil {
		return err
	}
	line := make([]byte, stride)
	err := raster.EachRow(src, func(_ int, row raster.Plane) error {
		fill(line, row.Pix, h.Layout)
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
	le.PutUint32(d[24:], 2835) // pixels per metre: 72 per inch
	le.PutUint32(d[28:], 2835)
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
