package vp8l

// coder makes the body of bands of transformed pixels, and the groups of codes in front of
// it.
type coder struct {
	o         EncodeOptions
	width     int
	groupBits uint // side of the tiles that choose a group, as a power of 2
	match     *matcher
	window    []uint32 // pixels coded before, as far as copies reach, then the band
	start     int      // of the band in window
	cache     *cache
	build     codeBuilder
	grouper   grouper
	groups    []uint32 // the group of each tile, as pixels: red and green
	numGroups int
	counts    []uint32  // of symbols in the band before
	row       []uint32  // of symbols in a row of tiles
	codes     bitWriter // of all groups
	body      bitWriter
}

func newCoder(w, h int, groupBits uint, o EncodeOptions) *coder {
	n := w * bandRows(w, h)
	if all := w * h; all > n {
		n += min(all-n, maxDistance)
	}
	return &coder{o: o, width: w, groupBits: groupBits, match: newMatcher(w, n), window: make([]uint32, 0, n)}
}

// room returns memory for the n pixels of the next band.
func (c *coder) room(n int) []uint32 {
	if over := len(c.window) + n - cap(c.window); over > 0 {
		copy(c.window, c.window[over:])
		c.window = c.window[:len(c.window)-over]
		c.match.base += over
	}
	c.start = len(c.window)
	c.window = c.window[:c.start+n]
	return c.window[c.start:]
}

// band codes the band: copies, cache, groups, bits.
func (c *coder) band() error {
	m := c.match
	m.px = c.window
	m.move()
	px := c.window[c.start:]
	c.parse(px)
	g := &c.grouper
	g.cacheBits, g.tiles, g.symbols = c.cache.bits, g.tiles[:0], g.symbols[:0]
	c.tiles(g, px)
	g.group()
	codes := make([][]code, len(g.groups))
	for i, counts := range g.groups {
		codes[i] = make([]code, len(counts))
		c.build.writeGroup(&c.codes, codes[i], counts, c.cache.bits)
	}
	for i := range g.tiles {
		n := uint32(c.numGroups + g.tiles[i].group)
		c.groups = append(c.groups, opaque|n>>8<<16|n&255<<8)
	}
	c.numGroups += len(g.groups)
	c.remember(g.groups)
	c.write(g, codes, px)
	return c.o.Limits.CheckMem(c.body.bits() / 8)
}

// parse makes the tokens of the band, with those of the cache.
//
// For differences from predictions a guess of what symbols cost is good enough. In
// graphics copies save much, and the costs of the band before are used. Of the first band a
// part is parsed twice.
func (c *coder) parse(px []uint32) {
	m := c.match
	end := len(c.window)
	switch {
	case m.predicted:
		m.parse(c.start, end)
		if c.numGroups == 0 {
			c.cache = chooseCache(m.dist, m.tokens, px)
		}
		c.cache.replace(m.tokens, px)
		return
	case c.numGroups == 0:
		sample := min(len(px), (samplePixels/c.width+1)*c.width)
		m.parse(c.start, c.start+sample)
		c.cache = chooseCache(m.dist, m.tokens, px)
		c.cache.clone().replace(m.tokens, px)
		c.counts = make([]uint32, numSymbols(c.cache.bits))
		m.dist.tally(c.counts, m.tokens, px)
		m.move()
	}
	m.parseBest(c.start, end, newTokenCosts(c.counts, c.cache))
}

// samplePixels is about how many pixels of a graphic are parsed before the costs of
// symbols are known.
const samplePixels = 1 << 17

// remember keeps the counts of symbols of a band for the next one.
func (c *coder) remember(groups [][]uint32) {
	c.counts = make([]uint32, numSymbols(c.cache.bits))
	for _, g := range groups {
		for s, n := range g {
			c.counts[s] += n
		}
	}
}

// tiles counts the symbols of each tile. A copy belongs to the tile in which it begins.
func (c *coder) tiles(g *grouper, px []uint32) {
	symbols := numSymbols(c.cache.bits)
	across := tilesOf(c.width, c.groupBits)
	if c.row == nil {
		c.row = make([]uint32, across*symbols)
	}
	counts := c.row // zero again after each flush
	flush := func() {
		for t := range across {
			g.addTile(counts[t*symbols : (t+1)*symbols])
		}
	}
	side := 1 << c.groupBits
	at, x, y := 0, 0, 0
	for _, t := range c.match.tokens {
		i := x >> c.groupBits * symbols
		n := t.pixels()
		c.match.dist.tallyOne(counts[i:i+symbols], t, n, px[at])
		at += n
		for x += n; x >= c.width; x -= c.width {
			if y++; y%side == 0 {
				flush()
			}
		}
	}
	if y%side != 0 {
		flush()
	}
}

// write writes the tokens with the codes of their tiles.
func (c *coder) write(g *grouper, codes [][]code, px []uint32) {
	across := tilesOf(c.width, c.groupBits)
	at, x, y := 0, 0, 0
	for _, t := range c.match.tokens {
		tile := y>>c.groupBits*across + x>>c.groupBits
		n := t.pixels()
		c.match.dist.writeToken(&c.body, codes[g.tiles[tile].group], t, n, px[at])
		at += n
		for x += n; x >= c.width; x -= c.width {
			y++
		}
	}
}

// writeHead writes what comes before the groups of codes: the size of the cache, and the
// picture that gives each tile its group, if there is more than one.
func (c *coder) writeHead(w *bitWriter) {
	if c.cache.bits > 0 {
		w.write(1|uint64(c.cache.bits)<<1, 5)
	} else {
		w.write(0, 1)
	}
	if c.numGroups == 1 {
		w.write(0, 1)
		return
	}
	w.write(1|uint64(c.groupBits-2)<<1, 4)
	writeSmall(w, &c.build, c.groups, tilesOf(c.width, c.groupBits))
}
