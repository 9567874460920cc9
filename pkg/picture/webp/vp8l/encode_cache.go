package vp8l

import "slices"

// The colour cache (RFC 9649, 5.2.3) holds the last pixel of each hash value. A pixel that
// is in it can be coded by its place.
type cache struct {
	px    []uint32
	shift uint
}

func newCache(bits int) *cache {
	return &cache{make([]uint32, 1<<bits), uint(32 - bits)}
}

// clone returns a copy. Both may be nil.
func (c *cache) clone() *cache {
	if c == nil {
		return nil
	}
	return &cache{slices.Clone(c.px), c.shift}
}

// slot returns where the cache of a decoder would look for p.
func (c *cache) slot(p uint32) uint32 { return p * 0x1e35a7bd >> c.shift }

// replace makes literals that the cache holds tokens of the cache. px are the pixels that
// the tokens stand for. Every pixel enters the cache, those of copies too. A copy from a
// distance of 1 repeats one pixel, which is there already.
func (c *cache) replace(tokens []token, px []uint32) {
	at := 0
	for i, t := range tokens {
		n := t.pixels()
		if n == 1 {
			p := px[at]
			s := c.slot(p)
			if c.px[s] == p {
				tokens[i] = token(s)
			} else {
				c.px[s] = p
			}
		} else if t.low() > 1 {
			for _, p := range px[at : at+n] {
				c.px[c.slot(p)] = p
			}
		}
		at += n
	}
}

// cacheSizes are the sizes that are tried, in bits; 0 is none.
var cacheSizes = [...]int{0, 4, 6, 8, 10}

// cacheSample is the number of tokens with which they are tried.
const cacheSample = 1 << 17

// chooseCache returns the size with which the tokens, all of which are literals and
// copies, take the fewest bits.
func chooseCache(d *distances, tokens []token, px []uint32) int {
	tokens = tokens[:min(len(tokens), cacheSample)]
	try := make([]token, len(tokens))
	best, least := 0, float32(0)
	for i, bits := range cacheSizes {
		copy(try, tokens)
		if bits > 0 {
			newCache(bits).replace(try, px)
		}
		counts := make([]uint32, numSymbols(bits))
		d.tally(counts, try, px)
		cost := groupCost(counts, bits)
		if i == 0 || cost < least {
			best, least = bits, cost
		}
	}
	return best
}
