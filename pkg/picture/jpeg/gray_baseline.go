package jpeg

import "imgtools/pkg/fault"

// baseline writes Y's blocks of an interleaved sequential scan in the order they
// have alone: a row of MCUs of v rows of blocks is written as those rows, one by
// one. The first goes straight to the file, the others wait for the end of the row.
func (t *transcoder) baseline(s *scan) error {
	sc, e := t.sc, t.sc.e
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
			if err := sc.turn(); err != nil {
				return err
			}
			for v := range luma.v {
				for x := mx * luma.h; x < (mx+1)*luma.h; x++ {
					if !e.ready() {
						return sc.cut()
					}
					if err := t.lumaBlock(s, &rows[v], x < luma.bw); err != nil {
						return err
					}
				}
			}
			for i := 1; i < len(s.comps); i++ {
				c := &t.f.comps[s.comps[i]]
				for range c.h * c.v {
					if !e.ready() {
						return sc.cut()
					}
					if _, _, err := e.walk(s.dc[i], s.ac[i]); err != nil {
						return err
					}
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
	if e.over() {
		return sc.cut()
	}
	return nil
}

// blockRow is a row of Y's blocks as it is written.
type blockRow struct {
	out   *bitBuffer
	use   bool // it has samples: not only padding
	begun bool
	first int32 // DC of its first block, which is not in out but for row 0
	last  int32 // DC of its last block
}

// lumaBlock writes a block of Y, or drops it if it is padding.
func (t *transcoder) lumaBlock(s *scan, row *blockRow, use bool) error {
	sc, e := t.sc, t.sc.e
	d, from, err := e.walk(s.dc[0], s.ac[0])
	if err != nil {
		return err
	}
	sc.pred[0] += d
	dc := sc.pred[0]
	if dc != int32(int16(dc)<<5>>5) {
		return fault.New(fault.Format, "DC coefficient %d", dc)
	}
	if !use || !row.use {
		return nil
	}
	out := row.out
	if out == &t.w.bitBuffer {
		t.w.room()
	} else {
		out.grow()
	}
	if row.begun {
		out.value(dc-row.last, &annexCodes[0][0])
	} else {
		row.begun = true
		row.first = dc
	}
	row.last = dc
	out.copyBits(e.buf, from, e.pos*8-int(e.n))
	return nil
}
