package bmp

import (
	"bufio"
	"io"
)

// decodeRuns decodes BI_RLE8 or, if four, BI_RLE4 into indexes, whose rows stand
// from bottom to top as in the file. A pair of bytes is a run: a length and a
// colour, or two colours of 4 bits in turn. A length of 0 is an escape: 0 ends
// the row, 1 the picture, 2 moves right and up by the next two bytes, and 3 to 255
// are so many pixels that follow, filled up to 16 bits. What goes beyond a row is
// dropped. It returns how many rows were reached; io.EOF if the data end before
// the picture does.
func decodeRuns(in io.Reader, pix []uint8, w, h int, four bool) (int, error) {
	b := bufio.NewReaderSize(in, 64<<10)
	x, y := 0, 0
	var pair [2]byte
	put := func(v byte) {
		if x < w && y < h {
			pix[y*w+x] = v
		}
		x++
	}
	for y < h {
		if err := full(b, pair[:]); err != nil {
			// Some writers leave the end of the picture out.
			if err == io.EOF && y == h-1 && x >= w {
				return h, nil
			}
			return y, err
		}
		n, v := int(pair[0]), pair[1]
		switch {
		case n > 0 && four:
			for i := range n {
				put(v >> (4 - i&1*4) & 15)
			}
		case n > 0:
			for range n {
				put(v)
			}
		case v == 0:
			x, y = 0, y+1
		case v == 1:
			return h, nil
		case v == 2:
			if err := full(b, pair[:]); err != nil {
				return y, err
			}
			x, y = x+int(pair[0]), y+int(pair[1])
		default:
			if err := literal(b, int(v), four, put); err != nil {
				return y, err
			}
		}
		x = min(x, w) // no run, however many, overflows
	}
	return h, nil
}

// literal reads n pixels that stand for themselves.
func literal(b *bufio.Reader, n int, four bool, put func(byte)) error {
	var buf [256]byte
	size := n
	if four {
		size = (n + 1) / 2
	}
	data := buf[:(size+1)&^1]
	if err := full(b, data); err != nil {
		return err
	}
	for i := range n {
		if four {
			put(data[i/2] >> (4 - i&1*4) & 15)
		} else {
			put(data[i])
		}
	}
	return nil
}

// full is io.ReadFull with one name for every early end.
func full(b *bufio.Reader, p []byte) error {
	_, err := io.ReadFull(b, p)
	if err == io.ErrUnexpectedEOF {
		return io.EOF
	}
	return err
}
