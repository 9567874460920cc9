package vp8l

import "math/bits"

// A token is a step of the decoder (RFC 9649, 5.2). The high 12 bits are the number of
// pixels less one. Of a copy, which has at least two, the low 20 bits are the distance. One
// pixel is an index of the colour cache, or a literal: the pixel itself, which is where the
// token stands.
type token uint32

const literal token = 1<<20 - 1

func copyToken(n, distance int) token { return token(n-1)<<20 | token(distance) }

func (t token) pixels() int { return int(t>>20) + 1 }
func (t token) low() int    { return int(t & (1<<20 - 1)) }

// Where the alphabets begin when the five codes of a group lie one behind the other.
// Green is the last, since the cache makes it longer.
const (
	symRed      = 0
	symBlue     = 256
	symAlpha    = 512
	symDistance = 768
	symGreen    = symDistance + numDistances
	symLength   = symGreen + numLiterals
	symCache    = symLength + numLengths
)

// numSymbols returns the number of symbols in a group.
func numSymbols(cacheBits int) int {
	if cacheBits == 0 {
		return symCache
	}
	return symCache + 1<<cacheBits
}

// alphabets returns where the codes of a group begin and end, in the order of the file.
func alphabets(cacheBits int) [5][2]int {
	return [5][2]int{
		{symGreen, numSymbols(cacheBits)}, {symRed, symBlue}, {symBlue, symAlpha}, {symAlpha, symDistance}, {symDistance, symGreen},
	}
}

// prefix splits a length or a code of a distance, from 1, into a symbol and extra bits
// (RFC 9649, 5.2.2): the symbol has the place of the highest bit and the bit after it.
// 1 to 4 are symbols 0 to 3; 5 and 6 are symbol 4, with one bit; 7 and 8 symbol 5; 9 to 12
// symbol 6, with two.
func prefix(v int) (symbol, extra int, n uint) {
	v--
	if v < 4 {
		return v, 0, 0
	}
	high := uint(bits.Len(uint(v))) - 1
	n = high - 1
	return int(2*high) + v>>n&1, v & (1<<n - 1), n
}

// distances gives the codes of distances for pictures of one width.
type distances struct {
	near []uint8 // code, from 1, of each distance that has a short one; 0: none
}

// newDistances returns the codes for pictures that are width pixels wide.
func newDistances(width int) *distances {
	d := &distances{near: make([]uint8, 8*width+9)}
	for i := numNear - 1; i >= 0; i-- { // the shorter code of two wins
		at := int(nearPixels[i][0]) + int(nearPixels[i][1])*width
		d.near[max(at, 1)] = uint8(i + 1)
	}
	return d
}

func (d *distances) code(distance int) int {
	if distance < len(d.near) {
		if c := d.near[distance]; c > 0 {
			return int(c)
		}
	}
	return distance + numNear
}

// tally adds the symbols of tokens to counts. px are the pixels that they stand for.
func (d *distances) tally(counts []uint32, tokens []token, px []uint32) {
	at := 0
	for _, t := range tokens {
		n := t.pixels()
		d.tallyOne(counts, t, n, px[at])
		at += n
	}
}

func (d *distances) tallyOne(counts []uint32, t token, n int, p uint32) {
	switch {
	case n > 1:
		s, _, _ := prefix(n)
		counts[symLength+s]++
		s, _, _ = prefix(d.code(t.low()))
		counts[symDistance+s]++
	case t == literal:
		counts[symRed+p>>16&255]++
		counts[symBlue+p&255]++
		counts[symAlpha+p>>24]++
		counts[symGreen+p>>8&255]++
	default:
		counts[symCache+t.low()]++
	}
}

// writeToken writes one token with the codes of its group.
func (d *distances) writeToken(w *bitWriter, codes []code, t token, n int, p uint32) {
	switch {
	case n > 1:
		s, extra, bits := prefix(n)
		c := codes[symLength+s]
		w.write(c.bits()|uint64(extra)<<c.len(), c.len()+bits)
		s, extra, bits = prefix(d.code(t.low()))
		c = codes[symDistance+s]
		w.write(c.bits()|uint64(extra)<<c.len(), c.len()+bits)
	case t == literal:
		c := codes[:symCache]
		g, r, b, a := c[symGreen+p>>8&255], c[symRed+p>>16&255], c[symBlue+p&255], c[symAlpha+p>>24]
		w.write(g.bits()|r.bits()<<g.len(), g.len()+r.len())
		if b|a != 0 {
			w.write(b.bits()|a.bits()<<b.len(), b.len()+a.len())
		}
	default:
		c := codes[symCache+t.low()]
		w.write(c.bits(), c.len())
	}
}

// writeGroup builds the five codes of a group from counts and writes them. It returns the
// codes of all symbols, in codes.
func (b *codeBuilder) writeGroup(w *bitWriter, codes []code, counts []uint32, cacheBits int) {
	b.lengths = append(b.lengths[:0], make([]uint8, len(counts))...)
	for _, a := range alphabets(cacheBits) {
		b.build(b.lengths[a[0]:a[1]], counts[a[0]:a[1]], maxCodeLen)
		b.writeCode(w, b.lengths[a[0]:a[1]])
		assign(codes[a[0]:a[1]], b.lengths[a[0]:a[1]])
	}
}

// writeSmall writes an entropy-coded image (RFC 9649, 5.1): data of a transform, a palette
// or the groups of tiles. It has one group of codes and no colour cache.
func writeSmall(w *bitWriter, b *codeBuilder, px []uint32, width int) {
	m := newMatcher(width, len(px))
	m.px = px
	m.parse(0, len(px))
	counts := make([]uint32, numSymbols(0))
	codes := make([]code, len(counts))
	m.dist.tally(counts, m.tokens, px)
	w.write(0, 1) // no colour cache
	b.writeGroup(w, codes, counts, 0)
	at := 0
	for _, t := range m.tokens {
		n := t.pixels()
		m.dist.writeToken(w, codes, t, n, px[at])
		at += n
	}
}
