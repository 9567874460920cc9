package vp8

// The normal loop filter without vector instructions: four samples lie in the 16-bit lanes
// of a number, so that one addition adds four of them. A difference may be negative, and
// then it borrows from the next lane. That does no harm while numbers are only added: when
// at last a bias is added that makes all lanes positive, what was borrowed is given back.
// For example, with p0 = 5 and q0 = 7 in two lanes, p0 - q0 is 0xfffdfffe; after adding 16
// to each lane it is 0x000e000e. Lanes are masked and shifted only after that.

const (
	ones   = 0x0001000100010001 // times a number: the number in all lanes
	bytes4 = 0x00ff00ff00ff00ff // the lanes' lower bytes
	upper4 = 0xff00ff00ff00ff00
	signs  = 0x8000800080008000

	lower32 = 0x00000000ffffffff // lanes 0 and 1
	lanes02 = 0x0000ffff0000ffff

	// A lane is positive if okBit is set after adding 1<<okBit to it. Bits below it, in a
	// mask, select the lane: masks are made from those bits.
	okBit   = 11
	okLanes = ones << okBit
)

// filterLanes is the thresholds of a filterStrength, plus 1<<okBit, in all lanes.
type filterLanes struct{ edge, inner, interior, variance uint64 }

func (f *filterStrength) setLanes() {
	lanes := func(v int) uint64 { return uint64(v+1<<okBit) * ones }
	f.lanes = filterLanes{lanes(2*(f.limit+edgeExtra) + 1), lanes(2*f.limit + 1), lanes(f.interior), lanes(f.variance)}
}

// within has okBit of a lane set where the difference d is from -t to t, for t as in
// filterLanes. Other bits mean nothing.
func within(d, t uint64) uint64 { return (t + d) & (t - d) }

// maskOf returns a mask of okBit lower bits in the lanes where okBit is set.
func maskOf(ok uint64) uint64 { return ok - ok>>okBit }

// unbias subtracts the bias, below 32,768, and limits the result to 0 to 255.
func unbias(x, bias uint64) uint64 {
	x = (x | signs) - bias*ones
	positive := x & signs
	x &= positive - positive>>15
	over := (x + (1<<15-256)*ones) & signs
	return (x | (over>>7 - over>>15)) & bytes4
}

// only returns x in the lanes of a mask, and rest elsewhere.
func only(x, mask, rest uint64) uint64 { return x&mask | rest*ones&^mask }

// edge filters four samples of an edge, w being p3 to q3 of all of them, and reports
// whether some may have changed. Where there is detail beside the edge, p0 and q0 change;
// else two samples on each side do, or three at the edge of a macroblock.
//
// The condition 2|p0-q0| + |p1-q1|/2 ≤ limit, in integers, is that both 4(p0-q0) + (p1-q1)
// and 4(p0-q0) - (p1-q1) are within 2 limit + 1.
func (f *filterStrength) edge(w *[8]uint64, macroblock bool) (changed bool) {
	t := f.lanes.inner
	if macroblock {
		t = f.lanes.edge
	}
	p1, p0, q0, q1 := w[2], w[3], w[4], w[5]
	step4, wider := 4*(p0-q0), p1-q1
	ok := within(step4+wider, t) & within(step4-wider, t) & okLanes
	if ok == 0 {
		return false
	}
	t = f.lanes.interior
	p3, p2, q2, q3 := w[0], w[1], w[6], w[7]
	ok &= within(p3-p2, t) & within(p2-p1, t) & within(p1-p0, t) & within(q1-q0, t) & within(q2-q1, t) & within(q3-q2, t)
	if ok == 0 {
		return false
	}
	t = f.lanes.variance
	detail := ok &^ (within(p1-p0, t) & within(q1-q0, t))
	if macroblock {
		smoothMacroblock(w, ok, detail)
	} else {
		smoothInner(w, ok, detail)
	}
	return true
}

// In the two functions below step is 128 + w, w being that of section 15.3, and 128 in lanes
// that stay as they are. wide is 128 + p1 - q1 in the lanes in which that is part of w, and 0
// in others. Both, and the samples that are the result, must be limited to a byte; but
// mostly they are bytes already, which is faster to see than to make sure of.

