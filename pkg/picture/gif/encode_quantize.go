package gif

import "slices"

// A palette for a picture with more than 256 colours is made in three steps.
//
//  1. count lists the picture's colours with the number of their pixels, as entries.
//  2. palette divides the entries into as many boxes as there may be colours, and takes
//     the mean of each box. Then it moves the colours a little (refine).
//  3. mapper finds the nearest palette colour for each pixel.
//
// A picture with fewer colours keeps them exactly.

// quantizer makes palettes. Its memory is used again for each frame.
type quantizer struct {
	keys    []pixel  // of count's hash table
	index   []uint16 // likewise
	entries []entry
	divider
	mapper
}

// A pixel is 0xffRRGGBB, or 0 if it is transparent.
type pixel uint32

func (p pixel) r() int { return int(p >> 16 & 255) }
func (p pixel) g() int { return int(p >> 8 & 255) }
func (p pixel) b() int { return int(p & 255) }

func rgb(r, g, b uint8) pixel { return 0xff<<24 | pixel(r)<<16 | pixel(g)<<8 | pixel(b) }

// view is a rectangle of pixels within a larger picture.
type view struct {
	pix          []pixel // the first is the top left one
	stride, w, h int
}

func (v view) row(y int) []pixel { return v.pix[y*v.stride:][:v.w] }

// hasTransparent reports whether some pixels are transparent.
func (v view) hasTransparent() bool {
	for y := range v.h {
		if slices.Contains(v.row(y), 0) {
			return true
		}
	}
	return false
}

// maxEntries is the number of entries that a palette is made from at most. More are
// slow and gain little: 0.02 dB of a photograph with four times as many. A quarter as
// many lose 0.3 dB.
const maxEntries = 1 << 14

// sums are the samples and the number of some pixels.
type sums struct {
	c [3]int64 // sums of their red, green, blue
	n int64    // number of pixels
}

func (s *sums) add(t *sums) {
	for a := range s.c {
		s.c[a] += t.c[a]
	}
	s.n += t.n
}

// mean returns the mean colour, rounded.
func (s *sums) mean() [3]uint8 {
	var c [3]uint8
	for a := range c {
		c[a] = uint8((s.c[a] + s.n/2) / s.n)
	}
	return c
}

// entry is one colour of a picture, or several similar ones.
type entry struct {
	sums
	at [3]uint8 // their mean
}

// slotBits is the size of the hash table as a power of 2: 4 × maxEntries.
const slotBits = 16

// count sets q.entries to the colours of the opaque pixels. If there are more than
// maxEntries, colours with the same leading bits share an entry: 7 bits of each sample,
// or fewer if these are still too many.
func (q *quantizer) count(v view) {
	if q.keys == nil {
		q.keys, q.index = make([]pixel, 1<<slotBits), make([]uint16, 1<<slotBits)
	}
	for bits := 8; !q.countBits(v, bits); bits-- {
	}
	for i := range q.entries {
		q.entries[i].at = q.entries[i].mean()
	}
}

// countBits makes an entry for all colours with the same leading bits of each sample.
// It reports whether they are few enough.
func (q *quantizer) countBits(v view, bits int) bool {
	m := pixel(0xff<<(8-bits)) & 0xff
	mask := 0xff<<24 | m<<16 | m<<8 | m
	keys, index := q.keys, q.index // open addressing; key 0 is a free slot
	clear(keys)
	out := q.entries[:0]
	defer func() { q.entries = out }()
	var last pixel
	var e *entry
	for y := range v.h {
		for _, p := range v.row(y) {
			if p == 0 {
				continue
			}
			if k := p & mask; k != last {
				i := uint32(k) * 0x9e3779b1 >> (32 - slotBits)
				for keys[i] != 0 && keys[i] != k {
					i = (i + 1) % (1 << slotBits)
				}
				if keys[i] == 0 {
					if len(out) == maxEntries {
						return false
					}
					keys[i], index[i] = k, uint16(len(out))
					out = append(out, entry{})
				}
				last, e = k, &out[index[i]]
			}
			e.c[0] += int64(p.r())
			e.c[1] += int64(p.g())
			e.c[2] += int64(p.b())
			e.n++
		}
	}
	return true
}

