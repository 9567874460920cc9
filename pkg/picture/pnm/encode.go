package pnm

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// EncodeOptions are the choices of Encode.
type EncodeOptions struct {
	PAM bool // write P7 even where P5 or P6 can hold the picture
}

var tupleTypes = map[raster.Layout]string{
	raster.Gray: "GRAYSCALE", raster.GrayA: "GRAYSCALE_ALPHA", raster.RGB: "RGB", raster.RGBA: "RGB_ALPHA",
}

// Encode writes Gray as raw PGM (P5), RGB as raw PPM (P6), GrayA and RGBA as PAM (P7).
// maxval is 255 or 65535. Other layouts are refused.
func Encode(w io.Writer, src raster.Rows, o EncodeOptions) error {
	h := src.Header()
	tuple := tupleTypes[h.Layout]
	if tuple == "" {
		return fault.New(fault.Internal, "write PNM: layout %v", h.Layout)
	}
	if h.Orientation != 1 {
		return fault.New(fault.Internal, "write PNM: orientation %d", h.Orientation)
	}
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
		buf = make([]byte, 2*h.W()*h.Layout.Samples())
	}
	err := raster.EachRow(src, func(_ int, row raster.Plane) error {
		line := row.Pix
		if h.Bits == 16 {
			line = buf
			for i, v := range row.Pix16 {
				binary.BigEndian.PutUint16(line[2*i:], v)
			}
		}
		_, err := b.Write(line)
		return err
	})
	if err != nil {
		return err
	}
	return b.Flush()
}
