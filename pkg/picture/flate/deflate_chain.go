package flate

import "math/bits"

const (
	hashBits = 15
	hashSize = 1 << hashBits

	// A search of chains ends at a match of so many bytes; if Depth is more than Quick, at
	// the longest.
	enough = 64

	costUnit = 16 // costs are sixteenths of a bit
	// matchBits is about what a match takes besides the extra bits of its distance: its
	// length and the symbol of its distance. The extra bits are about log2 of the distance.
	matchBits = 7
	// unseenBits is the cost of a literal that has no code yet.
	unseenBits = 14
)

// A chain lists the places whose four bytes have the same hash. head has the last place
// of each chain, and prev, by the position modulo 32 KiB, the place before it. Positions
// count from base, the position of buf[0], which grows as buf slides; thus entries stay
// valid, and those of places before the window are recognised by being too small.

// hash returns a number of hashBits bits for four bytes: the upper bits of a product with
// 2^32 divided by the golden ratio (Knuth, The Art of Computer Programming, 6.4).
func hash(v uint32) uint32 { return v * 0x9e3779b1 >> (32 - hashBits) }

// forget empties all chains.
func (d *Writer) forget() {
	d.base = 1 // 0 is no place
	if d.head != nil {
		clear(d.head[:])
	}
}

// insert adds the place p to its chain and returns the place before, as a position.
func (d *Writer) insert(p int) uint32 {
	h := hash(load32(d.buf, p)) % hashSize
	at := d.base + uint32(p)
	last := d.head[h]
	d.prev[at%window] = last
	d.head[h] = at
	return last
}

// match is what a search found: length bytes at distance, and the gain, the cost of the
// literals that it replaces less its own. Length 0: nothing.
type match struct{ length, distance, gain int }

// matchCost returns the cost of a match at a distance.
func matchCost(distance int) int { return costUnit * (matchBits + bits.Len(uint(distance))) }

// literalCosts fills before: before[i] is the cost of the literals from start to start+i,
// so that the literals of a match cost the difference of two entries.
func (d *Writer) literalCosts(start, end int) {
	if d.before == nil {
		d.before = make([]uint32, unit+leftover+1)
	}
	sum := uint32(0)
	for i, c := range d.buf[start:end] {
		d.before[i] = sum
		sum += d.cost[c]
	}
	d.before[end-start] = sum
}

// findChains makes the plan chains. A match is taken if it costs less than its literals,
// by the codes of the plan runs: of noise, four literals cost more than a far match, of a
// flat picture they do not. Before a match is taken, the next place is searched for one
// that gains more, by at least the literal in between ("lazy matching").
func (d *Writer) findChains(start, end int) {
	if d.head == nil {
		d.head, d.prev = new([hashSize]uint32), new([window]uint32)
	}
	d.literalCosts(start, end)
	quick := d.f.Depth <= Quick
	depth, nice := d.f.Depth, maxMatch
	if quick {
		nice = enough
	}
	seqs := d.chains.seqs[:0]
	first := start // of the literals
	last := d.f.Pixel
	misses := 0
	for p := start; p+8 <= end; {
		m := d.search(p, start, end, 0, depth, nice, last)
		if m.length == 0 {
			// After 32 places without a match only some are searched.
			if misses++; misses > 32 && quick {
				p += min(misses/32, 16)
			}
			p++
			continue
		}
		misses = 0
		for m.length < nice && p+9 <= end {
			next := d.search(p+1, start, end, m.gain+int(d.cost[d.buf[p]]), depth/2, nice, last)
			if next.length == 0 {
				break
			}
			m = next
			p++
		}
		seqs = append(seqs, sequence{uint32(p - first), uint16(m.length), uint16(m.distance - 1)})
		last = m.distance
		d.insertMatch(p+2, p+m.length, end)
		p += m.length
		first = p
	}
	d.chains.seqs = append(seqs, sequence{literals: uint32(end - first)})
}

