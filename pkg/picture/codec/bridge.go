package codec

// Adapters over the standard library until the packages of the formats are there.

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

type imageReader struct {
	h   *raster.Header
	img image.Image
	y   int
}

func openImage(r io.ReaderAt, size int64, lim raster.Limits, format string) (raster.Reader, error) {
	c, _, err := image.DecodeConfig(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, fault.As(fault.Format, err)
	}
	if err := lim.CheckSize(int64(c.Width), int64(c.Height), 1); err != nil {
		return nil, err
	}
	img, _, err := image.Decode(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, fault.As(fault.Format, err)
	}
	l, bits := raster.RGBA, uint8(8)
	switch m := img.(type) {
	case *image.Gray:
		l = raster.Gray
	case *image.Gray16:
		l, bits = raster.Gray, 16
	case *image.NRGBA64:
		l, bits = raster.RGBA, 16
	case *image.RGBA64:
		l, bits = raster.RGB, 16
	case *image.RGBA, *image.YCbCr, *image.CMYK:
		l = raster.RGB
	case *image.Paletted:
		l = raster.Indexed
		h := raster.NewHeader(c.Width, c.Height, l, 8)
		for _, c := range m.Palette {
			h.Palette = append(h.Palette, color.NRGBAModel.Convert(c).(color.NRGBA))
		}
		return &imageReader{h: h, img: img}, nil
	}
	return &imageReader{h: raster.NewHeader(c.Width, c.Height, l, bits), img: img}, nil
}

func (r *imageReader) Header() *raster.Header                { return r.h }
func (r *imageReader) Rows(raster.Hint) (raster.Rows, error) { return r, nil }
func (r *imageReader) Next() (*raster.Band, error) {
	if r.y == r.h.H() {
		return nil, io.EOF
	}
	n := r.h.W() * r.h.Layout.Samples()
	p := raster.Plane{Stride: n, Rows: 1}
	b := r.img.Bounds()
	for x := range r.h.W() {
		if m, ok := r.img.(*image.Paletted); ok {
			p.Pix = append(p.Pix, m.ColorIndexAt(b.Min.X+x, b.Min.Y+r.y))
			continue
		}
		c := color.NRGBA64Model.Convert(r.img.At(b.Min.X+x, b.Min.Y+r.y)).(color.NRGBA64)
		s := []uint16{c.R, c.G, c.B, c.A}[:r.h.Layout.Samples()]
		for _, v := range s {
			if r.h.Bits == 16 {
				p.Pix16 = append(p.Pix16, v)
			} else {
				p.Pix = append(p.Pix, uint8(v>>8))
			}
		}
	}
	r.y++
	return &raster.Band{Y: r.y - 1, Planes: [3]raster.Plane{p}}, nil
}

func encodeImage(w io.Writer, rows raster.Rows, format string, quality int) error {
	rows = raster.Packed(rows)
	h := rows.Header()
	r := image.Rect(0, 0, h.W(), h.H())
	n := h.Layout.Samples()
	pal := color.Palette{}
	for _, c := range h.Palette {
		pal = append(pal, c)
	}
	gray, gray16, nrgba, nrgba64, paletted := image.NewGray(r), image.NewGray16(r), image.NewNRGBA(r), image.NewNRGBA64(r), image.NewPaletted(r, pal)
	var img image.Image = nrgba
	switch {
	case h.Layout == raster.Indexed:
		img = paletted
	case h.Layout == raster.Gray && h.Bits == 8:
		img = gray
	case h.Layout == raster.Gray:
		img = gray16
	case h.Bits == 16:
		img = nrgba64
	}
	err := raster.Each(rows, func(_, y int, row raster.Plane) bool {
		for x := range h.W() {
			var s [4]uint16
			for i := range n {
				if h.Bits == 16 {
					s[i] = row.Pix16[x*n+i]
				} else {
					s[i] = uint16(row.Pix[x*n+i]) * 257
				}
			}
			c := color.NRGBA64{s[0], s[1], s[2], s[3]}
			switch h.Layout {
			case raster.Indexed:
				paletted.SetColorIndex(x, y, row.Pix[x])
				continue
			case raster.Gray:
				c = color.NRGBA64{s[0], s[0], s[0], 65535}
			case raster.GrayA:
				c = color.NRGBA64{s[0], s[0], s[0], s[1]}
			case raster.RGB:
				c.A = 65535
			}
			switch m := img.(type) {
			case *image.NRGBA64:
				m.SetNRGBA64(x, y, c)
			case *image.NRGBA:
				m.SetNRGBA(x, y, color.NRGBA{uint8(c.R >> 8), uint8(c.G >> 8), uint8(c.B >> 8), uint8(c.A >> 8)})
			case *image.Gray16:
				m.SetGray16(x, y, color.Gray16{c.R})
			case *image.Gray:
				m.SetGray(x, y, color.Gray{uint8(c.R >> 8)})
			}
		}
		return true
	})
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	switch format {
	case JPEG:
		err = jpeg.Encode(&buf, img, &jpeg.Options{Quality: quality})
	case PNG:
		err = png.Encode(&buf, img)
	case GIF:
		err = gif.Encode(&buf, img, nil)
	case BMP:
		err = bmp.Encode(&buf, img)
	default:
		err = tiff.Encode(&buf, img, nil)
	}
	if err == nil {
		_, err = w.Write(buf.Bytes())
	}
	return err
}
