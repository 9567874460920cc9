package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"imgtools/pkg/format"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/shell/show"
)

// showPicture shows a picture on standard output, which is a terminal: no larger than
// the window, and never enlarged.
func showPicture(picture *io.SectionReader) error {
	screen := show.Look(os.Stdout)
	as := format.PPM
	if screen.Kitty {
		as = format.PNG
	}
	o := ops.Ops{{Key: "scale", Value: fmt.Sprintf("%dx%d>", screen.W, screen.H)}, {Key: "format", Value: as}}
	var small bytes.Buffer
	_, err := plan.Run(&small, picture, picture.Size(), plan.Request{Ops: o})
	if err != nil {
		return err
	}
	if screen.Kitty {
		return show.Kitty(os.Stdout, small.Bytes())
	}
	pix, width, err := pixels(small.Bytes())
	if err != nil {
		return err
	}
	return show.Blocks(os.Stdout, pix, width)
}

// pixels returns the pixels of a picture file: 3 bytes each (RGB), rows from top to
// bottom.
func pixels(file []byte) (pix []byte, width int, err error) {
	lim := raster.Limits{Pixels: raster.DefaultPixels}
	p, err := codec.Open(bytes.NewReader(file), int64(len(file)), lim)
	if err != nil {
		return nil, 0, err
	}
	rows, err := p.Rows(raster.Hint{})
	if err != nil {
		return nil, 0, err
	}
	rows = raster.ToRGB(raster.To8(rows))
	width = rows.Header().W()
	err = raster.Each(rows, func(_, _ int, row raster.Plane) bool {
		pix = append(pix, row.Pix[:3*width]...)
		return true
	})
	return pix, width, err
}
