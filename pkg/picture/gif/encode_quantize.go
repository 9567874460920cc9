package gif

// A palette for a picture is made in three steps.
//
//  1. count lists the picture's colours with the number of their pixels, as entries.
//  2. palette divides the entries into at most 256 boxes, each of which gets one
//     colour, the mean of its pixels. Then it moves the colours a little.
//  3. mapper finds the nearest palette colour for each pixel.
//
// A picture with at most 256 colours keeps them exactly.

import (
	"image/color"
	"slices"
)

// A pixel is 0xffRRGGBB, or 0 if it is transparent.
type pixel uint32

func (p pixel) r() int { return int(p >> 16 & 255) }
func (p pixel) g() int { return int(p >> 8 & 255) }
func (p pixel) b() int { return int(p & 255) }

func rgb(r, g, b uint8) pixel { return 0xff<<24 | pixel(r)<<16 | pixel(g)<<8 | pixel(b) }

func (p pixel) color() color.NRGBA {
	return color.NRGBA{uint8(p.r()), uint8(p.g()), uint8(p.b()), uint8(p >> 24)}
}

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

// maxEntries is the number of entries that a palette is made from at most.
const maxEntries = 1 << 16

// entry is one colour of a picture, or several similar ones, and its pixels.
type entry struct {
	sum [3]int64 // of their red, green, blue
	n   int64    // number of pixels
}

func (e *entry) mean(axis int) float64 { return float64(e.sum[axis]) / float64(e.n) }

// count returns the colours of the opaque pixels. If there are more than maxEntries,
// colours with the same leading bits share an entry: 7 bits of each sample, or fewer
// if these are still too many.
func count(v view) []entry {
	for bits := 8; ; bits-- {
		if e := countBits(v, bits); e != nil {
			return e
		}
	}
}

// countBits returns an entry for all colours with the same leading bits of each
// sample, or nil if that makes too many.
func countBits(v view, bits int) []entry {
	const slots = 1 << 18
	m := pixel(0xff<<(8-bits)) & 0xff
	mask := 0xff<<24 | m<<16 | m<<8 | m
	keys := make([]pixel, slots) // a hash table with open addressing; 0 is a free slot
	at := make([]uint32, slots)
	out := []entry{}
	var last pixel
	var e *entry
	for y := range v.h {
		for _, p := range v.row(y) {
			if p == 0 {
				continue
			}
			if k := p & mask; k != last {
				i := uint32(k) * 0x9e3779b1 >> 14
				for keys[i] != 0 && keys[i] != k {
					i = (i + 1) % slots
				}
				if keys[i] == 0 {
					if len(out) == maxEntries {
						return nil
					}
					keys[i], at[i] = k, uint32(len(out))
					out = append(out, entry{})
				}
				last, e = k, &out[at[i]]
			}
			e.sum[0] += int64(p.r())
			e.sum[1] += int64(p.g())
			e.sum[2] += int64(p.b())
			e.n++
		}
	}
	return out
}

// palette returns at most most colours for the entries. If there are more entries, it
// divides boxes of entries as in the median cut (Heckbert 1982), but always the box
// with most to gain, along the axis and at the place where the squared error falls
// most (Wu 1991). Then refine improves the colours three times (Lloyd 1982).
func palette(entries []entry, most int) []pixel {
	if len(entries) == 0 {
		return []pixel{rgb(0, 0, 0)}
	}
	boxes := []box{newBox(entries)}
	for len(boxes) < most {
		worst := 0
		for i := range boxes {
			if boxes[i].gain > boxes[worst].gain {
				worst = i
			}
		}
		if len(boxes[worst].entries) < 2 {
			break
		}
		a, b := boxes[worst].divide()
		boxes[worst] = a
		boxes = append(boxes, b)
	}
	colors := make([]pixel, len(boxes))
	for i := range boxes {
		var all entry
		for j := range boxes[i].entries {
			all.add(&boxes[i].entries[j])
		}
		colors[i] = all.color()
	}
	if len(entries) <= most {
		return colors
	}
	for range 3 {
		colors = refine(colors, entries)
	}
	return colors
}

func (e *entry) add(f *entry) {
	for a := range e.sum {
		e.sum[a] += f.sum[a]
	}
	e.n += f.n
}

// color returns the mean colour, rounded.
func (e *entry) color() pixel {
	var c [3]uint8
	for a := range c {
		c[a] = uint8((e.sum[a] + e.n/2) / e.n)
	}
	return rgb(c[0], c[1], c[2])
}

