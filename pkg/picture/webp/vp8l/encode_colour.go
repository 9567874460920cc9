package vp8l

// The colour transform (RFC 9649, 4.2) subtracts a part of green from red, and parts of
// green and of red from blue. The bytes count as signed, and a part is a signed number of
// 32ths, which each tile has of its own.

// multipliers are the parts of one tile.
type multipliers struct{ greenToRed, greenToBlue, redToBlue int8 }

// pixel returns them as the file has them.
func (m multipliers) pixel() uint32 {
	return opaque | uint32(uint8(m.redToBlue))<<16 | uint32(uint8(m.greenToBlue))<<8 | uint32(uint8(m.greenToRed))
}

// colourer chooses and applies the multipliers.
type colourer struct {
	width int
	tiles []uint32
}

// band transforms rows.
func (c *colourer) band(px []uint32) {
	w := c.width
	rows := len(px) / w
	const side = 1 << tileBits
	for ty := 0; ty < rows; ty += side {
		for tx := 0; tx < w; tx += side {
			tw, th := min(side, w-tx), min(side, rows-ty)
			m := c.choose(px, tx, ty, tw, th)
			c.tiles = append(c.tiles, m.pixel())
			if m == (multipliers{}) {
				continue
			}
			for r := ty; r < ty+th; r++ {
				m.apply(px[r*w+tx : r*w+tx+tw])
			}
		}
	}
}

func (m multipliers) apply(px []uint32) {
	gr, gb, rb := int32(m.greenToRed), int32(m.greenToBlue), int32(m.redToBlue)
	for i, p := range px {
		g, r := int32(int8(p>>8)), int32(int8(p>>16))
		red := r - gr*g>>5
		blue := int32(p) - gb*g>>5 - rb*r>>5
		px[i] = p&0xff00ff00 | uint32(red)&255<<16 | uint32(blue)&255
	}
}

// choose returns the multipliers that make the squares of red and blue least: linear
// regression over some rows of the tile. Red is fitted by green alone, blue by both. If
// that does not make the differences clearly cheaper there are none.
func (c *colourer) choose(px []uint32, tx, ty, tw, th int) multipliers {
	var gg, gr, gb, rr, rb int64
	step := 2
	if th < 4 {
		step = 1
	}
	for r := ty; r < ty+th; r += step {
		for _, p := range px[r*c.width+tx : r*c.width+tx+tw] {
			g, r, b := int64(int8(p>>8)), int64(int8(p>>16)), int64(int8(p))
			gg += g * g
			gr += g * r
			gb += g * b
			rr += r * r
			rb += r * b
		}
	}
	var m multipliers
	if gg == 0 && rr == 0 {
		return m
	}
	if gg > 0 {
		m.greenToRed = fraction(float64(gr) / float64(gg))
	}
	// Of (gg gr; gr rr) × (x; y) = (gb; rb).
	det := float64(gg)*float64(rr) - float64(gr)*float64(gr)
	if det > 1e-3*float64(gg)*float64(rr) {
		m.greenToBlue = fraction((float64(gb)*float64(rr) - float64(rb)*float64(gr)) / det)
		m.redToBlue = fraction((float64(rb)*float64(gg) - float64(gb)*float64(gr)) / det)
	} else if gg > 0 {
		m.greenToBlue = fraction(float64(gb) / float64(gg))
	}
	return c.worth(m, px, tx, ty, tw, th)
}

// fraction returns f in 32ths.
func fraction(f float64) int8 { return int8(min(max(f*32, -127), 127)) }

// worth returns m without the parts that do not make the differences cheaper.
func (c *colourer) worth(m multipliers, px []uint32, tx, ty, tw, th int) multipliers {
	var red, newRed, blue, newBlue uint32
	var buf [1 << maxTileBits]uint32
	for r := ty; r < ty+th; r += 4 {
		from := px[r*c.width+tx : r*c.width+tx+tw]
		n := copy(buf[:], from)
		m.apply(buf[:n])
		for i, p := range from {
			q := buf[i]
			red += uint32(residualBits[size(p>>16)])
			blue += uint32(residualBits[size(p)])
			newRed += uint32(residualBits[size(q>>16)])
			newBlue += uint32(residualBits[size(q)])
		}
	}
	if newRed+64 > red {
		m.greenToRed = 0
	}
	if newBlue+64 > blue {
		m.greenToBlue, m.redToBlue = 0, 0
	}
	return m
}

// size returns the absolute value of the lowest byte, taken as signed.
func size(v uint32) int {
	d := int(int8(v))
	return max(d, -d)
}

// subtractGreen subtracts green from red and blue (RFC 9649, 4.3).
func subtractGreen(px []uint32) {
	px = px[vectorSubtractGreen(px):]
	for i, p := range px {
		px[i] = minusGreen(p)
	}
}

// minusGreen is subtractGreen of one pixel. A bit above each byte keeps a borrow from its
// neighbour.
func minusGreen(p uint32) uint32 {
	g := p >> 8 & 255
	return p&0xff00ff00 | ((p&0x00ff00ff|0x01000100)-(g|g<<16))&0x00ff00ff
}
