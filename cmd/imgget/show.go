package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/scale"
	"imgtools/pkg/shell/show"
)

// showPicture shows a picture on standard output, which is a terminal: no larger than
// the window, and never enlarged.
func showPicture(picture *io.SectionReader) error {
	screen := show.Look(os.Stdout)
	format := codec.PPM
	if screen.Kitty {
		format = codec.PNG
	}
	var small bytes.Buffer
	_, err := scale.Run(&small, picture, picture.Size(), scale.Options{
		Geometry: fmt.Sprintf("%dx%d>", screen.W, screen.H), Format: format, Limits: raster.Limits{Pixels: raster.DefaultPixels},
	})
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
