package vp8l

import (
	"math/bits"
)

// matcher finds copies: LZ77 over pixels (RFC 9649, 5.2.2).
//
// Places where the same minMatch pixels begin are chained: head has the last place of each
// hash value and prev the one before each place. Copies from the pixel to the left and
// from the pixel above are tried first. They cost least, since their distances have the
// shortest codes, and in flat and repeating areas they are so long that the chains are not
// needed.
type matcher struct {
	width             int
	dist              *distances
	px                []uint32
	base              int     // place of px[0] among all pixels, also those that are forgotten
	head              []int32 // places; -1: none
	prev              []int32 // places, by place modulo the length, a power of 2
	shift             uint
	left, above, last repeat // of distance 1, width, and the last one found
	found             []copied
	tokens            []token
	misses            int // literals lately, less what copies were found
	copyBits          int
	predicted         bool     // pixels are differences from predictions
	start             int      // of the band in px
	sums              []uint32 // literalCosts
}

const (
	minMatch  = 3  // pixels that are hashed
	chainLen  = 8  // places tried
	niceMatch = 48 // pixels; a copy as long as this is taken as it is
	goodMatch = 12 // pixels; no longer copy is searched than such a one
	// After 1<<skipAfter literals in a row every second pixel is looked up, after twice as
	// many every third, and so on: a photograph has no copies.
	skipAfter = 6
	maxSkip   = 24
	// A copy makes up for as many literals as it saves such gains, in bits × 16.
	gainPerMiss = 32
)

// newMatcher returns a matcher for n pixels at a time, of a picture that is width wide.
func newMatcher(width, n int) *matcher {
	m := &matcher{width: width, dist: newDistances(width), copyBits: copyBits}
	b := min(max(bits.Len(uint(n)), 8), 17)
	m.head = make([]int32, 1<<b)
	m.forget()
	m.prev = make([]int32, 1<<bits.Len(uint(min(n, maxDistance)-1)))
	m.shift = uint(64 - b)
	return m
}

func (m *matcher) hash(i int) uint64 {
	a, b := uint64(m.px[i])|uint64(m.px[i+1])<<32, uint64(m.px[i+2])
	return (a*0x9e3779b97f4a7c15 + b*0xc2b2ae3d27d4eb4f) >> m.shift
}

// chain puts pixel i into the chain of its hash value, and returns the place before it.
func (m *matcher) chain(i int) int {
	h := m.hash(i)
	j := m.head[h]
	m.head[h] = int32(m.base + i)
	m.prev[(m.base+i)&(len(m.prev)-1)] = j
	return int(j)
}

// match returns how many pixels from i on are those from j on, at most limit.
func (m *matcher) match(i, j, limit int) int {
	a, b := m.px[i:i+limit], m.px[j:]
	b = b[:len(a)]
	for n := range a {
		if a[n] != b[n] {
			return n
		}
	}
	return limit
}

// copied is a copy that is possible.
//
// known says that the pixel before could be copied from the same distance.
type copied struct {
	n, distance int
	known       bool
}

// repeat is what is known of one distance: pixels before end repeat those before them.
type repeat struct{ distance, end int }

// length returns how many pixels from i on repeat those before them.
func (m *matcher) length(r *repeat, i, limit int) int {
	if i >= r.end {
		r.end = i + m.match(i, i-r.distance, limit)
	}
	return min(r.end-i, limit)
}

