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

// filterNormal filters all planes that are decoded.
func (d *Decoder) filterNormal(x int, f macroblockFilter, above bool) {
	planes := [...]*plane{&d.luma, &d.chroma[0], &d.chroma[1]}
	for i, p := range planes {
		n := 8
		if i == 0 {
			n = 16
		} else if d.lumaOnly {
			break
		}
		at := p.at(n*x, 0)
		if x > 0 {
			normalEdge(p.pix, at, 1, p.stride, n, f.limit+edgeExtra, f.filterStrength, true)
		}
		if f.inner {
			for i := 4; i < n; i += 4 {
				normalEdge(p.pix, at+i, 1, p.stride, n, f.limit, f.filterStrength, false)
			}
		}
		if above {
			normalEdge(p.pix, at, p.stride, 1, n, f.limit+edgeExtra, f.filterStrength, true)
		}
		if f.inner {
			for i := 4; i < n; i += 4 {
				normalEdge(p.pix, at+i*p.stride, p.stride, 1, n, f.limit, f.filterStrength, false)
			}
		}
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

// normalEdge filters count samples along an edge (section 15.3). The edge of a
// macroblock changes three samples on each side, others change two.
func normalEdge(pix []uint8, at, step, next, count, limit int, f *filterStrength, macroblock bool) {
	interior, variance := f.interior, f.variance
	for ; count > 0; count, at = count-1, at+next {
		p1, p0, q0, q1 := int(pix[at-2*step]), int(pix[at-step]), int(pix[at]), int(pix[at+step])
		if 2*abs(p0-q0)+abs(p1-q1)>>1 > limit {
			continue
		}
		p3, p2, q2, q3 := int(pix[at-4*step]), int(pix[at-3*step]), int(pix[at+2*step]), int(pix[at+3*step])
		p, q := abs(p1-p0), abs(q1-q0)
		if max(p, q, abs(p3-p2), abs(p2-p1), abs(q2-q1), abs(q3-q2)) > interior {
			continue
		}
		switch {
		case max(p, q) > variance:
			a := 3*(q0-p0) + signed(p1-q1)
			pix[at-step] = limited(p0 + fifth((a+3)>>3))
			pix[at] = limited(q0 - fifth((a+4)>>3))
		case macroblock:
			a := signed(3*(q0-p0) + signed(p1-q1))
			b, c, e := (27*a+63)>>7, (18*a+63)>>7, (9*a+63)>>7
			pix[at-3*step], pix[at-2*step], pix[at-step] = limited(p2+e), limited(p1+c), limited(p0+b)
			pix[at], pix[at+step], pix[at+2*step] = limited(q0-b), limited(q1-c), limited(q2-e)
		default:
			a := 3 * (q0 - p0)
			b, c := fifth((a+4)>>3), fifth((a+3)>>3)
			e := (b + 1) >> 1
			pix[at-2*step], pix[at-step] = limited(p1+e), limited(p0+c)
			pix[at], pix[at+step] = limited(q0-b), limited(q1-e)
		}
	}
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
