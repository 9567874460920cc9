package vp8

// Prediction (RFC 6386 section 12).

// edges are the pixels around a square of luma or chroma that its prediction is made of,
// as lanes of blocks have them: above[c][b] is the pixel above column c of block b's
// columns, left[r][b] that to the left of row r of its rows.
type edges struct {
	above, left [4][16]int16
	corner, dc  [16]int16
}

// setLuma sets e for 16×16 luma.
func (e *edges) setLuma(above, left []uint8, corner uint8, dc int16) {
	for b := range 16 {
		for i := range 4 {
			e.above[i][b] = int16(above[b&3*4+i])
			e.left[i][b] = int16(left[b>>2*4+i])
		}
		e.corner[b], e.dc[b] = int16(corner), dc
	}
}

// setChroma sets blocks 0 to 3 of e for Cb or 4 to 7 for Cr, as base says, and eight
// blocks further on again.
func (e *edges) setChroma(base int, above, left []uint8, corner uint8, dc int16) {
	for b := range 4 {
		for _, lane := range [2]int{base + b, base + b + 8} {
			for i := range 4 {
				e.above[i][lane] = int16(above[b&1*4+i])
				e.left[i][lane] = int16(left[b>>1*4+i])
			}
			e.corner[lane], e.dc[lane] = int16(corner), dc
		}
	}
}

// meanOf returns the DC prediction from the pixels above and to the left, nil outside the
// picture.
func meanOf(above, left []uint8) int16 {
	n, sum := len(above)+len(left), 0
	if n == 0 {
		return 128
	}
	for _, v := range above {
		sum += int(v)
	}
	for _, v := range left {
		sum += int(v)
	}
	return int16((sum + n/2) / n)
}

// predictPlain sets blocks lo to hi of the prediction.
func (e *edges) predictPlain(pred *lanes, m mode, lo, hi int) {
	for p := range 16 {
		for b := lo; b < hi; b++ {
			switch m {
			case modeDC:
				pred[p][b] = e.dc[b]
			case modeV:
				pred[p][b] = e.above[p&3][b]
			case modeH:
				pred[p][b] = e.left[p>>2][b]
			case modeTM:
				pred[p][b] = min(max(e.above[p&3][b]+e.left[p>>2][b]-e.corner[b], 0), 255)
			}
		}
	}
}

// around are the pixels around a 4×4 block, from the lowest to the left of it over the
// corner to the last above and right of it. The first and the last stand twice:
//
//	L3 L3 L2 L1 L0 corner A0 … A7 A7
type around [18]uint8

// Indexes of around.
const (
	aroundCorner = 5
	aroundAbove  = 6
)

// blockPixels are the values that predictions of a 4×4 block are made of: means of three
// neighbours in around, weighted 1 2 1, means of two, the DC prediction, and the 16 pixels
// of TM.
type blockPixels [48]uint8

const (
	pixelsThree = 0 // entry i: of the pixels i, i+1 and i+2 around the block
	pixelsTwo   = 16
	pixelsDC    = 31
	pixelsTM    = 32
)

// blockPredictions says which value each pixel of a 4×4 block has in each mode: entry
// [p][m] for pixel p. Modes that do not exist have the DC prediction.
//
// A pixel of a diagonal mode depends on its distance from a line through the corner, so
// the modes are given as one value a diagonal.
var blockPredictions = func() (t [16][16]uint8) {
	const three, two = pixelsThree, pixelsTwo
	for p := range 16 {
		r, c := p>>2, p&3
		for m := range t[p] {
			t[p][m] = pixelsDC
		}
		t[p][modeTM] = uint8(pixelsTM + p)
		t[p][modeV] = uint8(three + 5 + c)
		t[p][modeH] = uint8(three + 3 - r)
		t[p][modeRD] = uint8(three + 4 + c - r)
		t[p][modeLD] = uint8(three + 6 + c + r)
		// Vertical modes: even rows are means of two, odd ones of three, and every second
		// row moves by one. The rows below the first that reach the left edge go on there.
		switch {
		case 2*c-r >= 0 && r&1 == 0:
			t[p][modeVR] = uint8(two + 5 + c - r/2)
		case 2*c-r >= -1:
			t[p][modeVR] = uint8(three + 4 + c - r/2)
		default:
			t[p][modeVR] = uint8(three + 5 + 2*c - r)
		}
		switch {
		case c == 3 && r >= 2: // the two that would need one pixel more
			t[p][modeVL] = uint8(three + 8 + r)
		case r&1 == 0:
			t[p][modeVL] = uint8(two + 6 + c + r/2)
		default:
			t[p][modeVL] = uint8(three + 6 + c + r/2)
		}
		switch {
		case 2*r-c >= 0 && c&1 == 0:
			t[p][modeHD] = uint8(two + 4 - r + c/2)
		case 2*r-c >= -1:
			t[p][modeHD] = uint8(three + 4 - r + c/2)
		default:
			t[p][modeHD] = uint8(three + 3 + c - 2*r)
		}
		switch z := 2*r + c; {
		case z > 5:
			t[p][modeHU] = two // L3 alone
		case z&1 == 0:
			t[p][modeHU] = uint8(two + 3 - z/2)
		default:
			t[p][modeHU] = uint8(three + 2 - z/2)
		}
	}
	return
}()

// setPlain sets the values for the pixels around a block.
func (v *blockPixels) setPlain(a *around) {
	for i := range 14 {
		x, y, z := uint32(a[i]), uint32(a[i+1]), uint32(a[i+2])
		v[i] = uint8((x + 2*y + z + 2) >> 2)
		v[pixelsTwo+i] = uint8((x + y + 1) >> 1)
	}
	v[pixelsDC] = a.mean()
	for p := range 16 {
		tm := int(a[aroundAbove+p&3]) + int(a[aroundCorner-1-p>>2]) - int(a[aroundCorner])
		v[pixelsTM+p] = uint8(min(max(tm, 0), 255))
	}
}

// mean is the DC prediction of a block.
func (a *around) mean() uint8 {
	sum := uint32(a[1]) + uint32(a[2]) + uint32(a[3]) + uint32(a[4])
	sum += uint32(a[6]) + uint32(a[7]) + uint32(a[8]) + uint32(a[9])
	return uint8((sum + 4) >> 3)
}

// differencesPlain sets d to the differences between two blocks and their predictions, in
// the modes of two groups: one block in the lower half of the lanes, the other in the
// upper one.
func differencesPlain(d *lanes, v *[2]blockPixels, groups *[2]*modeGroup, a, b *[16]uint8) {
	for i, block := range [2]*[16]uint8{a, b} {
		for j, m := range groups[i].modes {
			for p := range 16 {
				d[p][triedModes*i+j] = int16(block[p]) - int16(v[i][blockPredictions[p][m&15]])
			}
		}
	}
}
