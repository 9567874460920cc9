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
		for i := range cur {
			left = add(cur[i], selected(left, up[i+1], up[i]))
			cur[i] = left
		}
	case 12:
		for i := range cur {
			left = add(cur[i], gradient(left, up[i+1], up[i]))
			cur[i] = left
		}
	case 13:
		for i := range cur {
			left = add(cur[i], halfGradient(average(left, up[i+1]), up[i]))
			cur[i] = left
		}
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
	for i := range row {
		row[i] = add(row[i], from[i])
	}
}

// add adds the four samples of two pixels, each modulo 256. Two samples at a time are
// added in one number, with eight zero bits between them to carry into.
func add(a, b uint32) uint32 {
	return (a&0xff00ff00+b&0xff00ff00)&0xff00ff00 | (a&0x00ff00ff+b&0x00ff00ff)&0x00ff00ff
}
