package gif

import (
	"image/color"
	"slices"
)

// A pixel is 0xffRRGGBB, or 0 where it is transparent.
type pixel uint32

func (p pixel) r() int { return int(p >> 16 & 255) }
func (p pixel) g() int { return int(p >> 8 & 255) }
func (p pixel) b() int { return int(p & 255) }

func rgb(r, g, b uint8) pixel { return 0xff<<24 | pixel(r)<<16 | pixel(g)<<8 | pixel(b) }

func (p pixel) color() color.NRGBA {
	return color.NRGBA{uint8(p.r()), uint8(p.g()), uint8(p.b()), uint8(p >> 24)}
}

// view is a rectangle of pixels.
type view struct {
	pix          []pixel // from its first one on
	stride, w, h int
}

func (v view) row(y int) []pixel { return v.pix[y*v.stride:][:v.w] }

// seeThrough reports whether a pixel is transparent.
func (v view) seeThrough() bool {
	for y := range v.h {
		if slices.Contains(v.row(y), 0) {
			return true
		}
	}
	return false
}

// maxEntries bounds the colours that are told apart when a palette is made.
const maxEntries = 1 << 16

// entry is one colour of a picture, or several near ones, and how often it is there.
type entry struct {
	sum [3]int64 // of red, green, blue
	n   int64
}

func (e *entry) mean(axis int) float64 { return float64(e.sum[axis]) / float64(e.n) }

// count returns the colours of the opaque pixels. Where there are more than
// maxEntries they are put together by their leading bits, as few as needed.
func count(v view) []entry {
	for bits := 8; ; bits-- {
		if e := countBits(v, bits); e != nil {
			return e
		}
	}
}

// countBits counts colours by their leading bits; nil if there are too many.
func countBits(v view, bits int) []entry {
	const slots = 1 << 18
	m := pixel(0xff<<(8-bits)) & 0xff
	mask := 0xff<<24 | m<<16 | m<<8 | m
	keys := make([]pixel, slots) // open addressing; 0 is free, transparent is no key
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

// palette returns at most most colours for the entries: themselves if they are
// so few, else a median cut (Heckbert 1982) that always divides the box with the
// greatest squared error, along the axis and at the place which leaves the least
// (Wu 1991), improved by moving each colour to the mean of what it stands for.
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

// color returns the mean, rounded.
func (e *entry) color() pixel {
	var c [3]uint8
	for a := range c {
		c[a] = uint8((e.sum[a] + e.n/2) / e.n)
	}
	return rgb(c[0], c[1], c[2])
}

// refine moves each colour to the mean of the entries that it is nearest to.
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

// box is a set of entries that one colour may stand for.
type box struct {
	entries []entry
	axis    int     // along which it is best divided, and sorted
	at      int     // before this entry
	gain    float64 // squared error saved thereby; -1 if it can't be divided
}

func newBox(entries []entry) box {
	b := box{entries: entries, gain: -1}
	if len(entries) < 2 {
		return b
	}
	// The axis is that of the greatest variance.
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
		// x.mean < y.mean, without division
		switch l, r := x.sum[b.axis]*y.n, y.sum[b.axis]*x.n; {
		case l < r:
			return -1
		case l > r:
			return 1
		}
		return 0
	})
	// The error saved by dividing is the sum of s²/n of the halves (over all three
	// axes), less that of the whole.
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
	at := max(1, b.at) // 0 only if rounding made every gain negative
	return newBox(b.entries[:at]), newBox(b.entries[at:])
}

// mapper finds the nearest of some colours.
type mapper struct {
	sorted []ranked // by r+g+b
	start  [766]int // the first of sorted with at least that sum
	cache  []cached
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

// newMapper takes 1 to 256 colours.
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

// nearest returns the index of the colour nearest to the opaque p, by squared
// distance in RGB. Sums that differ by d are colours at least d²/3 apart, so the
// search goes outward from p's sum and ends early.
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
