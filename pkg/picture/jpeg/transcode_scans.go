package jpeg

import "io"

// transcoder writes the scans of a picture again without decoding them, some bit for
// bit, some in another order.
type transcoder struct {
	r      *Reader
	f      *frame
	sc     *scanner
	w      *bitWriter
	header headerWriter
	// What has been written last: quantization and Huffman tables by slot, whether
	// the frame header, the restart interval.
	quant [4]*quantTable
	huff  [2][4]*huffman
	frame bool
	ri    int
}

// annexDC is the luma DC table of annex K.3. Its twelve sizes hold all differences
// of 11-bit coefficients, in whatever order blocks come.
var annexDC = func() *huffman {
	h, err := newHuffman(&annexK[0][0].counts, []byte(annexK[0][0].values))
	if err != nil {
		panic(err)
	}
	return h
}()

// mustRecode reports whether the scans of r cannot be copied, so that its coefficients
// must be gathered and written again: to turn the picture; from arithmetic coding; to make
// a sequential file progressive; if the first n components have steps of 0, which many
// readers refuse; if the file has several scans of a component, of which readers differ
// which one counts; or if the file is damaged and what is left of it is wanted.
func (r *Reader) mustRecode(n int) bool {
	if r.hdr.Orientation > 1 || r.frame.arithmetic() || r.progressive && !r.frame.progressive() {
		return true
	}
	for _, c := range r.frame.comps[:n] {
		q := c.quant
		if q == nil {
			q = r.quant[c.tq]
		}
		if q != nil && q.zero {
			return true
		}
	}
	if !r.frame.progressive() && len(r.first.comps) < len(r.frame.comps) && r.rescanned() {
		return true
	}
	return r.lim.Lenient && r.damaged()
}

// damaged reports whether reading all scans fails. It reads the file by a window of its
// own.
func (r *Reader) damaged() bool {
	lim := r.lim
	lim.Lenient = false
	again, err := Open(r.src.r, r.src.size, lim)
	if err != nil || lim.CheckMem(again.frame.maskBytes()) != nil {
		return true
	}
	first := again.first
	sc := again.newScanner()
	sc.holdMasks()
	return sc.eachScan(first, sc.walkScan) != nil
}

// newTranscoder uses r up. It returns the first scan.
func newTranscoder(w io.Writer, r *Reader) (*transcoder, *scan) {
	first := r.first
	t := &transcoder{r: r, f: r.frame, w: newBitWriter(w), sc: r.newScanner()}
	t.header.soi()
	t.sc.holdMasks()
	return t, first
}

// run passes all scans to do and ends the file.
func (t *transcoder) run(first *scan, do func(*scan) error) error {
	if err := t.sc.eachScan(first, do); err != nil {
		return err
	}
	t.w.write([]byte{0xFF, mEOI})
	return t.w.err
}

// begin writes what comes before the data of a scan: tables that have changed, the
// frame header before the first scan, the restart interval if it has changed, and the
// scan header. comps are the components of the written frame.
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
		if wide && sof == mSOF0 { // B.2.4.1: baseline has 8-bit steps
			sof = mSOF1
		}
		h.sof(sof, t.f.w, t.f.h, comps)
	}
	ids := make([]byte, len(s.comps))
	for j, i := range s.comps {
		ids[j] = comps[i].id
		if s.dc[j] != nil {
			t.table(0, s.slots[j]>>4, s.dc[j])
		}
		if s.ac[j] != nil {
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

// table writes a Huffman table if its slot does not have it already.
func (t *transcoder) table(class, slot byte, h *huffman) {
	if t.huff[class][slot] != h {
		t.huff[class][slot] = h
		t.header.dht(class, slot, &h.counts, h.values)
	}
}

// copyScan copies the data of a scan, restarts included. It walks all blocks, so that a
// damaged scan is noticed.
func (t *transcoder) copyScan(s *scan) error {
	sc := t.sc
	sc.e.tap = t.w
	if err := sc.walkScan(s); err != nil {
		return err
	}
	sc.e.finish()
	sc.e.tap = nil
	t.w.empty()
	return t.w.err
}
