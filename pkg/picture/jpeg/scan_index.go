package jpeg

import "encoding/binary"

// Walking is a chain: the position of a code is known only when the code before it has
// been looked up, so the processor mostly waits. To keep it busy, four positions of the
// scan, called lanes, are walked side by side. Only the first lane starts at a known
// block. The others start at a guessed bit, and that works because Huffman codes
// resynchronise: decoding that starts at a wrong bit produces wrong symbols for a while,
// but sooner or later one of them ends where a true one ends, and from there on all are
// right. JPEG blocks resynchronise within tens of blocks (T. Ferguson and J. Rabinowitz,
// "Self-synchronizing Huffman codes", 1984; for JPEG A. Weissenberger and B. Schmidt,
// "Accelerating JPEG Decompression on GPUs", 2021).
//
//	bits  |b0   |b1  |b2     |b3  |b4   |b5 …     true blocks
//	lane 0 starts at b0 and stops where lane 1 started
//	lane 1         starts here: x, x, b4, b5 …    x: wrong, b4: in step
//
// A lane records where it believes that blocks begin. Nothing of it is used until lane
// 0, which walks true blocks only, has come to a beginning that the lane has, too, at
// the same place in the MCU. From there on the lane is right by induction: it walks the
// same bits with the same tables. So the result never depends on the guess.

const (
	laneCount  = 4
	laneBlocks = 2048 // most blocks walked in a lane at once
	// ahead is the most blocks that are walked before they are taken.
	ahead     = laneCount * laneBlocks
	usualBits = 64 // bits of a block, until the scan has shown how many
	// laneFailing is the number of tries without resynchronisation, less those with,
	// after which a scan gets no more lanes.
	laneFailing = 16
)

// laneBits is the number of bits from which a lane is worth while. Tests change it.
var laneBits uint = 16 << 10

// lane is blocks walked from some position of the buffer.
type lane struct {
	at    [laneBlocks + 1]uint32 // where they begin; at[n] is the first not walked
	n     int
	phase uint // place in the MCU of block n
	stop  uint // the lane ends with the first block that begins at this bit or later
}

// blockIndex is where the blocks of a sequential scan begin, as far as they have been
// walked. The order of blocks in an MCU and its tables are those of the scan.
type blockIndex struct {
	tables [maxRun]*skips // of the blocks of an MCU
	ac     [maxRun]*huffman
	of     [maxRun]int // places of their components in the scan
	mcu    uint        // blocks in an MCU
	taken  int         // blocks already taken of the current MCU
	toGo   int         // blocks of the scan that have not been taken
	next   int         // at[next] is the next block to be taken,
	known  int         // at[known] the first that has not been walked,
	phase  uint        // and phase its place in the MCU
	at     []uint32
	block  uint             // bits of a block, as measured last
	failed int              // tries of lanes that did not resynchronise, less those that did
	lane   *[laneCount]lane // nil until first used
}

// begin is called where a segment or restart interval begins, at bit at of the buffer.
func (v *blockIndex) begin(at uint) {
	v.phase, v.taken, v.next, v.known = 0, 0, 0, 0
	if len(v.at) > 0 { // the scan is walked
		v.at[0] = uint32(at)
	}
}

// after returns the place in an MCU of the n-th block after one at phase.
func (v *blockIndex) after(phase uint, n int) uint { return (phase + uint(n)) % v.mcu }