// palette returns at most most colours for the entries. If there are more entries, it
// divides boxes of entries as in the median cut (Heckbert 1982), but always the box
// with most to gain, along the axis and at the place where the squared error falls
// most (Wu 1991). Then refine improves the colours three times (Lloyd 1982).
func (q *quantizer) palette(most int) []pixel {
	entries := q.entries
	if len(entries) == 0 {
		return []pixel{rgb(0, 0, 0)}
	}
	colors := make([]pixel, 0, most)
	if len(entries) <= most {
		for i := range entries {
			c := entries[i].at
			colors = append(colors, rgb(c[0], c[1], c[2]))
		}
		return colors
	}
	boxes := []box{q.box(entries)}
	for len(boxes) < most {
		best := 0
		for i := range boxes {
			if boxes[i].gain > boxes[best].gain {
				best = i
			}
		}
		if boxes[best].gain < 0 {
			break
		}
		a, b := boxes[best].divide()
		boxes[best] = q.box(a)
		boxes = append(boxes, q.box(b))
	}
	for i := range boxes {
		var all sums
		for j := range boxes[i].entries {
			all.add(&boxes[i].entries[j].sums)
		}
		c := all.mean()
		colors = append(colors, rgb(c[0], c[1], c[2]))
	}
	for range 3 {
		q.refine(colors)
	}
	return colors
}

// refine assigns each entry to the nearest colour, and moves each colour to the mean of
// its entries. The squared error can only fall.
func (q *quantizer) refine(colors []pixel) {
	q.setColors(colors)
	near := make([]sums, len(colors))
	for i := range q.entries {
		e := &q.entries[i]
		near[q.nearest(rgb(e.at[0], e.at[1], e.at[2]))].add(&e.sums)
	}
	for i := range near {
		if near[i].n > 0 {
			c := near[i].mean()
			colors[i] = rgb(c[0], c[1], c[2])
		}
	}
}

// box is a set of entries that get one colour.
type box struct {
	entries []entry
	axis    int     // along which it is divided best: 0 red, 1 green, 2 blue
	cut     uint8   // entries below it on the axis are one half
	gain    float64 // by how much that lowers the squared error; -1: it can't be divided
}

// divide returns the halves of a box: its entries in another order.
func (b *box) divide() (low, high []entry) {
	n := 0
	for i := range b.entries {
		if b.entries[i].at[b.axis] < b.cut {
			b.entries[i], b.entries[n] = b.entries[n], b.entries[i]
			n++
		}
	}
	return b.entries[:n], b.entries[n:]
}

// divider finds where to divide boxes. It keeps a histogram along each axis, which is
// zero between calls.
type divider struct{ bins [3][256]sums }

// box returns the box of some entries, with the best place to divide it.
//
// The squared error of n values v around their mean is Σv² - (Σv)²/n. Dividing a box
// leaves Σv² as it is. So the gain is (Σv)²/n of both halves less that of the whole,
// for red, green and blue together. The histograms give these sums for each place.
func (d *divider) box(entries []entry) box {
	b := box{entries: entries, gain: -1}
	low, high := [3]uint8{255, 255, 255}, [3]uint8{}
	var all sums
	for i := range entries {
		e := &entries[i]
		all.add(&e.sums)
		for a, v := range e.at {
			d.bins[a][v].add(&e.sums)
			low[a], high[a] = min(low[a], v), max(high[a], v)
		}
	}
	square := func(s *sums) float64 {
		r, g, b := float64(s.c[0]), float64(s.c[1]), float64(s.c[2])
		return (r*r + g*g + b*b) / float64(s.n)
	}
	whole := square(&all)
	for a := range 3 {
		var left sums
		for v := int(low[a]); v <= int(high[a]); v++ {
			s := &d.bins[a][v]
			if v > int(low[a]) && s.n > 0 { // a place with nothing on it is no other place
				right := sums{c: all.c, n: all.n - left.n}
				for i := range right.c {
					right.c[i] -= left.c[i]
				}
				if gain := max(0, square(&left)+square(&right)-whole); gain > b.gain {
					b.axis, b.cut, b.gain = a, uint8(v), gain
				}
			}
			left.add(s)
			*s = sums{}
		}
	}
	return b
}

