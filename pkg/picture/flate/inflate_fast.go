package flate

const fastInput = 24 // bytes of input that a round of fast may load

// patternStep[d] is the largest multiple of d that is at most 8, for a distance d
// below 8.
var patternStep = [8]uint8{0, 8, 8, 6, 8, 5, 6, 7}

// fast decodes symbols while there is room in buf and enough input for a round without
// checking either. It stops before a symbol that is not a literal or a match; symbol
// decodes that one.
//
// A refill loads eight bytes above the valid bits, and counts only whole bytes that
// fit: with n valid bits, (63-n)/8 bytes are taken, after which n is 56 to 63. Bits
// above the valid ones are those of the next byte already, so that loading it again
// changes nothing. Of n only the lowest six bits count here: then the length of a code
// can be subtracted together with the rest of its entry.
//
// 56 bits are enough for four look-ups of 11 bits, or for a match: 15 + 5 bits of length
// and 15 + 13 bits of distance.
//
// The variables of the loop are local, so that they stay in registers, and slices are
// of the form b[i:i+8:i+8], for which the compiler makes one bounds check.
func (f *inflater) fast() error {
	in, buf := f.in[:len(f.in):len(f.in)], f.buf[:f.limit+slack:f.limit+slack]
	ip, to, end := f.ip, f.to, f.limit
	b, n := f.bits, uint64(f.n)
	lit, dist := &f.lit, &f.dist
	bad := false
	for to < end && ip+fastInput <= len(in) {
		b |= load64(in, ip) << (n & 63)
		ip += int(^n >> 3 & 7)
		n |= 56
		e := lit[b&litMask]
		if e&isLits != 0 {
			// Both bytes are written, of which the second may not count.
			store16(buf, to, uint16(e>>valueShift))
			to += int(e >> 8 & 3)
			b >>= e & bitsMask
			n -= uint64(e)
			e = lit[b&litMask]
			if e&isLits != 0 {
				store16(buf, to, uint16(e>>valueShift))
				to += int(e >> 8 & 3)
				b >>= e & bitsMask
				n -= uint64(e)
				e = lit[b&litMask]
				if e&isLits != 0 {
					store16(buf, to, uint16(e>>valueShift))
					to += int(e >> 8 & 3)
					b >>= e & bitsMask
					n -= uint64(e)
					e = lit[b&litMask]
					if e&isLits != 0 {
						store16(buf, to, uint16(e>>valueShift))
						to += int(e >> 8 & 3)
						b >>= e & bitsMask
						n -= uint64(e)
						continue
					}
				}
			}
			b |= load64(in, ip) << (n & 63)
			ip += int(^n >> 3 & 7)
			n |= 56
		}
		if e&isLen == 0 {
			if e&isSub == 0 {
				break
			}
			e = lit[subEntry(e, b>>litBits)%litSize]
			if e&isLits != 0 {
				buf[to] = byte(e >> valueShift)
				to++
				b >>= e & bitsMask
				n -= uint64(e)
				continue
			}
			if e&isLen == 0 {
				break
			}
		}
		b >>= e & bitsMask
		x := e >> extraShift & 7
		length := int(e>>valueShift) + int(b&(1<<x-1))
		b >>= x
		n -= uint64(e + x)
		e = dist[b&distMask]
		if e&isSub != 0 {
			e = dist[subEntry(e, b>>distBits)%distSize]
		}
		b >>= e & bitsMask
		x = e >> distExtraShift & 15
		d := int(e>>valueShift) + int(b&(1<<x-1))
		b >>= x
		n -= uint64(e + x)
		// An invalid code has distance 0.
		from := to - d
		if d == 0 || from < 0 {
			bad = true
			break
		}
		stop := to + length
		if d >= 8 {
			store64(buf, to, load64(buf, from))
			store64(buf, to+8, load64(buf, from+8))
			if length > 16 {
				if length > 64 && d >= length {
					copy(buf[to:stop], buf[from:])
				} else {
					for to += 16; to < stop; to += 16 {
						from, next := buf[to-d:to-d+16:to-d+16], buf[to:to+16:to+16]
						store64(next, 0, load64(from, 0))
						store64(next, 8, load64(from, 8))
					}
				}
			}
			to = stop
			continue
		}
		// The last d bytes repeat. Eight bytes of the pattern are made.
		w := uint(d) * 8
		pattern := load64(buf, from) & (1<<w - 1)
		pattern |= pattern << w
		pattern |= pattern << (2 * w)
		pattern |= pattern << (4 * w)
		step := int(patternStep[d&7])
		if length <= 24 || 24%d != 0 {
			// They are stored at multiples of d.
			for {
				store64(buf, to, pattern)
				if to += step; to >= stop {
					break
				}
			}
			to = stop
			continue
		}
		// Three words repeat every 24 bytes. The next word begins 8 bytes later in the
		// pattern, which is 8-step: a b c a b c a b is followed by c a b c a b c a.
		r := uint(8-step) * 8
		second := pattern>>r | pattern<<(64-2*r)
		third := second>>r | second<<(64-2*r)
		for ; to < stop; to += 24 {
			next := buf[to : to+24 : to+24]
			store64(next, 0, pattern)
			store64(next, 8, second)
			store64(next, 16, third)
		}
		to = stop
	}
	f.ip, f.to, f.n = ip, to, uint(n&63)
	f.bits = b & (1<<f.n - 1)
	if bad {
		return f.corrupt()
	}
	return nil
}
