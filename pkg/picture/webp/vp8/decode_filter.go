package vp8

// The loop filter (section 15) smooths the edges between blocks: first the left edge of
// a macroblock, then the vertical edges within it, the top edge, and the horizontal
// edges within it. Macroblocks are filtered in the order of the file, since each one
// reads what its neighbours became.
//
// Eight samples across an edge are called
//
//	p3 p2 p1 p0 | q0 q1 q2 q3
//
// A large step between p0 and q0 is detail and stays. A small one comes from coding in
// blocks, and is spread over the samples beside it.

// filterStrength is the thresholds of the loop filter for a macroblock.
type filterStrength struct {
	limit    int // of the step across an edge, for edges within a macroblock
	interior int // of steps between neighbours on one side
	variance int // above it, beside the edge, there is detail: only p0 and q0 change
	filterVectors
}

// edgeExtra is what the limit is higher by at the edges of macroblocks.
const edgeExtra = 4

// newFilterStrength derives the thresholds from a level and the sharpness (section 15.2
// to 15.4). They are zero if nothing is filtered.
func newFilterStrength(level, sharpness int) (f filterStrength) {
	if level <= 0 {
		return f
	}
	level = min(level, 63)
	f.interior = level
	if sharpness > 0 {
		if sharpness > 4 {
			f.interior >>= 2
		} else {
			f.interior >>= 1
		}
		f.interior = min(f.interior, 9-sharpness)
	}
	f.interior = max(f.interior, 1)
	f.limit = 2*level + f.interior
	switch {
	case level >= 40:
		f.variance = 2
	case level >= 15:
		f.variance = 1
	}
	f.setVectors()
	return f
}

// macroblockFilter says how a macroblock is filtered.
type macroblockFilter struct {
	*filterStrength
	inner bool // edges within it, too: it has coefficients, or is predicted by 4×4
}

// filterRow filters the macroblocks of a row that has been decoded.
func (d *Decoder) filterRow(above bool) {
	for x, f := range d.filters {
		if f.limit == 0 {
			continue
		}
		if d.h.simple {
			d.filterSimple(x, f, above)
		} else {
			d.filterNormal(x, f, above)
		}
	}
}

// filterSimple filters luma alone, with one threshold.
func (d *Decoder) filterSimple(x int, f macroblockFilter, above bool) {
	pix, stride, at := d.luma.pix, d.luma.stride, d.luma.at(16*x, 0)
	if x > 0 {
		simpleEdge(pix, at, 1, stride, f.limit+edgeExtra)
	}
	if f.inner {
		for i := 4; i < 16; i += 4 {
			simpleEdge(pix, at+i, 1, stride, f.limit)
		}
	}
	if above {
		simpleEdge(pix, at, stride, 1, f.limit+edgeExtra)
	}
	if f.inner {
		for i := 4; i < 16; i += 4 {
			simpleEdge(pix, at+i*stride, stride, 1, f.limit)
		}
	}
}

// filterNormal filters all planes that are decoded. An edge of 16 samples is that of luma,
// or 8 of Cb and 8 of Cr.
func (d *Decoder) filterNormal(x int, f macroblockFilter, above bool) {
	p := &d.luma
	at, half := p.at(16*x, 0), 8*p.stride
	if x > 0 {
		acrossColumns(p.pix, at, p.pix, at+half, p.stride, f.filterStrength, true)
	}
	if f.inner {
		for i := at + 4; i < at+16; i += 4 {
			acrossColumns(p.pix, i, p.pix, i+half, p.stride, f.filterStrength, false)
		}
	}
	if above {
		acrossRows(p.pix, at, p.pix, at+8, p.stride, f.filterStrength, true)
	}
	if f.inner {
		for i := at + 4*p.stride; i < at+16*p.stride; i += 4 * p.stride {
			acrossRows(p.pix, i, p.pix, i+8, p.stride, f.filterStrength, false)
		}
	}
	if d.lumaOnly {
		return
	}
	cb, cr, stride := d.chroma[0].pix, d.chroma[1].pix, d.chroma[0].stride
	at = d.chroma[0].at(8*x, 0)
	if x > 0 {
		acrossColumns(cb, at, cr, at, stride, f.filterStrength, true)
	}
	if f.inner {
		acrossColumns(cb, at+4, cr, at+4, stride, f.filterStrength, false)
	}
	if above {
		acrossRows(cb, at, cr, at, stride, f.filterStrength, true)
	}
	if f.inner {
		acrossRows(cb, at+4*stride, cr, at+4*stride, stride, f.filterStrength, false)
	}
}

