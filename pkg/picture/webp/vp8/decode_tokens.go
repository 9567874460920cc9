package vp8

// The functions below read most of the bits of a frame. They keep the interval of a
// boolReader in variables; see there for the method. Each bit takes these steps: split the
// interval, take a part, shift.

// readBlock reads the tokens of a block from coefficient first on (section 13) and
// writes them, times their steps, to out, which is zero before. It returns the number of
// coefficients up to the last token, or first if there is no token.
//
// At the head of the loop, after a zero, and in front of larger tokens there are enough bits
// for all that is read up to the next such place.
func (b *boolReader) readBlock(t *positionProbs, ctx, first int, step *[2]int32, out *[16]int16) (count int) {
	const enough = 8 + 4*7 // end, zero, one and a sign
	v, rng, n := b.value, b.rng, b.n
	i := first
	p := &t[i][ctx]
tokens:
	for i < 16 {
		if n < enough {
			b.value, b.n = v, n
			b.fill()
			v, n = b.value, b.n
		}
		split := rng * uint32(p[0]) >> 8
		if uint32(v>>56) <= split { // end of block
			s := shifts[uint8(split)]
			v, rng, n = v<<(s&63), uint32(shifted[uint8(split)]), n-int(s)
			break
		}
		v -= uint64(split+1) << 56
		rng -= split + 1
		s := shifts[uint8(rng)]
		v, rng, n = v<<(s&63), uint32(shifted[uint8(rng)]), n-int(s)

		split = rng * uint32(p[1]) >> 8
		for uint32(v>>56) <= split { // zero
			s := shifts[uint8(split)]
			v, rng, n = v<<(s&63), uint32(shifted[uint8(split)]), n-int(s)
			if i++; i == 16 {
				break tokens
			}
			p = &t[i&15][0]
			if n < enough {
				b.value, b.n = v, n
				b.fill()
				v, n = b.value, b.n
			}
			split = rng * uint32(p[1]) >> 8
		}
		v -= uint64(split+1) << 56
		rng -= split + 1
		s = shifts[uint8(rng)]
		v, rng, n = v<<(s&63), uint32(shifted[uint8(rng)]), n-int(s)

		level := int32(1)
		next := &t[(i+1)&31][1]
		split = rng * uint32(p[2]) >> 8
		if uint32(v>>56) <= split {
			s := shifts[uint8(split)]
			v, rng, n = v<<(s&63), uint32(shifted[uint8(split)]), n-int(s)
		} else {
			v -= uint64(split+1) << 56
			rng -= split + 1
			s = shifts[uint8(rng)]
			b.value, b.rng, b.n = v<<(s&63), uint32(shifted[uint8(rng)]), n-int(s)
			level = b.readLevel(p)
			v, rng, n = b.value, b.rng, b.n
			next = &t[(i+1)&31][2]
		}

		// The sign. Both outcomes are as likely, so a branch would often be predicted
		// wrong: negative is all ones if the bit is 1, and selects.
		split = rng >> 1
		negative := int32(split-uint32(v>>56)) >> 31
		v -= uint64((split+1)&uint32(negative)) << 56
		rng = split + (rng-2*split-1)&uint32(negative)
		s = shifts[uint8(rng)]
		v, rng, n = v<<(s&63), uint32(shifted[uint8(rng)]), n-int(s)

		c := level * step[min(i, 1)]
		out[zigzag[i&15]&15] = int16((c ^ negative) - negative)
		i++
		p = next
	}
	b.value, b.rng, b.n = v, rng, n
	return i
}

// readLevel reads the rest of a token for 2 or more; p is its probabilities.
func (b *boolReader) readLevel(p *[16]uint8) int32 {
	if b.n < 8+4*7 { // the longest path, or a shorter one and the sign
		b.fill()
	}
	v, rng, n := b.value, b.rng, b.n
	var one, level int32
	if v, rng, n, one = take(v, rng, n, p[3]); one == 0 {
		if v, rng, n, one = take(v, rng, n, p[4]); one == 0 {
			level = 2
		} else {
			v, rng, n, one = take(v, rng, n, p[5])
			level = 3 + one
		}
		b.value, b.rng, b.n = v, rng, n
		return level
	}
	var category int32
	if v, rng, n, one = take(v, rng, n, p[6]); one == 0 {
		v, rng, n, category = take(v, rng, n, p[7])
	} else {
		v, rng, n, category = take(v, rng, n, p[8])
		v, rng, n, one = take(v, rng, n, p[9+category])
		category = 2 + 2*category + one
	}
	if n < 48 { // 11 extra bits and a sign: their probabilities are such that they take no more
		b.value, b.n = v, n
		b.fill()
		v, n = b.value, b.n
	}
	for _, p := range categoryProbs[category] {
		v, rng, n, one = take(v, rng, n, p)
		level = 2*level + one
	}
	b.value, b.rng, b.n = v, rng, n
	return int32(categoryBase[category]) + level
}

// take reads a bit without a branch, which could be predicted wrong.
func take(v uint64, rng uint32, n int, p uint8) (uint64, uint32, int, int32) {
	split := rng * uint32(p) >> 8
	mask := uint32(int32(split-uint32(v>>56)) >> 31) // all ones if the bit is 1
	rng = split + (rng-2*split-1)&mask
	s := shifts[uint8(rng)]
	return (v - uint64((split+1)&mask)<<56) << (s & 63), uint32(shifted[uint8(rng)]), n - int(s), int32(mask & 1)
}
