package pnm

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// EncodeOptions choose between the formats.
type EncodeOptions struct {
	PAM bool // write P7 also where P5 or P6 would do
}

var tupleTypes = map[raster.Layout]string{
	raster.Gray: "GRAYSCALE", raster.GrayA: "GRAYSCALE_ALPHA", raster.RGB: "RGB", raster.RGBA: "RGB_ALPHA",
}

// Encode writes Gray as raw PGM (P5), RGB as raw PPM (P6), GrayA and RGBA as
// PAM (P7); maxval is 255 or 65535. Other layouts are refused.
func Encode(w io.Writer, src raster.Rows, o EncodeOptions) error {
	h := src.Header()
	tuple := tupleTypes[h.Layout]
	if tuple == "" {
		return fault.New(fault.Internal, "write PNM: layout %v", h.Layout)
	}
	if h.Orientation != 1 {
		return fault.New(fault.Internal, "write PNM: orientation %d", h.Orientation)
	}
	n := h.W() * h.Layout.Samples()
	maxval := 1<<h.Bits - 1
	b := bufio.NewWriterSize(w, 64<<10)
	switch {
	case o.PAM || h.Layout.HasAlpha():
		fmt.Fprintf(b, "P7\nWIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\n",
			h.W(), h.H(), h.Layout.Samples(), maxval, tuple)
	case h.Layout == raster.Gray:
		fmt.Fprintf(b, "P5\n%d %d\n%d\n", h.W(), h.H(), maxval)
	default:
		fmt.Fprintf(b, "P6\n%d %d\n%d\n", h.W(), h.H(), maxval)
	}
	var buf []byte
	if h.Bits == 16 {
		buf = make([]byte, 2*n)
	}
	y := 0
	for {
		band, err := src.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		p := &band.Planes[0]
		for i := 0; i < p.Rows; i++ {
			if h.Bits == 16 {
				for j, v := range p.Pix16[i*p.Stride : i*p.Stride+n] {
					binary.BigEndian.PutUint16(buf[2*j:], v)
				}
			} else {
				buf = p.Pix[i*p.Stride : i*p.Stride+n]
			}
			if _, err := b.Write(buf); err != nil {
				return err
			}
		}
		y += p.Rows
	}
	if y != h.H() {
		return fault.New(fault.Internal, "write PNM: %d of %d rows came", y, h.H())
	}
	return b.Flush()
}
