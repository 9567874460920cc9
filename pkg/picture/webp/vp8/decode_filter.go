package vp8

import "encoding/binary"

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
	lanes    filterLanes
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
	f.setLanes()
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
		p1, p0, q0, q1 := int32(pix[at-2*step]), int32(pix[at-step]), int32(pix[at]), int32(pix[at+step])
		if 2*abs(p0-q0)+abs(p1-q1)>>1 <= int32(limit) {
			a := 3*(q0-p0) + signed(p1-q1)
			pix[at-step] = clip(p0 + fifth((a+3)>>3))
			pix[at] = clip(q0 - fifth((a+4)>>3))
		}
		at += next
	}
}

// columnsPlain filters 8 rows of an edge between columns (section 15.3), first the even ones;
// the first q0 is pix[at]. The samples are transposed, filtered, and transposed back.
func columnsPlain(pix []uint8, at, stride int, f *filterStrength, macroblock bool) {
	var w [8]uint64
	for i := range 2 {
		rows := pix[at-4+i*stride:]
		getColumns(rows, 2*stride, &w)
		flat := w[3] == w[4] && w[2] == w[5]
		if !flat && f.edge(&w, macroblock) {
			putColumns(rows, 2*stride, &w, macroblock)
		}
	}
}

// getColumns sets w to 8 columns of four rows, in lanes. To transpose them it swaps halves of
// numbers, then quarters, that lie on the wrong side of the diagonal.
func getColumns(pix []uint8, stride int, w *[8]uint64) {
	a, b := binary.LittleEndian.Uint64(pix), binary.LittleEndian.Uint64(pix[stride:])
	c, d := binary.LittleEndian.Uint64(pix[2*stride:]), binary.LittleEndian.Uint64(pix[3*stride:])
	a, c = a&lower32|c<<32, a>>32|c&^lower32
	b, d = b&lower32|d<<32, b>>32|d&^lower32
	a, b = a&lanes02|b&lanes02<<16, a>>16&lanes02|b&^lanes02
	c, d = c&lanes02|d&lanes02<<16, c>>16&lanes02|d&^lanes02
	w[0], w[1], w[2], w[3] = a&bytes4, a>>8&bytes4, b&bytes4, b>>8&bytes4
	w[4], w[5], w[6], w[7] = c&bytes4, c>>8&bytes4, d&bytes4, d>>8&bytes4
}

// putColumns writes the columns that may have changed to four rows.
func putColumns(pix []uint8, stride int, w *[8]uint64, macroblock bool) {
	// Samples p1, p0 and q0, q1 of a row are in a lane each.
	a, b := w[2]|w[3]<<8, w[4]|w[5]<<8
	rows02, rows13 := a&lanes02|b&lanes02<<16, a>>16&lanes02|b&^lanes02
	r0, r1, r2, r3 := (*[8]uint8)(pix), (*[8]uint8)(pix[stride:]), (*[8]uint8)(pix[2*stride:]), (*[8]uint8)(pix[3*stride:])
	binary.LittleEndian.PutUint32(r0[2:], uint32(rows02))
	binary.LittleEndian.PutUint32(r1[2:], uint32(rows13))
	binary.LittleEndian.PutUint32(r2[2:], uint32(rows02>>32))
	binary.LittleEndian.PutUint32(r3[2:], uint32(rows13>>32))
	if macroblock {
		p, q := w[1], w[6]
		r0[1], r1[1], r2[1], r3[1] = uint8(p), uint8(p>>16), uint8(p>>32), uint8(p>>48)
		r0[6], r1[6], r2[6], r3[6] = uint8(q), uint8(q>>16), uint8(q>>32), uint8(q>>48)
	}
}

// rowsPlain filters 8 columns of an edge between rows.
func rowsPlain(pix []uint8, at, stride int, f *filterStrength, macroblock bool) {
	row := func(i int) *[8]uint8 { return (*[8]uint8)(pix[at+i*stride:]) }
	if *row(-1) == *row(0) && *row(-2) == *row(1) {
		return // nothing to smooth
	}
	var even, odd [8]uint64 // of the columns
	for i := range even {
		w := binary.LittleEndian.Uint64(row(i - 4)[:])
		even[i], odd[i] = w&bytes4, w>>8&bytes4
	}
	first, second := f.edge(&even, macroblock), f.edge(&odd, macroblock)
	if !first && !second {
		return
	}
	n := 2
	if macroblock {
		n = 3
	}
	for i := 4 - n; i < 4+n; i++ {
		binary.LittleEndian.PutUint64(row(i - 4)[:], even[i&7]|odd[i&7]<<8)
	}
}

func abs(v int32) int32 {
	m := v >> 31
	return (v ^ m) - m
}

// signed limits a difference to a byte with a sign, fifth to five bits with a sign.
func signed(v int32) int32 { return max(-128, min(127, v)) }
func fifth(v int32) int32  { return max(-16, min(15, v)) }
