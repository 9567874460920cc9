package vp8l

import "slices"

// Whether a copy pays depends on what its pixels would cost as literals. The codes are not
// known yet, so that costs are guessed by a first look at how often each byte occurs.

// literalCosts sets sums to what the pixels before each pixel of the band cost as
// literals, in bits × 16.
func (m *matcher) literalCosts(start, end int) {
	m.start = start
	m.sums = slices.Grow(m.sums[:0], end-start+1)[:end-start+1]
	m.sums[0] = 0
	if m.predicted {
		m.differenceCosts(start, end)
	} else {
		m.graphicCosts(start, end)
	}
}

// graphicCosts is literalCosts for pixels that are not predicted: by how often each byte
// occurs. Pixels that repeat the one to the left or above are not counted, since they will
// be copies.
func (m *matcher) graphicCosts(start, end int) {
	var h [4][256]uint32
	var hashed [256]uint32
	step := max(1, (end-start)>>16) * m.width
	for at := start; at < end; at += step {
		row := m.px[at:min(at+m.width, end)]
		last := ^row[0]
		for i, p := range row {
			if p == last || at+i >= m.width && p == m.px[at+i-m.width] {
				last = p
				continue
			}
			last = p
			count(&h, p)
			hashed[hash8(p)]++
		}
	}
	costs := newByteCosts(&h)
	var hashCosts [256]uint32
	bitCosts(hashCosts[:], hashed[:])
	var sum, cost uint32
	last := ^m.px[start]
	sums := m.sums[1:]
	for i, p := range m.px[start:end] {
		if p != last {
			last = p
			cost = min(costs.of(p), hashCosts[hash8(p)]+cacheBitsMore)
		}
		sum += cost
		sums[i] = sum
	}
}

// costClasses is the number of kinds of area that differenceCosts tells apart, and
// costArea the width of an area in pixels and its height in rows.
const (
	costClasses = 8
	costArea    = 32
)

// differenceCosts is literalCosts for differences from predictions. A smooth area needs
// far fewer bits than a rough one, so that areas are put into classes by what they cost
// with the statistics of all, and then each class has its own.
func (m *matcher) differenceCosts(start, end int) {
	px := m.px[start:end]
	w := m.width
	var h [4][256]uint32
	for at := 0; at < len(px); at += 4 * w {
		for _, p := range px[at:min(at+w, len(px))] {
			count(&h, p)
		}
	}
	all := newByteCosts(&h)
	var classes [costClasses][4][256]uint32
	across := (w-1)/costArea + 1
	class := make([]uint8, across*((len(px)/w-1)/costArea+1))
	for i := range class {
		x, y := i%across*costArea, i/across*costArea
		n := min(costArea, w-x)
		var sum, pixels uint32
		area := func(step int, f func(row []uint32)) {
			for r := y; r < min(y+costArea, len(px)/w); r += step {
				f(px[r*w+x : r*w+x+n])
			}
		}
		area(4, func(row []uint32) {
			for _, p := range row {
				sum += all.of(p)
			}
			pixels += uint32(n)
		})
		class[i] = uint8(min(sum/(pixels*16*costStep), costClasses-1))
		area(2, func(row []uint32) {
			for _, p := range row {
				count(&classes[class[i]], p)
			}
		})
	}
	var costs [costClasses]*byteCosts
	for i := range costs {
		costs[i] = newByteCosts(&classes[i])
	}
	sums := m.sums[1:]
	var sum uint32
	for at := 0; at < len(px); at += w {
		row := class[at/w/costArea*across:]
		for x := 0; x < w; x += costArea {
			t := costs[row[x/costArea]]
			out := sums[at+x : at+min(x+costArea, w)]
			for i, p := range px[at+x:][:len(out)] {
				sum += max(t.of(p), leastCost)
				out[i] = sum
			}
		}
	}
}

// costStep is how many bits a pixel of one class costs more than of the class before, and
// leastCost what a pixel costs at least, in bits × 16: it keeps copies worth their while in
// flat areas, where they save time rather than bits.
const (
	costStep  = 2
	leastCost = 4
)

// byteCosts is what each byte of a pixel costs as part of a literal, in bits × 16.
type byteCosts [4][256]uint32

func newByteCosts(h *[4][256]uint32) *byteCosts {
	c := new(byteCosts)
	for i := range h {
		bitCosts(c[i][:], h[i][:])
	}
	return c
}

func (c *byteCosts) of(p uint32) uint32 {
	return c[0][p&255] + c[1][p>>8&255] + c[2][p>>16&255] + c[3][p>>24]
}

// cacheBitsMore is what a pixel of the cache costs more than the entropy of 8 bits of its
// hash, in bits × 16.
const cacheBitsMore = 32

func hash8(p uint32) uint32 { return p * 0x39c5fba7 >> 24 }

// bitCosts sets costs to bits × 16 of symbols that occur counts times.
func bitCosts(costs, counts []uint32) {
	var total uint32
	for _, n := range counts {
		total += n
	}
	all := log2(total + 1)
	for s, n := range counts {
		costs[s] = uint32(16 * max(0, all-log2(max(n, 1))))
	}
}
