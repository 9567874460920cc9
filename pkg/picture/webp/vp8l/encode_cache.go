package vp8l

import "slices"

// The colour cache (RFC 9649, 5.2.3) holds the last pixel of each hash value. A pixel that
// is in it can be coded by its place.
type cache struct {
	bits  int // of the number of places; 0: there is no cache
	px    []uint32
	shift uint
}

func newCache(bits int) *cache {
	return &cache{bits, make([]uint32, 1<<bits), uint(32 - bits)}
}

func (c *cache) clone() *cache { return &cache{c.bits, slices.Clone(c.px), c.shift} }

// slot returns where the cache of a decoder would look for p.
func (c *cache) slot(p uint32) uint32 { return p * 0x1e35a7bd >> c.shift }

// token returns the token for a pixel that is not copied, and puts the pixel into the
// cache.
func (c *cache) token(p uint32) token {
	if c.bits == 0 {
		return literal
	}
	s := c.slot(p)
	if c.px[s] == p {
		return token(s)
	}
	c.px[s] = p
	return literal
}

// put puts pixels into the cache that are copied. A decoder does the same. The pixels of a
// copy from a distance of 1 are there already.
func (c *cache) put(px []uint32, distance int) {
	if c.bits == 0 || distance == 1 {
		return
	}
	last := ^px[0]
	for _, p := range px {
		if p != last {
			c.px[c.slot(p)] = p
			last = p
		}
	}
}

// replace makes literals that the cache holds tokens of the cache. px are the pixels that
// the tokens stand for.
func (c *cache) replace(tokens []token, px []uint32) {
	if c.bits == 0 {
		return
	}
	at := 0
	for i, t := range tokens {
		n := t.pixels()
		if n == 1 {
			tokens[i] = c.token(px[at])
		} else {
			c.put(px[at:at+n], t.low())
		}
		at += n
	}
}

// cacheSizes are the sizes that are tried, in bits; 0 is none.
var cacheSizes = [...]int{0, 4, 6, 8, 10}

// cacheSample is the number of tokens with which they are tried.
const cacheSample = 1 << 17

// chooseCache returns the cache with which the tokens, all of which are literals and
// copies, take the fewest bits.
func chooseCache(d *distances, tokens []token, px []uint32) *cache {
	tokens = tokens[:min(len(tokens), cacheSample)]
	try := make([]token, len(tokens))
	best, least := 0, float32(0)
	for i, bits := range cacheSizes {
		copy(try, tokens)
		newCache(bits).replace(try, px)
		counts := make([]uint32, numSymbols(bits))
		d.tally(counts, try, px)
		cost := groupCost(counts, bits)
		if i == 0 || cost < least {
			best, least = bits, cost
		}
	}
	return newCache(best)
}
