package vp8l

import "imgtools/pkg/fault"

// A group is the five prefix codes that decode the pixels of some tiles of a picture
// (section 6.2 of RFC 9649's bitstream: "meta prefix codes").
type group struct {
	green, red, blue, alpha, distance table

	// Shortcuts for groups whose codes are short:
	literal bool   // red, blue and alpha have one symbol each,
	base    uint32 // which make this pixel without green
	packed  []uint32
	mask    uint32 // of an index of packed
	lengths []uint8
}

// packedBits is the largest sum of the lengths of codes for which whole pixels have
// a table: packed has the pixel or, above the literals, the symbol of green, and
// lengths its bits; of a symbol that is not a literal, packedSymbol is set in it.
const (
	packedBits   = 8
	packedSymbol = 1 << 7
)

// readGroup reads the codes of a group.
func (d *Decoder) readGroup(cacheBits uint) (g group, err error) {
	green := numLiterals + numLengths
	if cacheBits > 0 {
		green += 1 << cacheBits
	}
	for _, c := range [...]struct {
		t *table
		n int
	}{{&g.green, green}, {&g.red, numLiterals}, {&g.blue, numLiterals}, {&g.alpha, numLiterals}, {&g.distance, numDistances}} {
		lengths := d.lengths[:c.n]
		if err := d.readLengths(lengths); err != nil {
			return g, err
		}
		if *c.t, err = newTable(lengths); err != nil {
			return g, err
		}
	}
	return g, d.b.check()
}

// bytes returns the memory of a group's tables.
func (g *group) bytes() int64 {
	const slices = 256 // about the size of a group itself
	n := len(g.packed) + len(g.lengths)/4
	for _, t := range [...]*table{&g.green, &g.red, &g.blue, &g.alpha, &g.distance} {
		n += cap(t.entries)
	}
	return slices + 4*int64(n)
}

// shorten finds shortcuts.
func (g *group) shorten() {
	if g.red.mask|g.blue.mask|g.alpha.mask == 0 {
		g.literal = true
		g.base = g.alpha.entries[0]>>8<<24 | g.red.entries[0]>>8<<16 | g.blue.entries[0]>>8
	}
	sum := g.green.longest() + g.red.longest() + g.blue.longest() + g.alpha.longest()
	if sum > packedBits {
		return
	}
	g.mask = 1<<sum - 1
	g.packed, g.lengths = make([]uint32, 1<<sum), make([]uint8, 1<<sum)
	for i := range g.packed {
		v, n := uint64(i), uint32(0)
		take := func(t *table) uint32 {
			e := t.next(v)
			v >>= e & 31
			n += e & 31
			return e >> 8
		}
		symbol := take(&g.green)
		if symbol >= numLiterals {
			g.packed[i], g.lengths[i] = symbol, uint8(n)|packedSymbol
			continue
		}
		symbol <<= 8
		symbol |= take(&g.red) << 16
		symbol |= take(&g.blue)
		symbol |= take(&g.alpha) << 24
		g.packed[i], g.lengths[i] = symbol, uint8(n)
	}
}

// readLengths reads the lengths of a prefix code. A simple code has one or two symbols
// and no lengths. The lengths of others are coded themselves, by a prefix code whose
// lengths have 3 bits; symbols of it from 16 on repeat a length.
func (d *Decoder) readLengths(lengths []uint8) error {
	b := &d.b
	clear(lengths)
	if b.flag() {
		two := b.flag()
		wide := uint(1) // bits of the first symbol
		if b.flag() {
			wide = 8
		}
		symbols := [2]uint32{b.bits(wide)}
		symbols[1] = symbols[0]
		if two {
			symbols[1] = b.bits(8)
		}
		for _, s := range symbols {
			if int(s) >= len(lengths) {
				return fault.New(fault.Format, "damaged WebP data: symbol %d of a prefix code of %d", s, len(lengths))
			}
			lengths[s] = 1
		}
		return nil
	}
	var small [len(codeLengthOrder)]uint8
	for _, s := range codeLengthOrder[:4+b.bits(4)] {
		small[s] = uint8(b.bits(3))
	}
	t, err := newTable(small[:])
	if err != nil {
		return err
	}
	count := len(lengths) // of codes to be read
	if b.flag() {
		if count = 2 + int(b.bits(2+2*uint(b.bits(3)))); count > len(lengths) {
			return fault.New(fault.Format, "damaged WebP data: %d lengths of a prefix code of %d", count, len(lengths))
		}
	}
	last := uint8(8)
	for i := 0; i < len(lengths) && count > 0; count-- {
		s := t.symbol(b)
		if s < 16 {
			lengths[i] = uint8(s)
			i++
			if s > 0 {
				last = uint8(s)
			}
			continue
		}
		n, v := 0, uint8(0)
		switch s {
		case 16:
			n, v = 3+int(b.bits(2)), last
		case 17:
			n = 3 + int(b.bits(3))
		default:
			n = 11 + int(b.bits(7))
		}
		if i+n > len(lengths) {
			return fault.New(fault.Format, "damaged WebP data: lengths beyond a prefix code of %d", len(lengths))
		}
		for ; n > 0; n-- {
			lengths[i] = v
			i++
		}
	}
	return nil
}
