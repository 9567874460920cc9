package vp8l

import "math"

// The predictor transform (RFC 9649, 4.1) replaces each pixel by its difference from a
// prediction, byte by byte and modulo 256. Each tile has one of 14 predictions, made of
// the pixels to the left (L), above (T), above to the right (TR) and above to the left
// (TL). Without anything to predict from, pixel (0, 0) is predicted as opaque black, the
// rest of the top row by L and the rest of the left column by T.
//
// The pixel above to the right of a row's last is the row's first: in memory it follows.

// predictor chooses and applies predictions.
type predictor struct {
	width  int
	modes  []uint32 // of each tile, as pixels: the mode is green
	bitsOf [256]uint16
}

const numModes = 14

func newPredictor(width int) *predictor {
	p := &predictor{width: width}
	for i := range p.bitsOf {
		p.bitsOf[i] = residualBits[min(i, 256-i)]
	}
	return p
}

// residualBits is what a difference costs by its size, in bits × 16, as long as nothing
// else is known: 1.6 for each bit of the size, a factor found by trial. Sizes from 16 on
// count as the middle of 16, since the vector code has tables of 16. Each fits a byte.
var residualBits = func() (t [129]uint16) {
	for i := range t {
		size := i
		if size >= 16 {
			size = min(size, 127)&^15 + 8
		}
		t[i] = uint16(16 * 1.6 * float32(math.Log2(float64(size+1))))
	}
	return t
}()

// band predicts the rows of raw behind its first, which is the one above; y is the number
// of rows before. The differences go to dst.
func (p *predictor) band(dst, raw []uint32, y int) {
	w := p.width
	rows := len(dst) / w
	const side = 1 << tileBits
	for ty := 0; ty < rows; ty += side {
		th := min(side, rows-ty)
		left := -1
		for tx := 0; tx < w; tx += side {
			tw := min(side, w-tx)
			mode := p.choose(raw, tx, ty, tw, th, y, left)
			left = mode
			p.modes = append(p.modes, opaque|uint32(mode)<<8)
			for r := ty; r < ty+th; r++ {
				p.row(mode, dst[r*w:], raw, tx, (r+1)*w, tw, y+r == 0)
			}
		}
	}
}

// row predicts n pixels from column x of the row that begins at raw[at].
func (p *predictor) row(mode int, dst, raw []uint32, x, at, n int, top bool) {
	w := p.width
	if top {
		mode = 1
	}
	if x == 0 {
		switch {
		case top:
			dst[0] = sub(raw[at], opaque)
		default:
			dst[0] = sub(raw[at], raw[at-w])
		}
		x, n = 1, n-1
	}
	i := at + x
	if n > 0 {
		residuals(mode, dst[x:x+n], raw[i-1:i+n], raw[i-w-1:i-w+n+1])
	}
}

// choose returns the mode of a tile whose differences look cheapest.
// left is the mode of the tile before: the same again costs less.
func (p *predictor) choose(raw []uint32, tx, ty, tw, th, y, left int) int {
	w := p.width
	if tx == 0 {
		tx, tw = 1, tw-1
	}
	if tw <= 0 {
		return 2
	}
	best, least := 1, ^uint64(0)
	var buf [1 << maxTileBits]uint32
	for mode := 1; mode < numModes; mode++ {
		var cost uint64
		for r := ty; r < ty+th; r++ {
			if y+r == 0 {
				continue
			}
			i := (r+1)*w + tx
			residuals(mode, buf[:tw], raw[i-1:i+tw], raw[i-w-1:i-w+tw+1])
			cost += p.cost(buf[:tw])
		}
		if mode == left {
			cost -= min(cost, 64)
		}
		if cost < least {
			best, least = mode, cost
		}
	}
	return best
}

// maxTileBits is the largest side of a tile of any kind, as a power of 2.
const maxTileBits = 7

// cost returns what differences cost, about, in bits × 16.
func (p *predictor) cost(px []uint32) uint64 {
	n, sum := vectorCost(px)
	t := &p.bitsOf
	var s uint32
	for _, v := range px[n:] {
		s += uint32(t[v&255]) + uint32(t[v>>8&255]) + uint32(t[v>>16&255]) + uint32(t[v>>24])
	}
	return sum + uint64(s)
}

