package vp8l

import (
	"math"
	"slices"
)

// The parse of a graphic, in which most pixels are copied. When the cost of each symbol is
// known, the cheapest tokens for some pixels are the shortest path through a graph: its
// nodes are the places between pixels, and each token is an edge over the pixels that it
// stands for. All edges lead forward, so that one pass finds the least cost of each node:
//
//	cost[0] = 0
//	cost[k+n] = min(cost[k+n], cost[k] + cost of a token of n pixels at k)
//
// The tokens are then read off backwards. A copy of niceMatch pixels or more is taken as it
// is, which ends the path: in flat areas no other would be better, and those are where most
// of the pixels are.

// tokenCosts is what tokens cost, in bits × 16.
type tokenCosts struct {
	symbols []uint32
	lengths [niceMatch + 1]node                 // what a length adds to the node of a copy of one pixel
	memo    [64]struct{ distance, cost uint32 } // by the low bits of a distance
	cache   *cache                              // as the decoder's is at the next pixel
}

// newTokenCosts returns costs by how often symbols occur, with the cache as it is.
func newTokenCosts(counts []uint32, c *cache) *tokenCosts {
	t := &tokenCosts{symbols: make([]uint32, len(counts)), cache: c}
	for _, a := range alphabets(c.bits) {
		bitCosts(t.symbols[a[0]:a[1]], counts[a[0]:a[1]])
	}
	for n := 2; n < len(t.lengths); n++ {
		s, _, bits := prefix(n)
		t.lengths[n] = newNode(t.symbols[symLength+s]+16*uint32(bits), copyToken(n, 0))
	}
	return t
}

// pixel returns the token for a pixel that is not copied, and its cost. The pixel enters
// the cache, whatever becomes of it: copied pixels do so too.
func (t *tokenCosts) pixel(p uint32) (token, uint32) {
	k := t.cache.token(p)
	if k != literal {
		return k, t.symbols[symCache+k]
	}
	c := t.symbols[:symCache]
	return k, c[symGreen+p>>8&255] + c[symRed+p>>16&255] + c[symBlue+p&255] + c[symAlpha+p>>24]
}

// distance returns the cost of a distance, which is often one of the last few.
func (t *tokenCosts) distance(d *distances, distance int) uint32 {
	m := &t.memo[distance&(len(t.memo)-1)]
	if m.distance != uint32(distance) {
		s, _, bits := prefix(d.code(distance))
		m.distance, m.cost = uint32(distance), t.symbols[symDistance+s]+16*uint32(bits)
	}
	return m.cost
}

// pathPixels is the number of pixels of the longest path, and runTail of the end of a run
// in which copies may begin that go on behind it.
const (
	pathPixels = 1 << 12
	runTail    = 24
)

// path has the places of a path.
type path struct {
	nodes [pathPixels + 1]node
	ends  [pathPixels + 1]bool // whether a copy leads here that could not be longer
}

// node is the cheapest way to a place: its cost, times 2^32, and its last token. So the
// smaller of two nodes is the cheaper one.
type node uint64

func newNode(cost uint32, t token) node { return node(cost)<<32 | node(t) }

func (n node) cost() uint32 { return uint32(n >> 32) }
func (n node) token() token { return token(n) }

// start makes the costs of places infinite but that of place 0.
func (p *path) start(places int) {
	for k := range places {
		p.open(k)
	}
	p.nodes[0] = 0
}

// open makes the cost of a place infinite.
func (p *path) open(k int) { p.nodes[k], p.ends[k] = math.MaxUint64, false }

// offer offers copies of least to most pixels from one place on. first is the node to
// which the copy of one pixel would lead, without the cost of its length.
func (p *path) offer(k, least, most int, first node, lengths *[niceMatch + 1]node) {
	if least > most {
		return
	}
	add := lengths[least : most+1]
	to := p.nodes[k+least:][:len(add)]
	for i, a := range add {
		to[i] = min(to[i], first+a)
	}
}

// parseBest makes tokens of pixels start to end, by costs. Their pixels enter the cache.
func (m *matcher) parseBest(start, end int, t *tokenCosts) {
	m.tokens = m.tokens[:0]
	if cap(m.tokens) < end-start {
		m.tokens = make([]token, 0, end-start)
	}
	p := new(path)
	for i := start; i < end; {
		i = m.parsePath(i, end, t, p)
	}
}

// parsePath makes tokens from one pixel on, and returns the first pixel that is left.
//
// Within a run of one colour a cheapest path has no need to go from one copy to another but
// where the first one ends, or where the second begins to the right of the run too. So most
// places in a long run are passed over: the copy from the left leads across all of them.
func (m *matcher) parsePath(from, end int, t *tokenCosts, p *path) int {
	n := min(pathPixels, end-from)
	p.start(min(niceMatch, n) + 1)
	for k := 0; k < n; k++ {
		i := from + k
		if k+niceMatch <= n {
			p.open(k + niceMatch)
		}
		if k > 0 && m.px[i] == m.px[i-1] && i+runTail <= m.left.end && !p.ends[k] {
			continue
		}
		copies := m.copies(i, end)
		if c := len(copies); c > 0 && copies[c-1].n >= niceMatch {
			m.backtrack(p, k)
			m.take(i, copies[c-1], t)
			return i + copies[c-1].n
		}
		here := p.nodes[k].cost()
		one, cost := t.pixel(m.px[i])
		p.nodes[k+1] = min(p.nodes[k+1], newNode(here+cost, one))
		l := 2
		for _, c := range copies {
			if c.known && k > 0 && c.n <= n-k {
				l = max(l, c.n) // the shorter ones go on what was offered at the pixel before
			}
			if c.distance > 1 && c.n <= n-k {
				p.ends[k+c.n] = true
			}
			most := min(c.n, n-k)
			p.offer(k, l, most, newNode(here+t.distance(m.dist, c.distance), copyToken(1, c.distance)), &t.lengths)
			l = max(l, most+1)
		}
	}
	m.backtrack(p, n)
	return from + n
}

// backtrack appends the tokens of the cheapest path to place k.
func (m *matcher) backtrack(p *path, k int) {
	first := len(m.tokens)
	for k > 0 {
		t := p.nodes[k].token()
		m.tokens = append(m.tokens, t)
		k -= t.pixels()
	}
	slices.Reverse(m.tokens[first:])
}

// take appends a long copy for pixel i, which is in the tables already.
func (m *matcher) take(i int, c copied, t *tokenCosts) {
	m.enter(i+1, i+c.n)
	m.appendCopy(c.n, c.distance)
	t.cache.put(m.px[i:i+c.n], c.distance)
}
