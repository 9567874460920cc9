package vp8l

// predict adds to each pixel of a row the prediction from its neighbours (RFC 9649
// section 4.1): those to the left, above, and above to the left and to the right. The
// first pixel of the picture is predicted as opaque black, others of the first row from
// the left, and those of the first column from above. The right neighbour above the last
// pixel of a row is the first pixel of that row.
func (t *transform) predict(row []uint32, y int) {
	w := len(row)
	above := t.above
	if y == 0 {
		row[0] = add(row[0], opaque)
		addLeft(row, 1, w)
	} else {
		row[0] = add(row[0], above[0])
		above[w] = row[0]
		tiles := t.predictors[y>>t.bits*t.tileW:]
		for x := 1; x < w; {
			tile := x >> t.bits
			end := min(w, (tile+1)<<t.bits)
			addPrediction(tiles[tile], row, above, x, end)
			x = end
		}
	}
	copy(above, row)
}

// addPrediction adds the predictions by a predictor to the pixels from x to end.
func addPrediction(predictor uint8, row, above []uint32, x, end int) {
	cur := row[x-1 : end] // the first one is the left neighbour
	up := above[x-1:][:len(cur)+1]
	left := cur[0]
	cur = cur[1:]
	switch predictor {
	case 1:
		addLeft(row, x, end)
	case 2:
		addRow(cur, up[1:])
	case 3:
		addRow(cur, up[2:])
	case 4:
		addRow(cur, up)
	case 5:
		for i := range cur {
			left = add(cur[i], average(average(left, up[i+2]), up[i+1]))
			cur[i] = left
		}
	case 6:
		for i := range cur {
			left = add(cur[i], average(left, up[i]))
			cur[i] = left
		}
	case 7:
		for i := range cur {
			left = add(cur[i], average(left, up[i+1]))
			cur[i] = left
		}
	case 8:
		for i := range cur {
			cur[i] = add(cur[i], average(up[i], up[i+1]))
		}
	case 9:
		for i := range cur {
			cur[i] = add(cur[i], average(up[i+1], up[i+2]))
		}
	case 10:
		for i := range cur {
			left = add(cur[i], average(average(left, up[i]), average(up[i+1], up[i+2])))
			cur[i] = left
		}
	case 11:
		addSelected(cur, up, left)
	case 12:
		addGradient(cur, up, left)
	case 13:
		addHalfGradient(cur, up, left)
	default: // 0, and 14 and 15, which encoders don't use
		for i := range cur {
			cur[i] = add(cur[i], opaque)
		}
	}
}

// addLeft adds to pixels x to end the pixel to the left.
func addLeft(row []uint32, x, end int) {
	left := row[x-1]
	row = row[x:end]
	for i := range row {
		left = add(row[i], left)
		row[i] = left
	}
}

// addRow adds pixels of another row.
func addRow(row, from []uint32) {
	from = from[:len(row)]
	for i := addRowBlocks(row, from); i < len(row); i++ {
		row[i] = add(row[i], from[i])
	}
}

// add adds the four samples of two pixels, each modulo 256. Two samples at a time are
// added in one number, with eight zero bits between them to carry into.
func add(a, b uint32) uint32 {
	return (a&0xff00ff00+b&0xff00ff00)&0xff00ff00 | (a&0x00ff00ff+b&0x00ff00ff)&0x00ff00ff
}

// The functions below hold the four samples of a pixel in the 16-bit lanes of a number,
// so that one operation is done for all of them. A difference of two samples, plus 256,
// is from 1 to 511 and never borrows from the next lane. Its bit 8 is clear if the
// difference is negative.
const (
	lanes1   = 0x0001000100010001
	lanes128 = 0x0080008000800080
	lanes255 = 0x00ff00ff00ff00ff
	lanes256 = 0x0100010001000100
)

// inLanes puts the samples of a pixel in lanes: blue and red in the lower two, green and
// alpha in the upper two.
func inLanes(v uint32) uint64 { return uint64(v&0x00ff00ff) | uint64(v>>8&0x00ff00ff)<<32 }

// fromLanes is the inverse of inLanes.
func fromLanes(w uint64) uint32 { return uint32(w) | uint32(w>>32)<<8 }

// limit limits samples to 0 to 255, which come with 256 added: less than 256 becomes 0,
// 512 or more 255. The bits 8 and 9 tell; times 255 they select.
func limit(w uint64) uint64 {
	over := w >> 9 & lanes1
	there := w>>8&lanes1 | over
	return (w | (over<<8 - over)) & (there<<8 - there)
}

// addGradient adds L + T - TL, limited to 0 to 255. up begins above left.
func addGradient(cur, up []uint32, left uint32) {
	l, corner := inLanes(left), inLanes(up[0])
	up = up[1 : 1+len(cur)]
	for i, v := range cur {
		top := inLanes(up[i])
		l = (limit(l+top+lanes256-corner) + inLanes(v)) & lanes255
		cur[i] = fromLanes(l)
		corner = top
	}
}

// addHalfGradient adds m + (m - TL)/2, limited to 0 to 255, m being the mean of L and T.
// The division rounds towards 0: 1 is added to what is negative before it is shifted.
func addHalfGradient(cur, up []uint32, left uint32) {
	l, corner := inLanes(left), inLanes(up[0])
	up = up[1 : 1+len(cur)]
	for i, v := range cur {
		top := inLanes(up[i])
		m := (l + top) >> 1 & lanes255
		d := m + lanes256 - corner
		half := (d + (^d >> 8 & lanes1)) >> 1 & (lanes256 | lanes255) // plus 128
		l = (limit(m+half+lanes128) + inLanes(v)) & lanes255
		cur[i] = fromLanes(l)
		corner = top
	}
}

// addSelected adds L or T, whichever is nearer to L + T - TL: L if T is nearer to TL than
// L is.
func addSelected(cur, up []uint32, left uint32) {
	l, corner := inLanes(left), inLanes(up[0])
	up = up[1 : 1+len(cur)]
	for i, v := range cur {
		top := inLanes(up[i])
		p := top
		if differences(top, corner) < differences(l, corner) {
			p = l
		}
		l = (p + inLanes(v)) & lanes255
		cur[i] = fromLanes(l)
		corner = top
	}
}

// differences returns the sum of the absolute differences of the samples.
func differences(a, b uint64) uint64 {
	d := a + lanes256 - b
	negative := ^d >> 8 & lanes1
	d = (d&lanes255 ^ (negative<<8 - negative)) + negative
	return d * lanes1 >> 48
}