// copies returns the copies for pixel i, each longer than the one before and mostly of a
// longer distance. It enters i into the chains. The slice is valid until the next call.
//
// The last copy found is remembered, as are those from the left and from above: one pixel
// on they are one pixel shorter, and need not be compared again.
func (m *matcher) copies(i, end int) []copied {
	limit := end - i
	m.found = m.found[:0]
	n := 1
	if i >= 1 && m.px[i] == m.px[i-1] {
		known := i < m.left.end
		if l := m.length(&m.left, i, limit); l > n {
			n = l
			m.found = append(m.found, copied{l, 1, known})
		}
	}
	if i >= m.width && m.width > 1 && m.px[i] == m.px[i-m.width] {
		known := i < m.above.end
		if l := m.length(&m.above, i, limit); l > n {
			n = l
			m.found = append(m.found, copied{l, m.width, known})
		}
	}
	if l := min(m.last.end-i, limit); l > n {
		n = l
		m.found = append(m.found, copied{l, m.last.distance, true})
	}
	if n >= niceMatch || limit < minMatch {
		return m.found
	}
	j := m.chain(i)
	if n >= goodMatch {
		return m.found
	}
	for k := 0; j >= 0 && k < chainLen; k++ {
		d := m.base + i - j
		if d > maxDistance || d > i || d <= 0 {
			break // the place was forgotten, and its entry may be another's
		}
		if n < limit && m.px[i+n] == m.px[i+n-d] {
			if l := m.match(i, i-d, limit); l > n {
				n = l
				m.found = append(m.found, copied{l, d, false})
				m.last = repeat{d, i + l}
				if n >= niceMatch {
					break
				}
			}
		}
		j = int(m.prev[j&(len(m.prev)-1)])
	}
	return m.found
}

// find returns the best copy for pixel i, and how many bits it saves, about; 0, 0, 0 if
// there is none. It enters i into the chains.
func (m *matcher) find(i, end int) (n, distance, gain int) {
	for _, c := range m.copies(i, end) {
		if g := m.gain(i, c.n, c.distance); g > gain {
			n, distance, gain = c.n, c.distance, g
		}
	}
	return n, distance, gain
}

// gain returns how many bits, × 16, the copy of n pixels from i on saves.
func (m *matcher) gain(i, n, distance int) int {
	_, _, lb := prefix(min(n, maxLength))
	c := m.dist.code(distance)
	_, _, db := prefix(c)
	bits := m.copyBits + int(lb) + int(db)
	if c > 2 {
		bits += farBits
	}
	return int(m.sums[i+n-m.start]-m.sums[i-m.start]) - 16*bits
}

// What a copy costs besides the extra bits of its length and distance, in bits, about; and
// how much more unless it is from the pixel to the left or above.
const (
	copyBits          = 9
	copyBitsPredicted = 12
	farBits           = 2
)

// parse makes tokens of pixels start to end. Of two copies that begin at neighbouring
// pixels it takes the one that saves more.
func (m *matcher) parse(start, end int) {
	m.literalCosts(start, end)
	m.tokens = m.tokens[:0]
	if cap(m.tokens) < end-start {
		m.tokens = make([]token, 0, end-start)
	}
	i := start
	for i < end {
		n, d, gain := m.find(i, end)
		if n < 2 {
			m.tokens = append(m.tokens, literal)
			i++
			m.misses = min(m.misses+1, maxSkip<<skipAfter)
			for skip := min(m.misses>>skipAfter, maxSkip); skip > 0 && i < end; skip-- {
				m.tokens = append(m.tokens, literal)
				i++
			}
			continue
		}
		m.misses = max(0, m.misses-gain/gainPerMiss)
		at := i + 1 // first place that is not in the chains
		for n < niceMatch && at < end {
			n2, d2, gain2 := m.find(at, end)
			at++
			if gain2 <= gain {
				break
			}
			m.tokens = append(m.tokens, literal)
			i++
			n, d, gain = n2, d2, gain2
		}
		m.enter(at, i+n)
		i += n
		m.appendCopy(n, d)
	}
}

// appendCopy appends the tokens of a copy of any length.
func (m *matcher) appendCopy(n, distance int) {
	for n > 0 {
		l := min(n, maxLength)
		if l == 1 {
			m.tokens = append(m.tokens, literal)
		} else {
			m.tokens = append(m.tokens, copyToken(l, distance))
		}
		n -= l
	}
}

// forget empties the chains.
func (m *matcher) forget() {
	m.move()
	for i := range m.head {
		m.head[i] = -1
	}
}

// move forgets what repeats, since px is another part of the picture.
func (m *matcher) move() {
	m.left, m.above, m.last = repeat{distance: 1}, repeat{distance: m.width}, repeat{}
}

// enter puts places of a copy into the chains: of a long one only the last, since what
// begins in it begins at the pixels that it copies too.
func (m *matcher) enter(from, to int) {
	to = min(to, len(m.px)-minMatch+1)
	for i := max(from, to-niceMatch); i < to; i++ {
		m.chain(i)
	}
}
