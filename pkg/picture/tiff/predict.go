package tiff

import "encoding/binary"

// unpredict turns the differences in a row of a segment back into samples. tmp is as
// long as row.
//
// Predictor 2 (TIFF 6.0 section 14) stored each sample less the same sample of the
// pixel before it. Predictor 3 (TIFF Technical Note 3), for floating-point numbers,
// first put the most significant bytes of all samples before the next bytes of all,
// and so on, then stored each byte less the one of the pixel before it:
//
//	samples    41 20 00 00  41 30 00 00  41 40 00 00
//	by bytes   41 41 41  20 30 40  00 00 00  00 00 00
//	stored     41 00 00  df 10 10  c0 00 00  00 00 00
//
// Its samples come out with the most significant byte first.
func (t *page) unpredict(row, tmp []byte, order binary.ByteOrder) {
	n := t.stored()
	size := t.bits / 8
	switch {
	case t.predictor == 3:
		for i := n; i < len(row); i++ {
			row[i] += row[i-n]
		}
		copy(tmp, row)
		count := len(row) / size
		for i := range count {
			for b := range size {
				row[i*size+b] = tmp[b*count+i]
			}
		}
	case t.bits == 8:
		sum8(row, n)
	case t.bits == 16:
		for i := 2 * n; i+2 <= len(row); i += 2 {
			order.PutUint16(row[i:], order.Uint16(row[i:])+order.Uint16(row[i-2*n:]))
		}
	case t.bits == 32:
		for i := 4 * n; i+4 <= len(row); i += 4 {
			order.PutUint32(row[i:], order.Uint32(row[i:])+order.Uint32(row[i-4*n:]))
		}
	default:
		for i := 8 * n; i+8 <= len(row); i += 8 {
			order.PutUint64(row[i:], order.Uint64(row[i:])+order.Uint64(row[i-8*n:]))
		}
	}
}

// sum8 adds to each sample of 8 bits the one n before it, n being those of a pixel. For
// the usual n the sums stay in registers.
func sum8(row []byte, n int) {
	switch n {
	case 1:
		var a byte
		for i, v := range row {
			a += v
			row[i] = a
		}
	case 3:
		var a, b, c byte
		for p := row; len(p) >= 3; p = p[3:] {
			a, b, c = a+p[0], b+p[1], c+p[2]
			p[0], p[1], p[2] = a, b, c
		}
	case 4:
		var a, b, c, d byte
		for p := row; len(p) >= 4; p = p[4:] {
			a, b, c, d = a+p[0], b+p[1], c+p[2], d+p[3]
			p[0], p[1], p[2], p[3] = a, b, c, d
		}
	default:
		for i := n; i < len(row); i++ {
			row[i] += row[i-n]
		}
	}
}
