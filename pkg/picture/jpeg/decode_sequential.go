package jpeg

import (
	"slices"

	"imgtools/pkg/geometry"
)

// part is what a component's blocks of a single scan are decoded with. Its place among the
// parts is that of the component in the scan.
type part struct {
	h, v int
	inverse
	groups []group // of eight MCUs, in v rows of h
	pix    []uint8 // of the row of MCUs
	stride int
}

// placeBlocks sets places and, if not all samples are wanted, outside.
func (m *decoder) placeBlocks() {
	for x := range groupBlocks {
		for i := range m.parts {
			p := &m.parts[i]
			for b := range p.h * p.v {
				at := x*p.h + b%p.h
				g := &p.groups[b/p.h*p.h+at/groupBlocks]
				at %= groupBlocks
				m.places = append(m.places, blockPlace{m.pairs[i], (*laneValues)(g.v[at*blockStep:]), &g.used[at], &m.sc.pred[i]})
			}
		}
	}
	if m.wanted == geometry.Whole(m.f.mcux, m.f.mcuy) {
		return
	}
	m.outside = slices.Clone(m.places)
	of := make(map[*pairTables]*pairTables)
	for i := range m.outside {
		p := &m.outside[i]
		if of[p.pairs] == nil {
			t := *p.pairs
			t.last = 0
			of[p.pairs] = &t
		}
		p.pairs = of[p.pairs]
	}
}

// sequential decodes a row of MCUs of the one scan. With an error it returns the MCU at
// which it stopped.
func (m *decoder) sequential() (mx int, err error) {
	sc := m.sc
	sc.rows = min(m.f.h, m.row*8*m.f.vmax)
	for mx := 0; mx < m.f.mcux; mx += groupBlocks {
		most := min(groupBlocks, m.f.mcux-mx)
		wanted := m.wantsRow() && mx+most > m.wanted.X && mx < m.wanted.X+m.wanted.W
		n := 0
		for n < most && err == nil {
			var more int
			if more, err = m.skipMCUs(mx+n, most-n); more == 0 && err == nil {
				more, err = m.mcus(n, most-n, wanted)
			}
			n += more
		}
		for i := range m.parts {
			m.parts[i].samples(mx, n, wanted)
		}
		if err != nil {
			return mx + n, err
		}
	}
	if sc.e.overrun() { // in the last block of the row
		return m.f.mcux, sc.cut()
	}
	return m.f.mcux, nil
}

// mcus decodes MCUs, at most most and none after the next restart, the first of them the
// x-th of eight. It returns how many it has decoded. If their samples are not wanted, only
// DC is decoded, which the blocks after them need.
func (m *decoder) mcus(x, most int, wanted bool) (done int, err error) {
	sc := m.sc
	if err := sc.nextMCU(); err != nil {
		return 0, err
	}
	if sc.arith != nil {
		if err := m.arithMCU(x); err != nil {
			return 0, err
		}
		return 1, nil
	}
	n := sc.moreMCUs(most)
	mcu := len(m.places) / groupBlocks
	places := m.places
	if !wanted {
		places = m.outside
	}
	done, err = sc.blocks(places[x*mcu : (x+n)*mcu])
	return done / mcu, err
}

// wantsRow reports whether samples of the current row of MCUs are asked for.
func (m *decoder) wantsRow() bool {
	return m.row >= m.wanted.Y && m.row < m.wanted.Y+m.wanted.H
}

// samples computes the samples of n MCUs, the first of them the mx-th of the row, if they
// are wanted, and sets their coefficients to zero.
func (p *part) samples(mx, n int, wanted bool) {
	for y := range p.v {
		for x := range p.h {
			g := &p.groups[y*p.h+x]
			if count := min(groupBlocks, n*p.h-x*groupBlocks); count > 0 && p.n > 0 && wanted {
				at := (mx*p.h + x*groupBlocks) * p.n
				p.transform(g, count, p.pix[y*p.n*p.stride+at:], p.stride)
			}
			g.clear(p.n)
		}
	}
}

// skipMCUs skips the restart intervals from the mx-th MCU of the row on in which no
// sample is wanted. It returns how many of the next MCUs, at most most, are skipped.
func (m *decoder) skipMCUs(mx, most int) (n int, err error) {
	sc := m.sc
	at, ri := m.row*m.f.mcux+mx, sc.s.ri
	if m.skips && at >= m.skipped && at%ri == 0 {
		n := 0
		for m.skippable(at + n*ri) {
			n++
		}
		if n > 0 {
			if m.skips, err = sc.skipIntervals(n); err != nil {
				return 0, err
			}
			if m.skips {
				if m.skipped == 0 {
					m.r.Note("restart intervals outside the crop were not checked")
				}
				m.skipped = at + n*ri
			}
		}
	}
	return min(max(m.skipped-at, 0), most), nil
}

// skippable reports whether the restart interval that begins at MCU at has no MCU whose
// samples are wanted, and is not the last one. Of one in several rows all rows count.
func (m *decoder) skippable(at int) bool {
	f, w, end := m.f, m.wanted, at+m.sc.s.ri
	if end >= f.mcux*f.mcuy {
		return false
	}
	top, bottom := at/f.mcux, (end-1)/f.mcux
	if bottom < w.Y || top >= w.Y+w.H {
		return true
	}
	left := at % f.mcux
	return top == bottom && (left+m.sc.s.ri <= w.X || left >= w.X+w.W)
}