// blocks walks blocks from at[known] on, until n are known or one begins at bit limit
// or later. It returns false at a block that the tables cannot walk. The next bits are
// the highest of acc, of which left are valid; pos is the byte after them, so that the
// next bit is pos*8 - left.
func (v *blockIndex) blocks(buf *buffer, n int, limit uint) bool {
	i, phase := v.known, v.phase
	p := uint(v.at[i])
	acc, left, pos := buf.load(p), 56-p&7, p>>3+7
	good := true
	for i < n && p < limit {
		t := v.tables[phase%maxRun]
		s := uint(t[1<<lookBits+acc>>(64-lookBits)])
		acc |= binary.BigEndian.Uint64(buf[pos&(window-1):][:8]) >> (left & 63)
		pos += (63 - left) >> 3
		left |= 56
		acc <<= s & 31
		left -= s & 31
		k := s &^ 31
		for k < endOfBlock {
			// Look up before refilling, so that the look-up does not wait for the
			// load: an entry takes at most 27 bits, so of 56 there are 29 left.
			s = uint(t[acc>>(64-lookBits)])
			acc |= binary.BigEndian.Uint64(buf[pos&(window-1):][:8]) >> (left & 63)
			pos += (63 - left) >> 3
			left |= 56
			acc <<= s & 31
			left -= s & 31
			k += s &^ 31
		}
		if unsound(k) {
			good = false
			break
		}
		p = pos*8 - left
		i++
		v.at[i] = uint32(p)
		if phase++; phase == v.mcu {
			phase = 0
		}
	}
	v.known, v.phase = i, phase
	return good
}

// walkLanes walks all lanes side by side, until one of them reaches its stop or is
// full. If it ended because the tables cannot walk a block, it returns that lane.
func (v *blockIndex) walkLanes(buf *buffer) *lane {
	a, b, c, d := &v.lane[0], &v.lane[1], &v.lane[2], &v.lane[3]
	p, q, r, s := uint(a.at[a.n]), uint(b.at[b.n]), uint(c.at[c.n]), uint(d.at[d.n])
	t, u, w, x := v.tables[a.phase%maxRun], v.tables[b.phase%maxRun], v.tables[c.phase%maxRun], v.tables[d.phase%maxRun]
	p, k := t.head(buf, p)
	q, l := u.head(buf, q)
	r, m := w.head(buf, r)
	s, n := x.head(buf, s)
	for {
		switch {
		case k < endOfBlock:
			p, k = t.step(buf, p, k)
		case unsound(k):
			if p, k = v.longStep(buf, a.phase, p, k); k == 0 {
				return a
			}
		default:
			a.n++
			a.at[a.n] = uint32(p)
			if a.phase++; a.phase == v.mcu {
				a.phase = 0
			}
			if p >= a.stop || a.n == laneBlocks {
				return nil
			}
			t = v.tables[a.phase%maxRun]
			p, k = t.head(buf, p)
		}
		switch {
		case l < endOfBlock:
			q, l = u.step(buf, q, l)
		case unsound(l):
			if q, l = v.longStep(buf, b.phase, q, l); l == 0 {
				return b
			}
		default:
			b.n++
			b.at[b.n] = uint32(q)
			if b.phase++; b.phase == v.mcu {
				b.phase = 0
			}
			if q >= b.stop || b.n == laneBlocks {
				return nil
			}
			u = v.tables[b.phase%maxRun]
			q, l = u.head(buf, q)
		}
		switch {
		case m < endOfBlock:
			r, m = w.step(buf, r, m)
		case unsound(m):
			if r, m = v.longStep(buf, c.phase, r, m); m == 0 {
				return c
			}
		default:
			c.n++
			c.at[c.n] = uint32(r)
			if c.phase++; c.phase == v.mcu {
				c.phase = 0
			}
			if r >= c.stop || c.n == laneBlocks {
				return nil
			}
			w = v.tables[c.phase%maxRun]
			r, m = w.head(buf, r)
		}
		switch {
		case n < endOfBlock:
			s, n = x.step(buf, s, n)
		case unsound(n):
			if s, n = v.longStep(buf, d.phase, s, n); n == 0 {
				return d
			}
		default:
			d.n++
			d.at[d.n] = uint32(s)
			if d.phase++; d.phase == v.mcu {
				d.phase = 0
			}
			if s >= d.stop || d.n == laneBlocks {
				return nil
			}
			x = v.tables[d.phase%maxRun]
			s, n = x.head(buf, s)
		}
	}
}

// head looks up the entry at bit p, where a block begins. It returns the bit after the
// entry's symbols and the coefficients that they pass.
func (t *skips) head(buf *buffer, p uint) (uint, uint) {
	s := uint(t[1<<lookBits+buf.load(p)>>(64-lookBits)])
	return p + s&31, s &^ 31
}

