package vp8l

import (
	"encoding/binary"
	"math/bits"

	"imgtools/pkg/fault"
)

// ringSize is the number of pixels that are kept: a copy begins less than 2^20 pixels
// back.
const ringSize = 1 << 20

// pixels decodes an entropy-coded picture row by row: the picture itself before the
// transforms, or a small one that a transform or the groups of codes need.
//
// A green symbol below 256 is a literal pixel; up to 280 it is the length of a copy of
// earlier pixels, whose distance follows; from there on it is an entry of the colour
// cache. A copy may reach into the next rows, so decoding is up to maxLength pixels
// ahead of the rows given out.
type pixels struct {
	d    *Decoder
	w, h int
	y    int // the next row
	pos  int // pixels decoded

	groups   []group
	tiles    []uint16 // the group of each tile, or nil if there is one group
	tileBits uint
	tileW    int // tiles in a row

	cache     []uint32
	cacheBits uint
	cached    int // pixels up to here are in the cache
}

// next decodes the next row of the picture, whose pixels are in the ring from the index
// returned on.
func (p *pixels) next() (start int, err error) {
	start = p.y * p.w
	end := start + p.w
	for p.pos < end {
		x := p.pos - start
		stop, g := end, &p.groups[0]
		if p.tiles != nil {
			tile := x >> p.tileBits
			g = &p.groups[p.tiles[p.y>>p.tileBits*p.tileW+tile]]
			stop = min(end, start+(tile+1)<<p.tileBits)
		}
		if err := p.decode(g, stop); err != nil {
			return 0, p.d.b.cause(err)
		}
	}
	if p.cache != nil {
		p.fillCache()
	}
	p.y++
	return start, p.d.b.check()
}

// decode decodes pixels of a group until stop is reached.
func (p *pixels) decode(g *group, stop int) error {
	d := p.d
	b, ring := &d.b, d.ring
	mask := len(ring) - 1
	pos := p.pos
	v, n, rest := b.v, b.n, b.Rest
	for pos < stop {
		// Three codes need 45 bits at most.
		if n < 3*maxCodeLen {
			if len(rest) >= 8 {
				v |= binary.LittleEndian.Uint64(rest) << (n & 63)
				rest = rest[(63-n)>>3:]
				n |= 56
			} else {
				b.v, b.n, b.Rest = v, n, rest
				b.fill()
				v, n, rest = b.v, b.n, b.Rest
			}
		}
		var symbol uint32
		if g.packed != nil {
			i := uint32(v) & g.mask
			c, e := g.packed[i], uint(g.lengths[i])
			v >>= e & 31
			n -= e & 31
			if e&packedSymbol == 0 {
				ring[pos&mask] = c
				pos++
				continue
			}
			symbol = c
		} else {
			e := g.green.next(v)
			v >>= e & 31
			n -= uint(e & 31)
			symbol = e >> 8
			if symbol < numLiterals {
				if g.literal {
					ring[pos&mask] = g.base | symbol<<8
					pos++
					continue
				}
				e = g.red.next(v)
				v >>= e & 31
				n -= uint(e & 31)
				c := symbol<<8 | e>>8<<16
				e = g.blue.next(v)
				v >>= e & 31
				n -= uint(e & 31)
				c |= e >> 8
				if n < maxCodeLen {
					b.v, b.n, b.Rest = v, n, rest
					b.fill()
					v, n, rest = b.v, b.n, b.Rest
				}
				e = g.alpha.next(v)
				v >>= e & 31
				n -= uint(e & 31)
				ring[pos&mask] = c | e>>8<<24
				pos++
				continue
			}
		}
		if symbol >= numLiterals+numLengths {
			p.pos = pos
			p.fillCache()
			ring[pos&mask] = p.cache[symbol-numLiterals-numLengths]
			pos++
			continue
		}
		b.v, b.n, b.Rest = v, n, rest
		p.pos = pos
		if err := p.copy(g, symbol-numLiterals); err != nil {
			return err
		}
		pos, v, n, rest = p.pos, b.v, b.n, b.Rest
	}
	p.pos = pos
	b.v, b.n, b.Rest = v, n, rest
	return nil
}

