package bmp

import (
	"bufio"
	"io"
)

// decodeRuns decodes BI_RLE8 or, if four is set, BI_RLE4 into indexes. Rows are in
// the order of the file, usually from bottom to top. The data are pairs of bytes:
//
//	n c       n pixels of colour c; in BI_RLE4 of the two colours in c, alternating
//	0 0       end of the row
//	0 1       end of the picture
//	0 2 x y   move x pixels right and y rows up
//	0 n …     n ≥ 3: n pixels follow, padded to 16 bits
//
// For example, 03 05 00 00 02 07 00 01 is a row of three pixels of colour 5, above it
// two pixels of colour 7. Pixels beyond the end of a row are dropped; pixels that are
// never written keep colour 0. It returns the number of rows begun or finished. The
// error is io.EOF if the data end before the picture.
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
			// Some writers omit the end of the picture.
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
		x = min(x, w) // x cannot overflow, however many runs there are
	}
	return h, nil
}

// literal reads n pixels that are not a run.
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

// full is io.ReadFull, except that every early end is io.EOF.
func full(b *bufio.Reader, p []byte) error {
	_, err := io.ReadFull(b, p)
	if err == io.ErrUnexpectedEOF {
		return io.EOF
	}
	return err
}