// refine assigns each entry to the nearest colour, and moves each colour to the mean of
// its entries. The squared error can only fall.
func refine(colors []pixel, entries []entry) []pixel {
	m := newMapper(colors)
	sums := make([]entry, len(colors))
	for i := range entries {
		sums[m.nearest(entries[i].color())].add(&entries[i])
	}
	out := make([]pixel, len(colors))
	for i := range out {
		if out[i] = colors[i]; sums[i].n > 0 {
			out[i] = sums[i].color()
		}
	}
	return out
}

// box is a set of entries that get one colour.
type box struct {
	entries []entry // sorted along axis
	axis    int     // along which it is divided: 0 red, 1 green, 2 blue
	at      int     // the second half starts at this entry
	gain    float64 // by how much dividing lowers the squared error; -1: one entry only
}

func newBox(entries []entry) box {
	b := box{entries: entries, gain: -1}
	if len(entries) < 2 {
		return b
	}
	// The axis along which the colours vary most: n·variance is Σv² - (Σv)²/n.
	most := -1.0
	for a := range 3 {
		var n, s, q float64
		for i := range entries {
			v, k := entries[i].mean(a), float64(entries[i].n)
			n, s, q = n+k, s+k*v, q+k*v*v
		}
		if v := q - s*s/n; v > most {
			most, b.axis = v, a
		}
	}
	slices.SortStableFunc(entries, func(x, y entry) int {
		// compares the means, multiplied by both numbers of pixels
		switch l, r := x.sum[b.axis]*y.n, y.sum[b.axis]*x.n; {
		case l < r:
			return -1
		case l > r:
			return 1
		}
		return 0
	})
	// The squared error of n values v around their mean is Σv² - (Σv)²/n. Dividing
	// leaves Σv² as it is. So what dividing gains is (Σv)²/n of both halves less that of
	// the whole, over all three axes.
	var all, left entry
	for i := range entries {
		all.add(&entries[i])
	}
	for i := range len(entries) - 1 {
		left.add(&entries[i])
		var gain float64
		for a := range 3 {
			l, r := float64(left.sum[a]), float64(all.sum[a]-left.sum[a])
			whole := float64(all.sum[a])
			gain += l*l/float64(left.n) + r*r/float64(all.n-left.n) - whole*whole/float64(all.n)
		}
		if gain > b.gain {
			b.gain, b.at = gain, i+1
		}
	}
	return b
}

func (b *box) divide() (box, box) {
	at := max(1, b.at) // at is 0 only if rounding made all gains negative
	return newBox(b.entries[:at]), newBox(b.entries[at:])
}

// mapper finds the nearest colour of a palette.
type mapper struct {
	sorted []ranked // by the sum of red, green, blue
	start  [766]int // for each sum, the first of sorted that has at least that sum
	cache  []cached // recent answers, by a hash of the pixel
}

type ranked struct {
	p     pixel
	sum   int
	index uint8
}

type cached struct {
	p     pixel
	index uint8
}

// newMapper returns a mapper for 1 to 256 colours.
func newMapper(colors []pixel) *mapper {
	m := &mapper{cache: make([]cached, 1<<14)}
	for i, p := range colors {
		m.sorted = append(m.sorted, ranked{p, p.r() + p.g() + p.b(), uint8(i)})
	}
	slices.SortStableFunc(m.sorted, func(x, y ranked) int { return x.sum - y.sum })
	j := 0
	for s := range m.start {
		for j < len(m.sorted) && m.sorted[j].sum < s {
			j++
		}
		m.start[s] = j
	}
	return m
}

// nearest returns the index of the colour nearest to the opaque p, by squared distance
// in RGB. It searches from p's sum of samples in both directions. If two sums differ
// by d, the squared distance of the colours is at least d²/3, by the inequality of
// Cauchy and Schwarz. So each direction ends when d²/3 reaches the best distance.
func (m *mapper) nearest(p pixel) uint8 {
	c := &m.cache[uint32(p)*0x9e3779b1>>18]
	if c.p == p {
		return c.index
	}
	r, g, b := p.r(), p.g(), p.b()
	sum := r + g + b
	best, index := 1<<30, uint8(0)
	try := func(k *ranked) bool {
		d := k.sum - sum
		if d*d >= 3*best {
			return false
		}
		dr, dg, db := k.p.r()-r, k.p.g()-g, k.p.b()-b
		if d := dr*dr + dg*dg + db*db; d < best {
			best, index = d, k.index
		}
		return true
	}
	up := m.start[sum]
	down := up - 1
	for more := true; more; {
		more = false
		if up < len(m.sorted) {
			if try(&m.sorted[up]) {
				up, more = up+1, true
			} else {
				up = len(m.sorted)
			}
		}
		if down >= 0 {
			if try(&m.sorted[down]) {
				down, more = down-1, true
			} else {
				down = -1
			}
		}
	}
	c.p, c.index = p, index
	return index
}
