package bmp

import (
	"bufio"
	"io"
)

// runs decodes run lengths: BI_RLE4, BI_RLE8 or, of OS/2, RLE24.
type runs struct {
	bits int     // of a pixel: 4, 8 or 24
	pix  []uint8 // indexes, or samples red, green, blue; rows in the order of the file
	w, h int
	x, y int // the next pixel
}

// decode decodes a picture. The data are pairs of bytes:
//
//	n c       n pixels of colour c; in BI_RLE4 of the two colours in c, alternating
//	0 0       end of the row
//	0 1       end of the picture
//	0 2 x y   move x pixels right and y rows up
//	0 n …     n ≥ 3: n pixels follow, padded to 16 bits
//
// In RLE24 a colour c is three bytes: blue, green, red. For example, 03 05 00 00 02 07 00
// 01 is in BI_RLE8 a row of three pixels of colour 5, and above it two pixels of colour
// 7. Pixels beyond the end of a row are dropped; pixels that are never written keep
// colour 0. It returns the number of rows begun or finished. The error is io.EOF if the
// data end before the picture.
func (d *runs) decode(in io.Reader) (int, error) {
	b := bufio.NewReaderSize(in, 64<<10)
	var buf [3 * 256]byte
	for d.y < d.h {
		if err := full(b, buf[:2]); err != nil {
			// Some writers omit the end of the picture.
			if err == io.EOF && d.y == d.h-1 && d.x >= d.w {
				return d.h, nil
			}
			return d.y, err
		}
		switch n, v := int(buf[0]), int(buf[1]); {
		case n > 0:
			colour := buf[1 : 1+max(1, d.bits/8)]
			if err := full(b, colour[1:]); err != nil {
				return d.y, err
			}
			for i := range n {
				d.put(colour, i&1*(d.bits&4)/4) // BI_RLE4: 0, 1, 0, 1 …; else 0
			}
		case v == 0:
			d.x, d.y = 0, d.y+1
		case v == 1:
			return d.h, nil
		case v == 2:
			if err := full(b, buf[:2]); err != nil {
				return d.y, err
			}
			d.x, d.y = d.x+int(buf[0]), d.y+int(buf[1])
		default:
			literal := buf[:((v*d.bits+7)/8+1)&^1]
			if err := full(b, literal); err != nil {
				return d.y, err
			}
			for i := range v {
				d.put(literal, i)
			}
		}
		d.x = min(d.x, d.w) // x cannot overflow, however many runs there are
	}
	return d.h, nil
}

// put writes a pixel at the current position, unless a run has left the picture there,
// and moves one pixel to the right. The pixel is number i of data, which has indexes of
// 4 or 8 bits, or the bytes B, G, R.
func (d *runs) put(data []byte, i int) {
	if d.x < d.w && d.y < d.h {
		at := d.y*d.w + d.x
		switch d.bits {
		case 4:
			d.pix[at] = data[i/2] >> (4 - i&1*4) & 15
		case 8:
			d.pix[at] = data[i]
		default:
			d.pix[3*at], d.pix[3*at+1], d.pix[3*at+2] = data[3*i+2], data[3*i+1], data[3*i]
		}
	}
	d.x++
}

// full is io.ReadFull, except that every early end is io.EOF.
func full(b *bufio.Reader, p []byte) error {
	_, err := io.ReadFull(b, p)
	if err == io.ErrUnexpectedEOF {
		return io.EOF
	}
	return err
}