// simpleEdge filters 16 samples along an edge (section 15.2). pix[at] is the first q0,
// step is the distance across the edge and next the one along it.
func simpleEdge(pix []uint8, at, step, next, limit int) {
	for range 16 {
		p1, p0, q0, q1 := int(pix[at-2*step]), int(pix[at-step]), int(pix[at]), int(pix[at+step])
		if 2*abs(p0-q0)+abs(p1-q1)>>1 <= limit {
			a := 3*(q0-p0) + signed(p1-q1)
			pix[at-step] = limited(p0 + fifth((a+3)>>3))
			pix[at] = limited(q0 - fifth((a+4)>>3))
		}
		at += next
	}
}

// columnsPlain filters 8 rows of an edge between columns (section 15.3); the first q0 is
// pix[at].
func columnsPlain(pix []uint8, at, stride int, f *filterStrength, macroblock bool) {
	for range 8 {
		s := pix[at-4 : at+4 : at+4]
		var v [8]int
		for i := range v {
			v[i] = int(s[i])
		}
		switch f.reach(&v, macroblock) {
		case 1:
			s[3], s[4] = narrow(&v)
		case 2:
			s[2], s[3], s[4], s[5] = inner(&v)
		case 3:
			s[1], s[2], s[3], s[4], s[5], s[6] = outer(&v)
		}
		at += stride
	}
}

// rowsPlain filters 8 columns of an edge between rows.
func rowsPlain(pix []uint8, at, stride int, f *filterStrength, macroblock bool) {
	p3, p2, p1, p0 := pix[at-4*stride:][:8], pix[at-3*stride:][:8], pix[at-2*stride:][:8], pix[at-stride:][:8]
	q0, q1, q2, q3 := pix[at:][:8], pix[at+stride:][:8], pix[at+2*stride:][:8], pix[at+3*stride:][:8]
	for i := range 8 {
		v := [8]int{int(p3[i]), int(p2[i]), int(p1[i]), int(p0[i]), int(q0[i]), int(q1[i]), int(q2[i]), int(q3[i])}
		switch f.reach(&v, macroblock) {
		case 1:
			p0[i], q0[i] = narrow(&v)
		case 2:
			p1[i], p0[i], q0[i], q1[i] = inner(&v)
		case 3:
			p2[i], p1[i], p0[i], q0[i], q1[i], q2[i] = outer(&v)
		}
	}
}

// reach returns how many samples of p3 to q3 are changed on each side of the edge: 0; 1
// where there is detail beside it; else 2, or 3 at the edge of a macroblock.
func (f *filterStrength) reach(v *[8]int, macroblock bool) int {
	limit := f.limit
	if macroblock {
		limit += edgeExtra
	}
	if 2*abs(v[3]-v[4])+abs(v[2]-v[5])>>1 > limit {
		return 0
	}
	p, q := abs(v[2]-v[3]), abs(v[5]-v[4])
	if max(p, q) > f.interior || abs(v[0]-v[1]) > f.interior || abs(v[1]-v[2]) > f.interior ||
		abs(v[6]-v[5]) > f.interior || abs(v[7]-v[6]) > f.interior {
		return 0
	}
	switch {
	case max(p, q) > f.variance:
		return 1
	case macroblock:
		return 3
	}
	return 2
}

// narrow, inner and outer return what becomes of the samples next to the edge.
func narrow(v *[8]int) (p0, q0 uint8) {
	a := 3*(v[4]-v[3]) + signed(v[2]-v[5])
	return limited(v[3] + fifth((a+3)>>3)), limited(v[4] - fifth((a+4)>>3))
}

func inner(v *[8]int) (p1, p0, q0, q1 uint8) {
	a := 3 * (v[4] - v[3])
	b, c := fifth((a+4)>>3), fifth((a+3)>>3)
	e := (b + 1) >> 1
	return limited(v[2] + e), limited(v[3] + c), limited(v[4] - b), limited(v[5] - e)
}

func outer(v *[8]int) (p2, p1, p0, q0, q1, q2 uint8) {
	a := signed(3*(v[4]-v[3]) + signed(v[2]-v[5]))
	b, c, e := (27*a+63)>>7, (18*a+63)>>7, (9*a+63)>>7
	return limited(v[1] + e), limited(v[2] + c), limited(v[3] + b), limited(v[4] - b), limited(v[5] - c), limited(v[6] - e)
}

func abs(v int) int {
	m := v >> 63
	return (v ^ m) - m
}

// signed limits a difference to a byte with a sign, fifth to five bits with a sign, and
// limited a sample to 0 to 255.
func signed(v int) int    { return max(-128, min(127, v)) }
func fifth(v int) int     { return max(-16, min(15, v)) }
func limited(v int) uint8 { return clip(int32(v)) }