// smoothMacroblock filters the edge of a macroblock.
func smoothMacroblock(w *[8]uint64, ok, detail uint64) {
	p2, p1, p0, q0, q1, q2 := w[1], w[2], w[3], w[4], w[5], w[6]
	mask, wider := maskOf(ok), p1-q1
	wide := (wider+512*ones)&mask - ok>>3 - ok>>4
	step := (wider+3*(q0-p0)+1024*ones)&mask - ok>>1 + 128*ones
	if (wide|step)&upper4 != 0 {
		step = only(unbias(3*(q0+256*ones-p0)+unbias(wider+256*ones, 128), 768), mask, 128)
	}
	if detail != 0 {
		mask = maskOf(detail)
		narrow := only(step, mask, 128)
		step = only(step, ^mask, 128)
		b, c := fifths(narrow, 3), fifths(narrow, 4)
		p0, q0 = p0+b, q0+32*ones-c
		if ((p0-16*ones)|(q0-16*ones))&upper4 == 0 {
			p0, q0 = p0-16*ones, q0-16*ones
		} else {
			p0, q0 = unbias(p0, 16), unbias(q0, 16)
		}
	}
	// 9 × step + 63 is 9 w + 63 with a bias of 9 × 128, and a shift by 7 leaves a bias of 9.
	nine := 9 * step
	m, l, k := (nine+63*ones)>>7&bytes4, (2*nine+63*ones)>>7&bytes4, (3*nine+63*ones)>>7&bytes4
	p2, p1, p0 = p2+m, p1+l, p0+k
	q0, q1, q2 = q0+54*ones-k, q1+36*ones-l, q2+18*ones-m
	if ((p2-9*ones)|(p1-18*ones)|(p0-27*ones)|(q0-27*ones)|(q1-18*ones)|(q2-9*ones))&upper4 == 0 {
		w[1], w[2], w[3] = p2-9*ones, p1-18*ones, p0-27*ones
		w[4], w[5], w[6] = q0-27*ones, q1-18*ones, q2-9*ones
		return
	}
	w[1], w[2], w[3] = unbias(p2, 9), unbias(p1, 18), unbias(p0, 27)
	w[4], w[5], w[6] = unbias(q0, 27), unbias(q1, 18), unbias(q2, 9)
}

// smoothInner filters an edge within a macroblock.
func smoothInner(w *[8]uint64, ok, detail uint64) {
	p1, p0, q0, q1 := w[2], w[3], w[4], w[5]
	mask, dmask := maskOf(ok), maskOf(detail)
	wide := (p1-q1+512*ones)&dmask - detail>>3 - detail>>4
	step := (wide-detail>>4+3*(q0-p0)+1024*ones)&mask - ok>>1 + 128*ones
	if (wide|step)&upper4 != 0 {
		wide = only(unbias(p1+256*ones-q1, 128), dmask, 128)
		step = only(unbias(3*(q0+256*ones-p0)+wide, 768), mask, 128)
	}
	b, c := fifths(step, 3), fifths(step, 4)
	e := (c+ones)>>1&bytes4&^dmask | detail>>8
	p1, p0, q0, q1 = p1+e, p0+b, q0+32*ones-c, q1+16*ones-e
	if ((p1-8*ones)|(p0-16*ones)|(q0-16*ones)|(q1-8*ones))&upper4 == 0 {
		w[2], w[3], w[4], w[5] = p1-8*ones, p0-16*ones, q0-16*ones, q1-8*ones
		return
	}
	w[2], w[3], w[4], w[5] = unbias(p1, 8), unbias(p0, 16), unbias(q0, 16), unbias(q1, 8)
}

// fifths returns 16 plus an eighth of what step stands for, after adding a number, limited
// to five bits: 32 becomes 31.
func fifths(step, add uint64) uint64 {
	v := (step + add*ones) >> 3 & (63 * ones)
	return v - v>>5&ones
}
