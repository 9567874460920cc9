package jpeg

// baseline writes the luma blocks of an interleaved sequential scan in the order that a
// single component has. With a vertical sampling factor v, a row of MCUs is v rows of
// blocks:
//
//	MCUs         MCU 0        MCU 1         written
//	             0 1   Cb Cr  4 5   Cb Cr   0 1 4 5 …
//	             2 3          6 7           2 3 6 7 …
//
// The first row goes straight to the file; the others are collected and follow at the
// end of the row of MCUs.
func (t *transcoder) baseline(s *scan) error {
	sc := t.sc
	sc.beginWalk()
	luma := &t.f.comps[0]
	var rows [4]blockRow
	rows[0].out = &t.w.bitBuffer
	for v := 1; v < luma.v; v++ {
		rows[v].out = &bitBuffer{}
	}
	last := int32(0) // DC of the last block written
	for my := range t.f.mcuy {
		sc.rows = min(t.f.h, my*8*t.f.vmax)
		for v := range luma.v {
			rows[v].begun = false
			rows[v].use = my*luma.v+v < luma.bh
		}
		rows[0].begun, rows[0].last = true, last
		for mx := range t.f.mcux {
			if err := sc.nextMCU(); err != nil {
				return err
			}
			if err := sc.takeBlocks(luma.h * luma.v); err != nil {
				return err
			}
			for v := range luma.v {
				t.lumaRow(s.dc[0], &rows[v], v*luma.h, mx*luma.h)
			}
			for i := 1; i < len(s.comps); i++ {
				c := &t.f.comps[s.comps[i]]
				if err := sc.takeBlocks(c.h * c.v); err != nil {
					return err
				}
			}
		}
		last = rows[0].last
		for v := 1; v < luma.v && rows[v].use; v++ {
			t.w.room()
			t.w.value(rows[v].first-last, &annexCodes[0][0])
			t.w.join(rows[v].out)
			last = rows[v].last
		}
		if t.w.err != nil {
			return t.w.err
		}
	}
	return nil
}

// blockRow is a row of luma blocks that is being written.
type blockRow struct {
	out   *bitBuffer
	use   bool // the row has samples; else it is padding and is dropped
	begun bool
	// first is the DC of its first block. Except in row 0 its difference is not in out,
	// since the block before it, the last of the row above, is not known yet.
	first int32
	last  int32 // DC of its last block
}

// lumaRow writes the luma blocks of one MCU that belong to one row, without padding: the
// i-th block that was walked and those after it. The first is block x of the row.
func (t *transcoder) lumaRow(dc *huffman, row *blockRow, i, x int) {
	sc := t.sc
	luma := &t.f.comps[0]
	in := sc.e.clean()
	out := row.out
	if out == &t.w.bitBuffer {
		t.w.room()
	} else {
		out.grow()
	}
	for b := i; b < i+luma.h; b++ {
		from, to := uint(sc.ends[b]), uint(sc.ends[b+1])
		d := dc.value[in.load(from)>>(64-lookBits)]
		if d == 0 {
			d, _ = dc.longValue(in.load(from)) // the walk has found it valid
		}
		from += uint(d & 31)
		sc.pred[0] += int32(d) >> 16
		v := legalDC(sc.pred[0], 0)
		if !row.use || x+b-i >= luma.bw {
			continue
		}
		diff := v - row.last
		row.last = v
		if !row.begun {
			row.begun = true
			row.first = v
			out.copyBits(in, from, to, 0, 0)
			continue
		}
		code, c := valueCode(diff, &annexCodes[0][0])
		out.copyBits(in, from, to, code, c)
	}
}