// sub subtracts the four bytes of b from those of a, without carries between them: the
// highest bits are left out of the subtraction and put right after it.
func sub(a, b uint32) uint32 {
	return ((a | 0x80808080) - (b & 0x7f7f7f7f)) ^ ((a ^ ^b) & 0x80808080)
}

// average returns the means of the bytes, rounded down: what both have, plus half of what
// one has.
func average(a, b uint32) uint32 { return (a^b)&0xfefefefe>>1 + a&b }

// residuals sets dst to the differences of pixels from their prediction by mode. cur
// begins with the pixel to the left of the first one, and above with that above it; above
// ends one pixel behind the last.
func residuals(mode int, dst, cur, above []uint32) {
	i := vectorResiduals(mode, dst, cur, above)
	dst, cur, above = dst[i:], cur[i:], above[i:]
	n := len(dst)
	left, px := cur[:n], cur[1:n+1]
	tl, t, tr := above[:n], above[1:n+1], above[2:n+2]
	switch mode {
	case 0:
		for i, v := range px {
			dst[i] = sub(v, opaque)
		}
	case 1:
		for i, v := range px {
			dst[i] = sub(v, left[i])
		}
	case 2:
		for i, v := range px {
			dst[i] = sub(v, t[i])
		}
	case 3:
		for i, v := range px {
			dst[i] = sub(v, tr[i])
		}
	case 4:
		for i, v := range px {
			dst[i] = sub(v, tl[i])
		}
	case 5:
		for i, v := range px {
			dst[i] = sub(v, average(average(left[i], tr[i]), t[i]))
		}
	case 6:
		for i, v := range px {
			dst[i] = sub(v, average(left[i], tl[i]))
		}
	case 7:
		for i, v := range px {
			dst[i] = sub(v, average(left[i], t[i]))
		}
	case 8:
		for i, v := range px {
			dst[i] = sub(v, average(tl[i], t[i]))
		}
	case 9:
		for i, v := range px {
			dst[i] = sub(v, average(t[i], tr[i]))
		}
	case 10:
		for i, v := range px {
			dst[i] = sub(v, average(average(left[i], tl[i]), average(t[i], tr[i])))
		}
	case 11:
		for i, v := range px {
			dst[i] = sub(v, selected(left[i], t[i], tl[i]))
		}
	case 12:
		for i, v := range px {
			dst[i] = sub(v, gradient(left[i], t[i], tl[i]))
		}
	case 13:
		for i, v := range px {
			dst[i] = sub(v, halfGradient(average(left[i], t[i]), tl[i]))
		}
	}
}

// selected is Select of RFC 9649: L or T, whichever is nearer to L + T - TL. Its distance
// from L is that of T from TL.
func selected(l, t, tl uint32) uint32 {
	if distance(t, tl) < distance(l, tl) {
		return l
	}
	return t
}

// distance returns the sum of the differences of the bytes.
func distance(a, b uint32) (sum int32) {
	for i := 0; i < 32; i += 8 {
		d := int32(a>>i&255) - int32(b>>i&255)
		m := d >> 31
		sum += d ^ m - m
	}
	return sum
}

// gradient is ClampAddSubtractFull: L + T - TL, between 0 and 255.
func gradient(l, t, tl uint32) (p uint32) {
	for i := 0; i < 32; i += 8 {
		v := int32(l>>i&255) + int32(t>>i&255) - int32(tl>>i&255)
		p |= uint32(min(max(v, 0), 255)) << i
	}
	return p
}

// halfGradient is ClampAddSubtractHalf: a + (a - b)/2, between 0 and 255. The division
// rounds towards 0.
func halfGradient(a, b uint32) (p uint32) {
	for i := 0; i < 32; i += 8 {
		x := int32(a >> i & 255)
		v := x + (x-int32(b>>i&255))/2
		p |= uint32(min(max(v, 0), 255)) << i
	}
	return p
}