// insertMatch adds the places from p to stop, which a match covers, to their chains: of a
// long match only those at its beginning and end.
func (d *Writer) insertMatch(p, stop, end int) {
	stop = min(stop, end-4)
	if stop-p > 46 {
		for range 14 {
			d.insert(p)
			p++
		}
		p = stop - 16
	}
	for ; p < stop; p++ {
		d.insert(p)
	}
}

// search returns the match at p that gains most, if that is more than floor, and adds p
// to its chain. It tries the distance of the match before and that of a row first.
func (d *Writer) search(p, start, end, floor, depth, nice, last int) match {
	b := d.buf
	v := load32(b, p)
	best := match{0, 0, floor}
	n := 3 // bytes of the best match, or what it must have more than
	costs := d.before[p-start:]
	for _, distance := range [2]int{last, d.f.Row} {
		if q := p - distance; q >= 0 && distance <= window && load32(b, q) == v {
			length := d.matchLength(p, q, end)
			gain := int(costs[length]-costs[0]) - matchCost(distance)
			if distance == last {
				gain += 2 * costUnit // its symbol is likely to be frequent
			}
			if gain > best.gain {
				best, n = match{length, distance, gain}, length
			}
		}
	}
	at := d.base + uint32(p)
	c := d.insert(p)
	if n >= nice {
		return best
	}
	low := d.base
	if at > window-1 {
		low = max(low, at-(window-1))
	}
	for ; c >= low && c < at && depth > 0; depth-- {
		q := int(c - d.base)
		// A longer match must also have the four bytes that end one byte behind the best.
		if p+n < end && load32(b, q+n-3) == load32(b, p+n-3) && load32(b, q) == v {
			length := d.matchLength(p, q, end)
			if gain := int(costs[length]-costs[0]) - matchCost(p-q); gain > best.gain {
				best, n = match{length, p - q, gain}, length
				if n >= nice {
					break
				}
			}
		}
		older := d.prev[c%window]
		if older >= c {
			break
		}
		c = older
	}
	return best
}

const (
	probes    = 4       // samples of a unit
	probeSize = 4 << 10 // bytes of each
	worth     = 25      // chains pay if they save a 25th
)

// chainsPay looks at samples of a unit: would matches at other distances than a pixel and
// a row save more than 4 % of what d.cost says? Small units are not sampled.
func (d *Writer) chainsPay(start, end int) bool {
	n := end - start
	if n < probes*probeSize {
		return true
	}
	all, saved := 0, 0
	for k := range probes {
		at := start + n*(2*k+1)/(2*probes) - probeSize/2
		a, s := d.probe(at, at+probeSize)
		all += a
		saved += s
	}
	return saved*worth > all
}

// probe returns about what the bytes from start to end cost in the plan runs, and what
// matches within them would save. It is a search without chains: table has the last place
// of each hash.
func (d *Writer) probe(start, end int) (all, saved int) {
	const tableBits = 12
	var table [1 << tableBits]uint16 // place - start + 1
	for p := start; p+8 <= end; {
		v := load32(d.buf, p)
		run := 0
		for _, distance := range [2]int{d.f.Pixel, d.f.Row} {
			if q := p - distance; q >= 0 && load32(d.buf, q) == v {
				run = max(run, d.matchLength(p, q, end))
			}
		}
		if run >= shortestRun {
			all += costUnit * 14
			p += run
			continue
		}
		h := hash(v) >> (hashBits - tableBits)
		q := start + int(table[h]) - 1
		table[h] = uint16(p - start + 1)
		n := 1
		if q >= start && load32(d.buf, q) == v {
			n = d.matchLength(p, q, end)
		}
		literals := 0
		for _, c := range d.buf[p : p+n] {
			literals += int(d.cost[c])
		}
		all += literals
		saved += max(0, literals-costUnit*(matchBits+12))
		p += n
	}
	return all, saved
}