// step looks up the entry at bit p of a block in which k has been passed.
func (t *skips) step(buf *buffer, p, k uint) (uint, uint) {
	s := uint(t[buf.load(p)>>(64-lookBits)])
	return p + s&31, k + s&^31
}

// longStep is step where the last entry was noSkip, which took no bits and is in k: it
// decodes an AC symbol whose code is longer than lookBits. If the last entry was another,
// or the symbol is not valid, it returns a k of 0; then the block must be walked again.
func (v *blockIndex) longStep(buf *buffer, phase, p, k uint) (uint, uint) {
	if k&noCode == 0 || k == noSkip { // no room for an entry before it: a DC symbol
		return p, 0
	}
	w := buf.load(p)
	l, symbol := v.ac[phase%maxRun].long(w)
	if l == 0 {
		return p, 0
	}
	run, size := uint(symbol>>4), uint(symbol&15)
	if size == 0 && run != 15 {
		run = endSkip
	}
	if k += (run+1)<<skipShift - noSkip; k >= endOfBlock && unsound(k) {
		return p, 0
	}
	return p + l + size, k
}

// takeBlocks takes the next n blocks, at most maxRun. sc.ends is then where each of them
// begins, and the last one ends.
func (sc *scanner) takeBlocks(n int) error {
	v, e := &sc.index, sc.e
	if v.known-v.next < n {
		if err := sc.findBlocks(n); err != nil {
			return err
		}
	}
	sc.ends = v.at[v.next : v.next+n+1]
	v.next += n
	v.toGo -= n
	if v.taken += n; v.taken >= int(v.mcu) {
		v.taken = 0
	}
	if e.ended && int(v.at[v.next]) > e.end*8 {
		return sc.cut()
	}
	if v.next == v.known {
		e.seek(uint(v.at[v.next]))
	}
	return nil
}

// findBlocks walks blocks until n or more are known and not taken, but none after the
// next restart or the end of the scan.
func (sc *scanner) findBlocks(n int) error {
	v, e := &sc.index, sc.e
	v.known = copy(v.at[:], v.at[v.next:v.known+1]) - 1
	v.next = 0
	most := min(v.toGo, len(v.at)-1)
	if sc.left >= 0 {
		most = min(most, max(n, int(v.mcu)-v.taken)+sc.left*int(v.mcu))
	}
	for v.known < n {
		if !e.ended && int(v.at[v.known]) >= (e.end-blockBytes)*8 {
			e.seek(uint(v.at[0]))
			from := e.at()
			e.fill()
			from -= e.at()
			for i := range v.known + 1 {
				v.at[i] -= uint32(from)
			}
		}
		limit := uint(e.end * 8) // a block before it is whole, or the segment is cut
		if !e.ended {
			limit -= blockBytes * 8
		}
		if uint(v.at[v.known]) >= limit {
			return sc.cut()
		}
		from, known := uint(v.at[v.known]), v.known
		sc.walkParallel(most, limit)
		err := sc.walkSerial(most, limit)
		if err != nil && v.known < n { // else it counts when that block is taken
			return sc.fail(err)
		}
		if v.known > known {
			v.block = max(1, (uint(v.at[v.known])-from)/uint(v.known-known))
		}
	}
	return nil
}

// walkSerial walks blocks until most are known or one begins at bit limit or later.
func (sc *scanner) walkSerial(most int, limit uint) error {
	v := &sc.index
	for !v.blocks(sc.e.clean(), most, limit) {
		p, err := sc.walkBlock(uint(v.at[v.known]), v.phase)
		if err != nil {
			return err
		}
		v.known++
		v.at[v.known] = uint32(p)
		v.phase = v.after(v.phase, 1)
	}
	return nil
}

// walkBlock walks one block, symbol by symbol where the tables cannot.
func (sc *scanner) walkBlock(p, phase uint) (end uint, err error) {
	e, t := sc.e, &sc.skips[sc.index.of[phase%maxRun]]
	e.seek(p)
	if _, err = e.diff(t.dc); err == nil {
		err = e.skipAC(t.ac, t.table, 1)
	}
	return e.at(), err
}

