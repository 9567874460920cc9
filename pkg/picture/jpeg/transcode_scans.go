package jpeg

import "io"

// transcoder writes scans of a picture again without decoding them: some as they
// are, some in another order.
type transcoder struct {
	r      *Reader
	f      *frame
	sc     *scanner
	w      *bitWriter
	header headerWriter
	// What was last written: quantization and Huffman tables by slot, the frame
	// header, the restart interval.
	quant [4]*quantTable
	huff  [2][4]*huffman
	frame bool
	ri    int
	// Of a progressive picture: which coefficients of each block are not zero,
	// by component.
	nz [4][]uint64
}

// annexDC is the luma DC table of annex K.3. Its twelve sizes hold all differences
// of 11-bit coefficients in whatever order.
var annexDC = func() *huffman {
	h, err := newHuffman(&annexK[0][0].counts, []byte(annexK[0][0].values))
	if err != nil {
		panic(err)
	}
	return h
}()

// newTranscoder uses r up; it returns the first scan.
func newTranscoder(w io.Writer, r *Reader) (*transcoder, *scan) {
	first := r.first
	t := &transcoder{r: r, f: r.frame, w: newBitWriter(w), sc: r.newScanner()}
	t.header.soi()
	return t, first
}

// holdMasks makes nz for the first n components of a progressive picture.
func (t *transcoder) holdMasks(n int) error {
	if !t.f.progressive() {
		return nil
	}
	bytes := int64(0)
	for _, c := range t.f.comps[:n] {
		bytes += 8 * int64(c.mw) * int64(c.mh)
	}
	if err := t.r.lim.CheckMem(bytes); err != nil {
		return err
	}
	for i, c := range t.f.comps[:n] {
		t.nz[i] = make([]uint64, c.mw*c.mh)
	}
	return nil
}

// run puts all scans through do and ends the file.
func (t *transcoder) run(first *scan, do func(*scan) error) error {
	if err := t.r.eachScan(t.sc, first, do); err != nil {
		return err
	}
	t.w.write([]byte{0xFF, mEOI})
	return t.w.err
}

// begin writes what comes before the data of a scan: tables that are not yet there,
// the frame header before the first scan, a change of the restart interval, and
// the scan header. comps are the components of the frame to write.
func (t *transcoder) begin(s *scan, comps []component) {
	h := &t.header
	wide := false
	for _, i := range s.comps {
		if c := &comps[i]; t.quant[c.tq] != c.quant {
			t.quant[c.tq] = c.quant
			wide = h.dqt(c.tq, &c.quant.q) || wide
		}
	}
	if !t.frame {
		t.frame = true
		sof := t.f.sof
		if wide && sof == mSOF0 { // annex B.2.4.1: baseline has 8-bit steps
			sof = mSOF1
		}
		h.sof(sof, t.f.w, t.f.h, comps)
	}
	ids := make([]byte, len(s.comps))
	for j, i := range s.comps {
		ids[j] = comps[i].id
		if s.ss == 0 && s.ah == 0 {
			t.table(0, s.slots[j]>>4, s.dc[j])
		}
		if s.se > 0 {
			t.table(1, s.slots[j]&15, s.ac[j])
		}
	}
	if s.ri != t.ri {
		h.dri(s.ri)
		t.ri = s.ri
	}
	h.sos(ids, s.slots, s.ss, s.se, s.ah, s.al)
	t.w.write(*h)
	*h = (*h)[:0]
}

// table writes a Huffman table, if it is not the last one of its place.
func (t *transcoder) table(class, slot byte, h *huffman) {
	if t.huff[class][slot] != h {
		t.huff[class][slot] = h
		t.header.dht(class, slot, &h.counts, h.values)
	}
}

// copyScan copies the data of a scan, restarts and all. Copying alone would look at
// nothing, so it walks all blocks, to see that they are whole and, for the refining
// scans that follow, which coefficients are not zero.
func (t *transcoder) copyScan(s *scan) error {
	sc := t.sc
	sc.e.tap = t.w
	var err error
	switch {
	case !t.f.progressive():
		err = sc.skipScan()
	case s.ss > 0:
		err = sc.walkBand(t.nz[s.comps[0]])
	case s.ah == 0:
		err = sc.eachBlock(sc.skipDC)
	default:
		err = sc.eachBlock(func(_, _, _ int) error { sc.e.bits(1); return nil })
	}
	if err != nil {
		return err
	}
	sc.e.finish()
	sc.e.tap = nil
	t.w.empty()
	return t.w.err
}
