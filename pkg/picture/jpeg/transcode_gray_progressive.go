package jpeg

// dcScan writes the luma part of an interleaved DC scan, first or refining, a row of MCUs
// at a time, in the order that the blocks of a single component have. Padding blocks are
// dropped.
func (t *transcoder) dcScan(s *scan) error {
	sc := t.sc
	luma := &t.f.comps[0]
	row := make([]int32, luma.v*luma.mw)
	var tables []*huffman // of the blocks of an MCU
	for i, ci := range s.comps {
		for range t.f.comps[ci].h * t.f.comps[ci].v {
			tables = append(tables, s.dc[i])
		}
	}
	var at []int // places in row of the luma blocks of an MCU, which come first
	for b := range luma.h * luma.v {
		at = append(at, b/luma.h*luma.mw+b%luma.h)
	}
	last := int32(0)
	for my := range t.f.mcuy {
		sc.rows = min(t.f.h, my*8*t.f.vmax)
		for mx := 0; mx < t.f.mcux; {
			// The DC of an MCU's ten blocks, at most, takes less than blockBytes.
			n, err := sc.wholeMCUs(t.f.mcux - mx)
			if err != nil {
				return err
			}
			if s.ah > 0 {
				t.dcBits(row[mx*luma.h:], at, n, len(tables))
			} else if err := t.dcFirst(row[mx*luma.h:], at, n, tables); err != nil {
				return sc.fail(err)
			}
			mx += n
		}
		if sc.e.overrun() {
			return sc.cut()
		}
		for v := range min(luma.v, luma.bh-my*luma.v) {
			r := row[v*luma.mw:][:luma.bw]
			if s.ah > 0 {
				t.w.ones(r)
			} else {
				last = t.w.values(r, last, &annexCodes[0][0])
			}
		}
		if t.w.err != nil {
			return t.w.err
		}
	}
	return sc.done()
}

// dcBits reads n MCUs of a refining DC scan, one bit for each of their blocks (T.81
// G.1.2.1), and puts those of luma into row.
func (t *transcoder) dcBits(row []int32, at []int, n, blocks int) {
	e, luma := t.sc.e, &t.f.comps[0]
	for m := range n {
		bits := e.bits(uint(blocks))
		for b, p := range at {
			row[p+m*luma.h] = bits >> (blocks - 1 - b) & 1
		}
	}
}

// dcFirst reads MCUs of a first DC scan and puts the DC values of luma into row. The
// blocks of an MCU have the given tables; those of luma come first and go to row[at[b]].
func (t *transcoder) dcFirst(row []int32, at []int, mcus int, tables []*huffman) error {
	sc, e, luma := t.sc, t.sc.e, &t.f.comps[0]
	pred := sc.pred[0]
	e.refill()
	acc, n, pos, buf := e.acc, e.n, e.pos, e.buf
	al := sc.s.al
	for m := range mcus {
		for b, dc := range tables {
			d := dc.value[acc>>(64-lookBits)]
			acc |= be64(buf[pos:]) >> (n & 63)
			pos += int((63 - n) >> 3)
			n |= 56
			if d == 0 {
				var err error
				if d, err = dc.longValue(acc); err != nil {
					e.acc, e.n, e.pos = acc, n, pos
					return err
				}
			}
			acc <<= d & 31
			n -= uint(d & 31)
			if b >= len(at) {
				continue
			}
			pred += int32(d) >> 16
			row[at[b]+m*luma.h] = legalDC(pred, al)
		}
	}
	e.acc, e.n, e.pos, sc.pred[0] = acc, n, pos, pred
	return nil
}