// copy copies earlier pixels: symbol is that of the length.
func (p *pixels) copy(g *group, symbol uint32) error {
	b, ring := &p.d.b, p.d.ring
	mask := len(ring) - 1
	length := b.extended(symbol)
	code := b.extended(g.distance.symbol(b))
	distance := code - numNear
	if code <= numNear {
		near := nearPixels[code-1]
		distance = max(1, int(near[0])+int(near[1])*p.w)
	}
	if distance > p.pos {
		return fault.New(fault.Format, "damaged WebP data: pixel %d is copied from %d pixels before it", p.pos, distance)
	}
	if left := p.w*p.h - p.pos; length > left {
		return fault.New(fault.Format, "damaged WebP data: %d pixels are copied to the last %d", length, left)
	}
	to, from := p.pos, p.pos-distance
	p.pos += length
	if distance >= length && to&mask+length <= len(ring) && from&mask+length <= len(ring) {
		copy(ring[to&mask:][:length], ring[from&mask:][:length])
		return nil
	}
	for range length {
		ring[to&mask] = ring[from&mask]
		to++
		from++
	}
	return nil
}

// extended returns the number that a symbol for a length or a distance stands for, with
// the bits that follow it (section 5.2.2): 1 to 4, then 5-6, 7-8, 9-12, 13-16, 17-24 …
func (b *bitReader) extended(symbol uint32) int {
	if symbol < 4 {
		return int(symbol) + 1
	}
	n := uint(symbol-2) >> 1
	return int(2+symbol&1)<<n + int(b.bits(n)) + 1
}

// fillCache puts the pixels decoded since the last call into the colour cache.
func (p *pixels) fillCache() {
	ring := p.d.ring
	mask, shift := len(ring)-1, 32-p.cacheBits
	for ; p.cached < p.pos; p.cached++ {
		v := ring[p.cached&mask]
		p.cache[v*0x1e35a7bd>>(shift&31)] = v
	}
}

// newPixels reads what stands in front of the pixels of a picture of w × h: the size of
// the colour cache and the codes. Only the picture itself, which is main, may have several
// groups of codes.
func (d *Decoder) newPixels(w, h int, main bool) (p *pixels, err error) {
	p = &pixels{d: d, w: w, h: h}
	if d.b.flag() {
		p.cacheBits = uint(d.b.bits(4))
		if p.cacheBits < 1 || p.cacheBits > maxCacheBits {
			return nil, fault.New(fault.Format, "damaged WebP data: a colour cache of %d bits", p.cacheBits)
		}
		p.cache = make([]uint32, 1<<p.cacheBits)
	}
	count := 1
	kept := []uint16{1} // of each group in the file: 1 if it is used, then its index in groups
	if main && d.b.flag() {
		if count, kept, err = p.readTiles(); err != nil {
			return nil, err
		}
	}
	for i := range count {
		g, err := d.readGroup(p.cacheBits)
		if err != nil {
			return nil, err
		}
		if kept[i] > 0 { // others would only take memory
			g.shorten()
			if err := d.hold(g.bytes()); err != nil {
				return nil, err
			}
			p.groups = append(p.groups, g)
			kept[i] = uint16(len(p.groups) - 1)
		}
	}
	for i, v := range p.tiles {
		p.tiles[i] = kept[v]
	}
	return p, nil
}

// readTiles reads the group of each tile. It returns the number of groups in the file,
// which is one more than the largest of those, and for each a 1 if a tile uses it.
func (p *pixels) readTiles() (count int, used []uint16, err error) {
	d := p.d
	p.tileBits = uint(d.b.bits(3)) + 2
	p.tileW = tilesOf(p.w, p.tileBits)
	rows := tilesOf(p.h, p.tileBits)
	used = make([]uint16, 1<<16)
	if err := d.hold(2 * int64(p.tileW*rows+len(used))); err != nil {
		return 0, nil, err
	}
	p.tiles = make([]uint16, 0, p.tileW*rows)
	err = d.readSmall(p.tileW, rows, func(row []uint32) {
		for _, v := range row {
			i := uint16(v >> 8)
			p.tiles = append(p.tiles, i)
			used[i] = 1
			count = max(count, int(i)+1)
		}
	})
	return count, used, err
}

// readSmall decodes a small picture and calls f with each of its rows.
func (d *Decoder) readSmall(w, h int, f func(row []uint32)) error {
	p, err := d.newPixels(w, h, false)
	if err != nil {
		return err
	}
	row := make([]uint32, w)
	for range h {
		start, err := p.next()
		if err != nil {
			return err
		}
		d.fromRing(row, start)
		f(row)
	}
	return nil
}

// fromRing copies pixels from the ring.
func (d *Decoder) fromRing(dst []uint32, start int) {
	n := copy(dst, d.ring[start&(len(d.ring)-1):])
	copy(dst[n:], d.ring)
}

// tilesOf returns how many tiles of 1<<bits pixels cover n pixels.
func tilesOf(n int, bits uint) int { return (n + 1<<bits - 1) >> bits }

// ringFor returns the number of pixels of a ring for a picture of n pixels.
func ringFor(n int64) int64 { return min(ringSize, int64(1)<<bits.Len64(uint64(max(n, 1)-1))) }