// walkParallel does most of the work of walkSerial in lanes, if there is enough of it.
func (sc *scanner) walkParallel(most int, limit uint) {
	v := &sc.index
	from := uint(v.at[v.known])
	long := min((limit-from)/laneCount, v.block*laneBlocks*7/8)
	if v.failed >= laneFailing || long < laneBits || uint(most-v.known)*v.block < laneCount*laneBits {
		return
	}
	if v.lane == nil {
		v.lane = new([laneCount]lane)
	}
	for i := range v.lane {
		l := &v.lane[i]
		l.at[0], l.n, l.phase = uint32(from), 0, 0
		from += long
		l.stop = from
	}
	v.lane[0].phase = v.phase
	for bad := 0; bad < laneFailing; {
		l := v.walkLanes(sc.e.clean())
		if l == nil {
			break
		}
		p, err := sc.walkBlock(uint(l.at[l.n]), l.phase)
		switch {
		case err == nil:
			l.n++
			l.at[l.n] = uint32(p)
			l.phase = v.after(l.phase, 1)
		case l == &v.lane[0]:
			bad = laneFailing
		default: // not in step: start again one bit further on
			p = uint(l.at[l.n]) + 1
			l.at[0], l.n, l.phase = uint32(p), 0, 0
			bad++
		}
		if p >= l.stop || l.n == laneBlocks {
			break
		}
	}
	for i := range v.lane {
		if !sc.joinLane(&v.lane[i], most, limit) {
			v.failed++
			return
		}
	}
	v.failed = max(0, v.failed-1)
}

// joinLane walks true blocks up to one that lane l has, too, and appends the blocks of
// l from there on. It returns false if l never came into step.
func (sc *scanner) joinLane(l *lane, most int, limit uint) bool {
	v := &sc.index
	first := v.after(l.phase, int(v.mcu)*laneBlocks-l.n)
	if sc.walkSerial(most, min(limit, uint(l.at[0]))) != nil {
		return false
	}
	for i := 0; i <= l.n; {
		p := v.at[v.known]
		switch {
		case l.at[i] < p:
			i++
		case l.at[i] == p && v.after(first, i) == v.phase:
			n := copy(v.at[v.known:most+1], l.at[i:l.n+1]) - 1
			v.known += n
			v.phase = v.after(v.phase, n)
			return true
		default:
			known := v.known
			if sc.walkSerial(min(most, known+1), limit) != nil || v.known == known {
				return false
			}
		}
	}
	return false
}

// skipTables makes the tables with which blocks of the scan are walked, or the rest of
// blocks that are decoded.
func (sc *scanner) skipTables() {
	for i := range sc.s.comps {
		dc, ac := sc.s.dc[i], sc.s.ac[i]
		t := &sc.skips[i]
		if t.dc != dc || t.ac != ac {
			*t = skipTable{dc, ac, nil}
			for j := range i {
				if o := &sc.skips[j]; o.dc == dc && o.ac == ac {
					t.table = o.table
				}
			}
			if t.table == nil {
				t.table = new(skips)
				t.table.fill(dc, ac)
			}
		}
	}
}

// beginWalk prepares the walk of the scan.
func (sc *scanner) beginWalk() {
	sc.skipTables()
	v := &sc.index
	v.mcu, v.toGo, v.block, v.failed = 0, 0, usualBits, 0
	for i, ci := range sc.s.comps {
		c := &sc.f.comps[ci]
		n := c.h * c.v
		if len(sc.s.comps) == 1 { // not interleaved: its MCUs are single blocks
			n = 1
			v.toGo = c.bw * c.bh
		}
		for range n {
			v.tables[v.mcu%maxRun], v.ac[v.mcu%maxRun], v.of[v.mcu%maxRun] = sc.skips[i].table, sc.s.ac[i], i
			v.mcu++
		}
	}
	if len(sc.s.comps) > 1 {
		v.toGo = int(v.mcu) * sc.f.mcux * sc.f.mcuy
	}
	if n := min(v.toGo, ahead) + 1; len(v.at) < n {
		v.at = make([]uint32, n)
	}
	v.begin(0)
}