// A mapper divides the cube of colours into cells of 2^cellBits a side.
const (
	cellBits = 4
	cellSide = 1 << cellBits
	axisBits = 8 - cellBits // cells along a side of the cube: 2^axisBits
)

// mapper finds the nearest colour of a palette. For each cell of the cube of colours it
// keeps the palette colours that are nearest to some point in the cell, and compares a
// pixel with these only. They are found when the first pixel falls into the cell.
type mapper struct {
	colors [][3]int32
	cell   [1 << (3 * axisBits)]list
	lists  []uint8                  // of all cells
	apart  [3][1 << axisBits][]span // of each colour, for each axis and place of a cell
	last   pixel                    // the last pixel looked up; 0 before the first
	answer uint8                    // its index
}

// list is where a cell's colours are in mapper.lists. n is 0 before they are found.
type list struct{ at, n uint32 }

// span is how far a colour is from a cell along one axis: the squared distance of the
// nearest and of the farthest point.
type span struct{ near, far int32 }

// setColors sets the palette: 1 to 256 colours.
func (m *mapper) setColors(colors []pixel) {
	m.colors, m.lists, m.last = m.colors[:0], m.lists[:0], 0
	clear(m.cell[:])
	for _, p := range colors {
		m.colors = append(m.colors, [3]int32{int32(p.r()), int32(p.g()), int32(p.b())})
	}
	for a := range m.apart {
		for k := range m.apart[a] {
			spans := m.apart[a][k][:0]
			low := int32(k << cellBits)
			high := low + cellSide - 1
			for _, c := range m.colors {
				near, far := max(low-c[a], c[a]-high, 0), max(high-c[a], c[a]-low)
				spans = append(spans, span{near * near, far * far})
			}
			m.apart[a][k] = spans
		}
	}
}

// nearest returns the index of the colour nearest to the opaque p, by squared distance
// in RGB; of several the first.
func (m *mapper) nearest(p pixel) uint8 {
	if p == m.last {
		return m.answer
	}
	r, g, b := int32(p.r()), int32(p.g()), int32(p.b())
	cell := &m.cell[r>>cellBits<<(2*axisBits)|g>>cellBits<<axisBits|b>>cellBits]
	if cell.n == 0 {
		*cell = m.candidates(r>>cellBits, g>>cellBits, b>>cellBits)
	}
	best, index := int32(1<<30), uint8(0)
	for _, i := range m.lists[cell.at:][:cell.n] {
		c := &m.colors[i]
		dr, dg, db := c[0]-r, c[1]-g, c[2]-b
		if d := dr*dr + dg*dg + db*db; d < best {
			best, index = d, i
		}
	}
	m.last, m.answer = p, index
	return index
}

// candidates lists the colours that can be the nearest to a point of a cell. Take the
// colour whose farthest point of the cell is nearest to it, at distance D: every point
// of the cell is within D of that colour. So a colour that is further than D from all
// points of the cell is never the nearest one.
func (m *mapper) candidates(r, g, b int32) list {
	n := len(m.colors)
	rs, gs, bs := m.apart[0][r][:n], m.apart[1][g][:n], m.apart[2][b][:n]
	reach := int32(1 << 30)
	for i := range rs {
		reach = min(reach, rs[i].far+gs[i].far+bs[i].far)
	}
	at := len(m.lists)
	for i := range rs {
		if rs[i].near+gs[i].near+bs[i].near <= reach {
			m.lists = append(m.lists, uint8(i))
		}
	}
	return list{uint32(at), uint32(len(m.lists) - at)}
}
