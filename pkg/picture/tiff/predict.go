package tiff

import "encoding/binary"

// unpredict turns the differences in a row of a segment back into samples (TIFF 6.0
// section 14): each sample was stored less the same sample of the pixel before it.
func (t *page) unpredict(row []byte, order binary.ByteOrder) {
	n := t.stored()
	if t.bits == 8 {
		for i := n; i < len(row); i++ {
			row[i] += row[i-n]
		}
		return
	}
	for i := 2 * n; i+2 <= len(row); i += 2 {
		order.PutUint16(row[i:], order.Uint16(row[i:])+order.Uint16(row[i-2*n:]))
	}
}
