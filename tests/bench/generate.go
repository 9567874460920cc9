package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// The generated picture: slow waves in three colours, and some grain, so that
// it compresses about as a photograph.

// wave returns what a coordinate adds to a colour.
func wave(i, colour int) int {
	return int(40 * math.Sin(float64(i)/float64(61+37*colour)))
}

// generate calls row for each row of RGB samples, from the top or the bottom.
func generate(side int, up bool, row func(rgb []byte) error) error {
	var x [3][]int
	for c := range x {
		for i := range side {
			x[c] = append(x[c], wave(i, c))
		}
	}
	rgb := make([]byte, 3*side)
	for n := range side {
		y := n
		if up {
			y = side - 1 - n
		}
		var add [3]int
		for c := range add {
			add[c] = 120 + wave(y, 2-c)
		}
		seed := uint32(y)*2654435761 + 1
		for i := range side {
			seed ^= seed << 13 // xorshift of 32 bit, Marsaglia 2003
			seed ^= seed >> 17
			seed ^= seed << 5
			grain := int(seed >> 28)
			for c := range 3 {
				rgb[3*i+c] = byte(x[c][i] + add[c] + grain)
			}
		}
		if err := row(rgb); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes a file by a buffer.
func writeFile(path string, write func(w *bufio.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func writePPM(path string, side int) error {
	return writeFile(path, func(w *bufio.Writer) error {
		fmt.Fprintf(w, "P6\n%d %d\n255\n", side, side)
		return generate(side, false, func(rgb []byte) error { _, err := w.Write(rgb); return err })
	})
}

// writeBMP writes 24 bits a pixel, from the bottom up.
func writeBMP(path string, side int) error {
	return writeFile(path, func(w *bufio.Writer) error {
		stride := (3*side + 3) &^ 3
		w.WriteString("BM")
		le := binary.LittleEndian
		var h []byte
		for _, v := range []int{54 + stride*side, 0, 54, 40, side, side, 1 | 24<<16, 0, stride * side, 2835, 2835, 0, 0} {
			h = le.AppendUint32(h, uint32(v))
		}
		w.Write(h)
		bgr := make([]byte, stride)
		return generate(side, true, func(rgb []byte) error {
			for i := 0; i < len(rgb); i += 3 {
				bgr[i], bgr[i+1], bgr[i+2] = rgb[i+2], rgb[i+1], rgb[i]
			}
			_, err := w.Write(bgr)
			return err
		})
	})
}

// writeGIF writes one frame, of green alone, in 64 colours.
func writeGIF(path string, side int) error {
	var p color.Palette
	for i := range 64 {
		p = append(p, color.RGBA{uint8(4 * i), uint8(2 * i), uint8(255 - 4*i), 255})
	}
	m := image.NewPaletted(image.Rect(0, 0, side, side), p)
	pix := m.Pix
	err := generate(side, false, func(rgb []byte) error {
		for i := range side {
			pix[i] = rgb[3*i+1] >> 2
		}
		pix = pix[side:]
		return nil
	})
	if err != nil {
		return err
	}
	return writeFile(path, func(w *bufio.Writer) error { return gif.Encode(w, m, nil) })
}

// turnedJPEG copies a JPEG and has its EXIF say that it lies on its side
// (orientation 6).
func turnedJPEG(from, to string) error {
	if base := filepath.Base(from); strings.HasPrefix(base, "part-") {
		from = filepath.Join(filepath.Dir(from), strings.TrimPrefix(base, "part-"))
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(b, []byte{0xff, 0xd8}) {
		return fmt.Errorf("%s is no JPEG", from)
	}
	exif := "Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
	app1 := append([]byte{0xff, 0xd8, 0xff, 0xe1, 0, byte(len(exif) + 2)}, exif...)
	return os.WriteFile(to, append(app1, b[2:]...), 0o666)
}
