package vp8l

import "math/bits"

// matcher finds copies: LZ77 over pixels (RFC 9649, 5.2.2).
//
// Copies from the pixel to the left and from the pixel above are tried first. They cost
// least, since their distances have the shortest codes, and in flat and repeating areas
// they are so long that nothing else is needed.
//
// Others are looked up in two tables. The short one knows places by 3 pixels. Text has
// thousands of places that begin with the same 3 pixels, most of them paper, so that the
// latest 8 give short copies only. The long table knows places by 12 pixels, and finds
// words again.
type matcher struct {
	width             int
	dist              *distances
	px                []uint32
	base              int // place of px[0] among all pixels, also those that are forgotten
	short, long       places
	hashes            hashes
	longGain          int    // see useLong
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
	minMatch  = 3   // pixels that the short table is looked up by
	niceMatch = 128 // pixels; a copy as long as this is taken as it is
	goodMatch = 12  // pixels; with such a copy the short table is not looked at
	longMatch = 24  // pixels that are needed to look into the long table
	fairMatch = 8   // pixels; with a longer copy the long table is looked at now and then
	// After 1<<skipAfter literals in a row every second pixel is looked up, after twice as
	// many every third, and so on: a photograph has no copies.
	skipAfter = 6
	maxSkip   = 24
	// A copy makes up for as many literals as it saves such gains, in bits × 16.
	gainPerMiss = 32
	// Where a longer copy is known already, every rarely-th pixel is looked up or entered:
	// a copy that goes farther is found as well a few pixels later.
	rarely = 8
	// Places of a copy that are entered, the last ones: what begins in it begins at the
	// pixels that it copies, too.
	entered = 16
	// The largest tables have 1<<shortBits and 1<<longBits buckets. Larger ones find a
	// little more, but do not fit the caches of a processor.
	shortBits = 13
	longBits  = 14
)

// newMatcher returns a matcher for n pixels at a time, of a picture that is width wide.
func newMatcher(width, n int) *matcher {
	m := &matcher{width: width, dist: newDistances(width), copyBits: copyBits, longGain: maxLongGain}
	m.short, m.long = newPlaces(n, shortBits), newPlaces(n, longBits)
	m.move()
	return m
}

// match returns how many pixels from i on are those from j on, at most limit.
func (m *matcher) match(i, j, limit int) int {
	a, b := m.px[i:i+limit], m.px[j:]
	b = b[:len(a)]
	for n := range min(8, len(a)) { // most copies are short
		if a[n] != b[n] {
			return n
		}
	}
	for n := vectorMatch(a, b); n < len(a); n++ {
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
// longer distance. It enters i into the tables. The slice is valid until the next call.
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
	now := n <= fairMatch || i%rarely == 0
	if m.useLong(i) {
		key := m.longKey(i)
		b := m.long.at(key)
		if now {
			before := n
			n = m.search(b, key, i, n, limit, longMatch, longTries)
			gain := (n-before)/pixelsPerSearch - 1
			m.longGain = max(-maxLongGain, min(m.longGain+gain, maxLongGain))
		}
		b.enter(key, m.base+i)
	}
	if n < goodMatch || i%rarely == 0 {
		key := m.shortKey(i)
		b := m.short.at(key)
		if n < goodMatch {
			m.search(b, key, i, n, limit, 2*minMatch, shortTries)
		}
		b.enter(key, m.base+i)
	}
	return m.found
}

// tries is how many places of a bucket are compared: of those with the same tag, and of
// those with the same bits of the first hash. In the short table these give copies of 3
// to 5 pixels, from far away, which save next to nothing.
type tries struct{ twice, first int }

var (
	shortTries = tries{3, 0}
	longTries  = tries{8, 4}
)

// The long table costs time, and in most pictures few copies are found by it alone. So
// longGain keeps account: a search costs 1 and gains a third of the pixels by which it
// makes the copy longer. It begins with maxLongGain, which is also the most it can be.
const (
	maxLongGain     = 1 << 13
	pixelsPerSearch = 3
)

// useLong reports whether the long table is to be used for pixel i. If it does not pay it
// is used for one pixel in 16, in rows of 4,096, so that what pays later is noticed.
//
// Within a run of one colour all places have the same 12 pixels and none is
// entered but the last ones, whose 12 pixels include what follows the run.
func (m *matcher) useLong(i int) bool {
	return !m.predicted && i >= m.left.end-longMatch/2 && i+longMatch <= len(m.px) && (m.longGain > 0 || i>>12&15 == 0)
}

// shortKey returns the key of pixel i in the short table. A photograph has few pixels
// that are looked up, and they are far from each other.
func (m *matcher) shortKey(i int) uint32 {
	if !m.predicted {
		return m.hashes.short[m.hashed(i)]
	}
	px := m.px[i:]
	first := hash3(px)
	if len(px) < 2*minMatch {
		return m.short.key(first, first)
	}
	return m.short.key(first, hash6(px))
}

// longKey returns the key of pixel i in the long table.
func (m *matcher) longKey(i int) uint32 { return m.hashes.long[m.hashed(i)] }

// hashed returns where pixel i is in the block of keys.
func (m *matcher) hashed(i int) int {
	if k := i - m.hashes.from; uint(k) < hashBlock {
		return k
	}
	m.hashes.fill(m.px, i, &m.short, &m.long)
	return 0
}

// search appends copies of more than n pixels from places of a bucket to found, and
// returns how many pixels the longest one has. Places whose tag differs in the hash of
// twice pixels give shorter copies than that.
func (m *matcher) search(b *bucket, key uint32, i, n, limit, twice int, t tries) int {
	same, like := b.alike(key)
	for c := t.twice; same != 0 && c > 0 && n < niceMatch; c-- {
		n = m.compare(i, b.distance(bits.TrailingZeros32(same), m.base+i), n, limit)
		same &= same - 1
	}
	for c := t.first; like != 0 && c > 0 && n < twice; c-- {
		n = m.compare(i, b.distance(bits.TrailingZeros32(like), m.base+i), n, limit)
		like &= like - 1
	}
	return n
}

// compare appends the copy of that distance to found if it has more than n pixels, and
// returns how many the longest one has.
func (m *matcher) compare(i, distance, n, limit int) int {
	if uint(distance-1) >= uint(min(i, maxDistance)) || n >= limit || m.px[i+n] != m.px[i+n-distance] {
		return n // a place that was forgotten, or no longer copy
	}
	if l := m.match(i, i-distance, limit); l > n {
		m.found = append(m.found, copied{l, distance, false})
		m.last = repeat{distance, i + l}
		return l
	}
	return n
}

// find returns the best copy for pixel i, and how many bits it saves, about; 0, 0, 0 if
// there is none. It enters i into the tables.
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
		at := i + 1 // first place that is not in the tables
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

// move forgets what repeats, since px is another part of the picture.
func (m *matcher) move() {
	m.left, m.above, m.last = repeat{distance: 1}, repeat{distance: m.width}, repeat{}
	m.hashes.from = -hashBlock
}

// enter enters places of a copy that was taken.
func (m *matcher) enter(from, to int) {
	to = min(to, len(m.px)-minMatch+1)
	for i := max(from, to-entered); i < to; i++ {
		if i%rarely == 0 {
			key := m.shortKey(i)
			m.short.at(key).enter(key, m.base+i)
		}
		if m.useLong(i) {
			key := m.longKey(i)
			m.long.at(key).enter(key, m.base+i)
		}
	}
}
