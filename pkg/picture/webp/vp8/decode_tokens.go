package vp8

import "math/bits"

// readBlock reads the tokens of a block from coefficient first on (section 13) and
// writes them, times their steps, to out, which is zero before. It returns the number of
// coefficients up to the last token, or first if there is no token.
//
// The interval of b is kept in variables here, since most of the time of decoding is
// spent in this function; see boolReader for the method. Each step below reads one bit:
// it splits the interval, takes a part, and shifts. At the head of the loop and in front
// of larger tokens there are enough bits for all that is read up to the next such place.
func (b *boolReader) readBlock(t *positionProbs, ctx, first int, step *[2]int32, out *[16]int16) (count int) {
	v, rng, n := b.value, b.rng, b.n
	i := first
	p := &t[i][ctx]
	atZero := false
	for i < 16 {
		if n < 8+4*7 { // end, zero, one and a sign
			b.value, b.n = v, n
			b.fill()
			v, n = b.value, b.n
		}
		if !atZero {
			split := 1 + (rng-1)*uint32(p[0])>>8
			if big := uint64(split) << 56; v < big {
				s := bits.LeadingZeros8(uint8(split))
				v, rng, n = v<<(s&63), split<<(s&31), n-s
				break
			} else {
				rng -= split
				s := bits.LeadingZeros8(uint8(rng))
				v, rng, n = (v-big)<<(s&63), rng<<(s&31), n-s
			}
		}
		split := 1 + (rng-1)*uint32(p[1])>>8
		if big := uint64(split) << 56; v < big {
			s := bits.LeadingZeros8(uint8(split))
			v, rng, n = v<<(s&63), split<<(s&31), n-s
			i++
			p = &t[i][0]
			atZero = true
			continue
		} else {
			rng -= split
			s := bits.LeadingZeros8(uint8(rng))
			v, rng, n = (v-big)<<(s&63), rng<<(s&31), n-s
		}
		atZero = false

		level := int32(1)
		split = 1 + (rng-1)*uint32(p[2])>>8
		next := &t[i+1][1]
		if big := uint64(split) << 56; v < big {
			s := bits.LeadingZeros8(uint8(split))
			v, rng, n = v<<(s&63), split<<(s&31), n-s
		} else {
			rng -= split
			s := bits.LeadingZeros8(uint8(rng))
			b.value, b.rng, b.n = (v-big)<<(s&63), rng<<(s&31), n-s
			level = b.readLevel(p)
			if b.n < 8 {
				b.fill()
			}
			v, rng, n = b.value, b.rng, b.n
			next = &t[i+1][2]
		}

		// The sign. Both outcomes are as likely, so a branch would often be predicted
		// wrong: zero is all ones if the bit is 0, and selects.
		split = (rng + 1) >> 1
		rest, borrow := bits.Sub64(v, uint64(split)<<56, 0)
		zero := -int64(borrow)
		v = rest + uint64(split)<<56&uint64(zero)
		rng = rng - split + (2*split-rng)&uint32(zero)
		s := bits.LeadingZeros8(uint8(rng))
		v, rng, n = v<<(s&63), rng<<(s&31), n-s

		c := level * step[min(i, 1)]
		negative := ^int32(zero)
		out[zigzag[i]&15] = int16((c ^ negative) - negative)
		i++
		p = next
	}
	b.value, b.rng, b.n = v, rng, n
	return i
}

// readLevel reads the rest of a token for 2 or more.
func (b *boolReader) readLevel(p *[16]uint8) int32 {
	const twoOrMore = 6 // node of tokenTree
	token := b.leaf(tokenTree, p[:], twoOrMore)
	if token < tokenCategory1 {
		return int32(token)
	}
	category := token - tokenCategory1
	extra := int32(0)
	for _, p := range categoryProbs[category] {
		extra <<= 1
		if b.bit(p) {
			extra |= 1
		}
	}
	return int32(categoryBase[category]) + extra
}
