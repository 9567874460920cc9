package vp8l

// plan is what holds for a whole picture.
type plan struct {
	palette   []uint32 // colours; nil: pixels are colours themselves
	green     bool     // green is subtracted from red and blue
	predict   bool     // pixels are predicted, and the colour transform follows
	groupBits uint     // side of the tiles that choose a group of codes
}

// maxTiles is the number of tiles that choose groups which a picture should not have more
// of: the small picture of the groups would cost too much.
const maxTiles = 2600

// analysis is histograms of what pixels would be with each set of transforms. Pixels that
// repeat the one to the left or above are left out: they become copies or zeros anyhow.
type analysis struct {
	direct, green, spatial, both [4][256]uint32
	hashed                       [256]uint32 // of whole pixels, by a hash: near the cost with a palette or cache
}

// add counts the pixels of a row; above is the row above.
func (a *analysis) add(row, above []uint32) {
	last := row[0]
	for i, p := range row[1:] {
		if p == last || p == above[i+1] {
			last = p
			continue
		}
		d := sub(p, last)
		last = p
		count(&a.direct, p)
		count(&a.spatial, d)
		count(&a.green, minusGreen(p))
		count(&a.both, minusGreen(d))
		a.hashed[hash8(p)]++
	}
}

func count(h *[4][256]uint32, p uint32) {
	h[0][p&255]++
	h[1][p>>8&255]++
	h[2][p>>16&255]++
	h[3][p>>24]++
}

func bitsOf(h *[4][256]uint32) (sum float32) {
	for i := range h {
		sum += codeCost(h[i][:])
	}
	return sum
}

// analyse chooses the transforms by the first rows of a picture w × h of colours, or the
// whole of it. px begins with a row that stands for the one above the first.
func analyse(px []uint32, w, h int) plan {
	var a analysis
	rows := len(px)/w - 1
	step := max(1, rows*w>>18) // about 2^18 pixels are looked at
	for r := 1; r <= rows; r += step {
		a.add(px[r*w:(r+1)*w], px[(r-1)*w:r*w])
	}
	p := newPlan(w, h)
	p.green, p.predict, _ = a.best(w, rows/step)
	return p
}

// best returns which transforms take the fewest bits, and how many those are. The pixels
// counted are of a picture w × h.
func (a *analysis) best(w, h int) (green, predict bool, least float32) {
	tiles := float32((w>>tileBits + 1) * (h>>tileBits + 1))
	least = bitsOf(&a.direct)
	if c := bitsOf(&a.green); c < least {
		green, least = true, c
	}
	if c := bitsOf(&a.spatial) + 4*tiles; c < least {
		green, predict, least = false, true, c
	}
	if c := bitsOf(&a.both) + 5*tiles; c < least {
		green, predict, least = true, true, c
	}
	return green, predict, least
}

// indexed returns the bits with a palette of n colours.
func (a *analysis) indexed(n int) float32 { return codeCost(a.hashed[:]) + 8*float32(n) }

// tileBits is the side of the tiles of predictors and multipliers, as a power of 2.
const tileBits = 5

// newPlan returns the plan of a picture without transforms.
func newPlan(w, h int) plan {
	p := plan{groupBits: 5}
	for p.groupBits < maxTileBits && (w>>p.groupBits+1)*(h>>p.groupBits+1) > maxTiles {
		p.groupBits++
	}
	return p
}
