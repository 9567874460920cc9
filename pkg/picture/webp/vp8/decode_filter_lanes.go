package vp8

// The normal loop filter without vector instructions: four samples lie in the 16-bit lanes
// of a number, so that one addition adds four of them. Nothing is carried from a lane to
// the next as long as each sum stays from 0 to 65,535. So numbers that may be negative
// have a bias added, which is named where it matters. For example, the lane of q0 - p0
// holds q0 + 256 - p0, from 1 to 511.

const (
	ones    = 0x0001000100010001 // times a number: the number in all lanes
	bytes4  = 0x00ff00ff00ff00ff
	signs   = 0x8000800080008000
	okBit   = 9
	okLanes = ones << okBit
)

// within has bit okBit of a lane set where a and b differ by at most t, which is below 256.
// x is 512 + t + a - b. It reaches 512 if b is at most a + t; what x lacks to 1024 + 2t is
// the same for b and a. Other bits mean nothing.
func within(a, b, t uint64) uint64 {
	x := a + (512+t)*ones - b
	return x & ((1024+2*t)*ones - x)
}

// absolute returns the absolute differences of samples.
func absolute(a, b uint64) uint64 {
	d := a + 256*ones - b
	negative := ^d >> 8 & ones
	return (d&bytes4 ^ (negative<<8 - negative)) + negative
}

// unbias subtracts the bias, below 32,768, and limits the result to 0 to 255.
func unbias(x, bias uint64) uint64 {
	x = (x | signs) - bias*ones
	positive := x & signs
	x &= positive - positive>>15
	over := (x + (1<<15-256)*ones) & signs
	return (x | (over>>7 - over>>15)) & bytes4
}

// only returns x where the bit okBit of ok is set, and rest elsewhere. Both are below 256.
func only(x, ok, rest uint64) uint64 {
	ok = ok >> okBit & ones
	return rest*ones ^ (x^rest*ones)&(ok<<8-ok)
}

// edge filters 8 samples of an edge, w being p3 to q3 of all of them. It returns how many
// on each side of the edge may have changed. Where there is detail beside the edge, p0 and
// q0 change; else two samples on each side do, or three at the edge of a macroblock.
func (f *filterStrength) edge(w *[8]uint64, macroblock bool) (changed int) {
	even, evenDetail := f.filtered(w, 0, macroblock)
	odd, oddDetail := f.filtered(w, 8, macroblock)
	switch {
	case even|odd == 0:
		return 0
	case macroblock:
		if even != 0 {
			smoothMacroblock(w, 0, even, evenDetail)
		}
		if odd != 0 {
			smoothMacroblock(w, 8, odd, oddDetail)
		}
		return 3
	}
	if even != 0 {
		smoothInner(w, 0, even, evenDetail)
	}
	if odd != 0 {
		smoothInner(w, 8, odd, oddDetail)
	}
	return 2
}

// filtered returns in the bit okBit of each lane whether a sample is within the limits, and
// whether there is detail beside it. Of the 8 samples it takes every second one, those that
// a shift right by shift brings to the lanes.
func (f *filterStrength) filtered(w *[8]uint64, shift uint, macroblock bool) (ok, detail uint64) {
	shift &= 63
	p1, p0, q0, q1 := w[2]>>shift&bytes4, w[3]>>shift&bytes4, w[4]>>shift&bytes4, w[5]>>shift&bytes4
	limit := uint64(f.limit)
	if macroblock {
		limit += edgeExtra
	}
	// The sum is at most 637. With 1,024 added to the limit nothing becomes negative, and the
	// bit above okBit tells.
	across := 2*absolute(p0, q0) + absolute(p1, q1)>>1&(127*ones)
	if ok = ((1024+limit)*ones - across) >> 1 & okLanes; ok == 0 {
		return 0, 0
	}
	p3, p2, q2, q3 := w[0]>>shift&bytes4, w[1]>>shift&bytes4, w[6]>>shift&bytes4, w[7]>>shift&bytes4
	t := uint64(f.interior)
	ok &= within(p3, p2, t) & within(p2, p1, t) & within(p1, p0, t) & within(q1, q0, t) & within(q2, q1, t) & within(q3, q2, t)
	t = uint64(f.variance)
	return ok, ok &^ (within(p1, p0, t) & within(q1, q0, t))
}

// putLanes writes samples back to the bytes that they came from.
func putLanes(w *uint64, shift uint, samples uint64) {
	*w = *w&^(bytes4<<(shift&63)) | samples<<(shift&63)
}

// In the two functions below step is 128 + w, w being that of section 15.3. So 27 × step is
// 27 × w with a bias of 27 × 128, and a shift by 7 leaves a bias of 27.

// smoothMacroblock filters the edge of a macroblock.
func smoothMacroblock(w *[8]uint64, shift uint, ok, detail uint64) {
	shift &= 63
	p2, p1, p0 := w[1]>>shift&bytes4, w[2]>>shift&bytes4, w[3]>>shift&bytes4
	q0, q1, q2 := w[4]>>shift&bytes4, w[5]>>shift&bytes4, w[6]>>shift&bytes4
	step := unbias(3*(q0+256*ones-p0)+unbias(p1+256*ones-q1, 128), 768)
	if detail != 0 {
		s := only(step, detail, 128)
		b, c := fifths(s, 3), fifths(s, 4)
		p0, q0 = unbias(p0+b, 16), unbias(q0+32*ones-c, 16)
	}
	step = only(step, ok&^detail, 128)
	k, l, m := (27*step+63*ones)>>7&bytes4, (18*step+63*ones)>>7&bytes4, (9*step+63*ones)>>7&bytes4
	putLanes(&w[1], shift, unbias(p2+m, 9))
	putLanes(&w[2], shift, unbias(p1+l, 18))
	putLanes(&w[3], shift, unbias(p0+k, 27))
	putLanes(&w[4], shift, unbias(q0+54*ones-k, 27))
	putLanes(&w[5], shift, unbias(q1+36*ones-l, 18))
	putLanes(&w[6], shift, unbias(q2+18*ones-m, 9))
}

// smoothInner filters an edge within a macroblock.
func smoothInner(w *[8]uint64, shift uint, ok, detail uint64) {
	shift &= 63
	p1, p0, q0, q1 := w[2]>>shift&bytes4, w[3]>>shift&bytes4, w[4]>>shift&bytes4, w[5]>>shift&bytes4
	wider := only(unbias(p1+256*ones-q1, 128), detail, 128)
	step := only(unbias(3*(q0+256*ones-p0)+wider, 768), ok, 128)
	b, c := fifths(step, 3), fifths(step, 4)
	e := only((c+ones)>>1&bytes4, ok&^detail, 8)
	putLanes(&w[2], shift, unbias(p1+e, 8))
	putLanes(&w[3], shift, unbias(p0+b, 16))
	putLanes(&w[4], shift, unbias(q0+32*ones-c, 16))
	putLanes(&w[5], shift, unbias(q1+16*ones-e, 8))
}

// fifths returns 16 plus an eighth of what step stands for, after adding a number, limited
// to five bits: 32 becomes 31.
func fifths(step, add uint64) uint64 {
	v := (step + add*ones) >> 3 & (63 * ones)
	return v - v>>5&ones
}
